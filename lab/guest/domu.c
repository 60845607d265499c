// SPDX-License-Identifier: GPL-2.0-only
/*
 * init of a PV domU: say what the kernel made of the memory, fill a share of
 * it, and then read it back again and again, so that dom0 can pause, save,
 * restore and shrink the guest in the meantime, and see whether its memory
 * came through. All is said on the console, which xenconsoled logs.
 *
 * Kernel command line:
 *	fill=MIB	how much memory to fill (default 64)
 *	spoil=N		change one bit in round N: a test of the test
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define LOG_BYTES	(1 << 20)

static void __attribute__((noreturn)) power_off(void)
{
	fflush(stdout);
	/* The last words have to leave the console's ring first. */
	sleep(1);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static void __attribute__((noreturn)) die(const char *what)
{
	printf("EARLY-PGT: not ok: %s: %s\n", what, strerror(errno));
	power_off();
}

static unsigned long number(const char *name, unsigned long otherwise)
{
	const char *value = getenv(name);

	return value ? strtoul(value, NULL, 0) : otherwise;
}

/* Print the lines of a file that contain a word. */
static void report(const char *path, const char *word)
{
	FILE *f = fopen(path, "r");
	char line[256];

	if (!f)
		die(path);
	while (fgets(line, sizeof(line), f))
		if (strstr(line, word))
			fputs(line, stdout);
	fclose(f);
}

/* The kernel's own words about its tables. */
static void report_log(void)
{
	char *log = malloc(LOG_BYTES + 1), *line, *rest, *said;
	int len = log ? klogctl(3 /* SYSLOG_ACTION_READ_ALL */, log, LOG_BYTES) : -1;

	if (len < 0)
		die("kernel log");
	log[len] = '\0';
	rest = log;
	while ((line = strsep(&rest, "\n"))) {
		said = strstr(line, "early_pgt: ");
		if (said)
			puts(said);
	}
	free(log);
}

/* Of its own place, so that a page that is lost, or another's, is found. */
static uint64_t pattern(size_t i)
{
	return (i + 1) * 0x9e3779b97f4a7c15ULL;
}

static uint64_t read_back(const uint64_t *area, size_t words)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < words; i++) {
		uint64_t value = area[i];

		if (value != pattern(i)) {
			printf("EARLY-PGT: not ok: word %zu of %zu reads %#llx, should be %#llx\n",
			       i, words, (unsigned long long)value, (unsigned long long)pattern(i));
			power_off();
		}
		sum = (sum << 1 | sum >> 63) ^ value;
	}
	return sum;
}

/* A processor that has come is used: udev's part, elsewhere. */
static void online_cpus(void)
{
	for (unsigned int cpu = 1; cpu < 8; cpu++) {
		char path[64];
		int fd;

		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/online", cpu);
		fd = open(path, O_WRONLY);
		if (fd < 0)
			continue;
		/* EINVAL: it is on its way out. */
		if (write(fd, "1", 1) != 1 && errno != EINVAL && errno != ENODEV)
			die(path);
		close(fd);
	}
}

int main(void)
{
	struct utsname name;
	unsigned long mib, spoil;
	uint64_t *area;
	size_t words;
	int console;

	mkdir("/dev", 0755);
	mkdir("/proc", 0755);
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	console = open("/dev/console", O_RDWR);
	if (console >= 0)
		for (int fd = 0; fd < 3; fd++)
			dup2(console, fd);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (mount("proc", "/proc", "proc", 0, NULL))
		die("mount /proc");
	mkdir("/sys", 0755);
	if (mount("sys", "/sys", "sysfs", 0, NULL))
		die("mount /sys");
	/* What the kernel says now must not end up inside our lines. */
	klogctl(8 /* SYSLOG_ACTION_CONSOLE_LEVEL */, NULL, 4);

	if (uname(&name))
		die("uname");
	printf("EARLY-PGT: init\nRelease: %s\n", name.release);
	report("/proc/meminfo", "MemTotal:");
	report("/proc/meminfo", "DirectMap");
	report("/proc/iomem", "System RAM");
	report_log();

	mib = number("fill", 64);
	spoil = number("spoil", 0);
	words = (mib << 20) / sizeof(*area);
	area = mmap(NULL, mib << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED)
		die("mmap");
	for (size_t i = 0; i < words; i++)
		area[i] = pattern(i);
	printf("EARLY-PGT: filled %lu MiB\n", mib);

	for (unsigned long round = 1;; round++) {
		online_cpus();
		if (round == spoil)
			area[words / 2] ^= 1;
		printf("EARLY-PGT: round %lu sum %016llx\n", round,
		       (unsigned long long)read_back(area, words));
		sleep(1);
	}
}
