// SPDX-License-Identifier: GPL-2.0-only
/*
 * Early page tables, the planner: which chunk of RAM is mapped next, and
 * exactly which tables that takes.
 *
 * Input is memblock, the page sizes allowed, and what is mapped. Nothing is
 * allocated or written here, and nothing depends on who writes the tables:
 * the file is built and tested in user space as it is.
 */

#include <linux/kernel.h>
#include <linux/memblock.h>
#include <linux/pfn.h>
#include <linux/pgtable.h>

#include <asm/page.h>

#include "early_pgt.h"
#include "mm_internal.h"

/* log2 of the bytes that one table with entries of @level maps. */
static inline unsigned int table_shift(unsigned int level)
{
	return page_level_shift(level + 1);
}

/**
 * early_pgt_leaf_run - the page size of the next piece of a range
 * @start: first byte of the range, page aligned
 * @end:   past its last byte, page aligned
 * @sizes: page sizes allowed, bits of 1 << PG_LEVEL_*
 * @boot:  memblock describes RAM, so that pages may exceed the range
 * @mask:  returns the page sizes to use, the largest of them throughout
 *
 * A large page is used where it fits into the range. In early boot it is also
 * used where the range covers just a part of it, if the rest of it is RAM as
 * well: the map would get it anyway, and chunk borders leave no trace.
 *
 * Return: the end of the piece, an address in (@start, @end].
 */
unsigned long __ref early_pgt_leaf_run(unsigned long start, unsigned long end,
				       unsigned long sizes, bool boot,
				       unsigned long *mask)
{
	unsigned int level;

	for (level = PG_LEVEL_1G; level > PG_LEVEL_4K; level--) {
		unsigned long size, base;
		bool fits, ram;

		if (!(sizes & BIT(level)))
			continue;

		size = page_level_size(level);
		base = round_down(start, size);
		fits = start == base && size <= end - start;
		ram = boot && memblock_is_region_memory(base, size);

		if (IS_ENABLED(CONFIG_X86_32)) {
			/* Fixed MTRRs: no large page by choice at 0. */
			fits = fits && base;
			ram = ram && PFN_DOWN(base + size) <= max_low_pfn;
		}

		if (fits || ram) {
			*mask = sizes & (BIT(level + 1) - 1);
			return fits ? round_down(end, size) :
				      min(end, base + size);
		}

		/* A page of this size may start at the next boundary. */
		if (end - base > size)
			end = base + size;
	}

	*mask = 0;
	return end;
}

static void __init plan_init(struct early_pgt_plan *plan, unsigned long start,
			     unsigned long end)
{
	memset(plan, 0, sizeof(*plan));
	memset(plan->seen, 0xff, sizeof(plan->seen));
	plan->start = start;
	plan->end = end;
}

/*
 * Add the tables that pages of @level need in [@start, @end). To be called for
 * ascending ranges, or for blocks of one table of level PG_LEVEL_2M in any
 * monotonic order: one slot per level is enough to count each table once.
 */
static void __init plan_tables(struct early_pgt_plan *plan, unsigned long start,
			       unsigned long end, unsigned int level)
{
	unsigned int shift = table_shift(level);
	unsigned long slot = (unsigned long)__va(start) >> shift;
	unsigned long last = (unsigned long)__va(end - 1) >> shift;

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

/* Index of the first region of RAM that ends above @addr. */
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
 * early_pgt_plan_chunk - plan the largest chunk that some tables can map
 * @plan:      returns the chunk, empty if @room isn't enough for any
 * @start:     first byte that is left to map
 * @end:       past the last byte that is left to map
 * @sizes:     page sizes allowed, bits of 1 << PG_LEVEL_*
 * @room:      tables at hand
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
				 unsigned long sizes, unsigned int room,
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

		if (next.nr <= room)
			*plan = next;
		else if (unit > PMD_SIZE)
			unit = PMD_SIZE;
		else
			break;
	}
}

static unsigned long __init free_pages_in(unsigned long start, unsigned long end)
{
	phys_addr_t s, e;
	unsigned long pages = 0;
	u64 i;

	for_each_free_mem_range(i, NUMA_NO_NODE, MEMBLOCK_NONE, &s, &e, NULL) {
		u64 a = max_t(u64, PFN_UP(s), PFN_UP(start));
		u64 b = min_t(u64, PFN_DOWN(e), PFN_DOWN(end));

		if (s >= end)
			break;
		if (a < b)
			pages += b - a;
	}
	return pages;
}

/**
 * early_pgt_pays - does a chunk leave at least as many tables at hand?
 * @plan:  the chunk
 * @start: first byte that is left to map
 * @end:   past the last byte that is left to map
 *
 * A chunk that frees as many pages as its tables take can be mapped at any
 * time: whatever was possible before stays possible. So can the last one.
 *
 * Return: true if so.
 */
bool __init early_pgt_pays(const struct early_pgt_plan *plan,
			   unsigned long start, unsigned long end)
{
	return (plan->start == start && plan->end == end) ||
	       free_pages_in(plan->start, plan->end) >= plan->nr;
}

/**
 * early_pgt_plan_unit - plan the one large page or PTE table that helps most
 * @plan:  returns the unit
 * @start: first byte that is left to map
 * @end:   past the last byte that is left to map
 * @sizes: page sizes allowed, bits of 1 << PG_LEVEL_*
 * @room:  tables at hand
 *
 * For the case that the RAM next in line doesn't pay, as it is reserved: look
 * everywhere else. The highest unit with more free pages than it needs tables
 * is taken. If there is none, then the one with most free pages: none of what
 * is left pays, so those come first that need most tables at a time.
 *
 * Context: early boot, memblock is complete.
 * Return: true if a unit was found.
 */
bool __init early_pgt_plan_unit(struct early_pgt_plan *plan,
				unsigned long start, unsigned long end,
				unsigned long sizes, unsigned int room)
{
	unsigned long best = 0;
	bool found = false;
	int i;

	for (i = memblock.memory.cnt - 1; i >= 0; i--) {
		struct memblock_region *r = &memblock.memory.regions[i];
		u64 a = max_t(u64, PFN_PHYS(PFN_UP(r->base)), start);
		u64 b = min_t(u64, PFN_PHYS(PFN_DOWN(r->base + r->size)), end);

		while (a < b) {
			struct early_pgt_plan unit;
			unsigned long s, size = PMD_SIZE, pages, mask;
			u64 first;

			early_pgt_leaf_run(b - PAGE_SIZE, b, sizes, true, &mask);
			if (mask & BIT(PG_LEVEL_1G))
				size = PUD_SIZE;
			s = round_down((unsigned long)(b - 1), size);
			first = max_t(u64, a, s);
			b = first;

			if (pfn_range_is_mapped(PFN_DOWN(first), PFN_DOWN(first) + 1))
				continue;

			plan_init(&unit, max(s, start),
				  min(end - 1, s + (size - 1)) + 1);
			plan_ram(&unit, unit.start, unit.end, sizes);
			if (unit.nr > room)
				continue;

			pages = free_pages_in(unit.start, unit.end);
			if (!found || pages > best) {
				found = true;
				best = pages;
				*plan = unit;
			}
			if (pages > unit.nr) {
				*plan = unit;
				return true;
			}
		}
	}
	return found;
}
