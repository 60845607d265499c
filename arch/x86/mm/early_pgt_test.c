// SPDX-License-Identifier: GPL-2.0-only
/*
 * Early page tables: KUnit tests of the planner and the pool.
 *
 * memblock is given another map for the time of a test. Only one who runs
 * before init memory is freed can do that, and nothing else uses memblock that
 * late. For the planner, that map is where neither RAM nor page tables are.
 */

#include <kunit/test.h>

#include <linux/gfp.h>
#include <linux/memblock.h>
#include <linux/pgtable.h>
#include <linux/sizes.h>

#include <asm/early_pgt.h>
#include <asm/page.h>

#include "early_pgt.h"
#include "mm_internal.h"

/* Of the memory map under test. */
static unsigned long base __initdata;

/* All tests of tables use less. */
#define EXTENT		SZ_64M

#ifdef CONFIG_X86_64
#define BASE_MAX	BIT(46)
#define BASE_STEP	BIT(39)
#else
#define BASE_MAX	(-PAGE_OFFSET)
#define BASE_STEP	((unsigned long)EXTENT)
#endif

#define PAGES_4K	BIT(PG_LEVEL_4K)
#define PAGES_2M	(PAGES_4K | BIT(PG_LEVEL_2M))
#define PAGES_1G	(PAGES_2M | BIT(PG_LEVEL_1G))

struct range_of_test {
	unsigned long start;
	unsigned long size;
};

static struct memblock_region test_ram[8] __initdata;
static struct memblock_region test_taken[8] __initdata;
static struct memblock_type saved_memory __initdata;
static struct memblock_type saved_reserved __initdata;

static void __init set_type(struct memblock_type *type, struct memblock_region *regions,
			    const struct range_of_test *r, unsigned int nr)
{
	unsigned int i;

	memset(regions, 0, 8 * sizeof(*regions));
	type->regions = regions;
	type->cnt = nr;
	type->max = 8;
	type->total_size = 0;
	for (i = 0; i < nr; i++) {
		regions[i].base = base + r[i].start;
		regions[i].size = r[i].size;
		type->total_size += r[i].size;
	}
}

static void __init fake_memory(const struct range_of_test *ram, unsigned int nr_ram,
			       const struct range_of_test *taken, unsigned int nr_taken)
{
	saved_memory = memblock.memory;
	saved_reserved = memblock.reserved;
	set_type(&memblock.memory, test_ram, ram, nr_ram);
	set_type(&memblock.reserved, test_taken, taken, nr_taken);
}

static void __init real_memory(void)
{
	memblock.memory = saved_memory;
	memblock.reserved = saved_reserved;
}

/* The same tables are missing everywhere, PTE tables at least. */
static bool __init is_unused(unsigned long start)
{
	unsigned int depth = early_pgt_depth((unsigned long)__va(start));
	unsigned long addr;

	for (addr = start; addr < start + EXTENT; addr += PMD_SIZE)
		if (early_pgt_depth((unsigned long)__va(addr)) != depth)
			return false;
	return depth > PG_LEVEL_4K;
}

static int __init planner_init(struct kunit *test)
{
	for (base = BASE_MAX - BASE_STEP; base >= PFN_PHYS(max_pfn_mapped); base -= BASE_STEP) {
		if (is_unused(base))
			return 0;
		if (base < BASE_STEP)
			break;
	}
	kunit_skip(test, "there are page tables everywhere");
	return 0;
}

/* Tables above those of the level given, for RAM within one PMD table's range. */
static unsigned int __init above(unsigned int level)
{
	return early_pgt_depth((unsigned long)__va(base)) - level - 1;
}

static void __init leaf_run_small_pages(struct kunit *test)
{
	static const struct range_of_test ram[] __initconst = { { 0, SZ_64M } };
	unsigned long mask;

	fake_memory(ram, 1, NULL, 0);
	KUNIT_EXPECT_EQ(test, early_pgt_leaf_run(base + SZ_4K, base + SZ_8M, PAGES_4K,
						 true, &mask), base + SZ_8M);
	KUNIT_EXPECT_EQ(test, mask, 0);
	real_memory();
}

