// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory maps of real machines: where do the early page tables go?
 *
 * Prints for each map and page size what the base kernel's code does, and what
 * ours does.
 */

#include "map.h"
#include "files.h"

#include <stdlib.h>
#include <unistd.h>

/* Above, PTEs are left out; Xen and base are. */
#define LIGHT		(1UL << 36)
#define NO_XEN		(1UL << 40)
#define NO_BASE		(1UL << 40)

static struct map map;
static bool brief;
static const char *picture;		/* folder for what is to be drawn */

static struct counts {
	unsigned int maps, runs, bad, base_panics, base_fails, less_room;
} *counts;

static const char *room(unsigned long bytes, char *buf)
{
	sprintf(buf, "%lu", bytes >> 20);
	return buf;
}

static void print_row(const char *size, const char *who, enum sim_outcome rc)
{
	const struct sim_result *r = &sim_result;
	char low[24] = "-", high[24] = "-", a[24], b[24], c[24];

	if (rc != SIM_OK) {
		printf("  %-6s %-4s %s: %s\n", size, who, rc == SIM_PANIC ? "panics" : "FAILS",
		       sim_message);
		return;
	}
	if (r->total > r->bootstrap) {
		sprintf(low, "%#lx", PFN_PHYS(r->lowest));
		sprintf(high, "%#lx", PFN_PHYS(r->highest));
	}
	printf("  %-6s %-4s", size, who);
	if (r->chunks)
		printf(" %6lu", r->chunks);
	else
		printf(" %6s", "-");
	printf(" %8lu %6lu %5lu %4lu %4lu %5lu %14s %14s %7lu %7lu %7lu %8s %6s %6s\n",
	       r->total, r->tables[1], r->tables[2], r->tables[3], r->tables[4],
	       r->bootstrap, low, high, r->below_4g, r->below_896m, r->below_768m,
	       room(r->crash_4g, a), room(r->crash_896m, b), room(r->crash_768m, c));
}

static bool less_room(const struct sim_result *base, unsigned long slack)
{
	return sim_result.crash_4g + slack < base->crash_4g ||
	       sim_result.crash_896m + slack < base->crash_896m ||
	       sim_result.crash_768m + slack < base->crash_768m;
}

/* A panic that is reported isn't the simulation's failure. */
static bool as_reported(void)
{
	unsigned long start, end;

	return map.panic_end &&
	       sscanf(sim_message, "early_pgt: can't map [mem %lx-%lx]", &start, &end) == 2 &&
	       start == map.panic_start && end + 1 == map.panic_end;
}

/* "21 entries, 15.8 GiB of RAM, from BIOS-e820 lines 12-32" */
static void print_origin(const char *file)
{
	struct sim_config c = map.sim;
	double mb;

	sim_begin(&c);
	if (!map_set_memory(&map))
		map_bad(file, 0, "more than some 8000 ranges: memblock has no room for them below 1 MB");
	mb = memblock_phys_mem_size() / 1048576.0;
	printf("  %u entr%s, %.1f %s of RAM, from %s\n%s", map.read, map.read == 1 ? "y" : "ies",
	       mb < 1024 ? mb : mb / 1024, mb < 1024 ? "MiB" : "GiB", map.origin, map.notes);
}

static void compare(const char *file, const char *what, struct sim_config *c)
{
	enum sim_outcome rc[2] = { SIM_PANIC };
	struct sim_result base = {};
	const char *why = NULL;
	unsigned long brk;
	u64 ram;

	c->light = true;
	sim_begin(c);
	map_set_memory(&map);
	ram = memblock_phys_mem_size();
	if (sim_has_base && (c->sizes & BIT(PG_LEVEL_2M) || ram <= NO_BASE)) {
		rc[0] = sim_base();
		base = sim_result;
		if (picture && rc[0] == SIM_OK)
			map_write_picture(picture, "base");
		files_add(&counts->base_panics, rc[0] == SIM_PANIC);
		if (!brief)
			print_row(what, "base", rc[0]);
		files_add(&counts->base_fails, rc[0] == SIM_FAIL);
	}

	c->light = ram > LIGHT && !c->xen;
	sim_begin(c);
	map_set_memory(&map);
	rc[1] = sim_ours();
	if (picture && rc[1] == SIM_OK)
		map_write_picture(picture, "patched");
	if (picture && (rc[0] != SIM_OK || rc[1] != SIM_OK)) {
		fprintf(stderr, "%s: %s: there is nothing to draw: %s doesn't map this memory with pages of %s\n",
			picture, map_name(file), rc[0] != SIM_OK ? "base" : "ours", what);
		files_status = 2;
	}
	if (!brief)
		print_row(what, "ours", rc[1]);

	if (rc[1] == SIM_PANIC && as_reported())
		printf("  as reported\n");
	else if (rc[1] != SIM_OK)
		why = sim_message;
	else if (rc[0] == SIM_OK && sim_result.total > base.total)
		why = "more tables than base";
	/* Tables in the BRK take room as well. */
	brk = PFN_PHYS(max(base.bootstrap, sim_result.bootstrap) - sim_result.bootstrap);
	if (!why && rc[0] == SIM_OK && less_room(&base, brk)) {
		/* Base may spread its tables over holes that are of no use. */
		files_add(&counts->less_room, 1);
		if (less_room(&base, PFN_PHYS(sim_result.total)))
			why = "less room for a crash kernel than base";
		else if (!brief)
			printf("  %-6s less room for a crash kernel than base, by the tables themselves\n",
			       what);
	}
	files_add(&counts->runs, 1);
	if (why) {
		files_add(&counts->bad, 1);
		printf("FAILED: %s, %s: %s\n", file, what, why);
	}
}

