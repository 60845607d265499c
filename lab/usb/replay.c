// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replay a log of writes, as QEMU's blklogwrites has it: what a stick holds if power is
 * cut after any of them, or if it has lost some that it had not to keep yet.
 */
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lab.h"

const char *tool_name = "replay";

#define LOG_MAGIC	0x6a736677736872ULL
#define SECTOR		512
enum { LOG_FLUSH = 1, LOG_FUA = 2, LOG_DISCARD = 4, LOG_MARK = 8 };

static const char usage[] =
"usage: replay LOG SECTOR SECTORS                        list the writes\n"
"       replay LOG SECTOR SECTORS PARTITION FROM TO [SEED]   do those from FROM up to TO;\n"
"                                 with SEED, each of them or not, by chance\n"
"\n"
"The disk's SECTORS from SECTOR on are the file PARTITION; a write to anything else is an\n"
"error. The list: number, sector in the partition, sectors; \"flush\" instead of the latter\n"
"if all before must last.\n";

struct entry {
	uint64_t sector, nr, flags, len;
};

static uint64_t number(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 0);

	if (*end || !*text)
		die("%s: not a number", text);
	return n;
}

int main(int argc, char **argv)
{
	uint64_t super[4], first, nr, from, to, pos = SECTOR;
	struct entry e;
	FILE *log, *image = NULL;

	if (argc != 4 && argc != 7 && argc != 8) {
		fputs(usage, stderr);
		return EXIT_ENV;
	}
	first = number(argv[2]);
	nr = number(argv[3]);
	log = xfopen(argv[1], "r");
	if (fread(super, sizeof(super), 1, log) != 1 ||
	    le64toh(super[0]) != LOG_MAGIC || (uint32_t)le64toh(super[3]) != SECTOR)
		die("%s: no log of writes of sectors of %d bytes", argv[1], SECTOR);
	from = argc > 4 ? number(argv[5]) : 0;
	to = argc > 4 ? number(argv[6]) : UINT64_MAX;
	srand(argc > 7 ? number(argv[7]) : 0);
	if (argc > 4)
		image = xfopen(argv[4], "r+");

	for (uint64_t i = 0; i < to; i++) {
		uint64_t bytes;
		char *data;

		if (fseek(log, pos, SEEK_SET) || fread(&e, sizeof(e), 1, log) != 1)
			break;
		e.sector = le64toh(e.sector);
		e.nr = le64toh(e.nr);
		e.flags = le64toh(e.flags);
		if (!e.nr && !e.flags)
			break;
		bytes = e.flags & LOG_DISCARD ? 0 : e.nr * SECTOR;
		pos += SECTOR + bytes;
		if (!bytes) {
			if (e.flags & LOG_DISCARD)
				die("write %" PRIu64 ": discards", i);
			if (!image)
				printf("%" PRIu64 " - flush\n", i);
			continue;
		}
		if (e.sector < first || e.sector + e.nr > first + nr)
			die("write %" PRIu64 ": to sector %" PRIu64 ", outside of the partition", i,
			    e.sector);
		if (!image) {
			printf("%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", i, e.sector - first, e.nr);
			continue;
		}
		if (i < from || (argc > 7 && rand() % 2))
			continue;
		data = malloc(bytes);
		if (!data || fseek(log, pos - bytes, SEEK_SET) || fread(data, bytes, 1, log) != 1 ||
		    fseek(image, (e.sector - first) * SECTOR, SEEK_SET) ||
		    fwrite(data, bytes, 1, image) != 1)
			die("write %" PRIu64 ": can't be replayed", i);
		free(data);
	}
	if (image && fclose(image))
		die("%s: can't be written", argv[4]);
	return EXIT_OK;
}
