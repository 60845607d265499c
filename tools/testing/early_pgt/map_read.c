// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory maps as people paste them: logs of Linux and of Xen, what the kernel
 * says in a panic, /proc/iomem, GRUB's lsmmap, and more. See README.
 *
 * A text may hold several tables. Each source has one, the last one read. The
 * table of the source that comes first in the enum is the map.
 */

#include "map.h"
#include "text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

unsigned int map_max = MAP_MAX;
u64 map_limit = PFN_PHYS(SIM_MAX_PFN);
void (*map_line)(const char *s, int line);

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

static void __attribute__((format(printf, 4, 5)))
wrong(struct table *t, int line, bool dropped, const char *fmt, ...)
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
static void __attribute__((format(printf, 4, 5)))
warn(struct reader *r, int line, bool doubt, const char *fmt, ...)
{
	va_list ap;

	r->map->doubtful |= doubt;
	fprintf(stderr, "%s:%d: warning: ", map_name(r->file), line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
}

static const char *blanks(const char *p)
{
	while (*p == ' ')
		p++;
	return p;
}

/* A hexadecimal number of up to 64 bits, with or without 0x. */
static bool hex(const char **at, u64 *val)
{
	const char *p = blanks(*at);
	unsigned int n;

	if (p[0] == '0' && (p[1] | 32) == 'x')
		p += 2;
	while (p[0] == '0' && p[1] == '0')
		p++;
	*val = 0;
	for (n = 0; is_hex(p[n]); n++)
		*val = *val << 4 | (is_digit(p[n]) ? p[n] - '0' : (p[n] | 32) - 'a' + 10);
	if (!n || n > 16 || is_alnum(p[n]))
		return false;
	*at = p + n;
	return true;
}

/* How many numbers are there, nearby, that may be addresses? */
static unsigned int numbers(const char *p)
{
	unsigned int nr = 0, n;
	const char *s = p;

	for (; *p && p < s + 80; p += n ?: 1) {
		for (n = 0; is_hex(p[n]) || (n == 1 && (p[1] | 32) == 'x'); n++)
			;
		nr += n >= 8;
	}
	return nr;
}

static bool skip(const char **at, const char *text)
{
	const char *p = blanks(*at);
	size_t n = strlen(text);

	if (strncmp(p, text, n))
		return false;
	*at = p + n;
	return true;
}

static bool is_word(const char *p, const char *word)
{
	size_t n = strlen(word);

	return !strncasecmp(p, word, n) && !is_alnum(p[n]);
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

static bool read_type(const char *p, enum map_kind *kind)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		if (!is_word(p, types[i].name))
			continue;
		*kind = types[i].kind;
		return true;
	}
	return false;
}

/* Is this how the name of a type begins? */
static bool begins_type(const char *p)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		if (!strncasecmp(types[i].name, p, strlen(p)))
			return true;
	return false;
}

static void clear(struct table *t)
{
	free(t->entry);
	memset(t, 0, sizeof(*t));
}

static struct map_entry *new_entry(struct table *t, int line)
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
static void add(struct reader *r, struct table *t, u64 start, u64 end,
		enum map_kind kind, const char *type)
{
	bool many = kind == MAP_KIND_TAKEN || kind == MAP_KIND_RESERVED ||
		    kind == MAP_KIND_TABLES;
	struct map_entry *e;

	if (end < start) {
		wrong(t, r->line, true, "the range is reversed: %#llx-%#llx",
		      (unsigned long long)start, (unsigned long long)end);
		return;
	}
	if (many && t->taken == MAP_TAKEN_MAX) {
		wrong(t, r->line, false, "more than %d ranges that are taken", MAP_TAKEN_MAX);
		return;
	}
	if (!many && t->nr - t->taken == map_max) {
		wrong(t, r->line, false, "more than %u entries", map_max);
		return;
	}
	/* 2^64 as an end is a device's, if anyone's. */
	if (kind != MAP_KIND_OTHER && end >= map_limit) {
		wrong(t, r->line, false, "memory beyond %llu TB can't be simulated",
		      (unsigned long long)map_limit >> 40);
		return;
	}
	t->taken += many;
	e = new_entry(t, r->line);
	e->start = start;
	e->end = end + 1 ?: end;
	e->kind = kind;
	e->line = r->line;
	snprintf(e->type, sizeof(e->type), "%.*s", (int)strcspn(type, "<>\"'`*|,()"), type);
}

static void begin_boot(struct reader *r)
{
	int i;

	if (!r->new_boot && r->boots)
		return;
	for (i = MODIFIED; i <= FIRMWARE; i++)
		clear(&r->table[i]);
	r->new_boot = false;
	r->boots++;
}

