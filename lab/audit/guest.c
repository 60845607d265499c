// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's memory and page tables: read RAM in the file that backs it, by
 * physical address, or by virtual address through the tables that CR3 points to.
 * On Xen PV the frames in the tables are machine frames (mfn), which are
 * guest-physical to QEMU. Xen's table machine_to_phys, visible through the same
 * CR3, says which frame of dom0 (pfn) each of them is.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gdb.h"
#include "guest.h"
#include "lab.h"

/* Xen's table of pfn by mfn, as PV guests see it, and Xen's slots. */
#define XEN_M2P		0xffff800000000000ULL
#define XEN_SLOT_FIRST	256
#define XEN_SLOT_LAST	271

/** open_ram() - map the files that back the guest's RAM, split at 4 GB as QEMU does */
void open_ram(struct guest *g, char **files, int nr, const char *machine, uint64_t low,
	      uint64_t high)
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
		g->ram_size += st.st_size;
	}
	g->ram = mmap(NULL, g->ram_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		      -1, 0);
	if (g->ram == MAP_FAILED)
		die("cannot map %" PRIu64 " bytes of guest RAM: %s", g->ram_size, strerror(errno));
	for (i = 0; i < nr; i++) {
		fd = open(files[i], O_RDWR);
		if (fd < 0 || fstat(fd, &st))
			die("RAM file %s: %s", files[i], strerror(errno));
		if (mmap(g->ram + off, st.st_size, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
			die("RAM file %s: mmap: %s", files[i], strerror(errno));
		close(fd);
		off += st.st_size;
	}

	/* The split that QEMU 7.2 makes, from sizes that reach into the hole on. */
	if (low) {
		g->ram_low = low < g->ram_size ? low : g->ram_size;
	} else if (!strcmp(machine, "pc")) {
		split = g->ram_size >= 0xe0000000 ? 0xc0000000 : 0xe0000000;
		g->ram_low = g->ram_size < split ? g->ram_size : split;
	} else if (!strcmp(machine, "q35")) {
		split = g->ram_size >= 0xb0000000 ? 0x80000000 : 0xb0000000;
		g->ram_low = g->ram_size < split ? g->ram_size : split;
	} else {
		die("--machine %s: known are pc and q35; for others give --low-mem", machine);
	}
	g->ram_high = high;
	g->nr_mfns = g->ram_low / PAGE;
	if (g->ram_size > g->ram_low)
		g->nr_mfns = (g->ram_high + g->ram_size - g->ram_low) / PAGE;
}

/** phys() - guest RAM at a physical address, NULL if there is none */
void *phys(const struct guest *g, uint64_t pa)
{
	if (pa < g->ram_low)
		return g->ram + pa;
	if (pa >= g->ram_high && pa - g->ram_high < g->ram_size - g->ram_low)
		return g->ram + g->ram_low + (pa - g->ram_high);
	return NULL;
}

/**
 * check_ram() - exit unless QEMU and the RAM file agree
 *
 * QEMU's view and ours must be the same, at places where a wrong split shows.
 */
void check_ram(const struct guest *g)
{
	uint64_t at[] = { g->hw_top_mfn * PAGE, 1 * MB, g->ram_low - PAGE, g->ram_high,
			  g->nr_mfns * PAGE - PAGE };
	uint8_t buf[256];
	size_t i;

	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		uint8_t *p = phys(g, at[i]);
		size_t half;

		if (!p && i)
			continue;
		if (!p)
			die("CR3 points to %#" PRIx64 ", outside of RAM: wrong --machine or --ram?",
			    at[i]);
		/* Kernel entries are at the end of the top table. */
		half = g->mode->top_entries * g->mode->entry_size;
		half = i || half < sizeof(buf) ? 0 : half - sizeof(buf);
		if (!gdb_read_phys(at[i] + half, buf, sizeof(buf)))
			die("QEMU does not give the physical memory at %#" PRIx64
			    ": wrong --machine or --low-mem?", at[i] + half);
		if (memcmp(buf, p + half, sizeof(buf)))
			die("RAM file and QEMU differ at physical address %#" PRIx64
			    ": wrong --machine, --low-mem or --ram?", at[i] + half);
	}
}

static int level_shift(const struct guest *g, int level)
{
	return 12 + g->mode->index_bits * (level - 1);
}

/** level_size() - what an entry of a level maps */
uint64_t level_size(const struct guest *g, int level)
{
	return 1ULL << level_shift(g, level);
}

/** nr_entries() - how many entries a table of a level has */
int nr_entries(const struct guest *g, int level)
{
	return level == g->mode->levels ? g->mode->top_entries : 1 << g->mode->index_bits;
}

