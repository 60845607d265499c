// SPDX-License-Identifier: GPL-2.0-only
/*
 * The p2m list that Xen provides, before there is a direct map.
 *
 * It covers the memory that the guest starts with. Memory in the place of what is no
 * RAM according to the e820 map moves to RAM behind that, so the list has to grow
 * first: in virtual addresses it stays linear, but it has pages only where RAM moves
 * to, however far that is from the rest.
 */

#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/pgtable.h>
#include <linux/range.h>

#include <asm/page.h>
#include <asm/xen/page.h>
#include <xen/page.h>

#include "xen-ops.h"

/*
 * Page frames that the p2m list covers beyond xen_p2m_size, in ascending order.
 * Both ends are multiples of P2M_PER_PAGE.
 */
static struct range p2m_ranges[XEN_EXTRA_MEM_MAX_REGIONS] __initdata;
static unsigned int nr_p2m_ranges __initdata;
static bool p2m_has_grown __initdata;

/* Tables of the grown part of the p2m list: page frames, [start, end). */
struct range xen_early_p2m_tables __initdata;

/* The tables that map the end of the p2m list, by level, and what they map. */
static struct {
	unsigned long slot;
	u64 maddr;
} p2m_tables[PG_LEVEL_512G] __initdata;

/**
 * xen_early_p2m_add - let the p2m list cover more page frames
 * @start: first page frame, not below those of earlier calls
 * @end:   past the last one
 *
 * Takes effect with xen_early_grow_p2m(). Nothing is added if there are too many
 * ranges: see xen_early_p2m_next().
 */
void __init xen_early_p2m_add(unsigned long start, unsigned long end)
{
	struct range *r = p2m_ranges + nr_p2m_ranges;

	start = max(round_down(start, P2M_PER_PAGE), xen_p2m_size);
	end = round_up(end, P2M_PER_PAGE);
	if (end <= start)
		return;

	if (nr_p2m_ranges && start <= r[-1].end) {
		r[-1].end = end;
	} else if (nr_p2m_ranges < ARRAY_SIZE(p2m_ranges)) {
		r->start = start;
		r->end = end;
		nr_p2m_ranges++;
	}
}

/**
 * xen_early_p2m_next - find what the initial p2m list covers
 * @pfn: page frame
 *
 * Return: the first page frame from @pfn on that has an entry in the list, or
 * ULONG_MAX.
 */
unsigned long __init xen_early_p2m_next(unsigned long pfn)
{
	unsigned int i;

	if (pfn < xen_p2m_size)
		return pfn;
	for (i = 0; p2m_has_grown && i < nr_p2m_ranges; i++)
		if (pfn < p2m_ranges[i].end)
			return max_t(unsigned long, pfn, p2m_ranges[i].start);
	return ULONG_MAX;
}

/*
 * Machine address of the entry for @va, in a table of the p2m list, which is
 * made if there is none. It is no table before it is linked: Xen writes to
 * ordinary memory as well, so nothing has to be mapped for that.
 */
static u64 __init p2m_entry(unsigned long va, unsigned int level)
{
	unsigned int shift = PAGE_SHIFT + (level - 1) * PTE_SHIFT, i;
	unsigned long slot = va >> shift >> PTE_SHIFT;

	if (p2m_tables[level].slot != slot) {
		u64 link = p2m_entry(va, level + 1);
		u64 maddr = PFN_PHYS(pfn_to_mfn(xen_early_p2m_tables.end));

		make_lowmem_page_readonly(__va(PFN_PHYS(xen_early_p2m_tables.end)));
		for (i = 0; i < PTRS_PER_PTE; i++)
			xen_early_batch_entry(maddr + i * sizeof(pte_t), 0);
		xen_early_batch_link(link, maddr | _PAGE_TABLE);
		p2m_tables[level].slot = slot;
		p2m_tables[level].maddr = maddr;
		xen_early_p2m_tables.end++;
	}

	return p2m_tables[level].maddr + (va >> shift) % PTRS_PER_PTE * sizeof(pte_t);
}

/**
 * xen_early_grow_p2m - grow the initial p2m list by what was added
 *
 * If that can't be done, because there is no free memory in one piece, the list
 * is left as it is: see xen_early_p2m_next().
 *
 * Context: early boot, before there is a direct map, once.
 */
void __init xen_early_grow_p2m(void)
{
	struct range *r, *end = p2m_ranges + nr_p2m_ranges;
	unsigned long last = (unsigned long)(xen_p2m_addr + xen_p2m_size) - 1;
	unsigned long tables = 0, pages = 0, extra = 0, prev = last, pfn, va;
	phys_addr_t area, table[PG_LEVEL_NUM] = { };
	unsigned int level, shift;
	pteval_t val;

	if (!nr_p2m_ranges)
		return;

	/* A large page has no PTE table, but may end with the list. */
	level = xen_early_walk(last, table, &val);
	if (level > PG_LEVEL_2M || (level == PG_LEVEL_2M && (last + 1) % PMD_SIZE))
		return;
	for (level = PG_LEVEL_4K; level < PG_LEVEL_512G; level++) {
		p2m_tables[level].slot = last >> (PAGE_SHIFT + level * PTE_SHIFT);
		p2m_tables[level].maddr = phys_to_machine(XPADDR(table[level])).maddr;
	}

	for (r = p2m_ranges; r < end; r++) {
		va = (unsigned long)(xen_p2m_addr + r->start);
		last = (unsigned long)(xen_p2m_addr + r->end) - 1;
		pages += PFN_UP(last - va);
		/* New PTE tables, and new PMD tables. */
		for (shift = PMD_SHIFT; shift <= PUD_SHIFT; shift += PTE_SHIFT)
			tables += (last >> shift) -
				  max(va >> shift, (prev >> shift) + 1) + 1;
		prev = last;
	}
	if (last >> (PUD_SHIFT + PTE_SHIFT) != p2m_tables[PG_LEVEL_1G].slot)
		return;

	area = xen_find_free_area(PFN_PHYS(tables + pages));
	if (!area)
		return;
	xen_early_p2m_tables.start = PFN_DOWN(area);
	xen_early_p2m_tables.end = xen_early_p2m_tables.start;
	pfn = xen_early_p2m_tables.start + tables;

	for (r = p2m_ranges; r < end; r++) {
		va = (unsigned long)(xen_p2m_addr + r->start);
		for (; va < (unsigned long)(xen_p2m_addr + r->end); va += PAGE_SIZE)
			xen_early_batch_entry(p2m_entry(va, PG_LEVEL_4K),
					      pfn_pte(pfn++, PAGE_KERNEL).pte);
	}
	xen_early_batch_issue();

	for (r = p2m_ranges; r < end; r++) {
		for (pfn = r->start; pfn < r->end; pfn++) {
			if (!(pfn % P2M_PER_PAGE))
				extra = xen_count_extra_mem(pfn, P2M_PER_PAGE);
			xen_p2m_addr[pfn] = extra == P2M_PER_PAGE ?
				INVALID_P2M_ENTRY : xen_chk_extra_mem(pfn);
		}
	}
	if (p2m_ranges[0].start == xen_p2m_size)
		xen_p2m_size = p2m_ranges[0].end;
	xen_max_p2m_pfn = max_t(unsigned long, xen_max_p2m_pfn, end[-1].end);
	p2m_has_grown = true;
}