/* Where the first map of a kernel begins again, another boot does. */
static void add_kernel(struct reader *r, enum source src, const char *name, u64 start,
		       u64 end, enum map_kind kind, const char *type)
{
	struct table *t = &r->table[src];
	const struct map_entry *e = t->nr ? &t->entry[t->nr - 1] : NULL;
	bool first = src == FIRMWARE || !r->table[FIRMWARE].nr;

	/* Consoles that repeat lines. */
	if (e && !r->new_boot && e->start == start && e->end - 1 == end && e->kind == kind)
		return;
	if (e && !t->disorder && start <= e->start) {
		if (start >= SZ_1M || e->start < SZ_1M || t->entry[0].start >= SZ_1M)
			t->disorder = true;
		else if (first && src != MODIFIED)
			r->new_boot = true;
		else
			clear(t);
	}
	if (t->nr && strcmp(t->name, name))
		r->new_boot = true;
	begin_boot(r);
	r->last_pfn = 0;
	t->name = name;
	add(r, t, start, end, kind, type);
}

/* Lines of a kernel's maps: which map it is, and then the range. */
static const struct who {
	const char *text, *name;
	enum source src;
} whos[] = {
	{ "BIOS-e820:", "BIOS-e820", FIRMWARE }, { "BIOS-e801:", "BIOS-e801", FIRMWARE },
	{ "BIOS-88:", "BIOS-88", FIRMWARE }, { "Xen:", "Xen:", FIRMWARE },
	{ "user:", "user:", USER }, { "modified:", "modified:", MODIFIED },
	{ "reserve setup_data:", "reserve setup_data:", SETUP_DATA },
};

static const struct who *find_who(const char *s, const char **at)
{
	const char *p;
	unsigned int i;

	for (p = s; (p = strchr(p, ':')); p++) {
		for (i = 0; i < ARRAY_SIZE(whos); i++) {
			long n = strlen(whos[i].text) - 1;
			const char *name = p - n;

			if (p - s < n || strncmp(name, whos[i].text, n) ||
			    (name > s && is_alnum(name[-1])))
				continue;
			*at = name;
			return &whos[i];
		}
	}
	return NULL;
}

enum parsed { READ, GAP, CUT, BAD, NONE };

/*
 * "[mem a-b] type", or as it was before 3.6: "a - b (type)", where b is the end.
 * Some kernels print sizes in between.
 */
static enum parsed read_range(const char **at, u64 *start, u64 *end,
			      enum map_kind *kind, const char **type)
{
	const char *p = blanks(*at);
	bool old = *p != '[', gap;
	/* One that is garbled, or prose. */
	enum parsed no = numbers(p) > 1 ? BAD : NONE;
	double size;
	int n = 0;

	if (!*p)
		return CUT;
	gap = skip(&p, "[gap");
	if (!old && !gap) {
		if (!skip(&p, "[mem"))
			return no;
		no = BAD;
	}
	if (!*blanks(p))
		return CUT;
	if (!hex(&p, start))
		return no;
	if (!*blanks(p))
		return CUT;
	if (!skip(&p, "-"))
		return no;
	if (!*blanks(p))
		return CUT;
	if (!hex(&p, end))
		return BAD;
	if (!old && !*blanks(p))
		return CUT;
	if (!old && !skip(&p, "]"))
		return BAD;
	if (gap) {
		*at = p;
		return GAP;
	}
	if (old && !(*end)--)
		return BAD;
	p = blanks(p);
	if (sscanf(p, "%lf %*[kKMGTi]B%n", &size, &n) == 1 && n)
		p = blanks(p + n);
	if (*p == '(')
		p++;
	p = blanks(p);
	*type = p;
	if (!read_type(p, kind))
		return begins_type(p) ? CUT : BAD;
	*at = p;
	return READ;
}

/* "(XEN) HVM4: ..." and "(d4) ...": what a guest says, in the log of Xen. */
static bool is_guest(const char *s)
{
	const char *d = strstr(s, "(d"), *hvm = strstr(s, " HVM");

	return (hvm && is_digit(hvm[4]) && strstr(s, "(XEN)")) ||
	       (d && d[2] >= '1' && d[2] <= '9' && d[2 + strspn(d + 2, "0123456789")] == ')');
}

/* The first lines of a kernel. */
static bool new_boot(const char *s)
{
	return strstr(s, "Linux version ") || strstr(s, "BIOS-provided physical RAM map");
}

/* Another kernel: forget what the one before has said of its maps. */
static void begin_log(struct reader *r, const char *s)
{
	if (!r->new_boot || strstr(s, "Linux version ")) {
		clear(&r->lost);
		memset(r->said, 0, sizeof(r->said));
		r->last_pfn = 0;
		r->said_kb = 0;
	}
	r->new_boot = true;
}

