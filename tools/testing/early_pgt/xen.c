// SPDX-License-Identifier: GPL-2.0-only
/*
 * A model of Xen's page types: what a PV guest may do to its page tables.
 *
 * Each page has one type at a time, with a count of its users: it is a table
 * of some level, or it is writable. The first user of a type makes Xen
 * validate the page. A page that is mapped writable can't become a table, and
 * a table can't be mapped writable. Links hold a type of the table below, from
 * the top down.
 *
 * A plain store into a live table would trap. Here it's noticed later, by a
 * checksum of each live table that only the model's own updates may change.
 */

#include "sim.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#define TYPE_NONE	0
#define TYPE_WRITABLE	1
#define TYPE_TABLE(l)	((l) + 1)

struct page_info {
	u32 count : 27;
	u32 type : 4;
	u32 was_writable : 1;		/* since the last TLB flush */
};

static struct page_info *info;
static u64 *checksum;
static unsigned long *live;
static unsigned long nr_live, max_live;
static bool flushed;

/* Requests are accepted, and forgotten. */
bool xen_model_deaf;

/* Xen's table of page frames, here by the page frame that it was at first. */
unsigned long *xen_model_m2p;

unsigned long *xen_p2m_addr;
unsigned long xen_p2m_size;
unsigned long xen_max_p2m_pfn;
static struct start_info start_info;
struct start_info *xen_start_info = &start_info;

unsigned long pfn_to_mfn(unsigned long pfn)
{
	return sim_mfn(pfn);
}

unsigned long mfn_to_pfn(unsigned long mfn)
{
	return sim_pfn(mfn);
}

/* Past the list, there may be RAM that isn't there yet, and devices. */
struct range xen_model_extra[XEN_EXTRA_MEM_MAX_REGIONS];

/* Somebody is about to fill a new page of the list. */
void (*xen_model_new_page)(unsigned long pfn);

unsigned long xen_count_extra_mem(unsigned long pfn, unsigned long nr)
{
	const struct range *r;
	unsigned long n = 0;

	if (xen_model_new_page)
		xen_model_new_page(pfn);
	for (r = xen_model_extra; r < xen_model_extra + ARRAY_SIZE(xen_model_extra); r++)
		if (pfn < r->end && pfn + nr > r->start)
			n += min(pfn + nr, r->end) - max(pfn, r->start);
	return n;
}

unsigned long xen_chk_extra_mem(unsigned long pfn)
{
	const struct range *r;

	if (xen_early_p2m_next(pfn) == pfn)
		return xen_p2m_addr[pfn];
	for (r = xen_model_extra; r < xen_model_extra + ARRAY_SIZE(xen_model_extra); r++)
		if (pfn >= r->start && pfn < r->end)
			return INVALID_P2M_ENTRY;
	return pfn | IDENTITY_FRAME_BIT;
}

unsigned long get_phys_to_machine(unsigned long pfn)
{
	return xen_chk_extra_mem(pfn);
}

xmaddr_t virt_to_machine(const void *addr)
{
	unsigned long pa = __pa(addr);

	return (xmaddr_t) { PFN_PHYS(pfn_to_mfn(PFN_DOWN(pa))) | (pa & ~PAGE_MASK) };
}

xmaddr_t phys_to_machine(xpaddr_t phys)
{
	return virt_to_machine(__va(phys.paddr));
}

/* Where the test has reserved it, and what was asked for. */
unsigned long xen_model_free_area, xen_model_area_size;

phys_addr_t xen_find_free_area(phys_addr_t size)
{
	xen_model_area_size = size;
	return memblock_is_region_reserved(xen_model_free_area, size) ?
		xen_model_free_area : 0;
}

bool xen_model_is_live(unsigned long pfn)
{
	return info[pfn].count && info[pfn].type > TYPE_WRITABLE;
}

static unsigned int nr_entries(unsigned int level)
{
	/* The top may have more entries than other tables. */
	return level == sim.levels ? 512 : PTRS_PER_TABLE;
}

