// SPDX-License-Identifier: GPL-2.0-only
/*
 * QEMU TCG plugin: count instructions and function entries, per phase.
 *
 *	qemu-system-x86_64 ... -plugin count.so,probes=FILE,out=FILE
 *
 * The plugin knows nothing of Linux or Xen, it obeys the probes file (see
 * probes.c, which writes one). A line of it is one of
 *
 *	range NAME START END	count instructions at START <= address < END
 *	entry NAME ADDR		count executions of the instruction at ADDR
 *	phase NAME START END	report what is counted between the first
 *				execution of START and the next one of END
 *	note TEXT		copied to the output as a comment
 *
 * with all numbers in hex and virtual. Phases may overlap. OUT gets lines of
 * phase, metric and value, separated by tabs, once the last phase ended: the
 * guest may be killed any time afterwards. Where QEMU exits before, OUT gets
 * what is complete, and a comment for each phase that isn't.
 *
 * How exact: each instruction gets a counter of its own kind inlined, so that
 * blocks which are left early (faults) don't count what wasn't executed. Two
 * things to know: TCG runs a "rep" instruction as a loop, and each round
 * counts as one; an instruction that faults and is restarted counts twice.
 * With more than one vCPU all values are sums over the vCPUs, and those of
 * "range" are inexact unless QEMU runs with "-accel tcg,thread=single", for
 * the inlined counters aren't atomic. Entries are exact in any case.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin_api.h"

PLUGIN_EXPORT int qemu_plugin_version = PLUGIN_API_VERSION;

#define MAX_ITEMS	32
#define MAX_NAME	64

struct range {
	char name[MAX_NAME];
	uint64_t start, end;
	uint64_t count;
};

struct entry {
	char name[MAX_NAME];
	uint64_t addr;
	uint64_t count;
};

struct phase {
	char name[MAX_NAME];
	uint64_t start, end;
	enum { WAITING, RUNNING, ENDED } state;
	/* Counts so far while WAITING..RUNNING; of the phase once ENDED. */
	uint64_t ranges[MAX_ITEMS], entries[MAX_ITEMS];
};

static struct range ranges[MAX_ITEMS];
static struct entry entries[MAX_ITEMS];
static struct phase phases[MAX_ITEMS];
static char notes[MAX_ITEMS][256];
static unsigned int nr_ranges, nr_entries, nr_phases, nr_notes;
static unsigned int nr_ended;
static char *out_path;
static int nr_vcpus;
static bool written;
static int lock;

/* QEMU has no way of its own for a plugin to fail late: say why and leave. */
static void __attribute__((format(printf, 1, 2))) complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("count.so: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

/* Several vCPUs may pass a boundary at once; rare, so just spin. */
static void take_lock(void)
{
	while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
		;
}

static void drop_lock(void)
{
	__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

static void write_out(void)
{
	unsigned int i, k;
	char tmp[4096];
	FILE *f;

	written = true;
	/* Readers see all or nothing. */
	snprintf(tmp, sizeof(tmp), "%s.tmp", out_path);
	f = fopen(tmp, "w");
	if (!f) {
		complain("%s: %s: no counts written", tmp, strerror(errno));
		return;
	}
	if (nr_vcpus > 1)
		fprintf(f, "# %d vCPUs: all values are sums over vCPUs, instructions approximate\n",
			nr_vcpus);
	for (i = 0; i < nr_notes; i++)
		fprintf(f, "# %s\n", notes[i]);
	for (i = 0; i < nr_phases; i++) {
		struct phase *p = &phases[i];

		if (p->state != ENDED) {
			fprintf(f, "# phase %s %s\n", p->name, p->state == RUNNING ?
				"started but did not end" : "was not reached");
			continue;
		}
		for (k = 0; k < nr_entries; k++)
			fprintf(f, "%s\t%s\t%" PRIu64 "\n", p->name, entries[k].name, p->entries[k]);
		for (k = 0; k < nr_ranges; k++)
			fprintf(f, "%s\t%s\t%" PRIu64 "\n", p->name, ranges[k].name, p->ranges[k]);
	}
	if (fflush(f) || fsync(fileno(f)) || fclose(f) || rename(tmp, out_path))
		complain("%s: %s: counts may be lost", out_path, strerror(errno));
}

static void on_entry(unsigned int vcpu, void *data)
{
	struct entry *e = data;

	(void)vcpu;
	__atomic_add_fetch(&e->count, 1, __ATOMIC_RELAXED);
}

/* Between snapshots: store "now - before", which at the start is now - 0. */
static void snapshot(struct phase *p)
{
	unsigned int k;

	for (k = 0; k < nr_ranges; k++)
		p->ranges[k] = ranges[k].count - p->ranges[k];
	for (k = 0; k < nr_entries; k++)
		p->entries[k] = __atomic_load_n(&entries[k].count, __ATOMIC_RELAXED) - p->entries[k];
}

static void on_start(unsigned int vcpu, void *data)
{
	struct phase *p = data;

	(void)vcpu;
	take_lock();
	if (p->state == WAITING) {
		p->state = RUNNING;
		snapshot(p);
	}
	drop_lock();
}

static void on_end(unsigned int vcpu, void *data)
{
	struct phase *p = data;

	(void)vcpu;
	take_lock();
	if (p->state == RUNNING) {
		p->state = ENDED;
		snapshot(p);
		if (++nr_ended == nr_phases)
			write_out();
	}
	drop_lock();
}

static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb), i;
	unsigned int k;

	(void)id;
	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint64_t va = qemu_plugin_insn_vaddr(insn);

		for (k = 0; k < nr_ranges; k++)
			if (va >= ranges[k].start && va < ranges[k].end)
				qemu_plugin_register_vcpu_insn_exec_inline(insn,
					QEMU_PLUGIN_INLINE_ADD_U64, &ranges[k].count, 1);
		for (k = 0; k < nr_entries; k++)
			if (va == entries[k].addr)
				qemu_plugin_register_vcpu_insn_exec_cb(insn, on_entry,
					QEMU_PLUGIN_CB_NO_REGS, &entries[k]);
		for (k = 0; k < nr_phases; k++) {
			if (va == phases[k].start)
				qemu_plugin_register_vcpu_insn_exec_cb(insn, on_start,
					QEMU_PLUGIN_CB_NO_REGS, &phases[k]);
			if (va == phases[k].end)
				qemu_plugin_register_vcpu_insn_exec_cb(insn, on_end,
					QEMU_PLUGIN_CB_NO_REGS, &phases[k]);
		}
	}
}