/** entry_va() - where entry @i of a table at @va is mapped to, in canonical form */
uint64_t entry_va(const struct guest *g, uint64_t va, int level, int i)
{
	va += (uint64_t)i << level_shift(g, level);
	/* The upper half is sign-extended. */
	if (g->word == 8 && level == g->mode->levels && i >= NR_ENTRIES / 2)
		va |= ~0ULL << (level_shift(g, level) + 9);
	return va;
}

/** load() - a value of some size, 8 bytes at most, from the guest's memory */
uint64_t load(const void *p, int size)
{
	uint64_t v = 0;

	memcpy(&v, p, size);
	return v;
}

/** entry() - entry @i of a table */
uint64_t entry(const struct guest *g, const uint8_t *table, int i)
{
	return load(table + i * g->mode->entry_size, g->mode->entry_size);
}

/** is_leaf() - does an entry that is present map a page, and no table? */
bool is_leaf(const struct guest *g, uint64_t e, int level)
{
	return level == 1 || (level <= g->mode->large_level && (e & PTE_LARGE));
}

/** leaf_addr() - address of the page that an entry maps */
uint64_t leaf_addr(const struct guest *g, uint64_t e, int level)
{
	return e & g->mode->addr & ~(level_size(g, level) - 1);
}

/** xens_slot() - is entry @i of a table of this level Xen's own? */
bool xens_slot(const struct guest *g, int level, int i)
{
	return g->xen_pv && level == g->mode->levels && i >= XEN_SLOT_FIRST && i <= XEN_SLOT_LAST;
}

/** find_entry() - the entry that maps a virtual address; one not present ends the walk */
struct found find_entry(const struct guest *g, uint64_t from_mfn, uint64_t va)
{
	struct found f = { .e = from_mfn * PAGE };

	for (f.level = g->mode->levels; ; f.level--) {
		uint8_t *t = phys(g, f.e & g->mode->addr);
		int i = (va >> level_shift(g, f.level)) & (nr_entries(g, f.level) - 1);

		if (!t)
			return (struct found) { 0 };
		f.at = t + i * g->mode->entry_size;
		f.e = entry(g, t, i);
		if (!(f.e & PTE_PRESENT) || is_leaf(g, f.e, f.level))
			return f;
	}
}

/** virt_to_phys() - what a virtual address is mapped to, UINT64_MAX if to nothing */
uint64_t virt_to_phys(const struct guest *g, uint64_t va)
{
	struct found f = find_entry(g, g->hw_top_mfn, va);

	if (!(f.e & PTE_PRESENT))
		return UINT64_MAX;
	return leaf_addr(g, f.e, f.level) + (va & (level_size(g, f.level) - 1));
}

/** virt() - host address of a guest virtual one, NULL if it isn't mapped to RAM */
void *virt(const struct guest *g, uint64_t va)
{
	return phys(g, virt_to_phys(g, va));
}

/** read_virt() - copy from guest virtual memory; false if part of it isn't mapped */
bool read_virt(const struct guest *g, uint64_t va, void *buf, size_t len)
{
	while (len) {
		size_t n = PAGE - va % PAGE;
		void *p = virt(g, va);

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

/** read_value() - a value from guest virtual memory, which must be mapped */
uint64_t read_value(const struct guest *g, uint64_t va, int size, const char *what)
{
	uint64_t v = 0;

	if (!read_virt(g, va, &v, size))
		die("%s: %s at %#" PRIx64 " is not mapped", g->phase, what, va);
	return v;
}

/** variable() - a long or pointer of the kernel, or a default where it has none */
uint64_t variable(const struct guest *g, const char *name, uint64_t otherwise)
{
	uint64_t addr;

	if (!elf_symbol(g->kernel, name, &addr))
		return otherwise;
	return read_value(g, addr, g->word, name);
}

/** mfn_to_pfn() - the guest's frame number of a machine frame, NO_PFN if Xen has none */
uint64_t mfn_to_pfn(const struct guest *g, uint64_t mfn)
{
	static uint64_t cached_page = UINT64_MAX;
	static const uint64_t *cached;
	uint64_t va = XEN_M2P + mfn * 8, pfn;

	if (!g->xen_pv)
		return mfn;
	if (mfn >= g->nr_mfns)
		return NO_PFN;
	if (va / PAGE != cached_page) {
		cached_page = va / PAGE;
		cached = virt(g, va & ~(PAGE - 1));
	}
	if (!cached)
		return NO_PFN;
	pfn = cached[mfn % (PAGE / 8)];
	/* Invalid and shared frames have the top bits set. */
	return pfn >> 40 ? NO_PFN : pfn;
}
