// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's own functions that load another kernel, cut out at build time: base's,
 * or, with OURS, those of base with the queues of series/kexec.
 */

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "side.h"

typedef uint64_t u64;
typedef uint32_t u32;
typedef u64 resource_size_t;

#define __init
#define IS_ENABLED(option)	option
#define CONFIG_CRASH_DUMP	1
#define CONFIG_ARCH_KEEP_MEMBLOCK 0
#define PAGE_SIZE		4096UL
#define PAGE_SHIFT		12
#define SZ_1M			(1UL << 20)
#define CRASH_ADDR_HIGH_MAX	(64UL << 40)
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define ALIGN(x, a)		(((x) + (a) - 1) & ~((a) - 1))
#define ALIGN_DOWN(x, a)	((x) & ~((a) - 1))
#define min(x, y)		({ typeof(x) a_ = (x); typeof(y) b_ = (y); a_ < b_ ? a_ : b_; })
#define max(x, y)		({ typeof(x) a_ = (x); typeof(y) b_ = (y); a_ > b_ ? a_ : b_; })
#define min_t(t, x, y)		min((t)(x), (t)(y))
#define max_t(t, x, y)		max((t)(x), (t)(y))
#define BUG_ON(cond)		do { if (cond) abort(); } while (0)
#define vzalloc(size)		calloc(1, size)
#define vfree(p)		free(p)
#define struct_size(p, member, nr) (sizeof(*(p)) + (nr) * sizeof((p)->member[0]))
#define sort(base, nr, size, cmp, swap) qsort(base, nr, size, cmp)
#define pr_err(...)		((void)0)

/* Of include/linux/ioport.h: the same meaning, other numbers. */
enum { IORESOURCE_MEM = 1, IORESOURCE_SYSTEM_RAM = 3, IORESOURCE_BUSY = 4,
       IORESOURCE_SYSRAM_DRIVER_MANAGED = 8 };
enum { IORES_DESC_NONE, IORES_DESC_CRASH_KERNEL, IORES_DESC_ACPI_TABLES,
       IORES_DESC_ACPI_NV_STORAGE, IORES_DESC_RESERVED };

struct resource {
	resource_size_t start, end;
	unsigned long flags, desc;
};

static inline u64 resource_size(const struct resource *r)
{
	return r->end - r->start + 1;
}

#define E820_MAX_ENTRIES_ZEROPAGE KEXEC_ZEROPAGE
#define E820_MAX_ENTRIES	KEXEC_RANGES

struct e820_entry {
	u64 addr;
	u64 size;
	enum e820_type type;
} __attribute__((packed));

struct e820_table {
	u32 nr_entries;
	struct e820_entry entries[E820_MAX_ENTRIES];
};

_Static_assert(sizeof(struct e820_table) == sizeof(struct kexec_table), "the same layout");

struct boot_params {
	unsigned int e820_entries;
	struct e820_entry e820_table[E820_MAX_ENTRIES_ZEROPAGE];
};

struct range { u64 start, end; };
struct crash_mem {
	unsigned int max_nr_ranges;
	unsigned int nr_ranges;
	struct range ranges[];
};

enum { KEXEC_TYPE_DEFAULT, KEXEC_TYPE_CRASH };

struct kimage {
	int type;
	unsigned long nr_segments;
	struct { unsigned long mem, memsz; } segment[KEXEC_SEGMENTS];
	unsigned long elf_load_addr, elf_headers_sz;
	struct { void *pgd; } arch;
};

#define KEXEC_BUF_MEM_UNKNOWN	0
struct kexec_buf {
	struct kimage *image;
	void *buffer;
	unsigned long bufsz, mem, memsz, buf_align, buf_min, buf_max;
	bool top_down;
};

/* The machine that is looked at. */
static struct resource *resources;
static unsigned int nr_resources;
static struct resource crashk_res, crashk_low_res;
static struct range pfn_mapped[KEXEC_RANGES];
static int nr_pfn_mapped;
static bool direct_gbpages;
static struct e820_table firmware;
static struct e820_table *e820_table_kexec = &firmware;

/* As find_next_iomem_res() and __walk_iomem_res_desc(). */
static int walk_iomem_res_desc(unsigned long desc, unsigned long flags, u64 start, u64 end,
			       void *arg, int (*func)(struct resource *, void *))
{
	int ret = -EINVAL;
	unsigned int i;

	for (i = 0; i < nr_resources; i++) {
		struct resource res = resources[i];

		if (res.end < start || res.start > end || (res.flags & flags) != flags ||
		    (desc != IORES_DESC_NONE && res.desc != desc))
			continue;
		res.start = max(res.start, start);
		res.end = min(res.end, end);
		ret = func(&res, arg);
		if (ret)
			break;
	}
	return ret;
}

