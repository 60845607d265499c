#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck source=lab/check/lib.sh
. "$(dirname "$0")/lib.sh"

# Touched C files that this configuration builds.
objects() {
	local file

	while read -r file; do
		case $file in *.c) [ ! -f "${TREE_PATCHED%/*}/obj-patched/${file%.c}.o" ] || echo "${file%.c}.o" ;; esac
	done <"$OUT/touched"
}
mapfile -t objects < <(objects)

no_warnings() {
	[ ! -f "$OUT/patched/warnings" ] || { cat "$OUT/patched/warnings"; return 1; }
}

# Built anew in a copy, so that other flags don't cost the next build.
strict() {	# strict base|patched
	local tree=$TREE_BASE obj=$CHECK/obj-$1 file list=()

	[ "$1" = base ] || tree=$TREE_PATCHED
	cp -a "${tree%/*}/obj-$1" "$obj"
	for file in "${objects[@]}"; do
		[ ! -f "$tree/${file%.o}.c" ] || list+=("$file")
		rm -f "$obj/$file"
	done
	make -C "$tree" O="$obj" ARCH=x86_64 CC="ccache gcc" LOCALVERSION= W=1 C=2 "${list[@]}" \
		>"$CHECK/$1.log" 2>&1 || { tail -n 10 "$CHECK/$1.log"; return 1; }
	# Without line numbers and the tree's name: these differ for good reasons.
	grep -E 'warning:|error:' "$CHECK/$1.log" |
		sed -E "s,^.*/linux/(arch|include|mm|kernel|lib)/,\1/,; s/:[0-9]+:[0-9]+:/:/; s/:[0-9]+:/:/" | sort -u >"$CHECK/$1.warnings"
	[ "$(grep -cE '^  CHECK ' "$CHECK/$1.log")" -ge ${#list[@]} ] ||
		{ echo "sparse did not look at all of: ${list[*]}"; return 1; }
}
compiled() {
	[ ${#objects[@]} -gt 0 ] || { echo "no touched file is part of the kernel"; return 1; }
	strict base && strict patched
}
new_warnings() {
	comm -13 "$CHECK/base.warnings" "$CHECK/patched.warnings"
}

proves() {	# proves N TEST...: so often does make check call prove
	local calls

	calls=$(make -n -C "$ROOT" check TESTS="${*:2}" | grep -o 'prove --timer' | wc -l)
	[ "$calls" -eq "$1" ] || { echo "make check TESTS='${*:2}' calls prove $calls times"; return 1; }
}

ok "patched kernel builds without a warning" no_warnings
ok "touched files build with W=1 C=2: ${objects[*]}" compiled
ok "no W=1 or sparse warning that base doesn't have" nothing new_warnings
ok "bisect-check names a patch that isn't there" refuses '99: no such patch: series/6.12/series has 1 to' "$ROOT/scripts/bisect-check" 99
ok "randconfig names a number that isn't one" refuses '^randconfig: 3x: SEED is' env SEED=3x "$ROOT/scripts/randconfig"
ok "make check TESTS= runs what it names, and nothing else" proves 1 lab/check/boot.t
ok "make check TESTS= runs the boot matrix apart" proves 2 lab/check/boot.t lab/check/fast.t
rm -rf "$CHECK"/obj-*
finish
