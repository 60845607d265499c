// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables of the machine, written as arch/x86/mm/init*.c does: the mapping
 * that it starts with, and the direct map.
 */

#include "machine.h"

#include "early_pgt.h"

unsigned long __fast sim_entry_pfn(pteval_t entry)
{
	unsigned long frame = (entry & PTE_PFN_MASK) >> PAGE_SHIFT;

	return sim_xen ? sim_pfn(frame) : frame;
}

/**
 * sim_walk - find the entry that maps an address, or the first that is missing
 * @addr:  virtual address
 * @level: returns the level of the entry
 */
pteval_t *sim_walk(unsigned long addr, unsigned int *level)
{
	unsigned int l = sim.levels;
	pteval_t *e = entry_of(sim_top, addr, l);

	while (l > 1 && *e && !(*e & _PAGE_PSE))
		e = entry_of(table_of(*e), addr, --l);
	*level = l;
	return e;
}

pte_t *lookup_address(unsigned long addr, unsigned int *level)
{
	pteval_t *e = sim_walk(addr, level);

	return *e ? (pte_t *)e : NULL;
}

unsigned int early_pgt_depth(unsigned long addr)
{
	unsigned int level;

	sim_walk(addr, &level);
	return level;
}

pte_t __fast pfn_pte(unsigned long pfn, pgprot_t prot)
{
	return (pte_t) { make_entry(pfn, prot.pgprot) };
}

pteval_t __fast sim_pte_val(pte_t pte)
{
	if (!sim_xen || !(pte.pte & _PAGE_PRESENT))
		return pte.pte;
	return PFN_PHYS(sim_entry_pfn(pte.pte)) | (pte.pte & ~PTE_PFN_MASK);
}

unsigned long read_cr3_pa(void)
{
	return __pa(sim_top);
}

void __fast sim_set_entry(pteval_t *entry, pteval_t val, unsigned int level)
{
	if (!sim_xen) {
		*entry = val;
	} else if (!xen_early_pgt_store(entry, val, level)) {
		struct mmu_update req = { virt_to_machine(entry).maddr, val };

		if (HYPERVISOR_mmu_update(&req, 1, NULL, DOMID_SELF))
			panic("Xen refused a single update: %#llx", (unsigned long long)val);
	}
}

static pteval_t *new_table(unsigned int level)
{
	pteval_t *table = machine.alloc_tables(1);

	clear_page(table);
	sim_new_table(PFN_DOWN(__pa(table)), level);
	return table;
}

static unsigned long __fast map_ptes(pteval_t *table, unsigned long addr, unsigned long end)
{
	pteval_t *e = entry_of(table, (unsigned long)__va(addr), PG_LEVEL_4K);

	for (; !sim.light && addr < end; addr += PAGE_SIZE, e++)
		if (!*e)
			sim_set_entry(e, make_entry(PFN_DOWN(addr), PAGE_KERNEL.pgprot),
				      PG_LEVEL_4K);
	return end;
}

/* As phys_*_init(): one function for all levels. */
static unsigned long map_level(pteval_t *table, unsigned long addr, unsigned long end,
			       unsigned long sizes, unsigned int level)
{
	unsigned long size = page_level_size(level);
	unsigned long last = end, next;

	if (level == PG_LEVEL_4K)
		return map_ptes(table, addr, end);

	for (; addr < end; addr = next) {
		unsigned long va = (unsigned long)__va(addr);
		pteval_t *e = entry_of(table, va, level), *t;

		next = min(end, __pa(round_down(va, size) + size));
		if (*e && !(*e & _PAGE_PSE)) {
			last = map_level(table_of(*e), addr, next, sizes, level - 1);
		} else if (*e) {
			if (!(sizes & BIT(level)))
				sim_fail("large page at %#lx would be split", addr);
			last = round_down(addr, size) + size;
		} else if (sizes & BIT(level) && level <= PG_LEVEL_1G) {
			sim_set_entry(e, make_entry(PFN_DOWN(round_down(addr, size)),
						    PAGE_KERNEL.pgprot | _PAGE_PSE),
				      level);
			last = round_down(addr, size) + size;
		} else {
			if (level == PG_LEVEL_2M && machine.ours) {
				t = (pteval_t *)early_pgt_new_ptes(addr, next, PAGE_KERNEL);
				sim_new_table(PFN_DOWN(__pa(t)), PG_LEVEL_4K);
				last = next;
			} else {
				t = new_table(level - 1);
				last = map_level(t, addr, next, sizes, level - 1);
			}
			sim_set_entry(e, make_entry(PFN_DOWN(__pa(t)),
						    PAGE_KERNEL.pgprot), level);
		}
	}
	return last;
}

unsigned long sim_map_range(unsigned long start, unsigned long end,
			    unsigned long sizes)
{
	return map_level(sim_top, start, end, sizes, sim.levels);
}