static void __init leaf_run_head_and_tail(struct kunit *test)
{
	const struct range_of_test ram[] = {
		{ SZ_4K, 2 * PMD_SIZE },	/* to 4 KB past a boundary */
	};
	unsigned long mask, end = base + SZ_4K + 2 * PMD_SIZE;

	fake_memory(ram, 1, NULL, 0);
	KUNIT_EXPECT_EQ(test, early_pgt_leaf_run(base + SZ_4K, end, PAGES_2M, true,
						 &mask), base + PMD_SIZE);
	KUNIT_EXPECT_EQ(test, mask, 0);
	KUNIT_EXPECT_EQ(test, early_pgt_leaf_run(base + PMD_SIZE, end, PAGES_2M, true,
						 &mask), base + 2 * PMD_SIZE);
	KUNIT_EXPECT_EQ(test, mask, PAGES_2M);
	KUNIT_EXPECT_EQ(test, early_pgt_leaf_run(base + 2 * PMD_SIZE, end, PAGES_2M, true,
						 &mask), end);
	KUNIT_EXPECT_EQ(test, mask, 0);
	real_memory();
}

#ifdef CONFIG_X86_64
/* The range has just a part of a large page, but RAM has all of it. */
static void __init leaf_run_exceeds_range(struct kunit *test)
{
	static const struct range_of_test ram[] __initconst = { { 0, SZ_8M } };
	unsigned long mask;

	fake_memory(ram, 1, NULL, 0);
	KUNIT_EXPECT_EQ(test, early_pgt_leaf_run(base + SZ_1M, base + SZ_1M + SZ_64K,
						 PAGES_2M, true, &mask),
			base + SZ_1M + SZ_64K);
	KUNIT_EXPECT_EQ(test, mask, PAGES_2M);
	/* After boot, memblock knows nothing. */
	KUNIT_EXPECT_EQ(test, early_pgt_leaf_run(base + SZ_1M, base + SZ_1M + SZ_64K,
						 PAGES_2M, false, &mask),
			base + SZ_1M + SZ_64K);
	KUNIT_EXPECT_EQ(test, mask, 0);
	real_memory();
}

static void __init leaf_run_gigabytes(struct kunit *test)
{
	static const struct range_of_test ram[] __initconst = {
		{ SZ_1G - SZ_2M, 2UL * SZ_1G + 2 * SZ_2M },
	};
	unsigned long mask, end = base + 3UL * SZ_1G + SZ_2M;

	fake_memory(ram, 1, NULL, 0);
	KUNIT_EXPECT_EQ(test, early_pgt_leaf_run(base + SZ_1G - SZ_2M, end, PAGES_1G,
						 true, &mask), base + SZ_1G);
	KUNIT_EXPECT_EQ(test, mask, PAGES_2M);
	KUNIT_EXPECT_EQ(test, early_pgt_leaf_run(base + SZ_1G, end, PAGES_1G, true,
						 &mask), base + 3UL * SZ_1G);
	KUNIT_EXPECT_EQ(test, mask, PAGES_1G);
	KUNIT_EXPECT_EQ(test, early_pgt_leaf_run(base + 3UL * SZ_1G, end, PAGES_1G,
						 true, &mask), end);
	KUNIT_EXPECT_EQ(test, mask, PAGES_2M);
	real_memory();
}
#endif

#ifdef CONFIG_X86_32
/* The processor may have pages of 1 GB, and be asked for them, but i386 hasn't. */
static void __init leaf_run_no_gigabytes(struct kunit *test)
{
	static const struct range_of_test ram[] __initconst = { { 0, SZ_64M } };
	unsigned long mask;

	fake_memory(ram, 1, NULL, 0);
	KUNIT_EXPECT_EQ(test, early_pgt_leaf_run(base + PMD_SIZE, base + SZ_64M, PAGES_1G,
						 true, &mask), base + SZ_64M);
	KUNIT_EXPECT_EQ(test, mask, PAGES_2M);
	real_memory();
}
#endif

