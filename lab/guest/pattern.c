// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that can be recognized, and be found again from outside:
 *
 *	pattern fill MIB SALT
 *		Fill so much memory, say "filled PAGES", and keep it. Then, for
 *		each line of the standard input,
 *		check	read it back: "ok", or what is wrong
 *		spoil	change one bit: a test of the test
 *
 *	pattern find SALT PAGES KIB [FILE]
 *		Read every byte of the memory dump (default: /proc/vmcore): all
 *		these pages must be in it, each once, with every word right; and
 *		at least so much memory, 0 for any.
 *
 * Exit status: 0 all right, 1 not.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE_BYTES	4096ULL
#define PAGE_WORDS	(PAGE_BYTES / sizeof(uint64_t))
/* So much of the dump is mapped at a time: its tables are small. */
#define CHUNK_BYTES	(64ULL << 20)

/* Odd, so that there is an inverse: a page tells which one it is. */
#define FACTOR		0x9e3779b97f4a7c15ULL

struct segment {
	uint64_t start, end;
	off_t offset;		/* of the start, in the dump */
};

static uint64_t salt;

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	exit(1);
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || end == text || *end)
		die("%s: not a number", text);
	return value;
}

static uint64_t word(uint64_t page, unsigned int i)
{
	return (salt + page * PAGE_WORDS + i) * FACTOR;
}

static uint64_t inverse(uint64_t odd)
{
	uint64_t x = odd;

	/* Each round doubles the number of right bits, from 3. */
	for (int i = 0; i < 5; i++)
		x *= 2 - odd * x;
	return x;
}

/* Which word is wrong? */
static bool right(const uint64_t *at, uint64_t page, unsigned int *wrong)
{
	for (unsigned int i = 0; i < PAGE_WORDS; i++) {
		if (at[i] != word(page, i)) {
			*wrong = i;
			return false;
		}
	}
	return true;
}

static int fill(uint64_t mib)
{
	uint64_t bytes = mib << 20, pages = bytes / PAGE_BYTES;
	unsigned int wrong;
	char line[16];
	uint64_t *area = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (area == MAP_FAILED)
		die("%" PRIu64 " MiB: %s", mib, strerror(errno));
	for (uint64_t p = 0; p < pages; p++)
		for (unsigned int i = 0; i < PAGE_WORDS; i++)
			area[p * PAGE_WORDS + i] = word(p, i);
	printf("filled %" PRIu64 "\n", pages);

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strcmp(line, "spoil")) {
			area[pages / 2 * PAGE_WORDS + PAGE_WORDS / 2] ^= 1;
			puts("spoiled");
		} else if (!strcmp(line, "check")) {
			uint64_t p = 0;

			while (p < pages && right(area + p * PAGE_WORDS, p, &wrong))
				p++;
			if (p < pages)
				printf("page %" PRIu64 " of %" PRIu64 ": word %u reads %#" PRIx64 ", should be %#" PRIx64 "\n",
				       p, pages, wrong, area[p * PAGE_WORDS + wrong], word(p, wrong));
			else
				puts("ok");
		} else {
			die("%s: unknown", line);
		}
	}
	return 0;
}