static void end_cut(struct reader *r)
{
	/* Prose may end with such a word. */
	if (strchr(r->cut_text, '[') || numbers(r->cut_text))
		wrong(&r->table[r->cut], r->cut_line, true, "not a range of memory: \"%.70s\"",
		      r->cut_text);
	r->cut_text[0] = '\0';
}

/* Returns false if the line has no range of a kernel's map. */
static bool read_who(struct reader *r, const char *s)
{
	const struct who *who;
	const char *p, *from, *type;
	bool any = false;

	for (; (who = find_who(s, &p)); s = p) {
		enum parsed parsed;
		enum map_kind kind;
		u64 start, end;
		struct table *t = &r->table[who->src];

		from = p;
		p += strlen(who->text);
		parsed = read_range(&p, &start, &end, &kind, &type);
		if (parsed == NONE)
			continue;
		any = true;
		switch (parsed) {
		case READ:
			/* Only files of our own know it. */
			if (kind == MAP_KIND_TAKEN)
				begin_boot(r), wrong(t, r->line, true, "unknown type of memory: \"%.30s\"", type);
			else
				add_kernel(r, who->src, who->name, start, end, kind, type);
			break;
		case CUT:
			r->cut = who->src;
			r->cut_line = r->line;
			snprintf(r->cut_text, sizeof(r->cut_text), "%s", from);
			break;
		case BAD:
			begin_boot(r);
			t->name = who->name;
			wrong(t, r->line, true, "not a range of memory: \"%.70s\"", from);
			break;
		default:
			break;
		}
	}
	return any;
}

/* A mail's line may go on in the next one, behind marks of quotation. */
static bool read_cut(struct reader *r, const char *s)
{
	static char text[sizeof(r->cut_text) + TEXT_LINE_MAX];
	enum parsed parsed = BAD;
	enum map_kind kind;
	const char *p, *type;
	u64 start, end;
	bool used;
	int i, line;

	if (!r->cut_text[0])
		return false;
	s += strspn(s, " >|");
	if (!*s)
		return true;
	/* Was it cut between words, or in one? */
	for (i = 0; i < 2 && parsed >= BAD; i++) {
		snprintf(text, sizeof(text), "%s%s%s", r->cut_text, i ? "" : " ", s);
		p = strchr(text, ':') + 1;
		parsed = read_range(&p, &start, &end, &kind, &type);
	}
	if (new_boot(s) || strstr(s, "early_pgt: ") || (parsed >= BAD && find_who(s, &p))) {
		end_cut(r);
		return false;
	}
	line = r->cut_line;
	r->cut_text[0] = '\0';
	used = read_who(r, text);
	if (r->cut_text[0])
		r->cut_line = line;
	return used;
}

/* A line of a map, but the name before it is garbled? */
static bool read_lost(struct reader *r, const char *s)
{
	const char *p = strstr(s, "[mem "), *q, *type;
	const char *bios = strstr(s, "BIOS-e8") ?: strstr(s, "BIOS-E8");
	enum map_kind kind;
	u64 start, end;
	bool is_range;

	for (q = p; q && q > s && q[-1] == ' '; q--)
		;
	is_range = q && q > s && q[-1] == ':' && read_range(&p, &start, &end, &kind, &type) == READ;
	if (!is_range && !(bios && numbers(bios) > 1))
		return false;
	wrong(&r->lost, r->line, true, "a range of a map that has no name: \"%.80s\"", s);
	return true;
}

/* What a kernel says of its maps, besides their lines. */
static void read_said(struct reader *r, const char *s)
{
	static const struct {
		const char *text;
		enum source src;
	} heads[] = {
		{ "user-defined physical RAM map:", USER },
		{ "extended physical RAM map:", SETUP_DATA },
		{ "modified physical RAM map:", MODIFIED },
	};
	const char *p = strstr(s, "ommand line: ");
	unsigned long long a, b;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(heads); i++)
		if (strstr(s, heads[i].text))
			r->said[heads[i].src] = r->line;
	if (p && !strstr(s, "(XEN)") &&
	    ((strstr(p, " mem=") && !strstr(p, " mem=nopentium")) || strstr(p, " memmap=")))
		r->said[USER] = r->line;
	p = strstr(s, "last_pfn = ");
	/* The same number twice: a 32-bit kernel that leaves the rest. */
	if (p && sscanf(p, "last_pfn = %llx max_arch_pfn = %llx", &a, &b) == 2 && a < b &&
	    a > r->last_pfn) {
		r->last_pfn = a;
		r->pfn_line = r->line;
	}
	p = strstr(s, "Memory: ");
	if (p && sscanf(p, "Memory: %lluK/%lluK available", &a, &b) == 2) {
		r->said_kb = b;
		r->kb_line = r->line;
	}
}

