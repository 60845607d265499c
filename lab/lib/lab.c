// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the measuring tools share: error exits and ELF symbol look-up.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lab.h"

static void message(const char *fmt, va_list ap)
{
	fflush(stdout);
	fprintf(stderr, "%s: ", tool_name);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

/** warn_line() - print one line on stderr */
void warn_line(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(fmt, ap);
	va_end(ap);
}

/** die() - print one line on stderr and exit: nothing could be measured */
void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(fmt, ap);
	va_end(ap);
	exit(EXIT_ENV);
}

/** xrealloc() - realloc() that doesn't fail */
void *xrealloc(void *p, size_t size)
{
	p = realloc(p, size);
	if (!p)
		die("out of memory (%zu bytes)", size);
	return p;
}

struct elf {
	const char *path;
	const uint8_t *data;
	size_t size;
	const Elf64_Sym *sym;
	size_t nr_sym;
	const char *str;
	size_t str_size;
};

static bool inside(const struct elf *elf, uint64_t off, uint64_t len)
{
	return off <= elf->size && len <= elf->size - off;
}

/**
 * elf_open() - map a 64-bit ELF file that has a symbol table
 * @path:	file
 *
 * Return: a handle; exits with a message where the file is none of that.
 */
struct elf *elf_open(const char *path)
{
	struct elf *elf = xrealloc(NULL, sizeof(*elf));
	const Elf64_Ehdr *eh;
	const Elf64_Shdr *sh;
	struct stat st;
	int fd, i;

	memset(elf, 0, sizeof(*elf));
	elf->path = path;
	fd = open(path, O_RDONLY);
	if (fd < 0 || fstat(fd, &st))
		die("%s: %s", path, strerror(errno));
	elf->size = st.st_size;
	if (elf->size < sizeof(*eh))
		die("%s: no ELF file (%zu bytes)", path, elf->size);
	elf->data = mmap(NULL, elf->size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (elf->data == MAP_FAILED)
		die("%s: mmap: %s", path, strerror(errno));
	close(fd);

	eh = (const void *)elf->data;
	if (memcmp(eh->e_ident, ELFMAG, SELFMAG) || eh->e_ident[EI_CLASS] != ELFCLASS64 ||
	    eh->e_machine != EM_X86_64)
		die("%s: no x86-64 ELF file", path);
	if (eh->e_shentsize != sizeof(*sh) || (eh->e_shoff & 7) ||
	    !inside(elf, eh->e_shoff, (uint64_t)eh->e_shnum * sizeof(*sh)))
		die("%s: section headers missing or out of the file", path);

	sh = (const void *)(elf->data + eh->e_shoff);
	for (i = 0; i < eh->e_shnum; i++) {
		if (sh[i].sh_type != SHT_SYMTAB || sh[i].sh_link >= eh->e_shnum)
			continue;
		if (!inside(elf, sh[i].sh_offset, sh[i].sh_size) ||
		    !inside(elf, sh[sh[i].sh_link].sh_offset, sh[sh[i].sh_link].sh_size))
			die("%s: symbol table out of the file", path);
		elf->sym = (const void *)(elf->data + sh[i].sh_offset);
		elf->nr_sym = sh[i].sh_size / sizeof(*elf->sym);
		elf->str = (const char *)elf->data + sh[sh[i].sh_link].sh_offset;
		elf->str_size = sh[sh[i].sh_link].sh_size;
	}
	if (!elf->sym || !elf->str_size || elf->str[elf->str_size - 1])
		die("%s: no symbol table: give the unstripped file", path);
	return elf;
}

/** elf_close() - give back what elf_open() took */
void elf_close(struct elf *elf)
{
	munmap((void *)elf->data, elf->size);
	free(elf);
}

/**
 * elf_symbol() - look up the address of a symbol
 * @elf:	file
 * @name:	symbol
 * @addr:	filled in
 *
 * A local symbol may exist several times: ambiguous ones are fatal, as a
 * counter at the wrong one would be worse than none.
 *
 * Return: false where there is no such symbol.
 */
bool elf_symbol(const struct elf *elf, const char *name, uint64_t *addr)
{
	bool found = false;
	size_t i;

	for (i = 0; i < elf->nr_sym; i++) {
		const Elf64_Sym *s = &elf->sym[i];

		if (s->st_shndx == SHN_UNDEF || ELF64_ST_TYPE(s->st_info) == STT_FILE ||
		    s->st_name >= elf->str_size || strcmp(elf->str + s->st_name, name))
			continue;
		if (ELF64_ST_BIND(s->st_info) == STB_GLOBAL) {
			*addr = s->st_value;
			return true;
		}
		if (found && *addr != s->st_value)
			die("%s: symbol %s exists more than once", elf->path, name);
		found = true;
		*addr = s->st_value;
	}
	return found;
}

/** elf_need() - like elf_symbol(), but exits where there is no such symbol */
uint64_t elf_need(const struct elf *elf, const char *name)
{
	uint64_t addr;

	if (!elf_symbol(elf, name, &addr))
		die("%s: no symbol %s (inlined, or another version?)", elf->path, name);
	return addr;
}

/** elf_bytes() - read what the file puts at a virtual address */
bool elf_bytes(const struct elf *elf, uint64_t va, void *buf, size_t len)
{
	const Elf64_Ehdr *eh = (const void *)elf->data;
	const Elf64_Shdr *sh = (const void *)(elf->data + eh->e_shoff);
	int i;

	for (i = 0; i < eh->e_shnum; i++) {
		if (sh[i].sh_type != SHT_PROGBITS || !(sh[i].sh_flags & SHF_ALLOC) ||
		    va < sh[i].sh_addr || va - sh[i].sh_addr >= sh[i].sh_size ||
		    len > sh[i].sh_size - (va - sh[i].sh_addr) ||
		    !inside(elf, sh[i].sh_offset, sh[i].sh_size))
			continue;
		memcpy(buf, elf->data + sh[i].sh_offset + (va - sh[i].sh_addr), len);
		return true;
	}
	return false;
}
