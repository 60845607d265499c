// SPDX-License-Identifier: GPL-2.0-only
/*
 * Early page tables: the pool of tables, and the loop that maps all RAM.
 *
 * How many tables all of RAM takes is counted first. RAM is then mapped in
 * chunks, as large as the tables at hand allow. The end of a chunk holds the
 * tables of the next ones. See Documentation/arch/x86/early-pgt.rst.
 */

#define pr_fmt(fmt) "early_pgt: " fmt

#include <kunit/visibility.h>

#include <linux/kernel.h>
#include <linux/memblock.h>
#include <linux/pfn.h>
#include <linux/pgtable.h>
#include <linux/range.h>
#include <linux/sizes.h>
#include <linux/utsname.h>

#include <asm/e820/types.h>
#include <asm/early_pgt.h>
#include <asm/page.h>
#include <asm/sections.h>
#include <asm/setup.h>

#include "early_pgt.h"
#include "mm_internal.h"

/*
 * The first tables come from the BRK, which is mapped with the kernel. One
 * table a level is what it takes to map any page: once for the ISA range, and
 * once for RAM, which brings the memory for all other tables. They may share no
 * table, as RAM can be anywhere. The trampoline has a PUD table of its own if
 * KASLR moves the direct map, and a P4D table with 5 levels. The others make
 * the first chunk larger.
 */
#if defined(CONFIG_RANDOMIZE_MEMORY)
#define BOOTSTRAP_TABLES	(4 * EARLY_PGT_PER_PAGE)
#elif defined(CONFIG_X86_64)
#define BOOTSTRAP_TABLES	(2 * EARLY_PGT_PER_PAGE)
#else
#define BOOTSTRAP_TABLES	6
#endif

RESERVE_BRK(early_pgt, BOOTSTRAP_TABLES * PAGE_SIZE);

/* Needed are two for each table of a page; more make for larger chunks. */
#define POOL_PIECES		16

/* For a panic: tables may come from more ranges than that. */
#define TAKEN_RANGES		64

/* Memory for tables that is mapped, reserved, and unused. */
static struct {
	struct range piece[POOL_PIECES];	/* page frames; the last one is used first */
	unsigned int nr;
	unsigned long pages;			/* in all pieces */
	struct range taken[TAKEN_RANGES];	/* page frames that memblock gave */
	int nr_taken;
	unsigned long tables;			/* pages that memblock gave */
	unsigned long below_4g;			/* of these */
} pool __initdata;

/* What is to be mapped, and how. */
struct map_state {
	unsigned long start;			/* of all of it, bytes */
	unsigned long end;
	unsigned long sizes;			/* bits of 1 << PG_LEVEL_* */
	unsigned long split;			/* where mapping begins */
	bool bottom_up;
	unsigned long need;			/* tables that the rest of it takes */
	unsigned int chunks;			/* so far */
};

static void __init pool_add(unsigned long pfn, unsigned long nr)
{
	pool.piece[pool.nr].start = pfn;
	pool.piece[pool.nr++].end = pfn + nr;
	pool.pages += nr;
}

VISIBLE_IF_KUNIT void __init early_pgt_set_pool(unsigned long pfn, unsigned long nr)
{
	memset(&pool, 0, sizeof(pool));
	pool_add(pfn, nr);
}

/**
 * early_alloc_pgt_buf - take the first tables from the BRK
 *
 * Context: early boot, before reserve_brk().
 */
void __init early_alloc_pgt_buf(void)
{
	void *brk = extend_brk(BOOTSTRAP_TABLES * PAGE_SIZE, PAGE_SIZE);

	early_pgt_set_pool(PFN_DOWN(__pa(brk)), BOOTSTRAP_TABLES);
}

/**
 * early_pgt_alloc - allocate early tables
 * @nr: pages
 *
 * From the pool: if the direct map is being changed, the pages are under
 * construction. Later from what is left of the bootstrap tables, or else from
 * all of RAM, which is mapped then. Panics if there is no memory.
 *
 * Context: boot, until the memory allocators are up.
 * Return: virtual address of contiguous pages, not cleared.
 */