/* "[mem a-b]" of our own messages. */
static bool read_mem(const char *p, u64 *start, u64 *end)
{
	return (p = strstr(p, "[mem ")) && (p += 5) && hex(&p, start) && skip(&p, "-") &&
	       hex(&p, end) && skip(&p, "]") && *start <= *end;
}

static void begin_report(struct reader *r)
{
	struct sim_config *c = &r->map->sim;

	if (!r->new_report && r->reports)
		return;
	r->new_report = false;
	r->reports++;
	clear(&r->table[REPORT]);
	r->table[REPORT].name = "early_pgt's report";
	r->has_pages = false;
	r->said_memory = 0;
	r->said_reserved = 0;
	r->report_left_out = 0;
	*c = (struct sim_config){ .levels = 4, .bits = 9, .sizes = BIT(PG_LEVEL_4K) };
}

static bool read_machine(struct sim_config *c, const char *p)
{
	u64 start, end, val;
	const char *q;
	unsigned int nr;

	c->sizes = BIT(PG_LEVEL_4K);
	for (q = p; *q && *q != ','; q++) {
		if (!strncmp(q, " 2M", 3))
			c->sizes |= BIT(PG_LEVEL_2M);
		else if (!strncmp(q, " 1G", 3))
			c->sizes |= BIT(PG_LEVEL_1G);
	}
	q = strstr(p, "kernel [mem ");
	if (!q || !read_mem(q, &start, &end))
		return false;
	c->kernel = round_down(start, PAGE_SIZE);
	c->kernel_end = round_up(end + 1, PAGE_SIZE);
	if (c->kernel_end > PFN_PHYS(SIM_MAX_PFN))
		return false;
	if (strstr(p, "5 levels"))
		c->levels = 5;
	q = strstr(p, "KASLR offset ");
	if (q) {
		q += strlen("KASLR offset ");
		if (!hex(&q, &val))
			return false;
		c->kaslr = val;
	}
	q = strstr(p, "direct map ");
	if (q) {
		q += strlen("direct map ");
		if (!hex(&q, &val) || val < 0xff11000000000000ULL)
			return false;
		c->levels = val < 0xffff800000000000ULL ? 5 : 4;
		c->kaslr = val - (c->levels == 5 ? 0xff11000000000000ULL : 0xffff888000000000ULL);
	}
	q = strstr(p, " bootstrap tables");
	if (q) {
		while (q > p && is_digit(q[-1]))
			q--;
		/* As many as any kernel for both takes with 5 levels. */
		nr = atoi(q);
		if (c->levels == 4 && nr > 12)
			c->config_levels = 5;
	}
	if (c->kaslr & (SZ_1G - 1))
		return false;
	/* Tables depend on where it is in an entry of the top table. */
	c->kaslr %= 1UL << (c->levels == 5 ? 48 : 39);
	q = strstr(p, "bottom-up");
	if (q) {
		c->bottom_up = true;
		if (skip(&(const char *){ q + 9 }, "from ")) {
			q = strstr(q, "from ") + 5;
			if (!hex(&q, &val))
				return false;
			c->split = round_down(val, PAGE_SIZE);
		}
	}
	c->xen = strstr(p, "Xen PV");
	return !c->xen || c->sizes == BIT(PG_LEVEL_4K);
}

/* What the kernel says if it can't map RAM. */
static bool read_report(struct reader *r, const char *s)
{
	static const struct {
		const char *name;
		enum map_kind kind;
	} kinds[] = {
		{ "memory ", MAP_KIND_RAM }, { "reserved ", MAP_KIND_RESERVED },
		{ "tables ", MAP_KIND_TABLES },
	};
	struct table *t = &r->table[REPORT];
	const char *p = strstr(s, "early_pgt: ");
	unsigned long a, b;
	unsigned int i;
	u64 start, end;
	int n = 0;

	if (!p)
		return false;
	p += strlen("early_pgt: ");
	if (!strncmp(p, "can't map [", 11)) {
		/* The panic says it again, behind the report. */
		r->new_report = true;
		if (read_mem(p, &start, &end))
			r->wrong_start = start, r->wrong_end = end + 1;
		return true;
	}
	if (!strncmp(p, "pages of ", 9)) {
		begin_report(r);
		r->has_pages = true;
		if (!read_machine(&r->map->sim, p))
			wrong(t, r->line, true, "not a machine that can be simulated: \"%.90s\"", p);
		return true;
	}
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strncmp(p, kinds[i].name, strlen(kinds[i].name)) ||
		    *blanks(p + strlen(kinds[i].name)) != '[')
			continue;
		begin_report(r);
		if (!read_mem(p, &start, &end))
			wrong(t, r->line, true, "not a range of memory: \"%.70s\"", p);
		else
			add(r, t, start, end, kinds[i].kind, kinds[i].name);
		return true;
	}
	if (sscanf(p, "%lu more ranges reserved%n", &a, &n) == 1 && n)
		r->report_left_out += a;
	else if (strstr(p, "smaller ones aren't listed"))
		r->report_left_out++;
	else if (sscanf(p, "%lu ranges of memory, %*u KB; %lu reserved", &a, &b) == 2)
		r->said_memory = a, r->said_reserved = b;
	else if (sscanf(p, "%lu ranges memory, %lu", &a, &b) == 2)
		r->said_memory = a;
	else if (sscanf(p, "%lu ranges reserved, %lu", &a, &b) == 2)
		r->said_reserved = a;
	return true;
}

