// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random machines at true geometry: libFuzzer's bytes are read as a program
 * that builds a memory map. Every run is checked in full (see sim_check.c), and
 * has to map all RAM wherever the base kernel's code does.
 *
 *	fuzz FILE		run one input again, and print its map
 *	fuzz -seeds FOLDER	write inputs to start with
 *	fuzz -compare SECONDS	count maps on which base panics, print the smallest
 */

#include "map.h"

#include <stdlib.h>
#include <time.h>

struct input {
	const u8 *data;
	size_t left;
};

static u64 take(struct input *in, unsigned int bytes)
{
	u64 v = 0;

	for (; bytes && in->left; bytes--, in->left--)
		v = v << 8 | *in->data++;
	return v;
}

/* Addresses of interest, and near them. */
static u64 take_addr(struct input *in, u64 top)
{
	static const u64 marks[] = {
		SZ_1M, SZ_2M, SZ_16M, 0x30000000, 0x38000000, SZ_1G, SZ_2G,
		0xc0000000, SZ_4G, SZ_4G + SZ_1G, 1ULL << 36, 1ULL << 39,
		1ULL << 40, 1ULL << 44, 1ULL << 45, 1ULL << 46,
	};
	u64 a = marks[take(in, 1) % ARRAY_SIZE(marks)];
	unsigned int how = take(in, 1);
	u64 off = (take(in, 2) + 1) << (12 + how % 3 * 9 - how % 3 / 2 * 9);

	switch (how >> 2 & 3) {
	case 1:
		a += off;
		break;
	case 2:
		a = a > off ? a - off : off;
		break;
	case 3:
		a = off << (how >> 4);
		break;
	}
	return min(round_down(a, (u64)PAGE_SIZE), top);
}

static u64 take_size(struct input *in)
{
	unsigned int how = take(in, 1);

	return (take(in, 1) + 1) << (12 + how % 24);
}

/*
 * memblock_double_array() frees the old array before it reserves the new one.
 * If that makes the other array grow, the two get the same place: a bug of its
 * own, which isn't looked for here.
 */
static bool both_full(void)
{
	return memblock.memory.cnt + 3 > memblock.memory.max &&
	       memblock.reserved.cnt + 5 > memblock.reserved.max;
}

/*
 * What adds, removes, or reserves memory; comb: fragments. More than some 8000
 * reserved ranges are beyond memblock, whose arrays have to fit below 1 MB.
 */
static void build(struct input *in, u64 top)
{
	unsigned int i, n = 1 + take(in, 1) % 24;

	memblock_add(0, 0x9f000);
	for (i = 0; i < n && in->left && !both_full(); i++) {
		unsigned int op = take(in, 1);
		u64 a = take_addr(in, top), size = take_size(in);
		u64 period, j, count;

		size = min(size, top - a);
		if (!size || memblock.reserved.cnt > 3500)
			continue;
		switch (op % 8) {
		case 0:
		case 1:
			memblock_add(a, size);
			break;
		case 2:
			memblock_remove(a, size);
			break;
		case 3:
		case 4:
			memblock_reserve(a, size);
			break;
		case 5:		/* all below */
			memblock_add(SZ_1M, a);
			break;
		case 6:		/* holes, e820 has room for some */
		case 7:		/* reserved pieces */
			period = max(round_up(take_size(in), PAGE_SIZE), (u64)2 * PAGE_SIZE);
			/* Thousands of ranges take time: rarely. */
			count = 1 + take(in, 1) * (op / 8 % 8 ? 2 : 40);
			size = min(size, period - PAGE_SIZE);
			for (j = 0; j < count && a + j * period + size < top; j++) {
				if (memblock.memory.cnt > 3000 ||
				    memblock.reserved.cnt > 3500 || both_full())
					break;
				if (op % 8 == 6)
					memblock_remove(a + j * period, size);
				else
					memblock_reserve(a + j * period, size);
			}
			break;
		}
	}
	memblock_remove(0xa0000, 0x60000);
	memblock_trim_memory(PAGE_SIZE);
	memblock_reserve(0, SZ_64K);
}

static struct sim_config config;

/* memblock as an input fills it: kept, as each machine runs more than once. */
static struct memblock built;
static struct memblock_region *built_regions[2];

static struct memblock_region *keep(const struct memblock_type *type,
				    struct memblock_region *copy)
{
	copy = realloc(copy, type->max * sizeof(*copy));
	if (!copy)
		abort();
	memcpy(copy, type->regions, type->max * sizeof(*copy));
	return copy;
}

