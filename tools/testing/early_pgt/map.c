// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory maps: to memblock, and back to text, and to what is drawn. map_read.c
 * reads them.
 */

#include "map.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

const char *map_name(const char *file)
{
	return strcmp(file, "-") ? file : "standard input";
}

void map_bad(const char *file, int line, const char *fmt, ...)
{
	char where[16] = "", text[512];
	va_list ap;

	fflush(stdout);
	if (line)
		snprintf(where, sizeof(where), ":%d", line);
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* In one go: other maps are read at the same time. */
	fprintf(stderr, "%s%s: %s\n", map_name(file), where, text);
	exit(2);
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
		if (e->kind == MAP_KIND_RAM || e->kind == MAP_KIND_TAKEN)
			rc |= memblock_add(e->start, e->end - e->start);
	/* Usable has the lowest number of all types, and the highest wins. */
	for (e = map->entry; e < map->entry + map->nr; e++)
		if (e->kind == MAP_KIND_OTHER)
			rc |= memblock_remove(e->start, e->end - e->start);
	for (e = map->entry; e < map->entry + map->nr; e++)
		if (e->kind == MAP_KIND_TAKEN || e->kind == MAP_KIND_RESERVED)
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

static FILE *picture_file(const char *folder, const char *who, const char *name)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s/%s.tsv", folder, who, name);
	f = fopen(path, "w");
	if (!f) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(3);
	}
	return f;
}

/**
 * map_write_picture - write what lab/picture draws
 * @folder: where to
 * @who:    base or patched, a folder in it
 *
 * Of the machine as the simulation left it. Ends the program if it can't be written.
 */
void map_write_picture(const char *folder, const char *who)
{
	FILE *tables = picture_file(folder, who, "tables");
	FILE *ranges = picture_file(folder, who, "ranges");

	sim_write(tables, ranges);
	if (fclose(tables) | fclose(ranges)) {
		fprintf(stderr, "%s/%s: cannot be written in full\n", folder, who);
		exit(3);
	}
}
