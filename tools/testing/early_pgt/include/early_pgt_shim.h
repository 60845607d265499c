/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EARLY_PGT_SHIM_H
#define EARLY_PGT_SHIM_H

/*
 * What the kernel files under test need from the kernel, for user space. The
 * headers that they include lead here, or to those of tools/include and
 * tools/testing/memblock.
 *
 * The shape of page tables is variable: four levels of 512 entries as well as
 * two levels of 2, which is what makes an exhaustive check possible.
 */

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <linux/types.h>
#include <linux/kernel.h>
#include <linux/bitops.h>
#include <linux/init.h>
#include <linux/memblock.h>
#include <linux/numa.h>
#include <linux/pfn.h>
#include <linux/range.h>
#include <linux/sizes.h>

#ifndef __ref
#define __ref
#endif
#ifndef __refdata
#define __refdata
#endif
#ifndef __initconst
#define __initconst
#endif

/*
 * A header of the memblock tests turns format warnings off, and those in macros
 * of system headers are lost. 64-bit: u64 isn't the kernel's.
 */
#ifdef CONFIG_X86_32
#pragma GCC diagnostic warning "-Wformat"
#endif
#undef PFN_PHYS
#define PFN_PHYS(x)		((phys_addr_t)(x) << PAGE_SHIFT)
#ifndef PHYS_PFN
#define PHYS_PFN(x)		((unsigned long)((x) >> PAGE_SHIFT))
#endif

#ifndef rol64
#define rol64(word, shift)	((u64)(word) << (shift) | (u64)(word) >> (64 - (shift)))
#endif

#ifndef clamp
#define clamp(v, lo, hi)	min(max(v, lo), hi)
#endif
#ifndef clamp_val
#define clamp_val(v, lo, hi)	((v) < (typeof(v))(lo) ? (typeof(v))(lo) : \
				 (v) > (typeof(v))(hi) ? (typeof(v))(hi) : (v))
#endif
#ifndef max3
#define max3(x, y, z)		max((typeof(x))max(x, y), (typeof(x))(z))
#endif

/* Geometry. With fewer levels, the upper ones are folded into the top. */
extern unsigned int sim_levels;
extern unsigned int sim_bits;
extern unsigned int sim_config_levels;		/* 5, in a kernel for both */

enum pg_level {
	PG_LEVEL_NONE, PG_LEVEL_4K, PG_LEVEL_2M, PG_LEVEL_1G, PG_LEVEL_512G,
	PG_LEVEL_256T, PG_LEVEL_NUM,
};

static inline unsigned int page_level_shift(unsigned int level)
{
	return PAGE_SHIFT + (level - 1) * sim_bits;
}

static inline unsigned long page_level_size(unsigned int level)
{
	return 1UL << page_level_shift(level);
}

#define CONFIG_PGTABLE_LEVELS	((int)sim_config_levels)
#define PTRS_PER_TABLE		(1U << sim_bits)
#define PMD_SHIFT		page_level_shift(PG_LEVEL_2M)
#define PUD_SHIFT		page_level_shift(min(sim_levels, (unsigned int)PG_LEVEL_1G))
#define PMD_SIZE		(1UL << PMD_SHIFT)
#define PMD_MASK		(~(PMD_SIZE - 1))
#define PUD_SIZE		(1UL << PUD_SHIFT)
#define PUD_MASK		(~(PUD_SIZE - 1))

#if defined(CONFIG_X86_32) && !defined(CONFIG_X86_PAE)
typedef u32 pteval_t;
#else
typedef u64 pteval_t;
#endif
typedef struct { pteval_t pgprot; } pgprot_t;
typedef struct { pteval_t pte; } pte_t;
typedef struct { pteval_t pmd; } pmd_t;
typedef struct { pteval_t pud; } pud_t;
typedef struct { pteval_t p4d; } p4d_t;
typedef struct { pteval_t pgd; } pgd_t;

