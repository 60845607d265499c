#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What needs no kernel build: unit tests, simulation of memory maps, bad input,
# the exhaustive check of small machines, and a short fuzz run, which begins with
# the same machines each time. Variables: MAPS, more maps; FUZZ, seconds for each
# of two fuzzers side by side; PAGES, bound of the exhaustive check.
# shellcheck source=lab/check/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$ROOT/tools/testing/early_pgt" || exit "$EXIT_ENV"

out=$BUILD/early_pgt
FUZZ=${FUZZ:-30}
PAGES=${PAGES:-8}
MAPS=${MAPS:-}

tool() {
	make -s -j2 OUT="$out" "$@"
}
says() {	# says REGEX COMMAND...: passes, and says something that matches
	local regex=$1 said

	shift
	said=$("$@") || { printf '%s\n' "$said"; return 1; }
	grep -qE "$regex" <<<"$said" || { printf '%s\n' "$said"; return 1; }
}
bad_map() {	# bad_map LINE REGEX TEXT: one line, with file and line, status 2
	local line=$1 regex=$2 rc=0 said map=$CHECK/map.txt

	printf '%b' "$3" >"$map"
	said=$("$out/simulate" "$map" 2>&1 >/dev/null) || rc=$?
	[ "$rc" -eq 2 ] || { echo "status $rc, not 2: $said"; return 1; }
	[ "$(wc -l <<<"$said")" -eq 1 ] || { echo "more than a line: $said"; return 1; }
	grep -qE "^$map:$line: .*$regex" <<<"$said" || { echo "not for line $line, or not \"$regex\": $said"; return 1; }
}
many_entries() {
	local i map=$CHECK/many.txt

	for ((i = 0; i <= 1000; i++)); do
		printf '%x %x usable\n' $((0x100000 + i * 0x2000)) $((0x100000 + i * 0x2000 + 0xfff))
	done >"$map"
	refuses "^$map:1001: more than 1000 entries" "$out/simulate" "$map"
}
same() {	# same TEXT TEXT: two maps, one result
	local a b

	printf '%b' "$1" >"$CHECK/map.txt"
	a=$("$out/simulate" "$CHECK/map.txt") || { echo "$a"; return 1; }
	printf '%b' "$2" >"$CHECK/map.txt"
	b=$("$out/simulate" "$CHECK/map.txt") || { echo "$b"; return 1; }
	a=$(grep -v " of RAM, from " <<<"$a")
	b=$(grep -v " of RAM, from " <<<"$b")
	[ "$a" = "$b" ] || { diff <(echo "$a") <(echo "$b"); return 1; }
}
big_map() {
	printf '0 9ffff usable\n100000 7fffffff usable\n100000000 3fffffffffff usable\n' >"$CHECK/64T.txt"
	says '1 map, 3 runs.* 0 failed' "$out/simulate" -q "$CHECK/64T.txt"
}

fragments() {	# 10^4 ranges, 2,600 of RAM and three reserved ones in each
	local i j a map=$CHECK/fragments.txt

	{
		echo 'option pages=4K'
		echo '0 9efff usable'
		for ((i = 0; i < 2600; i++)); do
			a=$((0x100000 + i * 0x400000))
			printf '%x %x usable\n' "$a" $((a + 0x3fdfff))
			for ((j = 0; j < 3; j++)); do
				printf '%x %x taken\n' $((a + 0x10000 + j * 0x80000)) $((a + 0x10fff + j * 0x80000))
			done
		done
	} >"$map"
	says '1 map, 1 runs.* 0 failed' "$out/simulate" -q -e 3200 "$map"
}

LOW='0 9efff usable\n'
RAM='100000 3fffffff usable\n'

ok "builds without a warning" tool all "$out/kexec" "$out/fuzz" "$out/fuzz-32" "$out/fuzz-pae"
ok "unit tests, 64-bit" says '^ok 1 early_pgt' "$out/unit-64"
ok "unit tests, 32-bit" says '^ok 1 early_pgt' "$out/unit-32"
ok "unit tests, PAE" says '^ok 1 early_pgt' "$out/unit-pae"
ok "unit tests, around the direct map" says '^ok 11 ' "$out/boot-64"
ok "unit tests, memblock's policy" says '^ok 8 ' "$out/policy-64"
ok "simulate: maps of the repository" says '^[12][0-9] maps, .* 0 failed' "$out/simulate" -q maps
if [ -n "$MAPS" ]; then
	ok "simulate: $MAPS" says ' 0 failed' "$out/simulate" -q "$MAPS"
fi
ok "simulate: 64 TB" big_map
ok "simulate: 10,000 fragments" fragments
ok "bad input: reversed range" bad_map 2 'reversed' "${LOW}3fffffff 100000 usable\n"
ok "bad input: misaligned range" bad_map 2 'misaligned' "${LOW}100000 40000000 usable\n"
ok "bad input: overlap" bad_map 3 'overlaps line 2' "${LOW}${RAM}200000 7fffffff usable\n"
ok "bad input: garbage" bad_map 2 'not "start end type"' "${LOW}hello\n"
ok "bad input: unknown type" bad_map 1 'unknown type' '100000 3fffffff great\n'
ok "bad input: empty file" bad_map 1 'no range' ''
ok "bad input: no RAM" bad_map 1 'no usable' '0 ffffffff reserved\n'
ok "bad input: too many entries" many_entries
ok "overlapping types: reserved wins over usable" same \
	"${LOW}${RAM}20000000 2fffffff reserved\n" \
	"${LOW}100000 1fffffff usable\n30000000 3fffffff usable\n20000000 2fffffff reserved\n"
# shellcheck source=lab/check/maps.sh
. "$ROOT/lab/check/maps.sh"
# shellcheck source=lab/check/kexec.sh
. "$ROOT/lab/check/kexec.sh"
ok "exhaustive: 2 and 3 levels, up to $PAGES pages" says ' 0 missed, 0 broken' "$out/exhaustive-32" "$PAGES" 2
ok "exhaustive: 4 and 5 levels, up to $PAGES pages" says ' 0 missed, 0 broken' "$out/exhaustive-64" "$PAGES" 2
# It was missed once: the last free pages are fewer than are kept.
ok "a layout of 20 pages" says 'mapped' "$out/exhaustive-64" rrrrffffffrrrrrrrrrr levels=4 bits=2 sizes=2 split=8 xen=1
# Larger ones, at random: too many for all of them.
ok "random: 2 and 3 levels, 18 pages" says ' 0 missed, 0 broken' "$out/exhaustive-32" 18 2 10
ok "random: 4 and 5 levels, 20 pages" says ' 0 missed, 0 broken' "$out/exhaustive-64" 20 2 20
ok "fuzz: $FUZZ s, 64-bit and 32-bit" ./fuzz.sh "$out" "$FUZZ" 1
finish
