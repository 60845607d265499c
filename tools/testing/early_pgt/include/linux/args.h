/* SPDX-License-Identifier: GPL-2.0-only */
#undef __CONCAT			/* the C library's */
#include_next <linux/args.h>
