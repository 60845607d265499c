// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory maps as text: lines "start end type" (hexadecimal, the end inclusive,
 * "#" starts a comment), or a kernel log's "BIOS-e820:" and "Xen:" lines.
 *
 * The type "taken" is RAM that is reserved, such as an initrd. A line of
 * options stands for a certain machine:
 *
 *	option pages=1G|2M|4K|xen levels=4|5 kernel=START-END kaslr=SIZE bottom-up=START
 */

#include "map.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

unsigned int map_max = MAP_MAX;

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

void map_bad(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	if (line)
		fprintf(stderr, "%s:%d: ", file, line);
	else
		fprintf(stderr, "%s: ", file);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	exit(2);
}

static bool known_type(const char *type, enum map_kind *kind)
{
	static const char * const types[] = {
		"usable", "taken", "reserved", "ACPI data", "ACPI NVS",
		"unusable", "persistent", "soft reserved", "device reserved",
		"type ",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		if (strncasecmp(type, types[i], strlen(types[i])))
			continue;
		*kind = min_t(unsigned int, i, MAP_KIND_OTHER);
		return true;
	}
	return false;
}

/* A line of a kernel log that isn't about the map as it came from firmware. */
static bool is_log(const char *s)
{
	return *s == '[' || !strncmp(s, "BIOS-provided ", 14) ||
	       !strncmp(s, "e820:", 5) || strstr(s, ": [mem ");
}

static void read_options(struct map *map, const char *file, int line, char *s)
{
	struct sim_config *c = &map->sim;
	char *word, *save;

	map->fixed = true;
	for (word = strtok_r(s, " \t", &save); word; word = strtok_r(NULL, " \t", &save)) {
		unsigned long a, b;

		if (!strcmp(word, "pages=1G"))
			c->sizes = BIT(PG_LEVEL_4K) | BIT(PG_LEVEL_2M) | BIT(PG_LEVEL_1G);
		else if (!strcmp(word, "pages=2M"))
			c->sizes = BIT(PG_LEVEL_4K) | BIT(PG_LEVEL_2M);
		else if (!strcmp(word, "pages=4K"))
			c->sizes = BIT(PG_LEVEL_4K);
		else if (!strcmp(word, "pages=xen"))
			c->sizes = BIT(PG_LEVEL_4K), c->xen = true;
		else if (!strcmp(word, "levels=5"))
			c->levels = 5;
		else if (!strcmp(word, "levels=4"))
			c->levels = 4;
		else if (sscanf(word, "kernel=%lx-%lx", &a, &b) == 2 && a < b &&
			 !((a | (b + 1)) & ~PAGE_MASK))
			c->kernel = a, c->kernel_end = b + 1;
		else if (sscanf(word, "kaslr=%lx", &a) == 1 && !(a & (SZ_1G - 1)))
			c->kaslr = a;
		else if (sscanf(word, "bottom-up=%lx", &a) == 1 && !(a & ~PAGE_MASK))
			c->split = a, c->bottom_up = true;
		else
			map_bad(file, line, "unknown option: \"%.40s\"", word);
	}
}

static void read_line(struct map *map, const char *file, int line, char *s)
{
	unsigned long long start, end;
	struct map_entry *e;
	enum map_kind kind;
	char *p, *q;
	int n = 0;

	s[strcspn(s, "#\r\n")] = '\0';
	while (is_blank(*s))
		s++;
	if (!*s)
		return;
	if (!strncmp(s, "option ", 7)) {
		read_options(map, file, line, s + 7);
		return;
	}

	p = strstr(s, "BIOS-e820: [mem ");
	if (!p)
		p = strstr(s, "Xen: [mem ");
	if (p) {
		p = strstr(p, "[mem ") + 5;
		if (sscanf(p, "%llx-%llx] %n", &start, &end, &n) != 2 || !n)
			map_bad(file, line, "not a range of memory: \"%.60s\"", p);
	} else if (is_log(s)) {
		return;
	} else {
		p = s;
		if (sscanf(p, "%llx %llx %n", &start, &end, &n) != 2 || !n)
			map_bad(file, line, "not \"start end type\": \"%.60s\"", s);
	}
	p += n;
	for (q = p + strlen(p); q > p && is_blank(q[-1]); q--)
		q[-1] = '\0';
	if (!known_type(p, &kind))
		map_bad(file, line, "unknown type of memory: \"%.30s\"", p);
	if (end < start)
		map_bad(file, line, "the range is reversed: %#llx-%#llx", start, end);
	if (start & 3 || (end & 3) != 3)
		map_bad(file, line, "the range is misaligned (its end is inclusive): %#llx-%#llx",
			start, end);
	if (kind == MAP_KIND_TAKEN && map->taken++ == MAP_TAKEN_MAX)
		map_bad(file, line, "more than %d ranges that are taken", MAP_TAKEN_MAX);
	if (map->nr - map->taken == map_max && kind != MAP_KIND_TAKEN)
		map_bad(file, line, "more than %u entries", map_max);

	if (!(map->nr & (map->nr + 1))) {
		map->entry = realloc(map->entry, (2 * map->nr + 2) * sizeof(*e));
		if (!map->entry)
			map_bad(file, line, "%s", strerror(ENOMEM));
	}
	e = &map->entry[map->nr++];
	e->start = start;
	e->end = end + 1;
	e->kind = kind;
	e->line = line;
	snprintf(e->type, sizeof(e->type), "%s", p);
	/* 2^64 as an end is a device's, if anyone's. */
	if (!e->end)
		e->end = end;
	if (kind != MAP_KIND_OTHER && e->end > PFN_PHYS(SIM_MAX_PFN))
		map_bad(file, line, "memory beyond %lu TB can't be simulated",
			SIM_MAX_PFN >> 28);
}

