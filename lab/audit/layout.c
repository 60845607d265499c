// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where things are in a stopped guest: mode of paging, top table, kernel image,
 * and the regions of the kernel's address space. Of the kernel's own words only
 * the variables are used that say where its regions start.
 */
#include <inttypes.h>
#include <string.h>

#include "gdb.h"
#include "guest.h"
#include "lab.h"

#define CR0_PG		(1ULL << 31)
#define CR3_PAE_LOW	0xfe0ULL	/* where in its page the top table is */
#define CR4_PSE		(1ULL << 4)
#define CR4_PAE		(1ULL << 5)
#define CR4_LA57	(1ULL << 12)

#define KERNEL_MAP	0xffffffff80000000ULL

/* i386: what is left free above the direct map, VMALLOC_OFFSET. */
#define VMALLOC_GAP	(8 * MB)

const char *const region_name[NR_REGIONS] = {
	[R_TOP] = "top", [R_LOW] = "low", [R_DIRECT_MAP] = "direct_map",
	[R_VMALLOC] = "vmalloc", [R_P2M] = "p2m", [R_VMEMMAP] = "vmemmap",
	[R_KASAN] = "kasan", [R_CPU_ENTRY] = "cpu_entry", [R_ESPFIX] = "espfix",
	[R_EFI] = "efi", [R_KERNEL] = "kernel", [R_MODULES] = "modules",
	[R_FIXMAP] = "fixmap", [R_OTHER] = "other",
};

static const struct mode mode_5level = { 5, NR_ENTRIES, 9, 8, 3, true, PTE_ADDR };
static const struct mode mode_4level = { 4, NR_ENTRIES, 9, 8, 3, true, PTE_ADDR };
static const struct mode mode_pae = { 3, 4, 9, 8, 2, false, PTE_ADDR };
/* i386 without PAE: with pages of 4 MB, and where the processor has none. */
static const struct mode mode_pse = { 2, 1024, 10, 4, 2, true, PTE_ADDR_32 };
static const struct mode mode_i386 = { 2, 1024, 10, 4, 1, true, PTE_ADDR_32 };

static enum region region_of_i386(const struct guest *g, uint64_t va)
{
	if (va < g->direct_base)
		return R_LOW;
	if (va < g->direct_end)
		return R_DIRECT_MAP;
	if (va >= g->fixmap_base)
		return R_FIXMAP;
	return va >= g->vmalloc_base ? R_VMALLOC : R_OTHER;
}

/** region_of() - which part of the kernel's address space an address is in */
enum region region_of(const struct guest *g, uint64_t va)
{
	if (g->word == 4)
		return region_of_i386(g, va);
	if (g->p2m_end && va >= g->p2m_start && va < g->p2m_end)
		return R_P2M;
	if (va < 1ULL << 63)
		return R_LOW;
	if (va >= g->direct_base && va < g->vmalloc_base)
		return R_DIRECT_MAP;
	if (va >= g->vmalloc_base && va < g->vmemmap_base)
		return R_VMALLOC;
	if (va >= 0xffffffffff000000ULL)
		return R_FIXMAP;
	if (va >= KERNEL_MAP)
		return va >= 0xffffffffc0000000ULL ? R_MODULES : R_KERNEL;
	if (va >= 0xffffffef00000000ULL)
		return R_EFI;
	if (va >= 0xffffff0000000000ULL)
		return R_ESPFIX;
	if (va >= 0xfffffe0000000000ULL)
		return R_CPU_ENTRY;
	/* struct page is 64 bytes: 1/64 of the direct map's space. */
	if (va >= g->vmemmap_base && va < g->vmemmap_base + (1ULL << (g->mode->levels == 5 ? 49 : 40)))
		return R_VMEMMAP;
	if (va >= 0xffdf000000000000ULL)
		return R_KASAN;
	return R_OTHER;
}

/* Is it the kernel we were told, or are all symbols wrong? */
static void check_kernel(const struct guest *g)
{
	uint64_t va = elf_need(g->kernel, "linux_banner");
	char want[80], have[80];
	size_t len;

	if (!elf_bytes(g->kernel, va, want, sizeof(want)))
		die("vmlinux: no contents for linux_banner");
	len = strnlen(want, sizeof(want));
	if (!read_virt(g, va, have, len) || memcmp(want, have, len))
		die("the guest runs another kernel than --vmlinux (linux_banner differs), "
		    "or not at its link address (nokaslr missing?)");
	/* The version is the same for many builds: compare code that is never freed, too. */
	va = elf_need(g->kernel, "memparse");
	if (elf_bytes(g->kernel, va, want, 64) &&
	    (!read_virt(g, va, have, 64) || memcmp(want, have, 16)))
		die("the guest runs another build than --vmlinux (code of memparse differs)");
}

