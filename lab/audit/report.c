// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is written at each stop: figures, tables, ranges and leaf mappings to
 * files, one line each, and failures to the standard error output.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "audit.h"
#include "lab.h"

#define MAX_REPORTS	10

/* Page sizes of all modes. */
static const struct { uint64_t size; const char *name, *metric; } page_sizes[] = {
	{ PAGE, "4K", "direct_map_bytes_4k" }, { 2 * MB, "2M", "direct_map_bytes_2m" },
	{ 4 * MB, "4M", "direct_map_bytes_4m" }, { GB, "1G", "direct_map_bytes_1g" },
};

/* Below what tables are counted, and a crash kernel placed: i386 needs 512 MB. */
static const struct { uint64_t limit; const char *name; } limits[] = {
	{ 4 * GB, "4g" }, { 896 * MB, "896m" }, { 768 * MB, "768m" }, { 512 * MB, "512m" },
};
#define NR_LIMITS	((int)(sizeof(limits) / sizeof(limits[0])))

static const char *const owner_name[] = { "nobody", "reserved", "image", "builder" };

/** failure() - a check failed: count it, say it unless there were too many */
void failure(struct audit *a, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	a->nr_failures++;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (a->nr_failures == 1)
		snprintf(a->first_failure, sizeof(a->first_failure), "%s", line);
	if (a->nr_failures <= MAX_REPORTS)
		warn_line("%s: FAILED: %s", a->g->phase, line);
}

/** fact() - write one figure of this stop */
void fact(const struct audit *a, const char *metric, uint64_t value)
{
	if (a->facts_file)
		fprintf(a->facts_file, "%s\t%s\t%" PRIu64 "\n", a->g->phase, metric, value);
}

static void __attribute__((format(printf, 4, 5)))
fact_of(const struct audit *a, uint64_t value, const char *suffix, const char *fmt, ...)
{
	char name[128];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	snprintf(name + n, sizeof(name) - n, "%s", suffix);
	fact(a, name, value);
}

/* Of a size that some mode has. */
static int page_size_index(uint64_t size)
{
	int i = 0;

	while (page_sizes[i].size != size)
		i++;
	return i;
}

/** report_run() - write a run of mappings to the list of leaves */
void report_run(const struct audit *a, const struct run *r)
{
	if (!a->leaves_file)
		return;
	fprintf(a->leaves_file, "%s\t%016" PRIx64 "\t%016" PRIx64 "\t%s\t%" PRIu64 "\t%c\t%" PRIx64
		"\t%016" PRIx64 "\t%s\t%c\t%s\n", a->g->phase, r->va, r->va + r->size * r->count,
		page_sizes[page_size_index(r->size)].name, r->count, r->space, r->pa, r->flags,
		r->effective, r->table ? 'T' : '-', region_name[r->region]);
}

/** report_same() - write that entries, @size each, have the table of the one at @first */
void report_same(const struct audit *a, uint64_t va, uint64_t end, uint64_t size, uint64_t first)
{
	if (!a->leaves_file)
		return;
	fprintf(a->leaves_file, "%s\t%016" PRIx64 "\t%016" PRIx64 "\tsame\t%" PRIu64 "\tv\t%" PRIx64
		"\t%016x\t---\t-\t%s\n", a->g->phase, va, end, (end - va) / size, first, 0,
		region_name[region_of(a->g, va)]);
}

static void report_range(const struct audit *a, const char *kind, const struct range *r)
{
	if (a->ranges_file)
		fprintf(a->ranges_file, "%s\t%s\t%" PRIx64 "\t%" PRIx64 "\t%x\n", a->g->phase, kind,
			r->start, r->end, r->flags);
}

static void report_ranges(const struct audit *a, const char *kind, const struct memblock *mb)
{
	unsigned int i;

	for (i = 0; i < mb->nr; i++)
		report_range(a, kind, &mb->range[i]);
}

static void report_crash(const struct audit *a, const char *name, uint64_t limit)
{
	struct range r = largest_crash(a->g, limit);
	char kind[32];

	fact_of(a, r.end - r.start, name, "crash_kernel_max_below_");
	snprintf(kind, sizeof(kind), "crash_below_%s", name);
	report_range(a, kind, &r);
}

