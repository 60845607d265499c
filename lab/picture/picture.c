// SPDX-License-Identifier: GPL-2.0-only
/*
 * Draw where the early page tables of two kernels lie in physical memory, and
 * where a crash kernel fits.
 *
 * Two difficulties, two answers. A table is 4 KB, RAM may be 64 GB: below the
 * bar of all memory there is a strip that shows the tables only, enlarged.
 * And what matters lies below 896 MB and 4 GB: the bar's axis is linear
 * between these marks only, so that each part gets room.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab.h"

const char *tool_name = "picture";

static const char usage[] =
"usage: picture --base DIR --patched DIR [--title TEXT] [options] > FILE.svg\n"
"\n"
"Draw physical memory of two boots, base above patched, as SVG: the tables of\n"
"the direct map, what is reserved, where the largest crash kernel fits. DIR\n"
"holds tables.tsv and ranges.tsv, as written by audit.\n"
"\n"
"  --title TEXT     headline (default: made from the figures)\n"
"  --subtitle TEXT  what was booted, such as \"dom0 of 4 GiB under Xen 4.17\"\n"
"  --names A,B      instead of base,patched\n"
"  --phase NAME     which stop of the audit (default direct_map)\n";

#define WIDTH		850
#define LEFT		24
#define BAR		(WIDTH - 2 * LEFT)
#define BAR_HEIGHT	34
#define STRIP_HEIGHT	22
#define PANEL_HEIGHT	218
#define HEAD_HEIGHT	72
#define FOOT_HEIGHT	44
#define CELLS		(2 * BAR)	/* half a pixel each */
#define MAX_CLUSTERS	5

/* Okabe and Ito's colours: told apart by everyone, and in grey. */
#define INK		"#1a1a1a"
#define FAINT		"#6b6b6b"
#define FREE		"#dbe9f4"
#define RESERVED	"#8d99a6"
#define TABLE		"#d55e00"
#define CRASH		"#0072b2"
#define BOOTSTRAP	"#f0b429"

struct span {
	uint64_t start, end;
};

struct spans {
	struct span *s;
	size_t nr, max;
};

struct boot {
	const char *name;
	struct spans memory, reserved, tables, bootstrap_tables;
	struct span crash_4g, crash_896m;
	uint64_t allocated, bootstrap, below_4g, below_896m, lowest;
	bool found;
};

struct cluster {
	uint64_t start, end, pages;
};

/* The axis: linear from mark to mark. */
static struct {
	uint64_t at;
	double x;
} mark[6];
static int nr_marks;

static void add_span(struct spans *l, uint64_t start, uint64_t end)
{
	if (l->nr == l->max) {
		l->max = l->max ? 2 * l->max : 256;
		l->s = xrealloc(l->s, l->max * sizeof(*l->s));
	}
	l->s[l->nr++] = (struct span) { start, end };
}

