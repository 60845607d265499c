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

static bool is_packed(const struct text *t)
{
	static const char * const magic[] = {
		"\037\213", "\3757z", "\050\265\057", "BZh", "PK\003\004", "7z\274\257",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(magic); i++)
		if (t->size > 4 && !memcmp(t->data, magic[i], strlen(magic[i])))
			return true;
	return false;
}

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
	else if (is_packed(t))
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

/* What a character looks like: one of ASCII, or nothing (0), or something else. */
static char plain(unsigned long u)
{
	if (u < 0x80)
		return u >= ' ' || u == '\n' ? u : ' ';
	if (u == 0xa0 || (u >= 0x2000 && u <= 0x200a) || u == 0x202f || u == 0x205f || u == 0x3000)
		return ' ';
	if (u == 0xad || (u >= 0x200b && u <= 0x200f) || (u >= 0x202a && u <= 0x202e) ||
	    u == 0x2060 || u == 0xfeff)
		return 0;
	return (u >= 0x2010 && u <= 0x2015) || u == 0x2212 ? '-' : '?';
}

/* HTML: "&#45;", "&ndash;", "<br>", "<span class=...>". */
static size_t html(const char *p, const char *end, char *c)
{
	static const struct {
		const char *text;
		char c;
	} all[] = {
		{ "&nbsp;", ' ' }, { "&gt;", '>' }, { "&lt;", '<' }, { "&amp;", '&' },
		{ "&quot;", '"' }, { "&ndash;", '-' }, { "&mdash;", '-' }, { "&minus;", '-' },
		{ "&hyphen;", '-' }, { "&lbrack;", '[' }, { "&lsqb;", '[' },
		{ "&rbrack;", ']' }, { "&rsqb;", ']' }, { "&colon;", ':' },
		{ "<br", '\n' }, { "<p", '\n' }, { "</p", '\n' }, { "<div", '\n' },
		{ "</div", '\n' }, { "<li", '\n' }, { "<tr", '\n' }, { "</tr", '\n' },
		{ "<td", ' ' }, { "</td", ' ' },
	};
	char text[12], *stop;
	unsigned long u;
	size_t n, i;

	snprintf(text, sizeof(text), "%.*s", (int)min(end - p, (long)sizeof(text) - 1), p);
	if (text[0] == '&' && text[1] == '#') {
		bool hex = (text[2] | 32) == 'x';

		u = strtoul(text + 2 + hex, &stop, hex ? 16 : 10);
		*c = plain(u);
		return *stop == ';' && is_alnum(text[2 + hex]) ? stop + 1 - text : 0;
	}
	for (n = 1; *p == '<' && p + n < end && n < 200 && !strchr("<>\n", p[n]); n++)
		;
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		size_t len = strlen(all[i].text);

		if (strncasecmp(text, all[i].text, len) || (*p == '<' && is_alnum(text[len])))
			continue;
		*c = all[i].c;
		if (*p == '&')
			return len;
		break;
	}
	if (*p != '<' || p + n >= end || p[n] != '>' || (text[1] != '/' && !is_letter(text[1])))
		return 0;
	if (i == ARRAY_SIZE(all))
		*c = 0;
	return n + 1;
}

