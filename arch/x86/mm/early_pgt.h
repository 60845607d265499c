/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __X86_MM_EARLY_PGT_H
#define __X86_MM_EARLY_PGT_H

/*
 * Internal interface of the early page tables: the planner (early_pgt_plan.c),
 * the pool and the mapping loop (early_pgt.c), and what these two need from
 * the code that writes the page tables. Addresses are physical, in bytes;
 * ranges exclude their end.
 *
 * Tables have the level of their entries: a table of level PG_LEVEL_4K is a
 * page of PTEs, one of PG_LEVEL_512G is a page of P4Ds.
 */

#include <linux/pgtable.h>
#include <linux/types.h>

#define EARLY_PGT_LEVELS	5

/* Tables that it takes to map a page, at most, below the top level. */
#define EARLY_PGT_PER_PAGE	(CONFIG_PGTABLE_LEVELS - 1UL)

/**
 * struct early_pgt_plan - a range of RAM, and what it takes to map it
 * @start: first byte
 * @end:   past the last byte
 * @nr:    tables needed, all levels
 * @level: tables needed, by level
 * @seen:  the slot counted last, by level (internal to the planner)
 */
struct early_pgt_plan {
	unsigned long start;
	unsigned long end;
	unsigned long nr;
	unsigned long level[EARLY_PGT_LEVELS];
	unsigned long seen[EARLY_PGT_LEVELS];
};

/* The planner: no side effects, no state of its own. */
void early_pgt_plan_range(struct early_pgt_plan *plan, unsigned long start,
			  unsigned long end, unsigned long sizes);
void early_pgt_plan_chunk(struct early_pgt_plan *plan, unsigned long start,
			  unsigned long end, unsigned long sizes,
			  unsigned long max, bool bottom_up);

/* The pool and the mapping loop. */
void early_pgt_map_ram(unsigned long start, unsigned long end,
		       unsigned long sizes, unsigned long split);
void *early_pgt_alloc(unsigned int nr);
pte_t *early_pgt_new_ptes(unsigned long start, unsigned long end, pgprot_t prot);
#if IS_ENABLED(CONFIG_KUNIT)
void early_pgt_set_pool(unsigned long pfn, unsigned long nr);
#endif

/* Provided by the code that writes the tables (init.c). */
unsigned int early_pgt_depth(unsigned long addr);
unsigned long init_memory_mapping(unsigned long start, unsigned long end,
				  pgprot_t prot);

#endif /* __X86_MM_EARLY_PGT_H */
