/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading memory maps: what map_read.c and the files for each format share. */
#ifndef EARLY_PGT_READER_H
#define EARLY_PGT_READER_H

#include "map.h"
#include "text.h"

/* In the order in which they are preferred. A kernel boots on the last it prints. */
enum source {
	REPORT,		/* early_pgt: of a panic */
	MODIFIED,	/* modified: */
	USER,		/* user: with mem= or memmap= */
	SETUP_DATA,	/* reserve setup_data: */
	FIRMWARE,	/* BIOS-e820: or another source of a kernel's first map; Xen: */
	XEN,		/* (XEN) Xen's own, of the host */
	IOMEM,
	SYSFS,		/* /sys/firmware/memmap */
	KEXEC,		/* kexec -d */
	GRUB,		/* lsmmap */
	OWN,		/* start end type */
	SOURCES
};

struct table {
	const char *name;
	struct map_entry *entry;
	unsigned int nr, taken;
	int first, last;	/* lines */
	bool disorder;
	unsigned int dropped;	/* lines that can't be read */
	int bad_line;		/* the first thing that is wrong */
	char bad[160];
};

struct reader {
	const char *file;
	struct map *map;
	struct table table[SOURCES];
	struct table taken;	/* "start end taken" beside a log */
	int line;
	bool new_boot;		/* begins with the next table of a kernel */
	struct table lost;	/* lines of a map under a name that was garbled */
	int said[SOURCES];	/* line that says there will be such a table */
	u64 last_pfn;		/* behind RAM, said after the last table */
	u64 said_kb;		/* all memory, said at the end */
	int pfn_line, kb_line;
	unsigned int boots;
	bool new_report;
	unsigned int reports;
	int guest;		/* line of a guest's map in Xen's log */
	int zeroes;		/* line of /proc/iomem without addresses */
	bool ranges_from_0;	/* kexec: types of "MEMORY RANGES" */
	bool kexec_other;
	int sysfs_nr;
	u64 sysfs_start, sysfs_end;
	char sysfs_wants;
	unsigned int sysfs_has;
	enum source cut;	/* a who-line goes on in the next one */
	char cut_text[256];
	int cut_line;
	bool has_options, has_pages;
	unsigned long report_ranges, report_left_out;
	unsigned long said_memory, said_reserved;
	u64 wrong_start, wrong_end;
};

void table_wrong(struct table *t, int line, bool dropped, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void table_clear(struct table *t);
struct map_entry *table_entry(struct table *t, int line);
void table_add(struct reader *r, struct table *t, u64 start, u64 end,
	       enum map_kind kind, const char *type);
bool read_type(const char *p, enum map_kind *kind);
bool begins_type(const char *p);

/* Of a kernel's log. */
bool names_map(const char *s);
bool new_boot(const char *s);
void begin_log(struct reader *r, const char *s);
bool read_who(struct reader *r, const char *s);
bool read_cut(struct reader *r, const char *s);
void end_cut(struct reader *r);
bool read_lost(struct reader *r, const char *s);
void read_said(struct reader *r, const char *s);

/* Of its panic. */
bool read_report(struct reader *r, const char *s);
void check_report(struct reader *r, struct table *t);

/* Of others. */
bool read_xen(struct reader *r, const char *s);
bool read_sysfs(struct reader *r, const char *s);
void end_sysfs(struct reader *r);
bool read_dashes(struct reader *r, const char *s);
bool read_grub(struct reader *r, const char *s);
bool read_iomem(struct reader *r, const char *s);
void read_own(struct reader *r, const char *s);

void map_warn(struct reader *r, int line, bool doubt, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void map_choose(struct reader *r, int line);

#endif /* EARLY_PGT_READER_H */