/* What stands for one character of ASCII, or for none (@c is 0), or ends a line. */
static size_t special(const char *p, const char *end, char *c)
{
	static const struct {
		const char *text;
		char c;
	} all[] = {
		/* Of JSON, of mail, and UTF-8 that was taken for Latin-1. */
		{ "\\n", '\n' }, { "\\r\\n", '\n' }, { "\\t", ' ' },
		{ "=C2=A0", ' ' }, { "\xc3\x82\xc2\xa0", ' ' },
	};
	const unsigned char *u = (const unsigned char *)p;
	unsigned int i;
	size_t n;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		n = strlen(all[i].text);
		if ((size_t)(end - p) >= n && !memcmp(p, all[i].text, n)) {
			*c = all[i].c;
			return n;
		}
	}
	if (*p == '&' || *p == '<')
		return html(p, end, c);
	if (end - p > 1 && (u[0] & 0xe0) == 0xc0 && (u[1] & 0xc0) == 0x80) {
		*c = plain((u[0] & 0x1f) << 6 | (u[1] & 0x3f));
		return 2;
	}
	if (end - p > 2 && (u[0] & 0xf0) == 0xe0 && (u[1] & 0xc0) == 0x80 && (u[2] & 0xc0) == 0x80) {
		*c = plain((u[0] & 0xf) << 12 | (u[1] & 0x3f) << 6 | (u[2] & 0x3f));
		return 3;
	}
	return 0;
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
	const char *p = start, *blank = NULL;
	size_t n = 0, skip, n_blank = 0;
	char c = 0;

	if (p >= end)
		return false;
	t->line = t->next;
	while (p < end && n < TEXT_LINE_MAX) {
		unsigned char u = *p;

		/* Most characters. */
		if (is_alnum(u) || u == ' ') {
			if (u == ' ') {
				blank = p;
				n_blank = n;
			}
			t->s[n++] = u;
			p++;
			continue;
		}
		skip = strchr("\033^#\\[", u) ? colour(p, end) : 0;
		if (skip) {
			p += skip;
			continue;
		}
		skip = u >= 0x80 || strchr("<&=\\", u) ? special(p, end, &c) : 0;
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
	/* A word of a piece is whole. */
	if (n == TEXT_LINE_MAX && n_blank) {
		p = blank;
		n = n_blank;
	}
	t->pos = (char *)p - (char *)t->data;
	t->s[n] = '\0';
	return true;
}

/**
 * text_blanks - skip blanks
 * @p: where
 *
 * Return: what is behind them.
 */
const char *text_blanks(const char *p)
{
	while (*p == ' ')
		p++;
	return p;
}

/**
 * text_hex - read a hexadecimal number of up to 64 bits, with or without 0x
 * @at:  where; returns what is behind it
 * @val: returns the number
 *
 * Return: false if there is none, and @at is as it was.
 */
bool text_hex(const char **at, u64 *val)
{
	const char *p = text_blanks(*at);
	unsigned int n;

	if (p[0] == '0' && (p[1] | 32) == 'x')
		p += 2;
	while (p[0] == '0' && p[1] == '0')
		p++;
	*val = 0;
	for (n = 0; is_hex(p[n]); n++)
		*val = *val << 4 | (is_digit(p[n]) ? p[n] - '0' : (p[n] | 32) - 'a' + 10);
	if (!n || n > 16 || is_alnum(p[n]))
		return false;
	*at = p + n;
	return true;
}

/**
 * text_numbers - how many numbers are there, nearby, that may be addresses?
 * @p: where
 *
 * Return: how many, in the next 80 characters.
 */
unsigned int text_numbers(const char *p)
{
	unsigned int nr = 0, n;
	const char *s = p;

	for (; *p && p < s + 80; p += n ?: 1) {
		for (n = 0; is_hex(p[n]) || (n == 1 && (p[1] | 32) == 'x'); n++)
			;
		nr += n >= 8;
	}
	return nr;
}

/**
 * text_skip - skip blanks, and a text behind them
 * @at:   where; returns what is behind it
 * @text: the text
 *
 * Return: false if it is not there, and @at is as it was.
 */
bool text_skip(const char **at, const char *text)
{
	const char *p = text_blanks(*at);
	size_t n = strlen(text);

	if (strncmp(p, text, n))
		return false;
	*at = p + n;
	return true;
}

/**
 * text_is_word - is this a word, in upper case or lower case?
 * @p:    where
 * @word: the word, or some
 *
 * Return: true if it is there, and ends there.
 */
bool text_is_word(const char *p, const char *word)
{
	size_t n = strlen(word);

	return !strncasecmp(p, word, n) && !is_alnum(p[n]);
}
