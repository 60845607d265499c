// SPDX-License-Identifier: GPL-2.0-only
/*
 * The base kernel's own code, for comparison: base_extract.c is cut out of its
 * arch/x86/mm/init.c at build time. Names that both have get a prefix.
 */

#include "sim.h"

#define pfn_mapped			base_pfn_mapped
#define nr_pfn_mapped			base_nr_pfn_mapped
#define pfn_range_is_mapped		base_pfn_range_is_mapped
#define init_memory_mapping		base_init_memory_mapping
#define alloc_low_pages			base_alloc_low_pages
#define early_alloc_pgt_buf		base_early_alloc_pgt_buf
#define max_pfn_mapped			base_max_pfn_mapped
#define max_low_pfn_mapped		base_max_low_pfn_mapped

/* Of a kernel that is configured for as many levels as the machine has. */
#define INIT_PGD_PAGE_TABLES		(IS_ENABLED(CONFIG_X86_64) ? sim_config_levels - 1 : 3)
#define __meminit
#define GFP_ATOMIC			0
#define __get_free_pages(gfp, order)	((void)(order), 0UL)
#define get_order(size)			((void)(size), 0)

int after_bootmem;
static unsigned long max_pfn_mapped, max_low_pfn_mapped;

static unsigned long kernel_physical_mapping_init(unsigned long start,
						  unsigned long end,
						  unsigned long sizes,
						  pgprot_t prot)
{
	(void)prot;
	return sim_map_range(start, end, sizes);
}

#undef __GFP_ZERO
#define __GFP_ZERO			0

#include "base_extract.c"

#ifdef HAVE_BASE
const bool sim_has_base = true;

/* As init_mem_mapping(). */
static void base_map(void)
{
	unsigned int i;

	pgt_buf_start = 0;
	pgt_buf_end = 0;
	pgt_buf_top = 0;
	early_alloc_pgt_buf();
	sim_lock_brk();

	page_size_mask = sim.sizes;
	memset(pfn_mapped, 0, sizeof(pfn_mapped));
	nr_pfn_mapped = 0;
	max_pfn_mapped = 0;
	min_pfn_mapped = 0;
	can_use_brk_pgt = true;

	init_memory_mapping(0, ISA_END_ADDRESS, PAGE_KERNEL);
	if (sim.kaslr)
		for (i = 3; i < sim.levels; i++)
			alloc_low_pages(1);
	if (sim.bottom_up) {
		memory_map_bottom_up(sim.split, sim_end);
		memory_map_bottom_up(ISA_END_ADDRESS, sim.split);
	} else {
		memory_map_top_down(ISA_END_ADDRESS, sim_end);
	}
}

/**
 * sim_base - as sim_ours(), with the base kernel's code
 *
 * It knows nothing of Xen: the tables are the same.
 */
enum sim_outcome sim_base(void)
{
	sim.premap |= sim.xen;
	sim.xen = false;
	return sim_run(base_map, alloc_low_pages);
}
#else
const bool sim_has_base;

enum sim_outcome sim_base(void)
{
	return SIM_PANIC;
}
#endif
