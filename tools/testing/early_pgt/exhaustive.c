// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every memory map of a small machine: each page is a hole, free, or reserved.
 *
 * Every run is checked in full (see sim_check.c). Ours may panic only if there is
 * no free block left of more pages than it may take tables to map one: of a power
 * of two, naturally aligned, within the range of a PTE table. A search through
 * every order tells how many of these machines could be mapped nevertheless.
 *
 * Tables of 8 entries: 4 pages a letter, so that there are such blocks, and
 * others, on all machines.
 */

#include "brute.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KERNEL		0x40000UL	/* beyond the RAM that is enumerated */
#define MAX_LETTERS	24
#define MAX_PAGES	(4 * MAX_LETTERS)

struct counts {
	unsigned long runs;
	unsigned long mapped;
	unsigned long impossible;
	unsigned long scarce;		/* an order exists, but no block as above */
	unsigned long missed;		/* ours panics, and there is such a block */
	unsigned long broken;		/* a check failed */
};

static struct counts counts;
static unsigned int show = 10;

static void set_map(const struct sim_config *c, const char *map, unsigned int pages)
{
	unsigned int i, j;

	sim_begin(c);
	for (i = 0; i < pages; i = j) {
		for (j = i + 1; j < pages && (map[i] == MAP_HOLE) == (map[j] == MAP_HOLE); j++)
			;
		if (map[i] != MAP_HOLE)
			memblock_add(PFN_PHYS(i), PFN_PHYS(j - i));
	}
	for (i = 0; i < pages; i = j) {
		for (j = i + 1; j < pages && map[i] == map[j]; j++)
			;
		if (map[i] == MAP_RESERVED)
			memblock_reserve(PFN_PHYS(i), PFN_PHYS(j - i));
	}
}

static void print_map(const struct sim_config *c, const char *map, unsigned int pages,
		      const char *what)
{
	printf("%s: %.*s levels=%u bits=%u sizes=%lu kaslr=%lu split=%lu xen=%d: %s\n",
	       what, (int)pages, map, c->levels, c->bits, c->sizes,
	       c->kaslr >> PAGE_SHIFT, c->split >> PAGE_SHIFT, c->xen, sim_message);
	fflush(stdout);
}

static bool run(const struct sim_config *c, const char *map, unsigned int pages)
{
	unsigned int bootstrap;

	counts.runs++;
	set_map(c, map, pages);
	/* The trampoline has its own. */
	bootstrap = sim_bootstrap() - (c->kaslr ? c->levels - 3 : 0);
	switch (sim_ours()) {
	case SIM_OK:
		counts.mapped++;
		return true;
	case SIM_PANIC:
		if (strncmp(sim_message, "early_pgt: can't map [mem ", 26)) {
			if (counts.broken++ < show)
				print_map(c, map, pages, "BROKEN");
			return false;
		}
		if (sim_free_block()) {
			if (counts.missed++ < show)
				print_map(c, map, pages, "MISSED");
			return false;
		}
		if (brute_possible(map, pages, bootstrap))
			counts.scarce++;
		else
			counts.impossible++;
		return true;
	default:
		if (counts.broken++ < show)
			print_map(c, map, pages, "BROKEN");
		return false;
	}
}

static unsigned int pages_a_letter(const struct sim_config *c)
{
	return c->bits > 2 ? 4 : 1;
}

/* All maps of @letters that end with RAM. Worker @me of @nr. */
static void all_maps(struct sim_config *c, unsigned int letters, unsigned int me,
		     unsigned int nr)
{
	static const char kinds[] = { MAP_FREE, MAP_RESERVED, MAP_HOLE };
	unsigned int each = pages_a_letter(c), p;
	unsigned long total = 2, i, k;
	char map[MAX_PAGES + 1] = { 0 };

	for (p = 1; p < letters; p++)
		total *= 3;
	for (i = me; i < total; i += nr) {
		k = i;
		memset(map + (letters - 1) * each, kinds[k % 2], each);
		k /= 2;
		for (p = 0; p < letters - 1; p++, k /= 3)
			memset(map + p * each, kinds[k % 3], each);
		if (c->bottom_up) {
			for (p = 1; p <= letters; p++) {
				c->split = PFN_PHYS((unsigned long)p * each);
				run(c, map, letters * each);
			}
		} else {
			run(c, map, letters * each);
		}
	}
}

