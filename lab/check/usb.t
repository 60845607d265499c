#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# make usb-check: the image of make usb, as it is, boots in QEMU from a stick and from other
# disks; each entry of its menu, by SeaBIOS and by OVMF, up to the saved report; and no
# power cut while a report is written damages those before. Not part of make check.
# shellcheck source=lab/check/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=lab/guest/lib.sh
. "$ROOT/lab/guest/lib.sh"
# shellcheck source=lab/usb/lib.sh
. "$ROOT/lab/usb/lib.sh"

image=${IMAGE:-$BUILD/usb/early-pgt-$BASE_VERSION.iso}
entries=([1]="native base" [2]="native patched" [3]="dom0 base" [4]="dom0 patched")
[ -f "$image" ] || die "$image: missing; run make usb"
(usb_tools) && make -s -C "$ROOT/lab" OUT="$BUILD/lab" "$BUILD/lab/replay" || exit "$EXIT_ENV"

# --- one boot -----------------------------------------------------------------------
# Of $CHECK/DISK.img, by the KEY of a menu entry. What the guest says is in $CHECK/RUN.log;
# what was on the screen in RUN.vga, as text, and RUN.ppm. A CUT is one of power, so many
# seconds after the guest has said REGEX.
boot() (	# boot RUN DISK bios|efi KEY [--cut REGEX SECONDS] [QEMU-OPTION...]
	run=$CHECK/$1 disk=$CHECK/$2.img firmware=$3 key=$4
	done='saved as|NOT SAVED' cut='' drain=''
	shift 4
	if [ "${1:-}" = --cut ]; then
		done=$2 cut=$3
		shift 3
	fi
	rm -f "$run".{log,vga,ppm,in,out}
	mkfifo "$run.in" "$run.out"
	: >"$run.log"
	# shellcheck disable=SC2054  # the commas are for QEMU
	args=(-machine q35 -m 2048 -nodefaults -no-user-config -vga std -display none -no-reboot
		-serial "file:$run.log" -device qemu-xhci
		-chardev "pipe,id=monitor,path=$run" -mon chardev=monitor)
	if [ "$firmware" = efi ]; then
		cp /usr/share/OVMF/OVMF_VARS_4M.fd "$run.vars"
		# shellcheck disable=SC2054
		args+=(-drive "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd"
			-drive "if=pflash,format=raw,file=$run.vars" -device usb-kbd)
	fi
	[[ " $* " == *'node-name=disk,'* ]] || args+=(-drive "if=none,id=disk,format=raw,file=$disk")
	[[ " $* " == *'drive=disk'* ]] || args+=(-device "usb-storage,drive=disk")
	qemu-system-x86_64 "${args[@]}" "$@" </dev/null >"$run.qemu" 2>&1 &
	pid=$!
	trap 'kill -KILL "$pid" $drain 2>/dev/null; rm -f "$run".{in,out,vars}' EXIT
	trap 'exit 130' INT TERM HUP
	exec {monitor}<>"$run.in"
	# A monitor that nobody listens to waits.
	cat "$run.out" >/dev/null 2>&1 &
	drain=$!
	started=$SECONDS polls=0
	# The menu waits for the key: it is pressed until it has been taken.
	until grep -aqE "$done" "$run.log"; do
		kill -0 "$pid" 2>/dev/null || { echo "$run.log: the machine went down: $(tail -n 1 "$run.qemu")"; exit 1; }
		[ $((SECONDS - started)) -lt 400 ] || { echo "$run.log: no end within 400 s"; exit 1; }
		(((polls++) % 10)) || grep -aqE 'Linux version|\(XEN\)' "$run.log" || echo "sendkey $key" >&"$monitor"
		sleep 0.05
	done
	if [ -n "$cut" ]; then
		sleep "$cut"
		exit
	fi
	sleep 1
	printf '%s\n' "pmemsave 0xb8000 0x8000 \"$run.vga\"" "screendump \"$run.ppm\"" 'sendkey ret' >&"$monitor"
	for ((i = 0; i < 60; i++)); do
		kill -0 "$pid" 2>/dev/null || exit 0
		sleep 0.5
	done
	echo "$run.log: no reboot after a key was pressed"
	exit 1
)

