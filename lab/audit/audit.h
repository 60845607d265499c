/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one run of the auditor knows: the guest, its tables, what was found.
 */
#ifndef AUDIT_H
#define AUDIT_H

#include <stdio.h>

#include "guest.h"

/* Who owns a table page. */
enum owner {
	O_NOBODY,
	O_RESERVED,	/* memblock.reserved */
	O_IMAGE,	/* the kernel image, brk included */
	O_BUILDER,	/* tables that Xen's domain builder made */
};

struct table {
	uint64_t mfn, pfn;
	uint64_t va;		/* start of what it serves, where first met */
	int level;
	enum region region;
	enum owner owner;
};

/* A run of leaf mappings with all the same but va and pa, which go together. */
struct run {
	uint64_t va, pa, size, count, flags;
	char space;		/* p: pa is guest-physical, m: machine */
	char effective[4];
	bool table;		/* Xen PV: maps live tables */
	enum region region;
	bool open;
};

struct audit {
	struct guest *g;

	struct table *tables;
	size_t nr_tables, max_tables;
	uint8_t *is_table;		/* by mfn: its level */

	struct run run;			/* while leaves are walked */
	uint64_t mapped[4];		/* of the direct map, by level */
	uint64_t writable_tables;

	FILE *facts_file, *tables_file, *ranges_file, *leaves_file;
	unsigned int nr_failures;
	char first_failure[512];
};

/* walk.c */
void collect_tables(struct audit *a);
void check_owners(struct audit *a);
void check_leaves(struct audit *a);

/* report.c */
void failure(struct audit *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void fact(const struct audit *a, const char *metric, uint64_t value);
void report_run(const struct audit *a, const struct run *r);
void report_same(const struct audit *a, uint64_t va, uint64_t end, uint64_t size, uint64_t first);
void report_all(const struct audit *a);
void report_verdict(const struct audit *a, unsigned int failed_before, double seconds);
FILE *create(const char *path, const char *header);
void finish(FILE *f);

/* sabotage.c */
void poke(const struct audit *a, const char *how);
void undo_poke(const struct guest *g);
void spoil_request(struct guest *g, const char *kind, double deadline);

/* image.c */
void audit_image(struct audit *a, const char *path, double deadline);

/* compare.c */
/* Lines of a list of leaf mappings, tab-separated, in this order. */
#define LEAF_HEADER	"# phase\tva\tend\tsize\tcount\tspace\tpa\tflags\teffective\ttable\tregion\n"
int compare_main(int argc, char **argv);

#endif