#define _PAGE_PRESENT		BIT_ULL(0)
#define _PAGE_RW		BIT_ULL(1)
#define _PAGE_PSE		BIT_ULL(7)
#define PTE_PFN_MASK		((pteval_t)GENMASK_ULL(51, PAGE_SHIFT))
#define PAGE_KERNEL		((pgprot_t) { _PAGE_PRESENT | _PAGE_RW })
#define PTRS_PER_PTE		PTRS_PER_TABLE
#define PTE_SHIFT		sim_bits
#define _PAGE_TABLE		(_PAGE_PRESENT | _PAGE_RW)
/* As on Xen: with page frames. */
pteval_t sim_pte_val(pte_t pte);
#define pte_val(p)		sim_pte_val(p)
#define native_pte_val(p)	((p).pte)
#define check_pgprot(p)		((p).pgprot)
#define pte_none(p)		(!(p).pte)
#define pte_pfn(p)		sim_entry_pfn((p).pte)
unsigned long sim_entry_pfn(pteval_t entry);
#define PTRS_PER_TOP		(PAGE_SIZE / sizeof(pteval_t))
#ifdef CONFIG_X86_32
#define PAGE_OFFSET		0xc0000000UL
#else
#define PAGE_OFFSET		sim_page_offset
#endif

static inline unsigned long pte_index(unsigned long addr)
{
	return (addr >> PAGE_SHIFT) & (PTRS_PER_PTE - 1);
}

static inline pte_t native_make_pte(pteval_t val)
{
	return (pte_t) { val };
}

static inline pte_t pte_wrprotect(pte_t pte)
{
	return (pte_t) { pte.pte & ~_PAGE_RW };
}

/* As on Xen: what is in an entry is a machine frame there. */
pte_t pfn_pte(unsigned long pfn, pgprot_t prot);

/* The memory map, see boot_test.c. */
#define CONFIG_SPARSEMEM_VMEMMAP	1
#define MAX_DMA_ADDRESS		((unsigned long)__va(SZ_16M))
struct vmem_altmap;
#define pmd_none(p)		(!(p).pmd)
pmd_t __pmd(pteval_t val);
void set_pmd(pmd_t *pmd, pmd_t val);
pmd_t *pmd_offset(pud_t *pud, unsigned long addr);
pgd_t *vmemmap_pgd_populate(unsigned long addr, int node);
p4d_t *vmemmap_p4d_populate(pgd_t *pgd, unsigned long addr, int node);
pud_t *vmemmap_pud_populate(p4d_t *p4d, unsigned long addr, int node);
int vmemmap_populate_basepages(unsigned long start, unsigned long end, int node,
			       struct vmem_altmap *altmap);
void *vmemmap_alloc_block_buf(unsigned long size, int node, struct vmem_altmap *altmap);
void vmemmap_verify(pte_t *pte, int node, unsigned long start, unsigned long end);

static inline unsigned long pmd_addr_end(unsigned long addr, unsigned long end)
{
	return min((addr & PMD_MASK) + PMD_SIZE, end);
}

static inline void native_set_pte(pte_t *ptep, pte_t pte)
{
	*ptep = pte;
}

static inline void clear_page(void *page)
{
	memset(page, 0, PTRS_PER_TABLE * sizeof(pte_t));
}

static inline void update_page_count(int level, unsigned long pages)
{
	(void)level;
	(void)pages;
}

/*
 * Sizes and addresses that are part of the policy. In the small scope, pages 0
 * to 11: the ISA range is page 0, "768 MB" is page 4, "896 MB" is page 6, and
 * "4 GB" is page 8.
 */
#ifdef SIM_TINY
#undef SZ_128M
#undef SZ_256M
#undef SZ_512M
#undef SZ_4G
#define SZ_128M			0x2000UL
#define SZ_256M			0x1000UL
#define SZ_512M			0x3000UL
#define SZ_4G			0x8000UL
#define ISA_END_ADDRESS		0x1000UL
#define E820_MAX_ENTRIES	32
#else
#define ISA_END_ADDRESS		0x100000UL
#define E820_MAX_ENTRIES	3200
#endif

extern struct range pfn_mapped[E820_MAX_ENTRIES];
extern int nr_pfn_mapped;
extern unsigned long max_pfn_mapped, max_low_pfn_mapped;
extern unsigned long max_pfn_shim, max_low_pfn_shim;
#define max_low_pfn		max_low_pfn_shim
bool pfn_range_is_mapped(unsigned long start_pfn, unsigned long end_pfn);

#define RESERVE_BRK(name, size)	struct reserve_brk_##name
void *extend_brk(size_t size, size_t align);

