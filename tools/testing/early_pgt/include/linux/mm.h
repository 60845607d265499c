/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EARLY_PGT_LINUX_MM_H
#define EARLY_PGT_LINUX_MM_H

struct seq_file;

#include_next <linux/mm.h>

/* Physical memory is a window of the address space, sparse. */
extern unsigned long sim_page_offset;

#undef __va
#undef __pa
#undef phys_to_virt
#define __va(x)		((void *)((unsigned long)(x) + sim_page_offset))
#define __pa(x)		((unsigned long)(x) - sim_page_offset)
#define phys_to_virt(x)	__va(x)

#endif /* EARLY_PGT_LINUX_MM_H */
