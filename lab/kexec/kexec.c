// SPDX-License-Identifier: GPL-2.0-only
/*
 * kexec and kdump on the machine of a log: what a stock kernel does, and what it does
 * with the queues of series/kexec, and with early page tables in chunks.
 */

#include "kexec.h"
#include "files.h"
#include "early_pgt.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

struct map map;
static struct kexec_machine machine;
static const char *option_cmdline, *picture;
static u64 kernel_size, initrd_size;

static struct counts {
	unsigned int maps, base, ours, wrong;
} *counts;

static const struct kexec_side *sides[] = { &kexec_base, &kexec_ours };
static bool fails[2];
static unsigned long tables_planned, tables_ident;

/* What a kernel does is said in a column of its own. */
static char column[2][1024];

static void __attribute__((format(printf, 2, 3))) say(unsigned int side, const char *fmt, ...)
{
	size_t n = strlen(column[side]);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(column[side] + n, sizeof(column[side]) - n, fmt, ap);
	va_end(ap);
}

static void print_row(const char *what)
{
	if (!strcmp(column[0], column[1]))
		printf("    %-26s both  %s\n", what, column[0]);
	else
		printf("    %-26s base  %s\n    %-26s ours  %s\n", what, column[0], "", column[1]);
	column[0][0] = column[1][0] = '\0';
}

static void __attribute__((format(printf, 2, 3))) fail(unsigned int side, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say(side, "%s%s", column[side][0] ? "; " : "FAILS: ", text);
	fails[side] = true;
}

