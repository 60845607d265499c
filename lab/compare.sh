# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# A boot of base beside one of patched. Sourced.
#
# FOLDER has base/ and patched/, each with console.log, results and, if audited,
# facts.tsv, tables.tsv, ranges.tsv, leaves.tsv.

boot() {	# boot FOLDER KERNEL-FOLDER base|patched OPTION...
	local dir=$1/$3 rc=0

	mkdir -p "$dir"
	"$ROOT/lab/boot" --kernel "$2/bzImage" --name "${1##*/}-$3" --log "$dir/console.log" \
		--timeout 240 "${@:4}" || rc=$?
	mv "$dir/console.log.results" "$dir/results"
	return "$rc"
}

value() {	# value FILE PHASE METRIC
	awk -F '\t' -v p="$2" -v m="$3" '$1 == p && $2 == m { print $3; found = 1 }
		END { exit !found }' "$1" || { echo "$1: no $2 $3"; return 1; }
}

# What is in memblock's free choice may lie elsewhere. i386 has the kernel's text and
# init sections executable in the direct map: these differ in size.
same_leaves() {	# same_leaves FOLDER [VMLINUX VMLINUX]
	local options=(--region direct_map) ends

	if [ -n "${2:-}" ]; then
		ends=$(nm "$2" "$3" | awk '$3 == "__init_end" { print $1 }' | sort)
		options+=("--ignore-nx=$(head -n 1 <<<"$ends")-$(printf '%x' $((0x$(tail -n 1 <<<"$ends") + 0x1000)))")
	fi
	"$BUILD/lab/audit" compare "$1/base/leaves.tsv" "$1/patched/leaves.tsv" "${options[@]}"
}

# Each figure of patched at most, or at least, that of base.
compared() {	# compared FOLDER most|least PHASE METRIC...
	local metric base patched rc=0

	for metric in "${@:4}"; do
		base=$(value "$1/base/facts.tsv" "$3" "$metric") || { echo "$base"; return 1; }
		patched=$(value "$1/patched/facts.tsv" "$3" "$metric") || { echo "$patched"; return 1; }
		case $2 in
		most) [ "$patched" -le "$base" ] || { echo "$3: $metric: $patched, base has $base"; rc=1; } ;;
		least) [ "$patched" -ge "$base" ] || { echo "$3: $metric: $patched, base has $base"; rc=1; } ;;
		esac
	done
	return "$rc"
}
# Never more table pages than base, in the direct map and in all.
tables_sane() {	# tables_sane FOLDER
	local rc=0

	compared "$1" most direct_map tables_direct_map || rc=1
	compared "$1" most all tables || rc=1
	return "$rc"
}
# Never more of them where memory is rare, but for those that base has in its image
# instead; never less room for a crash kernel, which a PV domain hasn't.
tables_high() {	# tables_high FOLDER [xen]
	local below base patched image rc=0

	image=$(($(value "$1/base/facts.tsv" all direct_map_tables_image) -
		 $(value "$1/patched/facts.tsv" all direct_map_tables_image)))
	[ "$image" -ge 0 ] || image=0
	for below in 4g 896m 768m; do
		base=$(value "$1/base/facts.tsv" all "direct_map_tables_below_$below") || rc=1
		patched=$(value "$1/patched/facts.tsv" all "direct_map_tables_below_$below") || rc=1
		[ "$patched" -le $((base + image)) ] ||
			{ echo "tables below $below: $patched, base has $base, and $image more in its image"; rc=1; }
	done
	[ -n "${2:-}" ] || compared "$1" least all crash_kernel_max_below_{4g,896m,768m} || rc=1
	return "$rc"
}