/* Xen's own map: "[a, b] (type)" with the last byte, or "a - b (type)". */
static bool read_xen(struct reader *r, const char *s)
{
	struct table *t = &r->table[XEN];
	const char *p, *xen = strstr(s, "(XEN)");
	enum map_kind kind = MAP_KIND_OTHER;
	bool ok = false, range;
	u64 start, end;

	if (xen && (strstr(s, "RAM map:") || strstr(s, "Dom0 memory map:"))) {
		clear(t);
		t->name = strstr(s, "Dom0") ? "(XEN) Dom0" : "(XEN)";
		return true;
	}
	for (p = s; (p = strchr(p, '[')); p++) {
		const char *q = p + 1;

		range = hex(&q, &start) && *q == ',' && ++q && hex(&q, &end);
		if (!range)
			continue;
		ok = skip(&q, "]") && skip(&q, "(") && read_type(blanks(q), &kind);
		/* Xen has other ranges as well, with fewer digits. */
		if (!ok && strspn(p + 1, "0123456789abcdef") != 16)
			return false;
		p = q;
		break;
	}
	if (!p && xen) {
		p = xen + 5;
		/* Its time. */
		if (*blanks(p) == '[')
			p = strchr(p, ']') ? strchr(p, ']') + 1 : "";
		if (!hex(&p, &start) || !skip(&p, "-") || !hex(&p, &end) ||
		    !skip(&p, "("))
			return false;
		ok = end-- && read_type(blanks(p), &kind);
	}
	if (!p || !(ok || xen))
		return false;
	t->name = t->name ?: "(XEN)";
	if (!ok || kind == MAP_KIND_TAKEN)
		wrong(t, r->line, true, "not a range of memory: \"%.70s\"", s);
	else
		add(r, t, start, end, kind, blanks(p));
	return true;
}

static void end_sysfs(struct reader *r)
{
	if (r->sysfs_has)
		wrong(&r->table[SYSFS], r->line, true, "%d has no start, end or type", r->sysfs_nr);
	r->sysfs_has = 0;
}

/* "7/start:0x100000", or "==> 7/start <==" and the value in the next line. */
static bool read_sysfs(struct reader *r, const char *s)
{
	struct table *t = &r->table[SYSFS];
	static const char * const names[] = { "start", "end", "type" };
	const char *p, *q;
	enum map_kind kind;
	unsigned int i;
	int nr;

	if (r->sysfs_wants) {
		p = s;
		i = r->sysfs_wants - 1;
		r->sysfs_wants = 0;
	} else {
		for (i = 0; i < ARRAY_SIZE(names); i++) {
			p = strstr(s, names[i]);
			if (p && p > s + 1 && p[-1] == '/' && is_digit(p[-2]))
				break;
		}
		if (i == ARRAY_SIZE(names))
			return false;
		for (q = p - 1; q > s && is_digit(q[-1]); q--)
			;
		if (q > s && !strchr("/ ", q[-1]))
			return false;
		nr = atoi(q);
		p += strlen(names[i]);
		if (nr != r->sysfs_nr || !t->name)
			end_sysfs(r);
		t->name = "/sys/firmware/memmap";
		r->sysfs_nr = nr;
		if (!strncmp(p, " <==", 4)) {
			r->sysfs_wants = i + 1;
			return true;
		}
		if (*p++ != ':')
			return false;
	}
	p = blanks(p);
	r->sysfs_has |= 1 << i;
	if ((i == 0 && !hex(&p, &r->sysfs_start)) || (i == 1 && !hex(&p, &r->sysfs_end)) ||
	    (i == 2 && !read_type(p, &kind)))
		wrong(t, r->line, true, "not the %s of a range: \"%.60s\"", names[i], s);
	else if (i == 2)
		r->sysfs_has |= kind == MAP_KIND_RAM ? 8 : 0;
	if ((r->sysfs_has & 7) == 7) {
		add(r, t, r->sysfs_start, r->sysfs_end,
		    r->sysfs_has & 8 ? MAP_KIND_RAM : MAP_KIND_OTHER,
		    r->sysfs_has & 8 ? "System RAM" : "other");
		r->sysfs_has = 0;
	}
	return true;
}

