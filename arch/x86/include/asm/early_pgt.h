/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_X86_EARLY_PGT_H
#define _ASM_X86_EARLY_PGT_H

/*
 * Who may write an early page table, and how: see
 * Documentation/arch/x86/early-pgt.rst.
 */

#ifndef __ASSEMBLY__

#include <linux/types.h>

#include <asm/pgtable_types.h>

/**
 * struct early_pgt_area - the tables under construction
 * @start:    virtual address of the first table handed out, but not live yet
 * @end:      virtual address past the last one
 * @building: a chunk is being mapped: early_pgt_ops.publish() will be called,
 *            so changes of live tables may be collected until then
 *
 * The tables in [@start, @end) can't be reached from CR3: they are ordinary
 * memory, to be written with plain stores. @start == @end: there is none.
 */
struct early_pgt_area {
	unsigned long start;
	unsigned long end;
	bool building;
};

extern struct early_pgt_area early_pgt_area;

/**
 * early_pgt_under_construction - is this table, or entry, not live yet?
 * @entry: virtual address in the direct map of a table or of an entry in it
 *
 * Context: boot, until the memory allocators are up.
 * Return: true if plain stores to @entry are fine on every platform.
 */
static inline bool early_pgt_under_construction(const void *entry)
{
	return (unsigned long)entry - early_pgt_area.start <
	       early_pgt_area.end - early_pgt_area.start;
}

/**
 * struct early_pgt_ops - what differs between platforms
 * @fill_ptes: fill @nr entries, all in one table under construction, with the
 *             page frames from @pfn on
 * @protect:   tables under construction are from now on written as live ones: the
 *             next one will be elsewhere
 * @publish:   make all tables under construction live, and all links to them.
 *             Called whenever a range of the direct map is complete
 *
 * Natively a link is live as it is written, and there is nothing to publish.
 */
struct early_pgt_ops {
	void (*fill_ptes)(pte_t *pte, unsigned long pfn, unsigned int nr,
			  pgprot_t prot);
	void (*protect)(void);
	void (*publish)(void);
};

extern struct early_pgt_ops early_pgt_ops;

void early_pgt_begin(void);
void early_pgt_add_tables(void *tables, unsigned int nr);
void early_pgt_publish(void);
void early_pgt_end(void);

/* PTE tables of other mappings, filled before they are linked. */
int early_pgt_vmemmap(unsigned long start, unsigned long end, int node);
pte_t *early_pgt_ptes(pmd_t *pmd, unsigned long addr, int node);
void early_pgt_link(pmd_t *pmd, pte_t *table);
void early_pgt_finish_ptes(void);

#endif /* __ASSEMBLY__ */

#endif /* _ASM_X86_EARLY_PGT_H */
