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
	unsigned long slot, last;
	unsigned int shift;

	/* The top-level table is there; on i386, it maps 4 GB. */
	if (level >= CONFIG_PGTABLE_LEVELS)
		return;

	shift = early_pgt_shift(level);
	slot = (unsigned long)__va(start) >> shift;
	last = (unsigned long)__va(end - 1) >> shift;
	for (; slot <= last; slot++) {
		unsigned int depth = early_pgt_depth(slot << shift);
		unsigned int l;

		for (l = level; l < depth; l++) {
			unsigned long s = slot >> (early_pgt_shift(l) - shift);

			if (plan->seen[l] == s)
				break;
			plan->seen[l] = s;
			plan->level[l]++;
			plan->nr++;
		}

		/* Below a missing table, all are missing: don't look. */
		if (depth > level + 1) {
			unsigned int up = early_pgt_shift(level + 1) - shift;
			unsigned long n = min(last, slot | (BIT(up) - 1)) - slot;

			slot += n;
			plan->seen[level] = slot;
			plan->level[level] += n;
			plan->nr += n;
		}
	}
}

static int __init first_region(const struct memblock_type *type, unsigned long addr)
{
	int lo = 0, hi = type->cnt;

	while (lo < hi) {
		int mid = (lo + hi) / 2;
		struct memblock_region *r = &type->regions[mid];

		if (r->base + r->size > addr)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

/**
 * early_pgt_first_region - find RAM
 * @addr: physical address
 *
 * Return: index in memblock.memory of the first region that ends above @addr,
 * or the number of regions.
 */
int __init early_pgt_first_region(unsigned long addr)
{
	return first_region(&memblock.memory, addr);
}

/* Add the tables that the RAM in [@start, @end) needs. */
static void __init plan_ram(struct early_pgt_plan *plan, unsigned long start,
			    unsigned long end, unsigned long sizes)
{
	int i;

	for (i = early_pgt_first_region(start); i < memblock.memory.cnt; i++) {
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
 * early_pgt_plan_range - plan a chunk that is given
 * @plan:  returns the chunk
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

/**
 * early_pgt_not_mapped - count page frames that are not mapped yet
 * @start: first page frame
 * @end:   past the last page frame
 */
unsigned long __init early_pgt_not_mapped(u64 start, u64 end)
{
	unsigned long pages = end - start;
	int j;

	for (j = 0; j < nr_pfn_mapped; j++) {
		u64 a = max_t(u64, start, pfn_mapped[j].start);
		u64 b = min_t(u64, end, pfn_mapped[j].end);

		if (a < b)
			pages -= b - a;
	}
	return pages;
}

/**
 * early_pgt_free_pages - pages that mapping a range brings
 * @start: first byte
 * @end:   past the last byte
 *
 * Return: free pages of the range that are not mapped yet.
 */
unsigned long __init early_pgt_free_pages(unsigned long start, unsigned long end)
{
	struct memblock_type *ram = &memblock.memory, *taken = &memblock.reserved;
	unsigned long pages = 0;
	int i, j;

	/*
	 * There may be thousands of ranges, and thousands of calls: memblock's
	 * iterators begin at the bottom, and end at the next free page.
	 */
	for (i = first_region(ram, start); i < ram->cnt; i++) {
		u64 a = max_t(u64, ram->regions[i].base, start);
		u64 b = min_t(u64, ram->regions[i].base + ram->regions[i].size, end);

		if (a >= b)
			break;
		for (j = first_region(taken, a); a < b; j++) {
			u64 next = b, free_end = b;

			if (j < taken->cnt) {
				free_end = min_t(u64, taken->regions[j].base, b);
				next = taken->regions[j].base + taken->regions[j].size;
			}
			if (PFN_UP(a) < PFN_DOWN(free_end))
				pages += early_pgt_not_mapped(PFN_UP(a),
							      PFN_DOWN(free_end));
			a = next;
		}
	}
	return pages;
}

/**
 * early_pgt_pays - can a chunk be mapped now without doing harm?
 * @plan:  the chunk
 * @room:  tables at hand
 * @spare: pages left over when all is mapped, in whatever order
 *
 * A chunk that frees as many pages as its tables take can be mapped at any
 * time: whatever was possible before stays possible. Only if next to nothing is
 * at hand, or to spare, parts of it might have to wait.
 *
 * Return: true if so.
 */
bool __init early_pgt_pays(const struct early_pgt_plan *plan,
			   unsigned long room, long spare)
{
	unsigned long pages;

	if (!plan->nr)
		return true;

	pages = early_pgt_free_pages(plan->start, plan->end);
	return spare >= EARLY_PGT_PER_PAGE && pages >= plan->nr &&
	       room + pages - plan->nr >= EARLY_PGT_PER_PAGE;
}
