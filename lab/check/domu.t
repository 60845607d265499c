#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck source=lab/check/lib.sh
. "$(dirname "$0")/lib.sh"

domu() {	# domu NAME base|patched OPTION...
	local dir=$CHECK/$1/$2 rc=0

	mkdir -p "$dir"
	"$ROOT/lab/domu" --kernel "$OUT/$2/bzImage" --name "$1-$2" --log "$dir/console.log" "${@:3}" || rc=$?
	mv "$dir/console.log.results" "$dir/results" || rc=2
	return "$rc"
}

# The guest of the patched kernel has the RAM that base's has, where it has it,
# and may use no less of it.
same_ram() {	# same_ram NAME
	local base=$CHECK/$1/base/results patched=$CHECK/$1/patched/results total

	grep -q 'System RAM' "$base" || { echo "$base: no System RAM"; return 1; }
	diff <(grep 'System RAM' "$base") <(grep 'System RAM' "$patched") || return 1
	total=$(awk '$2 == "MemTotal:" { print $3 }' "$base" "$patched" | paste -sd ' ')
	[[ $total == *' '* && ${total#* } -ge ${total% *} ]] ||
		{ echo "MemTotal of base and patched: ${total:-none} kB"; return 1; }
}
said() {	# said NAME REGEX: by the patched guest
	grep -aE "^guest: .*$2" "$CHECK/$1/patched/results" ||
		{ echo "$CHECK/$1/patched/results: no '$2'"; return 1; }
}
moved() {	# moved NAME: pages out of holes
	said "$1" 'remapped [1-9][0-9]* page'
}

ok "dom0's kernel, with the toolstack's options" "$ROOT/scripts/kernel" patched domu

# base is here to compare with: it gets by with less.
ok "domU 777 MB: base boots, save and restore, destroy" domu 777 base --steps create,save,destroy
ok "domU 777 MB: patched boots, pause, save and restore twice, shrink, grow, destroy" domu 777 patched
ok "domU 777 MB: same RAM as base" same_ram 777
ok "domU 777 MB: kernel says what it did" said 777 'early_pgt: [0-9]+ tables? in [0-9]+ chunks?'

for which in base patched; do
	ok "domU 4 GB, e820_host: $which boots, destroy" \
		domu 4096-host "$which" --mem 4096 --e820-host --fill 512 --steps create,destroy
done
ok "domU 4 GB, e820_host: RAM moved out of the hole" moved 4096-host
ok "domU 4 GB, e820_host: same RAM as base" same_ram 4096-host

# Restored page by page: those that were moved, too.
ok "domU 777 MB, e820_host, hole at 512 MB: patched boots, save and restore" \
	domu 777-host patched --e820-host --machine pc,max-ram-below-4g=512M --fill 500 \
	--steps create,save,destroy
ok "domU 777 MB, e820_host, hole at 512 MB: RAM moved out of the hole" moved 777-host

ok "a changed bit in the guest's memory is found" refuses 'not ok: word [0-9]+ of [0-9]+ reads 0x' \
	domu spoiled patched --mem 256 --append spoil=2 --steps create,pause
finish
