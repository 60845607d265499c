// SPDX-License-Identifier: GPL-2.0-only
/*
 * Early page tables: the pool of tables, and the loop that maps all RAM.
 *
 * RAM is mapped in chunks. The tables of a chunk are allocated at the end of
 * the chunk mapped before it: in one piece, reserved once, and exactly as many
 * as the chunk needs. See Documentation/arch/x86/early-pgt.rst.
 */

#define pr_fmt(fmt) "early_pgt: " fmt

#include <kunit/visibility.h>

#include <linux/kernel.h>
#include <linux/memblock.h>
#include <linux/pfn.h>
#include <linux/pgtable.h>
#include <linux/range.h>
#include <linux/sizes.h>

#include <asm/e820/types.h>
#include <asm/early_pgt.h>
#include <asm/page.h>
#include <asm/setup.h>

#include "early_pgt.h"
#include "mm_internal.h"

/*
 * The first tables come from the BRK, which is mapped with the kernel. One
 * table a level is what it takes to map anything: once for the ISA range, and
 * once for the first chunk, which brings the memory for all other tables. They
 * may share no table, as RAM can be anywhere. The trampoline has a PUD table
 * of its own if KASLR moves the direct map, and a P4D table with 5 levels. The
 * others are for machines whose memory is all but full; early_pgt_alloc() begins
 * with what is left of them.
 */
#if defined(CONFIG_RANDOMIZE_MEMORY)
#define BOOTSTRAP_TABLES	(4 * EARLY_PGT_PER_PAGE)
#elif defined(CONFIG_X86_64)
#define BOOTSTRAP_TABLES	(2 * EARLY_PGT_PER_PAGE)
#else
#define BOOTSTRAP_TABLES	6
#endif

RESERVE_BRK(early_pgt, BOOTSTRAP_TABLES * PAGE_SIZE);

/* Page frames, [next, end) is free. */
struct pool {
	unsigned long next;
	unsigned long end;
};

static struct pool bootstrap __initdata;
static struct pool pool __initdata;

/* Tables to come after those in the pool, from wherever there are some. */
static unsigned long scattered __initdata;

/* What is left to map. */
static unsigned long left_start __initdata;
static unsigned long left_end __initdata;

/* Pages left over when all is mapped, in whatever order. */
static long spare __initdata;

/* The best source of tables, see pool_source(). */
static unsigned int first_source __initdata;

/* None of the memory that is left to map is needed for tables. */
static bool any_order __initdata;

static struct {
	unsigned long tables;
	unsigned long chunks;
	unsigned long lowest;
	unsigned long highest;
	unsigned long below_4g;
	unsigned long below_896m;
} stats __initdata = { .lowest = ULONG_MAX };

struct early_pgt_area early_pgt_area __initdata;

static void __init native_fill_ptes(pte_t *pte, unsigned long pfn,
				    unsigned int nr, pgprot_t prot)
{
	pteval_t val = pte_val(pfn_pte(pfn, prot));

	for (; nr >= 4; nr -= 4, pte += 4, val += 4 * PAGE_SIZE) {
		native_set_pte(pte + 0, native_make_pte(val));
		native_set_pte(pte + 1, native_make_pte(val + PAGE_SIZE));
		native_set_pte(pte + 2, native_make_pte(val + 2 * PAGE_SIZE));
		native_set_pte(pte + 3, native_make_pte(val + 3 * PAGE_SIZE));
	}
	for (; nr; nr--, pte++, val += PAGE_SIZE)
		native_set_pte(pte, native_make_pte(val));
}

struct early_pgt_ops early_pgt_ops __initdata = {
	.fill_ptes = native_fill_ptes,
};

/**
 * early_pgt_reserve_bootstrap - take the first tables from the BRK
 *
 * Context: early boot, before reserve_brk().
 */
void __init early_pgt_reserve_bootstrap(void)
{
	void *brk = extend_brk(BOOTSTRAP_TABLES * PAGE_SIZE, PAGE_SIZE);

	bootstrap.next = PFN_DOWN(__pa(brk));
	bootstrap.end = bootstrap.next + BOOTSTRAP_TABLES;
}

