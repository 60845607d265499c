/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EARLY_PGT_SIM_H
#define EARLY_PGT_SIM_H

/*
 * A machine for the code under test: physical memory with page tables in it,
 * the code that writes them as arch/x86/mm/init*.c does, and checks.
 */

#include <early_pgt_shim.h>

/* For inner loops of the model. The code under test is always sanitized. */
#define __fast		__attribute__((no_sanitize("address", "undefined")))

/**
 * struct sim_config - the machine
 * @levels:    levels of page tables, 2 to 5
 * @config_levels: of the kernel: 5 for one that runs with 4 or 5; @levels, if 0
 * @bits:      log2 of the entries of a table
 * @sizes:     page sizes, bits of 1 << PG_LEVEL_*
 * @bottom_up: movable_node
 * @xen:       PV guest, runs against the model of Xen's page types
 * @premap:    the kernel's part of the direct map is there already, as with Xen
 * @policy:    not all memory that is free may be used
 * @light:     leave PTEs out: for counting tables only
 * @kaslr:     the direct map is this far from its place, a multiple of PUD_SIZE
 * @kernel:    first byte of the kernel, reserved if it's RAM
 * @kernel_end: past its last byte
 * @split:     bottom-up, begin here: the kernel's end, if 0
 * @max_low:   32-bit: RAM from here on is highmem, if not 0
 * @p2m:       first page frame of Xen's initial p2m list
 * @nr_p2m:    its length, and that of the tables that map it, in pages
 */
struct sim_config {
	unsigned int levels;
	unsigned int config_levels;
	unsigned int bits;
	unsigned long sizes;
	bool bottom_up;
	bool xen;
	bool premap;
	bool policy;
	bool light;
	unsigned long kaslr;
	unsigned long kernel;
	unsigned long kernel_end;
	unsigned long split;
	unsigned long max_low;
	unsigned long p2m;
	unsigned long nr_p2m;
};

enum sim_outcome { SIM_OK, SIM_PANIC, SIM_FAIL };

/**
 * struct sim_result - what came out
 * @tables:     tables of the direct map, by level
 * @total:      all tables allocated, with those of the trampoline
 * @bootstrap:  of these, from the bootstrap
 * @chunks:     pieces that RAM was mapped in
 * @lowest:     page frame of the lowest table that isn't a bootstrap table
 * @highest:    of the highest
 * @below_4g:   tables below 4 GB, without bootstrap tables
 * @below_896m: below 896 MB
 * @below_768m: below 768 MB
 * @below_1m:   in the ISA range
 * @crash_4g:   largest free range below 4 GB, bytes; 32-bit: below 512 MB, where
 *              the crash kernel has to be
 * @crash_896m: below 896 MB
 * @crash_768m: below 768 MB
 * @spare:      free pages above the ISA range
 * @ranges:     reserved ranges that memblock has more than before
 * @flushes:    Xen: TLB flushes for tables that were writable
 * @calls:      Xen: hypercalls
 * @plain:      Xen: updates of pages that are no live tables
 */
struct sim_result {
	unsigned long tables[6];
	unsigned long total;
	unsigned long bootstrap;
	unsigned long chunks;
	unsigned long lowest;
	unsigned long highest;
	unsigned long below_4g;
	unsigned long below_896m;
	unsigned long below_768m;
	unsigned long below_1m;
	u64 crash_4g;
	u64 crash_896m;
	u64 crash_768m;
	unsigned long spare;
	long ranges;
	unsigned long flushes;
	unsigned long calls;
	unsigned long plain;
};

extern struct sim_config sim;
extern struct sim_result sim_result;
extern char sim_message[512];
extern u64 sim_max_steps;
extern int sim_memory_fd;
extern unsigned long sim_ballooned;

void sim_init(void);
void sim_begin(const struct sim_config *config);
enum sim_outcome sim_run(void (*map)(void), void *(*alloc)(unsigned int nr));
void sim_lock_brk(void);
enum sim_outcome sim_ours(void);
bool sim_free_block(void);
unsigned int sim_bootstrap(void);
void sim_map_ours(void);
void sim_foreign_table(unsigned long pfn, unsigned int level);
void sim_write(FILE *tables, FILE *ranges);
void sim_fail(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Page tables, for the model itself and for tests. */
extern pteval_t *sim_top;
extern unsigned long sim_end;
unsigned long sim_entry_pfn(pteval_t entry);
pteval_t *sim_walk(unsigned long addr, unsigned int *level);
void sim_set_entry(pteval_t *entry, pteval_t val, unsigned int level);
void sim_new_table(unsigned long pfn, unsigned int level);
unsigned long sim_map_range(unsigned long start, unsigned long end,
			    unsigned long sizes);
bool sim_was_reserved(unsigned long pfn);

/* The base kernel's way to map all RAM, for comparison. */
extern const bool sim_has_base;		/* or its source isn't at hand */
enum sim_outcome sim_base(void);

/* Xen's page types. */
void xen_model_reset(void);
void xen_model_populate(unsigned long start_pfn, unsigned long end_pfn);
void xen_model_start(unsigned long top_pfn);
void xen_model_check(void);
bool xen_model_is_live(unsigned long pfn);
extern bool xen_model_deaf;
extern unsigned long *xen_model_m2p;
extern unsigned long xen_model_free_area, xen_model_area_size;
extern struct range xen_model_extra[XEN_EXTRA_MEM_MAX_REGIONS];
extern void (*xen_model_new_page)(unsigned long pfn);

#ifdef CONFIG_X86_64
#define SIM_MAX_PFN	(1UL << 34)
#elif defined(CONFIG_X86_PAE)
#define SIM_MAX_PFN	(1UL << 24)
#else
#define SIM_MAX_PFN	(1UL << 20)
#endif

/* With 128 MB for vmalloc, which is the least. */
#define SIM_MAX_LOW	0x38000000UL

/* Only 64-bit kernels can. */
#define sim_xen		(IS_ENABLED(CONFIG_X86_64) && sim.xen)

/* Machine frames are neither page frames nor in their order. */
#define SIM_MFN_BASE	0x1000000UL
#define SIM_MFN_FLIP	1UL

#ifdef CONFIG_X86_64
static inline unsigned long __fast sim_mfn(unsigned long pfn)
{
	return (pfn ^ SIM_MFN_FLIP) + SIM_MFN_BASE;
}

static inline unsigned long __fast sim_pfn(unsigned long mfn)
{
	return (mfn - SIM_MFN_BASE) ^ SIM_MFN_FLIP;
}
#else
unsigned long sim_mfn(unsigned long pfn);
unsigned long sim_pfn(unsigned long mfn);
#endif

#endif /* EARLY_PGT_SIM_H */
