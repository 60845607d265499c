/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef AUDIT_H
#define AUDIT_H

/* Lines of a list of leaf mappings, tab-separated, in this order. */
#define LEAF_HEADER	"# phase\tva\tend\tsize\tcount\tspace\tpa\tflags\teffective\ttable\tregion\n"

int compare_main(int argc, char **argv);

#endif