static int by_start(const void *a, const void *b)
{
	const struct map_entry *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Where types overlap, one of them wins; the same type twice is a mistake. */
static void check_overlaps(const struct map *map, const char *file)
{
	unsigned int i, j;

	for (i = 0; i < map->nr; i++) {
		const struct map_entry *a = &map->entry[i];

		for (j = i + 1; j < map->nr && map->entry[j].start < a->end; j++) {
			const struct map_entry *b = &map->entry[j];

			if (!strcasecmp(a->type, b->type))
				map_bad(file, max(a->line, b->line),
					"%#llx-%#llx overlaps line %d, of the same type",
					(unsigned long long)b->start,
					(unsigned long long)b->end - 1,
					min(a->line, b->line));
		}
	}
}

/**
 * map_read - read a memory map
 * @map:  returns it
 * @file: name of the file
 *
 * What is wrong with the file ends the program, with status 2.
 */
void map_read(struct map *map, const char *file)
{
	FILE *f = fopen(file, "r");
	unsigned int i;
	bool ram = false;
	char s[1024];
	int line = 0;

	if (!f)
		map_bad(file, 0, "%s", strerror(errno));
	free(map->entry);
	memset(map, 0, sizeof(*map));
	map->sim.levels = 4;
	map->sim.bits = 9;
	map->sim.sizes = BIT(PG_LEVEL_4K);
	while (fgets(s, sizeof(s), f)) {
		line++;
		if (strlen(s) == sizeof(s) - 1)
			map_bad(file, line, "the line is too long");
		read_line(map, file, line, s);
	}
	if (ferror(f))
		map_bad(file, line + 1, "%s", strerror(errno));
	fclose(f);
	if (!map->nr)
		map_bad(file, max(line, 1), "no range of memory in the file");

	qsort(map->entry, map->nr, sizeof(map->entry[0]), by_start);
	check_overlaps(map, file);
	for (i = 0; i < map->nr; i++)
		ram |= map->entry[i].kind == MAP_KIND_RAM;
	if (!ram)
		map_bad(file, line, "no usable memory in the file");
}

/**
 * map_set_memory - fill memblock as e820__memblock_setup() and setup_arch() do
 * @map: the memory map
 *
 * Return: false if there are more ranges than memblock has room for below 1 MB.
 */
bool map_set_memory(const struct map *map)
{
	const struct map_entry *e;
	int rc = 0;

	for (e = map->entry; e < map->entry + map->nr; e++)
		if (e->kind != MAP_KIND_OTHER)
			rc |= memblock_add(e->start, e->end - e->start);
	/* Usable has the lowest number of all types, and the highest wins. */
	for (e = map->entry; e < map->entry + map->nr; e++)
		if (e->kind == MAP_KIND_OTHER)
			rc |= memblock_remove(e->start, e->end - e->start);
	for (e = map->entry; e < map->entry + map->nr; e++)
		if (e->kind == MAP_KIND_TAKEN)
			rc |= memblock_reserve(e->start, e->end - e->start);
	rc |= memblock_remove(0xa0000, 0x60000);
	memblock_trim_memory(PAGE_SIZE);
	rc |= memblock_reserve(0, SZ_64K);
	return !rc;
}

/**
 * map_place_kernel - put the kernel to 16 MB, or where there is room
 * @c: the machine
 *
 * Return: false if there is no room, and so no RAM that the kernel is in.
 */
bool map_place_kernel(struct sim_config *c)
{
	unsigned long size;

	for (size = SZ_32M; size >= SZ_256K; size /= 2) {
		c->kernel = SZ_16M;
		if (!memblock_is_region_memory(c->kernel, size)) {
			memblock_set_bottom_up(true);
			c->kernel = memblock_phys_alloc_range(size, SZ_2M, SZ_1M,
							      PFN_PHYS(SIM_MAX_PFN));
		}
		c->kernel_end = c->kernel + size;
		if (c->kernel)
			return true;
	}
	c->kernel = SZ_16M;
	c->kernel_end = SZ_32M;
	return false;
}

/**
 * map_print - print what memblock has now, as a file to be read
 * @f: where to
 * @c: the machine
 */
void map_print(FILE *f, const struct sim_config *c)
{
	struct memblock_region *r;

	fprintf(f, "option pages=%s levels=%u kernel=%#lx-%#lx",
		c->xen ? "xen" : c->sizes & BIT(PG_LEVEL_1G) ? "1G" :
		c->sizes & BIT(PG_LEVEL_2M) ? "2M" : "4K",
		c->levels, c->kernel, c->kernel_end - 1);
	if (c->kaslr)
		fprintf(f, " kaslr=%#lx", c->kaslr);
	if (c->bottom_up)
		fprintf(f, " bottom-up=%#lx", c->split);
	fprintf(f, "\n");
	for_each_mem_region(r)
		fprintf(f, "%#018llx %#018llx usable\n", (unsigned long long)r->base,
			(unsigned long long)(r->base + r->size - 1));
	for_each_reserved_mem_region(r)
		fprintf(f, "%#018llx %#018llx taken\n", (unsigned long long)r->base,
			(unsigned long long)(r->base + r->size - 1));
}