static void __init area_restart(void)
{
	early_pgt_area.start = (unsigned long)__va(PFN_PHYS(pool.next));
	early_pgt_area.end = early_pgt_area.start;
}

VISIBLE_IF_KUNIT void __init early_pgt_open_pool(unsigned long next,
						 unsigned long end)
{
	pool.next = next;
	pool.end = end;
	area_restart();
	early_pgt_area.building = true;
}

static void __init pool_close(void)
{
	early_pgt_publish();
	early_pgt_area.building = false;
}

/*
 * Find free memory that is mapped, above @floor: the first @nr pages in one
 * piece, or else the largest piece. Top-down keeps tables away from memory that
 * others need to be low, bottom-up keeps them near the kernel.
 */
static unsigned long __init find_run(enum memblock_flags flags, u64 floor,
				     unsigned long nr, bool bottom_up,
				     struct range *run)
{
	unsigned long best = 0;
	phys_addr_t s, e;
	u64 i;
	int j;

	for_each_free_mem_range_reverse(i, NUMA_NO_NODE, flags, &s, &e, NULL) {
		if (e <= floor)
			break;
		for (j = nr_pfn_mapped - 1; j >= 0; j--) {
			u64 a = max_t(u64, PFN_UP(max_t(u64, s, floor)),
				      pfn_mapped[j].start);
			u64 b = min_t(u64, PFN_DOWN(e), pfn_mapped[j].end);

			if (a >= b || (b - a <= best && b - a < nr))
				continue;
			best = b - a;
			run->start = a;
			run->end = b;
			if (best >= nr && !bottom_up)
				return best;
		}
	}
	return best;
}

/*
 * Where tables may be, best first: low memory is for those who can't do with
 * other memory, such as a crash kernel and 32-bit DMA.
 */
static const u64 floors[] __initconst = {
#ifdef CONFIG_X86_64
	SZ_4G,
	SZ_512M + SZ_256M + SZ_128M,
	SZ_512M + SZ_256M,
#endif
	ISA_END_ADDRESS,
};

/* Open a pool of @nr pages in free memory that is mapped. */
static void __init pool_take(const struct range *run, unsigned long nr)
{
	unsigned long low = PHYS_PFN(SZ_512M + SZ_256M + SZ_128M), pfn, end;
	phys_addr_t phys;

	phys = memblock_phys_alloc_range(PFN_PHYS(nr), PAGE_SIZE,
					 PFN_PHYS(run->start), PFN_PHYS(run->end));
	if (!phys)
		panic("early_pgt: can't reserve %lu tables in [mem %#llx-%#llx]\n",
		      nr, run->start << PAGE_SHIFT, (run->end << PAGE_SHIFT) - 1);
	pfn = PFN_DOWN(phys);
	end = pfn + nr;
	early_pgt_open_pool(pfn, end);

	stats.tables += nr;
	stats.lowest = min(stats.lowest, pfn);
	stats.highest = max(stats.highest, end - 1);
	stats.below_4g += clamp(1UL << (32 - PAGE_SHIFT), pfn, end) - pfn;
	stats.below_896m += clamp(low, pfn, end) - pfn;
}

static void __init pool_take_bootstrap(unsigned long nr)
{
	early_pgt_open_pool(bootstrap.next, bootstrap.next + nr);
	bootstrap.next += nr;
}

/*
 * The pool is empty, and tables are to come: go on elsewhere. The tables so far
 * become live before they are linked, and are written as any live table.
 */
static void __init pool_refill(void)
{
	unsigned long nr = min(scattered, bootstrap.end - bootstrap.next), len = 0;
	struct range run = {};
	unsigned int n;

	early_pgt_publish();

	/* Low memory comes last. */
	for (n = 0; n < ARRAY_SIZE(floors) && !len && !(n && nr); n++)
		len = find_run(MEMBLOCK_NONE, floors[n], scattered, false, &run);
	if (len) {
		nr = min(scattered, len);
		pool_take(&run, nr);
	} else {
		pool_take_bootstrap(nr);
	}
	scattered -= nr;
}

