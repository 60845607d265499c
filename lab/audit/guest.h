/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest as it is while it is stopped: its RAM, how its page tables look,
 * where its kernel has what, and memblock.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf;

#define NR_ENTRIES	512		/* of a table of x86-64 */

#define PTE_PRESENT	(1ULL << 0)
#define PTE_TABLE	0x7ULL		/* present, writable, user: of a link to a table */
#define PTE_RW		(1ULL << 1)
#define PTE_USER	(1ULL << 2)
#define PTE_ACCESSED	(1ULL << 5)
#define PTE_DIRTY	(1ULL << 6)
#define PTE_LARGE	(1ULL << 7)
#define PTE_NX		(1ULL << 63)
#define PTE_ADDR	0x000ffffffffff000ULL
#define PTE_ADDR_32	0x00000000fffff000ULL

#define NO_PFN		UINT64_MAX

#define MAX_REGIONS	4096		/* of memblock */

enum region {
	R_TOP, R_LOW, R_DIRECT_MAP, R_VMALLOC, R_P2M, R_VMEMMAP, R_KASAN,
	R_CPU_ENTRY, R_ESPFIX, R_EFI, R_KERNEL, R_MODULES, R_FIXMAP, R_OTHER,
	NR_REGIONS,
};

/* How page tables look in one mode of the processor. */
struct mode {
	int levels;
	int top_entries;
	int index_bits;		/* of va, for each level below the top */
	int entry_size;		/* and size of the kernel's phys_addr_t */
	int large_level;	/* the highest one where an entry can be a page */
	bool top_rights;	/* the top level's entries have RW and USER */
	uint64_t addr;		/* the bits of an entry that are an address */
};

struct range {
	uint64_t start, end;
	unsigned int flags;
};

struct memblock {
	struct range range[MAX_REGIONS];
	unsigned int nr;
};

/* An entry that a walk ended at: all 0 where there is no memory to hold it. */
struct found {
	void *at;
	uint64_t e;
	int level;
};

struct guest {
	const struct elf *kernel;
	int word;			/* bytes of a pointer and of a long */

	uint8_t *ram;
	uint64_t ram_size, ram_low, ram_high;	/* where it ends below 4 GB, and goes on */
	uint64_t nr_mfns;

	/* Of the stop that it is at: */
	const char *phase;
	const struct mode *mode;
	bool xen_pv;
	uint64_t top_mfn;		/* where the walk starts */
	uint64_t hw_top_mfn;		/* what CR3 holds: differs with XPTI */
	uint64_t direct_base, direct_end, vmalloc_base, vmemmap_base;
	uint64_t fixmap_base;		/* i386; the rest of the high end, too */
	uint64_t p2m_start, p2m_end;
	struct range image;
	struct range builder;		/* tables that Xen's domain builder made */
	bool located;			/* once, so that builder is known */

	struct memblock memory, reserved;
	int memblock_region_size;
};

/* guest.c: memory and page tables */
void open_ram(struct guest *g, char **files, int nr, const char *machine, uint64_t low,
	      uint64_t high);
void check_ram(const struct guest *g);
void *phys(const struct guest *g, uint64_t pa);
uint64_t level_size(const struct guest *g, int level);
int nr_entries(const struct guest *g, int level);
uint64_t entry_va(const struct guest *g, uint64_t va, int level, int i);
uint64_t load(const void *p, int size);
uint64_t entry(const struct guest *g, const uint8_t *table, int i);
bool is_leaf(const struct guest *g, uint64_t e, int level);
uint64_t leaf_addr(const struct guest *g, uint64_t e, int level);
bool xens_slot(const struct guest *g, int level, int i);
struct found find_entry(const struct guest *g, uint64_t from_mfn, uint64_t va);
uint64_t virt_to_phys(const struct guest *g, uint64_t va);
void *virt(const struct guest *g, uint64_t va);
bool read_virt(const struct guest *g, uint64_t va, void *buf, size_t len);
uint64_t read_value(const struct guest *g, uint64_t va, int size, const char *what);
uint64_t variable(const struct guest *g, const char *name, uint64_t otherwise);
uint64_t mfn_to_pfn(const struct guest *g, uint64_t mfn);

/* layout.c: the kernel's address space */
extern const char *const region_name[NR_REGIONS];
enum region region_of(const struct guest *g, uint64_t va);
void locate(struct guest *g);

/* memblock.c */
bool in_range(const struct range *r, uint64_t pa);
uint64_t memblock_type(const struct guest *g, bool is_reserved);
uint64_t memblock_region(const struct guest *g, uint64_t va, unsigned int i);
void read_memblocks(struct guest *g);
bool reserved(const struct guest *g, uint64_t pa);
struct range largest_crash(const struct guest *g, uint64_t limit);

#endif
