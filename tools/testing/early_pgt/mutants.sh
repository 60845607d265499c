#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: mutants.sh OUT KSRC ARCH [REGEX]
#
# Build each seeded bug of mutants.txt into a copy, and run the tests on it. A
# bug that no test catches, or that can't be seeded, is an error. With REGEX, just
# those whose line matches.
set -uo pipefail

out=$(realpath -m "$1")
ksrc=$(realpath "$2")
arch=$(realpath "$3")
pick=${4:-}
programs=(unit-64 unit-32 unit-pae boot-64 policy-64 exhaustive-32 exhaustive-64 simulate)
tests=("${programs[@]}" layout random)
work=$out/mutant

try() {			# try TEST: says what it has to say, if it fails
	case $1 in
	random) timeout 150 "$work/exhaustive-64" 14 2 6 ;;
	layout) timeout 150 "$work/exhaustive-64" rrrrffffffrrrrrrrrrr levels=4 bits=2 sizes=2 split=8 xen=1 ;;
	exhaustive-*) timeout 150 "$work/$1" 6 2 ;;
	simulate) timeout 150 "$work/$1" -q maps ;;
	*) timeout 150 "$work/$1" ;;
	esac >"$work/log" 2>&1
}

build() {
	make -s -j2 WARN=-w OUT="$work" KSRC="$ksrc" ARCH="$work/arch" \
		"${programs[@]/#/$work/}" >"$work/build.log" 2>&1
}

rm -rf "$work"
mkdir -p "$work/arch"
cp -rp "$arch/x86" "$work/arch/"
build || { tail -n 5 "$work/build.log" >&2; exit 1; }
for t in "${tests[@]}"; do
	try "$t" || { echo "$t fails without a seeded bug: $(grep -m 1 -E '(MISSED|BROKEN|FAILED|not ok|Bail out)' "$work/log")" >&2; exit 1; }
done

nr=0 ran=0 bad=0
while IFS=$'\t' read -r file edit what; do
	case $file in '' | \#*) continue ;; esac
	nr=$((nr + 1))
	[[ -z $pick || "$file $edit $what" =~ $pick ]] || continue
	ran=$((ran + 1))
	sed -e "$edit" "$arch/x86/$file" >"$work/arch/x86/$file"
	caught=
	if cmp -s "$arch/x86/$file" "$work/arch/x86/$file"; then
		caught="NOTHING TO SEED: the edit changes nothing"
		bad=$((bad + 1))
	elif ! build; then
		caught="DOESN'T BUILD: $(grep -m 1 error "$work/build.log")"
		bad=$((bad + 1))
	else
		for t in "${tests[@]}"; do
			rc=0
			try "$t" || rc=$?
			[ "$rc" -ne 0 ] || continue
			[ "$rc" -ne 124 ] || grep -qE 'MISSED|BROKEN|^not ok' "$work/log" || { caught="$t: HANGS, which no test sees"; bad=$((bad + 1)); break; }
			caught="$t: $(grep -m 1 -oE '(MISSED|BROKEN|FAILED|not ok|Bail out|runtime error|AddressSanitizer|no end|^# [a-z_0-9]+:)[^;]*' "$work/log" | cut -c 1-90)"
			[ "$caught" != "$t: " ] || caught="$t: $(tail -n 1 "$work/log" | cut -c 1-90)"
			break
		done
		[ -n "$caught" ] || { caught='SURVIVED'; bad=$((bad + 1)); }
	fi
	printf '%2d %-52s %s\n' "$nr" "$what" "$caught"
	cp -p "$arch/x86/$file" "$work/arch/x86/$file"
	# Newer than what was built from the copy.
	touch "$work/arch/x86/$file"
done <mutants.txt

[ "$nr" -ge 20 ] || { echo "only $nr seeded bugs" >&2; bad=1; }
echo "$ran seeded bugs, $((ran - bad)) caught"
[ "$bad" -eq 0 ]