static void on_exit_qemu(qemu_plugin_id_t id, void *data)
{
	(void)id;
	(void)data;
	take_lock();
	if (!written)
		write_out();
	drop_lock();
}

static bool read_probes(const char *path)
{
	unsigned int line_nr = 0;
	char line[512];
	FILE *f = fopen(path, "r");

	if (!f) {
		complain("probes file %s: %s", path, strerror(errno));
		return false;
	}
	while (fgets(line, sizeof(line), f)) {
		char kind[16] = "", name[MAX_NAME] = "";
		uint64_t a = 0, b = 0;
		int n;

		line_nr++;
		line[strcspn(line, "\n")] = '\0';
		if (!line[0] || line[0] == '#')
			continue;
		if (!strncmp(line, "note ", 5)) {
			if (nr_notes < MAX_ITEMS)
				snprintf(notes[nr_notes++], sizeof(notes[0]), "%.200s", line + 5);
			continue;
		}
		n = sscanf(line, "%15s %63s %" SCNx64 " %" SCNx64, kind, name, &a, &b);
		if (n == 4 && !strcmp(kind, "range") && a < b && nr_ranges < MAX_ITEMS) {
			struct range *r = &ranges[nr_ranges++];

			strcpy(r->name, name);
			r->start = a;
			r->end = b;
		} else if (n == 3 && !strcmp(kind, "entry") && a && nr_entries < MAX_ITEMS) {
			struct entry *e = &entries[nr_entries++];

			strcpy(e->name, name);
			e->addr = a;
		} else if (n == 4 && !strcmp(kind, "phase") && a && b && a != b &&
			   nr_phases < MAX_ITEMS) {
			struct phase *p = &phases[nr_phases++];

			strcpy(p->name, name);
			p->start = a;
			p->end = b;
		} else {
			complain("%s:%u: not understood, or more than %d of a kind: %s",
				 path, line_nr, MAX_ITEMS, line);
			fclose(f);
			return false;
		}
	}
	fclose(f);
	if (!nr_phases || (!nr_ranges && !nr_entries)) {
		complain("%s: needs at least one phase and one range or entry", path);
		return false;
	}
	return true;
}

PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info,
				      int argc, char **argv)
{
	const char *probes = NULL;
	int i;

	for (i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "probes=", 7)) {
			probes = argv[i] + 7;
		} else if (!strncmp(argv[i], "out=", 4)) {
			/* Absolute, for -daemonize changes the folder. */
			free(out_path);
			out_path = NULL;
			if (argv[i][4] == '/') {
				out_path = strdup(argv[i] + 4);
			} else {
				char *cwd = getcwd(NULL, 0);

				if (cwd && asprintf(&out_path, "%s/%s", cwd, argv[i] + 4) < 0)
					out_path = NULL;
				free(cwd);
			}
		} else {
			complain("unknown option %s; known: probes=FILE,out=FILE", argv[i]);
			return -1;
		}
	}
	if (!probes || !out_path) {
		complain("options probes=FILE and out=FILE are both needed");
		return -1;
	}
	if (!info->system_emulation) {
		complain("counts in system emulation only");
		return -1;
	}
	nr_vcpus = info->system.smp_vcpus;
	/* An old result must not pass for one of this run. */
	if (unlink(out_path) && errno != ENOENT) {
		complain("%s: %s", out_path, strerror(errno));
		return -1;
	}
	if (!read_probes(probes))
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	qemu_plugin_register_atexit_cb(id, on_exit_qemu, NULL);
	return 0;
}