void * __init early_pgt_alloc(unsigned int nr)
{
	struct range *piece = pool.nr ? &pool.piece[pool.nr - 1] : NULL;
	phys_addr_t phys;

	if (piece && piece->end - piece->start >= nr) {
		phys = PFN_PHYS(piece->start);
		piece->start += nr;
		pool.pages -= nr;
		if (piece->start == piece->end)
			pool.nr--;
	} else if (early_pgt_area.building) {
		panic("early_pgt: %u more tables than planned\n", nr);
	} else {
		phys = memblock_phys_alloc_range(nr * PAGE_SIZE, PAGE_SIZE,
						 ISA_END_ADDRESS,
						 PFN_PHYS(max_pfn_mapped));
		if (!phys)
			panic("early_pgt: no memory for %u tables below %#llx\n",
			      nr, (u64)PFN_PHYS(max_pfn_mapped));
	}

	early_pgt_add_tables(__va(phys), nr);
	return __va(phys);
}

/**
 * early_pgt_new_ptes - allocate a PTE table, and fill it
 * @start: first byte to map, page aligned
 * @end:   past the last byte to map, within the same table
 * @prot:  protection of all pages
 *
 * Context: boot, until the memory allocators are up.
 * Return: virtual address of the table, all other entries are clear.
 */
pte_t * __init early_pgt_new_ptes(unsigned long start, unsigned long end,
				  pgprot_t prot)
{
	unsigned int nr = PFN_UP(end) - PFN_DOWN(start);
	pte_t *table = early_pgt_alloc(1);

	if (nr < PTRS_PER_PTE)
		clear_page(table);
	early_pgt_ops.fill_ptes(table + pte_index(start), PFN_DOWN(start), nr, prot);
	update_page_count(PG_LEVEL_4K, nr);
	return table;
}

/*
 * Free pages in [@start, @end): all of them, or those of the highest run that has
 * any. An upper bound: what may be used is up to memblock.
 */
static unsigned long __init free_pages_in(unsigned long start, unsigned long end,
					  bool all)
{
	unsigned long pages = 0;
	phys_addr_t s, e;
	u64 i;

	for_each_free_mem_range_reverse(i, NUMA_NO_NODE, MEMBLOCK_NONE, &s, &e, NULL) {
		u64 a = PFN_UP(max_t(u64, s, start)), b = PFN_DOWN(min_t(u64, e, end));

		if (a < b)
			pages += b - a;
		if ((pages && !all) || e <= start)
			break;
	}
	return pages;
}

/*
 * Does memblock have @nr pages for tables in [@start, @end)? It's asked for them, as
 * free memory may be none that it gives: kexec handover, a full array.
 */
static bool __init has_pages(unsigned long nr, unsigned long start,
			     unsigned long end)
{
	phys_addr_t page[EARLY_PGT_PER_PAGE];
	unsigned long got = 0;
	bool has;

	while (got < nr) {
		page[got] = memblock_phys_alloc_range(PAGE_SIZE, PAGE_SIZE, start, end);
		if (!page[got])
			break;
		got++;
	}
	has = got == nr;
	while (got)
		memblock_phys_free(page[--got], PAGE_SIZE);
	return has;
}

/*
 * Have @want pages in the pool, or as many as there are, from memory that is
 * mapped. Where they lie in [@start, @end) is up to memblock. Top-down, it isn't
 * asked for more than the highest run of free memory has: so small runs are used
 * up before large ones are cut.
 */
static void __init pool_fill(const struct map_state *s, unsigned long want,
			     unsigned long start, unsigned long end)
{
	while (pool.pages < want && pool.nr < POOL_PIECES) {
		unsigned long nr = want - pool.pages, pfn;
		phys_addr_t phys = 0;

		if (!s->bottom_up)
			nr = min(nr, free_pages_in(start, end, false));
		for (; nr; nr /= 2) {
			phys = memblock_phys_alloc_range(PFN_PHYS(nr), PAGE_SIZE,
							 start, end);
			if (phys)
				break;
		}
		if (!phys)
			return;

		pfn = PFN_DOWN(phys);
		pool_add(pfn, nr);
		pool.nr_taken = add_range_with_merge(pool.taken, TAKEN_RANGES,
						     pool.nr_taken, pfn, pfn + nr);
		pool.tables += nr;
		pool.below_4g += clamp(BIT(32 - PAGE_SHIFT), pfn, pfn + nr) - pfn;
	}
}

/* A free block of memory, aligned to its @size; 0: there is none. */
static unsigned long __init find_block(const struct map_state *s, unsigned long size)
{
	phys_addr_t phys = memblock_phys_alloc_range(size, size, s->start, s->end);

	if (phys)
		memblock_phys_free(phys, size);
	return phys;
}

/*
 * Find free memory, anywhere, that brings more pages than it takes tables to map
 * it, and plan the range of its PTE table. What is mapped already takes none.
 */
static bool __init plan_free_block(const struct map_state *s,
				   struct early_pgt_plan *plan)
{
	unsigned long size, block, unit;

