#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The series of the other kernels: 6.1, which is a Debian package, and newer ones, where
# TREE= gives their source. 6.12 is what all other tests are about.
# shellcheck source=lab/check/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=lab/check/mails.sh
. "$ROOT/lab/check/mails.sh"

# Rows of the boot matrix, run for another base.
row() {		# row BASE NAME
	local rc=0

	BASE=$1 BOOT='' "$ROOT/lab/row" "$2" >"$CHECK/$1-$2.log" 2>&1 || rc=$?
	[ "$rc" -eq 0 ] || grep -v '^  |' "$CHECK/$1-$2.log"
	return "$rc"
}
# As dom0: no more calls than the limit, no write that Xen emulates.
calls() {	# calls BASE MIB LIMIT
	local out=$CHECK/$1-$2 issued writes

	BASE=$1 "$ROOT/lab/boot" --xen --mem "$2" --kernel "$BUILD/$1/patched/bzImage" --timeout 400 \
		--log "$out.log" --count "$out.tsv" >"$out.said" 2>&1 || { cat "$out.said"; return 1; }
	issued=$(value "$out.tsv" all hypercalls_issued) writes=$(value "$out.tsv" all emulated_writes)
	echo "$issued hypercalls, $writes emulated writes"
	[ "$issued" -le "$3" ] && [ "$writes" -eq 0 ]
}
skip() {
	echo "$1"
	return "$EXIT_SKIP"
}
series() {	# series BASE: applies, without fuzz or offsets
	BASE=$1 "$ROOT/scripts/setup" && BASE=$1 "$ROOT/scripts/tree" patched
}
# As for the default base, see series.t.
mails_of() {	# mails_of BASE
	local OUT=$BUILD/$1 TREE_BASE=$BUILD/$1/linux SERIES_DIR=series/$1 CHECK=$CHECK/$1 mail

	mkdir -p "$CHECK"
	BASE=$1 mails || return
	for mail in "$OUT"/mail/*/*.patch; do
		[[ $mail == */0000-* ]] || checkpatch "$mail" || return
	done
}
kernels() {
	BASE=$1 "$ROOT/scripts/kernel" base && BASE=$1 "$ROOT/scripts/kernel" patched || return
	[ ! -f "$BUILD/$1/patched/warnings" ] || { cat "$BUILD/$1/patched/warnings"; return 1; }
}
user() {	# user BASE TARGET: the same files in user space, with its memblock
	BASE=$1 make -s -j2 -C "$ROOT/tools/testing/early_pgt" "$2" OUT="$BUILD/early_pgt-$1" KSRC="$BUILD/$1/linux" >"$CHECK/$1-$2.log" 2>&1 ||
		{ grep -E '^not ok|FAILED|error' "$CHECK/$1-$2.log"; return 1; }
}
# shellcheck source=lab/compare.sh
. "$ROOT/lab/compare.sh"

mkdir -p "$CHECK/tree"
printf 'VERSION = 7\nPATCHLEVEL = 1\nSUBLEVEL = 9\n' >"$CHECK/tree/Makefile"
ok "a TREE of another version than BASE is refused" refuses 'Linux 7.1.9: leave one of them out' \
	env BASE=6.12 TREE="$CHECK/tree" "$ROOT/scripts/tree" base
ok "a kernel without a package needs TREE" refuses 'TREE=PATH' env -u TREE BASE=7.1 "$ROOT/scripts/tree" base
ok "a base that there is no series for is refused" refuses 'BASE=5.10: no series' env -u TREE BASE=5.10 "$ROOT/scripts/tree" base

given=
[ -z "${TREE:-}" ] || given=$(version_of "$TREE")
for base in "$ROOT"/series/[0-9]*; do
	base=${base##*/}
	[ "$base" != 6.12 ] || continue
	why=
	if [ -n "$(BASE_VERSION=$base SERIES_DIR=series/$base pinned tree)" ] && [ "$given" != "$base" ]; then
		why="no source of Linux $base: give it, TREE=PATH"
	elif [ -n "$given" ] && [ "$given" != "$base" ]; then
		why="TREE is Linux $given"
	fi
	for test in "series applies:series" "mails are complete, git am and checkpatch take them:mails_of" "unit tests:user unit" "simulator:user simulate" \
		"builds without a warning:kernels" \
		"native-4k-1024:row native-4k-1024" "dom0-777:row dom0-777" "dom0-smp-2:row dom0-smp-2" \
		"dom0 of 1 GiB, at most 450 hypercalls:calls 1024 450" \
		"dom0 of 4 GiB, at most 450 hypercalls:calls 4096 450"; do
		read -r command options <<<"${test##*:}"
		if [ -n "$why" ]; then
			ok "$base: ${test%:*}" skip "$why"
		else
			# shellcheck disable=SC2086  # words
			ok "$base: ${test%:*}" "$command" "$base" $options
		fi
	done
done
finish
