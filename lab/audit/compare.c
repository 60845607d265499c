// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compare two lists of leaf mappings.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "lab.h"

static const char usage[] =
"usage: audit compare A B [options]\n"
"\n"
"Compare the mappings of two files of \"audit --leaves\", bit for bit: address,\n"
"page size, frame, flags (accessed and dirty aside), and what all levels\n"
"together allow. Prints the first differences.\n"
"\n"
"  --phase NAME           this phase only (default: all)\n"
"  --region NAME,...      these regions only (default: all)\n"
"  --ignore-pa=NAME,...   regions whose frames may differ, such as vmemmap:\n"
"                         what memblock allocated may lie elsewhere\n"
"  --ignore-nx=VA-VA      hexadecimal; pages in this range may differ in NX: on i386\n"
"                         what is executable ends at __init_end, and that differs\n"
"                         between two kernels\n"
"  --ignore-table-rw      a page may be read-only where it holds a table (Xen PV)\n"
"  --max N                print at most N differences (default 10)\n"
"\n"
"Exit status: 0 equal, 1 different, 2 could not compare.\n";

struct leaf {
	char phase[32], size[8], effective[8], region[16];
	char space, table;
	uint64_t va, end, pa, flags;
	/* Of one page, as "end" moves while runs are split. */
	uint64_t page;
};

struct list {
	const char *path;
	struct leaf *leaf;
	size_t nr;
};

/* What doesn't count as a difference, and what was found. */
struct comparison {
	const char *ignore_pa;
	uint64_t nx_start, nx_end;
	bool table_rw;
	unsigned long max, found;	/* differences: to print, in all */
};

static bool listed(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (; list && *list; list += strcspn(list, ","), list += *list == ',')
		if (strcspn(list, ",") == len && !strncmp(list, name, len))
			return true;
	return false;
}

static void read_list(struct list *l, const char *path, const char *phase, const char *regions)
{
	char line[512];
	unsigned int nr = 0;
	size_t max = 0;
	FILE *f = xfopen(path, "r");

	l->path = path;
	if (!fgets(line, sizeof(line), f) || strcmp(line, LEAF_HEADER))
		die("%s: is no list of audit --leaves", path);
	for (nr = 2; fgets(line, sizeof(line), f); nr++) {
		struct leaf *x;
		uint64_t count;

		if (l->nr == max) {
			max = max ? 2 * max : 1024;
			l->leaf = xrealloc(l->leaf, max * sizeof(*l->leaf));
		}
		x = &l->leaf[l->nr];
		if (sscanf(line, "%31s %" SCNx64 " %" SCNx64 " %7s %" SCNu64 " %c %" SCNx64 " %" SCNx64
			   " %7s %c %15s", x->phase, &x->va, &x->end, x->size, &count, &x->space,
			   &x->pa, &x->flags, x->effective, &x->table, x->region) != 11 || !count)
			die("%s:%u: not understood", path, nr);
		x->page = (x->end - x->va) / count;
		if ((phase && strcmp(phase, x->phase)) || (regions && !listed(regions, x->region)))
			continue;
		l->nr++;
	}
	fclose(f);
	if (!l->nr)
		die("%s: no mappings%s%s", path, phase ? " of phase " : "", phase ? phase : "");
}

static void describe(char *buf, size_t size, const struct leaf *x)
{
	snprintf(buf, size, "%s %s %c:%" PRIx64 " flags %" PRIx64 " %s%s", x->region, x->size,
		 x->space, x->pa, x->flags, x->effective, x->table == 'T' ? " table" : "");
}

/* Forget one right: a flag, and its letter of what all levels allow. */
static void ignore(struct leaf *x, int i, uint64_t flag)
{
	x->flags &= ~flag;
	x->effective[i] = '-';
}

/* One difference: what @x and @y map, NULL for nothing, from @va to @end. */
static void differs(struct comparison *how, uint64_t va, uint64_t end, const struct leaf *x,
		    const struct leaf *y)
{
	char want[128] = "not mapped", have[128] = "not mapped";

	if (how->found++ >= how->max)
		return;
	if (x)
		describe(want, sizeof(want), x);
	if (y)
		describe(have, sizeof(have), y);
	printf("%s %016" PRIx64 "-%016" PRIx64 ": %s / %s\n", x ? x->phase : y->phase, va, end, want,
	       have);
}