static void simulate(const char *file)
{
	static const struct {
		const char *name;
		unsigned long sizes;
		bool xen;
	} runs[] = {
		{ "1G", BIT(PG_LEVEL_4K) | BIT(PG_LEVEL_2M) | BIT(PG_LEVEL_1G), false },
		{ "2M", BIT(PG_LEVEL_4K) | BIT(PG_LEVEL_2M), false },
		{ "4K", BIT(PG_LEVEL_4K), false },
		{ "Xen PV", BIT(PG_LEVEL_4K), true },
	};
	const char *name = strrchr(file, '/');
	unsigned int i, nr = 0;

	map_read(&map, file);
	files_add(&counts->maps, 1);
	if (!brief) {
		printf("\n%s\n", name ? name + 1 : map_name(file));
		print_origin(file);
		printf("  %-6s %-4s %6s %8s %6s %5s %4s %4s %5s %14s %14s %7s %7s %7s %8s %6s %6s\n",
		       "pages", "", "chunks", "tables", "PTE", "PMD", "PUD", "P4D", "BRK",
		       "lowest", "highest", "<4G", "<896M", "<768M", "free<4G", "<896M", "<768M");
	}
	for (i = 0; i < ARRAY_SIZE(runs); i++) {
		struct sim_config c = map.sim;

		if (map.fixed && (c.xen != runs[i].xen || c.sizes != runs[i].sizes))
			continue;
		/* Of all, this one has the most tables, and base beside it. */
		if (picture && (runs[i].xen || runs[i].sizes != BIT(PG_LEVEL_4K)))
			continue;
		sim_begin(&c);
		if (!map_set_memory(&map))
			map_bad(file, 0, "more than some 8000 ranges: memblock has no room for them below 1 MB");
		if (!c.kernel_end && !map_place_kernel(&c) && runs[i].xen)
			continue;
		nr++;
		/* A PV domain's kernel is in what it begins with, and mapped from 0 on. */
		if (runs[i].xen && PFN_DOWN(c.kernel_end) / 256 > PFN_DOWN(c.kernel_end - c.kernel)) {
			if (!brief)
				printf("  %-6s not simulated: no RAM for the kernel but at %#lx\n",
				       runs[i].name, c.kernel);
			continue;
		}
		if (memblock_phys_mem_size() > NO_XEN && runs[i].xen) {
			if (!brief)
				printf("  %-6s not simulated above %lu GB\n",
				       runs[i].name, NO_XEN >> 30);
			continue;
		}
		c.sizes = runs[i].sizes;
		c.xen = runs[i].xen;
		/* A report says where that is. */
		if (c.xen && !map.panic_end && memblock_is_region_memory(c.kernel, c.kernel_end - c.kernel)) {
			/* Xen's p2m list, and the tables that map it. */
			c.p2m = PFN_DOWN(c.kernel_end);
			c.nr_p2m = PFN_UP(PFN_DOWN(memblock_phys_mem_size()) * 8) + 4;
			if (!memblock_is_region_memory(c.kernel_end, PFN_PHYS(c.nr_p2m)))
				c.nr_p2m = 0;
		}
		compare(file, runs[i].name, &c);
	}
	if (!nr)
		map_bad(file, 0, "no machine with these page sizes can be simulated");
	files_status = map.doubtful ? 2 : files_status;
}

int main(int argc, char **argv)
{
	unsigned int unread;
	int rc, opt;

	while ((opt = getopt(argc, argv, "qve:p:")) != -1) {
		if (opt == 'q')
			brief = true;
		else if (opt == 'v')
			sim_verbose = true;
		else if (opt == 'e' && atoi(optarg) > 0 && atoi(optarg) <= E820_MAX_ENTRIES)
			map_max = atoi(optarg);
		else if (opt == 'p')
			picture = optarg;
		else
			break;
	}
	if (opt != -1 || optind == argc) {
		fprintf(stderr, "usage: %s [-qv] [-e ENTRIES] [-p FOLDER] FILE or FOLDER or -...\n"
			"-q: only what fails, and a summary\n"
			"-v: with the messages of the kernel\n"
			"-e: entries that a file may have, 1 to %d, instead of %d\n"
			"-p: of one file, with pages of 4K: write FOLDER/base and FOLDER/patched for lab/picture\n",
			argv[0], E820_MAX_ENTRIES, MAP_MAX);
		return 2;
	}
	files_collect(argv + optind, picture);

	counts = files_share(sizeof(*counts));
	rc = files_run(simulate, &unread);
	if (sim_has_base)
		printf("%s%u map%s, %u runs each with base and ours: %u failed, base panics in %u, less room for a crash kernel than base in %u",
		       brief ? "" : "\n", counts->maps, counts->maps == 1 ? "" : "s", counts->runs, counts->bad,
		       counts->base_panics, counts->less_room);
	else
		printf("%s%u map%s, %u runs: %u failed; nothing to compare with (BASE=)",
		       brief ? "" : "\n", counts->maps, counts->maps == 1 ? "" : "s", counts->runs, counts->bad);
	if (counts->base_fails)
		printf(", base fails in %u", counts->base_fails);
	if (unread)
		printf("; %u file%s not read, or not in full", unread, unread == 1 ? "" : "s");
	printf("\n");
	return rc ?: counts->bad != 0;
}
