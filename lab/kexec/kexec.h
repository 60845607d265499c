/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EARLY_PGT_KEXEC_H
#define EARLY_PGT_KEXEC_H

#include "map.h"
#include "side.h"

#define LOG_RANGES	4000

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

#endif /* EARLY_PGT_KEXEC_H */
