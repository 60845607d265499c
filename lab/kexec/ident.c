// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's own ident_map.c. Its tables are pages of this program's.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "side.h"

typedef struct { unsigned long pte; } pte_t;
typedef struct { unsigned long pmd; } pmd_t;
typedef struct { unsigned long pud; } pud_t;
typedef struct { unsigned long p4d; } p4d_t;
typedef struct { unsigned long pgd; } pgd_t;

static unsigned int levels;

#define PAGE_SIZE		4096UL
#define PTRS			512
#define PTRS_PER_PMD		PTRS
#define PTRS_PER_PUD		PTRS
#define PTRS_PER_PGD		PTRS
#define PMD_SIZE		(1UL << 21)
#define PMD_MASK		(~(PMD_SIZE - 1))
#define PUD_SIZE		(1UL << 30)
#define PUD_MASK		(~(PUD_SIZE - 1))
#define P4D_SIZE		(1UL << 39)
#define P4D_MASK		(~(P4D_SIZE - 1))
#define PGDIR_SHIFT		(levels == 5 ? 48 : 39)
#define PGDIR_SIZE		(1UL << PGDIR_SHIFT)
#define PGDIR_MASK		(~(PGDIR_SIZE - 1))
#define PTRS_PER_P4D		(levels == 5 ? PTRS : 1)

#define _PAGE_PRESENT		1UL
#define _PAGE_PSE		0x80UL
#define _PAGE_NOPTISHADOW	0UL
#define _KERNPG_TABLE		0x63UL
#define __default_kernel_pte_mask (~0UL)
#define LARGE_EXEC		0x1e3UL

#define __pa(p)			((unsigned long)(p))
#define table_of(val)		((void *)((val) & ~(PAGE_SIZE - 1)))
#define pgtable_l5_enabled()	(levels == 5)
#define __pmd(v)		((pmd_t) { v })
#define __pud(v)		((pud_t) { v })
#define __p4d(v)		((p4d_t) { v })
#define __pgd(v)		((pgd_t) { v })
#define set_pmd(p, v)		(*(p) = (v))
#define set_pud(p, v)		(*(p) = (v))
#define set_p4d(p, v)		(*(p) = (v))
#define set_pgd(p, v)		(*(p) = (v))
#define pmd_present(e)		((e).pmd & _PAGE_PRESENT)
#define pud_present(e)		((e).pud & _PAGE_PRESENT)
#define pgd_present(e)		((e).pgd & _PAGE_PRESENT)
/* Folded, it is there always. */
#define p4d_present(e)		((e).p4d & _PAGE_PRESENT)
#define pmd_leaf(e)		((e).pmd & _PAGE_PSE)
#define pud_leaf(e)		((e).pud & _PAGE_PSE)
#define pte_offset_kernel(p, a)	((pte_t *)table_of((p)->pmd))
#define pmd_index(a)		((a) >> 21 & (PTRS - 1))
#define pud_index(a)		((a) >> 30 & (PTRS - 1))
#define p4d_index(a)		((a) >> 39 & (PTRS_PER_P4D - 1))
#define pgd_index(a)		((a) >> PGDIR_SHIFT & (PTRS - 1))
#define pmd_offset(p, a)	((pmd_t *)table_of((p)->pud) + pmd_index(a))
#define pud_offset(p, a)	((pud_t *)table_of((p)->p4d) + pud_index(a))
#define p4d_offset(p, a)	(levels == 5 ? (p4d_t *)table_of((p)->pgd) : (p4d_t *)(p))

struct x86_mapping_info {
	void *(*alloc_pgt_page)(void *context);
	void (*free_pgt_page)(void *page, void *context);
	void *context;
	unsigned long page_flag;
	unsigned long offset;
	bool direct_gbpages;
	unsigned long kernpg_flag;
};

#include "ident_map.c"

static void **pages;
static unsigned long nr_pages;

static void *new_page(void *context)
{
	void *page = aligned_alloc(PAGE_SIZE, PAGE_SIZE);

	if (!(nr_pages & (nr_pages + 1)))
		pages = realloc(pages, (2 * nr_pages + 2) * sizeof(*pages));
	if (!page || !pages)
		return NULL;
	pages[nr_pages++] = page;
	return memset(page, 0, PAGE_SIZE);
}

/**
 * ident_begin - begin with an identity map
 * @nr_levels: 4 or 5
 *
 * Return: its top table
 */
void *ident_begin(unsigned int nr_levels)
{
	levels = nr_levels;
	return new_page(NULL);
}

/**
 * ident_end - free the tables
 *
 * Return: how many there were, with the top table
 */
unsigned long ident_end(void)
{
	unsigned long nr = nr_pages;

	while (nr_pages)
		free(pages[--nr_pages]);
	free(pages);
	pages = NULL;
	return nr;
}

/**
 * ident_map - map a range
 * @top:     from ident_begin()
 * @gbpages: pages of 1 GB may be used
 * @start:   first byte
 * @end:     past the last byte
 *
 * Return: 0, or -ENOMEM.
 */
int ident_map(void *top, bool gbpages, unsigned long start, unsigned long end)
{
	struct x86_mapping_info info = {
		.alloc_pgt_page = new_page,
		.page_flag = LARGE_EXEC,
		.direct_gbpages = gbpages,
	};

	return kernel_ident_mapping_init(&info, top, start, end);
}