	for (size = PMD_SIZE; size >= PAGE_SIZE; size /= 2) {
		block = find_block(s, size);
		if (!block)
			continue;

		unit = round_down(block, PMD_SIZE);
		early_pgt_plan_range(plan, max(unit, s->start),
				     min(unit + PMD_SIZE - 1, s->end - 1) + 1, s->sizes);
		if (plan->nr < PFN_DOWN(size) && plan->nr <= pool.pages)
			return true;
	}
	return false;
}

static void __init report_ranges(const char *name, const struct memblock_type *type)
{
	unsigned long i, order, lines = 0;

	/* By size, the largest first. */
	for (order = 64; order; order--) {
		for (i = 0; i < type->cnt; i++) {
			const struct memblock_region *r = &type->regions[i];

			if (fls64(r->size) != order || lines++ >= E820_MAX_ENTRIES_ZEROPAGE)
				continue;
			pr_emerg("%-8s [mem %#018llx-%#018llx] %llu KB\n", name, (u64)r->base,
				 (u64)r->base + r->size - 1, (u64)r->size >> 10);
		}
	}
	pr_emerg("%s: %lu ranges, %llu KB%s\n", name, type->cnt, (u64)type->total_size >> 10,
		 lines > E820_MAX_ENTRIES_ZEROPAGE ? "; smaller ones aren't listed" : "");
}

/* All that it takes to simulate this machine: see tools/testing/early_pgt. */
static void __init __noreturn map_failed(const struct map_state *s,
					 unsigned long start, unsigned long end)
{
	struct early_pgt_plan plan;
	int i;

	early_pgt_plan_range(&plan, start, end, s->sizes);
	pr_emerg("can't map [mem %#018lx-%#018lx], Linux %s\n", start, end - 1,
		 init_uts_ns.name.release);
	pr_emerg("%lu tables needed: %lu PTE, %lu PMD, %lu PUD, %lu P4D; %lu pages at hand\n",
		 plan.nr, plan.level[PG_LEVEL_4K], plan.level[PG_LEVEL_2M],
		 plan.level[PG_LEVEL_1G], plan.level[PG_LEVEL_512G], pool.pages);
	pr_emerg("pages of 4K%s%s, %u bootstrap tables, %s, kernel [mem %#018llx-%#018llx], direct map %#lx\n",
		 s->sizes & BIT(PG_LEVEL_2M) ? " 2M" : "",
		 s->sizes & BIT(PG_LEVEL_1G) ? " 1G" : "",
		 (unsigned int)BOOTSTRAP_TABLES, s->bottom_up ? "bottom-up" : "top-down",
		 (u64)__pa_symbol(_text), (u64)__pa_symbol(_end) - 1, PAGE_OFFSET);
	report_ranges("memory", &memblock.memory);
	report_ranges("reserved", &memblock.reserved);
	for (i = 0; i < pool.nr_taken; i++)
		pr_emerg("tables   [mem %#018llx-%#018llx]\n",
			 (u64)pool.taken[i].start << PAGE_SHIFT,
			 ((u64)pool.taken[i].end << PAGE_SHIFT) - 1);

	panic("early_pgt: can't map [mem %#lx-%#lx]: %lu tables needed, %lu at hand\n",
	      start, end - 1, plan.nr, pool.pages);
}

/*
 * The tables at hand don't suffice for [@start, @end), as it is planned: plan what
 * to map next of it, or elsewhere. As many pages as any page may take tables are
 * kept, in [@from, @to) or in the pool, so that free memory can be mapped wherever
 * it is.
 */
static void __init next_chunk(const struct map_state *s, struct early_pgt_plan *plan,
			      unsigned long start, unsigned long end, bool up,
			      unsigned long from, unsigned long to)
{
	unsigned long keep = EARLY_PGT_PER_PAGE;
	unsigned int i;

	if (has_pages(keep, from, to))
		keep = 0;
	else
		pool_fill(s, min(s->need, keep), from, to);

	if (pool.pages > keep) {
		early_pgt_plan_chunk(plan, start, end, s->sizes, pool.pages - keep, up);
		if (plan->start < plan->end)
			return;
	}

	/* One more page may do: come again. */
	if (!keep) {
		pool_fill(s, pool.pages + 1, from, to);
		plan->end = plan->start;
		return;
	}

	if (plan_free_block(s, plan))
		return;

	/* No memory is gained by what is kept: use it, and then low memory. */
	for (i = 0; i < 2; i++) {
		early_pgt_plan_chunk(plan, start, end, s->sizes, pool.pages, up);
		if (plan->start < plan->end)
			return;
		pool_fill(s, min(s->need, EARLY_PGT_PER_PAGE), 0, ISA_END_ADDRESS);
	}
	map_failed(s, start, end);
}

