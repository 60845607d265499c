// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lines of a text that went through terminals, mails, browsers and editors.
 */

#include "text.h"

#include <linux/kernel.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/**
 * text_open - read a file
 * @t:    returns the text
 * @file: its name, "-" for standard input
 *
 * Return: what is wrong with it, or NULL.
 */
const char *text_open(struct text *t, const char *file)
{
	FILE *f = strcmp(file, "-") ? fopen(file, "r") : stdin;
	const char *why = NULL;
	size_t room = 1 << 16;

	memset(t, 0, sizeof(*t));
	if (!f)
		return strerror(errno);
	t->next = 1;
	t->s = malloc(TEXT_LINE_MAX + 1);
	t->data = malloc(room);
	while (t->s && t->data) {
		t->size += fread(t->data + t->size, 1, room - 1 - t->size, f);
		if (t->size < room - 1 || room >= TEXT_MAX)
			break;
		room *= 2;
		t->data = realloc(t->data, room);
	}
	if (!t->s || !t->data)
		why = strerror(ENOMEM);
	else if (ferror(f))
		why = strerror(errno);
	else if (t->size >= TEXT_MAX - 1)
		why = "more than 64 MB: give the lines of one boot";
	else if (t->size > 2 && (!memcmp(t->data, "\x1f\x8b", 2) || !memcmp(t->data, "\xfd\x37\x7a", 3) ||
				 !memcmp(t->data, "\x28\xb5\x2f", 3)))
		why = "the file is compressed: unpack it first";
	if (f != stdin)
		fclose(f);
	if (!why)
		t->data[t->size] = 0;
	return why;
}

void text_close(struct text *t)
{
	free(t->data);
	free(t->s);
	memset(t, 0, sizeof(*t));
}

/* Colours: ESC [ 33 m, also where the ESC was lost, or made visible. */
static size_t colour(const char *p, const char *end)
{
	static const char * const intro[] = { "\033[", "^[[", "#033[", "\\e[", "[" };
	const char *q;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(intro); i++) {
		size_t n = strlen(intro[i]);

		if ((size_t)(end - p) <= n || memcmp(p, intro[i], n))
			continue;
		for (q = p + n; q < end && q < p + 24 && (is_digit(*q) || *q == ';'); q++)
			;
		if (q < end && (*q == 'm' || (*p == '\033' && is_letter(*q))) &&
		    (q > p + n || *p != '['))
			return q + 1 - p;
	}
	return 0;
}

/* What stands for one character of ASCII, or for none (@c is 0), or ends a line. */
static size_t special(const char *p, const char *end, char *c)
{
	static const struct {
		const char *text;
		char c;
	} all[] = {
		{ "<br>", '\n' }, { "<br/>", '\n' }, { "<br />", '\n' },
		{ "<BR>", '\n' },
		{ "&nbsp;", ' ' }, { "&#160;", ' ' }, { "&gt;", '>' }, { "&lt;", '<' },
		{ "&amp;", '&' }, { "=C2=A0", ' ' },
		{ "\xc2\xa0", ' ' }, { "\xe2\x80\xaf", ' ' }, { "\xe2\x81\x9f", ' ' },
		{ "\xe3\x80\x80", ' ' },
		{ "\xc3\x82\xc2\xa0", ' ' },
		{ "\xc2\xad", 0 }, { "\xef\xbb\xbf", 0 }, { "\xe2\x81\xa0", 0 },
		{ "\xe2\x88\x92", '-' },
	};
	unsigned int i;
	unsigned char u;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		size_t n = strlen(all[i].text);

		if ((size_t)(end - p) >= n && !memcmp(p, all[i].text, n)) {
			*c = all[i].c;
			return n;
		}
	}
	if (end - p < 3 || memcmp(p, "\xe2\x80", 2))
		return 0;
	/* Spaces, marks of no width, dashes. */
	u = p[2];
	*c = u <= 0x8a ? ' ' : u <= 0x8f || (u >= 0xaa && u <= 0xae) ? 0 : u <= 0x95 ? '-' : '?';
	return 3;
}

/**
 * text_line - read a line
 * @t: the text; returns the line in @t->s
 *
 * It is in ASCII, with blanks for what looks like one, without colours and other
 * control characters. What is no ASCII becomes a question mark.
 *
 * Return: false at the end.
 */
bool text_line(struct text *t)
{
	const char *start = (char *)t->data + t->pos, *end = (char *)t->data + t->size;
	const char *p = start;
	size_t n = 0, skip;
	char c = 0;

	if (p >= end)
		return false;
	t->line = t->next;
	while (p < end && n < TEXT_LINE_MAX) {
		unsigned char u = *p;

		/* Most characters. */
		if (is_alnum(u) || u == ' ') {
			t->s[n++] = u;
			p++;
			continue;
		}
		skip = strchr("\033^#\\[", u) ? colour(p, end) : 0;
		if (skip) {
			p += skip;
			continue;
		}
		skip = u >= 0x80 || strchr("<&=", u) ? special(p, end, &c) : 0;
		if (skip) {
			p += skip;
			if (c == '\n')
				break;
			if (c)
				t->s[n++] = c;
			continue;
		}
		p++;
		/* A mail's lines that were too long. */
		if (u == '=' && n > 60 && p < end && (*p == '\n' || !strncmp(p, "\r\n", 2))) {
			p += *p == '\r' ? 2 : 1;
			t->next++;
			continue;
		}
		if (u == '\n') {
			t->next++;
			break;
		}
		if (u == '\r' && p < end && *p != '\n' && *p != '\r')
			break;
		/* Zeroes, and the bytes around them, are UTF-16 of ASCII. */
		if (u == '\t' || u == 0xa0)
			t->s[n++] = ' ';
		else if (u >= 0x80 && u < 0xfe)
			t->s[n++] = '?';
		else if (u > ' ' && u < 0x7f)
			t->s[n++] = u;
	}
	t->pos = (char *)p - (char *)t->data;
	t->s[n] = '\0';
	return true;
}
