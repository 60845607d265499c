# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Tests of boots: what native.t and dom0.t share. Sourced.
#
# A boot's results are in $CHECK/<boot>/base and $CHECK/<boot>/patched.

boot() {	# boot NAME base|patched OPTION...
	local dir=$CHECK/$1/$2 rc=0

	mkdir -p "$dir"
	"$ROOT/lab/boot" --kernel "$OUT/$2/bzImage" --name "$1-$2" --log "$dir/console.log" \
		--timeout 240 "${@:3}" || rc=$?
	mv "$dir/console.log.results" "$dir/results"
	return "$rc"
}
audited() {	# audited NAME base|patched OPTION...
	boot "$1" "$2" --audit "$CHECK/$1/$2" "${@:3}"
}

value() {	# value FILE PHASE METRIC
	awk -F '\t' -v p="$2" -v m="$3" '$1 == p && $2 == m { print $3; found = 1 }
		END { exit !found }' "$1" || { echo "$1: no $2 $3"; return 1; }
}

# No figure over its limit; and the limits are about figures that exist.
within_limits() {	# within_limits NAME COUNT.TSV
	awk -F '\t' -v name="$1" -v file="$2" '
		FNR == NR { v[$1, $2] = $3; next }
		/^#/ || $1 != name { next }
		{ n++ }
		!(($2, $3) in v) { print file ": no " $2 " " $3; bad = 1; next }
		v[$2, $3] > $4 + 0 { print $2 " " $3 ": " v[$2, $3] ", limit " $4; bad = 1 }
		END { if (!n) { print "limits.tsv: nothing about " name; bad = 1 } exit bad }
	' "$2" "$ROOT/lab/check/limits.tsv"
}

# Never more table pages than base, in the direct map and in all.
tables_sane() {	# tables_sane NAME
	local phase metric base patched rc=0

	for phase in direct_map:tables_direct_map all:tables; do
		metric=${phase#*:} phase=${phase%:*}
		base=$(value "$CHECK/$1/base/facts.tsv" "$phase" "$metric") || { echo "$base"; return 1; }
		patched=$(value "$CHECK/$1/patched/facts.tsv" "$phase" "$metric") || { echo "$patched"; return 1; }
		if [ "$patched" -gt "$base" ]; then
			echo "$phase: $metric: $patched, base has $base"
			rc=1
		fi
	done
	return "$rc"
}

meminfo() {	# meminfo NAME base|patched FIELD: in pages
	awk -v f="$3:" '$1 == f { print $2 / 4; n++ } END { exit n != 1 }' "$CHECK/$1/$2/results" ||
		{ echo "$1-$2: no $3"; return 1; }
}
# What the guest itself says it has: the same as base's.
same_memory() {	# same_memory NAME
	local a b rc=0

	diff <(grep '^DirectMap' "$CHECK/$1/base/results") <(grep '^DirectMap' "$CHECK/$1/patched/results") || rc=1
	diff <(grep 'System RAM' "$CHECK/$1/base/results") <(grep 'System RAM' "$CHECK/$1/patched/results") || rc=1
	a=$(meminfo "$1" base MemTotal) || { echo "$a"; return 1; }
	b=$(meminfo "$1" patched MemTotal) || { echo "$b"; return 1; }
	[ "$a" -eq "$b" ] || { echo "MemTotal: $b pages, base has $a"; rc=1; }
	return "$rc"
}

said_by_kernel() {	# said_by_kernel NAME: the line about the tables
	grep -E '^early_pgt: [0-9]+ tables? in [0-9]+ chunks?' "$CHECK/$1/patched/results" ||
		{ echo "no line of early_pgt in $CHECK/$1/patched/results"; return 1; }
}
