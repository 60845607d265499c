/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EARLY_PGT_MAP_H
#define EARLY_PGT_MAP_H

#include "sim.h"

#define MAP_MAX		1000	/* of a firmware's entries, see map_max */
#define MAP_TAKEN_MAX	20000

/* Only reports of a panic have the last two. */
enum map_kind {
	MAP_KIND_RAM, MAP_KIND_TAKEN, MAP_KIND_OTHER, MAP_KIND_RESERVED, MAP_KIND_TABLES,
	MAP_KINDS
};

/**
 * struct map_entry - a range of a memory map
 * @start: first byte
 * @end:   past the last byte
 * @kind:  RAM, RAM that is reserved (initrd...), anything else; reserved, be it RAM
 *         or not; tables that a run has taken, and that were free before
 * @line:  where it was read
 * @type:  as it was read
 */
struct map_entry {
	u64 start;
	u64 end;
	enum map_kind kind;
	int line;
	char type[24];
};

/**
 * struct map - a memory map
 * @origin: where it was read: source, and lines
 * @notes: what else there is to say about that, in lines
 * @doubtful: lines were left out
 * @read:  entries, as they were read
 * @nr:    entries
 * @taken: of these, how many are of the type "taken"
 * @entry: entries, in ascending order
 * @firmware: entries as firmware gave them, if others are the map, or NULL
 * @nr_firmware: how many
 * @iomem: /proc/iomem beside another map, or NULL
 * @nr_iomem: how many
 * @fixed: options in the file say for which machine it is
 * @sim:   that machine
 * @panic_start: first byte that it could not map, according to its report
 * @panic_end: past the last byte; 0 if there is no report
 */
struct map {
	char origin[80];
	char notes[1024];
	bool doubtful;
	unsigned int read;
	unsigned int nr;
	unsigned int taken;
	struct map_entry *entry;
	struct map_entry *firmware;
	unsigned int nr_firmware;
	struct map_entry *iomem;
	unsigned int nr_iomem;
	bool fixed;
	struct sim_config sim;
	u64 panic_start;
	u64 panic_end;
};

/* Entries that a file may have, up to what the kernel's e820 table has room for. */
extern unsigned int map_max;

/* Memory beyond isn't read. */
extern u64 map_limit;

/* Gets each line that is read, if there is such a function. */
extern void (*map_line)(const char *s, int line);

void map_read(struct map *map, const char *file);
bool map_set_memory(const struct map *map);
bool map_place_kernel(struct sim_config *c);
void map_print(FILE *f, const struct sim_config *c);
void map_write_picture(const char *folder, const char *who);
const char *map_name(const char *file);
void map_bad(const char *file, int line, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 3, 4)));

#endif /* EARLY_PGT_MAP_H */
