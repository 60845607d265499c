// SPDX-License-Identifier: GPL-2.0-only
/*
 * Client of QEMU's gdb stub: just what it takes to stop a guest at an address.
 *
 * QEMU keeps breakpoints beside the guest, none of its bytes change. All
 * breakpoints are by virtual address.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "gdb.h"
#include "lab.h"

/* A stub that doesn't answer a request within this time is dead. */
#define ANSWER_SECONDS	20

static int sock = -1;
static char reply[65536];
static size_t reply_len;
static char *target_xml;

double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* One byte, -1 at the end of the connection, -2 if none comes in time. */
static int get_byte(double deadline)
{
	static unsigned char buf[4096];
	static size_t len, pos;

	while (pos == len) {
		double left = deadline - now();
		struct pollfd p = { .fd = sock, .events = POLLIN };
		ssize_t n;

		if (left <= 0)
			return -2;
		n = poll(&p, 1, left > 1 ? 1000 : (int)(left * 1000) + 1);
		if (n < 0 && errno != EINTR)
			return -1;
		if (n <= 0)
			continue;
		n = read(sock, buf, sizeof(buf));
		if (n <= 0)
			return -1;
		len = n;
		pos = 0;
	}
	return buf[pos++];
}

static void put(const char *data, size_t len)
{
	while (len) {
		ssize_t n = send(sock, data, len, MSG_NOSIGNAL);

		if (n < 0)
			die("QEMU's gdb stub went away (%s): did QEMU exit?", strerror(errno));
		data += n;
		len -= n;
	}
}

static void send_packet(const char *body)
{
	unsigned char sum = 0;
	const char *c;
	char buf[1024];
	int n;

	for (c = body; *c; c++)
		sum += *c;
	n = snprintf(buf, sizeof(buf), "$%s#%02x", body, sum);
	put(buf, n);
}

/* Into reply[]; GDB_STOPPED stands for "a packet came". */
static enum gdb_event get_packet(double deadline)
{
	int c;

	/* Acknowledgements may come before it. */
	do {
		c = get_byte(deadline);
	} while (c >= 0 && c != '$');
	reply_len = 0;
	/* The rest of a packet is never far: don't lose half of one. */
	if (c >= 0)
		deadline = now() + ANSWER_SECONDS;
	while (c >= 0) {
		c = get_byte(deadline);
		if (c < 0 || c == '#')
			break;
		if (c == '}')
			c = get_byte(deadline) ^ 0x20;
		if (reply_len == sizeof(reply) - 1)
			die("QEMU's gdb stub sent a packet of more than %zu bytes", sizeof(reply));
		reply[reply_len++] = c;
	}
	reply[reply_len] = '\0';
	if (c < 0)
		return c == -2 ? GDB_TIMEOUT : GDB_GONE;
	get_byte(deadline);
	get_byte(deadline);
	put("+", 1);
	return GDB_STOPPED;
}

static void request(const char *body)
{
	send_packet(body);
	switch (get_packet(now() + ANSWER_SECONDS)) {
	case GDB_STOPPED:
		return;
	case GDB_GONE:
		die("QEMU's gdb stub went away at request %.40s: did QEMU exit?", body);
	case GDB_TIMEOUT:
		die("QEMU's gdb stub does not answer request %.40s", body);
	}
}

/* Registers in comments have no number. */
static void strip_comments(char *xml)
{
	char *from, *to;

	while ((from = strstr(xml, "<!--")) && (to = strstr(from, "-->")))
		memmove(from, to + 3, strlen(to + 3) + 1);
}

/* Append one file of the target description, without its includes. */
static void read_xml(const char *name)
{
	size_t have = 0, base = target_xml ? strlen(target_xml) : 0;
	char body[128];

	do {
		snprintf(body, sizeof(body), "qXfer:features:read:%s:%zx,ffb", name, have);
		request(body);
		if (reply[0] != 'm' && reply[0] != 'l')
			die("QEMU's gdb stub has no target description %s", name);
		target_xml = xrealloc(target_xml, base + have + reply_len + 1);
		memcpy(target_xml + base + have, reply + 1, reply_len - 1);
		have += reply_len - 1;
		target_xml[base + have] = '\0';
	} while (reply[0] == 'm');
}

/**
 * gdb_connect() - connect to QEMU, which is stopped from then on
 * @path:	unix socket of QEMU's option -gdb; may appear later
 * @deadline:	give up at this time
 */
