// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel says in a panic, if it can't map RAM.
 */

#include "reader.h"

#include <stdlib.h>

/* "[mem a-b]" of our own messages. */
static bool read_mem(const char *p, u64 *start, u64 *end)
{
	return (p = strstr(p, "[mem ")) && (p += 5) && text_hex(&p, start) && text_skip(&p, "-") &&
	       text_hex(&p, end) && text_skip(&p, "]") && *start <= *end;
}

static void begin_report(struct reader *r)
{
	struct sim_config *c = &r->map->sim;

	if (!r->new_report && r->reports)
		return;
	r->new_report = false;
	r->reports++;
	table_clear(&r->table[REPORT]);
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
		if (!text_hex(&q, &val))
			return false;
		c->kaslr = val;
	}
	q = strstr(p, "direct map ");
	if (q) {
		q += strlen("direct map ");
		if (!text_hex(&q, &val) || val < 0xff11000000000000ULL)
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
		if (text_skip(&(const char *){ q + 9 }, "from ")) {
			q = strstr(q, "from ") + 5;
			if (!text_hex(&q, &val))
				return false;
			c->split = round_down(val, PAGE_SIZE);
		}
	}
	c->xen = strstr(p, "Xen PV");
	return !c->xen || c->sizes == BIT(PG_LEVEL_4K);
}

/* What the kernel says if it can't map RAM. */
bool read_report(struct reader *r, const char *s)
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
			table_wrong(t, r->line, true, "not a machine that can be simulated: \"%.90s\"", p);
		return true;
	}
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strncmp(p, kinds[i].name, strlen(kinds[i].name)) ||
		    *text_blanks(p + strlen(kinds[i].name)) != '[')
			continue;
		begin_report(r);
		if (!read_mem(p, &start, &end))
			table_wrong(t, r->line, true, "not a range of memory: \"%.70s\"", p);
		else
			table_add(r, t, start, end, kinds[i].kind, kinds[i].name);
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
				struct map_entry *rest = table_entry(t, t->last);

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

void check_report(struct reader *r, struct table *t)
{
	unsigned long nr[MAP_KINDS] = {};
	unsigned int i;

	for (i = 0; i < t->nr; i++)
		nr[t->entry[i].kind]++;
	if (!r->has_pages)
		map_bad(r->file, t->first, "the report has no line \"early_pgt: pages of\", which says for which machine it is");
	if (r->report_left_out)
		map_warn(r, t->last, false, "the report leaves ranges out: the simulation isn't exact");
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
