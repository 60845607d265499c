// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's memblock: which memory there is, what of it is reserved, and what
 * is free for a crash kernel.
 *
 * struct memblock: bottom_up, current_limit, then for memory and reserved
 * each: cnt, max, total_size, regions, name. A region is base, size, and two
 * 32-bit words, flags and node, the latter with NUMA only. Addresses and sizes
 * are phys_addr_t, which is aligned as a long, the others are long. The layout
 * is the same from 5.x to 6.12, and whatever doesn't look like it is fatal.
 */
#include <inttypes.h>
#include <string.h>

#include "guest.h"
#include "lab.h"

/* The kernel's reserve_crashkernel_generic() aligns to this on x86. */
#define CRASH_ALIGN	(16 * MB)

#define MEMBLOCK_NOMAP		0x4
#define MEMBLOCK_DRIVER_MANAGED	0x8

/** in_range() - is an address in a range? */
bool in_range(const struct range *r, uint64_t pa)
{
	return pa >= r->start && pa < r->end;
}

/** memblock_type() - where memblock.memory or memblock.reserved is */
uint64_t memblock_type(const struct guest *g, bool is_reserved)
{
	uint64_t memory = elf_need(g->kernel, "memblock") + g->word + g->mode->entry_size;

	return is_reserved ? memory + 4 * g->word + g->mode->entry_size : memory;
}

/** memblock_region() - where region @i is, of the struct memblock_type at @va */
uint64_t memblock_region(const struct guest *g, uint64_t va, unsigned int i)
{
	uint64_t regions = read_value(g, va + 2 * g->word + g->mode->entry_size, g->word, "memblock");

	return regions + (uint64_t)i * g->memblock_region_size;
}

static void read_memblock(const struct guest *g, struct memblock *mb, uint64_t va, const char *want)
{
	uint64_t nr = read_value(g, va, g->word, "memblock");
	uint64_t max = read_value(g, va + g->word, g->word, "memblock"), sum = 0;
	uint64_t total = read_value(g, va + 2 * g->word, g->mode->entry_size, "memblock");
	uint64_t name_at = read_value(g, va + 3 * g->word + g->mode->entry_size, g->word, "memblock");
	char name[16] = "";
	unsigned int i;

	if (!read_virt(g, name_at, name, strlen(want) + 1) || strcmp(name, want))
		die("%s: memblock.%s has another name: has struct memblock changed?", g->phase, want);
	if (!nr || nr > max || nr > MAX_REGIONS)
		die("%s: memblock.%s: %" PRIu64 " regions of at most %" PRIu64 " (here: %d)",
		    g->phase, want, nr, max, MAX_REGIONS);
	mb->nr = nr;
	for (i = 0; i < mb->nr; i++) {
		struct range *r = &mb->range[i];
		uint64_t at = memblock_region(g, va, i), size;

		r->start = read_value(g, at, g->mode->entry_size, "memblock region");
		size = read_value(g, at + g->mode->entry_size, g->mode->entry_size, "memblock region");
		r->end = r->start + size;
		r->flags = read_value(g, at + 2 * g->mode->entry_size, 4, "memblock region");
		sum += size;
		if (r->end <= r->start || r->flags > 0xff || (i && r->start < mb->range[i - 1].end))
			die("%s: memblock.%s: region %u is %#" PRIx64 "-%#" PRIx64 " flags %#x: "
			    "has struct memblock changed?", g->phase, want, i, r->start, r->end,
			    r->flags);
	}
	/* memblock_trim_memory() cuts regions to pages, and leaves total_size alone. */
	if (total < sum || total - sum >= 2 * PAGE * mb->nr)
		die("%s: memblock.%s: regions make %" PRIu64 " bytes, total_size says %" PRIu64,
		    g->phase, want, sum, total);
}

/** read_memblocks() - read memblock.memory and memblock.reserved */
void read_memblocks(struct guest *g)
{
	read_memblock(g, &g->memory, memblock_type(g, false), "memory");
	read_memblock(g, &g->reserved, memblock_type(g, true), "reserved");
}

/** reserved() - is a page in memblock.reserved, as a whole? */
bool reserved(const struct guest *g, uint64_t pa)
{
	unsigned int lo = 0, hi = g->reserved.nr;

	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;

		if (g->reserved.range[mid].end <= pa)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < g->reserved.nr && g->reserved.range[lo].start <= pa &&
	       g->reserved.range[lo].end >= pa + PAGE;
}

/**
 * largest_crash() - find room for a crash kernel below @limit
 *
 * Return: the largest crashkernel=SIZE that reserve_crashkernel_generic() could
 * place with what is reserved now: it takes a free range within one
 * memblock.memory region, at a start aligned to CRASH_ALIGN, not at page 0.
 */
struct range largest_crash(const struct guest *g, uint64_t limit)
{
	struct range best = { 0 };
	unsigned int i, k;

	for (i = 0; i < g->memory.nr; i++) {
		const struct range *m = &g->memory.range[i];
		uint64_t at = m->start > PAGE ? m->start : PAGE;

		if (m->flags & (MEMBLOCK_NOMAP | MEMBLOCK_DRIVER_MANAGED))
			continue;
		for (k = 0; k <= g->reserved.nr; k++) {
			uint64_t end = k < g->reserved.nr ? g->reserved.range[k].start : UINT64_MAX;
			uint64_t start = (at + CRASH_ALIGN - 1) & ~(CRASH_ALIGN - 1);

			if (end > m->end)
				end = m->end;
			if (end > limit)
				end = limit;
			end &= ~(PAGE - 1);
			if (start < end && end - start > best.end - best.start)
				best = (struct range) { start, end, 0 };
			if (k < g->reserved.nr && g->reserved.range[k].end > at)
				at = g->reserved.range[k].end;
		}
	}
	return best;
}