static void report_tables(const struct audit *a)
{
	const struct guest *g = a->g;
	uint64_t level[6] = { 0 }, by_region[NR_REGIONS][6] = { { 0 } };
	uint64_t below[2][NR_LIMITS] = { { 0 } }, lowest = UINT64_MAX, highest = 0;
	uint64_t bootstrap = 0, from_builder = 0, direct = 0, early = 0;
	size_t i;
	int l, r;

	for (i = 0; i < a->nr_tables; i++) {
		const struct table *t = &a->tables[i];
		uint64_t pa = t->pfn * PAGE;
		bool is_direct = t->region == R_DIRECT_MAP;

		if (a->tables_file)
			fprintf(a->tables_file, "%s\t%d\t%" PRIx64 "\t%" PRIx64 "\t%016" PRIx64
				"\t%s\t%s\n", g->phase, t->level, t->pfn, t->mfn, t->va,
				region_name[t->region], owner_name[t->owner]);
		level[t->level]++;
		by_region[t->region][t->level]++;
		if (is_direct && t->owner == O_IMAGE)
			bootstrap++;
		if (is_direct && t->owner == O_BUILDER)
			from_builder++;
		if (t->owner == O_IMAGE || t->owner == O_BUILDER || t->pfn == NO_PFN)
			continue;
		early++;
		if (is_direct) {
			direct++;
			if (pa < lowest)
				lowest = pa;
			if (pa > highest)
				highest = pa;
		}
		for (l = 0; l < NR_LIMITS; l++) {
			below[0][l] += pa < limits[l].limit;
			below[1][l] += is_direct && pa < limits[l].limit;
		}
	}
	fact(a, "levels", g->mode->levels);
	fact(a, "xen_pv", g->xen_pv);
	if (g->xen_pv)
		fact(a, "cr3_is_xens_copy", g->top_mfn != g->hw_top_mfn);
	fact(a, "tables", a->nr_tables);
	for (l = 1; l <= g->mode->levels; l++)
		fact_of(a, level[l], "", "tables_level%d", l);
	for (r = 0; r < NR_REGIONS; r++) {
		uint64_t sum = 0;

		for (l = 1; l <= g->mode->levels; l++)
			sum += by_region[r][l];
		if (!sum)
			continue;
		fact_of(a, sum, "", "tables_%s", region_name[r]);
		for (l = 1; l <= g->mode->levels; l++)
			if (by_region[r][l])
				fact_of(a, by_region[r][l], "", "tables_%s_level%d", region_name[r], l);
	}
	/* All regions: allocated, so without kernel image and domain builder. */
	fact(a, "allocated_tables", early);
	for (l = 0; l < NR_LIMITS; l++)
		fact_of(a, below[0][l], limits[l].name, "allocated_tables_below_");
	/* The direct map's: those in the image and the builder's are apart. */
	fact(a, "direct_map_tables_image", bootstrap);
	fact(a, "direct_map_tables_builder", from_builder);
	fact(a, "direct_map_tables_allocated", direct);
	if (direct) {
		fact(a, "direct_map_tables_lowest", lowest);
		fact(a, "direct_map_tables_highest", highest);
	}
	for (l = 0; l < NR_LIMITS; l++)
		fact_of(a, below[1][l], limits[l].name, "direct_map_tables_below_");
}

static void report_mapped(const struct audit *a)
{
	int l;

	for (l = 1; l <= a->g->mode->large_level; l++)
		fact(a, page_sizes[page_size_index(level_size(a->g, l))].metric, a->mapped[l]);
	if (a->g->xen_pv)
		fact(a, "writable_tables", a->writable_tables);
}

static uint64_t bytes(const struct memblock *mb)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < mb->nr; i++)
		sum += mb->range[i].end - mb->range[i].start;
	return sum;
}

/** report_all() - write all that was found at this stop, but failures */
void report_all(const struct audit *a)
{
	const struct guest *g = a->g;
	int l;

	report_tables(a);
	report_mapped(a);
	fact(a, "memory_bytes", bytes(&g->memory));
	fact(a, "reserved_bytes", bytes(&g->reserved));
	report_ranges(a, "memory", &g->memory);
	report_ranges(a, "reserved", &g->reserved);
	report_range(a, "image", &g->image);
	if (g->builder.end > g->builder.start)
		report_range(a, "builder", &g->builder);
	for (l = 0; l < NR_LIMITS; l++)
		report_crash(a, limits[l].name, limits[l].limit);
}

/** report_verdict() - say how the checks of this stop went */
void report_verdict(const struct audit *a, unsigned int failed_before, double seconds)
{
	fact(a, "failed_checks", a->nr_failures - failed_before);
	if (a->nr_failures > MAX_REPORTS && failed_before <= MAX_REPORTS)
		warn_line("%s: and %u more", a->g->phase, a->nr_failures - MAX_REPORTS);
	warn_line("%s: %zu tables, %s: %s (%.1f s)", a->g->phase, a->nr_tables,
		  a->g->xen_pv ? "Xen PV" : "native",
		  a->nr_failures == failed_before ? "all checks passed" : "CHECKS FAILED", seconds);
}

/** create() - start a file of results */
FILE *create(const char *path, const char *header)
{
	FILE *f = xfopen(path, "w");

	fputs(header, f);
	return f;
}

/** finish() - end a file of results, if there is one, when all of it is written */
void finish(FILE *f)
{
	if (f && (fflush(f) || ferror(f) || fsync(fileno(f)) || fclose(f)))
		die("cannot write results: %s", strerror(errno));
}
