/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EARLY_PGT_LINUX_PANIC_H
#define EARLY_PGT_LINUX_PANIC_H

void panic(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif /* EARLY_PGT_LINUX_PANIC_H */
