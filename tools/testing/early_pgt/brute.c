// SPDX-License-Identifier: GPL-2.0-only
/*
 * Can this memory map be mapped at all? A search through every order.
 *
 * An order is a sequence of steps that link one table, taken from any free
 * page that is mapped at that time or from the bootstrap, or that map one page,
 * of any size. Where a table lies makes no difference to what is possible
 * later. So a state is the set of tables and pages mapped, and the number of
 * free pages follows from it.
 *
 * Pages that one table maps come for free once the table is there. So a step
 * of the search maps all pages of one size in a table, with the tables on the
 * path to it that are missing. Nothing here shares code with the planner.
 */

#include "brute.h"

#include <stdlib.h>

#define MAX_UNITS	24

struct unit {
	u64 tables;
	unsigned int gain;
};

static struct unit units[MAX_UNITS];
static unsigned int nr_units;
static u64 first_tables;

/* Tables get a number when they are first seen. */
static unsigned long keys[64];
static unsigned int nr_keys;

static u64 table_bit(unsigned int level, unsigned long va)
{
	unsigned long key = (va >> page_level_shift(level + 1)) << 3 | level;
	unsigned int i;

	for (i = 0; i < nr_keys && keys[i] != key; i++)
		;
	if (i == nr_keys) {
		if (nr_keys == 64)
			abort();
		keys[nr_keys++] = key;
	}
	return BIT_ULL(i);
}

static u64 path(unsigned long va, unsigned int level)
{
	u64 tables = 0;

	for (; level < sim.levels; level++)
		tables |= table_bit(level, va);
	return tables;
}

static unsigned int leaf_level(const char *map, unsigned int pages, unsigned int pfn)
{
	unsigned int level;

	for (level = PG_LEVEL_1G; level > PG_LEVEL_4K; level--) {
		unsigned int n = page_level_size(level) >> PAGE_SHIFT;
		unsigned int first = pfn & ~(n - 1), i;

		if (!(sim.sizes & BIT(level)) || level > sim.levels)
			continue;
		for (i = 0; i < n && first + i < pages && map[first + i] != MAP_HOLE; i++)
			;
		if (i == n)
			return level;
	}
	return PG_LEVEL_4K;
}

static void add(unsigned long va, unsigned int level, unsigned int gain)
{
	u64 tables = path(va, level);
	unsigned int i;

	/* One lowest table and one page size: one unit. */
	for (i = 0; i < nr_units && units[i].tables != tables; i++)
		;
	if (i == nr_units) {
		if (nr_units == MAX_UNITS)
			abort();
		units[nr_units++] = (struct unit){ .tables = tables };
	}
	units[i].gain += gain;
}

static bool search(u32 done, u64 tables, int room, u8 *seen)
{
	unsigned int i;

	/* What needs no table comes first: it can't do harm. */
	for (i = 0; i < nr_units; i++) {
		if (!(done & BIT(i)) && !(units[i].tables & ~tables)) {
			done |= BIT(i);
			room += units[i].gain;
		}
	}
	if (done == BIT(nr_units) - 1)
		return true;
	if (seen[done / 8] & BIT(done % 8))
		return false;
	seen[done / 8] |= BIT(done % 8);

	for (i = 0; i < nr_units; i++) {
		int cost = __builtin_popcountll(units[i].tables & ~tables);

		if (!(done & BIT(i)) && cost <= room &&
		    search(done | BIT(i), tables | units[i].tables,
			   room - cost + (int)units[i].gain, seen))
			return true;
	}
	return false;
}

/**
 * brute_possible - is there an order that maps this memory?
 * @map:       a letter for each page, MAP_*
 * @pages:     their number
 * @bootstrap: tables at hand at the start, those of the trampoline taken off
 */
bool brute_possible(const char *map, unsigned int pages, unsigned int bootstrap)
{
	unsigned int isa = ISA_END_ADDRESS >> PAGE_SHIFT, pfn;
	bool ok;
	u8 *seen;

	nr_units = 0;
	nr_keys = 0;
	first_tables = 0;
	for (pfn = 0; pfn < max(pages, isa); pfn++) {
		unsigned long va = (unsigned long)__va(PFN_PHYS(pfn));
		unsigned int level;

		if (pfn >= isa && map[pfn] == MAP_HOLE)
			continue;
		level = leaf_level(map, pages, pfn);
		if (pfn < isa)
			first_tables |= path(va, level);
		add(va, level, pfn >= isa && map[pfn] == MAP_FREE);
	}

	if ((unsigned int)__builtin_popcountll(first_tables) > bootstrap)
		return false;
	seen = calloc(1, (1UL << nr_units) / 8 + 1);
	if (!seen)
		abort();
	ok = search(0, first_tables,
		    bootstrap - __builtin_popcountll(first_tables), seen);
	free(seen);
	return ok;
}