/* The kernel's own code says otherwise. */
void wrong(const char *fmt, ...)
{
	va_list ap;

	files_add(&counts->wrong, 1);
	printf("WRONG: ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

const char *amount(u64 bytes, char *buf)
{
	if (bytes >> 30)
		sprintf(buf, "%.1f GB", bytes / 1073741824.0);
	else if (bytes >> 20)
		sprintf(buf, "%.1f MB", bytes / 1048576.0);
	else
		sprintf(buf, "%llu KB", (unsigned long long)bytes >> 10);
	return buf;
}

/* --- tables of firmware --------------------------------------------------------- */

static void firmware_tables(const struct kexec_machine *m)
{
	const struct log *l = &log_facts;
	unsigned int i, in_ram = 0;
	char what[64];

	for (i = 0; i < l->nr_efi; i++) {
		const char *name = l->efi[i].name;

		if (!ram_in(&m->firmware, l->efi[i].addr, l->efi[i].addr + 1))
			continue;
		if (!in_ram++)
			printf("  tables of firmware, in memory that kernels use\n");
		if (!strcmp(name, "INITRD")) {
			fail(0, "kexec without an initrd takes what is there now for one, once the memory was used");
			say(1, "not believed after kexec");
		} else if (!strcmp(name, "MEMATTR")) {
			say(0, "read again after kexec, whatever is there now");
			say(1, "not believed after kexec");
		} else {
			say(0, "reserved by the kernel, if it has a use for it");
			say(1, "%s", column[0]);
		}
		sprintf(what, "%s=%#llx", name, (unsigned long long)l->efi[i].addr);
		print_row(what);
	}
	if (l->nr_efi && !in_ram)
		printf("  tables of firmware: %u, none in memory that kernels use\n", l->nr_efi);
}

/* --- what is loaded -------------------------------------------------------------- */

/* Sizes of the purgatory and of the parameters are those of 6.12, about. */
static struct kexec_load new_load(bool is_crash)
{
	struct kexec_load load = { .is_crash = is_crash };
	struct kexec_segment s[] = {
		{ "ELF headers", MB / 2, PAGE_SIZE, 0, 0 },
		{ "purgatory", 6 * PAGE_SIZE, PAGE_SIZE, 0x3000, 0 },
		{ "parameters", 4 * PAGE_SIZE, PAGE_SIZE, 0x3000, 0 },
		{ "kernel", kernel_size, 2 * MB, 16 * MB, 0 },
		{ "initrd", initrd_size, PAGE_SIZE, 16 * MB, 0 },
	};
	unsigned int i;

	for (i = !is_crash; i < ARRAY_SIZE(s); i++)
		if (s[i].size)
			load.segment[load.nr++] = s[i];
	return load;
}

/* Where can't the next kernel live, with what it is told of? */
static void verdict(unsigned int side, const struct kexec_load *load, unsigned int placed,
		    const struct kexec_table *told, int nr)
{
	const struct kexec_segment *high = NULL, *untold = NULL;
	unsigned int i;
	char a[24], b[24];
	u64 ram, lost;

	if (placed < load->nr) {
		fail(side, "no room for the %s, %s", load->segment[placed].name,
		     amount(load->segment[placed].size, a));
		return;
	}
	if (nr < 0) {
		fail(side, "no table of memory: error %d", nr);
		return;
	}
	for (i = 0; i < load->nr; i++) {
		const struct kexec_segment *s = &load->segment[i];

		if (s->start + s->size > LIMIT_4LEVEL && (!high || !strcmp(s->name, "kernel")))
			high = s;
		/* With KASLR it moves to where it knows of RAM; the rest is copied. */
		if (!strcmp(s->name, "kernel") && ram_in(told, s->start, s->start + s->size) < s->size)
			untold = s;
	}
	if (high)
		fail(side, "the %s is above 64 TB: \"Destination address too large\"", high->name);
	if (load->is_crash) {
		/* But for the ELF headers, which it must not touch. */
		ram = machine.crash.end - machine.crash.start - load->segment[0].size;
		ram += machine.crash_low.end - machine.crash_low.start;
		lost = ram - min(ram, ram_in(told, machine.crash.start, machine.crash.end) +
				 ram_in(told, machine.crash_low.start, machine.crash_low.end));
		if (lost)
			fail(side, "the crash kernel isn't told of %s of its %s: \"alloc_low_pages: can not alloc memory\"",
			     amount(lost, a), amount(ram, b));
	} else {
		ram = ram_in(&machine.firmware, 0, ~0ULL);
		lost = ram - min(ram, ram_in(told, 0, ~0ULL));
		if (lost)
			fail(side, "the next kernel loses %s of RAM", amount(lost, a));
		else if (untold && !high)
			fail(side, "with nokaslr, the %s is in memory that it isn't told of: \"not marked as E820_TYPE_RAM\"",
			     untold->name);
	}
}

static void load_rows(bool is_crash)
{
	static struct kexec_table told[2];
	struct kexec_load load[2];
	unsigned int i, side, placed[2];
	int nr[2];
	char a[24];

	for (side = 0; side < 2; side++) {
		load[side] = new_load(is_crash);
		placed[side] = sides[side]->place(&machine, &load[side]);
		nr[side] = sides[side]->memory_map(&machine, &load[side], &told[side]);
	}
	for (i = is_crash; i < load[0].nr; i++) {
		char what[64];

		for (side = 0; side < 2; side++) {
			if (i < placed[side])
				say(side, "%#llx", load[side].segment[i].start);
			else
				say(side, "no room");
		}
		snprintf(what, sizeof(what), "%s, %s%s", load[0].segment[i].name,
			 amount(load[0].segment[i].size, a),
			 strcmp(load[0].segment[i].name, "initrd") || !log_facts.nr_range ? " (est.)" : "");
		print_row(what);
	}
	for (side = 0; side < 2; side++) {
		int passed = min(nr[side], (int)sides[side]->passed_on);

		if (nr[side] < 0)
			say(side, "error %d", nr[side]);
		else if (passed < nr[side])
			say(side, "%d, of which %d are passed on", nr[side], passed);
		else
			say(side, "%d", nr[side]);
	}
	print_row("memory ranges");
	for (side = 0; side < 2; side++)
		say(side, "%ld tables", sides[side]->tables(&machine, &load[side]));
	print_row("identity map");
	if (!is_crash) {
		unsigned int left = 0;

		for (i = 0; i < machine.memory.nr; i++) {
			unsigned int type = machine.memory.entry[i].type;

			left += type != E820_TYPE_RAM && type != E820_TYPE_ACPI && type != E820_TYPE_NVS;
		}
		say(0, "%u of %u ranges of the map", left, machine.memory.nr);
		say(1, "%s", column[0]);
		print_row("  left out");
	}
	for (side = 0; side < 2; side++)
		verdict(side, &load[side], placed[side], &told[side], nr[side]);
	for (side = 0; side < 2; side++)
		if (!column[side][0])
			say(side, "works");
	print_row("verdict");
}

/* --- the crash kernel's memory -------------------------------------------------- */

static bool same_area(const struct kexec_area *a, const struct kexec_area *b)
{
	return a->start == b->start && a->end == b->end;
}

/* At 16 MB, if the log doesn't say where it ends, or how large it is. */
static void place_kernel(struct sim_config *c)
{
	c->kernel = 16 * MB;
	if (!log_facts.kernel_end) {
		c->kernel_end = c->kernel + round_up(log_facts.kernel_size, PAGE_SIZE);
		return;
	}
	c->kernel_end = round_up(log_facts.kernel_end, PAGE_SIZE);
	if (log_facts.kernel_size && log_facts.kernel_size < c->kernel_end)
		c->kernel = round_down(c->kernel_end - log_facts.kernel_size, 2 * MB);
}

/*
 * Two counters that know nothing of each other: the kernel's identity map of all RAM,
 * and our planner. PTE tables are the planner's alone.
 */
static void count_tables(void)
{
	struct early_pgt_plan plan;
	const struct memblock_region *r;
	bool gb = sim.sizes & BIT(PG_LEVEL_1G);
	unsigned long *top;
	unsigned int i;

	if (sim.sizes & BIT(PG_LEVEL_2M) && !sim.kaslr) {
		early_pgt_plan_range(&plan, 0, sim_end, sim.sizes);
		top = ident_begin(sim.levels);
		for_each_mem_region(r)
			ident_map(top, gb, r->base, r->base + r->size);
		tables_planned = plan.nr - plan.level[PG_LEVEL_4K] + 1;
		/* With 4 levels, a page of each entry of the top table is for a fifth, and lost. */
		for (i = 0; i < 512; i++)
			tables_planned += sim.levels == 4 && top[i];
		tables_ident = ident_end();
	}
	sim_map_ours();
}

static void crash_rows(const char *file)
{
	const char *cmdline = option_cmdline ?: log_facts.cmdline;
	struct kexec_area crash[2] = {}, low[2] = {};
	struct room room[2] = {};
	bool mapped[2], given = strstr(cmdline, "crashkernel=");
	char text[4096];
	unsigned int i, k, side;
	u64 size[2][ROOM_LIMITS] = {}, at[2][ROOM_LIMITS];

	snprintf(text, sizeof(text), "%s", given ? cmdline : "crashkernel=256M");
	for (side = 0; side < 2; side++) {
		struct sim_config c = map.sim;

		if (!map.fixed)
			c.sizes = BIT(PG_LEVEL_4K) | BIT(PG_LEVEL_2M) |
				  (log_facts.gbpages ? BIT(PG_LEVEL_1G) : 0);
		c.light = true;
		sim_begin(&c);
		if (!map_set_memory(&map))
			map_bad(file, 0, "more than some 8000 ranges: memblock has no room for them below 1 MB");
		for (i = 0; i < log_facts.nr_range; i++)
			if (log_facts.range[i].early)
				memblock_reserve(log_facts.range[i].start,
						 log_facts.range[i].end - log_facts.range[i].start);
		if (log_facts.kernel_end || log_facts.kernel_size)
			place_kernel(&c);
		else if (!c.kernel_end)
			map_place_kernel(&c);
		sim.kernel = c.kernel;
		sim.kernel_end = c.kernel_end;
		tables_planned = tables_ident = 0;
		mapped[side] = (side ? sim_run(count_tables, early_pgt_alloc) : sim_base()) == SIM_OK;
		if (tables_planned != tables_ident)
			wrong("%s: %lu tables planned for all RAM, but an identity map has %lu",
			      file, tables_planned, tables_ident);
		if (!mapped[side]) {
			fail(side, "can't map this memory: %s", sim_message);
			continue;
		}
		for (i = 0; i < log_facts.nr_range; i++)
			memblock_reserve(log_facts.range[i].start,
					 log_facts.range[i].end - log_facts.range[i].start);
		room_take_stock(&c, &room[side]);
		for (k = 0; k < ROOM_LIMITS; k++)
			size[side][k] = room_largest(&room[side], room_limits[k].from, room_limits[k].to, NULL,
						&at[side][k]);
		room_check(file, size[side][ROOM_BELOW_4G], "", 0, room_limits[ROOM_BELOW_4G].to);
		if (picture)
			map_write_picture(picture, side ? "patched" : "base");
		reserve_for_crash(text, &crash[side], &low[side]);
	}

	printf("  room for a crash kernel: the largest crashkernel=%s\n",
	       log_facts.debug ? "" : " (est.: the log doesn't say where the kernel and its log are; memblock=debug does)");
	if (!mapped[0] || !mapped[1]) {
		for (side = 0; side < 2; side++)
			if (mapped[side])
				say(side, "mapped");
		print_row("memory");
	} else {
		for (k = 0; k < ROOM_LIMITS; k++) {
			for (side = 0; side < 2; side++) {
				if (size[side][k])
					say(side, "%llu MB at %#llx", (unsigned long long)size[side][k] >> 20,
					    (unsigned long long)at[side][k]);
				else
					say(side, "none");
			}
			print_row(room_limits[k].name);
		}
		for (side = 0; side < 2; side++)
			room_obstacles(sides[side]->name, &room[side]);
	}

	printf("  kexec -s -p, %.60s%s\n", strstr(text, "crashkernel="),
	       given ? "" : " (est.: none is given)");
	for (side = 0; side < 2; side++) {
		if (!crash[side].end)
			say(side, "cannot be reserved");
		else
			say(side, "%#llx-%#llx", crash[side].start, crash[side].end - 1);
		if (low[side].end)
			say(side, ", %#llx-%#llx", low[side].start, low[side].end - 1);
	}
	print_row("reserved");
	if (!option_cmdline && log_facts.crash.end) {
		printf("    %-26s log   %#llx-%#llx%s\n", "", log_facts.crash.start,
		       log_facts.crash.end - 1, same_area(&log_facts.crash, &crash[0]) ?
		       ", as predicted" : ": what is in the way there isn't in the log");
		crash[0] = log_facts.crash;
		low[0] = log_facts.crash_low;
	}
	if (!crash[0].end || !crash[1].end) {
		for (side = 0; side < 2; side++) {
			if (crash[side].end)
				say(side, "reserved");
			else if (given)
				fail(side, "no memory for it");
			else
				say(side, "a smaller one may fit: see above");
		}
		print_row("verdict");
	} else {
		/* What is known of the running kernel holds for both. */
		machine.crash = crash[0];
		machine.crash_low = low[0];
		load_rows(true);
	}
	for (side = 0; side < 2; side++) {
		free(room[side].free);
		free(room[side].taken);
	}
}

/* --- a file ----------------------------------------------------------------------- */

static void plugged_rows(void)
{
	const struct log *l = &log_facts;
	char a[24];
	unsigned int i;

	for (i = 0; i < machine.nr_plugged; i++)
		printf("  plugged in: %s at %#llx\n",
		       amount(machine.plugged[i].end - machine.plugged[i].start, a),
		       machine.plugged[i].start);
	if (!l->plug.end || machine.nr_plugged)
		return;
	printf("  memory may be plugged in at %#llx-%#llx; if there is any, add /proc/iomem, as root\n",
	       l->plug.start, l->plug.end - 1);
}

/* What is beyond can be loaded into, but isn't simulated. */
static void clip_map(void)
{
	unsigned int i, nr = 0;

	for (i = 0; i < map.nr; i++) {
		struct map_entry *e = &map.entry[i];

		if (e->kind != MAP_KIND_OTHER && e->end > PFN_PHYS(SIM_MAX_PFN))
			e->end = PFN_PHYS(SIM_MAX_PFN);
		if (e->start < e->end)
			map.entry[nr++] = *e;
	}
	map.nr = nr;
}

static void look(const char *file)
{
	const char *name = strrchr(file, '/');
	unsigned int i;

	memset(&log_facts, 0, sizeof(log_facts));
	map_limit = ~0ULL;
	map_line = log_line;
	map_read(&map, file);
	files_add(&counts->maps, 1);
	fails[0] = fails[1] = false;
	printf("\n%s\n  %u entr%s, from %s\n%s", name ? name + 1 : map_name(file), map.read,
	       map.read == 1 ? "y" : "ies", map.origin, map.notes);
	if (!strncmp(map.origin, "Xen:", 4)) {
		printf("  a PV domain: Xen loads crash kernels, in memory of its own\n");
		return;
	}
	for (i = 0; i < log_facts.nr_range && !initrd_size; i++)
		if (!strcmp(log_facts.range[i].name, "RAMDISK"))
			initrd_size = log_facts.range[i].end - log_facts.range[i].start;
	if (!initrd_size)
		initrd_size = 32 * MB;
	/* As large as the one that runs, and to unpack it. */
	if (!kernel_size)
		kernel_size = log_facts.kernel_size ? round_up(log_facts.kernel_size, 2 * MB) + 4 * MB : 64 * MB;
	set_machine(&machine);
	clip_map();
	plugged_rows();
	firmware_tables(&machine);
	printf("  kexec -s\n");
	load_rows(false);
	crash_rows(file);
	files_add(&counts->base, fails[0]);
	files_add(&counts->ours, fails[1]);
	files_status = map.doubtful ? 2 : files_status;
}

static u64 read_size(const char *text)
{
	char *end;
	u64 size = strtoull(text, &end, 0);
	const char *unit = *end ? strchr("kmg", *end | 32) : NULL;

	if (unit) {
		size <<= 10 * (unit - "kmg" + 1);
		end++;
	}
	return *end || end == text ? 0 : size;
}

int main(int argc, char **argv)
{
	unsigned int unread;
	bool usage = false;
	int opt, rc;

	while ((opt = getopt(argc, argv, "c:i:k:p:")) != -1 && !usage) {
		switch (opt) {
		case 'c':
			option_cmdline = optarg;
			break;
		case 'i':
			initrd_size = read_size(optarg);
			usage = !initrd_size;
			break;
		case 'k':
			kernel_size = read_size(optarg);
			usage = !kernel_size;
			break;
		case 'p':
			picture = optarg;
			break;
		default:
			usage = true;
		}
	}
	if (usage || optind == argc) {
		fprintf(stderr, "usage: %s [-c CMDLINE] [-i SIZE] [-k SIZE] [-p FOLDER] FILE or FOLDER or -...\n"
			"-c: command line of the kernel, with crashkernel=, instead of the log's\n"
			"-i: size of the next kernel's initrd, such as 40M, instead of the log's\n"
			"-k: memory that the next kernel takes, instead of what the log's takes, or 64M\n"
			"-p: of one file: write FOLDER/base and FOLDER/patched for lab/picture\n"
			"status 1: something fails, with a stock kernel or with ours\n",
			argv[0]);
		return 2;
	}
	files_collect(argv + optind, picture);
	counts = files_share(sizeof(*counts));
	rc = files_run(look, &unread);
	printf("\n%u map%s: something fails with a stock kernel in %u, with ours in %u", counts->maps, counts->maps == 1 ? "" : "s",
	       counts->base, counts->ours);
	if (counts->wrong)
		printf("; %u WRONG: the kernel's own code says otherwise", counts->wrong);
	if (unread)
		printf("; %u file%s not read, or not in full", unread, unread == 1 ? "" : "s");
	printf("\n");
	if (counts->wrong)
		return 3;
	return rc ?: counts->base || counts->ours;
}
