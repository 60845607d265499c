/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EARLY_PGT_KEXEC_SIDE_H
#define EARLY_PGT_KEXEC_SIDE_H

/*
 * What a kernel does when it loads another one: base's own functions, and those of
 * base with the queues of series/kexec. Neither needs memblock, nor the simulator.
 */

#include <stdbool.h>

#define KEXEC_RANGES	6400

/* Of struct boot_params. */
#define KEXEC_ZEROPAGE	128

/* As in asm/e820/types.h. */
enum e820_type {
	E820_TYPE_RAM = 1, E820_TYPE_RESERVED, E820_TYPE_ACPI, E820_TYPE_NVS,
	E820_TYPE_UNUSABLE, E820_TYPE_PMEM = 7, E820_TYPE_PRAM = 12,
	E820_TYPE_SOFT_RESERVED = 0xefffffff,
};

/**
 * struct kexec_entry - an e820 entry, as the kernel has it
 * @addr: first byte
 * @size: bytes
 * @type: E820_TYPE_*
 */
struct kexec_entry {
	unsigned long long addr;
	unsigned long long size;
	unsigned int type;
} __attribute__((packed));

/**
 * struct kexec_table - an e820 table, as the kernel has it
 * @nr:    entries
 * @entry: ascending, unless it is what is passed on
 */
struct kexec_table {
	unsigned int nr;
	struct kexec_entry entry[KEXEC_RANGES];
};

/**
 * struct kexec_area - part of the address space
 * @start: first byte
 * @end:   past the last byte; 0: there is none
 */
struct kexec_area {
	unsigned long long start;
	unsigned long long end;
};

/**
 * struct kexec_machine - what the kernel knows that loads another one
 * @firmware:  the e820 table that is passed on
 * @memory:    the e820 table that the kernel boots with
 * @plugged:   RAM that came later
 * @mapped:    RAM that the direct map has
 * @crash:     reserved for the crash kernel
 * @crash_low: and below 4 GB
 * @gbpages:   the processor has pages of 1 GB
 * @levels:    of page tables, 4 or 5
 */
struct kexec_machine {
	struct kexec_table firmware;
	struct kexec_table memory;
	struct kexec_area plugged[64];
	unsigned int nr_plugged;
	struct kexec_area mapped[KEXEC_RANGES];
	unsigned int nr_mapped;
	struct kexec_area crash;
	struct kexec_area crash_low;
	bool gbpages;
	unsigned int levels;
};

/**
 * struct kexec_segment - what is loaded
 * @name:  for messages
 * @size:  bytes, with what isn't in the file
 * @align: bytes
 * @min:   first address that will do
 * @start: where it was put
 */
struct kexec_segment {
	const char *name;
	unsigned long long size;
	unsigned long long align;
	unsigned long long min;
	unsigned long long start;
};

#define KEXEC_SEGMENTS	5

/**
 * struct kexec_load - one kernel, loaded by kexec_file_load()
 * @is_crash: a crash kernel
 * @nr:       segments
 * @segment:  in the order in which they are put to their places
 */
struct kexec_load {
	bool is_crash;
	unsigned int nr;
	struct kexec_segment segment[KEXEC_SEGMENTS];
};

/**
 * struct kexec_side - base's functions, or ours
 * @name:         for messages
 * @update_table: sort a table, join and cut its entries; returns whether it did
 * @place:        put all segments to their places; returns the index of the first one
 *                for which there is none, or that of the last one + 1
 * @memory_map:   the table that the next kernel gets, as much of it as is passed on;
 *                returns how many entries there are to be passed on, or an error
 * @passed_on:    how many entries are, at most
 * @tables:       of the identity map, in pages
 */
struct kexec_side {
	const char *name;
	bool (*update_table)(struct kexec_table *table);
	unsigned int (*place)(const struct kexec_machine *m, struct kexec_load *load);
	int (*memory_map)(const struct kexec_machine *m, const struct kexec_load *load,
			  struct kexec_table *table);
	unsigned int passed_on;
	long (*tables)(const struct kexec_machine *m, const struct kexec_load *load);
};

extern const struct kexec_side kexec_base, kexec_ours;

/* The kernel's identity map, see ident.c. */
void *ident_begin(unsigned int levels);
unsigned long ident_end(void);
int ident_map(void *top, bool gbpages, unsigned long start, unsigned long end);

#endif /* EARLY_PGT_KEXEC_SIDE_H */
