// SPDX-License-Identifier: GPL-2.0-only
/*
 * Look at the page tables of a Linux guest from outside, early in its boot.
 *
 * The guest is stopped through QEMU's gdb stub at the entry of a kernel
 * function. Its page tables are then walked from CR3 in the file that backs
 * its RAM. Of the kernel's own words only struct memblock is used, and the
 * variables that say where its regions start.
 *
 * On Xen PV the frames in the tables are machine frames (mfn), which are
 * guest-physical to QEMU. Xen's table machine_to_phys, visible through the
 * same CR3, says which frame of dom0 (pfn) each of them is.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit.h"
#include "gdb.h"
#include "lab.h"

const char *tool_name = "audit";

static const char usage[] =
"usage: audit --gdb SOCKET --ram FILE --vmlinux FILE [options]\n"
"       audit compare A B [options]		(see audit compare --help)\n"
"\n"
"Stop a guest at the entry of kernel functions, walk its page tables from CR3\n"
"in the file that backs its RAM, and check them. QEMU needs\n"
"  -machine pc|q35,memory-backend=ram\n"
"  -object memory-backend-file,id=ram,size=SIZE,mem-path=FILE,share=on\n"
"  -gdb unix:SOCKET,server=on,wait=off -S\n"
"and the guest a kernel at its link address: nokaslr, or a PV dom0.\n"
"x86-64 guests with 4 or 5 levels, i386 guests with 3 (PAE) or 2; QEMU is\n"
"qemu-system-x86_64 for both.\n"
"\n"
"  --gdb SOCKET        QEMU's gdb stub; waits for it to appear\n"
"  --ram FILE          RAM file; again for each further NUMA node, in order\n"
"  --vmlinux FILE      unstripped kernel\n"
"  --machine pc|q35    how QEMU splits RAM at 4 GB (default pc)\n"
"  --low-mem BYTES     the same, by the RAM below 4 GB\n"
"  --stop NAME=SYMBOL  stop at SYMBOL, call it phase NAME; again for more.\n"
"                      Default: direct_map=cpu_init_replace_early_idt and\n"
"                      all=mm_core_init\n"
"  --facts FILE        phase, metric, value\n"
"  --tables FILE       every table page: level, pfn, mfn, va served, region\n"
"  --ranges FILE       memblock's ranges, the kernel image, crash kernels\n"
"  --leaves FILE       all leaf mappings in canonical form, for compare\n"
"  --poke writable     sabotage (undone after the check), Xen PV: make one live\n"
"                      table writable\n"
"  --poke pte          flip NX of one leaf of the direct map, of a free page;\n"
"                      RW where entries have no NX\n"
"  --poke pfn          flip a bit of its frame number\n"
"  --poke unreserved   take tables out of memblock.reserved\n"
"  --poke-phase NAME   at which stop (default: the first stop)\n"
"  --refuse KIND       audit nothing: spoil a request of early_pgt_pv.c, an entry,\n"
"                      a link, or of the m2p table, so that Xen refuses it\n"
"  --kill              end QEMU after the last stop (default: let it go on)\n"
"  --timeout SECONDS   for everything together (default 120)\n"
"\n"
"Sabotage is undone after the check: the guest goes on undisturbed.\n"
"\n"
"Checks, at each stop:\n"
"  - every table lies in RAM and serves one level only\n"
"  - every table is reserved in memblock, or part of the kernel image and brk\n"
"  - Xen PV: no live table has a writable mapping, at any address\n"
"Xen's own slots (256..271 of the top level) are left out.\n"
"\n"
"Exit status: 0 all checks passed, 1 a check failed, 2 could not measure.\n";

#define KB		UINT64_C(1024)
#define MB		(1024 * KB)
#define GB		(1024 * MB)
#define PAGE		UINT64_C(4096)
#define NR_ENTRIES	512		/* of a table of x86-64 */

#define PTE_PRESENT	(1ULL << 0)
#define PTE_RW		(1ULL << 1)
#define PTE_USER	(1ULL << 2)
#define PTE_ACCESSED	(1ULL << 5)
#define PTE_DIRTY	(1ULL << 6)
#define PTE_LARGE	(1ULL << 7)
#define PTE_NX		(1ULL << 63)
#define PTE_ADDR	0x000ffffffffff000ULL
#define PTE_ADDR_32	0x00000000fffff000ULL

#define CR0_PG		(1ULL << 31)
#define CR3_PAE_LOW	0xfe0ULL	/* where in its page the top table is */
#define CR4_PSE		(1ULL << 4)
#define CR4_PAE		(1ULL << 5)
#define CR4_LA57	(1ULL << 12)

/* Xen's table of pfn by mfn, as PV guests see it, and Xen's slots. */
#define XEN_M2P		0xffff800000000000ULL
#define XEN_SLOT_FIRST	256
#define XEN_SLOT_LAST	271
#define NO_PFN		UINT64_MAX

#define KERNEL_MAP	0xffffffff80000000ULL

/* i386: what is left free above the direct map, VMALLOC_OFFSET. */
#define VMALLOC_GAP	(8 * MB)

/* The kernel's reserve_crashkernel_generic() aligns to this on x86. */
#define CRASH_ALIGN	(16 * MB)

#define MEMBLOCK_NOMAP		0x4
#define MEMBLOCK_DRIVER_MANAGED	0x8

#define MAX_STOPS	8
#define MAX_REGIONS	4096
#define MAX_REPORTS	10

enum region {
	R_TOP, R_LOW, R_DIRECT_MAP, R_VMALLOC, R_P2M, R_VMEMMAP, R_KASAN,
	R_CPU_ENTRY, R_ESPFIX, R_EFI, R_KERNEL, R_MODULES, R_FIXMAP, R_OTHER,
	NR_REGIONS,
};