struct range pfn_mapped[E820_MAX_ENTRIES];
int nr_pfn_mapped;
unsigned long max_pfn_mapped;

static void add_pfn_range_mapped(unsigned long start_pfn, unsigned long end_pfn)
{
	nr_pfn_mapped = add_range_with_merge(pfn_mapped, E820_MAX_ENTRIES,
					     nr_pfn_mapped, start_pfn, end_pfn);
	nr_pfn_mapped = clean_sort_range(pfn_mapped, E820_MAX_ENTRIES);
	max_pfn_mapped = max(max_pfn_mapped, end_pfn);
}

bool pfn_range_is_mapped(unsigned long start_pfn, unsigned long end_pfn)
{
	int i;

	for (i = 0; i < nr_pfn_mapped; i++)
		if (start_pfn >= pfn_mapped[i].start && end_pfn <= pfn_mapped[i].end)
			return true;
	return false;
}

unsigned long init_memory_mapping(unsigned long start, unsigned long end,
				  pgprot_t prot)
{
	unsigned long addr, next, mask, ret = 0;

	(void)prot;
	for (addr = start; addr < end; addr = next) {
		next = early_pgt_leaf_run(addr, end, sim.sizes, true, &mask);
		early_pgt_begin();
		ret = sim_map_range(addr, next, mask);
		early_pgt_end();
		if (machine.ours && early_pgt_area.start != early_pgt_area.end)
			sim_fail("tables are under construction after early_pgt_publish()");
	}
	add_pfn_range_mapped(PFN_DOWN(start), PFN_DOWN(ret));
	return PFN_DOWN(ret);
}

/**
 * machine_map_kernel - the mapping that a PV guest, or a 32-bit kernel, starts with
 *
 * Its tables are in the kernel, behind the top table.
 */
void machine_map_kernel(void)
{
	unsigned long next = PFN_DOWN(sim.kernel) + 1, pfn, va;
	unsigned int l;

	for (pfn = PFN_DOWN(machine.premap_start); pfn < PFN_DOWN(machine.premap_end); pfn++) {
		pteval_t *e = sim_top, *t = sim_top;

		va = (unsigned long)__va(PFN_PHYS(pfn));
		for (l = sim.levels; l > 1; l--) {
			e = entry_of(t, va, l);
			if (!*e) {
				t = __va(PFN_PHYS(next));
				clear_page(t);
				machine.table_level[next] = l - 1;
				machine.tables[machine.nr_tables++] = next;
				*e = make_entry(next++, PAGE_KERNEL.pgprot);
			}
			t = table_of(*e);
		}
		*entry_of(t, va, 1) = make_entry(pfn, PAGE_KERNEL.pgprot);
	}
	if (next > machine.brk_start)
		sim_fail("the kernel is too small for its tables");

	/* Tables are read-only. */
	for (pfn = PFN_DOWN(sim.kernel); sim_xen && pfn < next; pfn++) {
		pteval_t *e = sim_walk((unsigned long)__va(PFN_PHYS(pfn)), &l);

		if (l == 1 && *e)
			*e &= ~_PAGE_RW;
	}
	for (pfn = sim.p2m; sim_xen && pfn < sim.p2m + sim.nr_p2m; pfn++) {
		pteval_t *e = sim_walk((unsigned long)__va(PFN_PHYS(pfn)), &l);

		if (l == 1 && *e)
			*e &= ~_PAGE_RW;
	}
}

/* Terabytes of PTEs would take gigabytes: just count the tables. */
static void light_fill_ptes(pte_t *pte, unsigned long pfn, unsigned int nr,
			    pgprot_t prot)
{
	(void)pte;
	(void)pfn;
	(void)nr;
	(void)prot;
}

/**
 * sim_bootstrap - bootstrap tables that any machine can do with
 */
unsigned int sim_bootstrap(void)
{
	return 2 * (sim.levels - 1) + (IS_ENABLED(CONFIG_X86_64) ? sim.levels - 3 : 0);
}

/* As init_mem_mapping(). */
void sim_map_ours(void)
{
	unsigned int i;

	early_pgt_ops = sim_xen ? xen_early_pgt_ops : machine.native_ops;
	if (sim.light)
		early_pgt_ops.fill_ptes = light_fill_ptes;
	early_alloc_pgt_buf();
	sim_lock_brk();
	/* So many that all but everything can be mapped: not in the small scope. */
	if (IS_ENABLED(SIM_TINY))
		early_pgt_alloc(machine.brk_next - machine.brk_start - sim_bootstrap());

	init_memory_mapping(0, ISA_END_ADDRESS, PAGE_KERNEL);
	if (sim.kaslr)
		for (i = 3; i < sim.levels; i++)
			early_pgt_alloc(1);
	machine.isa_pfn = pfn_mapped[0].end;
	max_pfn_mapped = 0;

	early_pgt_map_ram(ISA_END_ADDRESS, sim_end, sim.sizes,
			  sim.bottom_up ? sim.split : 0);
}
