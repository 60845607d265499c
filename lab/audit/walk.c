// SPDX-License-Identifier: GPL-2.0-only
/*
 * The walk of all page tables, and the checks. First all tables are collected,
 * as what a mapping shows depends on whether its page is one of them. Then come
 * the owners of the tables' pages, and all mappings, with the rights that all
 * levels together allow.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "lab.h"

/* First pass: tables only. The region is that of the first leaf met below. */
static void collect(struct audit *a, uint64_t mfn, int level, uint64_t va)
{
	const struct guest *g = a->g;
	uint8_t *t = phys(g, mfn * PAGE);
	uint64_t first = va;
	bool any = false;
	struct table *me;
	size_t index;
	int i;

	if (!t) {
		failure(a, "a level %d table for %#" PRIx64 " is at mfn %#" PRIx64 ", outside of RAM",
			level, va, mfn);
		return;
	}
	if (a->is_table[mfn]) {
		if (a->is_table[mfn] != level)
			failure(a, "mfn %#" PRIx64 " is a table of level %d and of level %d (for %#"
				PRIx64 ")", mfn, a->is_table[mfn], level, va);
		return;
	}
	a->is_table[mfn] = level;
	if (a->nr_tables == a->max_tables) {
		a->max_tables = a->max_tables ? 2 * a->max_tables : 4096;
		a->tables = xrealloc(a->tables, a->max_tables * sizeof(*a->tables));
	}
	index = a->nr_tables++;
	a->tables[index] = (struct table) {
		.mfn = mfn, .pfn = mfn_to_pfn(g, mfn), .level = level, .va = va,
	};

	for (i = 0; i < nr_entries(g, level); i++) {
		uint64_t e = entry(g, t, i), at = entry_va(g, va, level, i);

		if (!(e & PTE_PRESENT) || xens_slot(g, level, i))
			continue;
		if (!any)
			first = at;
		any = true;
		if (!is_leaf(g, e, level))
			collect(a, (e & g->mode->addr) / PAGE, level - 1, at);
	}
	me = &a->tables[index];
	me->region = level == g->mode->levels ? R_TOP : region_of(g, first);
}

static int by_level_pfn(const void *a, const void *b)
{
	const struct table *x = a, *y = b;

	if (x->level != y->level)
		return y->level - x->level;
	return x->pfn < y->pfn ? -1 : x->pfn > y->pfn;
}

/** collect_tables() - find all tables, each of which must be in RAM and have one level only */
void collect_tables(struct audit *a)
{
	const struct guest *g = a->g;

	if (!a->is_table)
		a->is_table = xrealloc(NULL, g->nr_mfns);
	memset(a->is_table, 0, g->nr_mfns);
	a->nr_tables = 0;
	collect(a, g->top_mfn, g->mode->levels, 0);
	qsort(a->tables, a->nr_tables, sizeof(*a->tables), by_level_pfn);
}

/** check_owners() - every table is reserved in memblock, or part of the kernel image */
void check_owners(struct audit *a)
{
	const struct guest *g = a->g;
	uint64_t orphans = 0;
	size_t i;

	for (i = 0; i < a->nr_tables; i++) {
		struct table *t = &a->tables[i];
		uint64_t pa = t->pfn * PAGE;

		if (t->pfn == NO_PFN)
			t->owner = O_NOBODY;
		else if (in_range(&g->image, pa))
			t->owner = O_IMAGE;
		else if (reserved(g, pa))
			t->owner = in_range(&g->builder, pa) ? O_BUILDER : O_RESERVED;
		if (t->owner != O_NOBODY)
			continue;
		orphans++;
		failure(a, "table pfn %#" PRIx64 " (mfn %#" PRIx64 ", level %d, for %#" PRIx64 ", %s) is "
			"neither reserved in memblock nor in the kernel image", t->pfn, t->mfn,
			t->level, t->va, region_name[t->region]);
	}
	fact(a, "unowned_tables", orphans);
}

static void flush_run(struct audit *a)
{
	if (a->run.open)
		report_run(a, &a->run);
	a->run.open = false;
}