static int by_start(const void *a, const void *b)
{
	const struct segment *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* All segments of memory, in order of their addresses. */
static struct segment *segments(int fd, const char *path, unsigned int *count)
{
	struct segment *list;
	Elf64_Phdr phdr;
	Elf64_Ehdr ehdr;

	if (pread(fd, &ehdr, sizeof(ehdr), 0) != sizeof(ehdr))
		die("%s: no ELF header: %s", path, strerror(errno));
	if (memcmp(ehdr.e_ident, ELFMAG, SELFMAG) || ehdr.e_ident[EI_CLASS] != ELFCLASS64 || ehdr.e_type != ET_CORE)
		die("%s: not a 64-bit memory dump", path);
	list = calloc(ehdr.e_phnum + 1, sizeof(*list));
	if (!list)
		die("no memory");
	*count = 0;
	for (unsigned int i = 0; i < ehdr.e_phnum; i++) {
		struct segment *s = list + *count;
		uint64_t before;

		if (pread(fd, &phdr, sizeof(phdr), ehdr.e_phoff + i * sizeof(phdr)) != sizeof(phdr))
			die("%s: program header %u: %s", path, i, strerror(errno));
		if (phdr.p_type != PT_LOAD || !phdr.p_memsz)
			continue;
		if (phdr.p_filesz != phdr.p_memsz)
			die("%s: segment %u: %#" PRIx64 " of %#" PRIx64 " bytes in the dump", path, i,
			    (uint64_t)phdr.p_filesz, (uint64_t)phdr.p_memsz);
		/* Whole pages: the kernel has them, too. */
		before = phdr.p_paddr % PAGE_BYTES;
		s->start = phdr.p_paddr - before;
		s->end = (phdr.p_paddr + phdr.p_memsz + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
		s->offset = phdr.p_offset - before;
		if (s->offset % PAGE_BYTES)
			die("%s: segment %u: at %#" PRIx64 ", not a page of the dump", path, i,
			    (uint64_t)phdr.p_offset);
		++*count;
	}
	qsort(list, *count, sizeof(*list), by_start);
	return list;
}

static int find(uint64_t pages, uint64_t kib, const char *path)
{
	uint64_t back = inverse(FACTOR), found = 0, bytes = 0, distinct = 0, seen = 0, sum = 0;
	uint64_t *place = calloc(pages, sizeof(*place));
	struct segment *list;
	unsigned int count, wrong;
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	if (!place)
		die("no memory");
	list = segments(fd, path, &count);

	for (struct segment *s = list; s < list + count; s++) {
		uint64_t size;

		for (uint64_t at = s->start; at < s->end; at += size) {
			off_t offset = s->offset + (at - s->start);
			uint64_t *area;

			size = s->end - at < CHUNK_BYTES ? s->end - at : CHUNK_BYTES;
			area = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, offset);
			if (area == MAP_FAILED)
				die("%s: %#" PRIx64 ": %s", path, at, strerror(errno));
			for (uint64_t b = 0; b < size; b += PAGE_BYTES) {
				const uint64_t *page = area + b / sizeof(*area);
				uint64_t n = page[0] * back - salt, i = n / PAGE_WORDS;

				for (unsigned int w = 0; w < PAGE_WORDS; w++)
					sum += page[w];
				if (n % PAGE_WORDS || i >= pages)
					continue;
				if (!right(page, i, &wrong))
					die("%#" PRIx64 ": page %" PRIu64 " of the pattern, word %u reads %#" PRIx64 ", should be %#" PRIx64,
					    at + b, i, wrong, page[wrong], word(i, wrong));
				/* Segments may overlap: that of the kernel image. */
				if (place[i] && place[i] != at + b + 1)
					die("page %" PRIu64 " of the pattern is at %#" PRIx64 " and at %#" PRIx64,
					    i, place[i] - 1, at + b);
				found += !place[i];
				place[i] = at + b + 1;
			}
			munmap(area, size);
			bytes += size;
		}
		if (s->end > seen) {
			distinct += s->end - (s->start > seen ? s->start : seen);
			seen = s->end;
		}
	}
	printf("read %u segments, %" PRIu64 " bytes, of %" PRIu64 " KiB of memory, sum %016" PRIx64 "\n",
	       count, bytes, distinct >> 10, sum);
	if (found != pages)
		die("%" PRIu64 " of %" PRIu64 " pages of the pattern are in the dump", found, pages);
	if (distinct >> 10 < kib)
		die("%" PRIu64 " of %" PRIu64 " KiB of memory are in the dump", distinct >> 10, kib);
	printf("found %" PRIu64 " pages\n", found);
	return 0;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 4 && !strcmp(argv[1], "fill")) {
		salt = number(argv[3]);
		return fill(number(argv[2]));
	}
	if ((argc == 5 || argc == 6) && !strcmp(argv[1], "find")) {
		salt = number(argv[2]);
		return find(number(argv[3]), number(argv[4]), argc == 6 ? argv[5] : "/proc/vmcore");
	}
	die("usage: pattern fill MIB SALT | pattern find SALT PAGES KIB [FILE]");
}
