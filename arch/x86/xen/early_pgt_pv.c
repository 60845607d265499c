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
 *
 * The p2m list that Xen provides is needed to fill the direct map. It covers
 * the memory that the guest starts with. Memory in the place of what is no RAM
 * according to the e820 map moves behind that, so the list has to grow first.
 */

#include <linux/bitops.h>
#include <linux/console.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/panic.h>
#include <linux/pgtable.h>
#include <linux/range.h>

#include <asm/early_ioremap.h>

#include <asm/early_pgt.h>
#include <asm/page.h>
#include <asm/xen/hypercall.h>
#include <asm/xen/page.h>
#include <xen/hvc-console.h>

#include "xen-ops.h"

/* Some 1000 requests are enough for the cost of a call not to matter. */
#define NR_ENTRIES	8192
#define NR_LINKS	512

/* Instead of the level of a table, for an entry of Xen's m2p table. */
#define LEVEL_M2P	0

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

static void __init report_refusal(const struct batch *b, unsigned int i, int error)
{
	static char msg[200] __initdata;
	unsigned long frame = b->req[i].ptr >> PAGE_SHIFT;
	u64 val = b->req[i].val;

	if (b->level[i] == LEVEL_M2P)
		scnprintf(msg, sizeof(msg), "m2p of mfn %#lx = pfn %#llx", frame, val);
	else
		scnprintf(msg, sizeof(msg),
			  "entry %lu of L%u table pfn %#lx mfn %#lx = %#llx (pfn %#lx mfn %#lx)",
			  (unsigned long)(b->req[i].ptr & ~PAGE_MASK) / sizeof(pte_t),
			  b->level[i], mfn_to_pfn(frame), frame, val,
			  mfn_to_pfn(PHYS_PFN(val & XEN_PTE_MFN_MASK)),
			  PHYS_PFN(val & XEN_PTE_MFN_MASK));

	/* Some requests come before there is an early console. */
	if (!early_console)
		xen_raw_printk("early_pgt: Xen refused mmu_update %u of %u, error %d: %s\n",
			       i + 1, b->nr, error, msg);
	panic("early_pgt: Xen refused mmu_update %u of %u, error %d: %s\n",
	      i + 1, b->nr, error, msg);
}

static void __init batch_issue(struct batch *b)
{
	int done = 0, rc;

	if (!b->nr)
		return;

	rc = HYPERVISOR_mmu_update(b->req, b->nr, &done, DOMID_SELF);
	if (rc < 0)
		report_refusal(b, min_t(unsigned int, done, b->nr - 1), rc);
	b->nr = 0;
}

static __always_inline void __init batch_add(struct batch *b, u64 ptr, u64 val,
					     unsigned int level)
{
	if (b->nr == b->max) {
		/* A link needs all of the entries before it. */
		batch_issue(&entries);
		batch_issue(b);
	}
	b->req[b->nr].ptr = ptr;
	b->req[b->nr].val = val;
	b->level[b->nr++] = level;
}

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

/**
 * xen_early_pgt_entry - change an entry of a live PTE table, in a batch
 * @entry: virtual address of the entry in the direct map
 * @val:   machine value of the entry
 *
 * Takes effect not later than with xen_early_pgt_publish().
 */
void __init xen_early_pgt_entry(void *entry, u64 val)
{
	batch_add(&entries, virt_to_machine(entry).maddr, val, 1);
}

/**
 * xen_early_pgt_m2p - change an entry of Xen's m2p table, in a batch
 * @mfn: machine frame
 * @pfn: its new page frame
 *
 * Takes effect not later than with xen_early_pgt_publish().
 */
void __init xen_early_pgt_m2p(unsigned long mfn, unsigned long pfn)
{
	batch_add(&entries, PFN_PHYS(mfn) | MMU_MACHPHYS_UPDATE, pfn, LEVEL_M2P);
}

/**
 * xen_early_pgt_publish - have Xen carry out all that was collected
 *
 * The kernel can't do without any of it: panics if Xen refuses a request.
 */
void __init xen_early_pgt_publish(void)
{
	protect_tables();
	batch_issue(&entries);
	batch_issue(&links);
}

/**
 * xen_early_walk - walk page tables that may not be in the direct map
 * @vaddr: virtual address
 * @level: level of the table to stop at, 1 to 4
 * @entry: returns the physical address of the last entry found
 * @val:   returns its value
 *
 * Return: the level of the last entry's table: @level, or higher if there is a
 * large page, or nothing.
 */
unsigned int __init xen_early_walk(unsigned long vaddr, unsigned int level,
				   phys_addr_t *entry, pteval_t *val)
{
	phys_addr_t table = read_cr3_pa();
	unsigned int l;

	for (l = PG_LEVEL_512G; ; l--) {
		unsigned int slot = vaddr >> (PAGE_SHIFT + (l - 1) * PTE_SHIFT);
		pteval_t *map;

		*entry = table + slot % PTRS_PER_PTE * sizeof(*map);
		map = early_memremap_ro(*entry, sizeof(*map));
		*val = pte_val(native_make_pte(*map));
		early_memunmap(map, sizeof(*map));

		if (l == level || !(*val & _PAGE_PRESENT) || *val & _PAGE_PSE)
			return l;
		table = *val & PTE_PFN_MASK;
	}
}

