// SPDX-License-Identifier: GPL-2.0-only
/*
 * Early page tables on Xen PV: make tables live in batches.
 *
 * The tables of a chunk are built as ordinary memory. Entries of live tables that
 * change meanwhile are queued: those that map the new tables, to make them
 * read-only, and links, which make the new tables live.
 *
 * No early table is pinned for itself. All are reachable from init_top_pgt,
 * which is.
 */

#include <linux/bitops.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/panic.h>
#include <linux/pgtable.h>

#include <asm/early_pgt.h>
#include <asm/page.h>
#include <asm/xen/page.h>

#include "xen-ops.h"

/* Collect what makes the direct mapping of the new tables read-only. */
static void __init protect_tables(void)
{
	/* The entry of the next table, as a rule: they come one by one. */
	static unsigned long va __initdata;
	static pte_t *pte __initdata;
	static u64 maddr __initdata;
	unsigned int level;

	if (va != early_pgt_area.start)
		pte = NULL;

	for (va = early_pgt_area.start; va < early_pgt_area.end; va += PAGE_SIZE) {
		if (!pte || !(va & ~PMD_MASK)) {
			pte = lookup_address(va, &level);
			if (!pte || level != PG_LEVEL_4K)
				panic("Xen: early page table at %#lx isn't mapped by a PTE\n",
				      va);
			maddr = virt_to_machine(pte).maddr;
		}
		xen_early_batch_entry(maddr, native_pte_val(pte_wrprotect(*pte)));
		pte++;
		maddr += sizeof(*pte);
	}

	early_pgt_area.start = early_pgt_area.end;
}

/**
 * xen_early_pgt_store - write an entry of an early page table
 * @entry: virtual address of the entry in the direct map
 * @val:   machine value of the entry
 * @level: level of the table, 1 to 4
 *
 * An entry of a table under construction is written at once, one of a live
 * table when the chunk is published. In between, nobody sees the new value.
 *
 * Return: false if no chunk is being built: it's for the caller to write it.
 */
bool __init xen_early_pgt_store(void *entry, u64 val, unsigned int level)
{
	u64 ptr;

	if (early_pgt_under_construction(entry)) {
		*(u64 *)entry = val;
		return true;
	}

	if (!early_pgt_area.building)
		return false;

	ptr = virt_to_machine(entry).maddr;
	if (level == 1) {
		xen_early_batch_entry(ptr, val);
	} else {
		protect_tables();
		xen_early_batch_link(ptr, val);
	}
	return true;
}

static void __init xen_early_pgt_publish(void)
{
	protect_tables();
	xen_early_batch_issue();
}

/* Make entries read-only that map page frames in [@start, @end). */
static void __init protect_p2m(pte_t *pte, unsigned long pfn, unsigned int nr,
			       unsigned long start, unsigned long end)
{
	unsigned long p;

	for (p = max(pfn, start); p < min(pfn + nr, end); p++)
		pte[p - pfn] = pte_wrprotect(pte[p - pfn]);
}

/*
 * Fill @nr entries from the p2m list. Nearly always, all frames have a machine
 * frame of their own. INVALID, FOREIGN and IDENTITY have one of the two top
 * bits set, which come out at the bottom, next to the flags.
 * Return: false if there is one of these.
 */
static bool __init fill_from_p2m(pte_t *pte, const unsigned long *mfn,
				 unsigned int nr, pteval_t flags)
{
	const pteval_t other = (FOREIGN_FRAME_BIT | IDENTITY_FRAME_BIT) >>
			       (BITS_PER_LONG - PAGE_SHIFT);
	pteval_t all = 0;
	unsigned int i;

	/* Takes 40 % off the instructions of a direct map. */
#pragma GCC unroll 8
	for (i = 0; i < nr; i++) {
		pteval_t val = rol64(mfn[i], PAGE_SHIFT) | flags;

		native_set_pte(pte + i, native_make_pte(val));
		all |= val;
	}

	return !(all & other);
}

/*
 * Look at the list itself: pfn_to_mfn() would look at the tables that map it,
 * too, and these might not be mapped yet.
 */
static pte_t __init early_pte(unsigned long pfn, pteval_t flags)
{
	unsigned long mfn = pfn < xen_p2m_size ? xen_p2m_addr[pfn] :
						 get_phys_to_machine(pfn);

	if (mfn == INVALID_P2M_ENTRY)
		return native_make_pte(0);
	mfn &= ~(FOREIGN_FRAME_BIT | IDENTITY_FRAME_BIT);
	return native_make_pte((mfn << PAGE_SHIFT) | flags);
}

/*
 * Frames without a machine frame, which are ballooned out, get clear entries.
 * The initial p2m list and the tables that map it stay read-only.
 */
static void __init xen_early_pgt_fill_ptes(pte_t *pte, unsigned long pfn,
					   unsigned int nr, pgprot_t prot)
{
	pteval_t flags = check_pgprot(prot);
	unsigned int i;

	/* The frames of a PTE table are those of one page of the list, or of two. */
	if (xen_early_p2m_next(pfn) != pfn ||
	    xen_early_p2m_next(pfn + nr - 1) != pfn + nr - 1 ||
	    !fill_from_p2m(pte, xen_p2m_addr + pfn, nr, flags)) {
		for (i = 0; i < nr; i++)
			native_set_pte(pte + i, early_pte(pfn + i, flags));
	}

	if (xen_start_info->mfn_list < __START_KERNEL_map)
		protect_p2m(pte, pfn, nr, xen_start_info->first_p2m_pfn,
			    xen_start_info->first_p2m_pfn + xen_start_info->nr_p2m_frames);
	protect_p2m(pte, pfn, nr, xen_early_p2m_tables.start, xen_early_p2m_tables.end);
}

const struct early_pgt_ops xen_early_pgt_ops __initconst = {
	.fill_ptes = xen_early_pgt_fill_ptes,
	.protect = protect_tables,
	.publish = xen_early_pgt_publish,
};