static u64 __fast sum(const u64 *table, unsigned int level)
{
	unsigned int i, n = nr_entries(level);
	u64 s = 0;

	for (i = 0; i < n; i++)
		s += table[i] * (2 * i + 1);
	return s;
}

static int get_entry(u64 e, unsigned int level);

static int __fast get_type(unsigned long pfn, unsigned int type)
{
	struct page_info *p = &info[pfn];
	unsigned int level = type - TYPE_TABLE(0), i, n;
	u64 *table;

	if (pfn >= SIM_MAX_PFN)
		return -EINVAL;
	if (p->count && p->type != type)
		return -EBUSY;
	if (p->count++)
		return 0;

	p->type = type;
	if (type == TYPE_WRITABLE) {
		p->was_writable = true;
		return 0;
	}

	if (p->was_writable && !flushed) {
		flushed = true;
		sim_result.flushes++;
	}
	p->was_writable = false;

	table = __va(PFN_PHYS(pfn));
	n = nr_entries(level);
	for (i = 0; i < n; i++) {
		int rc = get_entry(table[i], level);

		if (rc)
			return rc;
	}
	checksum[pfn] = sum(table, level);
	if (nr_live == max_live) {
		max_live = 2 * max_live + 64;
		live = realloc(live, max_live * sizeof(*live));
		if (!live)
			abort();
	}
	live[nr_live++] = pfn;
	return 0;
}

static int __fast get_entry(u64 e, unsigned int level)
{
	unsigned long pfn = sim_pfn((e & PTE_PFN_MASK) >> PAGE_SHIFT);

	if (!(e & _PAGE_PRESENT))
		return 0;
	if (level == 1) {
		if (pfn >= SIM_MAX_PFN)
			return -EINVAL;
		return e & _PAGE_RW ? get_type(pfn, TYPE_WRITABLE) : 0;
	}
	if (e & _PAGE_PSE)
		return -EINVAL;
	return get_type(pfn, TYPE_TABLE(level - 1));
}

static void put_entry(u64 e, unsigned int level)
{
	unsigned long pfn = mfn_to_pfn((e & PTE_PFN_MASK) >> PAGE_SHIFT);

	if (!(e & _PAGE_PRESENT))
		return;
	if (level == 1) {
		if (e & _PAGE_RW)
			info[pfn].count--;
		flushed = false;
	} else {
		sim_fail("link to pfn %#lx, a live table, was removed", pfn);
	}
}

static int update(u64 ptr, u64 val)
{
	unsigned long pfn = mfn_to_pfn(ptr >> PAGE_SHIFT);
	unsigned int level, i = (ptr & ~PAGE_MASK) / sizeof(u64);
	u64 *e;
	int rc;

	if (pfn >= SIM_MAX_PFN)
		return -EINVAL;
	if ((ptr & 3) == MMU_MACHPHYS_UPDATE) {
		xen_model_m2p[pfn] = val;
		return 0;
	}
	if (ptr & 7)
		return -EINVAL;
	/* Ordinary memory is written as well, if it can be mapped writable. */
	if (!xen_model_is_live(pfn)) {
		rc = get_type(pfn, TYPE_WRITABLE);
		if (rc)
			return rc;
		info[pfn].count--;
		*((u64 *)__va(PFN_PHYS(pfn)) + i) = val;
		sim_result.plain++;
		return 0;
	}

	level = info[pfn].type - TYPE_TABLE(0);
	e = __va(PFN_PHYS(pfn) + i * sizeof(u64));
	rc = get_entry(val, level);
	if (rc)
		return rc;
	put_entry(*e, level);
	checksum[pfn] += (val - *e) * (2 * i + 1);
	*e = val;
	return 0;
}

int HYPERVISOR_mmu_update(struct mmu_update *req, int count, int *done,
			  unsigned int domid)
{
	int i, rc = 0;

	if (domid != DOMID_SELF)
		return -ESRCH;
	if (xen_model_deaf)
		return 0;
	sim_result.calls++;
	for (i = 0; i < count && !rc; i++)
		rc = update(req[i].ptr, req[i].val);
	if (done)
		*done = rc ? i - 1 : i;
	return rc;
}