# --- what is on a stick -----------------------------------------------------------------
partition() {	# partition DISK: sets first, sectors
	first=$(od -An -tu4 -j486 -N4 "$1" | tr -d ' ')
	sectors=$(od -An -tu4 -j490 -N4 "$1" | tr -d ' ')
}
new_stick() {	# new_stick DISK...
	local name

	for name; do
		cp "$image" "$CHECK/$name.img"
	done
}
# All of them, out of a disk's partition, or a partition; or just those that are in OTHER:
# one that is cut off can't always be read.
reports() {	# reports FILE FOLDER [OTHER]
	local at=0 first sectors files=('::/REP-*.TXT')

	[[ $1 != *.img ]] || { partition "$1"; at=$((first * 512)); }
	[ $# -lt 3 ] || mapfile -t files < <(find "$3" -name 'REP-*' -printf '::/%f\n')
	rm -rf "$2"
	mkdir -p "$2"
	# There may be none.
	usb_tool mcopy -n -i "$1@@$at" "${files[@]}" "$2/" 2>"$2.err" ||
		grep -q 'not found' "$2.err" || { cat "$2.err"; return 1; }
}
# Nothing is wrong with the file system.
clean() {	# clean DISK
	local first sectors

	partition "$1"
	dd if="$1" of="$CHECK/clean.fat" bs=512 skip="$first" count="$sectors" status=none
	usb_tool fsck.fat -n "$CHECK/clean.fat"
}
# Those of FOLDER are in the other one as well, byte for byte.
kept() {	# kept FOLDER FOLDER
	local file n=0

	for file in "$1"/REP-*.TXT; do
		cmp "$file" "$2/${file##*/}" || return 1
		n=$((n + 1))
	done
	[ "$n" -gt 0 ] || { echo "$1: no report"; return 1; }
}

figure() {	# figure REPORT PHASE KEY
	sed -n "s/.*phases: $2\(.* \)\{0,1\}$3=\([0-9a-fx]*\).*/\2/p" "$1" | tail -n 1
}
page() {	# page REPORT
	sed '/^===== /,$d' "$1"
}
# A report is whole, says what was booted, and has no times.
good() {	# good REPORT KEY bios|efi
	local mode kernel line wide calls

	read -r mode kernel <<<"${entries[$2]}"
	[ -s "$1" ] || { echo "$1: not there"; return 1; }
	line=$(head -n 1 "$1")
	case $mode-$3:$line in
	native-bios:"early-pgt: Linux "*" $kernel, native, BIOS") ;;
	native-efi:"early-pgt: Linux "*" $kernel, native, UEFI") ;;
	dom0-bios:"early-pgt: Linux "*" $kernel, dom0 under Xen 4."*", BIOS") ;;
	dom0-efi:"early-pgt: Linux "*" $kernel, dom0 under Xen 4."*", UEFI") ;;
	*) echo "$1: $line"; return 1 ;;
	esac
	[ "$(tail -n 1 "$1")" = '===== end of report' ] || { echo "$1: not whole"; return 1; }
	# A line is left for what becomes of it, and one for the cursor.
	wide=$(page "$1" | awk 'length > 79')
	{ [ -z "$wide" ] && [ "$(page "$1" | wc -l)" -le 23 ]; } || { echo "$1: does not fit 80x25: $wide"; return 1; }
	[ "$(grep -c 'early_pgt: [0-9]* tables\{0,1\} in ' <(sed '1,/^===== dmesg/d' "$1"))" = "$([ "$kernel" = base ] && echo 0 || echo 1)" ] ||
		{ echo "$1: not of $kernel: $(grep -m 1 early_pgt: "$1")"; return 1; }
	{ [ -n "$(figure "$1" '' room_below_4g)" ] && [ "$(figure "$1" '' tables)" -gt 2 ]; } ||
		{ echo "$1: no tables, or no room for a crash kernel"; return 1; }
	calls=$(figure "$1" 'all ' hypercalls)
	case $mode-$kernel in
	native-*) [ "$calls" = 0 ] ;;
	*-base) [ "$calls" -ge 4500 ] ;;
	*) [ "$calls" -ge 1 ] && [ "$calls" -le 450 ] ;;
	esac || { echo "$1: ${calls:-no} hypercalls"; return 1; }
	page "$1" | grep -q 'emulated.*: no times' || { echo "$1: doesn't say that it is emulated"; return 1; }
	{ ! grep -n 'cycles=[0-9]' "$1" && ! page "$1" | grep -nE ' [0-9]+\.[0-9]{3}$'; } || { echo "$1: has times"; return 1; }
}
# Its page is what was to be seen.
seen() {	# seen REPORT RUN bios|efi
	local line lit

	grep -aq "saved as ${1##*/} on the stick" "$2.log" || { echo "$2.log: not said to be saved"; return 1; }
	if [ "$3" = efi ]; then
		# A picture: that something is on it. What a person sees is up to a person.
		lit=$(tail -c +16 "$2.ppm" | tr -d '\000' | wc -c)
		[ "$lit" -gt 20000 ] || { echo "$2.ppm: $lit bytes aren't black"; return 1; }
		return
	fi
	# All characters are grey on black.
	tr -d '\007' <"$2.vga" | fold -w 80 | sed 's/[ \x00]*$//' >"$2.text"
	while read -r line; do
		grep -qxF -- "$line" <(sed 's/^ *//' "$2.text") || { echo "not on the screen: $line"; return 1; }
	done < <(page "$1" | sed 's/[ ]*$//; s/^ *//'; echo "saved as ${1##*/} on the stick; press a key to reboot")
}

