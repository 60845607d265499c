// SPDX-License-Identifier: GPL-2.0-only
/*
 * Early page tables, the planner's last resort: which piece of RAM to map first
 * when next to no memory is at hand.
 *
 * Hardly any machine ever gets here: it takes a large area at the end of RAM in
 * which all is reserved. It is exact: if there is an order in which all RAM can
 * be mapped, it finds one. No side effects, as with the rest of the planner.
 */

#include <linux/kernel.h>
#include <linux/memblock.h>
#include <linux/pfn.h>
#include <linux/pgtable.h>

#include <asm/page.h>

#include "early_pgt.h"
#include "mm_internal.h"

/*
 * When the RAM next in line doesn't pay, the order of mapping matters. What can
 * be mapped is a tree of tables: each costs a page, its parents come first, and
 * it brings the free pages that its own entries map. A group is a table that is
 * missing, with all below it that pays once it is there.
 */
struct search {
	unsigned long sizes;
	unsigned long rank;
	struct early_pgt_plan *plan;
	bool found;
};

/* More pages than any group needs at hand at a time. */
#define PLENTY		(2 * EARLY_PGT_PER_PAGE)

/* Part of a table's range, in virtual addresses: [lo, hi]. False: no more RAM. */
static bool __init next_child(const struct search *s, unsigned int level,
			      unsigned long *lo, unsigned long *hi,
			      unsigned long last)
{
	int i;

	if (*hi == last)
		return false;
	*lo = *hi + 1;
	i = early_pgt_first_region(__pa(*lo));
	if (i == memblock.memory.cnt || memblock.memory.regions[i].base > __pa(last))
		return false;
	if (memblock.memory.regions[i].base > __pa(*lo))
		*lo = (unsigned long)__va(round_down(memblock.memory.regions[i].base,
						     PAGE_SIZE));
	*hi = min(last, *lo | (BIT(early_pgt_shift(level)) - 1));
	return true;
}

/* Table is missing, at @lo? */
static bool __init is_missing(unsigned long lo, unsigned int level)
{
	return early_pgt_depth(lo) > level;
}

/*
 * What the entries of a table of @level map themselves, that isn't mapped yet:
 * free pages, and in @run a piece of it.
 */
static unsigned long __init own_pages(const struct search *s, unsigned long lo,
				      unsigned long hi, unsigned int level,
				      struct early_pgt_plan *run)
{
	unsigned long start = __pa(lo), end = __pa(hi) + 1, pages = 0;
	int i;

	run->end = 0;
	if (!((s->sizes | BIT(PG_LEVEL_4K)) & BIT(level)))
		return 0;
	for (i = early_pgt_first_region(start); i < memblock.memory.cnt; i++) {
		struct memblock_region *r = &memblock.memory.regions[i];
		u64 a = max_t(u64, PFN_PHYS(PFN_UP(r->base)), start);
		u64 b = min_t(u64, PFN_PHYS(PFN_DOWN(r->base + r->size)), end);
		unsigned long addr = a, next, mask;

		if (r->base >= end)
			break;
		for (; addr < b; addr = next) {
			next = early_pgt_leaf_run(addr, b, s->sizes, true, &mask);
			if (__fls(mask | BIT(PG_LEVEL_4K)) != level ||
			    !early_pgt_not_mapped(PFN_DOWN(addr), PFN_DOWN(next)))
				continue;
			pages += early_pgt_free_pages(addr, next);
			run->start = addr;
			run->end = next;
		}
	}
	return pages;
}

/*
 * Map a table, and what pays below it, in mind. Returns how many pages are at
 * hand afterwards if @room are before, at least one if the table is missing;
 * or some number from @goal on, if that many. @steps: how many pieces that maps.
 */
static unsigned long __init group_room(const struct search *s, unsigned long lo,
				       unsigned long hi, unsigned int level,
				       unsigned long room, unsigned long goal,
				       unsigned int *steps)
{
	unsigned int before, own;
	struct early_pgt_plan run;
	unsigned long now, next;

	room += own_pages(s, lo, hi, level, &run);
	room -= is_missing(lo, level);
	own = run.end != 0;
	*steps = own;

	for (now = room; level > PG_LEVEL_4K; now = next) {
		unsigned long a, b = lo - 1;

		next = room;
		before = *steps;
		*steps = own;
		while (!(*steps && next >= goal) &&
		       next_child(s, level - 1, &a, &b, hi)) {
			unsigned long then, want = now;
			unsigned int child;

			if (is_missing(a, level - 1) &&
			    (!now || !early_pgt_free_pages(__pa(a), __pa(b) + 1)))
				continue;
			if (next < goal)
				want += min(goal - next, ULONG_MAX - now);
			then = group_room(s, a, b, level - 1, now, want, &child);
			if (then < now)
				continue;
			next += then - now;
			*steps += child;
		}
		/* More pages at hand may allow for more. */
		if ((next == now && *steps == before) || now >= EARLY_PGT_PER_PAGE ||
		    (*steps && next >= goal))
			return next;
	}
	return now;
}

