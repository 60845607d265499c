/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EARLY_PGT_MACHINE_H
#define EARLY_PGT_MACHINE_H

/*
 * What sim.c, sim_tables.c and sim_check.c share, and nobody else needs: the
 * state of the machine, and entries of tables.
 */

#include "sim.h"

#include <asm/early_pgt.h>

/*
 * 64-bit: above the shadow of the address sanitizer, below where programs are
 * loaded, with 4 TB to spare for KASLR. 32-bit: where the kernel has it, which
 * takes programs that are loaded elsewhere.
 */
#ifdef CONFIG_X86_64
#define WINDOW		0x110000000000UL
#define WINDOW_SIZE	((SIM_MAX_PFN << PAGE_SHIFT) + (1UL << 42))
#else
#define WINDOW		PAGE_OFFSET
#define WINDOW_SIZE	(IS_ENABLED(SIM_TINY) ? SZ_16M : SIM_MAX_LOW)
#endif

/**
 * struct regions - a copy of a memblock type
 * @region: ascending
 * @nr:     regions
 * @max:    room for as many
 */
struct regions {
	struct memblock_region *region;
	unsigned long nr;
	unsigned long max;
};

/**
 * struct machine - state of the machine, besides its config and its memory
 * @ours:          the code under test allocates the tables, not the base's
 * @alloc_tables:  as alloc_low_pages(): the base's is under test, too
 * @native_ops:    early_pgt_ops, as linked
 * @table_level:   by page frame: 0, or a table's level
 * @tables:        page frames of all tables
 * @nr_tables:     tables
 * @max_tables:    room for as many
 * @nr_linked:     of @tables, the first ones: not of the direct map, or initial
 * @top_base:      first address that the top table maps
 * @top_entries:   entries of the top table that are in use
 * @brk_start:     first page frame of the BRK
 * @brk_next:      first one that is free
 * @brk_end:       past the last one
 * @premap_start:  first byte that is mapped from the start
 * @premap_end:    past the last one
 * @isa_pfn:       past the last page frame that was mapped with the ISA range
 * @empty:         memblock, without memory
 * @ram:           memory at the start: what the checks compare with
 * @taken:         reserved at the start
 * @reserved_size: its bytes, as memblock counts them
 */
struct machine {
	bool ours;
	void *(*alloc_tables)(unsigned int nr);
	struct early_pgt_ops native_ops;

	u8 *table_level;
	unsigned long *tables;
	unsigned long nr_tables;
	unsigned long max_tables;
	unsigned long nr_linked;
	unsigned long top_base;
	unsigned long top_entries;

	unsigned long brk_start;
	unsigned long brk_next;
	unsigned long brk_end;
	unsigned long premap_start;
	unsigned long premap_end;
	unsigned long isa_pfn;

	struct memblock empty;
	struct regions ram;
	struct regions taken;
	unsigned long reserved_size;
};

extern struct machine machine;

void machine_map_kernel(void);
void machine_check(void);

static inline pteval_t __fast make_entry(unsigned long pfn, pteval_t flags)
{
	return ((pteval_t)(sim_xen ? sim_mfn(pfn) : pfn) << PAGE_SHIFT) | flags;
}

static inline pteval_t __fast *entry_of(pteval_t *table, unsigned long addr, unsigned int level)
{
	if (level == sim.levels)
		return table + (((addr - machine.top_base) >> page_level_shift(level)) & (PTRS_PER_TOP - 1));
	return table + ((addr >> page_level_shift(level)) & (PTRS_PER_TABLE - 1));
}

static inline pteval_t __fast *table_of(pteval_t entry)
{
	return __va(PFN_PHYS(sim_entry_pfn(entry)));
}

#endif /* EARLY_PGT_MACHINE_H */