# --- all entries ------------------------------------------------------------------------
small() {
	local size

	size=$(stat -c %s "$image")
	[ "$size" -le 150000000 ] || { echo "$image: $size bytes"; return 1; }
}
ok "image of at most 150 MB" small
ok "another base is refused" refuses 'BASE=6.1: the image is made with 6.12 only' env BASE=6.1 "$ROOT/scripts/usb"

# A stick for each firmware, and all entries one after the other: a report is added to
# those of the boots before, which stay as they are.
sequence() {	# sequence bios|efi
	local key

	new_stick "$1"
	for key in 1 2 3 4; do
		boot "$1-$key" "$1" "$1" "$key" >"$CHECK/$1-$key.said" 2>&1 || break
		reports "$CHECK/$1.img" "$CHECK/$1-$key.reports" >>"$CHECK/$1-$key.said" 2>&1
	done
}
entry() {	# entry bios|efi KEY
	local name=$1-$2

	[ -s "$CHECK/$name.said" ] && { cat "$CHECK/$name.said"; return 1; }
	[ -d "$CHECK/$name.reports" ] || { echo "not reached"; return 1; }
	[ "$(find "$CHECK/$name.reports" -type f | wc -l)" -eq "$2" ] || { ls "$CHECK/$name.reports"; return 1; }
	good "$CHECK/$name.reports/REP-00$2.TXT" "$2" "$1" &&
		seen "$CHECK/$name.reports/REP-00$2.TXT" "$CHECK/$name" "$1" || return
	[ "$2" -eq 1 ] || kept "$CHECK/$1-$(($2 - 1)).reports" "$CHECK/$name.reports"
}
step "eight boots, two at a time: about 3 minutes"
sequence bios &
sequence efi &
wait
for firmware in bios efi; do
	for key in 1 2 3 4; do
		ok "$firmware: ${entries[$key]}: boots, shows and saves its report" entry "$firmware" "$key"
	done
	ok "$firmware: the stick's file system is clean" clean "$CHECK/$firmware.img"
