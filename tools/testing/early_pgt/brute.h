/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EARLY_PGT_BRUTE_H
#define EARLY_PGT_BRUTE_H

#include "sim.h"

#define MAP_HOLE	'.'
#define MAP_FREE	'f'
#define MAP_RESERVED	'r'

bool brute_possible(const char *map, unsigned int pages, unsigned int bootstrap);

#endif /* EARLY_PGT_BRUTE_H */
