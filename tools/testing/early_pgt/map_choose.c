// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which of a text's tables is the map, and is it whole?
 */

#include "reader.h"

#include <stdarg.h>
#include <stdlib.h>

static void __attribute__((format(printf, 2, 3)))
note(struct map *map, const char *fmt, ...)
{
	size_t n = strlen(map->notes);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(map->notes + n, sizeof(map->notes) - n, fmt, ap);
	va_end(ap);
}

/* With @doubt, this may not be the map of that machine. */
void map_warn(struct reader *r, int line, bool doubt, const char *fmt, ...)
{
	va_list ap;

	r->map->doubtful |= doubt;
	fprintf(stderr, "%s:%d: warning: ", map_name(r->file), line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
}

static int by_start(const void *a, const void *b)
{
	const struct map_entry *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Where types overlap, one of them wins; the same type twice is a mistake. */
static void check_overlaps(const struct reader *r, const struct map *map, bool strict)
{
	unsigned int i, j;

	for (i = 0; i < map->nr; i++) {
		const struct map_entry *a = &map->entry[i];

		for (j = i + 1; j < map->nr && map->entry[j].start < a->end; j++) {
			const struct map_entry *b = &map->entry[j];

			if (a->kind == b->kind && (a->kind != MAP_KIND_OTHER || strict) &&
			    !strcasecmp(a->type, b->type))
				map_bad(r->file, max(a->line, b->line),
					"%#llx-%#llx overlaps line %d, of the same type",
					(unsigned long long)b->start,
					(unsigned long long)b->end - 1,
					min(a->line, b->line));
		}
	}
}

static void lines_of(char *buf, size_t size, const struct table *t)
{
	if (t->first == t->last)
		snprintf(buf, size, "%s%sline %d", t->name ?: "", t->name ? " " : "", t->first);
	else
		snprintf(buf, size, "%s%slines %d-%d", t->name ?: "", t->name ? " " : "",
			 t->first, t->last);
}

static void __attribute__((noreturn)) no_map(const struct reader *r, int line, bool own)
{
	const struct table *t = &r->table[OWN];

	if (r->lost.dropped)
		map_bad(r->file, r->lost.bad_line, "%s", r->lost.bad);
	if (r->zeroes)
		map_bad(r->file, r->zeroes, "all addresses are 0: read /proc/iomem as root");
	if (r->guest)
		map_bad(r->file, r->guest, "the map of a guest in Xen's log: give the dmesg of the guest, or Xen's lines \"(XEN) ... RAM map:\"");
	if (own && t->bad_line)
		map_bad(r->file, t->bad_line, "%s", t->bad);
	if (t->bad_line && line > 1)
		map_bad(r->file, line, "no memory map in the file: give the output of dmesg, from its first line on, or, as root, of cat /proc/iomem");
	if (t->bad_line)
		map_bad(r->file, t->bad_line, "%s", t->bad);
	map_bad(r->file, max(line, 1), "no range of memory in the file");
}

/* A table that isn't the map, but is of use beside it. */
static void keep(struct table *t, struct map_entry **entry, unsigned int *nr)
{
	*entry = t->entry;
	*nr = t->nr;
	t->entry = NULL;
}

/* Does what the kernel has said fit the table that was chosen? */
static void check_said(struct reader *r, const struct table *t)
{
	u64 last = 0, kb = 0;
	unsigned int i;

	for (i = 0; &r->table[i] < t; i++)
		if (r->said[i])
			map_warn(r, r->said[i], true, "by this line, the kernel has another map, which isn't here: give the whole log");
	if (r->lost.dropped)
		map_warn(r, r->lost.bad_line, true, "%u line%s left out, the first one is %s",
			 r->lost.dropped, r->lost.dropped == 1 ? " is" : "s are", r->lost.bad);
	for (i = 0; i < t->nr; i++) {
		if (t->entry[i].kind != MAP_KIND_RAM)
			continue;
		last = max(last, PFN_DOWN(t->entry[i].end));
		kb += (t->entry[i].end - t->entry[i].start) >> 10;
	}
	if (r->last_pfn && r->last_pfn != last)
		map_warn(r, r->pfn_line, true, "RAM ends at %#llx, says the kernel, and at %#llx in its map: lines are missing",
			 (unsigned long long)PFN_PHYS(r->last_pfn), (unsigned long long)PFN_PHYS(last));
	else if (r->said_kb > kb + 1024)
		map_warn(r, r->kb_line, true, "the kernel has %llu KB of RAM, and its map %llu KB: lines are missing",
			 (unsigned long long)r->said_kb, (unsigned long long)kb);
}

/* Choose a table, and say what was read, and why. */
void map_choose(struct reader *r, int line)
{
	struct map *map = r->map;
	struct table *t = NULL;
	unsigned int i;
	char buf[80];

	for (i = 0; i < SOURCES && !t; i++)
		if (r->table[i].nr || (i != OWN && r->table[i].bad_line))
			t = &r->table[i];
	if (!t)
		no_map(r, line, false);
	i = t - r->table;
	if (i == OWN && t->bad_line)
		no_map(r, line, t->nr);
	if (t->bad_line && (!t->dropped || !t->nr || i == REPORT))
		map_bad(r->file, t->bad_line, "%s", t->bad);
	if (i == REPORT)
		check_report(r, t);
	else if (i <= FIRMWARE && t->disorder && r->boots > 1)
		map_warn(r, t->first, true, "several boots in reverse order: give the lines of the last one");
	else if (i <= FIRMWARE && !r->new_boot)
		check_said(r, t);

	/* What was added by hand. */
	if (i != REPORT && i != OWN) {
		for (line = 0; line < r->taken.nr; line++)
			*table_entry(t, t->last) = r->taken.entry[line];
		if (r->taken.bad_line)
			map_bad(r->file, r->taken.bad_line, "%s", r->taken.bad);
		if (r->table[OWN].nr > r->taken.nr)
			map_warn(r, r->table[OWN].first, false, "ranges \"start end type\" beside %s aren't read",
				 t->name);
	}
	if (i != REPORT)
		map->fixed = r->has_options;

	lines_of(map->origin, sizeof(map->origin), t);
	map->nr = t->nr;
	map->taken = t->taken;
	map->read = i == REPORT ? t->nr : t->nr - (i == OWN ? 0 : r->taken.nr);
	map->entry = t->entry;
	t->entry = NULL;
	if (i < FIRMWARE)
		keep(&r->table[FIRMWARE], &map->firmware, &map->nr_firmware);
	if (i < IOMEM)
		keep(&r->table[IOMEM], &map->iomem, &map->nr_iomem);
	if (i == REPORT && r->reports > 1)
		note(map, "  the last of %u reports\n", r->reports);
	if (i >= MODIFIED && i <= FIRMWARE && r->boots > 1)
		note(map, "  the last of %u boots with a map in this log\n", r->boots);
	if (i >= MODIFIED && i <= FIRMWARE && r->new_boot && !t->disorder)
		note(map, "  the log ends with a boot that has no map\n");
	if (i == FIRMWARE && !strcmp(t->name, "Xen:"))
		note(map, "  of the machine that Xen gives to this PV domain%s\n",
		     r->table[XEN].nr ? ", not of the host" : "");
	if (i == XEN && !strcmp(t->name, "(XEN)"))
		note(map, "  of the host: a domain has less\n");
	while (++i < SOURCES) {
		if (!r->table[i].nr || i == OWN)
			continue;
		lines_of(buf, sizeof(buf), &r->table[i]);
		note(map, "  in place of %s\n", buf);
	}
	if (t->dropped)
		map_warn(r, t->bad_line, true, "%u line%s left out, the first one is %s", t->dropped,
			 t->dropped == 1 ? " is" : "s are", t->bad);
	qsort(map->entry, map->nr, sizeof(map->entry[0]), by_start);
	check_overlaps(r, map, t - r->table <= FIRMWARE || t - r->table == OWN);
	for (i = 0; i < map->nr && map->entry[i].kind != MAP_KIND_RAM; i++)
		;
	if (i == map->nr)
		map_bad(r->file, t->last, "no usable memory in the file");
	if (t - r->table != OWN && t - r->table != REPORT && map->entry[i].start >= SZ_1M)
		map_warn(r, t->first, true, "no RAM below 1 MB: the first lines of the map are missing");
}
