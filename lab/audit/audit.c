// SPDX-License-Identifier: GPL-2.0-only
/*
 * Look at the page tables of a Linux guest from outside, early in its boot.
 *
 * The guest is stopped through QEMU's gdb stub at the entry of a kernel
 * function. Its page tables are then walked from CR3 in the file that backs
 * its RAM. Of the kernel's own words only struct memblock is used, and the
 * variables that say where its regions start.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "gdb.h"
#include "lab.h"

const char *tool_name = "audit";

static const char usage[] =
"usage: audit --gdb SOCKET --ram FILE --vmlinux FILE [options]\n"
"       audit compare A B [options]		(see audit compare --help)\n"
"\n"
"Stop a guest at the entry of kernel functions, walk its page tables from CR3\n"
"in the file that backs its RAM, and check them. QEMU needs\n"
"  -machine pc|q35,memory-backend=ram\n"
"  -object memory-backend-file,id=ram,size=SIZE,mem-path=FILE,share=on\n"
"  -gdb unix:SOCKET,server=on,wait=off -S\n"
"and the guest a kernel at its link address: nokaslr, or a PV dom0.\n"
"x86-64 guests with 4 or 5 levels, i386 guests with 3 (PAE) or 2; QEMU is\n"
"qemu-system-x86_64 for both.\n"
"\n"
"  --gdb SOCKET        QEMU's gdb stub; waits for it to appear\n"
"  --ram FILE          RAM file; again for each further NUMA node, in order\n"
"  --vmlinux FILE      unstripped kernel\n"
"  --machine pc|q35    how QEMU splits RAM at 4 GB (default pc)\n"
"  --low-mem BYTES     the same, by the RAM below 4 GB\n"
"  --high-mem BYTES    where RAM goes on (default 4 GB)\n"
"  --stop NAME=SYMBOL  stop at SYMBOL, call it phase NAME; again for more.\n"
"                      Default: direct_map=cpu_init_replace_early_idt and\n"
"                      all=mm_core_init\n"
"  --facts FILE        phase, metric, value\n"
"  --tables FILE       every table page: level, pfn, mfn, va served, region\n"
"  --ranges FILE       memblock's ranges, the kernel image, crash kernels\n"
"  --leaves FILE       all leaf mappings in canonical form, for compare\n"
"  --poke writable     sabotage (undone after the check), Xen PV: make one live\n"
"                      table writable\n"
"  --poke pte          flip NX of one leaf of the direct map, of a free page;\n"
"                      RW where entries have no NX\n"
"  --poke pfn          flip a bit of its frame number\n"
"  --poke unreserved   take tables out of memblock.reserved\n"
"  --poke-phase NAME   at which stop (default: the first stop)\n"
"  --refuse KIND       audit nothing: spoil a request of early_pgt_pv.c, an entry,\n"
"                      a link, or of the m2p table, so that Xen refuses it\n"
"  --image FILE        audit nothing: follow a kernel that is loaded for kexec, check\n"
"                      its identity map, and a crash kernel's protection\n"
"  --kill              end QEMU after the last stop (default: let it go on)\n"
"  --timeout SECONDS   for everything together (default 120)\n"
"\n"
"Sabotage is undone after the check: the guest goes on undisturbed.\n"
"\n"
"Checks, at each stop:\n"
"  - every table lies in RAM and serves one level only\n"
"  - every table is reserved in memblock, or part of the kernel image and brk\n"
"  - Xen PV: no live table has a writable mapping, at any address\n"
"Xen's own slots (256..271 of the top level) are left out.\n"
"\n"
"Exit status: 0 all checks passed, 1 a check failed, 2 could not measure.\n";

#define MAX_STOPS	8

struct stop {
	const char *name, *symbol;
	uint64_t va;
	bool done;
};

static void audit(struct audit *a, const char *poke_how)
{
	unsigned int failed_before = a->nr_failures;
	double start = now();

	locate(a->g);
	read_memblocks(a->g);
	collect_tables(a);
	if (poke_how)
		poke(a, poke_how);
	check_owners(a);
	check_leaves(a);
	report_all(a);
	undo_poke(a->g);
	report_verdict(a, failed_before, now() - start);
}

/* Let the guest run to one of the stops that are left, in whatever order. */
static struct stop *next_stop(struct stop *stops, int nr, double deadline, double timeout)
{
	const char *expected;
	uint64_t rip;
	int i;

