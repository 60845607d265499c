/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Client of QEMU's gdb stub: just what it takes to stop a guest at an address.
 */
#ifndef GDB_H
#define GDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What gdb_continue() came back for. */
enum gdb_event {
	GDB_STOPPED,
	GDB_GONE,	/* The guest ended. */
	GDB_TIMEOUT,
};

void gdb_connect(const char *path, double deadline);
uint64_t gdb_register(const char *name);
bool gdb_read_phys(uint64_t pa, void *buf, size_t len);
void gdb_breakpoint(uint64_t va, bool set);
enum gdb_event gdb_continue(double deadline, const char *what);
void gdb_step(double deadline);
void gdb_detach(void);
void gdb_kill(void);
void gdb_release(bool end_it);
double now(void);

#endif
