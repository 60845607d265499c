// SPDX-License-Identifier: GPL-2.0-only
/*
 * A machine for the early page tables: memory, the code that writes tables,
 * and checks of what came out.
 *
 * Physical memory is a window of the address space. A page is there as soon as
 * it is touched, so that terabytes cost no more than the tables in them.
 */

#include "sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <unistd.h>

#include <linux/slab.h>
#include <asm/early_pgt.h>
#include <asm/sections.h>
#include "early_pgt.h"

/*
 * 64-bit: above the shadow of the address sanitizer, below where programs are
 * loaded, with 4 TB to spare for KASLR. 32-bit: where the kernel has it, which
 * takes programs that are loaded elsewhere.
 */
#ifdef CONFIG_X86_64
#define WINDOW		0x110000000000UL
#define WINDOW_SIZE	((SIM_MAX_PFN << PAGE_SHIFT) + (1UL << 42))
#else
#define WINDOW		PAGE_OFFSET
#define WINDOW_SIZE	(IS_ENABLED(SIM_TINY) ? SZ_16M : SIM_MAX_LOW)
#endif

unsigned int sim_levels = 4, sim_config_levels = 4, sim_bits = 9;
unsigned long sim_page_offset = WINDOW;
bool sim_verbose;
struct sim_config sim;
struct sim_result sim_result;
char sim_message[512];
pteval_t *sim_top;
unsigned long sim_end;

/* Memory as a file, so that it can be mapped elsewhere, too. */
int sim_memory_fd = -1;

/* Pages of RAM that Xen hasn't given us. */
unsigned long sim_ballooned;

/* What the kernel defines elsewhere. */
struct range pfn_mapped[E820_MAX_ENTRIES];
int nr_pfn_mapped;
unsigned long max_pfn_mapped, max_low_pfn_mapped, max_low_pfn_shim;
bool movable_node_enabled;

/* memblock asks only when slab is available, which it never is. */
void *kmalloc(size_t size, gfp_t gfp)
{
	sim_fail("kmalloc(%zu, %#x)", size, (unsigned int)gfp);
}

void kfree(void *p)
{
	sim_fail("kfree(%p)", p);
}

struct sim_uts_ns sim_uts_ns = { .name.release = "simulated" };
char _text[1], _end[1];

unsigned long sim_pa_symbol(const char *sym)
{
	return sym == _text ? sim.kernel : sim.kernel_end;
}

static jmp_buf out;
static bool running;
static u8 *table_level;			/* by page frame: 0, or a table's level */
static unsigned long *tables;		/* page frames of all tables */
static unsigned long nr_tables, max_tables, nr_linked;
static unsigned long top_base, top_entries;
static unsigned long brk_next, brk_start, brk_end;
static bool brk_locked;
static unsigned long kernel_next;	/* pages for the initial tables */
static unsigned long premap_start, premap_end;

static struct early_pgt_ops native_ops;
static struct memblock memblock_boot;
static struct memblock_region *ram, *taken;
static unsigned long nr_ram, nr_taken, max_ram, max_taken;
static unsigned long reserved_before;
static long ranges_before;
static phys_addr_t top_block;		/* highest large page that is free */
static unsigned long isa_pfn;		/* mapped with the ISA range */

static void message(const char *fmt, va_list ap)
{
	vsnprintf(sim_message, sizeof(sim_message), fmt, ap);
	sim_message[strcspn(sim_message, "\n")] = '\0';
}

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(fmt, ap);
	va_end(ap);
	if (!running) {
		fprintf(stderr, "panic: %s\n", sim_message);
		abort();
	}
	longjmp(out, SIM_PANIC);
}

void sim_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(fmt, ap);
	va_end(ap);
	if (!running) {
		fprintf(stderr, "%s\n", sim_message);
		abort();
	}
	longjmp(out, SIM_FAIL);
}

void sim_warn(const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sim_fail("WARN: %s", text);
}

void sim_printk(const char *fmt, ...)
{
	unsigned long chunks;
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (sscanf(text, "early_pgt: %*u tables in %lu chunks", &chunks) == 1)
		sim_result.chunks = chunks;
	if (sim_verbose)
		printf("# %s", text);
}

