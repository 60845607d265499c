/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EARLY_PGT_FILES_H
#define EARLY_PGT_FILES_H

#include <stddef.h>

extern int files_status;

void *files_share(size_t size);
unsigned int files_add(unsigned int *sum, unsigned int nr);
void files_collect(char **args, const char *picture);
int files_run(void (*look)(const char *file), unsigned int *unread);

#endif /* EARLY_PGT_FILES_H */
