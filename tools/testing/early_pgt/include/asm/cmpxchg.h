/* SPDX-License-Identifier: GPL-2.0-only */
#define cmpxchg(p, old, new)	__sync_val_compare_and_swap(p, old, new)
