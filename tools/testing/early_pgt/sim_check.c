// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checks: of a table when it is allocated, and of all of memory when it is mapped.
 * And figures of where the tables are.
 */

#include "machine.h"

#include <stdlib.h>

/* Index of the first region that ends behind @addr, or the number of regions. */
static unsigned long __fast first_behind(const struct regions *regions, u64 addr)
{
	const struct memblock_region *r = regions->region;
	unsigned long lo = 0, hi = regions->nr;

	while (lo < hi) {
		unsigned long mid = (lo + hi) / 2;

		if (r[mid].base + r[mid].size <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The first region of RAM that ends behind @addr, if it begins before. */
static const struct memblock_region *__fast find_ram(u64 addr)
{
	const struct memblock_region *r = machine.ram.region;
	unsigned long nr = machine.ram.nr;
	static unsigned long last;

	if (last >= nr || r[last].base > addr || addr - r[last].base >= r[last].size)
		last = first_behind(&machine.ram, addr);
	return last < nr && r[last].base <= addr ? &r[last] : NULL;
}

static bool __fast is_ram(u64 start, u64 size)
{
	const struct memblock_region *r = find_ram(start);

	return r && r->base + r->size - start >= size;
}

bool sim_was_reserved(unsigned long pfn)
{
	u64 a = PFN_PHYS(pfn);
	unsigned long i = first_behind(&machine.taken, a);

	return i < machine.taken.nr && machine.taken.region[i].base < a + PAGE_SIZE;
}

/* A table of the direct map has been allocated: may it be there? */
void sim_new_table(unsigned long pfn, unsigned int level)
{
	unsigned int l;
	pteval_t *e;

	if (pfn >= SIM_MAX_PFN)
		sim_fail("table beyond memory: pfn %#lx", pfn);
	if (machine.table_level[pfn])
		sim_fail("pfn %#lx is a table already", pfn);
	machine.table_level[pfn] = level;
	if (machine.nr_tables == machine.max_tables) {
		machine.max_tables = machine.max_tables * 2 + 64;
		machine.tables = realloc(machine.tables, machine.max_tables * sizeof(*machine.tables));
		if (!machine.tables)
			abort();
	}
	machine.tables[machine.nr_tables++] = pfn;

	if (machine.ours && !early_pgt_under_construction(__va(PFN_PHYS(pfn))))
		sim_fail("new table at pfn %#lx isn't under construction", pfn);
	e = sim_walk((unsigned long)__va(PFN_PHYS(pfn)), &l);
	if (sim_xen && (!(*e & _PAGE_RW) || xen_model_is_live(pfn)))
		sim_fail("pfn %#lx was filled with plain stores, but isn't writable", pfn);
	if (pfn >= machine.brk_start && pfn < machine.brk_end) {
		sim_result.bootstrap++;
		return;
	}
	if (!(*e & _PAGE_PRESENT) && !(sim.light && l == 1))
		sim_fail("table at pfn %#lx, which isn't mapped yet", pfn);
	/* A last resort, which base doesn't have. */
	if (pfn < PFN_DOWN(ISA_END_ADDRESS)) {
		sim_result.below_1m++;
		if (!machine.ours)
			sim_fail("table at pfn %#lx, in the ISA range", pfn);
	}
	if (!is_ram(PFN_PHYS(pfn), PAGE_SIZE))
		sim_fail("table at pfn %#lx, which isn't RAM", pfn);
	/* Where memblock's arrays were before they grew is free again. */
	if (sim_was_reserved(pfn) && pfn >= PFN_DOWN(ISA_END_ADDRESS))
		sim_fail("table at pfn %#lx, which was reserved", pfn);
	if (!memblock_is_reserved(PFN_PHYS(pfn)))
		sim_fail("table at pfn %#lx isn't reserved", pfn);
}

/**
 * sim_foreign_table - a table that isn't the direct map's was linked
 * @pfn:   page frame
 * @level: its level
 *
 * To be called before there is a direct map.
 */
void sim_foreign_table(unsigned long pfn, unsigned int level)
{
	machine.table_level[pfn] = level;
	machine.tables[machine.nr_tables++] = pfn;
	machine.nr_linked++;
}

/* The page size by mainline's rule, for memory that is RAM. */
static unsigned int __fast want_level(unsigned long addr)
{
	unsigned int level;

	for (level = PG_LEVEL_1G; level > PG_LEVEL_4K; level--) {
		unsigned long size, base;

		if (!(sim.sizes & BIT(level)))
			continue;
		size = page_level_size(level);
		base = round_down(addr, size);
		if (!is_ram(base, size))
			continue;
		if (IS_ENABLED(CONFIG_X86_32) && (u64)base + size > sim_end)
			continue;
		/* A table was there before. */
		if (base < machine.premap_end && base + size > machine.premap_start)
			continue;
		return level;
	}
	return PG_LEVEL_4K;
}

static unsigned long nr_walked, walked_bytes;

static bool may_be_mapped(unsigned long addr)
{
	return addr < ISA_END_ADDRESS ||
	       (addr >= machine.premap_start && addr < machine.premap_end) ||
	       is_ram(addr, PAGE_SIZE);
}

static void __fast check_leaf(pteval_t e, unsigned long addr, unsigned int level)
{
	if (sim_entry_pfn(e) != PFN_DOWN(addr))
		sim_fail("%#lx is mapped to pfn %#lx", addr, sim_entry_pfn(e));
	if (!is_ram(addr, page_level_size(level)))
		sim_fail("a large page of level %u at %#lx exceeds RAM", level, addr);
	if (!(e & _PAGE_RW))
		sim_fail("%#lx is mapped read-only", addr);
	walked_bytes += page_level_size(level);
}

/* Frames in order, and protection as expected, from @i to @lim. */
static unsigned int __fast check_run(const pteval_t *table, unsigned int i, unsigned int lim,
				     unsigned long pfn)
{
	for (; i < lim && table[i]; i++, pfn++) {
		bool ro = false;

		if (sim_xen)
			ro = machine.table_level[pfn] || pfn == PFN_DOWN(__pa(sim_top)) ||
			     (pfn >= sim.p2m && pfn < sim.p2m + sim.nr_p2m);
		if (table[i] != make_entry(pfn, PAGE_KERNEL.pgprot & ~(ro ? _PAGE_RW : 0)))
			sim_fail("the PTE of pfn %#lx is %#llx, which isn't its frame, or has wrong rights (a table: %d)",
				 pfn, (unsigned long long)table[i], machine.table_level[pfn]);
		walked_bytes += PAGE_SIZE;
	}
	return i;
}

static void check_ptes(const pteval_t *table, unsigned long va)
{
	unsigned int n = PTRS_PER_TABLE, i = 0, lim;

	/* Another mapping than the direct one. */
	if (__pa(va) >= WINDOW_SIZE)
		return;
	while (i < n) {
		unsigned long addr = __pa(va) + PFN_PHYS((unsigned long)i);
		const struct memblock_region *r;

		if (!table[i]) {
			i++;
			continue;
		}
		if (want_level(addr) != PG_LEVEL_4K)
			sim_fail("%#lx is mapped by a PTE, not level %u", addr, want_level(addr));
		lim = i + 1;
		r = find_ram(addr);
		if (r)
			lim = min_t(u64, n, i + ((r->base + r->size - addr) >> PAGE_SHIFT));
		else if (!may_be_mapped(addr))
			sim_fail("%#lx is mapped, but isn't RAM", addr);
		i = check_run(table, i, lim, PFN_DOWN(addr));
	}
}

static void __fast check_table(pteval_t *table, unsigned long va, unsigned int level)
{
	unsigned long size = page_level_size(level), i, nr = PTRS_PER_TABLE;

	if (level == sim.levels)
		nr = machine.top_entries;

	for (i = 0; i < nr; i++, va += size) {
		pteval_t e = table[i];

		if (!e)
			continue;
		if (!(e & _PAGE_PRESENT))
			sim_fail("bad entry %#llx at %#lx", (unsigned long long)e, __pa(va));
		if (e & _PAGE_PSE) {
			if (want_level(__pa(va)) != level)
				sim_fail("%#lx is mapped by level %u, not %u",
					 __pa(va), level, want_level(__pa(va)));
			check_leaf(e, __pa(va), level);
			continue;
		}
		if (machine.table_level[sim_entry_pfn(e)] != level - 1)
			sim_fail("pfn %#lx is linked at level %u, and is no table for that",
				 sim_entry_pfn(e), level);
		nr_walked++;
		sim_result.tables[level - 1]++;
		if (level > PG_LEVEL_2M)
			check_table(table_of(e), va, level - 1);
		else if (!sim.light)
			check_ptes(table_of(e), va);
	}
}

/* The size of the largest free range below @limit, and where it begins. */
static u64 crash_room(u64 limit, u64 *start)
{
	u64 best = 0;
	phys_addr_t s, e;
	u64 i;

	for_each_free_mem_range(i, NUMA_NO_NODE, MEMBLOCK_NONE, &s, &e, NULL) {
		if (s >= limit)
			break;
		if (min_t(u64, e, limit) - s > best) {
			best = min_t(u64, e, limit) - s;
			*start = s;
		}
	}
	return best;
}

#define LOW_896M	(SZ_512M + SZ_256M + SZ_128M)
#define LOW_768M	(SZ_512M + SZ_256M)

static void account(void)
{
	struct sim_result *r = &sim_result;
	phys_addr_t s, e;
	unsigned long i;
	u64 j, start;

	for_each_free_mem_range(j, NUMA_NO_NODE, MEMBLOCK_NONE, &s, &e, NULL)
		if (e > ISA_END_ADDRESS && s < sim_end)
			r->spare += (min_t(u64, e, sim_end) -
				     max_t(u64, s, ISA_END_ADDRESS)) >> PAGE_SHIFT;

	r->lowest = ULONG_MAX;
	for (i = machine.nr_linked; i < machine.nr_tables; i++) {
		unsigned long pfn = machine.tables[i];

		if (pfn >= machine.brk_start && pfn < machine.brk_end)
			continue;
		r->lowest = min(r->lowest, pfn);
		r->highest = max(r->highest, pfn);
		r->below_4g += pfn < PFN_DOWN(SZ_4G);
		r->below_896m += pfn < PFN_DOWN(LOW_896M);
		r->below_768m += pfn < PFN_DOWN(LOW_768M);
	}
	r->total = machine.nr_tables - machine.nr_linked;
	r->ranges = memblock.reserved.cnt - machine.taken.nr;
	r->crash_4g = crash_room(IS_ENABLED(CONFIG_X86_32) ? SZ_512M : SZ_4G, &start);
	r->crash_896m = crash_room(LOW_896M, &start);
	r->crash_768m = crash_room(LOW_768M, &start);
}

static void write_crash_range(FILE *f, const char *kind, u64 limit)
{
	u64 start = 0, size = crash_room(limit, &start);

	fprintf(f, "direct_map\t%s\t%llx\t%llx\t0\n", kind, start, start + size);
}

static void write_regions(FILE *f, const char *kind, const struct memblock_type *type)
{
	unsigned long i;

	for (i = 0; i < type->cnt; i++)
		fprintf(f, "direct_map\t%s\t%llx\t%llx\t0\n", kind,
			(u64)type->regions[i].base,
			(u64)type->regions[i].base + type->regions[i].size);
}

/**
 * sim_write - write what came out as tables, to be drawn
 * @tables: all early tables, a line each: phase, level, pfn, mfn, address (which
 *          isn't known here), region, owner
 * @ranges: what memblock has, a line each: phase, kind, start, end, flags
 *
 * After a run that returned SIM_OK.
 */
void sim_write(FILE *tables, FILE *ranges)
{
	unsigned long i;

	write_regions(ranges, "memory", &memblock.memory);
	write_regions(ranges, "reserved", &memblock.reserved);
	write_crash_range(ranges, "crash_below_4g", SZ_4G);
	write_crash_range(ranges, "crash_below_896m", LOW_896M);

	for (i = machine.nr_linked; i < machine.nr_tables; i++) {
		unsigned long pfn = machine.tables[i];
		bool brk = pfn >= machine.brk_start && pfn < machine.brk_end;

		fprintf(tables, "direct_map\t%u\t%lx\t%lx\t0\tdirect_map\t%s\n",
			machine.table_level[pfn], pfn, pfn, brk ? "image" : "reserved");
	}
}

/* Only ours. */
static void check_pools(void)
{
	unsigned long pages = (memblock_reserved_size() - machine.reserved_size) >> PAGE_SHIFT;
	unsigned long own = sim_result.total - sim_result.bootstrap;
	phys_addr_t block;

	/* Whole pages of a region array are reserved by memblock itself. */
	if (memblock.reserved.max == machine.empty.reserved.max &&
	    memblock.memory.max == machine.empty.memory.max && pages != own)
		sim_fail("%lu pages reserved for %lu tables", pages, own);

	/*
	 * Firmware may own the rest of the large page in which RAM ends: it isn't used
	 * while there is a whole one.
	 */
	block = memblock_phys_alloc_range(PMD_SIZE, PMD_SIZE, ISA_END_ADDRESS, sim_end);
	if (block)
		memblock_phys_free(block, PMD_SIZE);
	if (!sim.bottom_up && !IS_ENABLED(SIM_TINY) && block &&
	    sim_result.highest >= PFN_DOWN(round_down(sim_end, PMD_SIZE)))
		sim_fail("table at pfn %#lx, in the last part of a large page",
			 sim_result.highest);

	/* In the small scope, a large page may bring low memory at once. */
	if (sim.bottom_up || sim.policy || IS_ENABLED(CONFIG_X86_32) ||
	    machine.isa_pfn > PFN_DOWN(ISA_END_ADDRESS))
		return;
	if (sim_result.below_4g) {
		phys_addr_t s, e;
		u64 j;

		for_each_free_mem_range_reverse(j, NUMA_NO_NODE, MEMBLOCK_NONE, &s, &e, NULL) {
			u64 a = round_up(max_t(u64, s, SZ_4G), PMD_SIZE);

			/* Base doesn't look at less than a large page, either. */
			if (a + PMD_SIZE <= e && (e - a) >> PAGE_SHIFT > own)
				sim_fail("%lu of %lu tables below 4 GB, with %llu pages free above",
					 sim_result.below_4g, own,
					 (unsigned long long)(e - a) >> PAGE_SHIFT);
		}
	}
}

/**
 * machine_check - everything that has to hold when all RAM is mapped
 *
 * Also fills in sim_result.
 */
void machine_check(void)
{
	unsigned long bytes = 0, i, isa = ISA_END_ADDRESS;
	const struct memblock_region *ram = machine.ram.region;
	bool low = !machine.premap_start;

	nr_walked = 0;
	walked_bytes = 0;
	check_table(sim_top, machine.top_base, sim.levels);

	if (low)
		isa = max(isa, machine.premap_end);
	else
		bytes = machine.premap_end - machine.premap_start;
	for (i = 0; i < machine.ram.nr; i++) {
		u64 a = max_t(u64, round_up(ram[i].base, PAGE_SIZE), isa);
		u64 b = min_t(u64, round_down(ram[i].base + ram[i].size, PAGE_SIZE), sim_end);

		if (a < b)
			bytes += b - a;
	}
	bytes += isa - PFN_PHYS(sim_ballooned);
	if (walked_bytes != bytes && !sim.light)
		sim_fail("%#lx bytes mapped, %#lx expected", walked_bytes, bytes);
	if (nr_walked != machine.nr_tables)
		sim_fail("%lu tables, %lu of them linked", machine.nr_tables, nr_walked);
	for (i = machine.nr_linked; i < machine.nr_tables; i++)
		if (!(machine.tables[i] >= machine.brk_start && machine.tables[i] < machine.brk_end) &&
		    !memblock_is_reserved(PFN_PHYS(machine.tables[i])))
			sim_fail("table at pfn %#lx isn't reserved any more", machine.tables[i]);
	if (sim_xen)
		xen_model_check();
	account();
	if (machine.ours)
		check_pools();
}

/**
 * sim_free_block - after a panic: is there a free block left that brings more pages
 * than it may take tables to map it?
 *
 * A block has a power of two of pages, and is naturally aligned, within the range
 * of a PTE table. Only if there is none may ours panic.
 */
bool sim_free_block(void)
{
	unsigned long size = PAGE_SIZE;

	while (size < PFN_PHYS(sim.levels))
		size *= 2;
	for (; size <= PMD_SIZE; size *= 2)
		if (memblock_phys_alloc_range(size, size, ISA_END_ADDRESS, sim_end))
			return true;
	return false;
}