/* Compare, and return how many bytes both map. The lists are used up. */
static uint64_t compare(struct comparison *how, struct list *a, struct list *b)
{
	uint64_t bytes = 0;
	size_t i, k;

	/* Runs may be cut differently: compare the common part, advance both. */
	for (i = k = 0; i < a->nr || k < b->nr; ) {
		struct leaf *x = i < a->nr ? &a->leaf[i] : NULL;
		struct leaf *y = k < b->nr ? &b->leaf[k] : NULL;
		int order = !x ? 1 : !y ? -1 : strcmp(x->phase, y->phase);
		struct leaf p, q;
		uint64_t va, end;

		/* Phases come in the order of the stops: the same in both. */
		if (x && y && order) {
			size_t n;

			for (n = k; n < b->nr && strcmp(b->leaf[n].phase, x->phase); n++)
				;
			order = n < b->nr ? 1 : -1;
		} else if (x && y) {
			order = x->va < y->va ? -1 : x->va > y->va;
		}
		if (order) {
			/* One side only, up to where the other one starts. */
			struct leaf *one = order < 0 ? x : y, *other = order < 0 ? y : x;

			va = one->va;
			end = one->end;
			if (other && !strcmp(one->phase, other->phase) && other->va < end)
				end = other->va;
			differs(how, va, end, order < 0 ? x : NULL, order < 0 ? NULL : y);
			one->pa += end - va;
			one->va = end;
			if (one->va == one->end) {
				i += order < 0;
				k += order > 0;
			}
			continue;
		}
		va = x->va;
		/* Modulo 2^64: the last page ends at 0. */
		end = x->end - 1 < y->end - 1 ? x->end : y->end;
		p = *x;
		q = *y;
		if (how->table_rw && (p.table == 'T' || q.table == 'T')) {
			ignore(&p, 0, PTE_RW);
			ignore(&q, 0, PTE_RW);
		}
		/* A page counts that is in the range in part. */
		if (va + p.page > how->nx_start && end - p.page < how->nx_end) {
			ignore(&p, 2, PTE_NX);
			ignore(&q, 2, PTE_NX);
		}
		if (p.flags != q.flags || strcmp(p.size, q.size) || strcmp(p.region, q.region) ||
		    strcmp(p.effective, q.effective) ||
		    (!listed(how->ignore_pa, p.region) && (p.pa != q.pa || p.space != q.space)))
			differs(how, va, end, x, y);
		bytes += end - va;
		x->pa += end - va;
		y->pa += end - va;
		x->va = y->va = end;
		i += x->va == x->end;
		k += y->va == y->end;
	}
	return bytes;
}

int compare_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "phase", required_argument, NULL, 'p' },
		{ "region", required_argument, NULL, 'r' },
		{ "ignore-pa", required_argument, NULL, 'i' },
		{ "ignore-nx", required_argument, NULL, 'n' },
		{ "ignore-table-rw", no_argument, NULL, 't' },
		{ "max", required_argument, NULL, 'm' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *phase = NULL, *regions = NULL;
	struct comparison how = { .max = 10 };
	struct list a = { 0 }, b = { 0 };
	uint64_t bytes;
	char rest;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'p':
			phase = optarg;
			break;
		case 'r':
			regions = optarg;
			break;
		case 'i':
			how.ignore_pa = optarg;
			break;
		case 'n':
			if (sscanf(optarg, "%" SCNx64 "-%" SCNx64 "%c", &how.nx_start,
				   &how.nx_end, &rest) != 2 || how.nx_start >= how.nx_end)
				die("--ignore-nx %s: a range of addresses is needed", optarg);
			break;
		case 't':
			how.table_rw = true;
			break;
		case 'm':
			how.max = strtoul(optarg, NULL, 10);
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_OK;
		default:
			fputs("Try audit compare --help.\n", stderr);
			return EXIT_ENV;
		}
	}
	if (argc - optind != 2) {
		fputs(usage, stderr);
		return EXIT_ENV;
	}
	read_list(&a, argv[optind], phase, regions);
	read_list(&b, argv[optind + 1], phase, regions);

	bytes = compare(&how, &a, &b);
	if (how.found > how.max)
		printf("... and %lu more\n", how.found - how.max);
	printf("%s: %s and %s: %lu differences, %" PRIu64 " MB mapped in both\n", tool_name, a.path,
	       b.path, how.found, bytes >> 20);
	free(a.leaf);
	free(b.leaf);
	return how.found ? EXIT_CHECK : EXIT_OK;
}