/* Tables of the grown part of the p2m list: page frames, [start, end). */
static struct range grown_tables __initdata;

/**
 * xen_early_grow_p2m - grow the initial p2m list where it is
 * @nr: page frames that it shall cover, a multiple of P2M_PER_PAGE
 *
 * New entries are undefined.
 *
 * Context: early boot, before there is a direct map.
 * Return: false if the list is in a place that doesn't allow that.
 */
bool __init xen_early_grow_p2m(unsigned long nr)
{
	unsigned long va = PAGE_ALIGN((unsigned long)(xen_p2m_addr + xen_start_info->nr_pages));
	unsigned long end = (unsigned long)(xen_p2m_addr + nr);
	unsigned long tables, pfn;
	phys_addr_t area, entry, l2_entry;
	pteval_t val;

	/* Within what one L2 table maps, which exists. */
	if (va >= __START_KERNEL_map || (va - 1) / PUD_SIZE != (end - 1) / PUD_SIZE ||
	    xen_early_walk(va - 1, 2, &l2_entry, &val) != 2)
		return false;
	if (va % PMD_SIZE && xen_early_walk(va, 1, &entry, &val) != 1)
		return false;

	tables = (round_up(end, PMD_SIZE) - round_up(va, PMD_SIZE)) / PMD_SIZE;
	area = xen_find_free_area(PFN_PHYS(tables) + end - va);
	if (!area)
		return false;
	grown_tables.start = PFN_DOWN(area);
	grown_tables.end = grown_tables.start + tables;
	pfn = grown_tables.end;

	for (; va < end && va % PMD_SIZE; va += PAGE_SIZE) {
		batch_add(&entries, phys_to_machine(XPADDR(entry)).maddr,
			  pfn_pte(pfn++, PAGE_KERNEL).pte, 1);
		entry += sizeof(pte_t);
	}
	for (; va < end; area += PAGE_SIZE) {
		pte_t *table = early_memremap(area, PAGE_SIZE);
		unsigned int i;

		for (i = 0; i < PTRS_PER_PTE; i++, va += PAGE_SIZE)
			native_set_pte(table + i, va < end ?
				       pfn_pte(pfn++, PAGE_KERNEL) : native_make_pte(0));
		early_memunmap(table, PAGE_SIZE);
		make_lowmem_page_readonly(__va(area));

		l2_entry += sizeof(pmd_t);
		batch_add(&links, phys_to_machine(XPADDR(l2_entry)).maddr,
			  PFN_PHYS(pfn_to_mfn(PFN_DOWN(area))) | _PAGE_TABLE, 2);
	}
	xen_early_pgt_publish();
	return true;
}

/* Make entries read-only that map page frames in [@start, @end). */
static void __init protect_p2m(pte_t *pte, unsigned long pfn, unsigned int nr,
			       unsigned long start, unsigned long end)
{
	unsigned long p;

	for (p = max(pfn, start); p < min(pfn + nr, end); p++)
		pte[p - pfn] = native_make_pte(native_pte_val(pte[p - pfn]) &
					       ~_PAGE_RW);
}

static __always_inline void __init fill_pte(pte_t *pte, unsigned long mfn,
					    pteval_t flags, pteval_t *all)
{
	pteval_t val = rol64(mfn, PAGE_SHIFT) | flags;

	native_set_pte(pte, native_make_pte(val));
	*all |= val;
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

	for (; nr >= 8; nr -= 8, pte += 8, mfn += 8) {
		fill_pte(pte + 0, mfn[0], flags, &all);
		fill_pte(pte + 1, mfn[1], flags, &all);
		fill_pte(pte + 2, mfn[2], flags, &all);
		fill_pte(pte + 3, mfn[3], flags, &all);
		fill_pte(pte + 4, mfn[4], flags, &all);
		fill_pte(pte + 5, mfn[5], flags, &all);
		fill_pte(pte + 6, mfn[6], flags, &all);
		fill_pte(pte + 7, mfn[7], flags, &all);
	}
	for (; nr; nr--)
		fill_pte(pte++, *mfn++, flags, &all);

	return !(all & other);
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

	if (pfn < xen_p2m_size)
		known = min_t(unsigned long, nr, xen_p2m_size - pfn);
	if (!fill_from_p2m(pte, xen_p2m_addr + pfn, known, flags))
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

	if (xen_start_info->mfn_list < __START_KERNEL_map)
		protect_p2m(pte, pfn, nr, xen_start_info->first_p2m_pfn,
			    xen_start_info->first_p2m_pfn + xen_start_info->nr_p2m_frames);
	protect_p2m(pte, pfn, nr, grown_tables.start, grown_tables.end);
}

const struct early_pgt_ops xen_early_pgt_ops __initconst = {
	.fill_ptes = xen_early_pgt_fill_ptes,
	.publish = xen_early_pgt_publish,
};