/*
 * "a-b (type)" of kexec -d, with a number; the script in the documentation of
 * /sys/firmware/memmap prints names, and ends that are exclusive.
 */
static bool read_dashes(struct reader *r, const char *s)
{
	struct table *t = &r->table[KEXEC];
	enum map_kind kind = MAP_KIND_OTHER;
	const char *p, *q;
	u64 start, end;
	int type, n = 0;

	if (strstr(s, "MEMORY RANGES") || strstr(s, "E820 memmap:")) {
		r->kexec_other = strstr(s, "CRASH MEMORY RANGES");
		if (r->kexec_other)
			return true;
		r->ranges_from_0 = strstr(s, "MEMORY RANGES");
		clear(t);
		t->name = r->ranges_from_0 ? "kexec's memory ranges" : "kexec's E820 memmap";
		return true;
	}
	for (p = s; (p = strstr(p, " (")); p++) {
		/* Digits, a dash, digits. */
		for (q = p; q > s && (is_hex(q[-1]) || strchr("-xX", q[-1])); q--)
			;
		if (q < p)
			break;
	}
	if (!p || (q > s && q[-1] != ' ') || !hex(&q, &start) || *q++ != '-' ||
	    !hex(&q, &end) || q != p)
		return false;
	p += 2;
	if (sscanf(p, "%d)%n", &type, &n) == 1 && n) {
		if (r->kexec_other)
			return true;
		if (!t->name)
			t->name = "kexec's E820 memmap";
		if (!type && !r->ranges_from_0)
			wrong(t, r->line, true, "type 0, and no line \"MEMORY RANGES\" above: \"%.60s\"", s);
		if (type == (r->ranges_from_0 ? 0 : 1))
			kind = MAP_KIND_RAM;
		add(r, t, start, end, kind, kind == MAP_KIND_RAM ? "RAM" : p);
		return true;
	}
	if (!read_type(p, &kind))
		return false;
	t = &r->table[SYSFS];
	t->name = "/sys/firmware/memmap";
	if (kind == MAP_KIND_TAKEN || !(end & 1 || end--))
		wrong(t, r->line, true, "not a range of memory: \"%.70s\"", s);
	else
		add(r, t, start, end, kind, p);
	return true;
}

static bool read_grub(struct reader *r, const char *s)
{
	struct table *t = &r->table[GRUB];
	const char *p = strstr(s, "base_addr = "), *q;
	enum map_kind kind;
	u64 start, size;

	if (!p)
		return false;
	t->name = "lsmmap";
	q = p + strlen("base_addr = ");
	if (!hex(&q, &start) || !skip(&q, ",") || !skip(&q, "length = ") || !hex(&q, &size) ||
	    !size || !skip(&q, ",") || !read_type(blanks(q), &kind) || kind == MAP_KIND_TAKEN) {
		wrong(t, r->line, true, "not a range of memory: \"%.70s\"", p);
		return true;
	}
	add(r, t, start, start + size - 1, kind, blanks(q));
	return true;
}

/* "a-b : name", and then what is inside of it. */
static bool read_iomem(struct reader *r, const char *s)
{
	struct table *t = &r->table[IOMEM];
	const char *q = s + strspn(s, " >|");
	enum map_kind kind;
	u64 start, end;

	if (!hex(&q, &start) || *q++ != '-' || !hex(&q, &end) || !skip(&q, ": "))
		return false;
	t->name = "/proc/iomem";
	if (!start && !end) {
		r->zeroes = r->zeroes ?: r->line;
		return true;
	}
	/* What is inside of another one isn't always farther to the right. */
	if (t->nr && start >= t->entry[t->nr - 1].start && end < t->entry[t->nr - 1].end)
		return true;
	q = blanks(q);
	kind = MAP_KIND_OTHER;
	/* Not "System RAM (kmem)". */
	if (is_word(q, "System RAM") && *blanks(q + strlen("System RAM")) != '(')
		kind = MAP_KIND_RAM;
	add(r, t, start, end, kind, q);
	return true;
}

