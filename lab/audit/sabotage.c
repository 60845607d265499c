// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults made from outside, to see that the checks find them (poke), and that
 * the kernel says what Xen refused (refuse).
 */
#include <inttypes.h>
#include <string.h>

#include "audit.h"
#include "gdb.h"
#include "lab.h"

/* What sabotage changed, to be undone after the check: the guest goes on. */
static struct {
	void *at;
	uint64_t old;
} poked[4];
static int nr_poked;

/* An entry or a phys_addr_t. */
static void poke_value(const struct guest *g, void *at, uint64_t v)
{
	poked[nr_poked].at = at;
	poked[nr_poked++].old = load(at, g->mode->entry_size);
	memcpy(at, &v, g->mode->entry_size);
}

/** undo_poke() - put back what was changed */
void undo_poke(const struct guest *g)
{
	while (nr_poked) {
		nr_poked--;
		memcpy(poked[nr_poked].at, &poked[nr_poked].old, g->mode->entry_size);
	}
}

/* End the reserved region of a table before it, or start it after it. */
static bool poke_memblock(struct guest *g, const struct table *t)
{
	uint64_t type = memblock_type(g, true), pa = t->pfn * PAGE;
	void *total = virt(g, type + 2 * g->word);
	unsigned int i;

	for (i = 0; i < g->reserved.nr; i++) {
		struct range *r = &g->reserved.range[i];
		uint64_t at = memblock_region(g, type, i), sum;
		void *base = virt(g, at), *size = virt(g, at + g->mode->entry_size);

		if (!in_range(r, pa) || !base || !size || !total)
			continue;
		sum = load(total, g->mode->entry_size);
		if (r->start == pa) {
			poke_value(g, base, pa + PAGE);
			poke_value(g, size, r->end - r->start - PAGE);
			poke_value(g, total, sum - PAGE);
			r->start += PAGE;
			return true;
		}
		poke_value(g, total, sum - (r->end - pa));
		poke_value(g, size, pa - r->start);
		r->end = pa;
		return true;
	}
	return false;
}

static void poke_entry(const struct guest *g, uint64_t va, const struct found *f, uint64_t e)
{
	poke_value(g, f->at, e);
	warn_line("%s: sabotage: entry for %#" PRIx64 " is %#" PRIx64, g->phase, va, e);
}

/**
 * poke() - change guest memory from outside; everything else then works as always
 * @a:		with tables collected
 * @how:	writable, pte, pfn or unreserved, as in the usage
 */
void poke(const struct audit *a, const char *how)
{
	struct guest *g = a->g;
	uint64_t limit = g->direct_end - g->direct_base, va, flip;
	struct range free_ram = largest_crash(g, limit < 4 * GB ? limit : 4 * GB);
	struct found f;
	size_t i;

	if (!strcmp(how, "writable") && !g->xen_pv)
		die("--poke writable: tables of a native guest are writable anyway");
	if (!strcmp(how, "pte") || !strcmp(how, "pfn")) {
		/* The mapping of a page that nobody uses. */
		va = g->direct_base +
		     (free_ram.start + (free_ram.end - free_ram.start) / 2) / PAGE * PAGE;
		f = find_entry(g, g->top_mfn, va);
		if (!free_ram.end || !(f.e & PTE_PRESENT))
			die("%s: --poke %s: %#" PRIx64 " is not mapped", g->phase, how, va);
		flip = g->mode->entry_size == 8 ? PTE_NX : PTE_RW;
		if (!strcmp(how, "pfn"))
			flip = level_size(g, f.level);
		poke_entry(g, va, &f, f.e ^ flip);
		return;
	}
	for (i = 0; i < a->nr_tables; i++) {
		const struct table *t = &a->tables[i];

		if (t->region != R_DIRECT_MAP || t->pfn == NO_PFN)
			continue;
		if (!strcmp(how, "unreserved")) {
			if (in_range(&g->image, t->pfn * PAGE) || !poke_memblock(g, t))
				continue;
			warn_line("%s: sabotage: pfn %#" PRIx64 ", perhaps with others, is not reserved",
				  g->phase, t->pfn);
			return;
		}
		va = g->direct_base + t->pfn * PAGE;
		f = find_entry(g, g->top_mfn, va);
		if (!(f.e & PTE_PRESENT) || (f.e & PTE_RW))
			continue;
		poke_entry(g, va, &f, f.e | PTE_RW);
		return;
	}
	die("%s: --poke %s: no table of the direct map to do it to (all in the kernel image?)",
	    g->phase, how);
}

/**
 * spoil_request() - have Xen refuse a request of early_pgt_pv.c
 * @g:		guest
 * @kind:	of the request: entry, link or m2p
 * @deadline:	for the kernel to make one
 *
 * Stop where the kernel hands a batch of requests to Xen, and have one of them
 * name a machine frame that doesn't exist. A request is two words; links have the
 * flags of a table, and those of the m2p table have the lowest bit of the first word.
 */
void spoil_request(struct guest *g, const char *kind, double deadline)
{
	uint64_t va = elf_need(g->kernel, "batch_issue");

	g->phase = "refuse";
	for (;;) {
		uint64_t nr, reqs;

		gdb_breakpoint(va, true);
		if (gdb_continue(deadline, "batch_issue") != GDB_STOPPED)
			die("--refuse %s: no such request was made", kind);
		gdb_breakpoint(va, false);
		locate(g);
		reqs = gdb_register("rdi");
		nr = (uint32_t)gdb_register("rsi");
		while (nr--) {
			uint64_t *ptr = virt(g, reqs + 16 * nr), *val = virt(g, reqs + 16 * nr + 8);
			bool m2p;

			if (!ptr || !val)
				die("%s: the requests are not mapped", g->phase);
			m2p = *ptr & 1;
			/* An entry that is cleared can't be spoilt. */
			if (strcmp(kind, m2p ? "m2p" : (*val & PTE_TABLE) == PTE_TABLE ? "link" : "entry") ||
			    (!m2p && !(*val & PTE_PRESENT)))
				continue;
			*(m2p ? ptr : val) |= PTE_ADDR;
			warn_line("%s: sabotage: request %" PRIu64 " is %#" PRIx64 " = %#" PRIx64,
				  g->phase, nr + 1, *ptr, *val);
			return;
		}
		gdb_step(deadline);
	}
}
