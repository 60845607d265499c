#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Figures of native boots, and tests of the tests; boots proper are in boot.t.
# shellcheck source=lab/check/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=lab/compare.sh
. "$ROOT/lab/compare.sh"

native() {	# native NAME OPTION...
	boot "$CHECK/$1" "$OUT/patched" patched --native --append nokaslr "${@:2}"
}

for pages in 1g 2m 4k; do
	name=native-$pages-4096
	ok "$name: counted" native "$name" --pages "$pages" --mem 4096 --count "$CHECK/$name.tsv"
	ok "$name: figures within limits" within_limits "$name" "$CHECK/$name.tsv"
done

# One PTE differs: the comparison must see it.
leaves() {	# leaves NAME OPTION...
	native "$1" --pages 2m --mem 256 --audit "$CHECK/$1/patched" "${@:2}"
}
poked() {	# poked HOW
	leaves "poke-$1" --audit-option --poke --audit-option "$1" --audit-option --kill
	mkdir -p "$CHECK/poked-$1"
	ln -sfn "$CHECK/sound/patched" "$CHECK/poked-$1/base"
	ln -sfn "$CHECK/poke-$1/patched" "$CHECK/poked-$1/patched"
	same_leaves "$CHECK/poked-$1"
}
ok "page tables audited" leaves sound
ok "one PTE with another NX is found" refuses '[1-9][0-9]* differences' poked pte
ok "one PTE with another frame is found" refuses '[1-9][0-9]* differences' poked pfn

# What the panic says is enough to simulate the machine, and to fail in the same way.
repeated() {
	local said log=$BUILD/boot/panic-4k/patched/console.log

	"$ROOT/lab/row" panic-4k || return
	make -s -C "$ROOT/tools/testing/early_pgt" OUT="$BUILD/early_pgt" "$BUILD/early_pgt/simulate" || return
	said=$("$BUILD/early_pgt/simulate" "$log")
	grep -q '^  as reported' <<<"$said" || { echo "$said"; return 1; }
}
ok "a panic's report is enough to repeat it in the simulator" repeated

# What make simulate PICTURE= draws.
maps=$ROOT/tools/testing/early_pgt/maps
draw() {	# draw MAPS PICTURE
	MAPS=$1 PICTURE=$2 "$ROOT/scripts/picture"
}
drawn() {
	draw "$maps/chromebook-coral-type16_4G.txt" "$CHECK/map.svg" >/dev/null || return
	grep -q '>ours<' "$CHECK/map.svg" && grep -q '1,982 tables in 1 piece' "$CHECK/map.svg" &&
		tail -n 1 "$CHECK/map.svg" | grep -q '</svg>'
}
ok "a map is drawn" drawn
ok "no picture of a map on which base panics" refuses "nothing to draw: base doesn't map" \
	draw "$maps/base-panics-small_3M.txt" "$CHECK/none.svg"
ok "no picture of many maps" refuses 'a picture shows one map' draw "$maps" "$CHECK/none.svg"
finish