static bool __init group_pays(const struct search *s, unsigned long lo,
			      unsigned long hi, unsigned int level,
			      unsigned long room)
{
	unsigned int steps;

	if (is_missing(lo, level) &&
	    (!room || !early_pgt_free_pages(__pa(lo), __pa(hi) + 1)))
		return false;
	return group_room(s, lo, hi, level, room, room, &steps) >= room && steps;
}

/* The first step into a group: a piece that one table maps. */
static void __init group_first(const struct search *s, unsigned long lo,
			       unsigned long hi, unsigned int level,
			       unsigned long room)
{
	unsigned long a, b = lo - 1, x = 0, y = 0;
	struct early_pgt_plan run;

	own_pages(s, lo, hi, level, &run);
	if (run.end) {
		if (level == PG_LEVEL_4K) {
			run.start = __pa(lo);
			run.end = __pa(hi) + 1;
		}
		early_pgt_plan_range(s->plan, run.start, run.end, s->sizes);
		return;
	}

	room -= is_missing(lo, level);
	while (next_child(s, level - 1, &a, &b, hi)) {
		if (group_pays(s, a, b, level - 1, room)) {
			x = a;
			y = b;
		}
	}
	group_first(s, x, y, level - 1, room);
}

/*
 * Of groups that don't pay, those come first that leave most of what they need.
 * @room: pages at hand, without those for tables above that are missing
 */
static void __init rank_groups(struct search *s, unsigned long lo,
			       unsigned long hi, unsigned int level,
			       unsigned long room)
{
	unsigned long a, b = lo - 1, rank = 0, all;
	unsigned int need, steps, most;

	if (is_missing(lo, level)) {
		if (!room)
			return;
		all = group_room(s, lo, hi, level, PLENTY, ULONG_MAX, &most);
		for (need = 1; need < PLENTY; need++) {
			rank = group_room(s, lo, hi, level, need, ULONG_MAX, &steps);
			if (rank + PLENTY == all + need && steps == most)
				break;
		}
		if (most && need <= room && (!s->found || rank > s->rank)) {
			s->found = true;
			s->rank = rank;
			group_first(s, lo, hi, level, room);
		}
		room--;
	}
	if (level == PG_LEVEL_4K)
		return;
	while (next_child(s, level - 1, &a, &b, hi))
		if (!group_pays(s, a, b, level - 1, PLENTY))
			rank_groups(s, a, b, level - 1, room);
}

/**
 * early_pgt_plan_unit - plan the one large page or PTE table that helps most
 * @plan:  returns the unit
 * @start: first byte that is left to map
 * @end:   past the last byte that is left to map
 * @sizes: page sizes allowed, bits of 1 << PG_LEVEL_*
 * @room:  tables at hand, in any number of pieces
 *
 * For the case that the RAM next in line doesn't pay, as it is reserved: look
 * everywhere else. A unit of a group that pays is taken. If there is none, the
 * order is the reverse one: what needs most at a time comes first.
 *
 * Context: early boot, memblock is complete.
 * Return: true if a unit was found.
 */
bool __init early_pgt_plan_unit(struct early_pgt_plan *plan,
				unsigned long start, unsigned long end,
				unsigned long sizes, unsigned int room)
{
	struct search s = { .sizes = sizes, .plan = plan };
	unsigned long lo = (unsigned long)__va(start);
	unsigned long hi = (unsigned long)__va(end - 1);

	if (group_pays(&s, lo, hi, CONFIG_PGTABLE_LEVELS, room)) {
		group_first(&s, lo, hi, CONFIG_PGTABLE_LEVELS, room);
		return true;
	}
	rank_groups(&s, lo, hi, CONFIG_PGTABLE_LEVELS, room);
	return s.found;
}
