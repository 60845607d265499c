// SPDX-License-Identifier: GPL-2.0-only
/*
 * Maps in the log of a Linux kernel, as firmware gave them and as it has changed them.
 */

#include "reader.h"

static void begin_boot(struct reader *r)
{
	int i;

	if (!r->new_boot && r->boots)
		return;
	for (i = MODIFIED; i <= FIRMWARE; i++)
		table_clear(&r->table[i]);
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
			table_clear(t);
	}
	if (t->nr && strcmp(t->name, name))
		r->new_boot = true;
	begin_boot(r);
	r->last_pfn = 0;
	t->name = name;
	table_add(r, t, start, end, kind, type);
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

/* Does the line name such a map? */
bool names_map(const char *s)
{
	const char *p;

	return find_who(s, &p);
}

enum parsed { READ, GAP, CUT, BAD, NONE };

/*
 * "[mem a-b] type", or as it was before 3.6: "a - b (type)", where b is the end.
 * Some kernels print sizes in between.
 */
static enum parsed read_range(const char **at, u64 *start, u64 *end,
			      enum map_kind *kind, const char **type)
{
	const char *p = text_blanks(*at);
	bool old = *p != '[', gap;
	/* One that is garbled, or prose. */
	enum parsed no = text_numbers(p) > 1 ? BAD : NONE;
	double size;
	int n = 0;

	if (!*p)
		return CUT;
	gap = text_skip(&p, "[gap");
	if (!old && !gap) {
		if (!text_skip(&p, "[mem"))
			return no;
		no = BAD;
	}
	if (!*text_blanks(p))
		return CUT;
	if (!text_hex(&p, start))
		return no;
	if (!*text_blanks(p))
		return CUT;
	if (!text_skip(&p, "-"))
		return no;
	if (!*text_blanks(p))
		return CUT;
	if (!text_hex(&p, end))
		return BAD;
	if (!old && !*text_blanks(p))
		return CUT;
	if (!old && !text_skip(&p, "]"))
		return BAD;
	if (gap) {
		*at = p;
		return GAP;
	}
	if (old && !(*end)--)
		return BAD;
	p = text_blanks(p);
	if (sscanf(p, "%lf %*[kKMGTi]B%n", &size, &n) == 1 && n)
		p = text_blanks(p + n);
	if (*p == '(')
		p++;
	p = text_blanks(p);
	*type = p;
	if (!read_type(p, kind))
		return begins_type(p) ? CUT : BAD;
	*at = p;
	return READ;
}

/* The first lines of a kernel. */
bool new_boot(const char *s)
{
	return strstr(s, "Linux version ") || strstr(s, "BIOS-provided physical RAM map");
}

/* Another kernel: forget what the one before has said of its maps. */
void begin_log(struct reader *r, const char *s)
{
	if (!r->new_boot || strstr(s, "Linux version ")) {
		table_clear(&r->lost);
		memset(r->said, 0, sizeof(r->said));
		r->last_pfn = 0;
		r->said_kb = 0;
	}
	r->new_boot = true;
}

void end_cut(struct reader *r)
{
	/* Prose may end with such a word. */
	if (strchr(r->cut_text, '[') || text_numbers(r->cut_text))
		table_wrong(&r->table[r->cut], r->cut_line, true, "not a range of memory: \"%.70s\"",
			    r->cut_text);
	r->cut_text[0] = '\0';
}

/* Returns false if the line has no range of a kernel's map. */
bool read_who(struct reader *r, const char *s)
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
				begin_boot(r), table_wrong(t, r->line, true, "unknown type of memory: \"%.30s\"", type);
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
			table_wrong(t, r->line, true, "not a range of memory: \"%.70s\"", from);
			break;
		default:
			break;
		}
	}
	return any;
}

/* A mail's line may go on in the next one, behind marks of quotation. */
bool read_cut(struct reader *r, const char *s)
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
	if (new_boot(s) || strstr(s, "early_pgt: ") || (parsed >= BAD && names_map(s))) {
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
bool read_lost(struct reader *r, const char *s)
{
	const char *p = strstr(s, "[mem "), *q, *type;
	const char *bios = strstr(s, "BIOS-e8") ?: strstr(s, "BIOS-E8");
	enum map_kind kind;
	u64 start, end;
	bool is_range;

	for (q = p; q && q > s && q[-1] == ' '; q--)
		;
	is_range = q && q > s && q[-1] == ':' && read_range(&p, &start, &end, &kind, &type) == READ;
	if (!is_range && !(bios && text_numbers(bios) > 1))
		return false;
	table_wrong(&r->lost, r->line, true, "a range of a map that has no name: \"%.80s\"", s);
	return true;
}

/* What a kernel says of its maps, besides their lines. */
void read_said(struct reader *r, const char *s)
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
