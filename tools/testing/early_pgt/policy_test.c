// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where tables may be is memblock's business: mirrored memory first, no memory that
 * may be unplugged, bottom-up with movable_node; and, on a kernel that was started by
 * a kexec handover, none but scratch memory. Machines on which a wrong place is
 * nearer than a right one.
 */

#include "sim.h"

static bool failed;

#define EXPECT(cond)							\
	do {								\
		if (!(cond)) {						\
			printf("# line %d: %s: %s\n", __LINE__, #cond,	\
			       sim_message);				\
			failed = true;					\
		}							\
	} while (0)

extern bool mirrored_kernelcore;

#define GB	(1ULL << 30)

static struct sim_config config = {
	.levels = 4, .bits = 9, .sizes = BIT(PG_LEVEL_4K),
	.kernel = SZ_16M, .kernel_end = SZ_32M,
};

/* 8 GB, PTE tables for all of it: some 4,100 tables. */
static void begin(bool bottom_up)
{
	config.bottom_up = bottom_up;
	config.light = true;
	config.policy = true;
	sim_begin(&config);
	memblock_add(0, 8 * GB);
	memblock_reserve(0, SZ_64K);
}

static void mirrored_memory_first(void)
{
	begin(false);
	mirrored_kernelcore = true;
	memblock_mark_mirror(5 * GB, SZ_4M);
	memblock_mark_mirror(GB, GB);
	EXPECT(sim_ours() == SIM_OK);
	EXPECT(sim_result.total > sim_result.bootstrap + PFN_DOWN(SZ_4M));
	EXPECT(sim_result.highest < PFN_DOWN(5 * GB + SZ_4M));
	EXPECT(sim_result.lowest >= PFN_DOWN(GB));
	mirrored_kernelcore = false;
}

static void no_memory_to_be_unplugged(void)
{
	begin(false);
	movable_node_enabled = true;
	memblock_mark_hotplug(4 * GB, 4 * GB);
	memblock_mark_hotplug(SZ_64M, GB);
	EXPECT(sim_ours() == SIM_OK);
	EXPECT(sim_result.highest < PFN_DOWN(4 * GB));
	EXPECT(sim_result.lowest >= PFN_DOWN(GB + SZ_64M));
	movable_node_enabled = false;
}

/* Close to the kernel, though there is a page here and a page there only. */
static void bottom_up_in_single_pages(void)
{
	unsigned long a;

	begin(true);
	for (a = SZ_32M; a < SZ_32M + SZ_16M; a += 2 * PAGE_SIZE)
		memblock_reserve(a, PAGE_SIZE);
	EXPECT(sim_ours() == SIM_OK);
	EXPECT(sim_result.highest < PFN_DOWN(SZ_64M));
}

/* A large area isn't cut as long as there is a free page above it. */
static void small_runs_first(void)
{
	config.bottom_up = false;
	sim_begin(&config);
	memblock_add(0, 2 * GB);
	memblock_reserve(0, SZ_64K);
	memblock_reserve(2 * GB - SZ_4M, SZ_64K);
	EXPECT(sim_ours() == SIM_OK);
	EXPECT(sim_result.highest == PFN_DOWN(2 * GB) - 1);
	EXPECT(sim_result.lowest < PFN_DOWN(2 * GB - SZ_4M));
}

/* Pages are free, but none can be reserved: one range too many, no place for more. */
static void array_is_full(void)
{
	unsigned long a;

	config.split = SZ_64M;
	begin(true);
	memblock_reserve(0, SZ_1M);
	for (a = GB; memblock.reserved.cnt < memblock.reserved.max; a += SZ_2M)
		memblock_reserve(a, PAGE_SIZE);
	EXPECT(sim_ours() == SIM_PANIC);
	config.split = 0;
}

/* To the page: what is above the highest free large page takes its own memory. */
static void no_less_room_than_base(void)
{
	struct sim_result base = {};
	unsigned int i;

	for (i = 0; i < 2; i++) {
		config.light = true;
		config.bottom_up = false;
		sim_begin(&config);
		memblock_add(0, GB + SZ_1M);
		memblock_add(GB + SZ_8M, SZ_2M - SZ_64K);
		memblock_reserve(0, SZ_64K);
		if (!i) {
			EXPECT(sim_base() == SIM_OK);
			base = sim_result;
		}
	}
	EXPECT(sim_ours() == SIM_OK);
	EXPECT(sim_result.total == base.total);
	EXPECT(sim_result.crash_4g >= base.crash_4g);
}

#ifdef CONFIG_MEMBLOCK_KHO_SCRATCH
static const bool has_scratch = true;
#else
static const bool has_scratch;
#define memblock_mark_kho_scratch(base, size)	((void)0)
#define memblock_set_kho_scratch_only()		((void)0)
#define memblock_clear_kho_scratch_only()	((void)0)
#endif

/* Until memblock_free_all(), there is no memory but this. */
static void scratch_memory_only(void)
{
	begin(false);
	memblock_mark_kho_scratch(0, SZ_1M);
	memblock_mark_kho_scratch(3 * GB, SZ_32M);
	memblock_mark_kho_scratch(SZ_128M, SZ_64M);
	memblock_set_kho_scratch_only();
	EXPECT(sim_ours() == SIM_OK);
	EXPECT(sim_result.total > sim_result.bootstrap + PFN_DOWN(SZ_8M));
	EXPECT(sim_result.highest < PFN_DOWN(3 * GB + SZ_32M));
	EXPECT(sim_result.lowest >= PFN_DOWN(SZ_128M));
	memblock_clear_kho_scratch_only();
}

/* It's far from where mapping begins, where other memory is free. */
static void scratch_memory_elsewhere(void)
{
	config.split = SZ_64M;
	begin(true);
	memblock_mark_kho_scratch(0, SZ_1M);
	memblock_mark_kho_scratch(3 * GB, SZ_32M);
	memblock_set_kho_scratch_only();
	EXPECT(sim_ours() == SIM_OK);
	EXPECT(sim_result.lowest >= PFN_DOWN(3 * GB));
	memblock_clear_kho_scratch_only();
	config.split = 0;
}

int main(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
		const char *needs;
		const bool *has;
	} tests[] = {
		{ "no_memory_to_be_unplugged", no_memory_to_be_unplugged, NULL, NULL },
		{ "bottom_up_in_single_pages", bottom_up_in_single_pages, NULL, NULL },
		{ "small_runs_first", small_runs_first, NULL, NULL },
		{ "array_is_full", array_is_full, NULL, NULL },
		{ "no_less_room_than_base", no_less_room_than_base, "base's source", &sim_has_base },
		{ "scratch_memory_only", scratch_memory_only, "scratch memory", &has_scratch },
		{ "scratch_memory_elsewhere", scratch_memory_elsewhere, "scratch memory", &has_scratch },
		/* memblock remembers that there was some: comes last. */
		{ "mirrored_memory_first", mirrored_memory_first, NULL, NULL },
	};
	unsigned int i, nr_failed = 0;

	sim_init();
	/* Of mapping without an end, in seconds. */
	sim_max_steps = 1 << 28;
	printf("KTAP version 1\n1..%zu\n", ARRAY_SIZE(tests));
	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		failed = false;
		if (tests[i].has && !*tests[i].has) {
			printf("ok %u %s # SKIP needs %s\n", i + 1, tests[i].name, tests[i].needs);
			continue;
		}
		tests[i].run();
		nr_failed += failed;
		printf("%sok %u %s\n", failed ? "not " : "", i + 1, tests[i].name);
	}
	return nr_failed != 0;
}
