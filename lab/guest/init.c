// SPDX-License-Identifier: GPL-2.0-only
/*
 * init of the lab's guests, natively and as dom0: say what the kernel made of
 * the memory, write and read back a share of it, power off.
 *
 * Results go to a debug port of QEMU's as well as to the console: a byte a
 * write, no driver, no interrupt, nothing lost when the machine dies, and no
 * other writer.
 *
 * Kernel command line (the kernel hands unknown name=value on to us):
 *	fill=MIB	how much memory to fill (default 64)
 *	hold=1		wait to be audited instead of powering off
 *	dimm=MIB	ask for a DIMM of this size, and for its removal
 *	balloon=MIB	as dom0 of Xen, grow to this size
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define RESULT_PORT	0x5e9
#define LOG_BYTES	(1 << 20)

static bool have_port;

static void result(const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	strcat(line, "\n");
	if (have_port)
		for (const char *c = line; *c; c++)
			outb(*c, RESULT_PORT);
	fputs(line, stdout);
	fflush(stdout);
}

static void power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static void die(const char *what)
{
	result("EARLY-PGT: not ok: %s: %s", what, strerror(errno));
	power_off();
}

/* Report the lines of a file that contain one of the words. */
static void report(const char *path, const char *const *words)
{
	char line[256];
	FILE *f = fopen(path, "r");

	if (!f)
		die(path);
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		for (const char *const *w = words; *w; w++) {
			if (strstr(line, *w)) {
				result("%s", line);
				break;
			}
		}
	}
	fclose(f);
}

/* The kernel's own words about its tables. */
static void report_log(void)
{
	char *log = malloc(LOG_BYTES + 1), *line, *next, *said;
	int len = klogctl(3 /* SYSLOG_ACTION_READ_ALL */, log, LOG_BYTES);

	if (len < 0)
		die("kernel log");
	log[len] = '\0';
	for (line = log; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		said = strstr(line, "early_pgt: ");
		if (said)
			result("%s", said);
	}
	free(log);
}

/*
 * Every word of the area holds a value made of its own address, so that a page
 * mapped twice, or lost, is found.
 */
static void fill(unsigned long mib)
{
	size_t words = (mib << 20) / sizeof(uint64_t);
	uint64_t *area = mmap(NULL, mib << 20, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (area == MAP_FAILED)
		die("fill: mmap");
	for (size_t i = 0; i < words; i++)
		area[i] = (uintptr_t)&area[i] * 0x9e3779b97f4a7c15ULL;
	for (size_t i = 0; i < words; i++) {
		if (area[i] != (uintptr_t)&area[i] * 0x9e3779b97f4a7c15ULL) {
			result("EARLY-PGT: not ok: fill: %p reads %#llx", (void *)&area[i],
			       (unsigned long long)area[i]);
			power_off();
		}
	}
	munmap(area, mib << 20);
	result("EARLY-PGT: fill ok, %lu MiB", mib);
}

static unsigned long mem_total(void)
{
	unsigned long kb = 0;
	char line[128];
	FILE *f = fopen("/proc/meminfo", "r");

	if (!f || !fgets(line, sizeof(line), f) || sscanf(line, "MemTotal: %lu", &kb) != 1)
		die("MemTotal");
	fclose(f);
	return kb;
}

/* Until MemTotal is in [min, max] kB, for a minute. */
static void await(const char *what, unsigned long min, unsigned long max)
{
	unsigned long kb = 0;

	for (int i = 0; i < 600; i++) {
		kb = mem_total();
		if (kb >= min && kb <= max)
			return;
		usleep(100 * 1000);
	}
	result("EARLY-PGT: not ok: %s: MemTotal is %lu kB, not %lu to %lu", what, kb, min, max);
	power_off();
}

/* It is online by memhp_default_state=, and offline when the host wants it back. */
static void dimm(unsigned long mib)
{
	unsigned long before = mem_total(), all = before + (mib << 10);

	result("EARLY-PGT: plug");
	await("plugged", all - (mib << 5), all);
	fill(before / 2048 + mib / 2);
	result("EARLY-PGT: unplug");
	await("unplugged", before, before);
	fill(64);
	result("EARLY-PGT: dimm ok");
}

static void balloon(unsigned long mib)
{
	static const char target[] = "/sys/devices/system/xen_memory/xen_memory0/target_kb";
	unsigned long before = mem_total(), grow;
	FILE *f = fopen(target, "r+");
	unsigned long kb;

	if (!f || fscanf(f, "%lu", &kb) != 1)
		die(target);
	grow = (mib << 10) - kb;
	rewind(f);
	if (fprintf(f, "%lu\n", mib << 10) < 0 || fclose(f))
		die(target);
	await("ballooned up", before + grow, before + grow);
	fill(before / 2048 + (grow >> 11));
	result("EARLY-PGT: balloon ok");
}

int main(void)
{
	static const char *const memory[] = { "MemTotal:", "DirectMap", NULL };
	static const char *const ram[] = { "System RAM", "Crash kernel", NULL };
	struct utsname name;
	const char *arg;
	int console;

	mkdir("/dev", 0755);
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	console = open("/dev/console", O_RDWR);
	if (console >= 0)
		for (int fd = 0; fd < 3; fd++)
			dup2(console, fd);
	have_port = !ioperm(RESULT_PORT, 1, 1);
	if (mount("proc", "/proc", "proc", 0, NULL))
		die("mount /proc");
	if (mount("sys", "/sys", "sysfs", 0, NULL))
		die("mount /sys");

	result("EARLY-PGT: init");
	if (uname(&name))
		die("uname");
	result("Release: %s", name.release);
	report("/proc/meminfo", memory);
	report("/proc/iomem", ram);
	report_log();

	arg = getenv("fill");
	fill(arg ? strtoul(arg, NULL, 0) : 64);

	arg = getenv("balloon");
	if (arg)
		balloon(strtoul(arg, NULL, 0));
	arg = getenv("dimm");
	if (arg)
		dimm(strtoul(arg, NULL, 0));

	result("EARLY-PGT: boot ok");
	if (getenv("hold")) {
		result("EARLY-PGT: hold");
		for (;;)
			pause();
	}
	power_off();
}