# In kB: what the guest freed of its image, what it maps.
freed() {	# freed FOLDER
	sed -n 's/.*Freeing .* memory: \([0-9]*\)K.*/\1/p' "$1/console.log" | awk '{ s += $1 } END { print s + 0 }'
}
mapped() {	# mapped FOLDER
	awk -F '\t' '$1 == "all" && $2 ~ /^direct_map_bytes_/ { s += $3 } END { print s / 1024 }' "$1/facts.tsv"
}
# In kB: the hash tables of dentries and inodes. They grow with the memory that is
# not reserved, which in base is not all: RAM that moves out of holes comes later.
hashes() {	# hashes FILE
	sed -n 's/.*\(Dentry\|Inode\)-\?[a-z ]*cache hash table entries: .* \([0-9]*\) bytes.*/\2/p' "$1" |
		awk '{ s += $1 } END { print s / 1024 }'
}
# In kB: kernel image with the BRK, and the tables elsewhere.
own() {		# own FOLDER
	awk -F '\t' '$1 == "all" && $2 == "image" { print "(0x" $4 " - 0x" $3 ") / 1024" }' "$1/ranges.tsv" | {
		read -r image
		echo $((image + 4 * $(value "$1/facts.tsv" all allocated_tables)))
	}
}
direct_map() {	# direct_map FOLDER
	awk '/^DirectMap/ { s += $2 } END { print s }' "$1/results"
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

same_ram() {	# same_ram FOLDER: where it is
	diff <(grep 'System RAM' "$1/base/results") <(grep 'System RAM' "$1/patched/results")
}

# To the byte, nothing is lost: from base to patched, what is reserved changes by
# what the kernel and its tables take, and by nothing else; and what is not
# reserved, or not any more, can be used. What the kernel says it maps is what the auditor sees;
# base may count some pages of 1 GB twice.
same_memory() {	# same_memory FOLDER [kB]: that patched has reserved for another reason
	local base=$1/base patched=$1/patched more=${2:-0} hashes split total rc=0

	hashes=$(($(hashes "$patched/console.log") - $(hashes "$base/console.log")))

	same_ram "$1" || rc=1
	# What is freed of the image splits a large page, if it doesn't fill it: where it ends is
	# the image's matter. All were the same when they were made, see same_leaves().
	split=$(($(meminfo "$patched" DirectMap4k) - $(meminfo "$base" DirectMap4k)))
	if [ "$BASE_VERSION" = 6.12 ] || [ "${split#-}" -ne 2048 ]; then
		is DirectMap4k "$(meminfo "$patched" DirectMap4k)" "$(meminfo "$base" DirectMap4k)" || rc=1
		diff <(grep -E '^DirectMap[24]M' "$base/results") <(grep -E '^DirectMap[24]M' "$patched/results") || rc=1
	fi
	[ "$(direct_map "$patched")" = "$(direct_map "$base")" ] ||
		is 'DirectMap*' "$(direct_map "$patched")" "$(mapped "$patched")" || rc=1
	is 'memory reserved (in bytes)' "$(reserved "$patched")" \
		$(($(reserved "$base") + 1024 * (more + hashes + $(own "$patched") - $(own "$base")))) || rc=1
	total=$(($(meminfo "$base" MemTotal) - $(freed "$base") + $(touched "$base") +
		 $(freed "$patched") - $(touched "$patched")))
	# Other kernels round what they free of the image in other ways: a page.
	[ "$BASE_VERSION" = 6.12 ] || [ "$(meminfo "$patched" MemTotal)" -ne $((total + 4)) ] || total=$((total + 4))
	is MemTotal "$(meminfo "$patched" MemTotal)" "$total" || rc=1
	return "$rc"
}

# Counts are for everybody who may read dmesg, addresses would undo KASLR.
no_address() {	# no_address FILE: in what the series says
	local line

	line=$(grep -a -m 1 'early_pgt: .*0x' "$1") || return 0
	echo "$1: an address: $line" >&2
	return 1
}

said_by_kernel() {	# said_by_kernel FOLDER: the line about the tables
	no_address "$1/patched/results" || return
	grep -E '^early_pgt: [0-9]+ tables? in [0-9]+ chunks?' "$1/patched/results" ||
		{ echo "no line of early_pgt in $1/patched/results" >&2; return 1; }
}
