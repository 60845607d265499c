// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's own crash_reserve.c, on the simulator's memblock.
 */

#include "sim.h"

#include <errno.h>
#include <stdlib.h>

#include "kexec.h"

#define CONFIG_ARCH_HAS_GENERIC_CRASHKERNEL_RESERVATION
#define CONFIG_64BIT
#undef pr_err
#define pr_err(fmt, ...)	sim_printk(fmt, ##__VA_ARGS__)
#define kmemleak_ignore_phys(phys) ((void)(phys))
#define insert_resource(parent, res) ((void)(res))
#ifndef ULLONG_MAX
#define ULLONG_MAX		(~0ULL)
#endif
#undef SZ_64T
#define SZ_64T			(1ULL << 46)

struct resource {
	const char *name;
	u64 start, end;
	unsigned long flags, desc;
};
enum { IORESOURCE_BUSY, IORESOURCE_SYSTEM_RAM, IORES_DESC_CRASH_KERNEL };

unsigned long swiotlb_size_or_default(void)
{
	return SZ_64M;
}

unsigned long long memparse(const char *p, char **end)
{
	unsigned long long val = strtoull(p, end, 0);
	const char *unit = "kmgtpe", *u = **end ? strchr(unit, **end | 32) : NULL;

	if (u) {
		val <<= 10 * (u - unit + 1);
		(*end)++;
	}
	return val;
}

#include "kexec/crash_reserve.h"
#include "kexec/crash_reserve.c"

/**
 * reserve_for_crash - as arch_reserve_crashkernel()
 * @cmdline: the kernel's command line
 * @crash:   returns the range, or an empty one
 * @low:     returns that below 4 GB, if there is one besides, or an empty one
 *
 * Return: 0; -ENOENT without crashkernel=, or another error if it can't be read, or
 * nothing is to be reserved.
 */
int reserve_for_crash(char *cmdline, struct kexec_area *crash, struct kexec_area *low)
{
	unsigned long long base, size, low_size = 0;
	bool high = false;
	int ret;

	*crash = *low = (struct kexec_area) {};
	crashk_res.start = crashk_res.end = 0;
	crashk_low_res.start = crashk_low_res.end = 0;
	if (!strstr(cmdline, "crashkernel="))
		return -ENOENT;
	ret = parse_crashkernel(cmdline, memblock_phys_mem_size(), &size, &base, &low_size, &high);
	if (ret)
		return ret;
	reserve_crashkernel_generic(cmdline, size, base, low_size, high);
	if (crashk_res.end)
		*crash = (struct kexec_area) { crashk_res.start, crashk_res.end + 1 };
	if (crashk_low_res.end)
		*low = (struct kexec_area) { crashk_low_res.start, crashk_low_res.end + 1 };
	return 0;
}