	for (i = 0; stops[i].done; i++)
		;
	expected = stops[i].symbol;
	switch (gdb_continue(deadline, expected)) {
	case GDB_GONE:
		die("the guest ended before %s was reached: see its console", expected);
	case GDB_TIMEOUT:
		die("%s was not reached within %.0f s: see the guest's console", expected, timeout);
	case GDB_STOPPED:
		break;
	}
	rip = gdb_register("rip");
	for (i = 0; i < nr; i++)
		if (!stops[i].done && stops[i].va == rip)
			return &stops[i];
	die("the guest stopped at %#" PRIx64 " instead of %s", rip, expected);
}

static bool kill_it;

static void at_exit(void)
{
	gdb_release(kill_it);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "gdb", required_argument, NULL, 'g' },
		{ "ram", required_argument, NULL, 'r' },
		{ "vmlinux", required_argument, NULL, 'v' },
		{ "machine", required_argument, NULL, 'm' },
		{ "low-mem", required_argument, NULL, 'l' },
		{ "high-mem", required_argument, NULL, 'H' },
		{ "stop", required_argument, NULL, 's' },
		{ "facts", required_argument, NULL, 'F' },
		{ "tables", required_argument, NULL, 'T' },
		{ "ranges", required_argument, NULL, 'R' },
		{ "leaves", required_argument, NULL, 'L' },
		{ "poke", required_argument, NULL, 'p' },
		{ "poke-phase", required_argument, NULL, 'P' },
		{ "refuse", required_argument, NULL, 'x' },
		{ "image", required_argument, NULL, 'I' },
		{ "kill", no_argument, NULL, 'k' },
		{ "timeout", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	static struct guest guest;
	static struct stop stops[MAX_STOPS];
	struct audit a = { .g = &guest };
	const char *gdb = NULL, *vmlinux = NULL, *machine = "pc", *poke_how = NULL;
	const char *poke_phase = NULL, *refuse = NULL, *image = NULL;
	char *rams[16], *end;
	int nr_stops = 0, nr_rams = 0, c, i, left;
	double timeout = 120, deadline;
	uint64_t low = 0, high = 4 * GB, any;

	if (argc > 1 && !strcmp(argv[1], "compare"))
		return compare_main(argc - 1, argv + 1);

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'g':
			gdb = optarg;
			break;
		case 'r':
			if (nr_rams == 16)
				die("--ram: at most 16 files");
			rams[nr_rams++] = optarg;
			break;
		case 'v':
			vmlinux = optarg;
			break;
		case 'm':
			machine = optarg;
			break;
		case 'l':
			low = strtoull(optarg, &end, 0);
			if (*end || !low || low % PAGE)
				die("--low-mem %s: a number of bytes, in pages, is needed", optarg);
			break;
		case 'H':
			high = strtoull(optarg, &end, 0);
			if (*end || high < 4 * GB || high % PAGE)
				die("--high-mem %s: a number of bytes, in pages, 4 GB or more, is needed", optarg);
			break;
		case 's':
			if (nr_stops == MAX_STOPS)
				die("--stop: at most %d", MAX_STOPS);
			end = strchr(optarg, '=');
			if (!end || end == optarg || !end[1])
				die("--stop %s: NAME=SYMBOL is needed", optarg);
			*end = '\0';
			stops[nr_stops].name = optarg;
			stops[nr_stops++].symbol = end + 1;
			break;
		case 'F':
			a.facts_file = create(optarg, "# phase\tmetric\tvalue\n");
			break;
		case 'T':
			a.tables_file = create(optarg,
					       "# phase\tlevel\tpfn\tmfn\tva\tregion\towner\n");
			break;
		case 'R':
			a.ranges_file = create(optarg, "# phase\tkind\tstart\tend\tflags\n");
			break;
		case 'L':
			a.leaves_file = create(optarg, LEAF_HEADER);
			break;
		case 'p':
			poke_how = optarg;
			if (strcmp(poke_how, "writable") && strcmp(poke_how, "pte") &&
			    strcmp(poke_how, "pfn") && strcmp(poke_how, "unreserved"))
				die("--poke %s: known are writable, pte, pfn and unreserved", optarg);
			break;
		case 'P':
			poke_phase = optarg;
			break;
		case 'k':
			kill_it = true;
			break;
		case 'x':
			refuse = optarg;
			if (strcmp(refuse, "entry") && strcmp(refuse, "link") && strcmp(refuse, "m2p"))
				die("--refuse %s: known are entry, link and m2p", refuse);
			break;
		case 'I':
			image = optarg;
			break;
		case 't':
			timeout = strtod(optarg, &end);
			if (*end || timeout <= 0)
				die("--timeout %s: a number of seconds is needed", optarg);
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_OK;
		default:
			fputs("Try audit --help.\n", stderr);
			return EXIT_ENV;
		}
	}
	if (!gdb || !nr_rams || !vmlinux || optind != argc) {
		fputs(usage, stderr);
		return EXIT_ENV;
	}
	deadline = now() + timeout;
	atexit(at_exit);
	guest.kernel = elf_open_any(vmlinux);
	guest.word = elf_word(guest.kernel);
	if (!nr_stops) {
		/* Up to 6.8, and up to 6.3, the latter. */
		stops[nr_stops++] = (struct stop) { .name = "direct_map", .symbol =
			elf_symbol(guest.kernel, "cpu_init_replace_early_idt", &any) ?
			"cpu_init_replace_early_idt" : "idt_setup_early_pf" };
		stops[nr_stops++] = (struct stop) { .name = "all", .symbol =
			elf_symbol(guest.kernel, "mm_core_init", &any) ? "mm_core_init" : "mem_init" };
	}
	for (i = 0; i < nr_stops; i++)
		stops[i].va = elf_need(guest.kernel, stops[i].symbol);
	if (!poke_phase)
		poke_phase = stops[0].name;

	gdb_connect(gdb, deadline);
	/* QEMU has made the RAM file by now. */
	open_ram(&guest, rams, nr_rams, machine, low, high);
	if (refuse) {
		spoil_request(&guest, refuse, deadline);
		gdb_detach();
		return EXIT_OK;
	}
	if (image) {
		audit_image(&a, image, deadline);
		gdb_detach();
		return a.nr_failures ? EXIT_CHECK : EXIT_OK;
	}
	for (i = 0; i < nr_stops; i++)
		gdb_breakpoint(stops[i].va, true);

	for (left = nr_stops; left; left--) {
		struct stop *stop = next_stop(stops, nr_stops, deadline, timeout);

		guest.phase = stop->name;
		audit(&a, poke_how && !strcmp(poke_phase, guest.phase) ? poke_how : NULL);
		stop->done = true;
		gdb_breakpoint(stop->va, false);
	}

	finish(a.facts_file);
	finish(a.tables_file);
	finish(a.ranges_file);
	finish(a.leaves_file);
	if (kill_it) {
		/* A counting plugin ends its phase on the instruction here. */
		gdb_step(deadline);
		gdb_kill();
	} else {
		gdb_detach();
	}
	if (a.nr_failures)
		warn_line("%u checks failed, the first: %s", a.nr_failures, a.first_failure);
	return a.nr_failures ? EXIT_CHECK : EXIT_OK;
}
