#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck source=lab/check/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=lab/check/boot.sh
. "$ROOT/lab/check/boot.sh"

# Odd sizes, too: tails were lost there before, and nothing else showed it.
for mem in 777 1024 3071 4096; do
	boot=dom0-$mem
	for which in base patched; do
		ok "$boot: $which boots, page tables audited" audited "$boot" "$which" --xen --mem "$mem" \
			--count "$CHECK/$boot-$which.tsv"
	done
	ok "$boot: no more tables than base" tables_sane "$boot"
	ok "$boot: MemTotal, DirectMap as base's" same_memory "$boot"
	ok "$boot: kernel says what it did" said_by_kernel "$boot"
	ok "$boot: figures within limits" within_limits "$boot" "$CHECK/$boot-patched.tsv"
done

poked() {	# poked HOW
	audited "dom0-poke-$1" patched --xen --mem 777 --audit-option --poke --audit-option "$1" \
		--audit-option --kill
}
ok "a live table left writable is found" refuses 'live table pfn .* is writable' poked writable
ok "a table without an owner is found" refuses 'neither reserved' poked unreserved
finish
