/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the measuring tools share: error exits and ELF symbol look-up.
 */
#ifndef LAB_H
#define LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define MB		(UINT64_C(1) << 20)
#define GB		(UINT64_C(1) << 30)
#define PAGE		UINT64_C(4096)

/* Exit codes of all tools. */
enum {
	EXIT_OK,
	EXIT_CHECK,	/* A check failed: the thing measured is wrong. */
	EXIT_ENV,	/* Nothing could be measured: environment or usage. */
};

/* Prefix of messages, set by each tool. */
extern const char *tool_name;

void warn_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
void *xrealloc(void *p, size_t size);
FILE *xfopen(const char *path, const char *mode);

struct elf;

struct elf *elf_open(const char *path);
struct elf *elf_open_any(const char *path);
void elf_close(struct elf *elf);
int elf_word(const struct elf *elf);
bool elf_symbol(const struct elf *elf, const char *name, uint64_t *addr);
uint64_t elf_need(const struct elf *elf, const char *name);
bool elf_bytes(const struct elf *elf, uint64_t va, void *buf, size_t len);

#endif
