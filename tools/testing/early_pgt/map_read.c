// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory maps as people paste them: logs of Linux and of Xen, what the kernel
 * says in a panic, /proc/iomem, GRUB's lsmmap, and more. See README.
 *
 * A text may hold several tables. Each source has one, the last one read. The
 * table of the source that comes first in the enum is the map.
 */

#include "reader.h"

#include <stdarg.h>
#include <stdlib.h>

unsigned int map_max = MAP_MAX;
u64 map_limit = PFN_PHYS(SIM_MAX_PFN);
void (*map_line)(const char *s, int line);

/* The first thing that is wrong is said; with @dropped, the line is left out. */
void table_wrong(struct table *t, int line, bool dropped, const char *fmt, ...)
{
	va_list ap;

	t->dropped += dropped;
	if (t->bad_line)
		return;
	t->bad_line = line;
	va_start(ap, fmt);
	vsnprintf(t->bad, sizeof(t->bad), fmt, ap);
	va_end(ap);
}

/* All names of types, of all sources. */
static const struct {
	const char *name;
	enum map_kind kind;
} types[] = {
	{ "usable", MAP_KIND_RAM }, { "System RAM", MAP_KIND_RAM },
	{ "available RAM", MAP_KIND_RAM }, { "taken", MAP_KIND_TAKEN },
	{ "reserved", MAP_KIND_OTHER }, { "ACPI data", MAP_KIND_OTHER },
	{ "ACPI NVS", MAP_KIND_OTHER }, { "unusable", MAP_KIND_OTHER },
	{ "persistent", MAP_KIND_OTHER }, { "soft reserved", MAP_KIND_OTHER },
	{ "device reserved", MAP_KIND_OTHER }, { "type", MAP_KIND_OTHER },
	{ "application reserved", MAP_KIND_OTHER },
	{ "ACPI reclaimable", MAP_KIND_OTHER }, { "ACPI tables", MAP_KIND_OTHER },
	{ "ACPI non-volatile storage", MAP_KIND_OTHER },
	{ "unknown", MAP_KIND_OTHER }, { "faulty RAM", MAP_KIND_OTHER },
	{ "RAM holding", MAP_KIND_OTHER }, { "unaccepted", MAP_KIND_OTHER },
};

bool read_type(const char *p, enum map_kind *kind)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		if (!text_is_word(p, types[i].name))
			continue;
		*kind = types[i].kind;
		return true;
	}
	return false;
}

/* Is this how the name of a type begins? */
bool begins_type(const char *p)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		if (!strncasecmp(types[i].name, p, strlen(p)))
			return true;
	return false;
}

void table_clear(struct table *t)
{
	free(t->entry);
	memset(t, 0, sizeof(*t));
}

struct map_entry *table_entry(struct table *t, int line)
{
	if (!(t->nr & (t->nr + 1))) {
		t->entry = realloc(t->entry, (2 * t->nr + 2) * sizeof(*t->entry));
		if (!t->entry) {
			perror("simulate");
			exit(2);
		}
	}
	if (!t->nr)
		t->first = line;
	t->last = line;
	return memset(&t->entry[t->nr++], 0, sizeof(*t->entry));
}

/* @end is the last byte. */
void table_add(struct reader *r, struct table *t, u64 start, u64 end,
	       enum map_kind kind, const char *type)
{
	bool many = kind == MAP_KIND_TAKEN || kind == MAP_KIND_RESERVED ||
		    kind == MAP_KIND_TABLES;
	struct map_entry *e;

	if (end < start) {
		table_wrong(t, r->line, true, "the range is reversed: %#llx-%#llx",
			    (unsigned long long)start, (unsigned long long)end);
		return;
	}
	if (many && t->taken == MAP_TAKEN_MAX) {
		table_wrong(t, r->line, false, "more than %d ranges that are taken", MAP_TAKEN_MAX);
		return;
	}
	if (!many && t->nr - t->taken == map_max) {
		table_wrong(t, r->line, false, "more than %u entries", map_max);
		return;
	}
	/* 2^64 as an end is a device's, if anyone's. */
	if (kind != MAP_KIND_OTHER && end >= map_limit) {
		table_wrong(t, r->line, false, "memory beyond %llu TB can't be simulated",
			    (unsigned long long)map_limit >> 40);
		return;
	}
	t->taken += many;
	e = table_entry(t, r->line);
	e->start = start;
	e->end = end + 1 ?: end;
	e->kind = kind;
	e->line = r->line;
	snprintf(e->type, sizeof(e->type), "%.*s", (int)strcspn(type, "<>\"'`*|,()"), type);
}

/* "(XEN) HVM4: ..." and "(d4) ...": what a guest says, in the log of Xen. */
static bool is_guest(const char *s)
{
	const char *d = strstr(s, "(d"), *hvm = strstr(s, " HVM");

	return (hvm && is_digit(hvm[4]) && strstr(s, "(XEN)")) ||
	       (d && d[2] >= '1' && d[2] <= '9' && d[2 + strspn(d + 2, "0123456789")] == ')');
}

static void read_line(struct reader *r, const char *s)
{
	if (*text_blanks(s) == '#' && text_blanks(s)[1] == ' ' && !strstr(s, "# early_pgt: "))
		return;
	if (is_guest(s)) {
		if (names_map(s) || strstr(s, "e820 map has"))
			r->guest = r->guest ?: r->line;
		return;
	}
	if (read_cut(r, s) || read_report(r, s))
		return;
	if (new_boot(s)) {
		begin_log(r, s);
		/* Lines may have been lost, not only their ends. */
		if (!names_map(s))
			return;
	}
	read_said(r, s);
	if (read_who(r, s) || read_xen(r, s) || read_sysfs(r, s) || read_grub(r, s) ||
	    read_iomem(r, s) || read_dashes(r, s) || read_lost(r, s))
		return;
	read_own(r, s);
}

/**
 * map_read - read a memory map
 * @map:  returns it
 * @file: name of the file, "-" for standard input
 *
 * What is wrong with the file ends the program, with status 2.
 */
void map_read(struct map *map, const char *file)
{
	struct reader r = { .file = file, .map = map };
	struct text text;
	const char *why = text_open(&text, file);
	int i;

	if (why)
		map_bad(file, 0, "%s", why);
	free(map->entry);
	free(map->firmware);
	free(map->iomem);
	memset(map, 0, sizeof(*map));
	map->sim.levels = 4;
	map->sim.bits = 9;
	map->sim.sizes = BIT(PG_LEVEL_4K);
	while (text_line(&text)) {
		r.line = text.line;
		if (map_line && !is_guest(text.s))
			map_line(text.s, text.line);
		read_line(&r, text.s);
	}
	end_cut(&r);
	end_sysfs(&r);
	map_choose(&r, text.line);
	text_close(&text);
	for (i = 0; i < SOURCES; i++)
		table_clear(&r.table[i]);
	table_clear(&r.taken);
}
