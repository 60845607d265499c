/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EARLY_PGT_KUNIT_TEST_H
#define EARLY_PGT_KUNIT_TEST_H

/* As much of KUnit as early_pgt_test.c needs. */

#include <early_pgt_shim.h>

unsigned long __get_free_pages(gfp_t gfp, unsigned int order);
void free_pages(unsigned long addr, unsigned int order);

struct kunit {
	bool failed;
};

struct kunit_case {
	void (*run_case)(struct kunit *test);
	const char *name;
};

struct kunit_suite {
	const char *name;
	int (*init)(struct kunit *test);
	void (*exit)(struct kunit *test);
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

#define kunit_test_init_section_suites(...)					\
	struct kunit_suite *early_pgt_suites[] = { __VA_ARGS__, NULL }
extern struct kunit_suite *early_pgt_suites[];

/* Nothing is to be skipped in user space. */
#define kunit_skip(test, text)							\
	do {									\
		printf("# skipped: %s\n", text);				\
		(test)->failed = true;						\
	} while (0)

#define MODULE_DESCRIPTION(x)	struct kunit
#define MODULE_LICENSE(x)	struct kunit

#endif /* EARLY_PGT_KUNIT_TEST_H */
