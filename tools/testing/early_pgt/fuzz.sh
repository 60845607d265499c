#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: fuzz.sh OUT SECONDS [SEED]
#
# Fuzz 64-bit (native and Xen) machines, and 32-bit ones beside it, without and
# with PAE for half of the time each. The corpus in
# OUT/corpus* is kept, and minimised. With a seed (a number), all begins anew: the
# same machines in the same order. A finding: the command that repeats it.
set -uo pipefail

out=$1
time=$2
seed=${3:-0}

fuzz() {		# fuzz PROGRAM SECONDS
	local time=$2 corpus=$out/corpus-$1 log=$out/$1.log rc=0

	if [ "$seed" -ne 0 ]; then
		corpus=$out/corpus-$1-seed
		rm -rf "$corpus"
	fi
	mkdir -p "$corpus" "$out/findings"
	[ -n "$(ls -A "$corpus")" ] || "$out/$1" -seeds "$corpus"
	"$out/$1" -seed="$seed" -max_total_time="$time" -max_len=256 -len_control=0 \
		-timeout=300 -rss_limit_mb=6000 -artifact_prefix="$out/findings/$1-" \
		"$corpus" >"$log" 2>&1 || rc=$?
	if [ "$rc" -ne 0 ]; then
		grep -hE '^# (ours|base|[0-9]|crash)|^==|runtime error|ALARM' "$log" | head -n 5
		echo "$1: FOUND something; repeat with: $out/$1 $(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)"
		return 1
	fi
	if [ "$seed" -eq 0 ]; then
		rm -rf "$corpus.min"
		mkdir -p "$corpus.min"
		if "$out/$1" -merge=1 -rss_limit_mb=6000 "$corpus.min" "$corpus" >"$log.merge" 2>&1; then
			rm -rf "$corpus"
			mv "$corpus.min" "$corpus"
		fi
	fi
	echo "$1: $(sed -n 's/^Done \([0-9]*\) runs in \([0-9]*\) .*/\1 runs, \2 s/p' "$log"), 0 findings, corpus of $(find "$corpus" -type f | wc -l)"
}

rc=0
fuzz fuzz "$time" &
first=$!
fuzz fuzz-32 $(((time + 1) / 2)) || rc=1
fuzz fuzz-pae $(((time + 1) / 2)) || rc=1
wait "$first" || rc=1
exit "$rc"
