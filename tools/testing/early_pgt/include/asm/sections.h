/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EARLY_PGT_ASM_SECTIONS_H
#define EARLY_PGT_ASM_SECTIONS_H

#define _text	sim_text
#define _end	sim_text_end
extern char _text[], _end[];

#endif /* EARLY_PGT_ASM_SECTIONS_H */
