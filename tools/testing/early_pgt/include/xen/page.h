/* SPDX-License-Identifier: GPL-2.0-only */
#include <early_pgt_shim.h>
