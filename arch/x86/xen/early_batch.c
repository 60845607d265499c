// SPDX-License-Identifier: GPL-2.0-only
/*
 * Updates of page tables, and of Xen's m2p table, in batches, early in boot.
 *
 * All entries go before all links: Xen flushes the TLB for a page that becomes a
 * table when it loses its last writable mapping, and a single flush then serves all
 * of the links.
 */

#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/panic.h>

#include <asm/xen/hypercall.h>
#include <asm/xen/page.h>
#include <xen/hvc-console.h>

#include "xen-ops.h"

/*
 * RAM that moves takes a request a page, 262,144 for a hole of 1 GB: 32 calls, of
 * some 430 in all. Links are few, as those of tables under construction need none:
 * at most those of a PMD table that was begun in another place.
 */
#define NR_ENTRIES	8192
#define NR_LINKS	512

static struct mmu_update entries[NR_ENTRIES] __initdata;
static struct mmu_update links[NR_LINKS] __initdata;
static unsigned int nr_entries __initdata;
static unsigned int nr_links __initdata;

static void __init batch_issue(struct mmu_update *req, unsigned int nr)
{
	static char msg[200] __initdata;
	int done = 0, rc = 0;
	unsigned long frame;

	if (nr)
		rc = HYPERVISOR_mmu_update(req, nr, &done, DOMID_SELF);
	if (rc >= 0)
		return;

	req += min_t(unsigned int, done, nr - 1);
	frame = PHYS_PFN(req->ptr);
	if (req->ptr & MMU_MACHPHYS_UPDATE)
		scnprintf(msg, sizeof(msg), "m2p of mfn %#lx = pfn %#llx", frame,
			  (u64)req->val);
	else
		scnprintf(msg, sizeof(msg),
			  "entry %lu of table pfn %#lx mfn %#lx = %#llx (pfn %#lx mfn %#lx)",
			  (unsigned long)(req->ptr & ~PAGE_MASK) / sizeof(pte_t),
			  mfn_to_pfn(frame), frame, (u64)req->val,
			  mfn_to_pfn(PHYS_PFN(req->val & XEN_PTE_MFN_MASK)),
			  (unsigned long)PHYS_PFN(req->val & XEN_PTE_MFN_MASK));

	/* The console may map memory: nothing else goes with that. */
	nr_entries = 0;
	nr_links = 0;

	/* Linux may have no console yet. */
	xen_raw_printk("early_pgt: Xen refused mmu_update %d of %u, error %d: %s\n",
		       done + 1, nr, rc, msg);
	panic("early_pgt: Xen refused mmu_update %d of %u, error %d: %s\n",
	      done + 1, nr, rc, msg);
}

/**
 * xen_early_batch_issue - have Xen carry out all that was queued
 *
 * The kernel can't do without any of it: panics if Xen refuses a request.
 *
 * Context: early boot.
 */
void __init xen_early_batch_issue(void)
{
	/* In one call, if possible. */
	if (nr_entries + nr_links <= NR_ENTRIES) {
		memcpy(entries + nr_entries, links, nr_links * sizeof(*links));
		nr_entries += nr_links;
		nr_links = 0;
	}
	batch_issue(entries, nr_entries);
	nr_entries = 0;
	batch_issue(links, nr_links);
	nr_links = 0;
}

/**
 * xen_early_batch_entry - queue an update that is no link to a new table
 * @ptr: machine address of an entry of a table, or of a page that isn't one yet; or
 *       of a page, plus MMU_MACHPHYS_UPDATE
 * @val: its machine value; or the page frame
 *
 * Takes effect not later than with xen_early_batch_issue().
 *
 * Context: early boot.
 */
void __init xen_early_batch_entry(u64 ptr, u64 val)
{
	if (nr_entries == NR_ENTRIES) {
		batch_issue(entries, nr_entries);
		nr_entries = 0;
	}
	entries[nr_entries].ptr = ptr;
	entries[nr_entries++].val = val;
}

/**
 * xen_early_batch_link - queue a link to a new table, after all entries
 * @ptr: machine address of the entry
 * @val: its machine value
 *
 * Takes effect not later than with xen_early_batch_issue().
 *
 * Context: early boot.
 */
void __init xen_early_batch_link(u64 ptr, u64 val)
{
	if (nr_links == NR_LINKS)
		xen_early_batch_issue();
	links[nr_links].ptr = ptr;
	links[nr_links++].val = val;
}
