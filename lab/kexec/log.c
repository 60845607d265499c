// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a kernel's log says of memory, besides its map: who has reserved what, and what
 * firmware has left where.
 */

#include "kexec.h"
#include "text.h"

#include <stdlib.h>

struct log log_facts;

/* memblock=debug: who asked for the range that is reserved next, and is RAM mapped. */
static char caller[32];
static bool mapped;

/* "[mem a-b]", or "[a-b]" of memblock=debug; @end is exclusive. */
static bool read_mem(const char *p, u64 *start, u64 *end)
{
	char *q;

	p = strchr(p, '[');
	if (!p)
		return false;
	p += strncmp(p, "[mem ", 5) ? 1 : 5;
	*start = strtoull(p, &q, 16);
	if (q == p || *q != '-')
		return false;
	p = q + 1;
	*end = strtoull(p, &q, 16) + 1;
	return q > p && *q == ']' && *start < *end;
}

static void note_range(u64 start, u64 end, int line, bool early, const char *name)
{
	struct log *l = &log_facts;
	struct log_range *r;
	unsigned int i;

	/* memblock=debug has it as well, with the name of a function. */
	for (i = 0; i < l->nr_range; i++) {
		r = &l->range[i];
		if (r->start >= end || r->end <= start)
			continue;
		if (r->start == start && r->end == end)
			snprintf(r->name, sizeof(r->name), "%s", name);
		return;
	}
	if (l->nr_range == LOG_RANGES)
		return;
	r = &l->range[l->nr_range++];
	*r = (struct log_range) { .start = start, .end = end, .line = line, .early = early };
	snprintf(r->name, sizeof(r->name), "%s", name);
}

static void forget_range(u64 start, u64 end)
{
	struct log *l = &log_facts;
	unsigned int i, j;

	for (i = j = 0; i < l->nr_range; i++)
		if (l->range[i].start < start || l->range[i].end > end)
			l->range[j++] = l->range[i];
	l->nr_range = j;
}

/* The last word, "function+0x12/0x34". */
static bool read_caller(const char *p, char *buf, size_t size)
{
	const char *plus = strrchr(p, '+'), *word;

	if (!plus)
		return false;
	for (word = plus; word > p && (is_alnum(word[-1]) || strchr("_.", word[-1])); word--)
		;
	snprintf(buf, size, "%.*s", (int)(plus - word), word);
	return word < plus;
}

static bool read_debug(const char *s, int line)
{
	struct log *l = &log_facts;
	char name[32];
	const char *p;
	u64 start, end;

	p = strstr(s, "memblock_phys_alloc_range:") ?: strstr(s, "memblock_alloc_");
	if (p && strstr(p, " bytes ")) {
		read_caller(p, caller, sizeof(caller));
		return true;
	}
	p = strstr(s, "memblock_phys_free: [") ?: strstr(s, "memblock_free: [");
	if (p) {
		if (read_mem(p, &start, &end))
			forget_range(start, end);
		return true;
	}
	p = strstr(s, "memblock_reserve: [");
	if (!p)
		return false;
	if (!read_mem(p, &start, &end) || !read_caller(p, name, sizeof(name)))
		return true;
	l->debug = true;
	/* The BRK, at the end of the kernel; what comes before is said too early. */
	if (!mapped && start > SZ_1M && !strcmp(name, "setup_arch") && !l->kernel_end) {
		l->kernel_end = end;
		return true;
	}
	if (!strncmp(name, "memblock_", 9) && caller[0])
		snprintf(name, sizeof(name), "%s", caller);
	caller[0] = '\0';
	/* Tables are what is simulated. */
	if (strstr(name, "alloc_low_pages") || strstr(name, "pool_fill") ||
	    strstr(name, "early_alloc_pgt_buf") || strstr(name, "init_mem_mapping")) {
		mapped = true;
		return true;
	}
	note_range(start, end, line, !mapped, name);
	return true;
}