static void __init map_chunk(struct map_state *s, const struct early_pgt_plan *plan)
{
	unsigned long start_pfn, end_pfn, pages = pool.pages;
	int i;

	for_each_mem_pfn_range(i, MAX_NUMNODES, &start_pfn, &end_pfn, NULL) {
		u64 start = max_t(u64, PFN_PHYS(start_pfn), plan->start);
		u64 end = min_t(u64, PFN_PHYS(end_pfn), plan->end);

		if (start < end)
			init_memory_mapping(start, end, PAGE_KERNEL);
	}
	s->need -= pages - pool.pages;
	s->chunks++;

	/* Harmless, but the plan and what it takes must not drift apart. */
	WARN(pages - pool.pages != plan->nr,
	     "early_pgt: %lu tables planned for [mem %#lx-%#lx], %lu used\n",
	     plan->nr, plan->start, plan->end - 1, pages - pool.pages);
}

/*
 * Map the RAM of [@start, @end), from the bottom @up, or from the top down; it's the
 * @last part if all other RAM is mapped.
 */
static void __init map_range(struct map_state *s, unsigned long start,
			     unsigned long end, bool up, bool last)
{
	unsigned long from = up ? start : end, to = from, want, keep;
	struct early_pgt_plan plan;

	if (last && s->bottom_up) {
		from = s->split;
		to = s->end;
	} else if (last) {
		from = s->start;
	}

	/* All of [@from, @to) is mapped. */
	while (start < end) {
		early_pgt_plan_range(&plan, start, end, s->sizes);
		want = plan.nr;
		/* Others' memory isn't taken in place of its own, which comes later. */
		if (last)
			want -= min(want, free_pages_in(start, end, true));
		pool_fill(s, want, from, to);

		/* What comes after this part begins with memory of it, or with this. */
		keep = min(s->need - plan.nr, EARLY_PGT_PER_PAGE);
		if (has_pages(keep, from, to))
			keep = 0;
		else
			pool_fill(s, want + keep, from, to);
		if (plan.nr + keep > pool.pages)
			next_chunk(s, &plan, start, end, up, from, to);

		if (plan.start < plan.end)
			map_chunk(s, &plan);
		if (up && plan.start == start)
			start = plan.end;
		else if (!up && plan.end == end)
			end = plan.start;
		else
			pool_fill(s, s->need, plan.start, plan.end);

		if (!up)
			from = end;
		else if (to < start)
			to = start;
	}
}

/**
 * early_pgt_map_ram - map all RAM of a range, chunk by chunk
 * @start: first byte
 * @end:   past the last byte
 * @sizes: page sizes allowed, bits of 1 << PG_LEVEL_*
 * @split: 0: map from the top down; else an address in the range: map from
 *         there up, and then what is below it, from @start up
 *
 * Panics if no free block of memory is left that brings more pages than it takes
 * tables to map it, and the pages at hand don't suffice for the rest.
 *
 * Context: early boot, memblock is complete.
 */
void __init early_pgt_map_ram(unsigned long start, unsigned long end,
			      unsigned long sizes, unsigned long split)
{
	struct map_state s = {
		.start = start, .end = end, .sizes = sizes, .bottom_up = split,
	};
	struct early_pgt_plan all;

	early_pgt_plan_range(&all, start, end, sizes);
	s.need = all.nr;

	/*
	 * Top-down, begin with the highest large page of free memory, and leave what
	 * is above it, often in pieces, for later. Firmware may own the rest of a
	 * large page in which RAM ends, such as an SNP host's RMP table: no table is
	 * to be there.
	 */
	if (!s.bottom_up) {
		split = find_block(&s, PMD_SIZE);
		split = split ? split + PMD_SIZE : end;
	}
	s.split = min(split, end);

	if (s.bottom_up) {
		map_range(&s, s.split, end, true, false);
		map_range(&s, start, s.split, true, true);
	} else {
		map_range(&s, start, s.split, false, false);
		map_range(&s, s.split, end, true, true);
	}

	pr_info("%lu tables in %u chunks, %lu below 4G; %lu of %u bootstrap tables left\n",
		pool.tables, s.chunks, pool.below_4g, pool.pages,
		(unsigned int)BOOTSTRAP_TABLES);
}
