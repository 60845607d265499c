// SPDX-License-Identifier: GPL-2.0-only
/*
 * Print the name of the hypervisor that we run on, as the processor has it: of the one
 * below Xen, too, unless Xen can hide it from dom0. Nothing, if there is none.
 */
#include <cpuid.h>
#include <stdio.h>

int main(void)
{
	unsigned int eax, name[4] = { 0 };

	__cpuid(1, eax, name[0], name[1], name[2]);
	if (!(name[1] & 1U << 31))
		return 0;
	__cpuid(0x40000000, eax, name[0], name[1], name[2]);
	name[3] = 0;
	puts(name[0] ? (const char *)name : "unknown");
	return 0;
}
