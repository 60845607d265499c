// SPDX-License-Identifier: GPL-2.0-only
/*
 * Room for a crash kernel: what of memory is free once it is mapped, what is in the way
 * of more, and what can be done about it.
 */

#include "kexec.h"

#include <stdlib.h>

#define CRASH_ALIGN	(16ULL << 20)
#define OBSTACLES	4

static void add_span(struct room_span **s, unsigned int *nr, u64 start, u64 end, const char *name)
{
	if (start >= end)
		return;
	if (!(*nr & (*nr + 1)))
		*s = realloc(*s, (2 * *nr + 2) * sizeof(**s));
	if (!*s)
		abort();
	(*s)[*nr] = (struct room_span) { .start = start, .end = end };
	snprintf((*s)[(*nr)++].name, sizeof((*s)->name), "%s", name);
}

static const char *kernel_name(const struct sim_config *c, u64 start, u64 end)
{
	unsigned int i;

	if (start < c->kernel_end && end > c->kernel)
		return log_facts.debug ? "kernel" : "kernel (est.)";
	for (i = 0; i < log_facts.nr_range; i++)
		if (start < log_facts.range[i].end && end > log_facts.range[i].start)
			return log_facts.range[i].name;
	if (start < SZ_1M)
		return "first megabyte";
	for (i = 0; i < map.nr; i++)
		if ((map.entry[i].kind == MAP_KIND_TAKEN || map.entry[i].kind == MAP_KIND_RESERVED) &&
		    start < map.entry[i].end && end > map.entry[i].start)
			return "taken";
	return "page tables";
}

static const char *hole_name(u64 start, u64 end)
{
	unsigned int i;

	for (i = 0; i < map.nr; i++)
		if (map.entry[i].kind == MAP_KIND_OTHER && map.entry[i].start < end &&
		    map.entry[i].end > start)
			return map.entry[i].type;
	return "hole";
}