static unsigned long worker(unsigned int bound, unsigned int me, unsigned int nr)
{
	struct sim_config c = { .kernel = KERNEL, .kernel_end = KERNEL + PFN_PHYS(64) };
	unsigned int pages;

	for (pages = 1; pages <= bound; pages++) {
		unsigned int lo = IS_ENABLED(CONFIG_X86_32) ? 2 : 4;

		for (c.levels = lo; c.levels <= lo + 1; c.levels++) {
			for (c.bits = 1; c.bits <= 3; c.bits++) {
				unsigned int variant;

				/* Bits: large pages (2), bottom-up, KASLR or Xen (2). */
				for (variant = 0; variant < 32; variant++) {
					unsigned int l = variant & 3, k = variant >> 3;

					if (l == 3 || (l == 2 && IS_ENABLED(CONFIG_X86_32)))
						continue;
					if (k == 3 || (k && IS_ENABLED(CONFIG_X86_32)))
						continue;
					if (k == 2 && (c.levels != 4 || l))
						continue;
					c.sizes = (2UL << (l + 1)) - 2;
					c.bottom_up = variant & 4;
					c.xen = k == 2;
					c.kaslr = k == 1 ? PFN_PHYS(1UL << (2 * c.bits)) : 0;
					c.split = 0;
					all_maps(&c, pages, me, nr);
				}
			}
		}
		if (!me) {
			printf("# up to %2u pages: %lu runs by this worker\n", pages, counts.runs);
			fflush(stdout);
		}
	}
	return 0;
}

/* Beyond the bound: random maps of @pages pages. */
static void random_maps(unsigned int pages, unsigned int seconds, unsigned int me)
{
	struct sim_config c = { .kernel = KERNEL, .kernel_end = KERNEL + PFN_PHYS(64) };
	unsigned int lo = IS_ENABLED(CONFIG_X86_32) ? 2 : 4;
	time_t end = time(NULL) + seconds;
	char map[MAX_PAGES + 1] = { 0 };

	srandom(me + 1);
	while (time(NULL) < end) {
		unsigned int p, holes = random() % 4, taken = 1 + random() % 8;
		unsigned int stick = random() % 4;

		for (p = 0; p < pages; p++) {
			unsigned int k = random() % (holes + taken + 2);

			if (p && random() % 4 < stick)
				map[p] = map[p - 1];
			else
				map[p] = k < holes ? MAP_HOLE :
					 k < holes + taken ? MAP_RESERVED : MAP_FREE;
		}
		map[pages - 1] = random() % 2 ? MAP_RESERVED : MAP_FREE;
		c.levels = lo + random() % 2;
		c.bits = 1 + random() % 2;
		c.sizes = (2UL << (1 + random() % (IS_ENABLED(CONFIG_X86_32) ? 2 : 3))) - 2;
		c.bottom_up = random() % 4 == 0;
		c.split = c.bottom_up ? PFN_PHYS(1 + random() % pages) : 0;
		c.xen = !IS_ENABLED(CONFIG_X86_32) && c.levels == 4 && c.sizes == 2 &&
			random() % 2;
		c.kaslr = !IS_ENABLED(CONFIG_X86_32) && !c.xen && random() % 2 ?
			PFN_PHYS(1UL << (2 * c.bits)) : 0;
		run(&c, map, pages);
	}
}