static int by_start(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static void sort_and_merge(struct spans *l)
{
	size_t i, k = 0;

	qsort(l->s, l->nr, sizeof(*l->s), by_start);
	for (i = 1; i < l->nr; i++) {
		if (l->s[i].start <= l->s[k].end) {
			if (l->s[i].end > l->s[k].end)
				l->s[k].end = l->s[i].end;
		} else {
			l->s[++k] = l->s[i];
		}
	}
	if (l->nr)
		l->nr = k + 1;
}

static FILE *open_in(const char *dir, const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return xfopen(path, "r");
}

static void read_boot(struct boot *b, const char *dir, const char *want)
{
	char line[512], phase[64], kind[64], region[64], owner[64];
	uint64_t start, end;
	FILE *f;

	f = open_in(dir, "ranges.tsv");
	while (fgets(line, sizeof(line), f)) {
		if (line[0] == '#')
			continue;
		if (sscanf(line, "%63s %63s %" SCNx64 " %" SCNx64, phase, kind, &start, &end) != 4)
			die("%s/ranges.tsv: not understood: %s", dir, line);
		if (strcmp(phase, want))
			continue;
		b->found = true;
		if (!strcmp(kind, "memory"))
			add_span(&b->memory, start, end);
		else if (!strcmp(kind, "reserved"))
			add_span(&b->reserved, start, end);
		else if (!strcmp(kind, "crash_below_4g"))
			b->crash_4g = (struct span) { start, end };
		else if (!strcmp(kind, "crash_below_896m"))
			b->crash_896m = (struct span) { start, end };
	}
	fclose(f);
	if (!b->found || !b->memory.nr)
		die("%s/ranges.tsv: nothing of phase %s", dir, want);

	f = open_in(dir, "tables.tsv");
	b->lowest = UINT64_MAX;
	while (fgets(line, sizeof(line), f)) {
		if (line[0] == '#')
			continue;
		if (sscanf(line, "%63s %*d %" SCNx64 " %*x %*x %63s %63s", phase, &start, region,
			   owner) != 4)
			die("%s/tables.tsv: not understood: %s", dir, line);
		if (strcmp(phase, want) || strcmp(region, "direct_map"))
			continue;
		if (strcmp(owner, "reserved")) {
			b->bootstrap++;
			add_span(&b->bootstrap_tables, start * PAGE, (start + 1) * PAGE);
			continue;
		}
		start *= PAGE;
		add_span(&b->tables, start, start + PAGE);
		b->allocated++;
		b->below_4g += start < 4 * GB;
		b->below_896m += start < 896 * MB;
		if (start < b->lowest)
			b->lowest = start;
	}
	fclose(f);
	sort_and_merge(&b->tables);
	sort_and_merge(&b->bootstrap_tables);
}

/* 1,234 MB and the like, with no more digits than help. */
static const char *human(uint64_t bytes)
{
	static char bufs[8][32];
	static int next;
	char *buf = bufs[next++ % 8];
	uint64_t mb = bytes / MB;

	if (bytes < MB)
		snprintf(buf, 32, "%" PRIu64 " KB", bytes >> 10);
	else if (bytes >= 16 * GB || (bytes >= GB && bytes % GB == 0))
		snprintf(buf, 32, bytes % GB ? "%.1f GB" : "%.0f GB", (double)bytes / GB);
	else if (mb >= 1000)
		snprintf(buf, 32, "%" PRIu64 ",%03" PRIu64 " MB", mb / 1000, mb % 1000);
	else
		snprintf(buf, 32, "%" PRIu64 " MB", mb);
	return buf;
}

static const char *count(uint64_t n)
{
	static char bufs[8][32];
	static int next;
	char *buf = bufs[next++ % 8];

	if (n >= 1000)
		snprintf(buf, 32, "%" PRIu64 ",%03" PRIu64, n / 1000, n % 1000);
	else
		snprintf(buf, 32, "%" PRIu64, n);
	return buf;
}

static void escape(const char *s)
{
	for (; *s; s++) {
		if (*s == '&')
			fputs("&amp;", stdout);
		else if (*s == '<')
			fputs("&lt;", stdout);
		else if (*s == '>')
			fputs("&gt;", stdout);
		else
			putchar(*s);
	}
}

static void text(double x, double y, const char *attr, const char *s)
{
	printf("<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, attr);
	escape(s);
	puts("</text>");
}

static void rect(double x, double y, double w, double h, const char *fill)
{
	printf("<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n", x, y, w, h,
	       fill);
}

/* --- The bar of all memory ---------------------------------------------- */

static void make_axis(uint64_t top)
{
	static const uint64_t at[] = { 768 * MB, 896 * MB, 4 * GB };
	/* Shares of the width, the last for what is above the last mark. */
	static const double share[] = { 22, 8, 38, 32 };
	double sum = 0, x = LEFT;
	int i, used = 0;

	mark[nr_marks++].at = 0;
	for (i = 0; i < 3 && at[i] < top; i++)
		mark[nr_marks++].at = at[i];
	mark[nr_marks++].at = top;
	used = nr_marks - 1;
	for (i = 0; i < used; i++)
		sum += share[i];
	for (i = 0; i < nr_marks; i++) {
		mark[i].x = x;
		if (i < used)
			x += BAR * share[i] / sum;
	}
}

static double to_x(uint64_t pa)
{
	int i;

	for (i = 1; i < nr_marks - 1 && pa > mark[i].at; i++)
		;
	if (pa > mark[i].at)
		pa = mark[i].at;
	return mark[i - 1].x + (mark[i].x - mark[i - 1].x) * (double)(pa - mark[i - 1].at) /
	       (double)(mark[i].at - mark[i - 1].at);
}

/*
 * Spans by half pixels, so that ten thousand of them stay a small file. What
 * is thinner gets a pixel and a half.
 */
static void draw_spans(const struct spans *l, double y, double h, const char *fill)
{
	static bool cell[CELLS + 4];
	size_t i;
	int k, from = -1;

	memset(cell, 0, sizeof(cell));
	for (i = 0; i < l->nr; i++) {
		int a = (int)((to_x(l->s[i].start) - LEFT) * 2);
		int b = (int)((to_x(l->s[i].end) - LEFT) * 2);

		if (b < a + 3) {
			b = a + 3;
			if (b > CELLS)
				a = CELLS - 3;
		}
		for (k = a; k < b && k < CELLS; k++)
			cell[k] = true;
	}
	for (k = 0; k <= CELLS; k++) {
		bool on = k < CELLS && cell[k];

		if (on && from < 0)
			from = k;
		if (!on && from >= 0) {
			rect(LEFT + from / 2.0, y, (k - from) / 2.0, h, fill);
			from = -1;
		}
	}
}

/* A dimension line, with its label where there is room. */
static void dimension(const struct span *s, double y, const char *label)
{
	double a = to_x(s->start), b = to_x(s->end), mid = (a + b) / 2, w = 6.6 * strlen(label);

	printf("<path d=\"M%.1f %.1fv8M%.1f %.1fh%.1fM%.1f %.1fv8\" stroke=\"%s\" "
	       "stroke-width=\"2\" fill=\"none\"/>\n", a, y - 4, a, y, b - a, b, y - 4, CRASH);
	if (mid - w / 2 < LEFT)
		mid = LEFT + w / 2;
	if (mid + w / 2 > WIDTH - LEFT)
		mid = WIDTH - LEFT - w / 2;
	text(mid, y + 16, "text-anchor=\"middle\" font-size=\"12.5\" fill=\"" CRASH "\" "
	     "paint-order=\"stroke\" stroke=\"#ffffff\" stroke-width=\"3\"", label);
}

/* --- The strip of tables ------------------------------------------------ */

static size_t find_clusters(const struct boot *b, struct cluster **out)
{
	struct cluster *c = xrealloc(NULL, (b->tables.nr + 1) * sizeof(*c));
	size_t n = 0, i, best;

	for (i = 0; i < b->tables.nr; i++) {
		const struct span *s = &b->tables.s[i];

		c[n++] = (struct cluster) { s->start, s->end, (s->end - s->start) / PAGE };
	}
	while (n > MAX_CLUSTERS) {
		for (best = 1, i = 2; i < n; i++)
			if (c[i].start - c[i - 1].end < c[best].start - c[best - 1].end)
				best = i;
		c[best - 1].end = c[best].end;
		c[best - 1].pages += c[best].pages;
		memmove(&c[best], &c[best + 1], (n - best - 1) * sizeof(*c));
		n--;
	}
	*out = c;
	return n;
}

static void draw_strip(const struct boot *b, double bar_bottom, double y)
{
	struct cluster *c;
	size_t n = find_clusters(b, &c), i, k;
	double gap = 22, least = 128, room, x = LEFT, sum = 0;

	if (!n) {
		text(LEFT, y + STRIP_HEIGHT - 6, "font-size=\"12.5\" fill=\"" FAINT "\"",
		     "no table allocated: all are in the kernel image");
		return;
	}
	room = BAR - gap * (n - 1) - least * n;
	for (i = 0; i < n; i++)
		sum += c[i].end - c[i].start;

	for (i = 0; i < n; i++) {
		double w = least + room * (c[i].end - c[i].start) / sum, end_x;
		double scale = w / (c[i].end - c[i].start), from = to_x(c[i].start), to = to_x(c[i].end);
		char label[128];

		if (to < from + 1.5)
			to = from + 1.5;
		printf("<path d=\"M%.1f %.1fL%.1f %.1fL%.1f %.1fL%.1f %.1fz\" fill=\"%s\" "
		       "fill-opacity=\"0.13\"/>\n", from, bar_bottom, to, bar_bottom, x + w, y, x, y, TABLE);
		rect(x, y, w, STRIP_HEIGHT, FREE);
		for (k = 0; k < b->tables.nr; ) {
			struct span s = b->tables.s[k++];

			if (s.end <= c[i].start || s.start >= c[i].end)
				continue;
			/* Gaps that nobody would see. */
			while (k < b->tables.nr && b->tables.s[k].start < c[i].end &&
			       (b->tables.s[k].start - s.end) * scale < 0.3)
				s.end = b->tables.s[k++].end;
			end_x = (s.end - s.start) * scale;
			rect(x + (s.start - c[i].start) * scale, y, end_x < 0.8 ? 0.8 : end_x,
			     STRIP_HEIGHT, TABLE);
		}
		if (n == 1)
			snprintf(label, sizeof(label), "%s tables in %s piece%s, %s from %s on",
				 count(c[i].pages), count(b->tables.nr), b->tables.nr == 1 ? "" : "s",
				 human(c[i].end - c[i].start), human(c[i].start));
		else
			snprintf(label, sizeof(label), "%s at %s", count(c[i].pages), human(c[i].start));
		text(x, y + STRIP_HEIGHT + 15, "font-size=\"12.5\" fill=\"" INK "\"", label);
		x += w + gap;
	}
	free(c);
}

static void draw_boot(const struct boot *b, double y)
{
	double bar = y + 26, strip = bar + BAR_HEIGHT + 92;
	char line[256];
	int i;

	printf("<text x=\"%d\" y=\"%.1f\" font-size=\"15\" fill=\"%s\"><tspan font-weight=\"bold\">", LEFT,
	       y + 14, INK);
	escape(b->name);
	snprintf(line, sizeof(line), "%s table%s below 4 GB, %s below 896 MB", count(b->below_4g),
		 b->below_4g == 1 ? "" : "s", count(b->below_896m));
	printf("</tspan><tspan dx=\"14\" fill=\"%s\" font-weight=\"bold\">%s</tspan>",
	       b->below_4g ? TABLE : CRASH, line);
	printf("<tspan dx=\"10\" fill=\"%s\" font-size=\"12.5\">of %s, and %s bootstrap tables"
	       "</tspan></text>\n", FAINT, count(b->allocated), count(b->bootstrap));

	/* Holes stay white. */
	printf("<rect x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"%s\" "
	       "stroke-width=\"0.6\" stroke-dasharray=\"3 3\"/>\n", LEFT, bar, BAR, BAR_HEIGHT, RESERVED);
	draw_spans(&b->memory, bar, BAR_HEIGHT, FREE);
	draw_spans(&b->reserved, bar, BAR_HEIGHT, RESERVED);
	draw_spans(&b->bootstrap_tables, bar, BAR_HEIGHT, BOOTSTRAP);
	draw_spans(&b->tables, bar - 3, BAR_HEIGHT + 6, TABLE);

	for (i = 0; i < nr_marks; i++) {
		printf("<path d=\"M%.1f %.1fv%d\" stroke=\"%s\" stroke-width=\"1\"/>\n", mark[i].x,
		       bar + BAR_HEIGHT, 6, FAINT);
		snprintf(line, sizeof(line), "text-anchor=\"%s\" fill=\"" FAINT "\" font-size=\"11.5\"",
			 i == 0 ? "start" : i == nr_marks - 1 ? "end" : "middle");
		text(mark[i].x, bar + BAR_HEIGHT + 18, line, i ? human(mark[i].at) : "0");
	}
	draw_strip(b, bar + BAR_HEIGHT + 3, strip);
	if (b->crash_896m.end) {
		snprintf(line, sizeof(line), "crash kernel below 896 MB: up to %s",
			 human(b->crash_896m.end - b->crash_896m.start));
		dimension(&b->crash_896m, bar + BAR_HEIGHT + 32, line);
	}
	if (b->crash_4g.end && mark[nr_marks - 1].at > 896 * MB) {
		snprintf(line, sizeof(line), "below 4 GB: up to %s",
			 human(b->crash_4g.end - b->crash_4g.start));
		dimension(&b->crash_4g, bar + BAR_HEIGHT + 60, line);
	}
}

static void legend(double x, double y, const char *fill, const char *label)
{
	rect(x, y - 11, 14, 14, fill);
	text(x + 20, y, "font-size=\"12.5\" fill=\"" INK "\"", label);
}

static uint64_t top_of(const struct boot *b)
{
	uint64_t top = 0;
	size_t i;

	for (i = 0; i < b->memory.nr; i++)
		if (b->memory.s[i].end > top)
			top = b->memory.s[i].end;
	return top;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "base", required_argument, NULL, 'b' },
		{ "patched", required_argument, NULL, 'p' },
		{ "title", required_argument, NULL, 't' },
		{ "subtitle", required_argument, NULL, 's' },
		{ "names", required_argument, NULL, 'n' },
		{ "phase", required_argument, NULL, 'P' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *dir[2] = { NULL, NULL }, *title = NULL, *phase = "direct_map";
	const char *subtitle = "Physical memory when the direct map is complete";
	struct boot boots[2] = { { .name = "base" }, { .name = "patched" } };
	uint64_t top, other;
	char made[256], *comma;
	int c, i, height = HEAD_HEIGHT + 2 * PANEL_HEIGHT + FOOT_HEIGHT;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'b':
			dir[0] = optarg;
			break;
		case 'p':
			dir[1] = optarg;
			break;
		case 't':
			title = optarg;
			break;
		case 's':
			subtitle = optarg;
			break;
		case 'n':
			comma = strchr(optarg, ',');
			if (!comma)
				die("--names %s: two names with a comma are needed", optarg);
			*comma = '\0';
			boots[0].name = optarg;
			boots[1].name = comma + 1;
			break;
		case 'P':
			phase = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_OK;
		default:
			fputs("Try picture --help.\n", stderr);
			return EXIT_ENV;
		}
	}
	if (!dir[0] || !dir[1] || optind != argc) {
		fputs(usage, stderr);
		return EXIT_ENV;
	}
	for (i = 0; i < 2; i++)
		read_boot(&boots[i], dir[i], phase);
	top = top_of(&boots[0]);
	other = top_of(&boots[1]);
	make_axis(other > top ? other : top);
	if (!title) {
		if (boots[0].below_4g != boots[1].below_4g)
			snprintf(made, sizeof(made), "Early page tables below 4 GB: %s before, %s after",
				 count(boots[0].below_4g), count(boots[1].below_4g));
		else if (boots[1].below_4g)
			snprintf(made, sizeof(made), "Early page tables below 4 GB: %s, before and after",
				 count(boots[1].below_4g));
		else
			snprintf(made, sizeof(made), "No early page table below 4 GB, before and after");
		title = made;
	}

	printf("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
	       "viewBox=\"0 0 %d %d\" font-family=\"'DejaVu Sans', Verdana, sans-serif\" role=\"img\">\n",
	       WIDTH, height, WIDTH, height);
	puts("<!-- SPDX-License-Identifier: GPL-2.0-only -->");
	fputs("<title>", stdout);
	escape(title);
	puts("</title>");
	printf("<rect width=\"%d\" height=\"%d\" rx=\"8\" fill=\"#ffffff\" stroke=\"#d0d0d0\"/>\n", WIDTH,
	       height);
	text(LEFT, 34, "font-size=\"19\" font-weight=\"bold\" fill=\"" INK "\"", title);
	text(LEFT, 56, "font-size=\"13\" fill=\"" FAINT "\"", subtitle);
	for (i = 0; i < 2; i++)
		draw_boot(&boots[i], HEAD_HEIGHT + i * PANEL_HEIGHT);

	legend(LEFT, height - 18, TABLE, "page tables, enlarged below");
	legend(LEFT + 222, height - 18, BOOTSTRAP, "bootstrap tables");
	legend(LEFT + 374, height - 18, RESERVED, "otherwise reserved");
	legend(LEFT + 540, height - 18, FREE, "free RAM");
	text(WIDTH - LEFT, height - 18, "font-size=\"11.5\" text-anchor=\"end\" fill=\"" FAINT "\"",
	     "linear from mark to mark");
	puts("</svg>");
	if (fflush(stdout) || ferror(stdout))
		die("standard output: cannot write");
	return EXIT_OK;
}
