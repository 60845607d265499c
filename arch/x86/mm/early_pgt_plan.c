// SPDX-License-Identifier: GPL-2.0-only
/*
 * Early page tables, the planner: exactly which tables does a range of RAM take?
 *
 * Input is memblock, the page sizes allowed, and the tables that there are.
 * Nothing is allocated or written here, and nothing depends on who writes the
 * tables: the file is built and tested in user space as it is.
 */

#include <linux/kernel.h>
#include <linux/memblock.h>
#include <linux/pfn.h>
#include <linux/pgtable.h>

#include <asm/page.h>

#include "early_pgt.h"
#include "mm_internal.h"

static void __init plan_init(struct early_pgt_plan *plan, unsigned long start,
			     unsigned long end)
{
	memset(plan, 0, sizeof(*plan));
	memset(plan->seen, 0xff, sizeof(plan->seen));
	plan->start = start;
	plan->end = end;
}

/* log2 of the bytes that one table with entries of @level maps. */
static unsigned int __init table_shift(unsigned int level)
{
	return page_level_shift(level + 1);
}

/*
 * Add the tables that pages of @level need in [@start, @end). To be called for
 * ascending ranges, or for blocks of one table of level PG_LEVEL_2M in any
 * monotonic order: one slot per level is enough to count each table once.
 */
static void __init plan_tables(struct early_pgt_plan *plan, unsigned long start,
			       unsigned long end, unsigned int level)
{
	unsigned long slot, last;
	unsigned int shift;

	/* The top-level table is there; on i386, it maps 4 GB. */
	if (level >= CONFIG_PGTABLE_LEVELS)
		return;

	shift = table_shift(level);
	slot = (unsigned long)__va(start) >> shift;
	last = (unsigned long)__va(end - 1) >> shift;
	for (; slot <= last; slot++) {
		unsigned int depth = early_pgt_depth(slot << shift);
		unsigned int l;

		for (l = level; l < depth; l++) {
			unsigned long s = slot >> (table_shift(l) - shift);

			if (plan->seen[l] == s)
				break;
			plan->seen[l] = s;
			plan->level[l]++;
			plan->nr++;
		}

		/* Below a missing table, all are missing: don't look. */
		if (depth > level + 1) {
			unsigned int up = table_shift(level + 1) - shift;
			unsigned long n = min(last, slot | (BIT(up) - 1)) - slot;

			slot += n;
			plan->seen[level] = slot;
			plan->level[level] += n;
			plan->nr += n;
		}
	}
}

/* Index in memblock.memory of the first region that ends above @addr. */
static int __init first_region(unsigned long addr)
{
	int lo = 0, hi = memblock.memory.cnt;

	while (lo < hi) {
		int mid = (lo + hi) / 2;
		struct memblock_region *r = &memblock.memory.regions[mid];

		if (r->base + r->size > addr)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

/* Add the tables that the RAM in [@start, @end) needs. */
static void __init plan_ram(struct early_pgt_plan *plan, unsigned long start,
			    unsigned long end, unsigned long sizes)
{
	int i;

	/* There may be thousands of regions: begin at the first one. */
	for (i = first_region(start); i < memblock.memory.cnt; i++) {
		struct memblock_region *r = &memblock.memory.regions[i];
		u64 a = max_t(u64, PFN_PHYS(PFN_UP(r->base)), start);
		u64 b = min_t(u64, PFN_PHYS(PFN_DOWN(r->base + r->size)), end);
		unsigned long addr = a, next, mask;

		if (r->base >= end)
			break;
		if (a >= b)
			continue;

		for (; addr < b; addr = next) {
			next = early_pgt_leaf_run(addr, b, sizes, true, &mask);
			plan_tables(plan, addr, next,
				    __fls(mask | BIT(PG_LEVEL_4K)));
		}
	}
}

/**
 * early_pgt_plan_range - count the tables that a range takes
 * @plan:  returns the range, and its tables
 * @start: first byte
 * @end:   past the last byte
 * @sizes: page sizes allowed, bits of 1 << PG_LEVEL_*
 *
 * Context: early boot, memblock is complete.
 */
void __init early_pgt_plan_range(struct early_pgt_plan *plan,
				 unsigned long start, unsigned long end,
				 unsigned long sizes)
{
	plan_init(plan, start, end);
	plan_ram(plan, start, end, sizes);
}

/**
 * early_pgt_plan_chunk - plan the largest chunk that some tables can map
 * @plan:      returns the chunk, empty if @max isn't enough for any
 * @start:     first byte that is left to map
 * @end:       past the last byte that is left to map
 * @sizes:     page sizes allowed, bits of 1 << PG_LEVEL_*
 * @max:       tables that the chunk may take
 * @bottom_up: the chunk begins at @start, else it ends at @end
 *
 * A chunk ends at a boundary of PUD_SIZE, or else of PMD_SIZE, so that it
 * never cuts the range of a PTE table. Cutting the range of a large page is
 * pointless, as all parts take the same tables.
 *
 * Context: early boot, memblock is complete.
 */
void __init early_pgt_plan_chunk(struct early_pgt_plan *plan,
				 unsigned long start, unsigned long end,
				 unsigned long sizes, unsigned long max,
				 bool bottom_up)
{
	unsigned long unit = PUD_SIZE;

	plan_init(plan, bottom_up ? start : end, bottom_up ? start : end);

	while (plan->start > start || plan->end < end) {
		struct early_pgt_plan next = *plan;

		if (bottom_up) {
			next.end = min(end - 1, plan->end | (unit - 1)) + 1;
			plan_ram(&next, plan->end, next.end, sizes);
		} else {
			next.start = max(start, round_down(plan->start - 1, unit));
			plan_ram(&next, next.start, plan->start, sizes);
		}

		if (next.nr <= max)
			*plan = next;
		else if (unit > PMD_SIZE)
			unit = PMD_SIZE;
		else
			break;
	}
}