void gdb_connect(const char *path, double deadline)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	char *inc;

	if (strlen(path) >= sizeof(sa.sun_path))
		die("socket path %s: longer than %zu bytes", path, sizeof(sa.sun_path) - 1);
	strcpy(sa.sun_path, path);
	for (;;) {
		sock = socket(AF_UNIX, SOCK_STREAM, 0);
		if (sock < 0)
			die("socket: %s", strerror(errno));
		if (!connect(sock, (struct sockaddr *)&sa, sizeof(sa)))
			break;
		if (now() > deadline)
			die("%s: %s: is QEMU running with -gdb unix:%s,server=on,wait=off?",
			    path, strerror(errno), path);
		close(sock);
		usleep(50000);
	}
	request("qSupported:xmlRegisters=i386");
	read_xml("target.xml");
	inc = strstr(target_xml, "href=\"");
	if (inc) {
		char name[64];

		/* The core registers come first: they are the numbers from 0. */
		if (sscanf(inc, "href=\"%63[^\"]\"", name) != 1)
			die("QEMU's target description is not understood");
		free(target_xml);
		target_xml = NULL;
		read_xml(name);
	}
	strip_comments(target_xml);
}

/**
 * gdb_register() - read a register of the vCPU that stopped
 * @name:	as in the target description
 */
uint64_t gdb_register(const char *name)
{
	uint64_t v = 0;
	char want[64], body[32];
	unsigned int nr = 0, i, byte;
	char *p = target_xml;

	snprintf(want, sizeof(want), "name=\"%s\"", name);
	for (; (p = strstr(p, "<reg ")); p++, nr++) {
		char *end = strchr(p, '>'), *hit = strstr(p, want);

		if (hit && hit < end)
			break;
	}
	if (!p)
		die("QEMU's gdb stub does not export register %s", name);
	snprintf(body, sizeof(body), "p%x", nr);
	request(body);
	if (reply[0] == 'E' || reply_len < 8 || reply_len > 16)
		die("QEMU's gdb stub does not give register %s (%.20s)", name, reply);
	for (i = 0; i < reply_len / 2; i++) {
		if (sscanf(reply + 2 * i, "%2x", &byte) != 1)
			die("register %s: %s is not hex", name, reply);
		v |= (uint64_t)byte << (8 * i);
	}
	return v;
}

/**
 * gdb_read_phys() - read guest-physical memory through QEMU
 *
 * Slow: serves to check that the RAM file is understood.
 */
bool gdb_read_phys(uint64_t pa, void *buf, size_t len)
{
	unsigned int byte;
	char body[64];
	size_t i;

	request("Qqemu.PhyMemMode:1");
	if (strcmp(reply, "OK"))
		return false;
	snprintf(body, sizeof(body), "m%" PRIx64 ",%zx", pa, len);
	request(body);
	if (reply_len != 2 * len)
		return false;
	for (i = 0; i < len; i++) {
		if (sscanf(reply + 2 * i, "%2x", &byte) != 1)
			return false;
		((uint8_t *)buf)[i] = byte;
	}
	request("Qqemu.PhyMemMode:0");
	return true;
}

void gdb_breakpoint(uint64_t va, bool set)
{
	char body[64];

	snprintf(body, sizeof(body), "%c1,%" PRIx64 ",1", set ? 'Z' : 'z', va);
	request(body);
	if (strcmp(reply, "OK"))
		die("QEMU refuses a breakpoint at %" PRIx64 " (%.20s)", va, reply);
}

/**
 * gdb_continue() - let the guest run until it stops
 * @deadline:	give up at this time
 * @what:	what is waited for, for the progress line
 */
enum gdb_event gdb_continue(double deadline, const char *what)
{
	double start = now(), next = start + 10;

	send_packet("c");
	for (;;) {
		enum gdb_event ev = get_packet(next < deadline ? next : deadline);

		if (ev == GDB_TIMEOUT) {
			if (now() >= deadline)
				return ev;
			warn_line("waiting for %s, %.0f s", what, now() - start);
			next += 10;
			continue;
		}
		if (ev == GDB_GONE || reply[0] == 'W' || reply[0] == 'X')
			return GDB_GONE;
		if (reply[0] == 'T' || reply[0] == 'S')
			return ev;
	}
}

/* One instruction on. */
void gdb_step(double deadline)
{
	send_packet("s");
	if (get_packet(deadline) != GDB_STOPPED)
		die("the guest does not step");
}

/**
 * gdb_release() - for exits on errors: don't leave the guest stopped for ever
 * @end_it:	end QEMU instead of letting the guest go on
 */
void gdb_release(bool end_it)
{
	if (sock < 0)
		return;
	/* It may be running: then only the interrupt byte is listened to. */
	send(sock, "\3", 1, MSG_NOSIGNAL);
	while (get_byte(now() + 0.3) >= 0)
		;
	send(sock, end_it ? "$k#6b" : "$D#44", 5, MSG_NOSIGNAL);
	while (get_byte(now() + 0.3) >= 0)
		;
	close(sock);
	sock = -1;
}

/** gdb_detach() - let the guest go on alone */
void gdb_detach(void)
{
	request("D");
	close(sock);
	sock = -1;
}

/** gdb_kill() - end QEMU */
void gdb_kill(void)
{
	/* Nobody is there to read an acknowledgement of the answer. */
	send(sock, "$k#6b", 5, MSG_NOSIGNAL);
	while (get_byte(now() + 5) >= 0)
		;
	close(sock);
	sock = -1;
}