static const char *const region_name[NR_REGIONS] = {
	[R_TOP] = "top", [R_LOW] = "low", [R_DIRECT_MAP] = "direct_map",
	[R_VMALLOC] = "vmalloc", [R_P2M] = "p2m", [R_VMEMMAP] = "vmemmap",
	[R_KASAN] = "kasan", [R_CPU_ENTRY] = "cpu_entry", [R_ESPFIX] = "espfix",
	[R_EFI] = "efi", [R_KERNEL] = "kernel", [R_MODULES] = "modules",
	[R_FIXMAP] = "fixmap", [R_OTHER] = "other",
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

static const struct mode mode_5level = { 5, NR_ENTRIES, 9, 8, 3, true, PTE_ADDR };
static const struct mode mode_4level = { 4, NR_ENTRIES, 9, 8, 3, true, PTE_ADDR };
static const struct mode mode_pae = { 3, 4, 9, 8, 2, false, PTE_ADDR };
/* i386 without PAE: with pages of 4 MB, and where the processor has none. */
static const struct mode mode_pse = { 2, 1024, 10, 4, 2, true, PTE_ADDR_32 };
static const struct mode mode_i386 = { 2, 1024, 10, 4, 1, true, PTE_ADDR_32 };

/* Page sizes of all modes. */
static const struct { uint64_t size; const char *name, *metric; } page_sizes[] = {
	{ PAGE, "4K", "direct_map_bytes_4k" }, { 2 * MB, "2M", "direct_map_bytes_2m" },
	{ 4 * MB, "4M", "direct_map_bytes_4m" }, { GB, "1G", "direct_map_bytes_1g" },
};

/* Below what tables are counted, and a crash kernel placed: i386 needs 512 MB. */
static const struct { uint64_t limit; const char *name; } limits[] = {
	{ 4 * GB, "4g" }, { 896 * MB, "896m" }, { 768 * MB, "768m" }, { 512 * MB, "512m" },
};
#define NR_LIMITS	((int)(sizeof(limits) / sizeof(limits[0])))

/* Who owns a table page. */
enum owner {
	O_NOBODY,
	O_RESERVED,	/* memblock.reserved */
	O_IMAGE,	/* the kernel image, brk included */
	O_BUILDER,	/* tables that Xen's domain builder made */
};

static const char *const owner_name[] = { "nobody", "reserved", "image", "builder" };

struct table {
	uint64_t mfn, pfn;
	uint64_t va;		/* start of what it serves, where first met */
	int level;
	enum region region;
	enum owner owner;
};

struct range {
	uint64_t start, end;
	unsigned int flags;
};

struct memblock {
	struct range range[MAX_REGIONS];
	unsigned int nr;
};

struct stop {
	const char *name, *symbol;
	uint64_t va;
	bool done;
};

/* An entry that a walk ended at: all 0 where there is no memory to hold it. */
struct found {
	void *at;
	uint64_t e;
	int level;
};

/* A run of leaf mappings with all the same but va and pa, which go together. */
struct run {
	uint64_t va, pa, size, count, flags;
	char space;		/* p: pa is guest-physical, m: machine */
	char effective[4];
	bool table;		/* Xen PV: maps live tables */
	enum region region;
	bool open;
};

static struct {
	uint8_t *data;
	uint64_t size, low;
} ram;

static struct elf *kernel;
static int word;			/* bytes of a pointer and of a long */
static const struct mode *mode;
static bool xen_pv;
static uint64_t top_mfn;		/* where the walk starts */
static uint64_t hw_top_mfn;		/* what CR3 holds: differs with XPTI */
static uint64_t direct_base, direct_end, vmalloc_base, vmemmap_base;
static uint64_t fixmap_base;		/* i386; the rest of the high end, too */
static uint64_t p2m_start, p2m_end;
static struct range image, builder;
static bool first_stop_seen;

static struct table *tables;
static size_t nr_tables, max_tables;
static uint8_t *is_table;		/* by mfn: its level */
static uint64_t nr_mfns;

static struct memblock mb_memory, mb_reserved;
static int memblock_region_size;

static const char *phase;
static FILE *facts_file, *tables_file, *ranges_file, *leaves_file;
static struct run run;
static uint64_t mapped[4];		/* of the direct map, by level */
static unsigned int nr_failures;
static char first_failure[512];

/* What the writable check and sabotage look for while leaves are walked. */
static uint64_t writable_tables;

static void __attribute__((format(printf, 1, 2))) failure(const char *fmt, ...)
{
	char line[512];
	va_list ap;

	nr_failures++;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (nr_failures == 1)
		snprintf(first_failure, sizeof(first_failure), "%s", line);
	if (nr_failures <= MAX_REPORTS)
		warn_line("%s: FAILED: %s", phase, line);
}

static void fact(const char *metric, uint64_t value)
{
	if (facts_file)
		fprintf(facts_file, "%s\t%s\t%" PRIu64 "\n", phase, metric, value);
}

static void __attribute__((format(printf, 3, 4)))
fact_of(uint64_t value, const char *suffix, const char *fmt, ...)
{
	char name[128];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	snprintf(name + n, sizeof(name) - n, "%s", suffix);
	fact(name, value);
}

/* --- Guest memory ------------------------------------------------------- */

static void open_ram(char **files, int nr, const char *machine, uint64_t low)
{
	uint64_t split, off = 0;
	struct stat st;
	int i, fd;

	for (i = 0; i < nr; i++) {
		if (stat(files[i], &st))
			die("RAM file %s: %s", files[i], strerror(errno));
		if (st.st_size < (off_t)MB || st.st_size % PAGE)
			die("RAM file %s: %lld bytes is no RAM size", files[i],
			    (long long)st.st_size);
		ram.size += st.st_size;
	}
	ram.data = mmap(NULL, ram.size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			-1, 0);
	if (ram.data == MAP_FAILED)
		die("cannot map %" PRIu64 " bytes of guest RAM: %s", ram.size, strerror(errno));
	for (i = 0; i < nr; i++) {
		fd = open(files[i], O_RDWR);
		if (fd < 0 || fstat(fd, &st))
			die("RAM file %s: %s", files[i], strerror(errno));
		if (mmap(ram.data + off, st.st_size, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
			die("RAM file %s: mmap: %s", files[i], strerror(errno));
		close(fd);
		off += st.st_size;
	}

	/* The split that QEMU 7.2 makes, from sizes that reach into the hole on. */
	if (low) {
		ram.low = low < ram.size ? low : ram.size;
	} else if (!strcmp(machine, "pc")) {
		split = ram.size >= 0xe0000000 ? 0xc0000000 : 0xe0000000;
		ram.low = ram.size < split ? ram.size : split;
	} else if (!strcmp(machine, "q35")) {
		split = ram.size >= 0xb0000000 ? 0x80000000 : 0xb0000000;
		ram.low = ram.size < split ? ram.size : split;
	} else {
		die("--machine %s: known are pc and q35; for others give --low-mem", machine);
	}
	nr_mfns = (ram.size > ram.low ? 4 * GB + ram.size - ram.low : ram.low) / PAGE;
	is_table = calloc(nr_mfns, 1);
	if (!is_table)
		die("out of memory");
}

/* Guest RAM at a physical address, NULL if there is none. */
static void *phys(uint64_t pa)
{
	if (pa < ram.low)
		return ram.data + pa;
	if (pa >= 4 * GB && pa - 4 * GB < ram.size - ram.low)
		return ram.data + ram.low + (pa - 4 * GB);
	return NULL;
}

/* QEMU's view and ours must be the same, at places where a wrong split shows. */
static void check_ram(void)
{
	uint64_t at[] = { hw_top_mfn * PAGE, 1 * MB, ram.low - PAGE, 4 * GB, nr_mfns * PAGE - PAGE };
	uint8_t buf[256];
	size_t i;

	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		uint8_t *p = phys(at[i]);
		size_t half;

		if (!p && i)
			continue;
		if (!p)
			die("CR3 points to %#" PRIx64 ", outside of RAM: wrong --machine or --ram?",
			    at[i]);
		/* Kernel entries are at the end of the top table. */
		half = mode->top_entries * mode->entry_size;
		half = i || half < sizeof(buf) ? 0 : half - sizeof(buf);
		if (!gdb_read_phys(at[i] + half, buf, sizeof(buf)))
			die("QEMU does not give the physical memory at %#" PRIx64
			    ": wrong --machine or --low-mem?", at[i] + half);
		if (memcmp(buf, p + half, sizeof(buf)))
			die("RAM file and QEMU differ at physical address %#" PRIx64
			    ": wrong --machine, --low-mem or --ram?", at[i] + half);
	}
}

static int level_shift(int level)
{
	return 12 + mode->index_bits * (level - 1);
}

static uint64_t level_size(int level)
{
	return 1ULL << level_shift(level);
}

static int nr_entries(int level)
{
	return level == mode->levels ? mode->top_entries : 1 << mode->index_bits;
}

/* Where the entry @i of a table at @va is mapped to, in canonical form. */
static uint64_t entry_va(uint64_t va, int level, int i)
{
	va += (uint64_t)i << level_shift(level);
	/* The upper half is sign-extended. */
	if (word == 8 && level == mode->levels && i >= NR_ENTRIES / 2)
		va |= ~0ULL << (level_shift(level) + 9);
	return va;
}

/* A value of some size, 8 bytes at most, from the guest's memory. */
static uint64_t load(const void *p, int size)
{
	uint64_t v = 0;

	memcpy(&v, p, size);
	return v;
}

static uint64_t entry(const uint8_t *table, int i)
{
	return load(table + i * mode->entry_size, mode->entry_size);
}

static bool is_leaf(uint64_t e, int level)
{
	return level == 1 || (level <= mode->large_level && (e & PTE_LARGE));
}

static uint64_t leaf_addr(uint64_t e, int level)
{
	return e & mode->addr & ~(level_size(level) - 1);
}

/* Find the entry that maps a virtual address; one not present ends the walk. */
static struct found find_entry(uint64_t from_mfn, uint64_t va)
{
	struct found f = { .e = from_mfn * PAGE };

	for (f.level = mode->levels; ; f.level--) {
		uint8_t *t = phys(f.e & mode->addr);
		int i = (va >> level_shift(f.level)) & (nr_entries(f.level) - 1);

		if (!t)
			return (struct found) { 0 };
		f.at = t + i * mode->entry_size;
		f.e = entry(t, i);
		if (!(f.e & PTE_PRESENT) || is_leaf(f.e, f.level))
			return f;
	}
}

/* What a virtual address is mapped to, UINT64_MAX if to nothing. */
static uint64_t virt_to_phys(uint64_t va)
{
	struct found f = find_entry(hw_top_mfn, va);

	if (!(f.e & PTE_PRESENT))
		return UINT64_MAX;
	return leaf_addr(f.e, f.level) + (va & (level_size(f.level) - 1));
}

/* Host address of a guest virtual one, NULL if it isn't mapped to RAM. */
static void *virt(uint64_t va)
{
	return phys(virt_to_phys(va));
}

static bool read_virt(uint64_t va, void *buf, size_t len)
{
	while (len) {
		size_t n = PAGE - va % PAGE;
		void *p = virt(va);

		if (!p)
			return false;
		if (n > len)
			n = len;
		memcpy(buf, p, n);
		buf = (uint8_t *)buf + n;
		va += n;
		len -= n;
	}
	return true;
}

static uint64_t read_value(uint64_t va, int size, const char *what)
{
	uint64_t v = 0;

	if (!read_virt(va, &v, size))
		die("%s: %s at %#" PRIx64 " is not mapped", phase, what, va);
	return v;
}

/* A long or pointer of the kernel, or a default where this kernel has none. */
static uint64_t variable(const char *name, uint64_t otherwise)
{
	uint64_t addr;

	if (!elf_symbol(kernel, name, &addr))
		return otherwise;
	return read_value(addr, word, name);
}

/* The guest's frame number of a machine frame, NO_PFN if Xen has none. */
static uint64_t mfn_to_pfn(uint64_t mfn)
{
	static uint64_t cached_page = UINT64_MAX;
	static const uint64_t *cached;
	uint64_t va = XEN_M2P + mfn * 8, pfn;

	if (!xen_pv)
		return mfn;
	if (mfn >= nr_mfns)
		return NO_PFN;
	if (va / PAGE != cached_page) {
		cached_page = va / PAGE;
		cached = virt(va & ~(PAGE - 1));
	}
	if (!cached)
		return NO_PFN;
	pfn = cached[mfn % (PAGE / 8)];
	/* Invalid and shared frames have the top bits set. */
	return pfn >> 40 ? NO_PFN : pfn;
}

/* --- Where things are --------------------------------------------------- */

static enum region region_of_i386(uint64_t va)
{
	if (va < direct_base)
		return R_LOW;
	if (va < direct_end)
		return R_DIRECT_MAP;
	if (va >= fixmap_base)
		return R_FIXMAP;
	return va >= vmalloc_base ? R_VMALLOC : R_OTHER;
}

static enum region region_of(uint64_t va)
{
	if (word == 4)
		return region_of_i386(va);
	if (p2m_end && va >= p2m_start && va < p2m_end)
		return R_P2M;
	if (va < 1ULL << 63)
		return R_LOW;
	if (va >= direct_base && va < vmalloc_base)
		return R_DIRECT_MAP;
	if (va >= vmalloc_base && va < vmemmap_base)
		return R_VMALLOC;
	if (va >= 0xffffffffff000000ULL)
		return R_FIXMAP;
	if (va >= KERNEL_MAP)
		return va >= 0xffffffffc0000000ULL ? R_MODULES : R_KERNEL;
	if (va >= 0xffffffef00000000ULL)
		return R_EFI;
	if (va >= 0xffffff0000000000ULL)
		return R_ESPFIX;
	if (va >= 0xfffffe0000000000ULL)
		return R_CPU_ENTRY;
	/* struct page is 64 bytes: 1/64 of the direct map's space. */
	if (va >= vmemmap_base && va < vmemmap_base + (1ULL << (mode->levels == 5 ? 49 : 40)))
		return R_VMEMMAP;
	if (va >= 0xffdf000000000000ULL)
		return R_KASAN;
	return R_OTHER;
}

static bool in_range(const struct range *r, uint64_t pa)
{
	return pa >= r->start && pa < r->end;
}

static bool reserved(uint64_t pa)
{
	unsigned int lo = 0, hi = mb_reserved.nr;

	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;

		if (mb_reserved.range[mid].end <= pa)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < mb_reserved.nr && mb_reserved.range[lo].start <= pa &&
	       mb_reserved.range[lo].end >= pa + PAGE;
}

/*
 * struct memblock: bottom_up, current_limit, then for memory and reserved
 * each: cnt, max, total_size, regions, name. A region is base, size, and two
 * 32-bit words, flags and node, the latter with NUMA only. Addresses and sizes
 * are phys_addr_t, which is aligned as a long, the others are long. The layout
 * is the same from 5.x to 6.12, and whatever doesn't look like it is fatal.
 */
static uint64_t memblock_type(bool is_reserved)
{
	uint64_t memory = elf_need(kernel, "memblock") + word + mode->entry_size;

	return is_reserved ? memory + 4 * word + mode->entry_size : memory;
}

/* Where a region is, of the struct memblock_type at @va. */
static uint64_t memblock_region(uint64_t va, unsigned int i)
{
	uint64_t regions = read_value(va + 2 * word + mode->entry_size, word, "memblock");

	return regions + (uint64_t)i * memblock_region_size;
}

static void read_memblock(struct memblock *mb, uint64_t va, const char *want)
{
	uint64_t nr = read_value(va, word, "memblock");
	uint64_t max = read_value(va + word, word, "memblock"), sum = 0;
	uint64_t total = read_value(va + 2 * word, mode->entry_size, "memblock");
	uint64_t name_at = read_value(va + 3 * word + mode->entry_size, word, "memblock");
	char name[16] = "";
	unsigned int i;

	if (!read_virt(name_at, name, strlen(want) + 1) || strcmp(name, want))
		die("%s: memblock.%s has another name: has struct memblock changed?", phase, want);
	if (!nr || nr > max || nr > MAX_REGIONS)
		die("%s: memblock.%s: %" PRIu64 " regions of at most %" PRIu64 " (here: %d)",
		    phase, want, nr, max, MAX_REGIONS);
	mb->nr = nr;
	for (i = 0; i < mb->nr; i++) {
		struct range *r = &mb->range[i];
		uint64_t at = memblock_region(va, i), size;

		r->start = read_value(at, mode->entry_size, "memblock region");
		size = read_value(at + mode->entry_size, mode->entry_size, "memblock region");
		r->end = r->start + size;
		r->flags = read_value(at + 2 * mode->entry_size, 4, "memblock region");
		sum += size;
		if (r->end <= r->start || r->flags > 0xff || (i && r->start < mb->range[i - 1].end))
			die("%s: memblock.%s: region %u is %#" PRIx64 "-%#" PRIx64 " flags %#x: "
			    "has struct memblock changed?", phase, want, i, r->start, r->end,
			    r->flags);
	}
	/* memblock_trim_memory() cuts regions to pages, and leaves total_size alone. */
	if (total < sum || total - sum >= 2 * PAGE * mb->nr)
		die("%s: memblock.%s: regions make %" PRIu64 " bytes, total_size says %" PRIu64,
		    phase, want, sum, total);
}

/* --- The walk ----------------------------------------------------------- */

static int page_size_index(uint64_t size)
{
	int i = 0;

	while (page_sizes[i].size != size)
		i++;
	return i;
}

static void flush_run(void)
{
	if (!run.open || !leaves_file)
		return;
	fprintf(leaves_file, "%s\t%016" PRIx64 "\t%016" PRIx64 "\t%s\t%" PRIu64 "\t%c\t%" PRIx64
		"\t%016" PRIx64 "\t%s\t%c\t%s\n", phase, run.va, run.va + run.size * run.count,
		page_sizes[page_size_index(run.size)].name, run.count, run.space, run.pa, run.flags, run.effective,
		run.table ? 'T' : '-', region_name[run.region]);
	run.open = false;
}

static void add_leaf(uint64_t va, uint64_t e, int level, uint64_t rights)
{
	uint64_t size = level_size(level), ma = leaf_addr(e, level), pfn = mfn_to_pfn(ma / PAGE);
	struct run r = {
		.va = va, .size = size, .count = 1, .region = region_of(va), .open = true,
		.space = pfn == NO_PFN ? 'm' : 'p',
		.pa = pfn == NO_PFN ? ma : pfn * PAGE,
		.flags = (e & ~(mode->addr & ~(size - 1))) & ~(PTE_ACCESSED | PTE_DIRTY),
	};
	uint64_t mfn = ma / PAGE, end = mfn + size / PAGE;

	r.effective[0] = rights & PTE_RW ? 'w' : '-';
	r.effective[1] = rights & PTE_USER ? 'u' : '-';
	r.effective[2] = rights & PTE_NX ? '-' : 'x';

	if (r.region == R_DIRECT_MAP)
		mapped[level] += size;

	/* Natively the kernel writes its tables: only Xen has rules for them. */
	for (; xen_pv && mfn < end && mfn < nr_mfns; mfn++) {
		if (!is_table[mfn])
			continue;
		r.table = true;
		if (rights & PTE_RW) {
			writable_tables++;
			failure("live table pfn %#" PRIx64 " (mfn %#" PRIx64 ", level %d) is writable at %#"
				PRIx64, mfn_to_pfn(mfn), mfn, is_table[mfn],
				va + (mfn * PAGE - ma));
		}
	}

	if (run.open && va == run.va + run.size * run.count && r.size == run.size &&
	    r.pa == run.pa + run.size * run.count && r.flags == run.flags &&
	    r.space == run.space && !strcmp(r.effective, run.effective) &&
	    r.table == run.table && r.region == run.region) {
		run.count++;
		return;
	}
	flush_run();
	run = r;
}

static bool xens_slot(int level, int i)
{
	return xen_pv && level == mode->levels && i >= XEN_SLOT_FIRST && i <= XEN_SLOT_LAST;
}

/* First pass: tables only. The region is that of the first leaf met below. */
static void collect_tables(uint64_t mfn, int level, uint64_t va)
{
	uint8_t *t = phys(mfn * PAGE);
	uint64_t first = va;
	bool any = false;
	struct table *me;
	size_t index;
	int i;

	if (!t) {
		failure("a level %d table for %#" PRIx64 " is at mfn %#" PRIx64 ", outside of RAM",
			level, va, mfn);
		return;
	}
	if (is_table[mfn]) {
		if (is_table[mfn] != level)
			failure("mfn %#" PRIx64 " is a table of level %d and of level %d (for %#"
				PRIx64 ")", mfn, is_table[mfn], level, va);
		return;
	}
	is_table[mfn] = level;
	if (nr_tables == max_tables) {
		max_tables = max_tables ? 2 * max_tables : 4096;
		tables = xrealloc(tables, max_tables * sizeof(*tables));
	}
	index = nr_tables++;
	tables[index] = (struct table) {
		.mfn = mfn, .pfn = mfn_to_pfn(mfn), .level = level, .va = va,
	};

	for (i = 0; i < nr_entries(level); i++) {
		uint64_t e = entry(t, i), at = entry_va(va, level, i);

		if (!(e & PTE_PRESENT) || xens_slot(level, i))
			continue;
		if (!any)
			first = at;
		any = true;
		if (!is_leaf(e, level))
			collect_tables((e & mode->addr) / PAGE, level - 1, at);
	}
	me = &tables[index];
	me->region = level == mode->levels ? R_TOP : region_of(first);
}

/* Second pass: leaves, with the rights of all levels and-ed. */
static void walk_leaves(uint64_t mfn, int level, uint64_t va, uint64_t rights)
{
	uint8_t *t = phys(mfn * PAGE);
	uint64_t same_from = 0, same_to = 0, same_first = 0, last_table = 0;
	int i;

	if (!t)
		return;
	for (i = 0; i < nr_entries(level); i++) {
		uint64_t e = entry(t, i), at = entry_va(va, level, i), below = rights;

		if (!(e & PTE_PRESENT)) {
			last_table = 0;
			continue;
		}
		if (xens_slot(level, i))
			continue;
		if (level < mode->levels || mode->top_rights)
			below = (rights & e & (PTE_RW | PTE_USER)) | ((rights | e) & PTE_NX);
		if (is_leaf(e, level)) {
			last_table = 0;
			add_leaf(at, e, level, below);
			continue;
		}
		/*
		 * Huge ranges may be mapped to one shared table (KASAN's zero
		 * shadow, the p2m's missing parts): say so instead of walking
		 * it a million times.
		 */
		if (last_table && !((last_table ^ e) & ~PTE_ACCESSED)) {
			if (same_to != at) {
				same_from = at;
				same_first = at - level_size(level);
			}
			same_to = at + level_size(level);
			if (i + 1 == nr_entries(level) || ((entry(t, i + 1) ^ e) & ~PTE_ACCESSED)) {
				flush_run();
				if (leaves_file)
					fprintf(leaves_file, "%s\t%016" PRIx64 "\t%016" PRIx64
						"\tsame\t%" PRIu64 "\tv\t%" PRIx64 "\t%016x\t---\t-\t%s\n",
						phase, same_from, same_to,
						(same_to - same_from) / level_size(level),
						same_first, 0, region_name[region_of(same_from)]);
			}
			continue;
		}
		last_table = e;
		walk_leaves((e & mode->addr) / PAGE, level - 1, at, below);
	}
}

/* --- One stop ----------------------------------------------------------- */

static int by_level_pfn(const void *a, const void *b)
{
	const struct table *x = a, *y = b;

	if (x->level != y->level)
		return y->level - x->level;
	return x->pfn < y->pfn ? -1 : x->pfn > y->pfn;
}

/*
 * Largest crashkernel=SIZE that reserve_crashkernel_generic() could place
 * below @limit with what is reserved now: it takes a free range within one
 * memblock.memory region, at a start aligned to CRASH_ALIGN, not at page 0.
 */
static struct range largest_crash(uint64_t limit)
{
	struct range best = { 0 };
	unsigned int i, k;

	for (i = 0; i < mb_memory.nr; i++) {
		const struct range *m = &mb_memory.range[i];
		uint64_t at = m->start > PAGE ? m->start : PAGE;

		if (m->flags & (MEMBLOCK_NOMAP | MEMBLOCK_DRIVER_MANAGED))
			continue;
		for (k = 0; k <= mb_reserved.nr; k++) {
			uint64_t end = k < mb_reserved.nr ? mb_reserved.range[k].start : UINT64_MAX;
			uint64_t start = (at + CRASH_ALIGN - 1) & ~(CRASH_ALIGN - 1);

			if (end > m->end)
				end = m->end;
			if (end > limit)
				end = limit;
			end &= ~(PAGE - 1);
			if (start < end && end - start > best.end - best.start)
				best = (struct range) { start, end, 0 };
			if (k < mb_reserved.nr && mb_reserved.range[k].end > at)
				at = mb_reserved.range[k].end;
		}
	}
	return best;
}

static void report_crash(const char *name, uint64_t limit)
{
	struct range r = largest_crash(limit);

	fact_of(r.end - r.start, name, "crash_kernel_max_below_");
	if (ranges_file)
		fprintf(ranges_file, "%s\tcrash_below_%s\t%" PRIx64 "\t%" PRIx64 "\t0\n",
			phase, name, r.start, r.end);
}

static void report_ranges(const char *kind, const struct memblock *mb)
{
	unsigned int i;

	for (i = 0; ranges_file && i < mb->nr; i++)
		fprintf(ranges_file, "%s\t%s\t%" PRIx64 "\t%" PRIx64 "\t%x\n", phase, kind,
			mb->range[i].start, mb->range[i].end, mb->range[i].flags);
}

static void report_tables(void)
{
	uint64_t level[6] = { 0 }, by_region[NR_REGIONS][6] = { { 0 } };
	uint64_t below[2][NR_LIMITS] = { { 0 } }, lowest = UINT64_MAX, highest = 0;
	uint64_t bootstrap = 0, from_builder = 0, direct = 0, early = 0;
	size_t i;
	int l, r;

	for (i = 0; i < nr_tables; i++) {
		const struct table *t = &tables[i];
		uint64_t pa = t->pfn * PAGE;
		bool is_direct = t->region == R_DIRECT_MAP;

		if (tables_file)
			fprintf(tables_file, "%s\t%d\t%" PRIx64 "\t%" PRIx64 "\t%016" PRIx64
				"\t%s\t%s\n", phase, t->level, t->pfn, t->mfn, t->va,
				region_name[t->region], owner_name[t->owner]);
		level[t->level]++;
		by_region[t->region][t->level]++;
		if (is_direct && t->owner == O_IMAGE)
			bootstrap++;
		if (is_direct && t->owner == O_BUILDER)
			from_builder++;
		if (t->owner == O_IMAGE || t->owner == O_BUILDER || t->pfn == NO_PFN)
			continue;
		early++;
		if (is_direct) {
			direct++;
			if (pa < lowest)
				lowest = pa;
			if (pa > highest)
				highest = pa;
		}
		for (l = 0; l < NR_LIMITS; l++) {
			below[0][l] += pa < limits[l].limit;
			below[1][l] += is_direct && pa < limits[l].limit;
		}
	}
	fact("levels", mode->levels);
	fact("xen_pv", xen_pv);
	if (xen_pv)
		fact("cr3_is_xens_copy", top_mfn != hw_top_mfn);
	fact("tables", nr_tables);
	for (l = 1; l <= mode->levels; l++)
		fact_of(level[l], "", "tables_level%d", l);
	for (r = 0; r < NR_REGIONS; r++) {
		uint64_t sum = 0;

		for (l = 1; l <= mode->levels; l++)
			sum += by_region[r][l];
		if (!sum)
			continue;
		fact_of(sum, "", "tables_%s", region_name[r]);
		for (l = 1; l <= mode->levels; l++)
			if (by_region[r][l])
				fact_of(by_region[r][l], "", "tables_%s_level%d", region_name[r], l);
	}
	/* All regions: allocated, so without kernel image and domain builder. */
	fact("allocated_tables", early);
	for (l = 0; l < NR_LIMITS; l++)
		fact_of(below[0][l], limits[l].name, "allocated_tables_below_");
	/* The direct map's: those in the image and the builder's are apart. */
	fact("direct_map_tables_image", bootstrap);
	fact("direct_map_tables_builder", from_builder);
	fact("direct_map_tables_allocated", direct);
	if (direct) {
		fact("direct_map_tables_lowest", lowest);
		fact("direct_map_tables_highest", highest);
	}
	for (l = 0; l < NR_LIMITS; l++)
		fact_of(below[1][l], limits[l].name, "direct_map_tables_below_");
}

static void check_owners(void)
{
	uint64_t orphans = 0;
	size_t i;

	for (i = 0; i < nr_tables; i++) {
		struct table *t = &tables[i];
		uint64_t pa = t->pfn * PAGE;

		if (t->pfn == NO_PFN)
			t->owner = O_NOBODY;
		else if (in_range(&image, pa))
			t->owner = O_IMAGE;
		else if (reserved(pa))
			t->owner = in_range(&builder, pa) ? O_BUILDER : O_RESERVED;
		if (t->owner != O_NOBODY)
			continue;
		orphans++;
		failure("table pfn %#" PRIx64 " (mfn %#" PRIx64 ", level %d, for %#" PRIx64 ", %s) is "
			"neither reserved in memblock nor in the kernel image", t->pfn, t->mfn,
			t->level, t->va, region_name[t->region]);
	}
	fact("unowned_tables", orphans);
}

/* Is it the kernel we were told, or are all symbols wrong? */
static void check_kernel(void)
{
	uint64_t va = elf_need(kernel, "linux_banner");
	char want[80], have[80];
	size_t len;

	if (!elf_bytes(kernel, va, want, sizeof(want)))
		die("vmlinux: no contents for linux_banner");
	len = strnlen(want, sizeof(want));
	if (!read_virt(va, have, len) || memcmp(want, have, len))
		die("the guest runs another kernel than --vmlinux (linux_banner differs), "
		    "or not at its link address (nokaslr missing?)");
	/* The version is the same for many builds: compare the code, too. */
	va = elf_need(kernel, "mm_core_init");
	if (elf_bytes(kernel, va, want, 64) &&
	    (!read_virt(va, have, 64) || memcmp(want, have, 16)))
		die("the guest runs another build than --vmlinux (code of mm_core_init differs)");
}

static void locate_x86_64(void)
{
	bool la57 = mode->levels == 5;

	direct_base = variable("page_offset_base", la57 ? 0xff11000000000000ULL :
			       0xffff888000000000ULL);
	vmalloc_base = variable("vmalloc_base", la57 ? 0xffa0000000000000ULL :
				0xffffc90000000000ULL);
	vmemmap_base = variable("vmemmap_base", la57 ? 0xffd4000000000000ULL :
				0xffffea0000000000ULL);
	direct_end = vmalloc_base;
	p2m_start = p2m_end = 0;
	if (xen_pv) {
		p2m_start = variable("xen_p2m_addr", 0);
		p2m_end = p2m_start + 8 * variable("xen_p2m_size", 0);
	}
}

/*
 * The kernel is part of the direct map, so that PAGE_OFFSET follows from where
 * it is. What is above vmalloc depends on many options: its start is that of
 * pkmap, where the kernel has set that up. Before, nothing is in vmalloc, either.
 */
static void locate_i386(uint64_t page_offset)
{
	uint64_t pkmap = variable("pkmap_page_table", 0), va;

	direct_base = page_offset;
	direct_end = direct_base + variable("max_low_pfn", 0) * PAGE;
	vmalloc_base = direct_end + VMALLOC_GAP;
	fixmap_base = vmalloc_base;
	if (direct_end == direct_base || direct_end > 4 * GB)
		die("%s: max_low_pfn makes a direct map of %#" PRIx64 "-%#" PRIx64, phase,
		    direct_base, direct_end);
	for (va = direct_end & ~(level_size(2) - 1); pkmap && va < 4 * GB; va += level_size(2)) {
		struct found f = find_entry(top_mfn, va);

		if (f.level == 1 && phys(virt_to_phys(pkmap)) == f.at) {
			fixmap_base = va;
			return;
		}
	}
	if (pkmap)
		die("%s: pkmap_page_table is no table in use", phase);
}

static void locate(void)
{
	uint64_t cr3 = gdb_register("cr3"), cr4 = gdb_register("cr4");
	uint64_t text = elf_need(kernel, "_text"), pa, end, any;
	int size;

	if (!(gdb_register("cr0") & CR0_PG))
		die("%s: paging is off", phase);
	/* A PV kernel runs in ring 3. */
	xen_pv = gdb_register("cs") & 3;
	if (word == 8)
		mode = cr4 & CR4_LA57 ? &mode_5level : &mode_4level;
	else if (cr4 & CR4_PAE)
		mode = &mode_pae;
	else
		mode = cr4 & CR4_PSE ? &mode_pse : &mode_i386;
	if (mode == &mode_pae && (cr3 & CR3_PAE_LOW))
		die("%s: CR3 %#" PRIx64 ": the top table does not start a page: stop earlier", phase,
		    cr3);
	hw_top_mfn = (cr3 & mode->addr) / PAGE;
	top_mfn = hw_top_mfn;
	check_ram();
	check_kernel();

	if (xen_pv && mfn_to_pfn(hw_top_mfn) == NO_PFN) {
		/*
		 * With XPTI CR3 holds a copy that belongs to Xen: walk the
		 * original instead, and make sure that it is the original.
		 */
		uint64_t *copy = phys(hw_top_mfn * PAGE), *orig;
		struct found f = find_entry(hw_top_mfn, elf_need(kernel, "init_top_pgt"));
		int i;

		if (f.level != 1)
			die("%s: CR3 is Xen's own table, and init_top_pgt is not mapped", phase);
		top_mfn = (f.e & mode->addr) / PAGE;
		orig = phys(top_mfn * PAGE);
		for (i = 0; orig && i < NR_ENTRIES; i++)
			if ((i < XEN_SLOT_FIRST || i > XEN_SLOT_LAST) &&
			    ((copy[i] ^ orig[i]) & ~(PTE_ACCESSED | PTE_DIRTY)))
				die("%s: CR3 is Xen's own table, and not a copy of init_top_pgt", phase);
	}

	pa = virt_to_phys(text);
	if (pa == UINT64_MAX)
		die("%s: _text is not mapped", phase);
	pa = mfn_to_pfn(pa / PAGE) * PAGE;
	end = (elf_need(kernel, "_end") + PAGE - 1) & ~(PAGE - 1);
	image = (struct range) { pa, pa + end - text, 0 };
	size = 2 * mode->entry_size + (elf_symbol(kernel, "node_data", &any) ? 8 : 4);
	memblock_region_size = (size + word - 1) / word * word;
	if (word == 4)
		locate_i386(text - pa);
	else
		locate_x86_64();

	if (xen_pv && !first_stop_seen) {
		/* Before the kernel's clean-up, which ends with init data. */
		builder.start = variable("xen_pt_base", 0);
		builder.end = builder.start + variable("xen_pt_size", 0);
	}
	first_stop_seen = true;
}

/* --- Sabotage ----------------------------------------------------------- */

/* What sabotage changed, to be undone after the check: the guest goes on. */
static struct {
	void *at;
	uint64_t old;
} poked[4];
static int nr_poked;

/* An entry or a phys_addr_t. */
static void poke_value(void *at, uint64_t v)
{
	poked[nr_poked].at = at;
	poked[nr_poked++].old = load(at, mode->entry_size);
	memcpy(at, &v, mode->entry_size);
}

static void undo_poke(void)
{
	while (nr_poked) {
		nr_poked--;
		memcpy(poked[nr_poked].at, &poked[nr_poked].old, mode->entry_size);
	}
}

/* End the reserved region of a table before it, or start it after it. */
static bool poke_memblock(const struct table *t)
{
	uint64_t type = memblock_type(true), pa = t->pfn * PAGE;
	void *total = virt(type + 2 * word);
	unsigned int i;

	for (i = 0; i < mb_reserved.nr; i++) {
		struct range *r = &mb_reserved.range[i];
		uint64_t at = memblock_region(type, i), sum;
		void *base = virt(at), *size = virt(at + mode->entry_size);

		if (!in_range(r, pa) || !base || !size || !total)
			continue;
		sum = load(total, mode->entry_size);
		if (r->start == pa) {
			poke_value(base, pa + PAGE);
			poke_value(size, r->end - r->start - PAGE);
			poke_value(total, sum - PAGE);
			r->start += PAGE;
			return true;
		}
		poke_value(total, sum - (r->end - pa));
		poke_value(size, pa - r->start);
		r->end = pa;
		return true;
	}
	return false;
}

/* Change guest memory from outside; everything else then works as always. */
static void poke(const char *how)
{
	uint64_t limit = direct_end - direct_base, va;
	struct range free_ram = largest_crash(limit < 4 * GB ? limit : 4 * GB);
	struct found f;
	size_t i;

	if (!strcmp(how, "pte") || !strcmp(how, "pfn")) {
		/* The mapping of a page that nobody uses. */
		va = direct_base + (free_ram.start + (free_ram.end - free_ram.start) / 2) / PAGE * PAGE;
		f = find_entry(top_mfn, va);
		if (!free_ram.end || !(f.e & PTE_PRESENT))
			die("%s: --poke %s: %#" PRIx64 " is not mapped", phase, how, va);
		if (!strcmp(how, "pfn"))
			f.e ^= level_size(f.level);
		else
			f.e ^= mode->entry_size == 8 ? PTE_NX : PTE_RW;
		poke_value(f.at, f.e);
		warn_line("%s: sabotage: entry for %#" PRIx64 " is %#" PRIx64, phase, va, f.e);
		return;
	}
	for (i = 0; i < nr_tables; i++) {
		const struct table *t = &tables[i];

		if (t->region != R_DIRECT_MAP || t->pfn == NO_PFN)
			continue;
		if (!strcmp(how, "unreserved")) {
			if (in_range(&image, t->pfn * PAGE) || !poke_memblock(t))
				continue;
			warn_line("%s: sabotage: pfn %#" PRIx64 ", perhaps with others, is not reserved",
				  phase, t->pfn);
			return;
		}
		va = direct_base + t->pfn * PAGE;
		f = find_entry(top_mfn, va);
		if (!(f.e & PTE_PRESENT) || (f.e & PTE_RW))
			continue;
		f.e |= PTE_RW;
		poke_value(f.at, f.e);
		warn_line("%s: sabotage: entry for %#" PRIx64 " is %#" PRIx64, phase, va, f.e);
		return;
	}
	die("%s: --poke %s: no table of the direct map to do it to (all in the kernel image?)",
	    phase, how);
}

static void audit(const char *poke_how)
{
	unsigned int failed_before = nr_failures;
	double start = now();
	int l;

	locate();
	read_memblock(&mb_memory, memblock_type(false), "memory");
	read_memblock(&mb_reserved, memblock_type(true), "reserved");

	nr_tables = 0;
	memset(is_table, 0, nr_mfns);
	memset(mapped, 0, sizeof(mapped));
	writable_tables = 0;
	collect_tables(top_mfn, mode->levels, 0);
	qsort(tables, nr_tables, sizeof(*tables), by_level_pfn);
	if (poke_how) {
		if (!strcmp(poke_how, "writable") && !xen_pv)
			die("--poke writable: tables of a native guest are writable anyway");
		poke(poke_how);
	}
	check_owners();
	walk_leaves(top_mfn, mode->levels, 0, PTE_RW | PTE_USER);
	flush_run();

	report_tables();
	for (l = 1; l <= mode->large_level; l++)
		fact(page_sizes[page_size_index(level_size(l))].metric, mapped[l]);
	if (xen_pv)
		fact("writable_tables", writable_tables);
	{
		uint64_t sum = 0, i;

		for (i = 0; i < mb_memory.nr; i++)
			sum += mb_memory.range[i].end - mb_memory.range[i].start;
		fact("memory_bytes", sum);
		for (sum = i = 0; i < mb_reserved.nr; i++)
			sum += mb_reserved.range[i].end - mb_reserved.range[i].start;
		fact("reserved_bytes", sum);
	}
	report_ranges("memory", &mb_memory);
	report_ranges("reserved", &mb_reserved);
	if (ranges_file)
		fprintf(ranges_file, "%s\timage\t%" PRIx64 "\t%" PRIx64 "\t0\n", phase, image.start,
			image.end);
	if (ranges_file && builder.end > builder.start)
		fprintf(ranges_file, "%s\tbuilder\t%" PRIx64 "\t%" PRIx64 "\t0\n", phase,
			builder.start, builder.end);
	for (l = 0; l < NR_LIMITS; l++)
		report_crash(limits[l].name, limits[l].limit);
	undo_poke();
	fact("failed_checks", nr_failures - failed_before);

	if (nr_failures > MAX_REPORTS && failed_before <= MAX_REPORTS)
		warn_line("%s: and %u more", phase, nr_failures - MAX_REPORTS);
	warn_line("%s: %zu tables, %s: %s (%.1f s)", phase, nr_tables,
		  xen_pv ? "Xen PV" : "native",
		  nr_failures == failed_before ? "all checks passed" : "CHECKS FAILED",
		  now() - start);
}

/*
 * Stop where the kernel hands a batch of requests to Xen, and have one of them
 * name a machine frame that doesn't exist. struct batch: requests of two words,
 * one byte a request for the level (0 is m2p), and how many there are.
 */
static void spoil_request(const char *kind, double deadline)
{
	uint64_t va = elf_need(kernel, "batch_issue"), links = elf_need(kernel, "links");

	phase = "refuse";
	for (;;) {
		uint64_t batch, nr, reqs, levels;

		gdb_breakpoint(va, true);
		if (gdb_continue(deadline, "batch_issue") != GDB_STOPPED)
			die("--refuse %s: no such request was made", kind);
		gdb_breakpoint(va, false);
		locate();
		batch = gdb_register("rdi");
		reqs = read_value(batch, 8, "requests");
		levels = read_value(batch + 8, 8, "levels");
		nr = read_value(batch + 16, 4, "number of requests");
		while (nr--) {
			uint64_t *ptr = virt(reqs + 16 * nr), *val = virt(reqs + 16 * nr + 8);
			uint8_t *level = virt(levels + nr);

			if (!ptr || !val || !level)
				die("%s: the requests are not mapped", phase);
			/* An entry that is cleared can't be spoilt. */
			if (strcmp(kind, batch == links ? "link" : *level ? "entry" : "m2p") ||
			    (*level && !(*val & PTE_PRESENT)))
				continue;
			*(*level ? val : ptr) |= PTE_ADDR;
			warn_line("%s: sabotage: request %" PRIu64 " is %#" PRIx64 " = %#" PRIx64,
				  phase, nr + 1, *ptr, *val);
			return;
		}
		gdb_step(deadline);
	}
}

static bool kill_it;

static void at_exit(void)
{
	gdb_release(kill_it);
}

static FILE *create(const char *path, const char *header)
{
	FILE *f = fopen(path, "w");

	if (!f)
		die("%s: %s", path, strerror(errno));
	fputs(header, f);
	return f;
}

static void finish(FILE *f)
{
	if (f && (fflush(f) || ferror(f) || fsync(fileno(f)) || fclose(f)))
		die("cannot write results: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "gdb", required_argument, NULL, 'g' },
		{ "ram", required_argument, NULL, 'r' },
		{ "vmlinux", required_argument, NULL, 'v' },
		{ "machine", required_argument, NULL, 'm' },
		{ "low-mem", required_argument, NULL, 'l' },
		{ "stop", required_argument, NULL, 's' },
		{ "facts", required_argument, NULL, 'F' },
		{ "tables", required_argument, NULL, 'T' },
		{ "ranges", required_argument, NULL, 'R' },
		{ "leaves", required_argument, NULL, 'L' },
		{ "poke", required_argument, NULL, 'p' },
		{ "poke-phase", required_argument, NULL, 'P' },
		{ "refuse", required_argument, NULL, 'x' },
		{ "kill", no_argument, NULL, 'k' },
		{ "timeout", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	static struct stop stops[MAX_STOPS];
	const char *gdb = NULL, *vmlinux = NULL, *machine = "pc", *poke_how = NULL;
	const char *poke_phase = NULL, *refuse = NULL;
	char *rams[16], *end;
	int nr_stops = 0, nr_rams = 0, c, i, left;
	double timeout = 120, deadline;
	uint64_t low = 0;

	if (argc > 1 && !strcmp(argv[1], "compare"))
		return compare_main(argc - 1, argv + 1);

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'g':
			gdb = optarg;
			break;
		case 'r':
			if (nr_rams == 16)
				die("--ram: at most 16 files");
			rams[nr_rams++] = optarg;
			break;
		case 'v':
			vmlinux = optarg;
			break;
		case 'm':
			machine = optarg;
			break;
		case 'l':
			low = strtoull(optarg, &end, 0);
			if (*end || !low || low % PAGE)
				die("--low-mem %s: a number of bytes, in pages, is needed", optarg);
			break;
		case 's':
			if (nr_stops == MAX_STOPS)
				die("--stop: at most %d", MAX_STOPS);
			end = strchr(optarg, '=');
			if (!end || end == optarg || !end[1])
				die("--stop %s: NAME=SYMBOL is needed", optarg);
			*end = '\0';
			stops[nr_stops].name = optarg;
			stops[nr_stops++].symbol = end + 1;
			break;
		case 'F':
			facts_file = create(optarg, "# phase\tmetric\tvalue\n");
			break;
		case 'T':
			tables_file = create(optarg,
					     "# phase\tlevel\tpfn\tmfn\tva\tregion\towner\n");
			break;
		case 'R':
			ranges_file = create(optarg, "# phase\tkind\tstart\tend\tflags\n");
			break;
		case 'L':
			leaves_file = create(optarg, LEAF_HEADER);
			break;
		case 'p':
			poke_how = optarg;
			if (strcmp(poke_how, "writable") && strcmp(poke_how, "pte") &&
			    strcmp(poke_how, "pfn") && strcmp(poke_how, "unreserved"))
				die("--poke %s: known are writable, pte, pfn and unreserved", optarg);
			break;
		case 'P':
			poke_phase = optarg;
			break;
		case 'k':
			kill_it = true;
			break;
		case 'x':
			refuse = optarg;
			if (strcmp(refuse, "entry") && strcmp(refuse, "link") && strcmp(refuse, "m2p"))
				die("--refuse %s: known are entry, link and m2p", refuse);
			break;
		case 't':
			timeout = strtod(optarg, &end);
			if (*end || timeout <= 0)
				die("--timeout %s: a number of seconds is needed", optarg);
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_OK;
		default:
			fputs("Try audit --help.\n", stderr);
			return EXIT_ENV;
		}
	}
	if (!gdb || !nr_rams || !vmlinux || optind != argc) {
		fputs(usage, stderr);
		return EXIT_ENV;
	}
	deadline = now() + timeout;
	atexit(at_exit);
	kernel = elf_open_any(vmlinux);
	word = elf_word(kernel);
	if (!nr_stops) {
		stops[nr_stops++] = (struct stop) { .name = "direct_map",
						    .symbol = "cpu_init_replace_early_idt" };
		stops[nr_stops++] = (struct stop) { .name = "all", .symbol = "mm_core_init" };
	}
	for (i = 0; i < nr_stops; i++)
		stops[i].va = elf_need(kernel, stops[i].symbol);
	if (!poke_phase)
		poke_phase = stops[0].name;

	gdb_connect(gdb, deadline);
	/* QEMU has made the RAM file by now. */
	open_ram(rams, nr_rams, machine, low);
	if (refuse) {
		spoil_request(refuse, deadline);
		gdb_detach();
		return EXIT_OK;
	}
	for (i = 0; i < nr_stops; i++)
		gdb_breakpoint(stops[i].va, true);

	for (left = nr_stops; left; left--) {
		enum gdb_event ev;
		uint64_t rip = 0;

		for (i = 0; stops[i].done; i++)
			;
		ev = gdb_continue(deadline, stops[i].symbol);
		if (ev == GDB_STOPPED)
			rip = gdb_register("rip");
		if (ev == GDB_GONE)
			die("the guest ended before %s was reached: see its console", stops[i].symbol);
		for (i = 0; i < nr_stops && (stops[i].done || stops[i].va != rip); i++)
			;
		if (ev == GDB_TIMEOUT || i == nr_stops) {
			for (i = 0; stops[i].done; i++)
				;
			if (ev == GDB_TIMEOUT)
				die("%s was not reached within %.0f s: see the guest's console",
				    stops[i].symbol, timeout);
			die("the guest stopped at %#" PRIx64 " instead of %s", rip, stops[i].symbol);
		}
		phase = stops[i].name;
		audit(poke_how && !strcmp(poke_phase, phase) ? poke_how : NULL);
		stops[i].done = true;
		gdb_breakpoint(rip, false);
	}

	finish(facts_file);
	finish(tables_file);
	finish(ranges_file);
	finish(leaves_file);
	if (kill_it) {
		/* A counting plugin ends its phase on the instruction here. */
		gdb_step(deadline);
		gdb_kill();
	} else {
		gdb_detach();
	}
	if (nr_failures)
		warn_line("%u checks failed, the first: %s", nr_failures, first_failure);
	return nr_failures ? EXIT_CHECK : EXIT_OK;
}