static int one(int argc, char **argv)
{
	struct sim_config c = {
		.kernel = KERNEL, .kernel_end = KERNEL + PFN_PHYS(64),
		.levels = 4, .bits = 1, .sizes = 2,
	};
	int i;

	for (i = 2; i < argc; i++) {
		unsigned int v = 0;

		if (sscanf(argv[i], "levels=%u", &c.levels) == 1 ||
		    sscanf(argv[i], "bits=%u", &c.bits) == 1 ||
		    sscanf(argv[i], "sizes=%lu", &c.sizes) == 1)
			continue;
		if (sscanf(argv[i], "kaslr=%u", &v) == 1)
			c.kaslr = PFN_PHYS((unsigned long)v);
		else if (sscanf(argv[i], "split=%u", &v) == 1)
			c.split = PFN_PHYS((unsigned long)v), c.bottom_up = v;
		else if (sscanf(argv[i], "xen=%u", &v) == 1)
			c.xen = v;
	}
	sim_verbose = true;
	i = run(&c, argv[1], strlen(argv[1]));
	printf("%s: %s %s\n", argv[1], i ? counts.mapped ? "mapped" : "impossible" : "FAILED",
	       sim_message);
	return !i;
}

int main(int argc, char **argv)
{
	unsigned int bound = 8, jobs = 2, seconds = 0, i;
	unsigned long maps = 0;
	struct counts all = { 0 }, c;
	int fds[2];
	time_t t = time(NULL);

	sim_init();
	if (argc > 1 && strspn(argv[1], "frh.") == strlen(argv[1]))
		return one(argc, argv);
	if (argc > 1)
		bound = atoi(argv[1]);
	if (argc > 2)
		jobs = atoi(argv[2]);
	if (argc > 3)
		seconds = atoi(argv[3]);
	if (bound < 1 || bound > MAX_LETTERS || jobs < 1 || jobs > 64 || argc > 4) {
		fprintf(stderr, "usage: %s [PAGES [JOBS [SECONDS]]]\n"
			"       %s MAP [levels=N] [bits=N] [sizes=N] [kaslr=PAGES] [split=PAGE] [xen=1]\n"
			"SECONDS: random maps of that many pages instead of all maps\n"
			"MAP has a letter for each page: f free, r reserved, . hole\n",
			argv[0], argv[0]);
		return 2;
	}
	if (pipe(fds)) {
		perror("pipe");
		return 2;
	}
	for (i = 0; i < jobs; i++) {
		if (!fork()) {
			if (seconds)
				random_maps(bound, seconds, i);
			else
				worker(bound, i, jobs);
			exit(write(fds[1], &counts, sizeof(counts)) != sizeof(counts));
		}
	}
	close(fds[1]);
	for (i = 0; i < jobs; i++) {
		if (read(fds[0], &c, sizeof(c)) != sizeof(c)) {
			printf("not ok - a worker crashed\n");
			return 1;
		}
		all.runs += c.runs;
		all.mapped += c.mapped;
		all.impossible += c.impossible;
		all.scarce += c.scarce;
		all.missed += c.missed;
		all.broken += c.broken;
	}
	while (wait(NULL) > 0)
		;
	for (i = 1; !seconds && i <= bound; i++)
		maps = 3 * maps + 2;
	if (maps)
		printf("# %lu maps, each on all machines: levels, entries per table, page sizes, KASLR, Xen, bottom-up from each page\n",
		       maps);
	printf("%s: %s %u pages: %lu runs, %lu mapped, %lu can't be mapped in any order, %lu might be in one, but no free block is left, %lu missed, %lu broken; %ld s\n",
	       IS_ENABLED(CONFIG_X86_32) ? "2 and 3 levels" : "4 and 5 levels",
	       seconds ? "random maps of" : "every map of up to",
	       bound, all.runs, all.mapped, all.impossible, all.scarce,
	       all.missed, all.broken, (long)(time(NULL) - t));
	return all.missed || all.broken;
}
