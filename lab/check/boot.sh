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

# No figure has grown by 3 %; and the limits are about figures that exist.
within_limits() {	# within_limits NAME COUNT.TSV
	awk -F '\t' -v name="$1" -v file="$2" '
		FNR == NR { v[$1, $2] = $3; next }
		/^#/ || $1 != name { next }
		{ n++ }
		!(($2, $3) in v) { print file ": no " $2 " " $3; bad = 1; next }
		v[$2, $3] > $4 * 1.03 { print $2 " " $3 ": " v[$2, $3] ", was " $4; bad = 1 }
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

# In kB: what the guest may use, what it freed of its image, what is mapped.
usable() {	# usable FOLDER
	sed -n 's/.*Memory: \([0-9]*\)K\/.* available.*/\1/p' "$1/console.log"
}
freed() {	# freed FOLDER
	sed -n 's/.*Freeing .* memory: \([0-9]*\)K.*/\1/p' "$1/console.log" | paste -sd+ | bc
}
mapped() {	# mapped FOLDER
	awk -F '\t' '$1 == "all" && $2 ~ /^direct_map_bytes_/ { s += $3 } END { print s / 1024 }' "$1/facts.tsv"
}
# In kB: kernel image with the BRK, and the tables elsewhere.
own() {		# own FOLDER
	awk -F '\t' '$1 == "all" && $2 == "image" { print "(0x" $4 " - 0x" $3 ") / 1024" }' "$1/ranges.tsv" | {
		read -r image
		echo $((image + 4 * $(value "$1/facts.tsv" all allocated_tables)))
	}
}
meminfo() {	# meminfo FOLDER FIELD
	awk -v f="$2:" '$1 == f { print $2 }' "$1/results"
}
is() {		# is WHAT NUMBER WANTED
	[[ -n $2 && -n $3 && $2 -eq $3 ]] || { echo "$1: ${2:-?} kB, should be ${3:-?} kB"; return 1; }
}

# In bytes: what memblock has reserved; and in kB, all pages that it touches.
reserved() {	# reserved FOLDER
	value "$1/facts.tsv" all reserved_bytes
}
touched() {	# touched FOLDER
	local start end last=0 pages=0

	while read -r start end; do
		start=$((0x$start >> 12)) end=$(((0x$end + 4095) >> 12))
		[ "$start" -ge "$last" ] || start=$last
		[ "$end" -le "$start" ] || { pages=$((pages + end - start)) last=$end; }
	done < <(awk -F '\t' '$1 == "all" && $2 == "reserved" { print $3, $4 }' "$1/ranges.tsv")
	echo $((pages * 4))
}

# To the byte, nothing is lost: from base to patched, what is reserved changes by
# what the kernel and its tables take, and by nothing else; and what is not
# reserved can be used. What the kernel says it maps is what the auditor sees;
# base is no measure here, as it counts some pages of 1 GB twice.
same_memory() {	# same_memory NAME
	local base=$CHECK/$1/base patched=$CHECK/$1/patched rc=0

	diff <(grep 'System RAM' "$base/results") <(grep 'System RAM' "$patched/results") || rc=1
	is DirectMap4k "$(meminfo "$patched" DirectMap4k)" "$(meminfo "$base" DirectMap4k)" || rc=1
	is DirectMap2M "$(meminfo "$patched" DirectMap2M)" "$(meminfo "$base" DirectMap2M)" || rc=1
	is 'DirectMap*' "$(awk '/^DirectMap/ { s += $2 } END { print s }' "$patched/results")" \
		"$(mapped "$patched")" || rc=1
	is 'memory reserved (in bytes)' "$(reserved "$patched")" \
		$(($(reserved "$base") + 1024 * ($(own "$patched") - $(own "$base")))) || rc=1
	is 'memory available' "$(usable "$patched")" \
		$(($(usable "$base") + $(touched "$base") - $(touched "$patched"))) || rc=1
	is MemTotal "$(meminfo "$patched" MemTotal)" \
		$(($(meminfo "$base" MemTotal) - $(usable "$base") - $(freed "$base") +
		   $(usable "$patched") + $(freed "$patched"))) || rc=1
	return "$rc"
}

said_by_kernel() {	# said_by_kernel NAME: the line about the tables
	grep -E '^early_pgt: [0-9]+ tables? in [0-9]+ chunks?' "$CHECK/$1/patched/results" ||
		{ echo "no line of early_pgt in $CHECK/$1/patched/results"; return 1; }
}