static void __init chunk_counts_tables(struct kunit *test)
{
	static const struct range_of_test ram[] __initconst = { { 0, SZ_64M } };
	struct early_pgt_plan plan;

	fake_memory(ram, 1, NULL, 0);
	early_pgt_plan_chunk(&plan, base, base + SZ_64M, PAGES_4K, ULONG_MAX, false);
	KUNIT_EXPECT_EQ(test, plan.start, base);
	KUNIT_EXPECT_EQ(test, plan.end, base + SZ_64M);
	KUNIT_EXPECT_EQ(test, plan.level[PG_LEVEL_4K], SZ_64M / PMD_SIZE);
	KUNIT_EXPECT_EQ(test, plan.nr, SZ_64M / PMD_SIZE + above(PG_LEVEL_4K));

	/* Large pages need none of the lowest level. */
	early_pgt_plan_chunk(&plan, base, base + SZ_64M, PAGES_2M, ULONG_MAX, true);
	KUNIT_EXPECT_EQ(test, plan.level[PG_LEVEL_4K], 0);
	KUNIT_EXPECT_EQ(test, plan.nr, above(PG_LEVEL_4K));
	real_memory();
}

static void __init chunk_fits_room(struct kunit *test)
{
	static const struct range_of_test ram[] __initconst = { { 0, SZ_64M } };
	unsigned int top = above(PG_LEVEL_4K), room;
	struct early_pgt_plan plan;

	fake_memory(ram, 1, NULL, 0);
	for (room = 0; room < 8; room++) {
		early_pgt_plan_chunk(&plan, base, base + SZ_64M, PAGES_4K, room, false);
		KUNIT_EXPECT_LE(test, plan.nr, room);
		KUNIT_EXPECT_EQ(test, plan.end, base + SZ_64M);
		KUNIT_EXPECT_EQ(test, plan.end - plan.start,
				room > top ? (room - top) * PMD_SIZE : 0);

		early_pgt_plan_chunk(&plan, base, base + SZ_64M, PAGES_4K, room, true);
		KUNIT_EXPECT_LE(test, plan.nr, room);
		KUNIT_EXPECT_EQ(test, plan.start, base);
		KUNIT_EXPECT_EQ(test, plan.end - plan.start,
				room > top ? (room - top) * PMD_SIZE : 0);
	}
	real_memory();
}

/* Two pages, one at the end of a table's range, and one at the start of another. */
static void __init chunk_leaves_holes_out(struct kunit *test)
{
	const struct range_of_test ram[] = {
		{ PMD_SIZE - SZ_4K, SZ_4K }, { SZ_32M, SZ_4K },
	};
	struct early_pgt_plan plan;

	fake_memory(ram, 2, NULL, 0);
	early_pgt_plan_chunk(&plan, base, base + SZ_64M, PAGES_2M, ULONG_MAX, false);
	KUNIT_EXPECT_EQ(test, plan.level[PG_LEVEL_4K], 2);
	KUNIT_EXPECT_EQ(test, plan.nr, 2 + above(PG_LEVEL_4K));
	real_memory();
}

/* Beyond what an unsigned int counts. */
static void __init chunk_of_many_tables(struct kunit *test)
{
	static const struct range_of_test ram[] __initconst = { { 0, SZ_64M } };
	struct early_pgt_plan plan;

	fake_memory(ram, 1, NULL, 0);
	if (BITS_PER_LONG > 32) {
		early_pgt_plan_chunk(&plan, base, base + SZ_64M, PAGES_4K,
				     (unsigned long)UINT_MAX + 1, false);
		KUNIT_EXPECT_EQ(test, plan.start, base);
	}
	real_memory();
}

static struct kunit_case planner_cases[] __refdata = {
	KUNIT_CASE(leaf_run_small_pages),
	KUNIT_CASE(leaf_run_head_and_tail),
#ifdef CONFIG_X86_64
	KUNIT_CASE(leaf_run_exceeds_range),
	KUNIT_CASE(leaf_run_gigabytes),
#else
	KUNIT_CASE(leaf_run_no_gigabytes),
#endif
	KUNIT_CASE(chunk_counts_tables),
	KUNIT_CASE(chunk_fits_room),
	KUNIT_CASE(chunk_leaves_holes_out),
	KUNIT_CASE(chunk_of_many_tables),
	{}
};

static struct kunit_suite planner_suite __refdata = {
	.name = "early_pgt_planner",
	.init = planner_init,
	.test_cases = planner_cases,
};