static bool read_options(struct reader *r, const char *s)
{
	char text[256], *word, *save;
	struct sim_config new = r->map->sim, *c = &new;

	snprintf(text, sizeof(text), "%s", s);
	for (word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		unsigned long a, b;

		if (!strcmp(word, "pages=1G")) {
			c->sizes = BIT(PG_LEVEL_4K) | BIT(PG_LEVEL_2M) | BIT(PG_LEVEL_1G);
		} else if (!strcmp(word, "pages=2M")) {
			c->sizes = BIT(PG_LEVEL_4K) | BIT(PG_LEVEL_2M);
		} else if (!strcmp(word, "pages=4K")) {
			c->sizes = BIT(PG_LEVEL_4K);
		} else if (!strcmp(word, "pages=xen")) {
			c->sizes = BIT(PG_LEVEL_4K);
			c->xen = true;
		} else if (!strcmp(word, "levels=5")) {
			c->levels = 5;
		} else if (!strcmp(word, "levels=4")) {
			c->levels = 4;
		} else if (sscanf(word, "kernel=%lx-%lx", &a, &b) == 2 && a < b &&
			 !((a | (b + 1)) & ~PAGE_MASK)) {
			c->kernel = a;
			c->kernel_end = b + 1;
		} else if (sscanf(word, "kaslr=%lx", &a) == 1 && !(a & (SZ_1G - 1))) {
			c->kaslr = a;
		} else if (sscanf(word, "bottom-up=%lx", &a) == 1 && !(a & ~PAGE_MASK)) {
			c->split = a;
			c->bottom_up = true;
		} else {
			wrong(&r->table[OWN], r->line, false, "unknown option: \"%.40s\"", word);
			return true;
		}
	}
	r->map->sim = new;
	r->has_options = true;
	return true;
}

/* "start end type"; nothing else may be in such a file. */
static void read_own(struct reader *r, const char *s)
{
	struct table *t = &r->table[OWN];
	char text[256];
	enum map_kind kind;
	const char *p;
	u64 start, end;

	p = s + strspn(s, " >|");
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(p, "#"), p);
	p = text;
	if (!*p || !strncmp(p, "```", 3) || !strncmp(p, "~~~", 3))
		return;
	if (!strncmp(p, "option ", 7)) {
		read_options(r, p + 7);
		return;
	}
	if (!hex(&p, &start) || *p != ' ' || !hex(&p, &end) || *p != ' ') {
		wrong(t, r->line, false, "not \"start end type\": \"%.60s\"", s);
		return;
	}
	p = blanks(p);
	if (!read_type(p, &kind)) {
		wrong(t, r->line, false, "unknown type of memory: \"%.30s\"", p);
		return;
	}
	if (end > start && !(end & ~PAGE_MASK)) {
		wrong(t, r->line, false, "the range is misaligned (its end is inclusive): %#llx-%#llx",
		      (unsigned long long)start, (unsigned long long)end);
		return;
	}
	add(r, t, start, end, kind, p);
	if (kind == MAP_KIND_TAKEN)
		add(r, &r->taken, start, end, kind, p);
}

