// SPDX-License-Identifier: GPL-2.0-only
/*
 * A machine for the early page tables: its memory, how it starts and runs, and
 * what the kernel defines elsewhere.
 *
 * Physical memory is a window of the address space. A page is there as soon as
 * it is touched, so that terabytes cost no more than the tables in them.
 */

#include "machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <unistd.h>

#include <linux/slab.h>
#include <asm/sections.h>
#include "early_pgt.h"

unsigned int sim_levels = 4, sim_config_levels = 4, sim_bits = 9;
unsigned long sim_page_offset = WINDOW;
bool sim_verbose;
struct sim_config sim;
struct machine machine;
struct sim_result sim_result;
char sim_message[512];
pteval_t *sim_top;
unsigned long sim_end;

/* Memory as a file, so that it can be mapped elsewhere, too. */
int sim_memory_fd = -1;

/* Pages of RAM that Xen hasn't given us. */
unsigned long sim_ballooned;

/* What the kernel defines elsewhere. */
unsigned long max_low_pfn_mapped, max_low_pfn_shim;
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

static jmp_buf out;
static bool running;

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

static bool brk_locked;

/* As reserve_brk(). */
void sim_lock_brk(void)
{
	brk_locked = true;
}

void *extend_brk(size_t size, size_t align)
{
	void *p = __va(PFN_PHYS(machine.brk_next));

	(void)align;
	if (brk_locked)
		panic("extend_brk() after reserve_brk()");
	machine.brk_next += PFN_UP(size);
	if (machine.brk_next > machine.brk_end)
		sim_fail("the BRK is too small");
	return p;
}

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
	machine.table_level = sparse(0, SIM_MAX_PFN, "mmap", -1);
	machine.empty = memblock;
	machine.native_ops = early_pgt_ops;
	if (IS_ENABLED(CONFIG_X86_64))
		xen_model_reset();
}

static void forget_tables(void)
{
	static unsigned long touched;
	unsigned long i;

	/* Don't hoard memory. */
	touched += machine.nr_tables;
	if (touched > 200000) {
		touched = 0;
		madvise((void *)WINDOW, WINDOW_SIZE, MADV_DONTNEED);
		madvise(machine.table_level, SIM_MAX_PFN, MADV_DONTNEED);
	} else {
		for (i = 0; i < machine.nr_tables; i++)
			machine.table_level[machine.tables[i]] = 0;
	}
	machine.nr_tables = 0;
	machine.nr_linked = 0;
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
	machine.top_base = IS_ENABLED(SIM_TINY) ? round_down(WINDOW, page_level_size(sim.levels)) : 0;

	memblock = machine.empty;
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
static struct regions snapshot(struct regions copy, const struct memblock_type *type)
{
	if (copy.max < type->cnt) {
		copy.max = type->cnt + 64;
		copy.region = realloc(copy.region, copy.max * sizeof(*copy.region));
		if (!copy.region)
			abort();
	}
	if (type->cnt)
		memcpy(copy.region, type->regions, type->cnt * sizeof(*copy.region));
	copy.nr = type->cnt;
	return copy;
}

static void start_machine(void)
{
	const struct memblock_region *ram;
	int i;

	if (sim.kernel_end - sim.kernel < PFN_PHYS(16))
		sim_fail("no room for the kernel");
	/* Where a machine has no room for it, it may lie in some RAM and in holes. */
	if (memblock_overlaps_region(&memblock.memory, sim.kernel,
				     sim.kernel_end - sim.kernel))
		memblock_reserve(sim.kernel, sim.kernel_end - sim.kernel);
	if (sim.nr_p2m)
		memblock_reserve(PFN_PHYS(sim.p2m), PFN_PHYS(sim.nr_p2m));
	machine.ram = snapshot(machine.ram, &memblock.memory);
	machine.taken = snapshot(machine.taken, &memblock.reserved);
	ram = machine.ram.region;
	machine.reserved_size = memblock_reserved_size();
	if (!sim.split)
		sim.split = sim.kernel_end;

	max_pfn = 0;
	for (i = 0; i < (int)machine.ram.nr; i++)
		max_pfn = max_t(unsigned long, max_pfn, PFN_DOWN(ram[i].base + ram[i].size));
	if (max_pfn > SIM_MAX_PFN)
		sim_fail("memory beyond %lu GB", SIM_MAX_PFN >> 18);
	max_low_pfn_shim = max_pfn;
	if (sim.max_low)
		max_low_pfn_shim = min(max_pfn, PFN_DOWN(sim.max_low));
	sim_end = PFN_PHYS(max_low_pfn_shim);

	nr_pfn_mapped = 0;
	memset(pfn_mapped, 0, sizeof(pfn_mapped));
	max_pfn_mapped = 0;
	machine.brk_end = PFN_DOWN(sim.kernel_end);
	machine.brk_start = machine.brk_end - 20;
	brk_locked = false;
	machine.brk_next = machine.brk_start;
	sim_top = __va(sim.kernel);

	machine.top_entries = PAGE_SIZE / sizeof(pteval_t);
	if (IS_ENABLED(SIM_TINY))
		machine.top_entries =
			DIV_ROUND_UP((unsigned long)__va(max(sim_end, sim.kernel_end)) -
				     machine.top_base, page_level_size(sim.levels));
	if (machine.top_entries > PAGE_SIZE / sizeof(pteval_t))
		sim_fail("memory exceeds the page tables");
	memset(sim_top, 0, (sim_xen ? PTRS_PER_TOP : machine.top_entries) * sizeof(pteval_t));

	if (machine.max_tables < 4096) {
		machine.max_tables = 4096;
		machine.tables = realloc(machine.tables, machine.max_tables * sizeof(*machine.tables));
		if (!machine.tables)
			abort();
	}
	machine.premap_start = 0;
	machine.premap_end = 0;
	if (sim_xen || sim.premap || IS_ENABLED(CONFIG_X86_32)) {
		/* In the small scope, the kernel is beyond RAM: map the BRK. */
		machine.premap_start = !IS_ENABLED(SIM_TINY) ? 0 : PFN_PHYS(machine.brk_start);
		machine.premap_end = sim.kernel_end;
		if (!IS_ENABLED(CONFIG_X86_32) && !IS_ENABLED(SIM_TINY))
			machine.premap_end = round_up(machine.premap_end + 0x80000, 0x400000);
		if (!IS_ENABLED(SIM_TINY))
			machine.premap_end = min(machine.premap_end, sim_end);
		machine_map_kernel();
	}
	if (sim_xen) {
		/* The back end remembers what it did, on another machine. */
		early_pgt_area = (struct early_pgt_area){ .start = 1, .end = 1 };
		xen_model_deaf = true;
		xen_early_pgt_ops.publish();
		xen_model_deaf = false;
		for (i = 0; i < (int)machine.ram.nr; i++)
			xen_model_populate(PFN_DOWN(ram[i].base),
					   PFN_DOWN(ram[i].base + ram[i].size));
		xen_model_start(PFN_DOWN(sim.kernel));
	}
	machine.nr_linked = machine.nr_tables;
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
	machine.alloc_tables = alloc;
	machine.ours = alloc == early_pgt_alloc;
	rc = setjmp(out);
	if (!rc) {
		start_machine();
		map();
		machine_check();
	}
	running = false;
	return rc;
}

enum sim_outcome sim_ours(void)
{
	return sim_run(sim_map_ours, early_pgt_alloc);
}