static void add_leaf(struct audit *a, uint64_t va, uint64_t e, int level, uint64_t rights)
{
	const struct guest *g = a->g;
	uint64_t size = level_size(g, level), ma = leaf_addr(g, e, level);
	uint64_t pfn = mfn_to_pfn(g, ma / PAGE), mfn = ma / PAGE, end = mfn + size / PAGE;
	struct run *run = &a->run;
	struct run r = {
		.va = va, .size = size, .count = 1, .region = region_of(g, va), .open = true,
		.space = pfn == NO_PFN ? 'm' : 'p',
		.pa = pfn == NO_PFN ? ma : pfn * PAGE,
		.flags = (e & ~(g->mode->addr & ~(size - 1))) & ~(PTE_ACCESSED | PTE_DIRTY),
	};

	r.effective[0] = rights & PTE_RW ? 'w' : '-';
	r.effective[1] = rights & PTE_USER ? 'u' : '-';
	r.effective[2] = rights & PTE_NX ? '-' : 'x';

	if (r.region == R_DIRECT_MAP)
		a->mapped[level] += size;

	/* Natively the kernel writes its tables: only Xen has rules for them. */
	for (; g->xen_pv && mfn < end && mfn < g->nr_mfns; mfn++) {
		if (!a->is_table[mfn])
			continue;
		r.table = true;
		if (rights & PTE_RW) {
			a->writable_tables++;
			failure(a, "live table pfn %#" PRIx64 " (mfn %#" PRIx64
				", level %d) is writable at %#" PRIx64, mfn_to_pfn(g, mfn), mfn,
				a->is_table[mfn], va + (mfn * PAGE - ma));
		}
	}

	if (run->open && va == run->va + run->size * run->count && r.size == run->size &&
	    r.pa == run->pa + run->size * run->count && r.flags == run->flags &&
	    r.space == run->space && !strcmp(r.effective, run->effective) &&
	    r.table == run->table && r.region == run->region) {
		run->count++;
		return;
	}
	flush_run(a);
	*run = r;
}

/* Second pass: leaves, with the rights of all levels and-ed. */
static void walk_leaves(struct audit *a, uint64_t mfn, int level, uint64_t va, uint64_t rights)
{
	const struct guest *g = a->g;
	uint8_t *t = phys(g, mfn * PAGE);
	uint64_t same_from = 0, same_to = 0, same_first = 0, last_table = 0;
	int i;

	if (!t)
		return;
	for (i = 0; i < nr_entries(g, level); i++) {
		uint64_t e = entry(g, t, i), at = entry_va(g, va, level, i), below = rights;

		if (!(e & PTE_PRESENT)) {
			last_table = 0;
			continue;
		}
		if (xens_slot(g, level, i))
			continue;
		if (level < g->mode->levels || g->mode->top_rights)
			below = (rights & e & (PTE_RW | PTE_USER)) | ((rights | e) & PTE_NX);
		if (is_leaf(g, e, level)) {
			last_table = 0;
			add_leaf(a, at, e, level, below);
			continue;
		}
		/*
		 * Huge ranges may be mapped to one shared table (KASAN's zero
		 * shadow, the p2m's missing parts): say so instead of walking
		 * it a million times.
		 */
		if (last_table && !((last_table ^ e) & ~PTE_ACCESSED)) {
			if (same_to != at) {
				same_from = at;
				same_first = at - level_size(g, level);
			}
			same_to = at + level_size(g, level);
			if (i + 1 == nr_entries(g, level) || ((entry(g, t, i + 1) ^ e) & ~PTE_ACCESSED)) {
				flush_run(a);
				report_same(a, same_from, same_to, level_size(g, level),
					    same_first);
			}
			continue;
		}
		last_table = e;
		walk_leaves(a, (e & g->mode->addr) / PAGE, level - 1, at, below);
	}
}

/** check_leaves() - walk all mappings; on Xen PV, no live table may have a writable one */
void check_leaves(struct audit *a)
{
	memset(a->mapped, 0, sizeof(a->mapped));
	a->writable_tables = 0;
	walk_leaves(a, a->g->top_mfn, a->g->mode->levels, 0, PTE_RW | PTE_USER);
	flush_run(a);
}