static int walk_system_ram_res(u64 start, u64 end, void *arg,
			       int (*func)(struct resource *, void *))
{
	return walk_iomem_res_desc(IORES_DESC_NONE, IORESOURCE_SYSTEM_RAM | IORESOURCE_BUSY,
				   start, end, arg, func);
}

static int walk_system_ram_res_rev(u64 start, u64 end, void *arg,
				   int (*func)(struct resource *, void *))
{
	unsigned int i;
	int ret = -1;

	for (i = nr_resources; i && ret <= 0; i--)
		if ((resources[i - 1].flags & IORESOURCE_SYSTEM_RAM) == IORESOURCE_SYSTEM_RAM)
			ret = func(&resources[i - 1], arg);
	return ret;
}

static int kexec_walk_memblock(struct kexec_buf *kbuf, int (*func)(struct resource *, void *))
{
	return 0;
}

/* What init_pgtable() takes of other files. */
typedef void pgd_t;
struct x86_mapping_info {
	void *(*alloc_pgt_page)(void *context);
	void *context;
	unsigned long page_flag, kernpg_flag;
	bool direct_gbpages;
};

static unsigned int pgtable_levels;

static void *alloc_pgt_page(void *context)
{
	return ident_begin(pgtable_levels);
}

static int kernel_ident_mapping_init(struct x86_mapping_info *info, void *pgd,
				     unsigned long start, unsigned long end)
{
	return ident_map(pgd, info->direct_gbpages, start, end);
}

/* Two small ranges; where is known to firmware only. */
static int map_efi_systab(struct x86_mapping_info *info, void *pgd)
{
	return 0;
}

/* The page that is mapped at its virtual address, too. */
static int init_transition_pgtable(struct kimage *image, void *pgd, unsigned long page)
{
	return 0;
}

#define __PAGE_KERNEL_LARGE_EXEC 0
#define _KERNPG_TABLE_NOENC	0
#define _PAGE_ENC		0
#define cc_platform_has(attribute) false

struct change_member {
	struct e820_entry *entry;
	unsigned long long addr;
};
static struct change_member change_point_list[2 * E820_MAX_ENTRIES];
static struct change_member *change_point[2 * E820_MAX_ENTRIES];
static struct e820_entry *overlap_list[E820_MAX_ENTRIES];
static struct e820_entry new_entries[E820_MAX_ENTRIES];

#ifdef OURS
#include "kexec/ours.c"
#else
#include "kexec/base.c"
#endif

static void add_resource(struct resource **r, u64 start, u64 end, unsigned long flags,
			 unsigned long desc)
{
	*(*r)++ = (struct resource) { .start = start, .end = end - 1, .flags = flags, .desc = desc };
}

