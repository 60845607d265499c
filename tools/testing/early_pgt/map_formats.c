// SPDX-License-Identifier: GPL-2.0-only
/*
 * Maps by Xen, GRUB, kexec and files of the kernel; and those in the repository.
 */

#include "reader.h"

#include <stdlib.h>

/* Xen's own map: "[a, b] (type)" with the last byte, or "a - b (type)". */
bool read_xen(struct reader *r, const char *s)
{
	struct table *t = &r->table[XEN];
	const char *p, *xen = strstr(s, "(XEN)");
	enum map_kind kind = MAP_KIND_OTHER;
	bool ok = false, range;
	u64 start, end;

	if (xen && (strstr(s, "RAM map:") || strstr(s, "Dom0 memory map:"))) {
		table_clear(t);
		t->name = strstr(s, "Dom0") ? "(XEN) Dom0" : "(XEN)";
		return true;
	}
	for (p = s; (p = strchr(p, '[')); p++) {
		const char *q = p + 1;

		range = text_hex(&q, &start) && *q == ',' && ++q && text_hex(&q, &end);
		if (!range)
			continue;
		ok = text_skip(&q, "]") && text_skip(&q, "(") && read_type(text_blanks(q), &kind);
		/* Xen has other ranges as well, with fewer digits. */
		if (!ok && strspn(p + 1, "0123456789abcdef") != 16)
			return false;
		p = q;
		break;
	}
	if (!p && xen) {
		p = xen + 5;
		/* Its time. */
		if (*text_blanks(p) == '[')
			p = strchr(p, ']') ? strchr(p, ']') + 1 : "";
		if (!text_hex(&p, &start) || !text_skip(&p, "-") || !text_hex(&p, &end) ||
		    !text_skip(&p, "("))
			return false;
		ok = end-- && read_type(text_blanks(p), &kind);
	}
	if (!p || !(ok || xen))
		return false;
	t->name = t->name ?: "(XEN)";
	if (!ok || kind == MAP_KIND_TAKEN)
		table_wrong(t, r->line, true, "not a range of memory: \"%.70s\"", s);
	else
		table_add(r, t, start, end, kind, text_blanks(p));
	return true;
}

void end_sysfs(struct reader *r)
{
	if (r->sysfs_has)
		table_wrong(&r->table[SYSFS], r->line, true, "%d has no start, end or type", r->sysfs_nr);
	r->sysfs_has = 0;
}

/* "7/start:0x100000", or "==> 7/start <==" and the value in the next line. */
bool read_sysfs(struct reader *r, const char *s)
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
	p = text_blanks(p);
	r->sysfs_has |= 1 << i;
	if ((i == 0 && !text_hex(&p, &r->sysfs_start)) || (i == 1 && !text_hex(&p, &r->sysfs_end)) ||
	    (i == 2 && !read_type(p, &kind)))
		table_wrong(t, r->line, true, "not the %s of a range: \"%.60s\"", names[i], s);
	else if (i == 2)
		r->sysfs_has |= kind == MAP_KIND_RAM ? 8 : 0;
	if ((r->sysfs_has & 7) == 7) {
		table_add(r, t, r->sysfs_start, r->sysfs_end,
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
bool read_dashes(struct reader *r, const char *s)
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
		table_clear(t);
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
	if (!p || (q > s && q[-1] != ' ') || !text_hex(&q, &start) || *q++ != '-' ||
	    !text_hex(&q, &end) || q != p)
		return false;
	p += 2;
	if (sscanf(p, "%d)%n", &type, &n) == 1 && n) {
		if (r->kexec_other)
			return true;
		if (!t->name)
			t->name = "kexec's E820 memmap";
		if (!type && !r->ranges_from_0)
			table_wrong(t, r->line, true, "type 0, and no line \"MEMORY RANGES\" above: \"%.60s\"", s);
		if (type == (r->ranges_from_0 ? 0 : 1))
			kind = MAP_KIND_RAM;
		table_add(r, t, start, end, kind, kind == MAP_KIND_RAM ? "RAM" : p);
		return true;
	}
	if (!read_type(p, &kind))
		return false;
	t = &r->table[SYSFS];
	t->name = "/sys/firmware/memmap";
	if (kind == MAP_KIND_TAKEN || !(end & 1 || end--))
		table_wrong(t, r->line, true, "not a range of memory: \"%.70s\"", s);
	else
		table_add(r, t, start, end, kind, p);
	return true;
}

bool read_grub(struct reader *r, const char *s)
{
	struct table *t = &r->table[GRUB];
	const char *p = strstr(s, "base_addr = "), *q;
	enum map_kind kind;
	u64 start, size;

	if (!p)
		return false;
	t->name = "lsmmap";
	q = p + strlen("base_addr = ");
	if (!text_hex(&q, &start) || !text_skip(&q, ",") || !text_skip(&q, "length = ") || !text_hex(&q, &size) ||
	    !size || !text_skip(&q, ",") || !read_type(text_blanks(q), &kind) || kind == MAP_KIND_TAKEN) {
		table_wrong(t, r->line, true, "not a range of memory: \"%.70s\"", p);
		return true;
	}
	table_add(r, t, start, start + size - 1, kind, text_blanks(q));
	return true;
}

/* "a-b : name", and then what is inside of it. */
bool read_iomem(struct reader *r, const char *s)
{
	struct table *t = &r->table[IOMEM];
	const char *q = s + strspn(s, " >|");
	enum map_kind kind;
	u64 start, end;

	if (!text_hex(&q, &start) || *q++ != '-' || !text_hex(&q, &end) || !text_skip(&q, ": "))
		return false;
	t->name = "/proc/iomem";
	if (!start && !end) {
		r->zeroes = r->zeroes ?: r->line;
		return true;
	}
	/* What is inside of another one isn't always farther to the right. */
	if (t->nr && start >= t->entry[t->nr - 1].start && end < t->entry[t->nr - 1].end)
		return true;
	q = text_blanks(q);
	kind = MAP_KIND_OTHER;
	/* Not "System RAM (kmem)". */
	if (text_is_word(q, "System RAM") && *text_blanks(q + strlen("System RAM")) != '(')
		kind = MAP_KIND_RAM;
	table_add(r, t, start, end, kind, q);
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
			table_wrong(&r->table[OWN], r->line, false, "unknown option: \"%.40s\"", word);
			return true;
		}
	}
	r->map->sim = new;
	r->has_options = true;
	return true;
}

/* "start end type"; nothing else may be in such a file. */
void read_own(struct reader *r, const char *s)
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
	if (!text_hex(&p, &start) || *p != ' ' || !text_hex(&p, &end) || *p != ' ') {
		table_wrong(t, r->line, false, "not \"start end type\": \"%.60s\"", s);
		return;
	}
	p = text_blanks(p);
	if (!read_type(p, &kind)) {
		table_wrong(t, r->line, false, "unknown type of memory: \"%.30s\"", p);
		return;
	}
	if (end > start && !(end & ~PAGE_MASK)) {
		table_wrong(t, r->line, false, "the range is misaligned (its end is inclusive): %#llx-%#llx",
			    (unsigned long long)start, (unsigned long long)end);
		return;
	}
	table_add(r, t, start, end, kind, p);
	if (kind == MAP_KIND_TAKEN)
		table_add(r, &r->taken, start, end, kind, p);
}
