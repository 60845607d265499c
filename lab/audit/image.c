// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kernel that is loaded for kexec, or for a crash: the identity map that it is started
 * with, and how its memory is protected.
 *
 * Which ranges the kernel asks its identity map for is seen at each call of
 * kernel_ident_mapping_init(), and where the top table is; what came of it, and the
 * direct map, when the guest crashes or starts the other kernel.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "gdb.h"
#include "lab.h"

#define MB2	(1ULL << 21)
#define MAX_ASKED 4096

struct image {
	struct audit *a;
	FILE *f;
	struct range asked[MAX_ASKED];
	unsigned int nr_asked;
	uint64_t top;		/* of the identity map, physical */
	uint64_t tables;
	struct range run;	/* of the identity map, while it is walked */
};

static int by_start(const void *x, const void *y)
{
	const struct range *a = x, *b = y;

	return a->start < b->start ? -1 : a->start > b->start;
}

/* Is all of [@start, @end) asked for, in 2M pages? */
static bool asked(const struct image *im, uint64_t start, uint64_t end)
{
	unsigned int i;

	for (i = 0; i < im->nr_asked && start < end; i++) {
		uint64_t a = im->asked[i].start & ~(MB2 - 1);
		uint64_t b = (im->asked[i].end + MB2 - 1) & ~(MB2 - 1);

		if (a <= start && start < b)
			start = b;
	}
	return start >= end;
}

static void end_run(struct image *im)
{
	if (im->run.end)
		fprintf(im->f, "mapped\t%" PRIx64 "\t%" PRIx64 "\n", im->run.start, im->run.end);
	im->run = (struct range) { 0 };
}

static void walk(struct image *im, uint64_t pa, int level, uint64_t va)
{
	const struct guest *g = im->a->g;
	uint8_t *t = phys(g, pa);
	int i;

	if (!t) {
		failure(im->a, "a table of the identity map is at %#" PRIx64 ", outside of RAM", pa);
		return;
	}
	im->tables++;
	for (i = 0; i < nr_entries(g, level); i++) {
		uint64_t e = entry(g, t, i), at = entry_va(g, va, level, i);
		uint64_t size = level_size(g, level);

		/* The upper half has the page that is mapped where it is now, too. */
		if (!(e & PTE_PRESENT) || at >> 47 & 1)
			continue;
		if (!is_leaf(g, e, level)) {
			walk(im, e & g->mode->addr, level - 1, at);
			continue;
		}
		if (leaf_addr(g, e, level) != at)
			failure(im->a, "the identity map has %#" PRIx64 " at %#" PRIx64,
				leaf_addr(g, e, level), at);
		if (!asked(im, at, at + size))
			failure(im->a, "the identity map has [%#" PRIx64 "-%#" PRIx64
				"], not all of which is asked for", at, at + size - 1);
		if (at != im->run.end) {
			end_run(im);
			im->run.start = at;
		}
		im->run.end = at + size;
	}
}

/* What is asked for is there. */
static void check_complete(const struct image *im)
{
	const struct guest *g = im->a->g;
	unsigned int i;
	uint64_t at;

	for (i = 0; i < im->nr_asked; i++) {
		for (at = im->asked[i].start & ~(MB2 - 1); at < im->asked[i].end; at += MB2) {
			struct found f = find_entry(g, im->top / PAGE, at);

			if (f.e & PTE_PRESENT)
				continue;
			failure(im->a, "the identity map lacks %#" PRIx64 ", which is asked for", at);
			break;
		}
	}
}

/*
 * The crash kernel's memory is read-only in the direct map, but for a control page, and
 * mapped with pages as large as they come: small ones around the control page only.
 */
