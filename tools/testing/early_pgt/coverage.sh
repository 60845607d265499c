#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: coverage.sh OUT KSRC ARCH
#
# Lines and branches of the kernel files that the tests reach. What they don't
# is explained in coverage.txt.
set -euo pipefail

out=$(realpath -m "$1")
work=$out/coverage
files='.*/early_(pgt(_leaf|_live|_plan|_ptes|_pv)?|batch|p2m|walk)\.c$'
programs=(cov-unit-64 cov-unit-32 cov-unit-pae cov-boot-64 cov-policy-64 cov-exhaustive-32 cov-exhaustive-64 cov-simulate)

rm -rf "$work"
mkdir -p "$work"
make -s -j2 OUT="$work" KSRC="$(realpath "$2")" ARCH="$(realpath "$3")" "${programs[@]/#/$work/}"
{
	"$work/cov-unit-64"
	"$work/cov-unit-32"
	"$work/cov-unit-pae"
	"$work/cov-boot-64"
	"$work/cov-policy-64"
	"$work/cov-exhaustive-32" 7 1
	"$work/cov-exhaustive-64" 7 1
	"$work/cov-exhaustive-64" 20 1 10
	"$work/cov-exhaustive-32" 18 1 5
	"$work/cov-simulate" -q maps
} >"$work/log"
cd "$work"
gcovr -r / --object-directory "$work/obj" --filter "$files" \
	--exclude-unreachable-branches --txt "$work/lines.txt" --html-details "$work/index.html" \
	"$work/obj"
gcovr -r / --object-directory "$work/obj" --filter "$files" \
	--exclude-unreachable-branches --branches --txt "$work/branches.txt" "$work/obj"
report() {	# report FILE: one line a file
	awk '/\.c$/ { name = $0; next } /early_|^ .*%|TOTAL/ { print name $0; name = "" }' "$1" |
		sed 's,.*/src/,,'
}
report "$work/lines.txt"
echo 'branches:'
report "$work/branches.txt"
