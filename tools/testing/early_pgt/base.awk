# SPDX-License-Identifier: GPL-2.0-only
#
# Cut what allocates early tables, and maps RAM, out of arch/x86/mm/init.c of a
# kernel without chunks: from a line that matches to the one before the next.

/^static unsigned long __initdata pgt_buf_start;/	{ on = 1 }
/^int after_bootmem;/					{ on = 0 }
/^struct map_range/					{ on = 1 }
/^ \* Save some of cr4/					{ on = 0 }
/^#define NR_RANGE_MR 3/				{ print "#ifdef CONFIG_X86_32"; on = 1 }
/^ \* The real mode trampoline/				{ on = 0 }

# A matter of configuration, see base.c.
/^#define INIT_PGD_PAGE_TABLES/				{ next }

on { line[n++] = $0 }
/^void  *__init early_alloc_pgt_buf/			{ print "#define HAVE_BASE" }

# Drop what is no complete function at the end: the start of a comment.
!on && n {
	while (n && line[n - 1] !~ /^[}#]|;$/)
		n--
	for (i = 0; i < n; i++)
		print line[i]
	n = 0
}