done
compared() {	# compared FIRMWARE
	local base patched

	base=$(figure "$CHECK/$1-4.reports/REP-003.TXT" 'all ' hypercalls)
	patched=$(figure "$CHECK/$1-4.reports/REP-004.TXT" 'all ' hypercalls)
	[ "${base:-0}" -ge $((${patched:-1} * 10)) ] || { echo "base ${base:-no}, patched ${patched:-no} hypercalls"; return 1; }
	echo "base $base, patched $patched"
}
ok "dom0: base makes ten times as many hypercalls" compared bios

# --- other ways in ------------------------------------------------------------------------
other() {	# other NAME KEY OPTION...
	new_stick "$1"
	boot "$1" "$1" bios "$2" "${@:3}" && reports "$CHECK/$1.img" "$CHECK/$1.reports"
}
saved() {	# saved NAME OPTION...
	other "$1" 2 "${@:2}" && good "$CHECK/$1.reports/REP-001.TXT" 2 bios
}
not_saved() {	# not_saved NAME REGEX OPTION...
	other "$1" 2 "${@:3}" || return
	grep -aqE "NOT SAVED: $2" "$CHECK/$1.log" || { grep -a SAVED "$CHECK/$1.log"; return 1; }
	nothing find "$CHECK/$1.reports" -type f && cmp "$image" "$CHECK/$1.img"
}
ok "a stick at USB 2" saved ehci -device usb-ehci,id=ehci -device usb-storage,bus=ehci.0,drive=disk
# Firmware can't boot from it: from a CD, which Linux has no driver for.
ok "a stick with UAS" saved uas -device usb-uas,id=uas -device scsi-hd,bus=uas.0,drive=disk \
	-drive "if=none,id=cd,format=raw,readonly=on,file=$image" -device ide-cd,drive=cd,bootindex=1
ok "a SATA disk" saved ahci -device ide-hd,drive=disk
ok "an NVMe disk" saved nvme -device nvme,serial=1,drive=disk
ok "a CD: nothing can be saved, and that is said" not_saved cd 'the stick was not found, or this is a CD' \
	-device ide-cd,drive=disk
twins() {
	new_stick twin
	not_saved stick 'more than one such stick' -device usb-storage,drive=twin,bootindex=9 \
		-device usb-storage,drive=disk,bootindex=1 \
		-drive "if=none,id=twin,format=raw,file=$CHECK/twin.img" && cmp "$image" "$CHECK/twin.img"
}
ok "two such sticks: neither is written to" twins

# A machine that looks real: the page has times, the log's cycles by the TSC's frequency.
times() {
	local name phase label cycles khz shown

	other real 2 -cpu qemu64,-hypervisor -smbios type=0,vendor=Acme -smbios type=1,manufacturer=Acme,product=Box || return
	name=$CHECK/real.reports/REP-001.TXT
	khz=$(figure "$name" '' tsc_khz)
	while read -r phase label; do
		cycles=$(figure "$name" "$phase " cycles)
		shown=$(page "$name" | sed -n "s/^  $label.* //p")
		awk -v c="$cycles" -v k="$khz" -v s="$shown" 'BEGIN { exit !(c > 0 && k > 0 && sprintf("%.3f", c / k) == s) }' ||
			{ echo "$phase: ${cycles:-no} cycles at ${khz:-no} kHz are '$shown'"; return 1; }
	done <<-'END'
		direct_map direct map
		vmemmap vmemmap
		all all
	END
	page "$name" | nothing grep 'no times'
}
ok "a machine that looks real: cycles by the frequency of the TSC are ms" times

# --- power cuts -----------------------------------------------------------------------------
# QEMU is killed at a moment by chance while the report is written, again and again, and
# then not: all reports before are there, and the file system is clean again.
cuts() {
	local n before=$CHECK/bios-4.reports

	cp "$CHECK/bios.img" "$CHECK/cut.img" || return
	for n in 1 2 3 4; do
		boot "cut-$n" cut bios 2 --cut 'saving the report' "0.$(printf %03d $((RANDOM % 1000)))" &&
			reports "$CHECK/cut.img" "$CHECK/cut-$n.reports" "$before" && kept "$before" "$CHECK/cut-$n.reports" || return
	done
	boot cut-end cut bios 2 && reports "$CHECK/cut.img" "$CHECK/cut-end.reports" &&
		kept "$before" "$CHECK/cut-end.reports" && clean "$CHECK/cut.img" || return
	good "$(find "$CHECK/cut-end.reports" -name 'REP-*' | sort | tail -n 1)" 2 bios
}
ok "QEMU killed four times while a report was written" cuts

