// SPDX-License-Identifier: GPL-2.0-only
/*
 * Report to the debug port of the lab's machines, from a script in dom0:
 *
 *	report WORD...		one line
 *	report -		each line of the standard input, as the guest's
 *
 * Lines of several writers stay whole.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/io.h>
#include <unistd.h>

#define RESULT_PORT	0x5e9
#define LOCK		"/run/report.lock"

static void put(const char *text)
{
	for (; *text; text++)
		if (*text != '\r')
			outb(*text, RESULT_PORT);
}

int main(int argc, char **argv)
{
	int lock = open(LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char line[1024];

	if (lock < 0 || ioperm(RESULT_PORT, 1, 1)) {
		perror("report");
		return 1;
	}
	if (argc != 2 || strcmp(argv[1], "-")) {
		flock(lock, LOCK_EX);
		for (int i = 1; i < argc; i++) {
			put(argv[i]);
			put(i + 1 < argc ? " " : "\n");
		}
		return 0;
	}
	while (fgets(line, sizeof(line) - 1, stdin)) {
		/* A long line comes in parts. */
		line[strcspn(line, "\n")] = '\0';
		flock(lock, LOCK_EX);
		put("guest: ");
		put(line);
		put("\n");
		flock(lock, LOCK_UN);
	}
	return 0;
}