/* A pool of real pages. */
#define POOL_ORDER	2
#define POOL_SIZE	(PAGE_SIZE << POOL_ORDER)

static unsigned long pool_pages __initdata;
static struct early_pgt_area saved_area __initdata;

static int __init pool_init(struct kunit *test)
{
	pool_pages = __get_free_pages(GFP_KERNEL, POOL_ORDER);
	if (!pool_pages)
		return -ENOMEM;
	memset((void *)pool_pages, 0xff, POOL_SIZE);
	base = __pa(pool_pages);
	saved_area = early_pgt_area;
	early_pgt_set_pool(PFN_DOWN(base), 1 << POOL_ORDER);
	early_pgt_area.start = early_pgt_area.end;
	early_pgt_begin();
	return 0;
}

/* The pages are no tables, and must not go live as such. */
static void __init pool_exit(struct kunit *test)
{
	if (!pool_pages)
		return;
	early_pgt_area = saved_area;
	free_pages(pool_pages, POOL_ORDER);
}

static void __init alloc_takes_one_after_the_other(struct kunit *test)
{
	unsigned long a = (unsigned long)early_pgt_alloc(1);
	unsigned long b = (unsigned long)early_pgt_alloc(3);

	KUNIT_EXPECT_EQ(test, a, pool_pages);
	KUNIT_EXPECT_EQ(test, b, pool_pages + PAGE_SIZE);
	KUNIT_EXPECT_TRUE(test, early_pgt_under_construction((void *)a));
	KUNIT_EXPECT_TRUE(test, early_pgt_under_construction((void *)b + 3 * PAGE_SIZE - 8));
	KUNIT_EXPECT_FALSE(test, early_pgt_under_construction((void *)b + 3 * PAGE_SIZE));
}

/* Entries that aren't asked for are clear, whatever was in the page. */
static void __init new_ptes_are_filled(struct kunit *test)
{
	unsigned int first = pte_index((unsigned long)__va(base)), i, nr = 3;
	pte_t *table;

	/* Within one table. */
	first = min_t(unsigned int, first, PTRS_PER_PTE - nr);
	table = early_pgt_new_ptes(round_down(base, PMD_SIZE) + first * PAGE_SIZE,
				   round_down(base, PMD_SIZE) + (first + nr) * PAGE_SIZE,
				   PAGE_KERNEL);
	update_page_count(PG_LEVEL_4K, -(unsigned long)nr);

	for (i = 0; i < PTRS_PER_PTE; i++) {
		if (i < first || i >= first + nr)
			KUNIT_EXPECT_TRUE(test, pte_none(table[i]));
		else
			KUNIT_EXPECT_EQ(test, pte_pfn(table[i]),
					PFN_DOWN(round_down(base, PMD_SIZE)) + i);
	}
}

static void __init construction_is_one_range(struct kunit *test)
{
	void *page = (void *)pool_pages + PAGE_SIZE;

	early_pgt_area.start = (unsigned long)page;
	early_pgt_area.end = early_pgt_area.start + 2 * PAGE_SIZE;
	KUNIT_EXPECT_FALSE(test, early_pgt_under_construction(page - 8));
	KUNIT_EXPECT_TRUE(test, early_pgt_under_construction(page));
	KUNIT_EXPECT_TRUE(test, early_pgt_under_construction(page + 2 * PAGE_SIZE - 8));
	KUNIT_EXPECT_FALSE(test, early_pgt_under_construction(page + 2 * PAGE_SIZE));

	/* Nothing is when no chunk is being built. */
	early_pgt_area.end = early_pgt_area.start;
	KUNIT_EXPECT_FALSE(test, early_pgt_under_construction(page));
}

static struct kunit_case pool_cases[] __refdata = {
	KUNIT_CASE(alloc_takes_one_after_the_other),
	KUNIT_CASE(new_ptes_are_filled),
	KUNIT_CASE(construction_is_one_range),
	{}
};

static struct kunit_suite pool_suite __refdata = {
	.name = "early_pgt_pool",
	.init = pool_init,
	.exit = pool_exit,
	.test_cases = pool_cases,
};

kunit_test_init_section_suites(&planner_suite, &pool_suite);
MODULE_DESCRIPTION("Tests of the early page tables");
MODULE_LICENSE("GPL");