static int by_start(const void *a, const void *b)
{
	const struct resource *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* As e820__reserve_resources(). */
static void set_machine(const struct kexec_machine *m)
{
	struct resource *r;
	unsigned int i;

	free(resources);
	resources = calloc(m->memory.nr + m->nr_plugged + 1, sizeof(*resources));
	if (!resources)
		abort();
	r = resources;
	for (i = 0; i < m->memory.nr; i++) {
		const struct kexec_entry *e = &m->memory.entry[i];
		u64 end = e->addr + e->size;

		switch (e->type) {
		case E820_TYPE_RAM:
			add_resource(&r, e->addr, end, IORESOURCE_SYSTEM_RAM | IORESOURCE_BUSY,
				     IORES_DESC_NONE);
			break;
		case E820_TYPE_RESERVED:
			add_resource(&r, e->addr, end, IORESOURCE_MEM, IORES_DESC_RESERVED);
			break;
		case E820_TYPE_ACPI:
			add_resource(&r, e->addr, end, IORESOURCE_MEM | IORESOURCE_BUSY,
				     IORES_DESC_ACPI_TABLES);
			break;
		case E820_TYPE_NVS:
			add_resource(&r, e->addr, end, IORESOURCE_MEM | IORESOURCE_BUSY,
				     IORES_DESC_ACPI_NV_STORAGE);
			break;
		default:
			break;
		}
	}
	for (i = 0; i < m->nr_plugged; i++)
		add_resource(&r, m->plugged[i].start, m->plugged[i].end,
			     IORESOURCE_SYSTEM_RAM | IORESOURCE_BUSY, IORES_DESC_NONE);
	nr_resources = r - resources;
	qsort(resources, nr_resources, sizeof(*resources), by_start);

	crashk_res.start = m->crash.start;
	crashk_res.end = m->crash.end ? m->crash.end - 1 : 0;
	crashk_low_res.start = m->crash_low.start;
	crashk_low_res.end = m->crash_low.end ? m->crash_low.end - 1 : 0;

	nr_pfn_mapped = m->nr_mapped;
	for (i = 0; i < m->nr_mapped; i++) {
		pfn_mapped[i].start = m->mapped[i].start >> PAGE_SHIFT;
		pfn_mapped[i].end = m->mapped[i].end >> PAGE_SHIFT;
	}
	direct_gbpages = m->gbpages;
	pgtable_levels = m->levels;
	memcpy(&firmware, &m->firmware, sizeof(firmware));
}

static void set_image(struct kimage *image, const struct kexec_load *load, unsigned int nr)
{
	unsigned int i;

	*image = (struct kimage) {
		.type = load->is_crash ? KEXEC_TYPE_CRASH : KEXEC_TYPE_DEFAULT,
		.nr_segments = nr,
	};
	for (i = 0; i < nr; i++) {
		image->segment[i].mem = load->segment[i].start;
		image->segment[i].memsz = load->segment[i].size;
	}
	/* It comes first. */
	if (load->is_crash) {
		image->elf_load_addr = load->segment[0].start;
		image->elf_headers_sz = load->segment[0].size;
	}
}

#ifndef HAVE_arch_kexec_locate_mem_hole
#define arch_kexec_locate_mem_hole kexec_locate_mem_hole
#endif

/* The crash kernel's memory is a range like others, but it is looked up by its type. */
static int place_in_crash(struct kexec_buf *kbuf)
{
	struct resource res = crashk_res;

	return locate_mem_hole_callback(&res, kbuf) == 1 ? 0 : -EADDRNOTAVAIL;
}

static unsigned int place(const struct kexec_machine *m, struct kexec_load *load)
{
	struct kimage image;
	unsigned int i;

	set_machine(m);
	for (i = 0; i < load->nr; i++) {
		struct kexec_segment *s = &load->segment[i];
		struct kexec_buf kbuf = {
			.image = &image,
			.memsz = ALIGN(s->size, PAGE_SIZE),
			.buf_align = max(s->align, PAGE_SIZE),
			.buf_min = s->min,
			.buf_max = KBUF_BUF_MAX,
			/* crash_load_segments() begins at the bottom. */
			.top_down = !load->is_crash || i,
		};

		s->size = kbuf.memsz;
		set_image(&image, load, i);
		if (load->is_crash ? place_in_crash(&kbuf) : arch_kexec_locate_mem_hole(&kbuf))
			return i;
		s->start = kbuf.mem;
	}
	return i;
}

static int memory_map(const struct kexec_machine *m, const struct kexec_load *load,
		      struct kexec_table *table)
{
	struct kimage image;
	int nr;

	set_machine(m);
	set_image(&image, load, load->nr);
#ifdef HAVE_e820_entries
	nr = load->is_crash ? crash_memmap_entries(&image, (void *)table->entry, KEXEC_RANGES) :
	     e820_entries(&image, (void *)table->entry, KEXEC_RANGES);
	table->nr = nr < 0 ? 0 : min(nr, KEXEC_RANGES);
#else
	struct boot_params params = {};
	struct kexec_table rest = {};

	/* How many would there be? The table is full once, and then counted anew. */
	nr = load->is_crash ? crash_setup_memmap_entries(&image, &params) :
	     setup_e820_entries(&params);
	if (nr < 0)
		return nr;
	table->nr = params.e820_entries;
	memcpy(table->entry, params.e820_table, table->nr * sizeof(table->entry[0]));
	nr = kexec_ours.memory_map(m, load, &rest);
#endif
	return nr;
}

static long tables(const struct kexec_machine *m, const struct kexec_load *load)
{
	struct kimage image;
	int ret;

	set_machine(m);
	set_image(&image, load, load->nr);
	ret = init_pgtable(&image, 0);
	return ret ? (ident_end(), ret) : (long)ident_end();
}

static bool update_table(struct kexec_table *table)
{
	return !e820__update_table((void *)table);
}

#ifdef OURS
const struct kexec_side kexec_ours = {
	.name = "ours",
	.passed_on = KEXEC_RANGES,
#else
const struct kexec_side kexec_base = {
	.name = "base",
	.passed_on = KEXEC_ZEROPAGE,
#endif
	.update_table = update_table,
	.place = place,
	.memory_map = memory_map,
	.tables = tables,
};
