/* SPDX-License-Identifier: GPL-2.0-only */
/* Of newer kernels: nothing that C files in user space need. */
