// SPDX-License-Identifier: GPL-2.0-only
/* Run early_pgt_test.c, the kernel's KUnit suite, and print KTAP. */

#include "sim.h"

#include <kunit/test.h>
#include "early_pgt.h"

/* What the pool's tests get: nothing of this machine's is there. */
unsigned long __get_free_pages(gfp_t gfp, unsigned int order)
{
	(void)gfp;
	(void)order;
	return (unsigned long)__va(SZ_32M);
}

void free_pages(unsigned long addr, unsigned int order)
{
	(void)addr;
	(void)order;
}

static unsigned int nr_suites(void)
{
	unsigned int nr = 0;

	while (early_pgt_suites[nr])
		nr++;
	return nr;
}

static bool run_suite(const struct kunit_suite *s, unsigned int number)
{
	unsigned int nr = 0, failed = 0;
	struct kunit_case *t;

	for (t = s->test_cases; t->run_case; t++)
		nr++;
	printf("    KTAP version 1\n    # Subtest: %s\n    1..%u\n", s->name, nr);
	nr = 0;
	for (t = s->test_cases; t->run_case; t++) {
		struct kunit test = {};

		if (s->init && s->init(&test))
			test.failed = true;
		if (!test.failed)
			t->run_case(&test);
		if (s->exit)
			s->exit(&test);
		failed += test.failed;
		printf("    %sok %u %s\n", test.failed ? "not " : "", ++nr, t->name);
	}
	printf("%sok %u %s\n", failed ? "not " : "", number, s->name);
	return failed;
}

int main(void)
{
	struct sim_config c = {
		.levels = IS_ENABLED(CONFIG_X86_64) ? 4 : IS_ENABLED(CONFIG_X86_PAE) ? 3 : 2,
		.bits = PTRS_PER_TOP == 1024 ? 10 : 9,
		.sizes = BIT(PG_LEVEL_4K) | BIT(PG_LEVEL_2M), .kernel = SZ_16M, .kernel_end = SZ_32M,
	};
	struct kunit_suite **s;
	unsigned int failed = 0, brk;
	unsigned long pfn;

	/* A machine with tables, which those under test are added to in mind. */
	sim_init();
	sim_max_steps = 1 << 20;
	sim_begin(&c);
	memblock_add(0, SZ_64M);
	memblock_reserve(0, SZ_64K);
	if (sim_ours() != SIM_OK) {
		printf("Bail out! %s\n", sim_message);
		return 1;
	}

	/* Later, from the rest of the BRK, and then from anywhere. */
	for (brk = 0; ; brk++) {
		pfn = PFN_DOWN(__pa(early_pgt_alloc(1)));
		if (PFN_PHYS(pfn) < c.kernel || PFN_PHYS(pfn) >= c.kernel_end)
			break;
	}
	if (!brk || !memblock_is_reserved(PFN_PHYS(pfn)) || sim_was_reserved(pfn)) {
		printf("Bail out! early_pgt_alloc(): pfn %#lx\n", pfn);
		return 1;
	}

	printf("KTAP version 1\n1..%u\n", nr_suites());
	for (s = early_pgt_suites; *s; s++)
		failed += run_suite(*s, s - early_pgt_suites + 1);
	return failed != 0;
}