static void read_line(struct reader *r, const char *s)
{
	const char *p;

	if (*blanks(s) == '#' && blanks(s)[1] == ' ' && !strstr(s, "# early_pgt: "))
		return;
	if (is_guest(s)) {
		if (find_who(s, &p) || strstr(s, "e820 map has"))
			r->guest = r->guest ?: r->line;
		return;
	}
	if (read_cut(r, s) || read_report(r, s))
		return;
	if (new_boot(s)) {
		begin_log(r, s);
		/* Lines may have been lost, not only their ends. */
		if (!find_who(s, &p))
			return;
	}
	read_said(r, s);
	if (read_who(r, s) || read_xen(r, s) || read_sysfs(r, s) || read_grub(r, s) ||
	    read_iomem(r, s) || read_dashes(r, s) || read_lost(r, s))
		return;
	read_own(r, s);
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

/* Tables that were taken by the run that ended in the panic were free before. */
static void free_tables(struct table *t, struct sim_config *c)
{
	unsigned int i, j;

	for (i = 0; i < t->nr; i++) {
		u64 start = t->entry[i].start, end = t->entry[i].end;

		if (t->entry[i].kind != MAP_KIND_TABLES)
			continue;
		/* The rest of the BRK, which is behind the kernel. */
		if (start > c->kernel && start < c->kernel_end)
			c->kernel_end = start;
		for (j = 0; j < t->nr; j++) {
			struct map_entry *e = &t->entry[j];

			if (e->kind != MAP_KIND_RESERVED || e->end <= start || e->start >= end)
				continue;
			if (e->start < start && e->end > end) {
				struct map_entry *rest = new_entry(t, t->last);

				e = &t->entry[j];
				*rest = *e;
				rest->start = end;
				e->end = start;
			} else if (e->start < start) {
				e->end = start;
			} else {
				e->start = min(e->end, end);
			}
		}
	}
	for (i = j = 0; i < t->nr; i++)
		if (t->entry[i].kind != MAP_KIND_TABLES && t->entry[i].start < t->entry[i].end)
			t->entry[j++] = t->entry[i];
	t->nr = j;
}

static void lines_of(char *buf, size_t size, const struct table *t)
{
	if (t->first == t->last)
		snprintf(buf, size, "%s%sline %d", t->name ?: "", t->name ? " " : "", t->first);
	else
		snprintf(buf, size, "%s%slines %d-%d", t->name ?: "", t->name ? " " : "",
			 t->first, t->last);
}

static void check_report(struct reader *r, struct table *t)
{
	unsigned long nr[MAP_KINDS] = {};
	unsigned int i;

	for (i = 0; i < t->nr; i++)
		nr[t->entry[i].kind]++;
	if (!r->has_pages)
		map_bad(r->file, t->first, "the report has no line \"early_pgt: pages of\", which says for which machine it is");
	if (r->report_left_out)
		warn(r, t->last, false, "the report leaves ranges out: the simulation isn't exact");
	else if (r->said_memory > nr[MAP_KIND_RAM] || r->said_reserved > nr[MAP_KIND_RESERVED])
		map_bad(r->file, t->last, "%lu ranges of memory and %lu reserved, but the report says %lu and %lu: lines are missing",
			nr[MAP_KIND_RAM], nr[MAP_KIND_RESERVED],
			r->said_memory, r->said_reserved);
	if (r->table[FIRMWARE].nr && !strcmp(r->table[FIRMWARE].name, "Xen:") &&
	    r->map->sim.sizes == BIT(PG_LEVEL_4K))
		r->map->sim.xen = true;
	r->map->panic_start = r->wrong_start;
	r->map->panic_end = r->wrong_end;
	r->map->fixed = true;
	free_tables(t, &r->map->sim);
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
			warn(r, r->said[i], true, "by this line, the kernel has another map, which isn't here: give the whole log");
	if (r->lost.dropped)
		warn(r, r->lost.bad_line, true, "%u line%s left out, the first one is %s",
		     r->lost.dropped, r->lost.dropped == 1 ? " is" : "s are", r->lost.bad);
	for (i = 0; i < t->nr; i++) {
		if (t->entry[i].kind != MAP_KIND_RAM)
			continue;
		last = max(last, PFN_DOWN(t->entry[i].end));
		kb += (t->entry[i].end - t->entry[i].start) >> 10;
	}
	if (r->last_pfn && r->last_pfn != last)
		warn(r, r->pfn_line, true, "RAM ends at %#llx, says the kernel, and at %#llx in its map: lines are missing",
		     (unsigned long long)PFN_PHYS(r->last_pfn), (unsigned long long)PFN_PHYS(last));
	else if (r->said_kb > kb + 1024)
		warn(r, r->kb_line, true, "the kernel has %llu KB of RAM, and its map %llu KB: lines are missing",
		     (unsigned long long)r->said_kb, (unsigned long long)kb);
}

/* Choose a table, and say what was read, and why. */
static void finish(struct reader *r, int line)
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
		warn(r, t->first, true, "several boots in reverse order: give the lines of the last one");
	else if (i <= FIRMWARE && !r->new_boot)
		check_said(r, t);

	/* What was added by hand. */
	if (i != REPORT && i != OWN) {
		for (line = 0; line < r->taken.nr; line++)
			*new_entry(t, t->last) = r->taken.entry[line];
		if (r->taken.bad_line)
			map_bad(r->file, r->taken.bad_line, "%s", r->taken.bad);
		if (r->table[OWN].nr > r->taken.nr)
			warn(r, r->table[OWN].first, false, "ranges \"start end type\" beside %s aren't read",
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
		warn(r, t->bad_line, true, "%u line%s left out, the first one is %s", t->dropped,
		     t->dropped == 1 ? " is" : "s are", t->bad);
	qsort(map->entry, map->nr, sizeof(map->entry[0]), by_start);
	check_overlaps(r, map, t - r->table <= FIRMWARE || t - r->table == OWN);
	for (i = 0; i < map->nr && map->entry[i].kind != MAP_KIND_RAM; i++)
		;
	if (i == map->nr)
		map_bad(r->file, t->last, "no usable memory in the file");
	if (t - r->table != OWN && t - r->table != REPORT && map->entry[i].start >= SZ_1M)
		warn(r, t->first, true, "no RAM below 1 MB: the first lines of the map are missing");
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
	finish(&r, text.line);
	text_close(&text);
	for (i = 0; i < SOURCES; i++)
		clear(&r.table[i]);
	clear(&r.taken);
}