static int by_address(const void *a, const void *b)
{
	const struct room_span *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* All of memory as it is now: what is free, and what lies in between. */
void room_take_stock(const struct sim_config *c, struct room *room)
{
	phys_addr_t s, e;
	u64 i, at = 0, a, b;
	unsigned int n, k;

	memset(room, 0, sizeof(*room));
	for_each_free_mem_range(i, NUMA_NO_NODE, MEMBLOCK_NONE, &s, &e, NULL)
		add_span(&room->free, &room->nr_free, s, e, "");
	for (n = 0; n < memblock.reserved.cnt; n++) {
		const struct memblock_region *r = &memblock.reserved.regions[n];

		/* Ranges that touch are one: take known ones out of it. */
		a = r->base;
		b = r->base + r->size;
		for (k = 0; k < log_facts.nr_range; k++) {
			const struct log_range *l = &log_facts.range[k];

			if (l->start > a && l->start < b)
				add_span(&room->taken, &room->nr_taken, l->start, min_t(u64, l->end, b), l->name);
			if (l->start <= a && l->end > a && l->end < b) {
				add_span(&room->taken, &room->nr_taken, a, l->end, l->name);
				a = l->end;
			} else if (l->start > a && l->start < b && l->end >= b) {
				b = l->start;
			}
		}
		if (a < b)
			add_span(&room->taken, &room->nr_taken, a, b, kernel_name(c, a, b));
	}
	for (n = 0; n < memblock.memory.cnt; n++) {
		const struct memblock_region *r = &memblock.memory.regions[n];

		if (r->base > at && at)
			add_span(&room->taken, &room->nr_taken, at, r->base, hole_name(at, r->base));
		at = r->base + r->size;
	}
	if (room->nr_taken)
		qsort(room->taken, room->nr_taken, sizeof(room->taken[0]), by_address);
}

/* The largest crashkernel= in [@from, @to), in whole MB; @without: as if that was free. */
u64 room_largest(const struct room *room, u64 from, u64 to, const struct room_span *without, u64 *at)
{
	u64 best = 0, start = 0, end = 0, a, b;
	unsigned int i, n = room->nr_free;
	bool used = !without;

	*at = 0;
	for (i = 0; i <= n; i++) {
		if (i < n && end && room->free[i].start == end) {
			end = room->free[i].end;
			continue;
		}
		if (!used && end == without->start && end) {
			used = true;
			end = without->end;
			i--;
			continue;
		}
		a = ALIGN(max_t(u64, start, from), CRASH_ALIGN);
		b = min_t(u64, end, to);
		if (a < b && round_down(b - a, MB) > best) {
			best = round_down(b - a, MB);
			/* From the top down. */
			*at = round_down(b - best, CRASH_ALIGN);
		}
		if (i == n)
			break;
		start = room->free[i].start;
		end = room->free[i].end;
		if (!used && without->end == start) {
			used = true;
			start = without->start;
		}
	}
	return best;
}

const struct room_limit room_limits[ROOM_LIMITS] = {
	{ "below 768 MB", 0, 768 * MB },
	{ "below 896 MB", 0, 896 * MB },
	{ "below 4 GB", 0, 4096 * MB },
	{ "above 4 GB", 4096 * MB, LIMIT_4LEVEL },
};

/* What to do about it, if anything can be done. */
static const char *advice(const char *name)
{
	static const struct {
		const char *name, *text;
	} known[] = {
		{ "RAMDISK", "a smaller initrd, or a boot loader that puts it elsewhere" },
		{ "CMA", "cma=0 or a smaller one" },
		{ "kernel (est.)", "" },
		{ "kernel", "nokaslr" },
		{ "NODE_DATA", "numa=off" },
		{ "setup_log_buf", "a smaller log_buf_len=" },
		{ "page tables", "early page tables in chunks" },
		{ "taken", "" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (!strncmp(name, known[i].name, strlen(known[i].name)))
			return known[i].text;
	return NULL;
}

/* What bounds the largest room below 4 GB, and what it would be without. */
void room_obstacles(const char *side, const struct room *room)
{
	const struct room_span *best = NULL;
	unsigned int i, shown = 0;
	u64 now, at, size, most;
	char a[24], b[24];

	now = room_largest(room, 0, room_limits[ROOM_BELOW_4G].to, NULL, &at);
	most = now;
	for (i = 0; i < room->nr_taken; i++) {
		const struct room_span *t = &room->taken[i];

		if (t->start >= room_limits[ROOM_BELOW_4G].to || t->end <= SZ_1M)
			continue;
		size = room_largest(room, 0, room_limits[ROOM_BELOW_4G].to, t, &at);
		if (size <= now)
			continue;
		if (size > most && advice(t->name) && advice(t->name)[0]) {
			most = size;
			best = t;
		}
		if (shown++ < OBSTACLES)
			printf("    in the way%-16s %s  %s [mem %#llx-%#llx], %s: %llu MB without it\n",
			       "", side, t->name, (unsigned long long)t->start,
			       (unsigned long long)t->end - 1, amount(t->end - t->start, a),
			       (unsigned long long)size >> 20);
	}
	if (shown > OBSTACLES)
		printf("    %-26s %s  and %u more\n", "", side, shown - OBSTACLES);
	if (best)
		printf("    what helps most%-11s %s  %s: %s\n", "", side,
		       advice(best->name), amount(most, b));
}

/* The kernel's own code must say the same. */
void room_check(const char *file, u64 size, const char *suffix, u64 from, u64 to)
{
	struct kexec_area crash, low;
	unsigned int more;
	char text[64];

	for (more = 0; more < 2; more++) {
		bool fits;

		if (!(size + more * MB))
			continue;
		sprintf(text, "crashkernel=%lluM%s", (unsigned long long)(size / MB + more), suffix);
		reserve_for_crash(text, &crash, &low);
		fits = crash.end && crash.start >= from && crash.end <= to;
		if (crash.end)
			memblock_phys_free(crash.start, crash.end - crash.start);
		if (low.end)
			memblock_phys_free(low.start, low.end - low.start);
		if (fits != !more) {
			wrong("%s: %s %s, but was counted as if it %s", file, text,
			      fits ? "fits" : "doesn't fit", fits ? "didn't" : "did");
		}
	}
}
