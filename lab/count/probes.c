// SPDX-License-Identifier: GPL-2.0-only
/*
 * Write the probes file of count.so: what to count in a Linux boot, natively
 * or as a PV dom0.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lab.h"

const char *tool_name = "probes";

/* Xen's virtual range for its own code: text, and the stubs at its end. */
#define XEN_START	0xffff82d040000000ULL
#define XEN_END		0xffff82d080000000ULL
#define KERNEL_START	0xffffffff80000000ULL
#define KERNEL_END	0xffffffffffffffffULL

static const char usage[] =
"usage: probes VMLINUX [XEN_SYMS [pvh]] > FILE\n"
"\n"
"Write the probes file of count.so for a kernel booted as PV dom0 under the\n"
"Xen of XEN_SYMS (unstripped, such as /usr/lib/debug/boot/xen-syms-*), or,\n"
"without XEN_SYMS, natively with \"nokaslr\"; with pvh, as PVH dom0.\n"
"\n"
"phases   all         xen_start_kernel (native, PVH: start_kernel) .. mm_core_init\n"
"         direct_map  init_mem_mapping .. cpu_init_replace_early_idt\n"
"         vmemmap     sparse_init .. mm_core_init; with vmemmap, p2m and remap\n"
"         build       Xen's construct_dom0 .. the start of all\n"
"         tsc         PVH: tsc_early_init .. insert_resource: calibration of the TSC\n"
"metrics  hypercalls_entered    entries of Xen's pv_hypercall: all of them, with\n"
"                               continuations, which enter again; PVH: hvm_hypercall\n"
"         hypercalls_issued     entries of the kernel's xen_hypercall_pv; PVH:\n"
"                               xen_hypercall_amd\n"
"         vmexits               PVH: Xen's svm_vmexit_handler\n"
"         nested_page_faults    PVH: Xen's hvm_hap_nested_page_fault\n"
"         continuations         Xen's hypercall_create_continuation\n"
"         emulated_writes       writes into live page tables that Xen emulated\n"
"                               (ptwr_emulated_update)\n"
"         xen_page_faults       Xen's do_page_fault\n"
"         injected_events       faults Xen handed on to the guest\n"
"         pte_validations       Xen's get_page_from_l1e\n"
"         kernel_instructions   executed at 0xffffffff80000000 and above\n"
"         xen_instructions      executed in Xen's text and stubs\n"
"Symbols that don't exist are left out, with a note; those that the first\n"
"four need are errors.\n";

/* First of the names that exists. */
static bool any_symbol(const struct elf *elf, const char *const *names, uint64_t *addr)
{
	for (; *names; names++)
		if (elf_symbol(elf, *names, addr))
			return true;
	return false;
}

/* What is counted of a domain: entries of functions of Xen, or of the kernel. */
struct probe {
	const char *metric, *symbol;
	enum { NEED = 1, KERNEL = 2 } flags;
};

static const struct probe pv[] = {
	{ "hypercalls_entered", "pv_hypercall", NEED },
	{ "hypercalls_issued", "xen_hypercall_pv", KERNEL | NEED },
	{ "continuations", "hypercall_create_continuation", 0 },
	{ "emulated_writes", "ptwr_emulated_update", NEED },
	{ "xen_page_faults", "do_page_fault", 0 },
	{ "injected_events", "pv_inject_event", 0 },
	{ "pte_validations", "get_page_from_l1e", 0 },
	{ NULL, NULL, 0 }
};

static const struct probe pvh[] = {
	{ "hypercalls_entered", "hvm_hypercall", NEED },
	{ "hypercalls_issued", "xen_hypercall_amd", KERNEL },
	{ "vmexits", "svm_vmexit_handler", NEED },
	{ "nested_page_faults", "hvm_hap_nested_page_fault", 0 },
	{ NULL, NULL, 0 }
};

static void entry(const struct elf *elf, const char *metric, const char *symbol, bool need)
{
	uint64_t addr;

	if (need) {
		addr = elf_need(elf, symbol);
	} else if (!elf_symbol(elf, symbol, &addr)) {
		printf("note no %s: symbol %s does not exist\n", metric, symbol);
		return;
	}
	printf("entry %s %" PRIx64 "\n", metric, addr);
}

int main(int argc, char **argv)
{
	/* mm_core_init() was mm_init() up to 6.3, which may be inlined, and begins with mem_init(). */
	static const char *const core_init[] = { "mm_core_init", "mm_init", "mem_init", NULL };
	/* The first thing after init_mem_mapping(), up to 6.8 the latter. */
	static const char *const mapped[] = { "cpu_init_replace_early_idt", "idt_setup_early_pf", NULL };
	const struct probe *probe;
	struct elf *kernel, *xen = NULL;
	uint64_t begin, end, start;

	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		fputs(usage, stdout);
		return EXIT_OK;
	}
	if (argc < 2 || argc > 4 || (argc == 4 && strcmp(argv[3], "pvh")) || argv[1][0] == '-') {
		fputs(usage, stderr);
		return EXIT_ENV;
	}
	kernel = elf_open(argv[1]);
	if (argc > 2)
		xen = elf_open(argv[2]);

	if (!any_symbol(kernel, core_init, &end))
		die("%s: neither mm_core_init nor mm_init nor mem_init exists", argv[1]);

	printf("range kernel_instructions %llx %llx\n", KERNEL_START, KERNEL_END);
	if (xen) {
		printf("range xen_instructions %llx %llx\n", XEN_START, XEN_END);
		probe = argc == 4 ? pvh : pv;
		start = elf_need(xen, probe->symbol);
		if (start < XEN_START || start >= XEN_END)
			die("%s: %s at %" PRIx64 " is not where Xen's text belongs",
			    argv[2], probe->symbol, start);
		for (; probe->metric; probe++)
			entry(probe->flags & KERNEL ? kernel : xen, probe->metric, probe->symbol,
			      probe->flags & NEED);
	}

	begin = elf_need(kernel, argc == 3 ? "xen_start_kernel" : "start_kernel");
	printf("phase all %" PRIx64 " %" PRIx64 "\n", begin, end);
	if (!any_symbol(kernel, mapped, &start))
		die("%s: neither cpu_init_replace_early_idt nor idt_setup_early_pf exists", argv[1]);
	printf("phase direct_map %" PRIx64 " %" PRIx64 "\n",
	       elf_need(kernel, "init_mem_mapping"), start);
	if (elf_symbol(kernel, "sparse_init", &start))
		printf("phase vmemmap %" PRIx64 " %" PRIx64 "\n", start, end);
	else
		puts("note no phase vmemmap: symbol sparse_init does not exist");
	if (xen && elf_symbol(xen, "construct_dom0", &start))
		printf("phase build %" PRIx64 " %" PRIx64 "\n", start, begin);
	else if (xen)
		puts("note no phase build: symbol construct_dom0 does not exist");
	if (argc == 4)
		printf("phase tsc %" PRIx64 " %" PRIx64 "\n", elf_need(kernel, "tsc_early_init"),
		       elf_need(kernel, "insert_resource"));

	elf_close(kernel);
	if (xen)
		elf_close(xen);
	if (fflush(stdout) || ferror(stdout))
		die("standard output: cannot write");
	return EXIT_OK;
}