/* Messages go to the model, which keeps the last ones. */
#ifndef pr_fmt
#define pr_fmt(fmt) fmt
#endif
#undef pr_info
#undef pr_warn
#undef pr_debug
#include <linux/panic.h>
#undef WARN
void sim_printk(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void sim_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
extern bool sim_verbose;
#define pr_info(fmt, ...)	sim_printk(pr_fmt(fmt), ##__VA_ARGS__)
#define pr_warn(fmt, ...)	sim_printk(pr_fmt(fmt), ##__VA_ARGS__)
#define pr_debug(fmt, ...)	do { if (false) sim_printk(fmt, ##__VA_ARGS__); } while (0)
#define WARN(cond, fmt, ...)						\
	({								\
		bool _warn = (cond);					\
									\
		if (_warn)						\
			sim_warn(fmt, ##__VA_ARGS__);			\
		_warn;							\
	})

/* A panic's report. */
#undef pr_emerg
#define pr_emerg(fmt, ...)	sim_printk(pr_fmt(fmt), ##__VA_ARGS__)
#undef __pa_symbol
#define __pa_symbol(sym)	sim_pa_symbol(sym)
unsigned long sim_pa_symbol(const char *sym);
#define init_uts_ns		sim_uts_ns
extern struct sim_uts_ns {
	struct { char release[16]; } name;
} sim_uts_ns;
#ifndef BITS_PER_LONG
#define BITS_PER_LONG		__BITS_PER_LONG
#endif
#define E820_MAX_ENTRIES_ZEROPAGE	128

/* Xen */
typedef unsigned long xen_pfn_t;
struct mmu_update { u64 ptr; u64 val; };
typedef struct { u64 maddr; } xmaddr_t;
typedef struct { phys_addr_t paddr; } xpaddr_t;
#define XPADDR(x)		((xpaddr_t) { .paddr = (x) })
#define MMU_NORMAL_PT_UPDATE	0
#define MMU_MACHPHYS_UPDATE	1
#define DOMID_SELF		0x7ff0U
#define XEN_PTE_MFN_MASK	PTE_PFN_MASK
int HYPERVISOR_mmu_update(struct mmu_update *req, int count, int *done,
			  unsigned int domid);
unsigned long mfn_to_pfn(unsigned long mfn);
unsigned long pfn_to_mfn(unsigned long pfn);
xmaddr_t virt_to_machine(const void *addr);
xmaddr_t phys_to_machine(xpaddr_t phys);
phys_addr_t xen_find_free_area(phys_addr_t size);
unsigned long read_cr3_pa(void);
void *early_memremap(phys_addr_t phys, unsigned long size);
void *early_memremap_ro(phys_addr_t phys, unsigned long size);
void early_memunmap(void *addr, unsigned long size);
void make_lowmem_page_readonly(void *addr);
unsigned long xen_chk_extra_mem(unsigned long pfn);
unsigned long xen_count_extra_mem(unsigned long pfn, unsigned long nr);
#undef scnprintf
#define scnprintf		snprintf
#define xen_raw_printk(...)	sim_printk(__VA_ARGS__)
pte_t *lookup_address(unsigned long addr, unsigned int *level);
struct early_pgt_ops;
bool xen_early_pgt_store(void *entry, u64 val, unsigned int level);
void early_alloc_pgt_buf(void);
unsigned long early_pgt_leaf_run(unsigned long start, unsigned long end,
				 unsigned long sizes, bool boot, unsigned long *mask);
void xen_early_batch_entry(u64 ptr, u64 val);
void xen_early_batch_link(u64 ptr, u64 val);
void xen_early_batch_issue(void);
extern struct range xen_early_p2m_tables;
void xen_early_p2m_add(unsigned long start, unsigned long end);
unsigned long xen_early_p2m_next(unsigned long pfn);
void xen_early_grow_p2m(void);
unsigned int xen_early_walk(unsigned long vaddr, phys_addr_t *tables, pteval_t *val);
extern const struct early_pgt_ops xen_early_pgt_ops;

#define P2M_PER_PAGE		512UL
#define XEN_EXTRA_MEM_MAX_REGIONS 128
#define INVALID_P2M_ENTRY	(~0UL)
#define FOREIGN_FRAME_BIT	(1UL << 63)
#define IDENTITY_FRAME_BIT	(1UL << 62)
unsigned long get_phys_to_machine(unsigned long pfn);
#define __START_KERNEL_map	0xffffffff80000000UL
extern unsigned long *xen_p2m_addr;
extern unsigned long xen_p2m_size;
extern unsigned long xen_max_p2m_pfn;
extern struct start_info {
	unsigned long mfn_list;
	unsigned long first_p2m_pfn;
	unsigned long nr_p2m_frames;
	unsigned long nr_pages;
} *xen_start_info;

#endif /* EARLY_PGT_SHIM_H */
