#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Figures of dom0, and tests of the tests; boots proper are in boot.t.
# shellcheck source=lab/check/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=lab/compare.sh
. "$ROOT/lab/compare.sh"

dom0() {	# dom0 NAME OPTION...
	boot "$CHECK/$1" "$OUT/patched" patched --xen "${@:2}"
}

for mem in 777 4096; do
	name=dom0-$mem-count
	ok "$name: counted" dom0 "$name" --mem "$mem" --icount --count "$CHECK/$name.tsv"
	ok "$name: figures within limits" within_limits "$name" "$CHECK/$name.tsv"
done

# A second opinion: the kernel counts, too.
agreed() {
	local inside outside dir=$CHECK/with-count

	"$ROOT/scripts/kernel" with-count &&
		boot "$dir" "$OUT/with-count" patched --xen --mem 1024 --count "$dir.tsv" || return
	inside=$(sed -n 's/.*EARLY-PGT: \([0-9]*\) hypercalls issued.*/\1/p' "$dir/patched/console.log")
	outside=$(value "$dir.tsv" all hypercalls_issued) || { echo "$outside"; return 1; }
	[ "$inside" = "$outside" ] || { echo "hypercalls issued: the kernel says ${inside:-nothing}, the plugin $outside"; return 1; }
	echo "$inside"
}
ok "hypercalls counted inside the kernel and outside: the same" agreed

# A console that maps memory, in the middle of a chunk.
mapped() {
	"$ROOT/scripts/kernel" with-console &&
		boot "$CHECK/with-console" "$OUT/with-console" patched --xen --mem 1024 \
			--expect 'EARLY-PGT: [0-9]+ links, and memory was read'
}
ok "memory is mapped while changes are collected" mapped

audited() {	# audited NAME AUDIT-OPTION...
	local options=() option

	for option in "${@:2}"; do
		options+=(--audit-option "$option")
	done
	dom0 "$1" --mem 777 --audit "$CHECK/$1/patched" "${options[@]}"
}
ok "a live table left writable is found" refuses 'live table pfn .* is writable' \
	audited poke-writable --poke writable --kill
ok "a table without an owner is found" refuses 'neither reserved' audited poke-unreserved --poke unreserved --kill

# Xen refuses a request: one line says which, early console or not.
refused() {	# refused entry|link|m2p REGEX
	! audited "refuse-$1" --refuse "$1" || { echo "boots nevertheless"; return 1; }
	grep -aE "early_pgt: Xen refused mmu_update [0-9]+ of [0-9]+, error -[0-9]+: $2" \
		"$CHECK/refuse-$1/patched/console.log"
}
ok "a refused entry is reported" refused entry 'entry [0-9]+ of table pfn 0x.* mfn 0x'
ok "a refused link is reported" refused link 'entry [0-9]+ of table pfn 0x.* mfn 0x'
ok "a refused change of the m2p table is reported" refused m2p 'm2p of mfn 0x[0-9a-f]+ = pfn 0x'
finish
