/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EARLY_PGT_KEXEC_H
#define EARLY_PGT_KEXEC_H

#include "map.h"
#include "side.h"

#define LOG_RANGES	4000
#define LIMIT_4LEVEL	(64ULL << 40)
#define MB		(1ULL << 20)

/**
 * struct log_range - memory that the log says is taken
 * @start: first byte
 * @end:   past the last byte
 * @name:  by whom
 * @line:  where that is said
 * @early: before RAM is mapped
 */
struct log_range {
	u64 start;
	u64 end;
	char name[32];
	int line;
	bool early;
};

/**
 * struct log - what a log says, besides its memory map; of the last boot in it
 * @kernel:   is there anything of a kernel at all
 * @cmdline:  its command line
 * @gbpages:  it maps with pages of 1 GB
 * @debug:    memblock=debug: @range has all that was reserved
 * @kernel_end: past its last byte, with memblock=debug; 0: not known
 * @kernel_size: its bytes; 0: not known
 * @done:     the crash kernel's memory is reserved: what comes later isn't in its way
 * @efi:      tables of firmware
 * @nr_efi:   how many
 * @range:    what was reserved
 * @nr_range: how much of that
 * @crash:    for the crash kernel; 0: none
 * @crash_low: below 4 GB, besides
 * @plug:     may be plugged in here
 */
struct log {
	bool kernel;
	char cmdline[4096];
	bool gbpages;
	bool debug;
	u64 kernel_end;
	u64 kernel_size;
	bool done;
	struct {
		char name[24];
		u64 addr;
		int line;
	} efi[32];
	unsigned int nr_efi;
	struct log_range range[LOG_RANGES];
	unsigned int nr_range;
	struct kexec_area crash;
	struct kexec_area crash_low;
	struct kexec_area plug;
};

extern struct log log_facts;

void log_line(const char *s, int line);

int reserve_for_crash(char *cmdline, struct kexec_area *crash, struct kexec_area *low);

/**
 * ram_in - how much of a range a table has as RAM
 * @t:     a table of memory
 * @start: first byte
 * @end:   past the last byte
 *
 * Return: bytes
 */
u64 ram_in(const struct kexec_table *t, u64 start, u64 end);

/**
 * set_machine - fill in the memory of a machine from the map and the log that were read
 * @m: the machine; nothing is set of its crash kernel
 */
void set_machine(struct kexec_machine *m);

/* Of kexec.c. */
extern struct map map;

__attribute__((format(printf, 1, 2))) void wrong(const char *fmt, ...);
const char *amount(u64 bytes, char *buf);

enum { ROOM_BELOW_768M, ROOM_BELOW_896M, ROOM_BELOW_4G, ROOM_ABOVE_4G, ROOM_LIMITS };

/**
 * struct room_limit - where a crash kernel may be asked for
 * @name: for people
 * @from: first byte
 * @to:   past the last byte
 */
struct room_limit {
	const char *name;
	u64 from, to;
};

extern const struct room_limit room_limits[ROOM_LIMITS];

/**
 * struct room - memory once it is mapped
 * @free:     ascending, touching ones may follow each other
 * @taken:    what lies in between, holes included, by address
 * @nr_free:  how many
 * @nr_taken: how many
 */
struct room {
	struct room_span {
		u64 start, end;
		char name[40];
	} *free, *taken;
	unsigned int nr_free, nr_taken;
};

void room_take_stock(const struct sim_config *c, struct room *room);
u64 room_largest(const struct room *room, u64 from, u64 to,
		 const struct room_span *without, u64 *at);
void room_obstacles(const char *side, const struct room *room);
void room_check(const char *file, u64 size, const char *suffix, u64 from, u64 to);

#endif /* EARLY_PGT_KEXEC_H */