void make_lowmem_page_readonly(void *addr)
{
	struct mmu_update req;
	unsigned int level;
	u64 *e = sim_walk((unsigned long)addr, &level);

	req.ptr = virt_to_machine(e).maddr;
	req.val = *e & ~_PAGE_RW;
	/* Not mapped: not writable. */
	if (!*e)
		return;
	if (level != 1 || HYPERVISOR_mmu_update(&req, 1, NULL, DOMID_SELF))
		sim_fail("can't make %p read-only", addr);
}

/* Live tables hold what Xen has written, and nothing else. */
void xen_model_check(void)
{
	unsigned long i;

	for (i = 0; i < nr_live; i++) {
		unsigned long pfn = live[i];
		unsigned int level = info[pfn].type - TYPE_TABLE(0);

		if (!xen_model_is_live(pfn))
			sim_fail("pfn %#lx isn't live any more", pfn);
		if (sum(__va(PFN_PHYS(pfn)), level) != checksum[pfn])
			sim_fail("store into pfn %#lx, a live table of level %u", pfn, level);
	}
}

void xen_model_reset(void)
{
	unsigned long size = SIM_MAX_PFN;

	if (info)
		return;
	info = mmap(NULL, size * sizeof(*info), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	checksum = mmap(NULL, size * sizeof(*checksum), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	xen_p2m_addr = mmap(NULL, size * sizeof(*xen_p2m_addr), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	xen_model_m2p = mmap(NULL, size * sizeof(*xen_model_m2p), PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (info == MAP_FAILED || xen_model_m2p == MAP_FAILED || checksum == MAP_FAILED || xen_p2m_addr == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
	madvise(info, size * sizeof(*info), MADV_HUGEPAGE);
	madvise(xen_p2m_addr, size * sizeof(*xen_p2m_addr), MADV_HUGEPAGE);
}

/* The p2m list. It's sparse, as RAM may be, and frames keep their number. */
void __fast xen_model_populate(unsigned long start_pfn, unsigned long end_pfn)
{
	static unsigned long total;
	unsigned long pfn;

	/* Don't hoard memory. */
	total += end_pfn - start_pfn;
	if (total > 1UL << 26) {
		madvise(info, SIM_MAX_PFN * sizeof(*info), MADV_DONTNEED);
		madvise(checksum, SIM_MAX_PFN * sizeof(*checksum), MADV_DONTNEED);
		total = 0;
	}
	memset(info + start_pfn, 0, (end_pfn - start_pfn) * sizeof(*info));
	for (pfn = start_pfn; pfn < end_pfn; pfn++)
		if (!xen_p2m_addr[pfn])
			xen_p2m_addr[pfn] = sim_mfn(pfn);
}

void xen_model_start(unsigned long top_pfn)
{
	unsigned long max = PFN_UP(sim_end);
	int rc;

	max = max(max, PFN_UP(sim.kernel_end));
	/* The initial mapping covers holes, too. */
	memset(info + PFN_DOWN(sim.kernel), 0,
	       PFN_UP(sim.kernel_end - sim.kernel) * sizeof(*info));
	if (sim.bits == 9)
		memset(info, 0, (PFN_UP(sim.kernel_end) + 2048) * sizeof(*info));
	nr_live = 0;
	flushed = false;

	xen_p2m_size = max;
	xen_max_p2m_pfn = max;
	memset(xen_model_extra, 0, sizeof(xen_model_extra));
	xen_model_extra[0].end = max;
	start_info.mfn_list = sim.nr_p2m ? 0 : __START_KERNEL_map;
	start_info.first_p2m_pfn = sim.p2m;
	start_info.nr_p2m_frames = sim.nr_p2m;

	rc = get_type(top_pfn, TYPE_TABLE(sim.levels));
	if (rc)
		sim_fail("the initial page tables are invalid: %d", rc);
	sim_result.flushes = 0;
	sim_result.calls = 0;
}
