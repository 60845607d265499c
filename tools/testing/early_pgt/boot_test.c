// SPDX-License-Identifier: GPL-2.0-only
/*
 * The direct map in its surroundings, 64-bit: the bootstrap tables come before
 * it, the p2m list that Xen provides grows before it, and the memory map gets
 * its tables after it. And what Xen refuses, or hasn't given.
 */

#define _GNU_SOURCE

#include "sim.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <asm/early_pgt.h>
#include "early_pgt.h"

/* Virtual addresses that nothing else has, each a top-level entry of its own. */
#define P2M_VA		0x700000000000UL
#define P2M_LARGE_VA	0x710000000000UL
#define VMEMMAP_VA	0x600000000000UL

#define RAM		(SZ_512M + SZ_4M)
#define PAGES		PFN_DOWN(RAM)

/* Frames in the p2m list that have no machine frame, or somebody else's. */
#define FIRST		PFN_DOWN(SZ_128M)
#define NOT_LISTED	600UL		/* at the end of RAM */

static void map_ballooned(void);

static bool failed;

#define EXPECT(cond)							\
	do {								\
		if (!(cond)) {						\
			printf("# line %d: %s\n", __LINE__, #cond);	\
			failed = true;					\
		}							\
	} while (0)

/* The kernel's vmemmap code, for the page tables of the model. */

static bool in_pieces;			/* no memory for a large block */
static bool no_top;			/* nor for a table below the top */
static unsigned int nr_verified;

pmd_t __pmd(pteval_t val)
{
	return (pmd_t) { pfn_pte(PFN_DOWN(val), (pgprot_t) { val & ~PAGE_MASK }).pte };
}

void set_pmd(pmd_t *pmd, pmd_t val)
{
	sim_set_entry(&pmd->pmd, val.pmd, PG_LEVEL_2M);
}

static void *table_below(pteval_t entry, unsigned long addr, unsigned int level)
{
	return (pteval_t *)__va(PFN_PHYS(sim_entry_pfn(entry))) +
	       (addr >> page_level_shift(level)) % PTRS_PER_TABLE;
}

static bool populate(pteval_t *entry, unsigned int level)
{
	void *table;

	if (*entry)
		return true;
	table = memblock_alloc(PAGE_SIZE, PAGE_SIZE);
	if (!table)
		return false;
	if (sim.xen)
		make_lowmem_page_readonly(table);
	sim_set_entry(entry, pfn_pte(PFN_DOWN(__pa(table)), PAGE_KERNEL).pte, level);
	return true;
}

pmd_t *pmd_offset(pud_t *pud, unsigned long addr)
{
	return table_below(pud->pud, addr, PG_LEVEL_2M);
}

pgd_t *vmemmap_pgd_populate(unsigned long addr, int node)
{
	return no_top ? NULL :
	       (pgd_t *)(sim_top + (addr >> page_level_shift(4)) % PTRS_PER_TOP);
}

p4d_t *vmemmap_p4d_populate(pgd_t *pgd, unsigned long addr, int node)
{
	return populate(&pgd->pgd, PG_LEVEL_512G) ? (p4d_t *)pgd : NULL;
}

pud_t *vmemmap_pud_populate(p4d_t *p4d, unsigned long addr, int node)
{
	pud_t *pud = table_below(p4d->p4d, addr, PG_LEVEL_1G);

	return populate(&pud->pud, PG_LEVEL_1G) ? pud : NULL;
}

void *vmemmap_alloc_block_buf(unsigned long size, int node, struct vmem_altmap *altmap)
{
	EXPECT(!node && !altmap);
	if (in_pieces && size > PAGE_SIZE)
		return NULL;
	return memblock_alloc(size, size);
}

int vmemmap_populate_basepages(unsigned long start, unsigned long end, int node,
			       struct vmem_altmap *altmap)
{
	for (; start < end; start += PAGE_SIZE) {
		unsigned int level;
		pteval_t *e = sim_walk(start, &level);
		void *p;

		if (level == PG_LEVEL_2M) {
			if (!populate(e, PG_LEVEL_2M))
				return -ENOMEM;
			e = sim_walk(start, &level);
		}
		if (*e)
			continue;
		p = memblock_alloc(PAGE_SIZE, PAGE_SIZE);
		if (!p)
			return -ENOMEM;
		sim_set_entry(e, pfn_pte(PFN_DOWN(__pa(p)), PAGE_KERNEL).pte, level);
	}
	return 0;
}

void vmemmap_verify(pte_t *pte, int node, unsigned long start, unsigned long end)
{
	/* Of a table that is being filled, or live. */
	EXPECT(pte->pte & _PAGE_PRESENT);
	nr_verified += (end - start) >> PAGE_SHIFT;
}

/* Machines */

static struct sim_config config = {
	.levels = 4, .bits = 9, .sizes = BIT(PG_LEVEL_4K),
	.kernel = SZ_16M, .kernel_end = SZ_32M,
};

static bool start(bool xen, void (*map)(void))
{
	enum sim_outcome rc;

	config.xen = xen;
	sim_begin(&config);
	memblock_add(0, RAM);
	memblock_reserve(0, SZ_64K);
	if (config.nr_p2m)
		memblock_reserve(xen_model_free_area, SZ_8M);
	if (map == map_ballooned) {
		memblock_reserve(PFN_PHYS(FIRST), SZ_4M);
		memblock_reserve(RAM - PFN_PHYS(NOT_LISTED), PFN_PHYS(NOT_LISTED));
	}
	rc = sim_run(map, early_pgt_alloc);
	if (rc != SIM_OK)
		printf("# %s\n", sim_message);
	memblock_set_current_limit(sim_end);
	return rc == SIM_OK;
}

static bool refused(void (*map)(void), const char *why)
{
	config.xen = true;
	sim_begin(&config);
	memblock_add(0, RAM);
	memblock_reserve(0, SZ_64K);
	if (sim_run(map, early_pgt_alloc) == SIM_PANIC && strstr(sim_message, why))
		return true;
	printf("# says \"%s\", not \"%s\"\n", sim_message, why);
	return false;
}

static bool is_pte(unsigned long va, bool writable)
{
	unsigned int level;
	pteval_t *e = sim_walk(va, &level);

	return level == PG_LEVEL_4K && *e & _PAGE_PRESENT && !(*e & _PAGE_RW) != writable;
}

static unsigned long pfn_at(unsigned long va)
{
	unsigned int level;

	return sim_entry_pfn(*sim_walk(va, &level));
}

/* From the bottom up, the second part could take a table from the first one. */
static void bootstrap_is_enough(void)
{
	struct sim_config c = {
		.levels = 4, .bits = 9,
		.sizes = BIT(PG_LEVEL_4K) | BIT(PG_LEVEL_2M), .bottom_up = true,
		.kernel = SZ_16M, .kernel_end = SZ_32M, .split = SZ_32M,
	};

	sim_begin(&c);
	memblock_add(0, SZ_2M + SZ_1M);
	memblock_add(SZ_4M, SZ_64M + SZ_4K);
	memblock_reserve(0, SZ_64K);
	EXPECT(sim_ours() == SIM_OK);
	EXPECT(sim_result.chunks == 2 && sim_result.bootstrap == sim_result.total);
}

/* Memory map: early_pgt_ptes.c */

static void check_vmemmap(unsigned long start, unsigned long end)
{
	unsigned long va;
	unsigned int level;

	for (va = start; va < end; va += PAGE_SIZE) {
		EXPECT(is_pte(va, true));
		EXPECT(memblock_is_reserved(PFN_PHYS(pfn_at(va))));
		EXPECT(is_pte((unsigned long)__va(PFN_PHYS(pfn_at(va))), true));
		if (failed)
			return;
	}
	EXPECT(!*sim_walk(start - PAGE_SIZE, &level));
	EXPECT(!*sim_walk(end, &level));
}

static void finish(void)
{
	early_pgt_finish_ptes();
	EXPECT(early_pgt_area.start == early_pgt_area.end && !early_pgt_area.building);
}

static void vmemmap(bool xen)
{
	unsigned long start_va = VMEMMAP_VA + SZ_1M, end = VMEMMAP_VA + SZ_8M + SZ_64K;
	unsigned long calls;

	EXPECT(start(xen, sim_map_ours));
	if (failed)
		return;
	nr_verified = 0;
	calls = sim_result.calls;
	EXPECT(!early_pgt_vmemmap(start_va, end, 0));
	finish();
	check_vmemmap(start_va, end);
	EXPECT(nr_verified == (end - start_va) >> PAGE_SHIFT);
	/* Two for each of the two upper tables, and one for all PTE tables. */
	EXPECT(sim_result.calls - calls == (xen ? 5 : 0));

	/* The rest of a live table, one by one, and then a new one. */
	EXPECT(!early_pgt_vmemmap(end, end + SZ_2M, 0));
	finish();
	end += SZ_2M;
	check_vmemmap(start_va, end);

	/* Descending: what was begun is live before the next table is. */
	EXPECT(!early_pgt_vmemmap(VMEMMAP_VA + SZ_64M, VMEMMAP_VA + SZ_64M + SZ_4M, 0));
	EXPECT(!early_pgt_vmemmap(VMEMMAP_VA + SZ_32M, VMEMMAP_VA + SZ_32M + SZ_4M, 0));
	check_vmemmap(VMEMMAP_VA + SZ_64M, VMEMMAP_VA + SZ_64M + SZ_4M);
	finish();
	check_vmemmap(VMEMMAP_VA + SZ_32M, VMEMMAP_VA + SZ_32M + SZ_4M);

	/* Two parts of a table. */
	in_pieces = true;
	EXPECT(!early_pgt_vmemmap(VMEMMAP_VA + SZ_128M, VMEMMAP_VA + SZ_128M + SZ_1M, 0));
	EXPECT(!early_pgt_vmemmap(VMEMMAP_VA + SZ_128M + SZ_1M,
				  VMEMMAP_VA + SZ_128M + SZ_2M, 0));
	in_pieces = false;
	finish();
	check_vmemmap(VMEMMAP_VA + SZ_128M, VMEMMAP_VA + SZ_128M + SZ_2M);
	if (xen)
		xen_model_check();
}

static void vmemmap_native(void)
{
	vmemmap(false);
}

static void vmemmap_xen(void)
{
	vmemmap(true);
}

/* Wherever memory ends: an error, and nothing half done. */
static void vmemmap_no_memory(void)
{
	unsigned int pages;
	int rc = -ENOMEM;

	for (pages = 0; rc && pages < 2000; pages += pages < 8 ? 1 : 64) {
		EXPECT(start(true, sim_map_ours));
		if (failed)
			return;
		/* All but so many pages are taken. */
		memblock_reserve(SZ_1M, RAM - SZ_1M);
		memblock_reserve(0, SZ_1M);
		memblock_phys_free(SZ_64M, PFN_PHYS(pages));
		in_pieces = pages % 3;
		rc = early_pgt_vmemmap(VMEMMAP_VA, VMEMMAP_VA + SZ_4M, 0);
		in_pieces = false;
		EXPECT(rc == (pages < 2 + 2 + 1024 ? -ENOMEM : 0));
		finish();
		xen_model_check();
	}
	EXPECT(!rc);
	no_top = true;
	EXPECT(early_pgt_vmemmap(VMEMMAP_VA, VMEMMAP_VA + SZ_4M, 0) == -ENOMEM);
	no_top = false;

	/* In the middle of a live table. */
	EXPECT(!early_pgt_vmemmap(VMEMMAP_VA + SZ_16M, VMEMMAP_VA + SZ_16M + SZ_4K, 0));
	early_pgt_finish_ptes();
	memblock_reserve(0, RAM);
	EXPECT(early_pgt_vmemmap(VMEMMAP_VA + SZ_16M, VMEMMAP_VA + SZ_16M + SZ_8K, 0) == -ENOMEM);
}

/* p2m list: early_pgt_pv.c */

#define P2M_PFN		PFN_DOWN(SZ_64M)	/* tables, and then the list */
#define P2M_TABLES	4U

/* Page frames that RAM moves to, [start, end), up to one that has no end. */
static const struct range *targets;
static unsigned long list_va, old_nr;
static bool may_grow, in_large_page;

static u64 *table_at(unsigned long pfn)
{
	return __va(PFN_PHYS(pfn));
}

/* Memory as the processor sees it, where page tables map it. */
static void show(unsigned long start_va, unsigned long end)
{
	for (start_va = round_down(start_va, PAGE_SIZE); start_va < end; start_va += PAGE_SIZE) {
		EXPECT(is_pte(start_va, true));
		if (mmap((void *)start_va, PAGE_SIZE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, sim_memory_fd,
			 PFN_PHYS(pfn_at(start_va))) == MAP_FAILED) {
			perror("mmap");
			exit(2);
		}
	}
}

static void link_table(u64 *entry, unsigned long pfn)
{
	struct mmu_update req = {
		virt_to_machine(entry).maddr, pfn_pte(pfn, PAGE_KERNEL).pte,
	};

	if (HYPERVISOR_mmu_update(&req, 1, NULL, DOMID_SELF))
		sim_fail("Xen refused a table of the p2m list");
}

/* As Xen's domain builder leaves it: PTE tables, none of it in the direct map. */
static void provide_list(void)
{
	unsigned long pages = PFN_UP(old_nr * sizeof(long)), i;
	unsigned long first = P2M_PFN + P2M_TABLES, pmds;
	u64 *pmd = table_at(P2M_PFN + 1);

	pmds = DIV_ROUND_UP((list_va & ~PMD_MASK) + PFN_PHYS(pages), PMD_SIZE);
	if (pmds > P2M_TABLES - 2)
		sim_fail("the list is too long for this test");
	for (i = 0; i < P2M_TABLES; i++)
		memset(table_at(P2M_PFN + i), 0, PAGE_SIZE);
	for (i = 0; i < pages; i++)
		table_at(P2M_PFN + 2)[pte_index(list_va) + i] = pfn_pte(first + i, PAGE_KERNEL).pte;
	for (i = 0; i < pmds; i++)
		pmd[(list_va >> 21) % 512 + i] = pfn_pte(P2M_PFN + 2 + i, PAGE_KERNEL).pte;
	table_at(P2M_PFN)[(list_va >> 30) % 512] = pfn_pte(P2M_PFN + 1, PAGE_KERNEL).pte;
	link_table(sim_top + (list_va >> 39) % 512, P2M_PFN);
	sim_foreign_table(P2M_PFN, PG_LEVEL_1G);
	sim_foreign_table(P2M_PFN + 1, PG_LEVEL_2M);
	for (i = 0; i < pmds; i++)
		sim_foreign_table(P2M_PFN + 2 + i, PG_LEVEL_4K);

	show(list_va, list_va + PFN_PHYS(pages));
	xen_p2m_addr = (unsigned long *)list_va;
	xen_p2m_size = round_up(old_nr, P2M_PER_PAGE);
	xen_start_info->nr_pages = old_nr;
	xen_start_info->mfn_list = 0;
	for (i = 0; i < xen_p2m_size; i++)
		xen_p2m_addr[i] = i < old_nr ? sim_mfn(i) : INVALID_P2M_ENTRY;
	xen_start_info->first_p2m_pfn = sim.p2m;
	xen_start_info->nr_p2m_frames = sim.nr_p2m;
}

static void show_page(unsigned long pfn)
{
	unsigned long va = list_va + pfn * sizeof(long);

	if (may_grow && pfn >= round_up(old_nr, P2M_PER_PAGE) && xen_model_area_size)
		show(va, va + PAGE_SIZE);
}

static bool is_target(unsigned long pfn)
{
	const struct range *t;

	for (t = targets; t->end; t++)
		if (pfn >= t->start && pfn < t->end)
			return true;
	return false;
}

/* The list page of a frame: a target is in it, or it's one of the old list. */
static bool has_page(unsigned long pfn)
{
	const struct range *t;

	pfn = round_down(pfn, P2M_PER_PAGE);
	for (t = targets; t->end; t++)
		if (pfn + P2M_PER_PAGE > t->start && pfn < t->end)
			return true;
	return pfn < old_nr;
}

/* A table of the new ones, above the list page of this frame; counts itself. */
static unsigned int new_tables(unsigned long pfn)
{
	unsigned long va = list_va + pfn * sizeof(long), area = PFN_DOWN(xen_model_free_area);
	static bool seen[SZ_8M / PAGE_SIZE];
	unsigned int level, n = 0;
	pteval_t e = sim_top[va >> 39 & 511];

	for (level = PG_LEVEL_1G; level >= PG_LEVEL_4K; level--) {
		unsigned long table = sim_entry_pfn(e);

		if (!(e & _PAGE_PRESENT))
			sim_fail("no table of level %u for entry %#lx", level, pfn);
		if (table - area < ARRAY_SIZE(seen) && !seen[table - area]) {
			seen[table - area] = true;
			if (!xen_model_is_live(table))
				sim_fail("table %#lx of the p2m list isn't live", table);
			sim_foreign_table(table, level);
			n++;
		}
		e = table_at(table)[va >> page_level_shift(level) & 511];
	}
	return n;
}

/* The list has pages where it must, and nowhere else. */
static void check_list(void)
{
	unsigned long pages = 0, tables = 0, pfn = 0, p;
	const struct range *t;
	unsigned int level;

	for (t = targets; t->end; t++) {
		for (pfn = round_down(t->start, P2M_PER_PAGE); pfn < t->end; pfn += P2M_PER_PAGE) {
			/* Not the old list's, nor shared with the target before. */
			if (pfn < old_nr || (t > targets && pfn < t[-1].end))
				continue;
			tables += new_tables(pfn);
			pages++;
			if (!is_pte(list_va + pfn * sizeof(long), true))
				sim_fail("entry %#lx of the p2m list isn't mapped", pfn);
			p = pfn + P2M_PER_PAGE - 1;
			if (xen_early_p2m_next(pfn) != pfn || xen_early_p2m_next(p) != p)
				sim_fail("entry %#lx of the p2m list isn't found", pfn);
			for (p = pfn; p < pfn + P2M_PER_PAGE; p++) {
				if (xen_p2m_addr[p] != (is_target(p) ? INVALID_P2M_ENTRY :
							p | IDENTITY_FRAME_BIT))
					sim_fail("entry %#lx of the p2m list is %#lx", p,
						 xen_p2m_addr[p]);
			}
		}
		for (p = pfn; p < pfn + SZ_64M / PAGE_SIZE; p += P2M_PER_PAGE) {
			if (has_page(p))
				break;
			if (xen_early_p2m_next(p) < p + P2M_PER_PAGE ||
			    *sim_walk(list_va + p * sizeof(long), &level))
				sim_fail("entry %#lx of the p2m list exists", p);
		}
		if (xen_max_p2m_pfn < t->end)
			sim_fail("the p2m list ends at %#lx", xen_max_p2m_pfn);
	}
	if (xen_early_p2m_next(pfn) != ULONG_MAX)
		sim_fail("the p2m list has entry %#lx", xen_early_p2m_next(pfn));
	if (xen_model_area_size != PFN_PHYS(pages + tables))
		sim_fail("%lu pages for the p2m list, not %lu and %lu tables",
			 PFN_DOWN(xen_model_area_size), pages, tables);
	for (pfn = 0; pfn < old_nr; pfn++)
		if (xen_p2m_addr[pfn] != sim_mfn(pfn))
			sim_fail("entry %lu of the p2m list has changed", pfn);
}

static void grow_and_map(void)
{
	const struct range *t;
	unsigned int i = 0;
	unsigned long pfn;
	u64 *pmd, old;

	provide_list();
	pmd = table_at(P2M_PFN + 1) +
	      ((list_va + old_nr * sizeof(long)) / PMD_SIZE) % PTRS_PER_PTE;
	old = *pmd;
	/* Our model of Xen would not allow that, so it doesn't get to see it. */
	if (in_large_page)
		*pmd = _PAGE_PRESENT | _PAGE_PSE;
	memset(xen_model_extra, 0, sizeof(xen_model_extra));
	for (t = targets; t->end; t++)
		xen_model_extra[i++] = *t;
	for (t = targets; t->end; t++)
		xen_early_p2m_add(t->start, t->end);
	if (xen_early_p2m_next(round_up(old_nr, P2M_PER_PAGE)) != ULONG_MAX)
		sim_fail("the p2m list has entries before it has grown");
	xen_model_area_size = 0;
	xen_model_new_page = show_page;
	sim_result.calls = 0;
	xen_early_grow_p2m();
	xen_model_new_page = NULL;
	if (in_large_page)
		*pmd = old;
	if (sim_result.calls > 4 + xen_model_area_size / PAGE_SIZE / 64)
		sim_fail("%lu hypercalls for %lu pages", sim_result.calls,
			 xen_model_area_size / PAGE_SIZE);
	if (!may_grow) {
		if (xen_early_p2m_next(round_up(old_nr, P2M_PER_PAGE)) != ULONG_MAX)
			sim_fail("the p2m list grows");
		return;
	}
	check_list();
	for (t = targets; t->end; t++)
		for (pfn = t->start; pfn < t->end; pfn++)
			xen_p2m_addr[pfn] = sim_mfn(pfn);
	sim_map_ours();
}

/* In a process of its own: the kernel does that once, and remembers. */
static void grow(unsigned long va, unsigned long from, const struct range *to, bool can)
{
	struct stat stat;
	int status = 0;

	fflush(stdout);
	if (fork()) {
		wait(&status);
		if (status) {
			printf("# from %#lx at %#lx\n", from, va);
			failed = true;
		}
		return;
	}
	if (fstat(sim_memory_fd, &stat) || ftruncate(sim_memory_fd, 0) ||
	    ftruncate(sim_memory_fd, stat.st_size))
		exit(2);
	list_va = va;
	old_nr = from;
	targets = to;
	may_grow = can;
	config.p2m = P2M_PFN;
	config.nr_p2m = P2M_TABLES + PFN_UP(from * sizeof(long));
	config.xen = true;
	sim_begin(&config);
	memblock_add(0, PFN_PHYS(from));
	for (; to->end; to++)
		memblock_add(PFN_PHYS(to->start), PFN_PHYS(to->end - to->start));
	memblock_reserve(0, SZ_64K);
	if (xen_model_free_area) {
		memblock_reserve(xen_model_free_area, SZ_8M);
		memset(__va(xen_model_free_area), 0x5a, SZ_8M);
	}
	EXPECT(sim_run(grow_and_map, early_pgt_alloc) == (can ? SIM_OK : SIM_FAIL));
	EXPECT(can || strstr(sim_message, "bytes mapped, "));
	if (failed)
		printf("# %s\n", sim_message);
	exit(failed);
}

#define IN_TABLE	(PMD_SIZE / sizeof(long))	/* entries that a PTE table maps */
#define IN_PMDS		(PUD_SIZE / sizeof(long))	/* entries that a PMD table maps */
#define TO(...)		((const struct range[]) { __VA_ARGS__, { } })
#define TB		(1UL << (40 - PAGE_SHIFT))

static void p2m_grows(void)
{
	xen_model_free_area = SZ_128M;
	/* Within a PTE table, into the next one, from one to the next, by two. */
	grow(P2M_VA, PAGES, TO({ PAGES, PAGES + 5 * 512 }), true);
	grow(P2M_VA + SZ_1M, PAGES - 700, TO({ PAGES - 700, PAGES }), true);
	grow(P2M_VA + SZ_1M, PAGES, TO({ PAGES, PAGES + 512 }), true);
	grow(P2M_VA + SZ_1M, PAGES, TO({ PAGES, PAGES + 2 * IN_TABLE }), true);
	grow(P2M_VA + SZ_1M, PAGES - 1024, TO({ PAGES - 1024, PAGES }), true);
	/* Into the next PMD table: more than that, or as the list is at its end. */
	grow(P2M_VA + SZ_1G - SZ_2M, PAGES, TO({ PAGES, PAGES + 2 * IN_TABLE }), true);
	grow(P2M_VA + SZ_1G - SZ_1M - SZ_8K, PAGES, TO({ PAGES, PAGES + 512 }), true);
}

/* What the list takes follows the RAM that moves, not how far that is away. */
static void p2m_grows_sparsely(void)
{
	static struct range many[XEN_EXTRA_MEM_MAX_REGIONS + 1];
	unsigned int i;

	xen_model_free_area = SZ_128M;
	grow(P2M_VA, PAGES, TO({ 25 * TB, 25 * TB + 777 }), true);
	grow(P2M_VA, PAGES, TO({ PAGES, PAGES + 300 }, { 64 * TB - 5000, 64 * TB }), true);
	/* Unaligned; two in a page; one in the tail of the list; next to each other. */
	grow(P2M_VA + SZ_1M, PAGES - 700,
	     TO({ PAGES - 700, PAGES - 690 }, { PAGES + 3, PAGES + 5 },
		{ PAGES + 7, PAGES + 600 }, { PAGES + 1023, PAGES + 1025 },
		{ TB + 511, TB + 513 }, { TB + 1024, TB + 1025 }), true);
	/* On both sides of the end of a PTE table, of a PMD table; beyond 256 GB. */
	grow(P2M_VA, PAGES,
	     TO({ IN_TABLE - 9, IN_TABLE + 9 }, { IN_PMDS / 2 + 9, IN_PMDS / 2 + 11 },
		{ IN_PMDS - 1, IN_PMDS + 1 }, { 3 * IN_PMDS, 3 * IN_PMDS + 1 }), true);
	for (i = 0; i < XEN_EXTRA_MEM_MAX_REGIONS; i++) {
		many[i].start = PAGES + (i + 1) * (TB / 2 - 12345);
		many[i].end = many[i].start + 100 * i + 1;
	}
	grow(P2M_VA, PAGES, many, true);
}

static void p2m_cannot_grow(void)
{
	xen_model_free_area = 0;
	grow(P2M_VA, PAGES, TO({ PAGES, PAGES + 512 }), false);
	/* Beyond what its PUD table maps. */
	xen_model_free_area = SZ_128M;
	grow(P2M_VA + (511UL << 30), PAGES, TO({ IN_PMDS, IN_PMDS + 512 }), false);
	/* In a large page that goes on, or where nothing is. */
	in_large_page = true;
	grow(P2M_VA + SZ_1M, PAGES, TO({ PAGES, PAGES + 512 }), false);
	in_large_page = false;
}

/* Walks find what a walk of the model finds. */
static void walk_and_map(void)
{
	static const unsigned long addrs[] = { 0, SZ_16M, SZ_32M - 1, SZ_256M, 1UL << 40 };
	phys_addr_t tables[PG_LEVEL_NUM];
	unsigned int i, level, want;
	pteval_t val;

	for (i = 0; i < ARRAY_SIZE(addrs); i++) {
		unsigned long va = (unsigned long)__va(addrs[i]);
		pteval_t *e = sim_walk(va, &want), *table;

		level = xen_early_walk(va, tables, &val);
		if (level != want)
			sim_fail("%#lx: level %u, not %u", addrs[i], level, want);
		table = (pteval_t *)round_down((unsigned long)e, PAGE_SIZE);
		if (__va(tables[level]) != table || val != pte_val(native_make_pte(*e)))
			sim_fail("%#lx: wrong entry at level %u", addrs[i], level);
		if (tables[PG_LEVEL_512G] != __pa(sim_top))
			sim_fail("%#lx: wrong table at the top", addrs[i]);
	}
	sim_map_ours();
}

static void walk_finds_entries(void)
{
	EXPECT(start(true, walk_and_map));
}

static void map_ballooned(void)
{
	xen_p2m_addr[FIRST] = INVALID_P2M_ENTRY;
	xen_p2m_addr[FIRST + 7] = INVALID_P2M_ENTRY;
	xen_p2m_addr[FIRST + 512 + 11] |= FOREIGN_FRAME_BIT;
	xen_p2m_addr[FIRST + 512 + 12] |= IDENTITY_FRAME_BIT;
	/* The end isn't in the list at all. */
	xen_p2m_size = PAGES - NOT_LISTED;
	sim_ballooned = 2 + NOT_LISTED;
	sim_map_ours();
}

static void ballooned_frames(void)
{
	unsigned int level;
	unsigned long i;

	EXPECT(start(true, map_ballooned));
	for (i = 0; i < 1024; i++)
		EXPECT(is_pte((unsigned long)__va(PFN_PHYS(FIRST + i)), true) == (i && i != 7));
	for (i = 1; i <= NOT_LISTED + 1; i++)
		EXPECT(!*sim_walk((unsigned long)__va(PFN_PHYS(PAGES - i)), &level) == (i <= NOT_LISTED));
	for (i = 0; i < 1024; i++)
		xen_p2m_addr[FIRST + i] = sim_mfn(FIRST + i);
}

/* Batches: nothing before its time, all of it then, whatever the number. */
static void change_entries(void)
{
	unsigned long pfn, n = 20000, first = PFN_DOWN(SZ_256M), calls;
	unsigned int level;

	sim_map_ours();
	calls = sim_result.calls;
	for (pfn = first; pfn < first + n; pfn++) {
		u64 *e = sim_walk((unsigned long)__va(PFN_PHYS(pfn)), &level);

		xen_early_batch_entry(virt_to_machine(e).maddr, *e & ~_PAGE_RW);
		xen_early_batch_entry(PFN_PHYS(sim_mfn(pfn)) | MMU_MACHPHYS_UPDATE, pfn + 1);
		/* A batch is full now with an entry, and now with this. */
		if (pfn == first + n / 2)
			xen_early_batch_entry(PFN_PHYS(sim_mfn(pfn)) | MMU_MACHPHYS_UPDATE, pfn + 1);
		if (pfn == first && (!(*e & _PAGE_RW) || xen_model_m2p[pfn] == pfn + 1))
			sim_fail("a batch takes effect at once");
	}
	xen_early_batch_issue();
	if (sim_result.calls - calls > 6)
		sim_fail("%lu hypercalls for %lu changes", sim_result.calls - calls, 2 * n);
	for (pfn = first; pfn < first + n; pfn++) {
		u64 *e = sim_walk((unsigned long)__va(PFN_PHYS(pfn)), &level);

		if (*e & _PAGE_RW || xen_model_m2p[pfn] != pfn + 1)
			sim_fail("pfn %#lx: no effect", pfn);
		xen_early_batch_entry(virt_to_machine(e).maddr, *e | _PAGE_RW);
	}
	xen_early_batch_issue();
}

static void batches_are_complete(void)
{
	EXPECT(start(true, change_entries));
}

/* A live table is never to be writable. */
static void map_table_writable(void)
{
	unsigned int level;
	u64 *e;

	sim_map_ours();
	e = sim_walk((unsigned long)sim_top, &level);
	xen_early_batch_entry(PFN_PHYS(sim_mfn(1)) | MMU_MACHPHYS_UPDATE, 1);
	xen_early_batch_entry(virt_to_machine(e).maddr, *e | _PAGE_RW);
	early_pgt_area.building = true;
	xen_early_batch_issue();
}

static void wrong_m2p(void)
{
	sim_map_ours();
	xen_early_batch_entry(PFN_PHYS(sim_mfn(SIM_MAX_PFN)) | MMU_MACHPHYS_UPDATE, 0x1234);
	xen_early_batch_issue();
}

static void table_in_a_hole(void)
{
	early_pgt_area.start = (unsigned long)__va(RAM + SZ_16M);
	early_pgt_area.end = early_pgt_area.start + PAGE_SIZE;
	xen_early_pgt_ops.publish();
}

/* Our model of Xen would not allow a large page, so it doesn't get to see it. */
static void table_in_a_large_page(void)
{
	unsigned int level;

	early_pgt_area.start = (unsigned long)__va(RAM + SZ_16M);
	early_pgt_area.end = early_pgt_area.start + PAGE_SIZE;
	*sim_walk(early_pgt_area.start, &level) = _PAGE_PRESENT | _PAGE_PSE;
	xen_early_pgt_ops.publish();
}

static void no_more_tables(void)
{
	sim_map_ours();
	memblock_reserve(0, RAM);
	while (early_pgt_alloc(1))
		;
}

static void refusals_are_reported(void)
{
	unsigned long calls;
	char want[80];

	snprintf(want, sizeof(want), "mmu_update 2 of 2, error -16: entry %lu of table",
		 pte_index((unsigned long)__va(SZ_16M)));
	EXPECT(refused(map_table_writable, want));
	/* The console may map memory then: nothing is issued again. */
	calls = sim_result.calls;
	xen_early_batch_issue();
	EXPECT(sim_result.calls == calls);
	EXPECT(refused(map_table_writable, "(pfn 0x1000 mfn 0x1001001)"));
	EXPECT(refused(wrong_m2p, "mmu_update 1 of 1, error -22: m2p of mfn 0x401000001 = pfn 0x1234"));
	EXPECT(refused(table_in_a_hole, "isn't mapped by a PTE"));
	EXPECT(refused(table_in_a_large_page, "isn't mapped by a PTE"));
	EXPECT(refused(no_more_tables, "no memory for 1 tables below 0x20400000"));
}

int main(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} tests[] = {
		{ "bootstrap_is_enough", bootstrap_is_enough },
		{ "vmemmap_native", vmemmap_native },
		{ "vmemmap_xen", vmemmap_xen },
		{ "vmemmap_no_memory", vmemmap_no_memory },
		{ "walk_finds_entries", walk_finds_entries },
		{ "ballooned_frames", ballooned_frames },
		{ "batches_are_complete", batches_are_complete },
		{ "refusals_are_reported", refusals_are_reported },
		/* The kernel does that once, and remembers: these come last. */
		{ "p2m_cannot_grow", p2m_cannot_grow },
		{ "p2m_grows", p2m_grows },
		{ "p2m_grows_sparsely", p2m_grows_sparsely },
	};
	unsigned int i, nr_failed = 0;

	sim_memory_fd = memfd_create("memory", 0);
	if (sim_memory_fd < 0) {
		perror("memfd_create");
		return 2;
	}
	sim_init();
	sim_max_steps = 1 << 26;
	printf("KTAP version 1\n1..%zu\n", ARRAY_SIZE(tests));
	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		failed = false;
		tests[i].run();
		nr_failed += failed;
		printf("%sok %u %s\n", failed ? "not " : "", i + 1, tests[i].name);
		fflush(stdout);
	}
	return nr_failed != 0;
}
