/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EARLY_PGT_LINUX_SORT_H
#define EARLY_PGT_LINUX_SORT_H

#include <stdlib.h>

#define sort(base, num, size, cmp, swap)	qsort(base, num, size, cmp)

#endif /* EARLY_PGT_LINUX_SORT_H */
