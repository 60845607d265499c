// SPDX-License-Identifier: GPL-2.0-only
/* Which page sizes does the direct map use? */

#include <linux/kernel.h>
#include <linux/memblock.h>
#include <linux/pfn.h>
#include <linux/pgtable.h>

#include <asm/page.h>

#include "mm_internal.h"

/**
 * early_pgt_leaf_run - the page size of the next piece of a range
 * @start: first byte of the range, page aligned
 * @end:   past its last byte, page aligned
 * @sizes: page sizes allowed, bits of 1 << PG_LEVEL_*
 * @boot:  memblock describes RAM, so that pages may exceed the range
 * @mask:  returns the page sizes to use, the largest of them throughout
 *
 * A large page is used where it fits into the range. In early boot it is also
 * used where the range covers just a part of it, if the rest of it is RAM as
 * well: the map would get it anyway, and the order of mapping leaves no trace.
 *
 * Return: the end of the piece, an address in (@start, @end].
 */
unsigned long __ref early_pgt_leaf_run(unsigned long start, unsigned long end,
				       unsigned long sizes, bool boot,
				       unsigned long *mask)
{
	/* gbpages may be set on i386, but PAE has no such entries. */
	unsigned int level = IS_ENABLED(CONFIG_X86_64) ? PG_LEVEL_1G : PG_LEVEL_2M;

	for (; level > PG_LEVEL_4K; level--) {
		unsigned long size, base;
		bool fits, ram;

		if (!(sizes & BIT(level)))
			continue;

		size = page_level_size(level);
		base = round_down(start, size);
		fits = start == base && size <= end - start;
		ram = boot && memblock_is_region_memory(base, size);

		if (IS_ENABLED(CONFIG_X86_32)) {
			/* Fixed MTRRs: no large page by choice at 0. */
			fits = fits && base;
			ram = ram && PFN_DOWN(base + size) <= max_low_pfn;
		}

		if (fits || ram) {
			*mask = sizes & (BIT(level + 1) - 1);
			return fits ? round_down(end, size) :
				      min(end, base + size);
		}

		/* A page of this size may start at the next boundary. */
		if (end - base > size)
			end = base + size;
	}

	*mask = 0;
	return end;
}