/* Read an input: fill memblock, and choose the machine. */
static void setup(const u8 *data, size_t size)
{
	struct input in = { data, size };
	unsigned int how = take(&in, 1), more = take(&in, 1), top;
	struct sim_config c = { .levels = 4, .bits = 9 };
	static const unsigned char tops[] = { 32, 33, 36, 38, 32, 34, 40, 46 };

	c.sizes = (2UL << (1 + how % 3)) - 2;
	c.xen = !(how >> 2 & 3);
	top = tops[how >> 4 & 7];
	c.bottom_up = how >> 7;
	if (IS_ENABLED(CONFIG_X86_32)) {
		/* The second one is what most 32-bit kernels have. */
		static const unsigned long lows[] = {
			SIM_MAX_LOW, 0x375fe000, 0x36001000, 0x1fe00000,
		};
		bool pae = IS_ENABLED(CONFIG_X86_PAE);

		c.levels = pae ? 3 : 2;
		c.bits = pae ? 9 : 10;
		c.sizes = (2UL << (1 + how % 2)) - 2;
		c.xen = false;
		c.max_low = lows[more & 3];
		top = pae ? 30 + (more >> 2) % 7 : 29 + (more >> 2) % 4;
	} else if (c.xen) {
		c.sizes = BIT(PG_LEVEL_4K);
		top = min(top, 33U);
		c.bottom_up = false;
	} else {
		c.levels += more & 1;
		c.kaslr = (u64)(more >> 1 & 7) << 30;
	}

	sim_begin(&c);
	build(&in, min_t(u64, (phys_addr_t)-PAGE_SIZE, 1ULL << top));
	built = memblock;
	built_regions[0] = keep(&memblock.memory, built_regions[0]);
	built_regions[1] = keep(&memblock.reserved, built_regions[1]);

	map_place_kernel(&c);
	c.light = !c.xen && !IS_ENABLED(CONFIG_X86_32) &&
		  memblock_phys_mem_size() > SZ_1G;
	if (c.bottom_up)
		c.split = c.kernel_end;
	config = c;
}

/* The machine that was read last, as new. */
static void start(void)
{
	sim_begin(&config);
	memblock = built;
	memcpy(memblock.memory.regions, built_regions[0],
	       memblock.memory.max * sizeof(struct memblock_region));
	memcpy(memblock.reserved.regions, built_regions[1],
	       memblock.reserved.max * sizeof(struct memblock_region));
}

static bool usable(void)
{
	/* What is mapped at the start is what is below the kernel's end. */
	if ((config.xen || IS_ENABLED(CONFIG_X86_32)) &&
	    (config.kernel_end > SZ_64M ||
	     !memblock_is_region_memory(config.kernel,
					config.kernel_end - config.kernel)))
		return false;
	/* PTE by PTE, terabytes take too long for a fuzzer. */
	if (!(config.sizes & BIT(PG_LEVEL_2M)) &&
	    (u64)memblock_phys_mem_size() > 1ULL << 36)
		return false;
	return memblock.memory.cnt && memblock.memory.cnt < 3000;
}

static void report(const char *what)
{
	start();
	fprintf(stderr, "# %s\n", what);
	map_print(stderr, &config);
}

static unsigned long nr_base_panics, nr_ours_panics, nr_both, nr_ran;
static unsigned int smallest = ~0U;
static long most_ranges;
static clock_t slowest;			/* milliseconds */
static bool comparing, showing;