static void locate_x86_64(struct guest *g)
{
	bool la57 = g->mode->levels == 5;

	g->direct_base = variable(g, "page_offset_base", la57 ? 0xff11000000000000ULL :
				  0xffff888000000000ULL);
	g->vmalloc_base = variable(g, "vmalloc_base", la57 ? 0xffa0000000000000ULL :
				   0xffffc90000000000ULL);
	g->vmemmap_base = variable(g, "vmemmap_base", la57 ? 0xffd4000000000000ULL :
				   0xffffea0000000000ULL);
	g->direct_end = g->vmalloc_base;
	g->p2m_start = g->p2m_end = 0;
	if (g->xen_pv) {
		g->p2m_start = variable(g, "xen_p2m_addr", 0);
		g->p2m_end = g->p2m_start + 8 * variable(g, "xen_p2m_size", 0);
	}
}

/*
 * The kernel is part of the direct map, so that PAGE_OFFSET follows from where
 * it is. What is above vmalloc depends on many options: its start is that of
 * pkmap, where the kernel has set that up. Before, nothing is in vmalloc, either.
 */
static void locate_i386(struct guest *g, uint64_t page_offset)
{
	uint64_t pkmap = variable(g, "pkmap_page_table", 0), va;

	g->direct_base = page_offset;
	g->direct_end = g->direct_base + variable(g, "max_low_pfn", 0) * PAGE;
	g->vmalloc_base = g->direct_end + VMALLOC_GAP;
	g->fixmap_base = g->vmalloc_base;
	if (g->direct_end == g->direct_base || g->direct_end > 4 * GB)
		die("%s: max_low_pfn makes a direct map of %#" PRIx64 "-%#" PRIx64, g->phase,
		    g->direct_base, g->direct_end);
	for (va = g->direct_end & ~(level_size(g, 2) - 1); pkmap && va < 4 * GB;
	     va += level_size(g, 2)) {
		struct found f = find_entry(g, g->top_mfn, va);

		if (f.level == 1 && phys(g, virt_to_phys(g, pkmap)) == f.at) {
			g->fixmap_base = va;
			return;
		}
	}
	if (pkmap)
		die("%s: pkmap_page_table is no table in use", g->phase);
}

/**
 * locate() - find page tables, kernel image and address space of a stopped guest
 *
 * Exits if RAM file or vmlinux are not those of the guest.
 */
void locate(struct guest *g)
{
	uint64_t cr3 = gdb_register("cr3"), cr4 = gdb_register("cr4");
	uint64_t text = elf_need(g->kernel, "_text"), pa, end, any;
	int size;

	if (!(gdb_register("cr0") & CR0_PG))
		die("%s: paging is off", g->phase);
	/* A PV kernel runs in ring 3. */
	g->xen_pv = gdb_register("cs") & 3;
	if (g->word == 8)
		g->mode = cr4 & CR4_LA57 ? &mode_5level : &mode_4level;
	else if (cr4 & CR4_PAE)
		g->mode = &mode_pae;
	else
		g->mode = cr4 & CR4_PSE ? &mode_pse : &mode_i386;
	if (g->mode == &mode_pae && (cr3 & CR3_PAE_LOW))
		die("%s: CR3 %#" PRIx64 ": the top table does not start a page: stop earlier", g->phase,
		    cr3);
	g->hw_top_mfn = (cr3 & g->mode->addr) / PAGE;
	g->top_mfn = g->hw_top_mfn;
	check_ram(g);
	check_kernel(g);

	if (g->xen_pv && mfn_to_pfn(g, g->hw_top_mfn) == NO_PFN) {
		/*
		 * With XPTI CR3 holds a copy that belongs to Xen: walk the
		 * original instead, and make sure that it is the original.
		 */
		uint64_t *copy = phys(g, g->hw_top_mfn * PAGE), *orig;
		struct found f = find_entry(g, g->hw_top_mfn, elf_need(g->kernel, "init_top_pgt"));
		int i;

		if (f.level != 1)
			die("%s: CR3 is Xen's own table, and init_top_pgt is not mapped", g->phase);
		g->top_mfn = (f.e & g->mode->addr) / PAGE;
		orig = phys(g, g->top_mfn * PAGE);
		for (i = 0; orig && i < NR_ENTRIES; i++)
			if (!xens_slot(g, g->mode->levels, i) &&
			    ((copy[i] ^ orig[i]) & ~(PTE_ACCESSED | PTE_DIRTY)))
				die("%s: CR3 is Xen's own table, and not a copy of init_top_pgt", g->phase);
	}

	pa = virt_to_phys(g, text);
	if (pa == UINT64_MAX)
		die("%s: _text is not mapped", g->phase);
	pa = mfn_to_pfn(g, pa / PAGE) * PAGE;
	end = (elf_need(g->kernel, "_end") + PAGE - 1) & ~(PAGE - 1);
	g->image = (struct range) { pa, pa + end - text, 0 };
	size = 2 * g->mode->entry_size + (elf_symbol(g->kernel, "node_data", &any) ? 8 : 4);
	g->memblock_region_size = (size + g->word - 1) / g->word * g->word;
	if (g->word == 4)
		locate_i386(g, text - pa);
	else
		locate_x86_64(g);

	if (g->xen_pv && !g->located) {
		/* Before the kernel's clean-up, which ends with init data. */
		g->builder.start = variable(g, "xen_pt_base", 0);
		g->builder.end = g->builder.start + variable(g, "xen_pt_size", 0);
	}
	g->located = true;
}
