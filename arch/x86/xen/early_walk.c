// SPDX-License-Identifier: GPL-2.0-only
/* Walk page tables that Xen provides, before there is a direct map. */

#include <linux/init.h>
#include <linux/pgtable.h>

#include <asm/early_ioremap.h>
#include <asm/page.h>

#include "xen-ops.h"

/**
 * xen_early_walk - walk page tables that may not be in the direct map
 * @vaddr:  virtual address
 * @tables: returns the physical addresses of the tables on the way, by level
 * @val:    returns the value of the last entry found
 *
 * Return: the level of the last entry's table: PG_LEVEL_4K, or higher if there
 * is a large page, or nothing.
 */
unsigned int __init xen_early_walk(unsigned long vaddr, phys_addr_t *tables,
				   pteval_t *val)
{
	phys_addr_t table = read_cr3_pa();
	unsigned int level;

	for (level = PG_LEVEL_512G; ; level--) {
		unsigned int slot = vaddr >> (PAGE_SHIFT + (level - 1) * PTE_SHIFT);
		phys_addr_t entry = table + slot % PTRS_PER_PTE * sizeof(pteval_t);
		pteval_t *map;

		tables[level] = table;
		map = early_memremap_ro(entry, sizeof(*map));
		*val = pte_val(native_make_pte(*map));
		early_memunmap(map, sizeof(*map));

		if (level == PG_LEVEL_4K || !(*val & _PAGE_PRESENT) || *val & _PAGE_PSE)
			return level;
		table = *val & PTE_PFN_MASK;
	}
}