/* More tables for ours would be a bug; fewer maps that boot, too. */
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct sim_result base;
	enum sim_outcome rc, b;
	char why[600] = "";
	clock_t t;

	setup(data, size);
	if (!usable())
		return 0;
	if (showing)
		report("this machine");

	start();
	b = sim_base();
	base = sim_result;
	/* Bottom-up, base takes memory below the kernel before it is mapped. */
	if (b == SIM_FAIL && config.bottom_up && strstr(sim_message, "isn't mapped yet"))
		b = SIM_PANIC;
	if (b == SIM_FAIL)
		snprintf(why, sizeof(why), "base: %s", sim_message);
	start();
	t = clock();
	rc = sim_ours();
	t = (clock() - t) / (CLOCKS_PER_SEC / 1000);
	nr_ran++;
	if (rc == SIM_FAIL)
		snprintf(why, sizeof(why), "ours: %s", sim_message);
	else if (rc == SIM_PANIC && strncmp(sim_message, "early_pgt: can't map [mem ", 26))
		snprintf(why, sizeof(why), "ours panics with another message: %s", sim_message);
	else if (rc == SIM_PANIC && sim_free_block())
		snprintf(why, sizeof(why), "ours panics, but there is a free block: %s", sim_message);
	else if (rc == SIM_PANIC && b == SIM_OK)
		snprintf(why, sizeof(why), "ours panics, base doesn't: %s", sim_message);
	else if (rc == SIM_OK && b == SIM_OK && sim_result.total > base.total)
		snprintf(why, sizeof(why), "%lu tables, base has %lu", sim_result.total, base.total);
	else if (rc == SIM_OK && b == SIM_OK && sim_result.below_1m)
		snprintf(why, sizeof(why), "%lu tables below 1 MB", sim_result.below_1m);
	else if (rc == SIM_OK && b == SIM_OK && !config.bottom_up &&
		 sim_result.crash_4g + PFN_PHYS(sim_result.total) < base.crash_4g)
		snprintf(why, sizeof(why), "crash kernel below 4 GB: %#llx bytes, base %#llx",
			 (unsigned long long)sim_result.crash_4g,
			 (unsigned long long)base.crash_4g);
	if (showing)
		fprintf(stderr, "# ours: %s; base: %s\n",
			rc == SIM_OK ? "maps it" : why[0] ? why : sim_message,
			b == SIM_OK ? "maps it" : sim_has_base ? "panics, or would fault" : "no source");
	if (why[0]) {
		report(why);
		abort();
	}

	if (comparing && rc == SIM_PANIC && b == SIM_OK) {
		printf("# only ours panics: %s; base leaves %lu pages\n", sim_message, base.spare);
		start();
		map_print(stdout, &config);
		fflush(stdout);
	}
	if (comparing && t > 2 * slowest) {
		slowest = t;
		printf("# ours takes %ld ms\n", (long)t);
		start();
		map_print(stdout, &config);
		fflush(stdout);
	}
	if (comparing && rc == SIM_OK && b == SIM_OK &&
	    sim_result.ranges - base.ranges > most_ranges) {
		most_ranges = sim_result.ranges - base.ranges;
		printf("# ours leaves %ld reserved ranges more than before, base %ld\n",
		       sim_result.ranges, base.ranges);
		start();
		map_print(stdout, &config);
		fflush(stdout);
	}
	nr_base_panics += b == SIM_PANIC && rc == SIM_OK;
	nr_ours_panics += rc == SIM_PANIC;
	nr_both += b == SIM_PANIC && rc == SIM_PANIC;
	if (comparing && b == SIM_PANIC && rc == SIM_OK) {
		start();
		if (memblock.memory.cnt + memblock.reserved.cnt < smallest) {
			smallest = memblock.memory.cnt + memblock.reserved.cnt;
			printf("# base panics, ours maps it:\n");
			map_print(stdout, &config);
			fflush(stdout);
		}
	}
	return 0;
}

static unsigned int random_bytes(u8 *data, unsigned int max)
{
	unsigned int i, n = 16 + random() % (max - 16);

	for (i = 0; i < n; i++)
		data[i] = random() >> 8;
	return n;
}

/* Random input is better to start with than none. */
static int write_seeds(const char *folder)
{
	unsigned int i;

	srandom(1);
	for (i = 0; i < 200; i++) {
		u8 data[128];
		unsigned int n = random_bytes(data, sizeof(data));
		char name[4096];
		FILE *f;

		snprintf(name, sizeof(name), "%s/seed-%03u", folder, i);
		f = fopen(name, "w");
		if (!f || fwrite(data, n, 1, f) != 1 || fclose(f)) {
			perror(name);
			return 2;
		}
	}
	return 0;
}

static int compare(unsigned int seconds)
{
	time_t end = time(NULL) + seconds;
	u8 data[256];

	if (!sim_has_base) {
		fprintf(stderr, "no source of a kernel without chunks: set BASE\n");
		return 2;
	}
	comparing = true;
	srandom(1);
	while (time(NULL) < end)
		LLVMFuzzerTestOneInput(data, random_bytes(data, sizeof(data)));
	printf("%lu random machines: base panics or faults on %lu where ours maps all RAM; on %lu both panic, ours alone on %lu\n",
	       nr_ran, nr_base_panics, nr_both, nr_ours_panics - nr_both);
	return nr_ours_panics != nr_both;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	sim_init();
	if (*argc == 3 && !strcmp((*argv)[1], "-compare"))
		exit(compare(atoi((*argv)[2])));
	if (*argc == 3 && !strcmp((*argv)[1], "-seeds"))
		exit(write_seeds((*argv)[2]));
	showing = *argc == 2 && (*argv)[1][0] != '-';
	return 0;
}
