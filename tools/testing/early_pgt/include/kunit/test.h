/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EARLY_PGT_KUNIT_TEST_H
#define EARLY_PGT_KUNIT_TEST_H

/* As much of KUnit as early_pgt_test.c needs. */

#include <early_pgt_shim.h>

struct kunit {
	bool failed;
};

struct kunit_case {
	void (*run_case)(struct kunit *test);
	const char *name;
};

struct kunit_suite {
	const char *name;
	struct kunit_case *test_cases;
};

#define KUNIT_CASE(fn)		{ .run_case = fn, .name = #fn }

#define KUNIT_COMPARE(test, a, op, b)						\
	do {									\
		long long _a = (a), _b = (b);					\
										\
		if (!(_a op _b)) {						\
			printf("# %s:%d: %s %s %s: %#llx, %#llx\n", __func__,	\
			       __LINE__, #a, #op, #b, _a, _b);			\
			(test)->failed = true;					\
		}								\
	} while (0)

#define KUNIT_EXPECT_EQ(test, a, b)	KUNIT_COMPARE(test, a, ==, b)
#define KUNIT_EXPECT_LE(test, a, b)	KUNIT_COMPARE(test, a, <=, b)
#define KUNIT_EXPECT_TRUE(test, a)	KUNIT_COMPARE(test, !!(a), ==, 1)
#define KUNIT_EXPECT_FALSE(test, a)	KUNIT_COMPARE(test, !!(a), ==, 0)

#define kunit_test_init_section_suite(suite)					\
	struct kunit_suite *early_pgt_suite = &(suite)
extern struct kunit_suite *early_pgt_suite;

#define MODULE_DESCRIPTION(x)	struct kunit
#define MODULE_LICENSE(x)	struct kunit

#endif /* EARLY_PGT_KUNIT_TEST_H */