static void *sparse(unsigned long at, unsigned long size, const char *what, int fd)
{
	void *p = mmap((void *)at, size, PROT_READ | PROT_WRITE,
		       (fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED) |
		       MAP_NORESERVE | (at ? MAP_FIXED_NOREPLACE : 0), fd, 0);

	if (p == MAP_FAILED) {
		perror(what);
		fprintf(stderr, "can't have %lu MB of addresses at %#lx for the simulated memory: see ulimit -v and vm.overcommit_memory\n",
			size >> 20, at);
		exit(2);
	}
	madvise(p, size, MADV_NOHUGEPAGE);
	return p;
}

#if defined(CONFIG_X86_32) && !defined(SIM_TINY)
/*
 * Libraries are loaded below the stack, which is in the window. Start again in
 * the old layout, which has them at a third of all addresses.
 */
static void __attribute__((constructor)) clear_window(int argc, char **argv, char **envp)
{
	int old = personality(0xffffffff);

	(void)argc;
	if (old & ADDR_COMPAT_LAYOUT)
		return;
	if (personality(old | ADDR_COMPAT_LAYOUT) >= 0)
		execve("/proc/self/exe", argv, envp);
	perror("personality");
	fprintf(stderr, "can't have the addresses from %#lx up for the simulated memory: run this outside of the container, or with --security-opt seccomp=unconfined\n",
		WINDOW);
	exit(77);
}
#endif

/**
 * sim_init - to be called once
 */
void sim_init(void)
{
	if (sim_memory_fd >= 0 && ftruncate(sim_memory_fd, WINDOW_SIZE)) {
		perror("ftruncate");
		exit(2);
	}
	sparse(WINDOW, WINDOW_SIZE, "mmap", sim_memory_fd);
	table_level = sparse(0, SIM_MAX_PFN, "mmap", -1);
	memblock_boot = memblock;
	native_ops = early_pgt_ops;
	if (IS_ENABLED(CONFIG_X86_64))
		xen_model_reset();
}

static void forget_tables(void)
{
	static unsigned long touched;
	unsigned long i;

	/* Don't hoard memory. */
	touched += nr_tables;
	if (touched > 200000) {
		touched = 0;
		madvise((void *)WINDOW, WINDOW_SIZE, MADV_DONTNEED);
		madvise(table_level, SIM_MAX_PFN, MADV_DONTNEED);
	} else {
		for (i = 0; i < nr_tables; i++)
			table_level[tables[i]] = 0;
	}
	nr_tables = 0;
	nr_linked = 0;
}

/**
 * sim_begin - a new machine, without memory
 * @config: the machine
 *
 * To be followed by calls to memblock_add() and the like, and then a run.
 */
void sim_begin(const struct sim_config *config)
{
	forget_tables();
	sim = *config;
	sim_levels = sim.levels;
	sim_config_levels = sim.config_levels ?: sim.levels;
	sim_bits = sim.bits;
	sim_page_offset = WINDOW + sim.kaslr;
	top_base = IS_ENABLED(SIM_TINY) ? round_down(WINDOW, page_level_size(sim.levels)) : 0;

	memblock = memblock_boot;
	memset(memblock.memory.regions, 0, sizeof(struct memblock_region));
	memset(memblock.reserved.regions, 0, sizeof(struct memblock_region));
	memblock_allow_resize();
	memblock_set_current_limit(ISA_END_ADDRESS);
	memblock_set_bottom_up(sim.bottom_up);
	memset(&sim_result, 0, sizeof(sim_result));
	sim_ballooned = 0;
	sim_message[0] = '\0';
}

/* The memory map at the start: what the checks compare with. */
static void snapshot(struct memblock_region **copy, unsigned long *nr,
		     unsigned long *max, const struct memblock_type *type)
{
	if (*max < type->cnt) {
		*max = type->cnt + 64;
		*copy = realloc(*copy, *max * sizeof(**copy));
		if (!*copy)
			abort();
	}
	if (type->cnt)
		memcpy(*copy, type->regions, type->cnt * sizeof(**copy));
	*nr = type->cnt;
}

