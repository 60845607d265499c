// SPDX-License-Identifier: GPL-2.0-only
/*
 * Early page tables on Xen PV: make tables live in batches.
 *
 * The tables of a chunk are built as ordinary memory. Entries of live tables
 * that change meanwhile are collected, in two classes: the entries that map
 * the new tables become read-only, and the links make the new tables live.
 * All of the former go first: Xen flushes the TLB for a table that loses its
 * last writable mapping, and a single flush then serves all of the links.
 *
 * No early table is pinned for itself. All are reachable from init_top_pgt,
 * which is.
 */

#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/panic.h>
#include <linux/pgtable.h>

#include <asm/early_pgt.h>
#include <asm/page.h>
#include <asm/xen/hypercall.h>
#include <asm/xen/page.h>

#include "xen-ops.h"

/* Some 1000 requests are enough for the cost of a call not to matter. */
#define NR_ENTRIES	2048
#define NR_LINKS	512

struct batch {
	struct mmu_update *req;
	u8 *level;
	unsigned int nr;
	unsigned int max;
};

static struct mmu_update entry_reqs[NR_ENTRIES] __initdata;
static struct mmu_update link_reqs[NR_LINKS] __initdata;
static u8 entry_levels[NR_ENTRIES] __initdata;
static u8 link_levels[NR_LINKS] __initdata;

static struct batch entries __initdata = { entry_reqs, entry_levels, 0, NR_ENTRIES };
static struct batch links __initdata = { link_reqs, link_levels, 0, NR_LINKS };

static void __init batch_issue(struct batch *b)
{
	int done = 0, rc;

	if (!b->nr)
		return;

	rc = HYPERVISOR_mmu_update(b->req, b->nr, &done, DOMID_SELF);
	if (rc < 0) {
		unsigned int i = min_t(unsigned int, done, b->nr - 1);
		unsigned long table = b->req[i].ptr >> PAGE_SHIFT;
		unsigned long mfn = (b->req[i].val & XEN_PTE_MFN_MASK) >> PAGE_SHIFT;

		panic("Xen refused mmu_update %u of %u (error %d): L%u table pfn %#lx mfn %#lx, entry %lu = %#llx (pfn %#lx mfn %#lx)\n",
		      i + 1, b->nr, rc, b->level[i], mfn_to_pfn(table), table,
		      (unsigned long)(b->req[i].ptr & ~PAGE_MASK) / sizeof(pte_t),
		      b->req[i].val, mfn_to_pfn(mfn), mfn);
	}
	b->nr = 0;
}

static void __init batch_add(struct batch *b, u64 ptr, u64 val, unsigned int level)
{
	if (b->nr == b->max) {
		/* A link needs all of the entries before it. */
		batch_issue(&entries);
		batch_issue(b);
	}
	b->req[b->nr].ptr = ptr | MMU_NORMAL_PT_UPDATE;
	b->req[b->nr].val = val;
	b->level[b->nr++] = level;
}

/* Collect what makes the direct mapping of the new tables read-only. */
static void __init protect_tables(void)
{
	unsigned long va;
	unsigned int level;
	pte_t *pte = NULL;
	u64 maddr = 0;

	for (va = early_pgt_area.start; va < early_pgt_area.end; va += PAGE_SIZE) {
		if (!pte || !(va & ~PMD_MASK)) {
			pte = lookup_address(va, &level);
			if (!pte || level != PG_LEVEL_4K)
				panic("Xen: early page table at %#lx isn't mapped by a PTE\n",
				      va);
			maddr = virt_to_machine(pte).maddr;
		}
		batch_add(&entries, maddr, pte->pte & ~_PAGE_RW, 1);
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
		batch_add(&entries, ptr, val, level);
	} else {
		protect_tables();
		batch_add(&links, ptr, val, level);
	}
	return true;
}

/* The kernel can't do without its direct map: a request refused is fatal. */
static void __init xen_early_pgt_publish(void)
{
	protect_tables();
	batch_issue(&entries);
	batch_issue(&links);
}

/*
 * Frames without a machine frame, which are ballooned out, get clear entries.
 * The initial p2m list and the tables that map it stay read-only.
 */
static void __init xen_early_pgt_fill_ptes(pte_t *pte, unsigned long pfn,
					   unsigned int nr, pgprot_t prot)
{
	pteval_t flags = check_pgprot(prot);
	unsigned int known = 0, i;
	unsigned long all = 0;

	/*
	 * Nearly always, all frames have a machine frame of their own. See
	 * afterwards: INVALID, FOREIGN and IDENTITY have their top bits set.
	 */
	if (pfn < xen_p2m_size)
		known = min_t(unsigned long, nr, xen_p2m_size - pfn);
	for (i = 0; i < known; i++) {
		unsigned long mfn = xen_p2m_addr[pfn + i];

		all |= mfn;
		native_set_pte(pte + i, native_make_pte((mfn << PAGE_SHIFT) | flags));
	}
	if (all >> (BITS_PER_LONG - 2))
		known = 0;

	/*
	 * pfn_to_mfn() would look at the tables that map the p2m list: they
	 * might not be mapped yet.
	 */
	for (i = known; i < nr; i++) {
		unsigned long mfn = pfn + i < xen_p2m_size ?
			xen_p2m_addr[pfn + i] : get_phys_to_machine(pfn + i);
		pteval_t val = 0;

		if (mfn != INVALID_P2M_ENTRY) {
			mfn &= ~(FOREIGN_FRAME_BIT | IDENTITY_FRAME_BIT);
			val = (mfn << PAGE_SHIFT) | flags;
		}
		native_set_pte(pte + i, native_make_pte(val));
	}

	if (xen_start_info->mfn_list < __START_KERNEL_map) {
		unsigned long first = xen_start_info->first_p2m_pfn;
		unsigned long last = first + xen_start_info->nr_p2m_frames;
		unsigned long p;

		for (p = max(pfn, first); p < min(pfn + nr, last); p++)
			pte[p - pfn] = native_make_pte(native_pte_val(pte[p - pfn]) &
						       ~_PAGE_RW);
	}
}

const struct early_pgt_ops xen_early_pgt_ops __initconst = {
	.fill_ptes = xen_early_pgt_fill_ptes,
	.publish = xen_early_pgt_publish,
};
