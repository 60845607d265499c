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

/** xfopen() - fopen() that doesn't fail */
FILE *xfopen(const char *path, const char *mode)
{
	FILE *f = fopen(path, mode);

	if (!f)
		die("%s: %s", path, strerror(errno));
	return f;
}

struct elf {
	const char *path;
	const uint8_t *data;
	size_t size;
	bool wide;		/* x86-64 */
	const Elf64_Shdr *sh;
	unsigned int nr_sh;
	const Elf64_Sym *sym;
	size_t nr_sym;
	const char *str;
	size_t str_size;
};

static bool inside(const struct elf *elf, uint64_t off, uint64_t len)
{
	return off <= elf->size && len <= elf->size - off;
}

/* Headers of i386 become those of x86-64: the rest knows these only. */
static const Elf64_Shdr *widen_sections(const Elf32_Shdr *from, size_t nr)
{
	Elf64_Shdr *to = xrealloc(NULL, nr * sizeof(*to) + 1);
	size_t i;

	for (i = 0; i < nr; i++)
		to[i] = (Elf64_Shdr) {
			.sh_type = from[i].sh_type, .sh_flags = from[i].sh_flags,
			.sh_addr = from[i].sh_addr, .sh_offset = from[i].sh_offset,
			.sh_size = from[i].sh_size, .sh_link = from[i].sh_link,
		};
	return to;
}

static const Elf64_Sym *widen_symbols(const Elf32_Sym *from, size_t nr)
{
	Elf64_Sym *to = xrealloc(NULL, nr * sizeof(*to) + 1);
	size_t i;

	for (i = 0; i < nr; i++)
		to[i] = (Elf64_Sym) {
			.st_name = from[i].st_name, .st_info = from[i].st_info,
			.st_shndx = from[i].st_shndx, .st_value = from[i].st_value,
		};
	return to;
}

/**
 * elf_open_any() - map an ELF file of x86-64 or i386 that has a symbol table
 * @path:	file
 *
 * Return: a handle; exits with a message where the file is none of that.
 */
struct elf *elf_open_any(const char *path)
{
	struct elf *elf = xrealloc(NULL, sizeof(*elf));
	size_t shoff, shentsize, wanted;
	const Elf32_Ehdr *narrow;
	const Elf64_Ehdr *eh;
	const Elf64_Shdr *sh;
	struct stat st;
	unsigned int i;
	int fd;

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
	narrow = (const void *)elf->data;
	elf->wide = eh->e_ident[EI_CLASS] == ELFCLASS64;
	if (memcmp(eh->e_ident, ELFMAG, SELFMAG) ||
	    (elf->wide ? eh->e_machine != EM_X86_64 :
	     eh->e_ident[EI_CLASS] != ELFCLASS32 || narrow->e_machine != EM_386))
		die("%s: no ELF file of x86-64 or i386", path);
	shoff = elf->wide ? eh->e_shoff : narrow->e_shoff;
	shentsize = elf->wide ? eh->e_shentsize : narrow->e_shentsize;
	elf->nr_sh = elf->wide ? eh->e_shnum : narrow->e_shnum;
	wanted = elf->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
	if (shentsize != wanted || (shoff & (elf->wide ? 7 : 3)) ||
	    !inside(elf, shoff, elf->nr_sh * wanted))
		die("%s: section headers missing or out of the file", path);

	sh = (const void *)(elf->data + shoff);
	if (!elf->wide)
		sh = widen_sections((const void *)(elf->data + shoff), elf->nr_sh);
	elf->sh = sh;
	for (i = 0; i < elf->nr_sh; i++) {
		const void *sym;

		if (sh[i].sh_type != SHT_SYMTAB || sh[i].sh_link >= elf->nr_sh)
			continue;
		if (!inside(elf, sh[i].sh_offset, sh[i].sh_size) ||
		    !inside(elf, sh[sh[i].sh_link].sh_offset, sh[sh[i].sh_link].sh_size))
			die("%s: symbol table out of the file", path);
		sym = elf->data + sh[i].sh_offset;
		elf->nr_sym = sh[i].sh_size / (elf->wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym));
		elf->sym = elf->wide ? sym : widen_symbols(sym, elf->nr_sym);
		elf->str = (const char *)elf->data + sh[sh[i].sh_link].sh_offset;
		elf->str_size = sh[sh[i].sh_link].sh_size;
		break;
	}
	if (!elf->sym || !elf->str_size || elf->str[elf->str_size - 1])
		die("%s: no symbol table: give the unstripped file", path);
	return elf;
}

/** elf_open() - the same for x86-64 only */
struct elf *elf_open(const char *path)
{
	struct elf *elf = elf_open_any(path);

	if (!elf->wide)
		die("%s: no x86-64 ELF file", path);
	return elf;
}

/** elf_close() - give back what elf_open() took */
void elf_close(struct elf *elf)
{
	if (!elf->wide) {
		free((void *)elf->sh);
		free((void *)elf->sym);
	}
	munmap((void *)elf->data, elf->size);
	free(elf);
}

/** elf_word() - bytes of a pointer and of a long: 8 on x86-64, 4 on i386 */
int elf_word(const struct elf *elf)
{
	return elf->wide ? 8 : 4;
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
	const Elf64_Shdr *sh = elf->sh;
	unsigned int i;

	for (i = 0; i < elf->nr_sh; i++) {
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
