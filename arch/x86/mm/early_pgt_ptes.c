// SPDX-License-Identifier: GPL-2.0-only
/*
 * Early page tables: PTE tables of mappings other than the direct map, filled
 * before they are linked.
 *
 * One table is under construction at a time. It is linked when another one is
 * begun. Links to it may be collected until early_pgt_finish_ptes().
 */

#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/pgtable.h>

#include <asm/dma.h>
#include <asm/early_pgt.h>

/* The table under construction, and what it is going to map. */
static struct {
	pte_t *table;
	pmd_t *pmd;
	unsigned long addr;
} fresh __initdata;

/**
 * early_pgt_link - link a PTE table that is complete
 * @pmd:   clear entry of a live table
 * @table: the PTE table, under construction or live
 *
 * The link is there not later than after early_pgt_finish_ptes().
 *
 * Context: boot, until the memory allocators are up.
 */
void __init early_pgt_link(pmd_t *pmd, pte_t *table)
{
	early_pgt_area.building = true;
	set_pmd(pmd, __pmd(__pa(table) | _PAGE_TABLE));
	early_pgt_area.building = false;
}

static void __init link_fresh(void)
{
	if (!fresh.table)
		return;
	early_pgt_link(fresh.pmd, fresh.table);
	early_pgt_area.start = 0;
	early_pgt_area.end = 0;
	fresh.table = NULL;
}

/**
 * early_pgt_ptes - get PTEs that can be filled with plain stores
 * @pmd:  entry of a live table
 * @addr: virtual address to map, in the range of @pmd
 * @node: NUMA node to allocate the table from
 *
 * Context: boot, until the memory allocators are up. Calls for ascending
 * addresses need the least of early_pgt_finish_ptes().
 * Return: the PTE for @addr, in a table that is under construction until the
 * next call for another one; NULL if @pmd has a live table, or if there is no
 * memory.
 */
pte_t * __init early_pgt_ptes(pmd_t *pmd, unsigned long addr, int node)
{
	if (!fresh.table || fresh.pmd != pmd) {
		link_fresh();
		if (addr < fresh.addr)
			early_pgt_finish_ptes();
		if (!pmd_none(*pmd))
			return NULL;

		fresh.table = memblock_alloc_try_nid(PAGE_SIZE, PAGE_SIZE,
						     __pa(MAX_DMA_ADDRESS),
						     MEMBLOCK_ALLOC_ACCESSIBLE, node);
		if (!fresh.table)
			return NULL;
		fresh.pmd = pmd;
		early_pgt_area.start = (unsigned long)fresh.table;
		early_pgt_area.end = early_pgt_area.start + PAGE_SIZE;
	}

	fresh.addr = addr;
	return fresh.table + pte_index(addr);
}

/**
 * early_pgt_finish_ptes - make all tables of early_pgt_ptes() live
 *
 * Context: boot, until the memory allocators are up.
 */
void __init early_pgt_finish_ptes(void)
{
	link_fresh();
	early_pgt_publish();
	fresh.addr = 0;
}

#ifdef CONFIG_SPARSEMEM_VMEMMAP
/**
 * early_pgt_vmemmap - map a part of the memory map with 4 KB pages
 * @start: virtual address, page aligned
 * @end:   past the last byte, page aligned
 * @node:  NUMA node to allocate from
 *
 * To be followed by early_pgt_finish_ptes() before the memory map is used.
 *
 * Context: boot, until the memory allocators are up.
 * Return: 0, or -ENOMEM.
 */
int __init early_pgt_vmemmap(unsigned long start, unsigned long end, int node)
{
	unsigned long addr, next, size;

	for (addr = start; addr < end; addr = next) {
		pgd_t *pgd = vmemmap_pgd_populate(addr, node);
		p4d_t *p4d = pgd ? vmemmap_p4d_populate(pgd, addr, node) : NULL;
		pud_t *pud = p4d ? vmemmap_pud_populate(p4d, addr, node) : NULL;
		pte_t *pte;
		void *p;

		if (!pud)
			return -ENOMEM;

		next = pmd_addr_end(addr, end);
		pte = early_pgt_ptes(pmd_offset(pud, addr), addr, node);
		if (!pte) {
			if (vmemmap_populate_basepages(addr, next, node, NULL))
				return -ENOMEM;
			continue;
		}

		/* In one piece, if there is one. */
		size = next - addr;
		p = size == PMD_SIZE ? vmemmap_alloc_block_buf(size, node, NULL) : NULL;
		for (; addr < next; addr += size, pte += PFN_DOWN(size)) {
			if (!p) {
				size = PAGE_SIZE;
				p = vmemmap_alloc_block_buf(size, node, NULL);
			}
			if (!p)
				return -ENOMEM;
			early_pgt_ops.fill_ptes(pte, PFN_DOWN(__pa(p)), PFN_DOWN(size),
						PAGE_KERNEL);
			vmemmap_verify(pte, node, addr, addr + size);
			p = NULL;
		}
	}
	return 0;
}
#endif /* CONFIG_SPARSEMEM_VMEMMAP */
