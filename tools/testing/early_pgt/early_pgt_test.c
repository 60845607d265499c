// SPDX-License-Identifier: GPL-2.0-only
/*
 * Early page tables: KUnit tests of the planner.
 *
 * memblock is given another map for the time of a test, beyond all memory that
 * there may be: no table is there yet. Only one who runs before init memory is
 * freed can do that, and nothing else uses memblock that late.
 */

#include <kunit/test.h>

#include <linux/memblock.h>
#include <linux/pgtable.h>
#include <linux/sizes.h>

#include <asm/page.h>

#include "early_pgt.h"

#ifdef CONFIG_X86_64
#define BASE		(1UL << 45)		/* 32 TB */
#else
#define BASE		(1UL << 29)
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
	type->cnt = nr ? nr : 1;	/* as memblock has it */
	type->max = 8;
	type->total_size = 0;
	for (i = 0; i < nr; i++) {
		regions[i].base = BASE + r[i].start;
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

/* Tables above those of the level given, for RAM within one PMD table's range. */
static unsigned int __init above(unsigned int level)
{
	return early_pgt_depth((unsigned long)__va(BASE)) - level - 1;
}

static void __init leaf_run_small_pages(struct kunit *test)
{
	static const struct range_of_test ram[] __initconst = { { 0, SZ_64M } };
	unsigned long mask;

	fake_memory(ram, 1, NULL, 0);
	KUNIT_EXPECT_EQ(test, early_pgt_leaf_run(BASE + SZ_4K, BASE + SZ_8M, PAGES_4K,
						 true, &mask), BASE + SZ_8M);
	KUNIT_EXPECT_EQ(test, mask, 0);
	real_memory();
}

static void __init leaf_run_head_and_tail(struct kunit *test)
{
	static const struct range_of_test ram[] __initconst = {
		{ SZ_4K, 2 * SZ_2M },		/* up to 4 KB past 4 MB */
	};
	unsigned long mask, end = BASE + SZ_4K + 2 * SZ_2M;

	fake_memory(ram, 1, NULL, 0);
	KUNIT_EXPECT_EQ(test, early_pgt_leaf_run(BASE + SZ_4K, end, PAGES_2M, true,
						 &mask), BASE + SZ_2M);
	KUNIT_EXPECT_EQ(test, mask, 0);
	KUNIT_EXPECT_EQ(test, early_pgt_leaf_run(BASE + SZ_2M, end, PAGES_2M, true,
						 &mask), BASE + 2 * SZ_2M);
	KUNIT_EXPECT_EQ(test, mask, PAGES_2M);
	KUNIT_EXPECT_EQ(test, early_pgt_leaf_run(BASE + 2 * SZ_2M, end, PAGES_2M, true,
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
	KUNIT_EXPECT_EQ(test, early_pgt_leaf_run(BASE + SZ_1M, BASE + SZ_1M + SZ_64K,
						 PAGES_2M, true, &mask),
			BASE + SZ_1M + SZ_64K);
	KUNIT_EXPECT_EQ(test, mask, PAGES_2M);
	/* After boot, memblock knows nothing. */
	KUNIT_EXPECT_EQ(test, early_pgt_leaf_run(BASE + SZ_1M, BASE + SZ_1M + SZ_64K,
						 PAGES_2M, false, &mask),
			BASE + SZ_1M + SZ_64K);
	KUNIT_EXPECT_EQ(test, mask, 0);
	real_memory();
}

static void __init leaf_run_gigabytes(struct kunit *test)
{
	static const struct range_of_test ram[] __initconst = {
		{ SZ_1G - SZ_2M, 2UL * SZ_1G + 2 * SZ_2M },
	};
	unsigned long mask, end = BASE + 3UL * SZ_1G + SZ_2M;

	fake_memory(ram, 1, NULL, 0);
	KUNIT_EXPECT_EQ(test, early_pgt_leaf_run(BASE + SZ_1G - SZ_2M, end, PAGES_1G,
						 true, &mask), BASE + SZ_1G);
	KUNIT_EXPECT_EQ(test, mask, PAGES_2M);
	KUNIT_EXPECT_EQ(test, early_pgt_leaf_run(BASE + SZ_1G, end, PAGES_1G, true,
						 &mask), BASE + 3UL * SZ_1G);
	KUNIT_EXPECT_EQ(test, mask, PAGES_1G);
	KUNIT_EXPECT_EQ(test, early_pgt_leaf_run(BASE + 3UL * SZ_1G, end, PAGES_1G,
						 true, &mask), end);
	KUNIT_EXPECT_EQ(test, mask, PAGES_2M);
	real_memory();
}
#endif

static void __init chunk_counts_tables(struct kunit *test)
{
	static const struct range_of_test ram[] __initconst = { { 0, SZ_64M } };
	struct early_pgt_plan plan;

	fake_memory(ram, 1, NULL, 0);
	early_pgt_plan_chunk(&plan, BASE, BASE + SZ_64M, PAGES_4K, UINT_MAX, false);
	KUNIT_EXPECT_EQ(test, plan.start, BASE);
	KUNIT_EXPECT_EQ(test, plan.end, BASE + SZ_64M);
	KUNIT_EXPECT_EQ(test, plan.level[PG_LEVEL_4K], SZ_64M / PMD_SIZE);
	KUNIT_EXPECT_EQ(test, plan.nr, SZ_64M / PMD_SIZE + above(PG_LEVEL_4K));

	/* Large pages need none of the lowest level. */
	early_pgt_plan_chunk(&plan, BASE, BASE + SZ_64M, PAGES_2M, UINT_MAX, true);
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
		early_pgt_plan_chunk(&plan, BASE, BASE + SZ_64M, PAGES_4K, room, false);
		KUNIT_EXPECT_LE(test, plan.nr, room);
		KUNIT_EXPECT_EQ(test, plan.end, BASE + SZ_64M);
		KUNIT_EXPECT_EQ(test, plan.end - plan.start,
				room > top ? (room - top) * PMD_SIZE : 0);

		early_pgt_plan_chunk(&plan, BASE, BASE + SZ_64M, PAGES_4K, room, true);
		KUNIT_EXPECT_LE(test, plan.nr, room);
		KUNIT_EXPECT_EQ(test, plan.start, BASE);
		KUNIT_EXPECT_EQ(test, plan.end - plan.start,
				room > top ? (room - top) * PMD_SIZE : 0);
	}
	real_memory();
}

/* Two pages, one at the end of a table's range, and one at the start of another. */
static void __init chunk_leaves_holes_out(struct kunit *test)
{
	static const struct range_of_test ram[] __initconst = {
		{ SZ_2M - SZ_4K, SZ_4K }, { SZ_32M, SZ_4K },
	};
	struct early_pgt_plan plan;

	fake_memory(ram, 2, NULL, 0);
	early_pgt_plan_chunk(&plan, BASE, BASE + SZ_64M, PAGES_2M, UINT_MAX, false);
	KUNIT_EXPECT_EQ(test, plan.level[PG_LEVEL_4K], 2);
	KUNIT_EXPECT_EQ(test, plan.nr, 2 + above(PG_LEVEL_4K));
	real_memory();
}

/* RAM at the top is reserved: the unit that brings free pages is below. */
static void __init unit_is_free(struct kunit *test)
{
	static const struct range_of_test ram[] __initconst = { { 0, SZ_64M } };
	static const struct range_of_test taken[] __initconst = { { SZ_32M, SZ_32M } };
	unsigned int top = above(PG_LEVEL_4K);
	struct early_pgt_plan plan;

	fake_memory(ram, 1, taken, 1);
	KUNIT_EXPECT_TRUE(test, early_pgt_plan_unit(&plan, BASE, BASE + SZ_64M,
						    PAGES_4K, top + 1));
	KUNIT_EXPECT_EQ(test, plan.end, BASE + SZ_32M);
	KUNIT_EXPECT_EQ(test, plan.start, BASE + SZ_32M - PMD_SIZE);
	KUNIT_EXPECT_EQ(test, plan.nr, top + 1);
	KUNIT_EXPECT_FALSE(test, early_pgt_plan_unit(&plan, BASE, BASE + SZ_64M,
						     PAGES_4K, top));
	real_memory();
}

/* The lesser evil: if no unit pays, the one with most free pages comes first. */
static void __init unit_has_most_pages(struct kunit *test)
{
	static const struct range_of_test ram[] __initconst = {
		{ 0, SZ_4K }, { SZ_32M, 2 * SZ_4K },
	};
	static const struct range_of_test taken[] __initconst = { { SZ_32M, 2 * SZ_4K } };
	struct early_pgt_plan plan;

	fake_memory(ram, 2, taken, 1);
	KUNIT_EXPECT_TRUE(test, early_pgt_plan_unit(&plan, BASE, BASE + SZ_64M,
						    PAGES_4K, 8));
	KUNIT_EXPECT_LE(test, plan.start, BASE);
	KUNIT_EXPECT_LE(test, plan.end, BASE + PMD_SIZE);
	real_memory();
}

static struct kunit_case early_pgt_cases[] __refdata = {
	KUNIT_CASE(leaf_run_small_pages),
	KUNIT_CASE(leaf_run_head_and_tail),
#ifdef CONFIG_X86_64
	KUNIT_CASE(leaf_run_exceeds_range),
	KUNIT_CASE(leaf_run_gigabytes),
#endif
	KUNIT_CASE(chunk_counts_tables),
	KUNIT_CASE(chunk_fits_room),
	KUNIT_CASE(chunk_leaves_holes_out),
	KUNIT_CASE(unit_is_free),
	KUNIT_CASE(unit_has_most_pages),
	{}
};

static struct kunit_suite early_pgt_test_suite __refdata = {
	.name = "early_pgt",
	.test_cases = early_pgt_cases,
};

kunit_test_init_section_suite(early_pgt_test_suite);
MODULE_DESCRIPTION("Tests of the early page tables' planner");
MODULE_LICENSE("GPL");