static const struct memblock_region *__fast find(const struct memblock_region *r,
						 unsigned long nr, u64 addr)
{
	static unsigned long last;
	unsigned long lo = 0, hi = nr;

	if (last < nr && r[last].base <= addr && addr - r[last].base < r[last].size)
		return r + last;
	while (lo < hi) {
		unsigned long mid = (lo + hi) / 2;

		if (r[mid].base + r[mid].size <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	last = lo;
	return lo < nr && r[lo].base <= addr ? &r[lo] : NULL;
}

static bool __fast is_ram(u64 start, u64 size)
{
	const struct memblock_region *r = find(ram, nr_ram, start);

	return r && r->base + r->size - start >= size;
}

bool sim_was_reserved(unsigned long pfn)
{
	u64 a = PFN_PHYS(pfn);
	unsigned long lo = 0, hi = nr_taken;

	while (lo < hi) {
		unsigned long mid = (lo + hi) / 2;

		if (taken[mid].base + taken[mid].size <= a)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < nr_taken && taken[lo].base < a + PAGE_SIZE;
}

/* Page tables */

unsigned long __fast sim_entry_pfn(pteval_t entry)
{
	unsigned long frame = (entry & PTE_PFN_MASK) >> PAGE_SHIFT;

	return sim_xen ? sim_pfn(frame) : frame;
}

static pteval_t __fast make_entry(unsigned long pfn, pteval_t flags)
{
	return ((pteval_t)(sim_xen ? sim_mfn(pfn) : pfn) << PAGE_SHIFT) | flags;
}

static pteval_t __fast *entry_of(pteval_t *table, unsigned long addr, unsigned int level)
{
	if (level == sim.levels)
		return table + (((addr - top_base) >> page_level_shift(level)) & (PTRS_PER_TOP - 1));
	return table + ((addr >> page_level_shift(level)) & (PTRS_PER_TABLE - 1));
}

static pteval_t __fast *table_of(pteval_t entry)
{
	return __va(PFN_PHYS(sim_entry_pfn(entry)));
}

/**
 * sim_walk - find the entry that maps an address, or the first that is missing
 * @addr:  virtual address
 * @level: returns the level of the entry
 */
pteval_t *sim_walk(unsigned long addr, unsigned int *level)
{
	unsigned int l = sim.levels;
	pteval_t *e = entry_of(sim_top, addr, l);

	while (l > 1 && *e && !(*e & _PAGE_PSE))
		e = entry_of(table_of(*e), addr, --l);
	*level = l;
	return e;
}

pte_t *lookup_address(unsigned long addr, unsigned int *level)
{
	pteval_t *e = sim_walk(addr, level);

	return *e ? (pte_t *)e : NULL;
}

unsigned int early_pgt_depth(unsigned long addr)
{
	unsigned int level;

	sim_walk(addr, &level);
	return level;
}

pte_t __fast pfn_pte(unsigned long pfn, pgprot_t prot)
{
	return (pte_t) { make_entry(pfn, prot.pgprot) };
}

pteval_t __fast sim_pte_val(pte_t pte)
{
	if (!sim_xen || !(pte.pte & _PAGE_PRESENT))
		return pte.pte;
	return PFN_PHYS(sim_entry_pfn(pte.pte)) | (pte.pte & ~PTE_PFN_MASK);
}

unsigned long read_cr3_pa(void)
{
	return __pa(sim_top);
}

void *early_memremap(phys_addr_t phys, unsigned long size)
{
	(void)size;
	return __va(phys);
}

void *early_memremap_ro(phys_addr_t phys, unsigned long size)
{
	return early_memremap(phys, size);
}

void early_memunmap(void *addr, unsigned long size)
{
	(void)addr;
	(void)size;
}

void __fast sim_set_entry(pteval_t *entry, pteval_t val, unsigned int level)
{
	if (!sim_xen) {
		*entry = val;
	} else if (!xen_early_pgt_store(entry, val, level)) {
		struct mmu_update req = { virt_to_machine(entry).maddr, val };

		if (HYPERVISOR_mmu_update(&req, 1, NULL, DOMID_SELF))
			panic("Xen refused a single update: %#llx", (unsigned long long)val);
	}
}

static bool ours;

/* Each basic block of the files under test calls this. libFuzzer has its own. */
static u64 steps;

/* Far more than the largest machines take. */
u64 sim_max_steps = IS_ENABLED(SIM_TINY) ? 1ULL << 22 : 1ULL << 33;

void __fast __sanitizer_cov_trace_pc(void);
void __fast __attribute__((weak)) __sanitizer_cov_trace_pc(void)
{
	if (++steps > sim_max_steps)
		sim_fail("no end in sight after %llu steps", (unsigned long long)steps);
}

/* A table of the direct map has been allocated: may it be there? */
void sim_new_table(unsigned long pfn, unsigned int level)
{
	unsigned int l;
	pteval_t *e;

	if (pfn >= SIM_MAX_PFN)
		sim_fail("table beyond memory: pfn %#lx", pfn);
	if (table_level[pfn])
		sim_fail("pfn %#lx is a table already", pfn);
	table_level[pfn] = level;
	if (nr_tables == max_tables) {
		max_tables = max_tables * 2 + 64;
		tables = realloc(tables, max_tables * sizeof(*tables));
		if (!tables)
			abort();
	}
	tables[nr_tables++] = pfn;

	if (ours && !early_pgt_under_construction(__va(PFN_PHYS(pfn))))
		sim_fail("new table at pfn %#lx isn't under construction", pfn);
	e = sim_walk((unsigned long)__va(PFN_PHYS(pfn)), &l);
	if (sim_xen && (!(*e & _PAGE_RW) || xen_model_is_live(pfn)))
		sim_fail("pfn %#lx was filled with plain stores, but isn't writable", pfn);
	if (pfn >= brk_start && pfn < brk_end) {
		sim_result.bootstrap++;
		return;
	}
	if (!(*e & _PAGE_PRESENT) && !(sim.light && l == 1))
		sim_fail("table at pfn %#lx, which isn't mapped yet", pfn);
	/* A last resort, which base doesn't have. */
	if (pfn < PFN_DOWN(ISA_END_ADDRESS)) {
		sim_result.below_1m++;
		if (!ours)
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
	table_level[pfn] = level;
	tables[nr_tables++] = pfn;
	nr_linked++;
}

/* As alloc_low_pages(), and the base's is under test, too. */
static void *(*alloc_tables)(unsigned int nr);

static pteval_t *new_table(unsigned int level)
{
	pteval_t *table = alloc_tables(1);

	clear_page(table);
	sim_new_table(PFN_DOWN(__pa(table)), level);
	return table;
}

static unsigned long __fast map_ptes(pteval_t *table, unsigned long addr, unsigned long end)
{
	pteval_t *e = entry_of(table, (unsigned long)__va(addr), PG_LEVEL_4K);

	for (; !sim.light && addr < end; addr += PAGE_SIZE, e++)
		if (!*e)
			sim_set_entry(e, make_entry(PFN_DOWN(addr), PAGE_KERNEL.pgprot),
				      PG_LEVEL_4K);
	return end;
}

/* As phys_*_init(): one function for all levels. */
static unsigned long map_level(pteval_t *table, unsigned long addr, unsigned long end,
			       unsigned long sizes, unsigned int level)
{
	unsigned long size = page_level_size(level);
	unsigned long last = end, next;

	if (level == PG_LEVEL_4K)
		return map_ptes(table, addr, end);

	for (; addr < end; addr = next) {
		unsigned long va = (unsigned long)__va(addr);
		pteval_t *e = entry_of(table, va, level), *t;

		next = min(end, __pa(round_down(va, size) + size));
		if (*e && !(*e & _PAGE_PSE)) {
			last = map_level(table_of(*e), addr, next, sizes, level - 1);
		} else if (*e) {
			if (!(sizes & BIT(level)))
				sim_fail("large page at %#lx would be split", addr);
			last = round_down(addr, size) + size;
		} else if (sizes & BIT(level) && level <= PG_LEVEL_1G) {
			sim_set_entry(e, make_entry(PFN_DOWN(round_down(addr, size)),
						    PAGE_KERNEL.pgprot | _PAGE_PSE),
				      level);
			last = round_down(addr, size) + size;
		} else {
			if (level == PG_LEVEL_2M && ours) {
				t = (pteval_t *)early_pgt_new_ptes(addr, next, PAGE_KERNEL);
				sim_new_table(PFN_DOWN(__pa(t)), PG_LEVEL_4K);
				last = next;
			} else {
				t = new_table(level - 1);
				last = map_level(t, addr, next, sizes, level - 1);
			}
			sim_set_entry(e, make_entry(PFN_DOWN(__pa(t)),
						    PAGE_KERNEL.pgprot), level);
		}
	}
	return last;
}

unsigned long sim_map_range(unsigned long start, unsigned long end,
			    unsigned long sizes)
{
	return map_level(sim_top, start, end, sizes, sim.levels);
}

static void add_pfn_range_mapped(unsigned long start_pfn, unsigned long end_pfn)
{
	nr_pfn_mapped = add_range_with_merge(pfn_mapped, E820_MAX_ENTRIES,
					     nr_pfn_mapped, start_pfn, end_pfn);
	nr_pfn_mapped = clean_sort_range(pfn_mapped, E820_MAX_ENTRIES);
	max_pfn_mapped = max(max_pfn_mapped, end_pfn);
}

bool pfn_range_is_mapped(unsigned long start_pfn, unsigned long end_pfn)
{
	int i;

	for (i = 0; i < nr_pfn_mapped; i++)
		if (start_pfn >= pfn_mapped[i].start && end_pfn <= pfn_mapped[i].end)
			return true;
	return false;
}

unsigned long init_memory_mapping(unsigned long start, unsigned long end,
				  pgprot_t prot)
{
	unsigned long addr, next, mask, ret = 0;

	(void)prot;
	for (addr = start; addr < end; addr = next) {
		next = early_pgt_leaf_run(addr, end, sim.sizes, true, &mask);
		early_pgt_begin();
		ret = sim_map_range(addr, next, mask);
		early_pgt_end();
		if (ours && early_pgt_area.start != early_pgt_area.end)
			sim_fail("tables are under construction after early_pgt_publish()");
	}
	add_pfn_range_mapped(PFN_DOWN(start), PFN_DOWN(ret));
	return PFN_DOWN(ret);
}

/* As reserve_brk(). */
void sim_lock_brk(void)
{
	brk_locked = true;
}

void *extend_brk(size_t size, size_t align)
{
	void *p = __va(PFN_PHYS(brk_next));

	(void)align;
	if (brk_locked)
		panic("extend_brk() after reserve_brk()");
	brk_next += PFN_UP(size);
	if (brk_next > brk_end)
		sim_fail("the BRK is too small");
	return p;
}

/* The mapping that a PV guest, or a 32-bit kernel, starts with. */
static void map_kernel(void)
{
	unsigned long pfn, va;
	unsigned int l;

	for (pfn = PFN_DOWN(premap_start); pfn < PFN_DOWN(premap_end); pfn++) {
		pteval_t *e = sim_top, *t = sim_top;

		va = (unsigned long)__va(PFN_PHYS(pfn));
		for (l = sim.levels; l > 1; l--) {
			e = entry_of(t, va, l);
			if (!*e) {
				t = __va(PFN_PHYS(kernel_next));
				clear_page(t);
				table_level[kernel_next] = l - 1;
				tables[nr_tables++] = kernel_next;
				*e = make_entry(kernel_next++, PAGE_KERNEL.pgprot);
			}
			t = table_of(*e);
		}
		*entry_of(t, va, 1) = make_entry(pfn, PAGE_KERNEL.pgprot);
	}
	if (kernel_next > brk_start)
		sim_fail("the kernel is too small for its tables");

	/* Tables are read-only. */
	for (pfn = PFN_DOWN(sim.kernel); sim_xen && pfn < kernel_next; pfn++) {
		pteval_t *e = sim_walk((unsigned long)__va(PFN_PHYS(pfn)), &l);

		if (l == 1 && *e)
			*e &= ~_PAGE_RW;
	}
	for (pfn = sim.p2m; sim_xen && pfn < sim.p2m + sim.nr_p2m; pfn++) {
		pteval_t *e = sim_walk((unsigned long)__va(PFN_PHYS(pfn)), &l);

		if (l == 1 && *e)
			*e &= ~_PAGE_RW;
	}
}

static void start_machine(void)
{
	int i;

	if (sim.kernel_end - sim.kernel < PFN_PHYS(16))
		sim_fail("no room for the kernel");
	/* Where a machine has no room for it, it may lie in some RAM and in holes. */
	if (memblock_overlaps_region(&memblock.memory, sim.kernel,
				     sim.kernel_end - sim.kernel))
		memblock_reserve(sim.kernel, sim.kernel_end - sim.kernel);
	if (sim.nr_p2m)
		memblock_reserve(PFN_PHYS(sim.p2m), PFN_PHYS(sim.nr_p2m));
	snapshot(&ram, &nr_ram, &max_ram, &memblock.memory);
	snapshot(&taken, &nr_taken, &max_taken, &memblock.reserved);
	reserved_before = memblock_reserved_size();
	ranges_before = memblock.reserved.cnt;
	if (!sim.split)
		sim.split = sim.kernel_end;

	max_pfn = 0;
	for (i = 0; i < (int)nr_ram; i++)
		max_pfn = max_t(unsigned long, max_pfn, PFN_DOWN(ram[i].base + ram[i].size));
	if (max_pfn > SIM_MAX_PFN)
		sim_fail("memory beyond %lu GB", SIM_MAX_PFN >> 18);
	max_low_pfn_shim = max_pfn;
	if (sim.max_low)
		max_low_pfn_shim = min(max_pfn, PFN_DOWN(sim.max_low));
	sim_end = PFN_PHYS(max_low_pfn_shim);

	top_block = memblock_phys_alloc_range(PMD_SIZE, PMD_SIZE, ISA_END_ADDRESS, sim_end);
	if (top_block)
		memblock_phys_free(top_block, PMD_SIZE);

	nr_pfn_mapped = 0;
	memset(pfn_mapped, 0, sizeof(pfn_mapped));
	max_pfn_mapped = 0;
	brk_end = PFN_DOWN(sim.kernel_end);
	brk_start = brk_end - 20;
	brk_locked = false;
	brk_next = brk_start;
	kernel_next = PFN_DOWN(sim.kernel) + 1;
	sim_top = __va(sim.kernel);

	top_entries = PAGE_SIZE / sizeof(pteval_t);
	if (IS_ENABLED(SIM_TINY))
		top_entries = DIV_ROUND_UP((unsigned long)__va(max(sim_end, sim.kernel_end)) -
					   top_base, page_level_size(sim.levels));
	if (top_entries > PAGE_SIZE / sizeof(pteval_t))
		sim_fail("memory exceeds the page tables");
	memset(sim_top, 0, (sim_xen ? PTRS_PER_TOP : top_entries) * sizeof(pteval_t));

	if (max_tables < 4096) {
		max_tables = 4096;
		tables = realloc(tables, max_tables * sizeof(*tables));
		if (!tables)
			abort();
	}
	premap_start = 0;
	premap_end = 0;
	if (sim_xen || sim.premap || IS_ENABLED(CONFIG_X86_32)) {
		/* In the small scope, the kernel is beyond RAM: map the BRK. */
		premap_start = !IS_ENABLED(SIM_TINY) ? 0 : PFN_PHYS(brk_start);
		premap_end = sim.kernel_end;
		if (!IS_ENABLED(CONFIG_X86_32) && !IS_ENABLED(SIM_TINY))
			premap_end = round_up(premap_end + 0x80000, 0x400000);
		if (!IS_ENABLED(SIM_TINY))
			premap_end = min(premap_end, sim_end);
		map_kernel();
	}
	if (sim_xen) {
		/* The back end remembers what it did, on another machine. */
		early_pgt_area = (struct early_pgt_area){ .start = 1, .end = 1 };
		xen_model_deaf = true;
		xen_early_pgt_ops.publish();
		xen_model_deaf = false;
		for (i = 0; i < (int)nr_ram; i++)
			xen_model_populate(PFN_DOWN(ram[i].base),
					   PFN_DOWN(ram[i].base + ram[i].size));
		xen_model_start(PFN_DOWN(sim.kernel));
	}
	nr_linked = nr_tables;
}

/* Terabytes of PTEs would take gigabytes: just count the tables. */
static void light_fill_ptes(pte_t *pte, unsigned long pfn, unsigned int nr,
			    pgprot_t prot)
{
	(void)pte;
	(void)pfn;
	(void)nr;
	(void)prot;
}

/**
 * sim_bootstrap - bootstrap tables that any machine can do with
 */
unsigned int sim_bootstrap(void)
{
	return 2 * (sim.levels - 1) + (IS_ENABLED(CONFIG_X86_64) ? sim.levels - 3 : 0);
}

/* As init_mem_mapping(). */
void sim_map_ours(void)
{
	unsigned int i;

	early_pgt_ops = sim_xen ? xen_early_pgt_ops : native_ops;
	if (sim.light)
		early_pgt_ops.fill_ptes = light_fill_ptes;
	early_pgt_reserve_bootstrap();
	sim_lock_brk();
	/* So many that all but everything can be mapped: not in the small scope. */
	if (IS_ENABLED(SIM_TINY))
		early_pgt_alloc(brk_next - brk_start - sim_bootstrap());

	init_memory_mapping(0, ISA_END_ADDRESS, PAGE_KERNEL);
	if (sim.kaslr)
		for (i = 3; i < sim.levels; i++)
			early_pgt_alloc(1);
	isa_pfn = pfn_mapped[0].end;
	max_pfn_mapped = 0;

	early_pgt_map_ram(ISA_END_ADDRESS, sim_end, sim.sizes,
			  sim.bottom_up ? sim.split : 0);
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
		if (base < premap_end && base + size > premap_start)
			continue;
		return level;
	}
	return PG_LEVEL_4K;
}

static unsigned long nr_walked, walked_bytes;

static bool may_be_mapped(unsigned long addr)
{
	return addr < ISA_END_ADDRESS ||
	       (addr >= premap_start && addr < premap_end) ||
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
			ro = table_level[pfn] || pfn == PFN_DOWN(__pa(sim_top)) ||
			     (pfn >= sim.p2m && pfn < sim.p2m + sim.nr_p2m);
		if (table[i] != make_entry(pfn, PAGE_KERNEL.pgprot & ~(ro ? _PAGE_RW : 0)))
			sim_fail("the PTE of pfn %#lx is %#llx, which isn't its frame, or has wrong rights (a table: %d)",
				 pfn, (unsigned long long)table[i], table_level[pfn]);
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
		r = find(ram, nr_ram, addr);
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
		nr = top_entries;

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
		if (table_level[sim_entry_pfn(e)] != level - 1)
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

static u64 crash_room(u64 limit)
{
	u64 best = 0;
	phys_addr_t s, e;
	u64 i;

	for_each_free_mem_range(i, NUMA_NO_NODE, MEMBLOCK_NONE, &s, &e, NULL) {
		if (s >= limit)
			break;
		best = max(best, min_t(u64, e, limit) - s);
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
	u64 j;

	for_each_free_mem_range(j, NUMA_NO_NODE, MEMBLOCK_NONE, &s, &e, NULL)
		if (e > ISA_END_ADDRESS && s < sim_end)
			r->spare += (min_t(u64, e, sim_end) -
				     max_t(u64, s, ISA_END_ADDRESS)) >> PAGE_SHIFT;

	r->lowest = ULONG_MAX;
	for (i = nr_linked; i < nr_tables; i++) {
		unsigned long pfn = tables[i];

		if (pfn >= brk_start && pfn < brk_end)
			continue;
		r->lowest = min(r->lowest, pfn);
		r->highest = max(r->highest, pfn);
		r->below_4g += pfn < PFN_DOWN(SZ_4G);
		r->below_896m += pfn < PFN_DOWN(LOW_896M);
		r->below_768m += pfn < PFN_DOWN(LOW_768M);
	}
	r->total = nr_tables - nr_linked;
	r->ranges = memblock.reserved.cnt - ranges_before;
	r->crash_4g = crash_room(IS_ENABLED(CONFIG_X86_32) ? SZ_512M : SZ_4G);
	r->crash_896m = crash_room(LOW_896M);
	r->crash_768m = crash_room(LOW_768M);
}

/* Everything that has to hold when all RAM is mapped. */
static void check_machine(void)
{
	unsigned long bytes = 0, i, isa = ISA_END_ADDRESS;
	bool low = !premap_start;

	nr_walked = 0;
	walked_bytes = 0;
	check_table(sim_top, top_base, sim.levels);

	if (low)
		isa = max(isa, premap_end);
	else
		bytes = premap_end - premap_start;
	for (i = 0; i < nr_ram; i++) {
		u64 a = max_t(u64, round_up(ram[i].base, PAGE_SIZE), isa);
		u64 b = min_t(u64, round_down(ram[i].base + ram[i].size, PAGE_SIZE), sim_end);

		if (a < b)
			bytes += b - a;
	}
	bytes += isa - PFN_PHYS(sim_ballooned);
	if (walked_bytes != bytes && !sim.light)
		sim_fail("%#lx bytes mapped, %#lx expected", walked_bytes, bytes);
	if (nr_walked != nr_tables)
		sim_fail("%lu tables, %lu of them linked", nr_tables, nr_walked);
	for (i = nr_linked; i < nr_tables; i++)
		if (!(tables[i] >= brk_start && tables[i] < brk_end) &&
		    !memblock_is_reserved(PFN_PHYS(tables[i])))
			sim_fail("table at pfn %#lx isn't reserved any more", tables[i]);
	if (sim_xen)
		xen_model_check();
	account();
}

/* Only ours. */
static void check_pools(void)
{
	unsigned long pages = (memblock_reserved_size() - reserved_before) >> PAGE_SHIFT;
	unsigned long own = sim_result.total - sim_result.bootstrap;

	/* Whole pages of a region array are reserved by memblock itself. */
	if (memblock.reserved.max == memblock_boot.reserved.max &&
	    memblock.memory.max == memblock_boot.memory.max && pages != own)
		sim_fail("%lu pages reserved for %lu tables", pages, own);

	/* Firmware may own the rest of the large page in which RAM ends. */
	if (!sim.bottom_up && !IS_ENABLED(SIM_TINY) && top_block &&
	    sim_result.highest >= PFN_DOWN(round_down(sim_end, PMD_SIZE)))
		sim_fail("table at pfn %#lx, in the last part of a large page",
			 sim_result.highest);

	/* In the small scope, a large page may bring low memory at once. */
	if (sim.bottom_up || sim.policy || IS_ENABLED(CONFIG_X86_32) ||
	    isa_pfn > PFN_DOWN(ISA_END_ADDRESS))
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
 * sim_run - start the machine, let @map map all RAM, and check all
 * @map:   as init_mem_mapping()
 * @alloc: as alloc_low_pages()
 */
enum sim_outcome sim_run(void (*map)(void), void *(*alloc)(unsigned int nr))
{
	int rc;

	running = true;
	steps = 0;
	alloc_tables = alloc;
	ours = alloc == early_pgt_alloc;
	rc = setjmp(out);
	if (!rc) {
		start_machine();
		map();
		check_machine();
		if (ours)
			check_pools();
	}
	running = false;
	return rc;
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

enum sim_outcome sim_ours(void)
{
	return sim_run(sim_map_ours, early_pgt_alloc);
}