# All writes of a boot, in order: what is on the stick after each of them, and if, of those
# that the stick had not to keep yet, some are lost. As it is, and as the next boot has it
# after fsck.fat, the reports before are whole.
after() {	# after WHAT: in $CHECK/cut.fat
	cp "$CHECK/cut.fat" "$CHECK/next.fat"
	usb_tool fsck.fat -a "$CHECK/next.fat" >"$CHECK/fsck.log" 2>&1
	for file in cut next; do
		{ reports "$CHECK/$file.fat" "$CHECK/$file.reports" "$before" && kept "$before" "$CHECK/$file.reports"; } ||
			{ echo "after $1 ($file)"; return 1; }
	done
	usb_tool fsck.fat -n "$CHECK/next.fat" >"$CHECK/fsck.log" 2>&1 ||
		{ echo "after $1: fsck.fat -a has not mended it: $(tail -n 3 "$CHECK/fsck.log")"; return 1; }
}
prefixes() {
	local before=$CHECK/bios-4.reports log=$CHECK/writes first sectors i from=0 seed n=0 file

	cp "$CHECK/bios.img" "$CHECK/log.img" && truncate -s 256M "$log" || return
	partition "$CHECK/log.img"
	dd if="$CHECK/log.img" of="$CHECK/start.fat" bs=512 skip="$first" count="$sectors" status=none
	boot log log bios 2 -blockdev "driver=file,node-name=log,filename=$log" \
		-blockdev "driver=blklogwrites,node-name=disk,log=log,file.driver=file,file.filename=$CHECK/log.img" \
		-device usb-storage,drive=disk || return
	# Fails if anything outside of the partition was written to.
	"$BUILD/lab/replay" "$log" "$first" "$sectors" >"$CHECK/writes.list" || return
	cp "$CHECK/start.fat" "$CHECK/done.fat"
	while read -r i _ kind; do
		[ -n "$kind" ] || continue
		if [ "$kind" = flush ]; then
			for seed in 1 2 3 4 5; do
				cp "$CHECK/done.fat" "$CHECK/cut.fat"
				"$BUILD/lab/replay" "$log" "$first" "$sectors" "$CHECK/cut.fat" "$from" "$i" "$seed" &&
					after "writes $from to $i, some of them lost (seed $seed)" || return
			done
			from=$i
			cp "$CHECK/start.fat" "$CHECK/done.fat"
			"$BUILD/lab/replay" "$log" "$first" "$sectors" "$CHECK/done.fat" 0 "$i" || return
			continue
		fi
		n=$((n + 1))
		cp "$CHECK/start.fat" "$CHECK/cut.fat"
		"$BUILD/lab/replay" "$log" "$first" "$sectors" "$CHECK/cut.fat" 0 $((i + 1)) &&
			after "write $i" || return
	done <"$CHECK/writes.list"
	# As many as a report takes; all of them are the stick that it is on.
	cp "$CHECK/start.fat" "$CHECK/cut.fat"
	"$BUILD/lab/replay" "$log" "$first" "$sectors" "$CHECK/cut.fat" 0 1000000 && after "all writes" &&
		reports "$CHECK/cut.fat" "$CHECK/cut.reports" || return
	[ "$n" -ge 5 ] || { echo "$n writes"; return 1; }
	good "$CHECK/cut.reports/REP-005.TXT" 2 bios && echo "$n writes"
}
ok "cut after each write of a boot, or some lost: the reports before are whole" prefixes
rm -f "$CHECK"/*.{img,fat} "$CHECK/writes"
finish