/* "efi: ACPI=0x... ACPI 2.0=0x... MEMATTR=0x..." */
static void read_efi(const char *p, int line)
{
	struct log *l = &log_facts;
	const char *eq, *name;
	char *end;
	u64 addr;

	for (name = p; (eq = strstr(name, "=0x")); name = end) {
		name += strspn(name, " ");
		addr = strtoull(eq + 1, &end, 16);
		if (eq - name >= (long)sizeof(l->efi[0].name) || l->nr_efi == ARRAY_SIZE(l->efi) ||
		    !((*name | 32) >= 'a' && (*name | 32) <= 'z'))
			continue;
		snprintf(l->efi[l->nr_efi].name, sizeof(l->efi[0].name), "%.*s",
			 (int)(eq - name), name);
		l->efi[l->nr_efi].addr = addr;
		l->efi[l->nr_efi++].line = line;
	}
}

static const char *after(const char *s, const char *text)
{
	const char *p = strstr(s, text);

	return p ? p + strlen(text) : NULL;
}

/**
 * log_line - take what is of use from a line
 * @s:    the line
 * @line: its number
 */
void log_line(const char *s, int line)
{
	struct log *l = &log_facts;
	unsigned long long a, b;
	const char *p;
	u64 start, end;

	if (s[0] == '#')
		return;
	/* In a log without first lines, a map begins the next boot. */
	if (strstr(s, "Linux version ") || ((l->nr_range || l->done) &&
					    strstr(s, "BIOS-provided physical RAM map"))) {
		memset(l, 0, sizeof(*l));
		l->kernel = true;
		caller[0] = '\0';
		mapped = false;
	}
	p = after(s, "K available (");
	if (p) {
		unsigned long k[5];

		if (sscanf(p, "%luK kernel code, %luK rwdata, %luK rodata, %luK init, %luK bss",
			   &k[0], &k[1], &k[2], &k[3], &k[4]) == 5)
			l->kernel_size = (k[0] + k[1] + k[2] + k[3] + k[4]) << 10;
	}
	if (l->done)
		return;
	p = after(s, "ommand line: ");
	if (p && !strstr(s, "(XEN)")) {
		/* A second one is that with built-in parameters, and longer. */
		snprintf(l->cmdline, sizeof(l->cmdline), "%s", p);
		l->kernel = true;
	} else if ((p = after(s, "efi: ")) && strstr(p, "=0x") && !strchr(p, '[')) {
		read_efi(p, line);
	} else if (strstr(s, "Using GB pages for direct mapping")) {
		l->gbpages = true;
	} else if ((p = after(s, "Allocated new RAMDISK: ")) && read_mem(p, &start, &end)) {
		note_range(start, end, line, false, "RAMDISK, moved");
	} else if ((p = after(s, "RAMDISK: ")) && read_mem(p, &start, &end)) {
		note_range(start, end, line, true, "RAMDISK");
	} else if ((p = after(s, "NODE_DATA(")) && read_mem(p, &start, &end)) {
		note_range(start, end, line, false, "NODE_DATA");
	} else if ((p = after(s, "cma: Reserved ")) &&
		   sscanf(p, "%llu MiB at %llx", &a, &b) == 2) {
		note_range(b, b + (a << 20), line, false, "CMA");
	} else if ((p = after(s, "SRAT: ")) && strstr(p, "hotplug") && read_mem(p, &start, &end)) {
		l->plug.start = l->plug.end ? min(l->plug.start, start) : start;
		l->plug.end = max_t(u64, l->plug.end, end);
	} else if ((p = after(s, "crashkernel low memory reserved: ")) &&
		   sscanf(p, "%llx - %llx", &a, &b) == 2) {
		l->crash_low = (struct kexec_area) { a, b };
	} else if ((p = after(s, "crashkernel reserved: ")) &&
		   sscanf(p, "%llx - %llx", &a, &b) == 2) {
		l->crash = (struct kexec_area) { a, b };
		l->done = true;
	} else if ((p = after(s, "Reserving ")) && strstr(p, "for crashkernel") &&
		   sscanf(p, "%lluMB of low memory at %lluMB", &a, &b) == 2) {
		l->crash_low = (struct kexec_area) { b << 20, (a + b) << 20 };
	} else if ((p = after(s, "Reserving ")) && strstr(p, "for crashkernel") &&
		   sscanf(p, "%lluMB of memory at %lluMB", &a, &b) == 2) {
		l->crash = (struct kexec_area) { b << 20, (a + b) << 20 };
		l->done = true;
	} else {
		read_debug(s, line);
	}
}
