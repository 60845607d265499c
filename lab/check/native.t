#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck source=lab/check/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=lab/check/boot.sh
. "$ROOT/lab/check/boot.sh"

# name, -cpu, line of /proc/meminfo that shows which page size was used (from
# how many MiB on: below, there is no room for such a page)
rows='
1g	max,la57=off	DirectMap1G: +[1-9]	4096
5level	max	DirectMap1G: +[1-9]	4096
2m	qemu64,-pdpe1gb	DirectMap2M: +[1-9]	0
4k	qemu64,-pdpe1gb,-pse	DirectMap4k: +[1-9][0-9]{5}	0'

native() {	# native NAME base|patched CPU MEM EXPECT FROM OPTION...
	local opts=()

	[ "$4" -lt "$6" ] || opts=(--expect "^$5")
	boot "$1" "$2" --native --cpu "$3" --mem "$4" "${opts[@]}" "${@:7}"
}
# What is in memblock's free choice may lie elsewhere.
same_leaves() {	# same_leaves NAME
	"$BUILD/lab/audit" compare "$CHECK/$1/base/leaves.tsv" "$CHECK/$1/patched/leaves.tsv" \
		--region direct_map
}

while IFS=$'\t' read -r name cpu expect from; do
	[ -n "$name" ] || continue
	for mem in 256 1024 4096; do
		boot=native-$name-$mem
		for which in base patched; do
			ok "$boot: $which boots, page tables audited" native "$boot" "$which" \
				"$cpu" "$mem" "$expect" "$from" --append nokaslr --audit "$CHECK/$boot/$which"
		done
		ok "$boot: direct map as base's, bit for bit" same_leaves "$boot"
		ok "$boot: no more tables than base" tables_sane "$boot"
		ok "$boot: MemTotal, DirectMap as base's" same_memory "$boot"
		ok "$boot: kernel says what it did" said_by_kernel "$boot"
		ok "$boot: boots with KASLR" native "$boot-kaslr" patched "$cpu" "$mem" "$expect" "$from"
	done
done <<<"$rows"

for size in 1g 2m 4k; do
	cpu=$(awk -F '\t' -v n="$size" '$1 == n { print $2 }' <<<"$rows")
	boot=native-$size-4096
	ok "$boot: counted" native "$boot-count" patched "$cpu" 4096 '' 9999 --append nokaslr \
		--count "$CHECK/$boot.tsv"
	ok "$boot: figures within limits" within_limits "$boot" "$CHECK/$boot.tsv"
done

# One PTE differs: the comparison must see it.
poked() {
	audited native-poke patched --native --cpu qemu64,-pdpe1gb --mem 256 --append nokaslr \
		--audit-option --poke --audit-option "$1" --audit-option --kill
	"$BUILD/lab/audit" compare "$CHECK/native-2m-256/patched/leaves.tsv" \
		"$CHECK/native-poke/patched/leaves.tsv" --region direct_map
}
ok "one PTE with another NX is found" refuses '[1-9][0-9]* differences' poked pte
ok "one PTE with another frame is found" refuses '[1-9][0-9]* differences' poked pfn
finish