static void check_protection(struct image *im)
{
	const struct guest *g = im->a->g;
	uint64_t res = elf_need(g->kernel, "crashk_res");
	uint64_t start = read_value(g, res, 8, "crashk_res"), end = read_value(g, res + 8, 8, "crashk_res") + 1;
	uint64_t at, size, writable = 0, small = 0;

	for (at = start; at < end; at += size) {
		struct found f = find_entry(g, g->top_mfn, g->direct_base + at);

		size = f.level ? level_size(g, f.level) : PAGE;
		size -= at & (size - 1);
		if (f.level == 1)
			small += size;
		if (!(f.e & PTE_PRESENT))
			failure(im->a, "the crash kernel's memory at %#" PRIx64 " isn't mapped", at);
		else if (f.e & PTE_RW)
			writable += size;
	}
	fprintf(im->f, "crash\t%" PRIx64 "\t%" PRIx64 "\n", start, end);
	fprintf(im->f, "writable\t%" PRIu64 "\n", writable);
	fprintf(im->f, "small\t%" PRIu64 "\n", small);
	if (!(gdb_register("cr0") >> 16 & 1))
		failure(im->a, "CR0.WP is clear: a kernel that writes doesn't fault");
	/* One page of 2M is split, where the control page is; 16 MB is what it is aligned to. */
	if (small > MB2)
		failure(im->a, "%" PRIu64 " KB of the crash kernel's memory are mapped with pages of 4K", small >> 10);
	/* Code and data of the control page, which is written to when the kernel crashes. */
	if (writable > 2 * PAGE)
		failure(im->a, "%" PRIu64 " KB of the crash kernel's memory are writable", writable >> 10);
}

/**
 * audit_image() - look at what is loaded
 * @a: the auditor; the guest is stopped before its kernel has begun
 * @path: file to write: ranges that were asked for, and that are mapped; tables; the
 *        crash kernel's memory, and bytes of it that are writable, and in 4K pages
 * @deadline: when to give up
 *
 * Failures are counted in @a.
 */
void audit_image(struct audit *a, const char *path, double deadline)
{
	struct guest *g = a->g;
	uint64_t map = elf_need(g->kernel, "kernel_ident_mapping_init");
	uint64_t crash = elf_need(g->kernel, "sysrq_handle_crash");
	uint64_t start = elf_need(g->kernel, "kernel_kexec"), rip, top;
	struct image *im = xrealloc(NULL, sizeof(*im));

	*im = (struct image) { .a = a, .f = create(path, "# kind\tstart\tend, or value\n") };
	g->phase = "image";
	gdb_breakpoint(map, true);
	gdb_breakpoint(crash, true);
	gdb_breakpoint(start, true);
	for (;;) {
		if (gdb_continue(deadline, "kernel_ident_mapping_init") != GDB_STOPPED)
			die("no kernel was loaded and started: see the guest's console");
		rip = gdb_register("rip");
		if (rip != map)
			break;
		locate(g);
		top = virt_to_phys(g, gdb_register("rsi"));
		/* Another image than before, or another map. */
		if (top != im->top)
			im->nr_asked = 0;
		im->top = top;
		if (im->nr_asked == MAX_ASKED)
			die("the identity map is asked for more than %d ranges", MAX_ASKED);
		im->asked[im->nr_asked++] = (struct range) { gdb_register("rdx"), gdb_register("rcx"), 0 };
		/* Past the breakpoint. */
		gdb_breakpoint(map, false);
		gdb_step(deadline);
		gdb_breakpoint(map, true);
	}
	if (!im->nr_asked)
		die("no identity map was made");
	gdb_breakpoint(map, false);
	gdb_breakpoint(crash, false);
	gdb_breakpoint(start, false);

	locate(g);
	qsort(im->asked, im->nr_asked, sizeof(im->asked[0]), by_start);
	for (unsigned int i = 0; i < im->nr_asked; i++)
		fprintf(im->f, "asked\t%" PRIx64 "\t%" PRIx64 "\n", im->asked[i].start, im->asked[i].end);
	walk(im, im->top, g->mode->levels, 0);
	end_run(im);
	check_complete(im);
	fprintf(im->f, "tables\t%" PRIu64 "\n", im->tables);
	if (rip == crash)
		check_protection(im);
	finish(im->f);
	free(im);
}
