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
		ok "$boot: $which boots, page tables audited" audited "$boot" "$which" --xen --mem "$mem"
	done
	ok "$boot: no more tables than base" tables_sane "$boot"
	ok "$boot: MemTotal, DirectMap as base's" same_memory "$boot"
	ok "$boot: kernel says what it did" said_by_kernel "$boot"
done

for mem in 777 4096; do
	boot=dom0-$mem-count
	ok "$boot: counted" boot "$boot" patched --xen --mem "$mem" --icount --count "$CHECK/$boot.tsv"
	ok "$boot: figures within limits" within_limits "$boot" "$CHECK/$boot.tsv"
done

# name, memory, options: where memory has to move, or comes later
rows='
balloon	512	--xen-append	dom0_mem=512M,max:8G
hole-2g	3071	--machine	q35
hole-low	1024	--machine	pc,max-ram-below-4g=32M
smp	1024	--smp	2'
while IFS=$'\t' read -r name mem option value; do
	[ -n "$name" ] || continue
	ok "dom0-$name: patched boots, page tables audited" audited "dom0-$name" patched --xen \
		--mem "$mem" "$option" "$value"
done <<<"$rows"
# RAM that was moved behind the end given: base has a BUG() for that.
ok "dom0-mem: patched boots, page tables audited" audited dom0-mem patched --xen --mem 3500 --append mem=2G

poked() {	# poked HOW
	audited "dom0-poke-$1" patched --xen --mem 777 --audit-option --poke --audit-option "$1" \
		--audit-option --kill
}
ok "a live table left writable is found" refuses 'live table pfn .* is writable' poked writable
ok "a table without an owner is found" refuses 'neither reserved' poked unreserved

# Xen refuses a request: one line says which, early console or not.
refused() {	# refused entry|link|m2p REGEX
	! audited "dom0-refuse-$1" patched --xen --mem 777 --audit-option --refuse --audit-option "$1" ||
		{ echo "boots nevertheless"; return 1; }
	grep -aE "early_pgt: Xen refused mmu_update [0-9]+ of [0-9]+, error -[0-9]+: $2" \
		"$CHECK/dom0-refuse-$1/patched/console.log"
}
ok "a refused entry is reported" refused entry 'entry [0-9]+ of L1 table pfn 0x.* mfn 0x'
ok "a refused link is reported" refused link 'entry [0-9]+ of L[234] table pfn 0x.* mfn 0x'
ok "a refused change of the m2p table is reported" refused m2p 'm2p of mfn 0x[0-9a-f]+ = pfn 0x'
finish