/**
 * early_pgt_alloc - allocate early tables
 * @nr: pages
 *
 * While a chunk is mapped, from its pool: the pages are under construction.
 * Later from what is left of the bootstrap tables, or else from all of RAM,
 * which is mapped then. Panics if there is no memory.
 *
 * Context: boot, until the memory allocators are up.
 * Return: virtual address of contiguous pages, not cleared.
 */
void * __init early_pgt_alloc(unsigned int nr)
{
	phys_addr_t phys;

	if (early_pgt_area.building) {
		if (pool.next == pool.end && scattered)
			pool_refill();
		if (pool.end - pool.next < nr)
			panic("early_pgt: %u more tables than planned, pool ends at pfn %#lx\n",
			      nr, pool.end);
		phys = PFN_PHYS(pool.next);
		pool.next += nr;
		early_pgt_area.end += nr * PAGE_SIZE;
		return __va(phys);
	}

	/* Reserved in any case. */
	if (bootstrap.end - bootstrap.next >= nr) {
		phys = PFN_PHYS(bootstrap.next);
		bootstrap.next += nr;
		return __va(phys);
	}

	phys = memblock_phys_alloc_range(nr * PAGE_SIZE, PAGE_SIZE,
					 ISA_END_ADDRESS,
					 PFN_PHYS(max_pfn_mapped));
	if (!phys)
		panic("early_pgt: no memory for %u tables below %#llx\n",
		      nr, (u64)PFN_PHYS(max_pfn_mapped));
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

/**
 * early_pgt_publish - make all tables under construction live
 *
 * Links that a platform has deferred are in place on return: the tables can be
 * walked, and are written as any live table.
 *
 * Context: early boot, while a chunk is mapped.
 */
void __init early_pgt_publish(void)
{
	if (early_pgt_ops.publish)
		early_pgt_ops.publish();
	area_restart();
}

#define NR_SOURCES	(2 * ARRAY_SIZE(floors) + 1)
#define BOOTSTRAP	(NR_SOURCES - 1)

/* Any memory, in any number of pieces: a link to each of them takes longer. */
#define SCATTERED	NR_SOURCES

/*
 * Tables at hand in source @n, in one piece: mirrored memory comes first, if
 * there is some, and the rest of the bootstrap tables last. With @take, open a
 * pool of @nr of them.
 */
static unsigned long __init pool_source(unsigned int n, unsigned long nr,
					bool bottom_up, bool take)
{
	enum memblock_flags flags = MEMBLOCK_NONE;
	struct range run = {};
	unsigned long len;

	/* A chunk that takes no table has an empty pool, anywhere. */
	if (take && !nr)
		n = BOOTSTRAP;

	if (n == BOOTSTRAP) {
		if (take)
			pool_take_bootstrap(nr);
		return bootstrap.end - bootstrap.next;
	}

	if (n < ARRAY_SIZE(floors))
		flags = MEMBLOCK_MIRROR;

	/* Bottom-up, the place of RAM doesn't matter. */
	n %= ARRAY_SIZE(floors);
	if (bottom_up && n < ARRAY_SIZE(floors) - 1)
		return 0;

	len = find_run(flags, floors[n], nr, bottom_up, &run);
	if (take)
		pool_take(&run, nr);
	return len;
}

/* Free pages that are mapped, in any number of pieces. */
static unsigned long __init pages_at_hand(void)
{
	unsigned long pages = bootstrap.end - bootstrap.next;
	phys_addr_t s, e;
	u64 i;
	int j;

	for_each_free_mem_range(i, NUMA_NO_NODE, MEMBLOCK_NONE, &s, &e, NULL) {
		for (j = 0; j < nr_pfn_mapped; j++) {
			u64 a = max_t(u64, PFN_UP(max_t(u64, s, ISA_END_ADDRESS)),
				      pfn_mapped[j].start);
			u64 b = min_t(u64, PFN_DOWN(e), pfn_mapped[j].end);

			if (a < b)
				pages += b - a;
		}
	}
	return pages;
}

/* The largest chunk from @start up, or from @end down, that does no harm. */
static unsigned int __init plan_from(struct early_pgt_plan *plan,
				     unsigned long start, unsigned long end,
				     unsigned long sizes, unsigned long room,
				     bool bottom_up)
{
	unsigned int n;

	for (n = first_source; n < NR_SOURCES; n++) {
		early_pgt_plan_chunk(plan, start, end, sizes,
				     pool_source(n, ULONG_MAX, bottom_up, false),
				     bottom_up);
		if (plan->start < plan->end &&
		    (any_order || early_pgt_pays(plan, room, spare)))
			break;
	}
	return n;
}

/*
 * Go on from a unit in the middle as usual: with the RAM around it, so that the
 * pool comes to lie at the end of that. If that doesn't do, from the unit itself.
 */
static unsigned int __init plan_around(struct early_pgt_plan *unit,
				       unsigned long sizes, unsigned long room,
				       bool bottom_up)
{
	unsigned long start = left_start, end = left_end, edge;
	struct memblock_region *r;
	struct early_pgt_plan chunk;
	unsigned int i, n;

	edge = bottom_up ? unit->start : unit->end - 1;
	i = early_pgt_first_region(edge);
	r = &memblock.memory.regions[i];
	if (i < memblock.memory.cnt && r->base <= edge) {
		start = max_t(u64, start, PFN_PHYS(PFN_UP(r->base)));
		end = min_t(u64, end, PFN_PHYS(PFN_DOWN(r->base + r->size)));
	}

	for (i = 0; i < 2; i++) {
		if (bottom_up)
			n = plan_from(&chunk, i ? unit->start : start, left_end,
				      sizes, room, true);
		else
			n = plan_from(&chunk, left_start, i ? unit->end : end,
				      sizes, room, false);
		if (n < NR_SOURCES && chunk.start <= unit->start &&
		    chunk.end >= unit->end) {
			*unit = chunk;
			return n;
		}
	}
	return SCATTERED;
}

/*
 * Plan the next chunk of [@start, @end), which starts or ends there, or else
 * is somewhere in what is left. Returns the source of its tables.
 */
static unsigned int __init next_chunk(struct early_pgt_plan *plan,
				      unsigned long start, unsigned long end,
				      unsigned long sizes, bool bottom_up)
{
	unsigned long room = pages_at_hand();
	unsigned int n;

	any_order = (long)early_pgt_free_pages(left_start, left_end) <= max(spare, 0L);

	n = plan_from(plan, start, end, sizes, room, bottom_up);
	if (n < NR_SOURCES)
		return n;

	if (any_order) {
		early_pgt_plan_chunk(plan, start, end, sizes, room, bottom_up);
		if (plan->start < plan->end)
			return SCATTERED;
	} else if (early_pgt_plan_unit(plan, left_start, left_end, sizes, room)) {
		return plan_around(plan, sizes, room, bottom_up);
	}

	early_pgt_plan_chunk(plan, start, end, sizes, UINT_MAX, bottom_up);
	panic("early_pgt: can't map [mem %#lx-%#lx]: %u tables needed, %lu at hand\n",
	      start, end - 1, plan->nr, room);
}

/* Map the pieces of RAM in [@start, @end) that are not mapped yet. */
static void __init map_ram(unsigned long start, unsigned long end)
{
	unsigned long start_pfn, end_pfn;
	int i, j;

	for_each_mem_pfn_range(i, MAX_NUMNODES, &start_pfn, &end_pfn, NULL) {
		u64 pfn = max(start_pfn, PHYS_PFN(start));
		u64 last = min(end_pfn, PHYS_PFN(end));

		while (pfn < last) {
			u64 stop = last, next = last;

			for (j = 0; j < nr_pfn_mapped; j++) {
				if (pfn_mapped[j].end > pfn &&
				    pfn_mapped[j].start < last) {
					stop = max(pfn, pfn_mapped[j].start);
					next = pfn_mapped[j].end;
					break;
				}
			}
			if (pfn < stop)
				init_memory_mapping(PFN_PHYS(pfn), PFN_PHYS(stop),
						    PAGE_KERNEL);
			pfn = next;
		}
	}
}

static void __init map_chunk(const struct early_pgt_plan *plan,
			     unsigned int source, bool bottom_up)
{
	unsigned long pfn;

	if (source == SCATTERED) {
		scattered = plan->nr;
		pool_take_bootstrap(0);
	} else {
		pool_source(source, plan->nr, bottom_up, true);
	}
	pfn = pool.next;
	map_ram(plan->start, plan->end);
	pool_close();

	/* Harmless, but the plan and what it takes must not drift apart. */
	WARN(pool.next != pool.end || scattered,
	     "early_pgt: %lu of %u tables left for [mem %#lx-%#lx]\n",
	     pool.end - pool.next + scattered, plan->nr, plan->start,
	     plan->end - 1);
	stats.chunks++;

	pr_debug("chunk [mem %#010lx-%#010lx]: %u tables at pfn %#lx\n",
		 plan->start, plan->end - 1, plan->nr, pfn);
}

/**
 * early_pgt_begin - start to map outside of any chunk, with bootstrap tables
 *
 * Context: early boot, for what is needed before RAM can be mapped.
 */
void __init early_pgt_begin(void)
{
	early_pgt_open_pool(bootstrap.next, bootstrap.end);
}

/**
 * early_pgt_end - finish what early_pgt_begin() started
 */
void __init early_pgt_end(void)
{
	pool_close();
	bootstrap.next = pool.next;
}

static void __init map_part(unsigned long start, unsigned long end,
			    unsigned long sizes, bool bottom_up)
{
	while (start < end) {
		struct early_pgt_plan plan;
		unsigned int source;

		source = next_chunk(&plan, start, end, sizes, bottom_up);
		map_chunk(&plan, source, bottom_up);
		if (!bottom_up && plan.end == end) {
			end = plan.start;
			left_end = end;
		} else if (bottom_up && plan.start == start) {
			if (start == left_start)
				left_start = plan.end;
			start = plan.end;
		}
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
 * Panics if there is RAM that can't be mapped in any order.
 *
 * Context: early boot, memblock is complete.
 */
void __init early_pgt_map_ram(unsigned long start, unsigned long end,
			      unsigned long sizes, unsigned long split)
{
	struct early_pgt_plan all;

	early_pgt_plan_range(&all, start, end, sizes);
	spare = pages_at_hand() + early_pgt_free_pages(start, end) - all.nr;

	/* Reserved in any case: if they do for all of RAM, take no others. */
	first_source = all.nr <= bootstrap.end - bootstrap.next ? BOOTSTRAP : 0;

	left_start = start;
	left_end = end;
	if (split) {
		map_part(split, end, sizes, true);
		end = min(split, end);
		left_end = end;
	}
	map_part(start, end, sizes, split);
}

/**
 * early_pgt_report - say where the tables of the direct map are
 */
void __init early_pgt_report(void)
{
	unsigned long used = BOOTSTRAP_TABLES - (bootstrap.end - bootstrap.next);

	if (stats.tables)
		pr_info("%lu tables in %lu chunks, [mem %#010lx-%#010lx], %lu below 4G, %lu below 896M\n",
			stats.tables, stats.chunks, stats.lowest << PAGE_SHIFT,
			((stats.highest + 1) << PAGE_SHIFT) - 1,
			stats.below_4g, stats.below_896m);
	else
		pr_info("0 tables in %lu chunks\n", stats.chunks);
	pr_info("%lu of %d bootstrap tables used, at [mem %#010lx]\n",
		used, BOOTSTRAP_TABLES,
		(bootstrap.end - BOOTSTRAP_TABLES) << PAGE_SHIFT);
}
