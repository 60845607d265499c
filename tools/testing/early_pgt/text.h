/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EARLY_PGT_TEXT_H
#define EARLY_PGT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#define TEXT_MAX	(64UL << 20)	/* bytes of a file */
#define TEXT_LINE_MAX	(64UL << 10)	/* longer lines are cut into pieces */

/**
 * struct text - a text, as it was pasted
 * @data: all of it, one byte a character, or UTF-8
 * @size: its length
 * @pos:  where the next line begins
 * @next: number of the next line, from 1 on
 * @line: number of the line that was read last
 * @s:    that line: see text_line()
 */
struct text {
	unsigned char *data;
	size_t size;
	size_t pos;
	int next;
	int line;
	char *s;
};

/* The kernel has a ctype.h of its own. */
static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool is_letter(char c)
{
	return (c | 32) >= 'a' && (c | 32) <= 'z';
}

static inline bool is_alnum(char c)
{
	return is_digit(c) || is_letter(c);
}

static inline bool is_hex(char c)
{
	return is_digit(c) || (is_letter(c) && (c | 32) <= 'f');
}

const char *text_open(struct text *t, const char *file);
bool text_line(struct text *t);
void text_close(struct text *t);

const char *text_blanks(const char *p);
bool text_hex(const char **at, u64 *val);
unsigned int text_numbers(const char *p);
bool text_skip(const char **at, const char *text);
bool text_is_word(const char *p, const char *word);

#endif /* EARLY_PGT_TEXT_H */
