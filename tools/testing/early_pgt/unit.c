// SPDX-License-Identifier: GPL-2.0-only
/* Run early_pgt_test.c, the kernel's KUnit suite, and print KTAP. */

#include "sim.h"

#include <kunit/test.h>
#include "early_pgt.h"

int main(void)
{
	struct sim_config c = {
		.levels = IS_ENABLED(CONFIG_X86_32) ? 3 : 4, .bits = 9,
		.sizes = BIT(PG_LEVEL_4K), .kernel = SZ_16M, .kernel_end = SZ_32M,
	};
	struct kunit_case *t;
	unsigned int nr = 0, failed = 0;
	unsigned long pfn;

	/* A machine with tables, which those under test are added to in mind. */
	sim_init();
	sim_begin(&c);
	memblock_add(0, SZ_64M);
	memblock_reserve(0, SZ_64K);
	if (sim_ours() != SIM_OK) {
		printf("Bail out! %s\n", sim_message);
		return 1;
	}

	/* Later, tables come from anywhere, and one by one. */
	pfn = PFN_DOWN(__pa(early_pgt_alloc(1)));
	if (!memblock_is_reserved(PFN_PHYS(pfn)) || sim_was_reserved(pfn)) {
		printf("Bail out! early_pgt_alloc(): pfn %#lx\n", pfn);
		return 1;
	}

	for (t = early_pgt_suite->test_cases; t->run_case; t++)
		nr++;
	printf("KTAP version 1\n1..1\n    KTAP version 1\n    # Subtest: %s\n    1..%u\n",
	       early_pgt_suite->name, nr);
	nr = 0;
	for (t = early_pgt_suite->test_cases; t->run_case; t++) {
		struct kunit test = {};

		t->run_case(&test);
		failed += test.failed;
		printf("    %sok %u %s\n", test.failed ? "not " : "", ++nr, t->name);
	}
	printf("%sok 1 %s\n", failed ? "not " : "", early_pgt_suite->name);
	return failed != 0;
}
