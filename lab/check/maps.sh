# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Maps as people paste them. Sourced by fast.t, in tools/testing/early_pgt; $out
# is where the simulator is.

# A sample says what is to be said about it.
# shellcheck disable=SC2154
sample() {	# sample STATUS TOOL FILE
	local rc=0 regex said

	said=$("$out/$2" "$3" 2>&1) || rc=$?
	[ "$rc" -eq "$1" ] || { echo "status $rc, not $1: $said"; return 1; }
	while read -r regex; do
		grep -qE "$regex" <<<"$said" || { echo "nothing like \"$regex\": $said"; return 1; }
	done < <(sed -n 's/^# says: //p' "$3")
	[ -n "$regex" ] || grep -q '^# says: ' "$3"
}
ends() {	# ends STATUS REGEX TOOL ARGUMENT...: what is said on stdout or stderr
	local rc=0 said

	said=$("$out/$3" "${@:4}" 2>&1) || rc=$?
	[ "$rc" -eq "$1" ] || { echo "status $rc, not $1: $said"; return 1; }
	grep -qE "$2" <<<"$said" || { echo "nothing like \"$2\": $said"; return 1; }
}
pasted() {	# pasted STATUS REGEX TEXT
	printf '%b' "$3" >"$CHECK/pasted.txt"
	ends "$1" "$2" simulate "$CHECK/pasted.txt"
}
utf16() {	# utf16 ENCODING
	printf '0 9efff usable\n100000 3fffffff usable\n' | iconv -f ASCII -t "$1" >"$CHECK/utf16.txt"
	says "$SAID lines 1-2" "$out/simulate" "$CHECK/utf16.txt"
}
standard_input() {	# through both Makefiles
	local said

	said=$(printf '%b' "$E$F" | tool simulate MAPS=-) || { echo "$said"; return 1; }
	grep -q 'from BIOS-e820 lines 1-2' <<<"$said" || { echo "$said"; return 1; }
	said=$(printf '%b' "$E$F" | make -s -C "$ROOT" simulate MAPS=-) || { echo "$said"; return 1; }
	grep -q 'from BIOS-e820 lines 1-2' <<<"$said" || { echo "$said"; return 1; }
}
blanks() {
	local name="$CHECK/my log (1).txt"

	printf '%b' "$E$F" >"$name"
	cp "$name" "$CHECK/other.txt"
	says '^2 maps, ' tool simulate MAPS="$name $CHECK/other.txt" || return 1
	says '^2 maps, ' make -s -C "$ROOT" simulate MAPS="$name $CHECK/other.txt"
}
names() {	# in a folder: each is read, or named, and nothing waits
	local dir=$CHECK/names

	mkdir -p "$dir"
	printf '%b' "$E$F" >"$dir/-x.txt"
	printf 'BZh91AY' >"$dir/bzip2"
	mkfifo "$dir/fifo"
	ln -s . "$dir/loop"
	WHERE=$dir says '^1 map, ' tool simulate MAPS=-x.txt || return 1
	ends 2 '^1 map, .* 1 file not read' simulate -q "$dir" || return 1
	ends 2 'bzip2: the file is compressed' simulate -q "$dir"
}
others_run() {	# two bad files, and a name that isn't there, before good ones
	local rc=0 said dir=$CHECK/folder

	mkdir -p "$dir"
	printf 'hello\n' | tee "$dir/1.txt" >"$dir/2.txt"
	printf '%b' "$E$F" | tee "$dir/3.txt" "$dir/4.txt" >"$dir/5.txt"
	said=$("$out/simulate" -q nosuch "$dir" 2>&1) || rc=$?
	[ "$rc" -eq 2 ] || { echo "status $rc: $said"; return 1; }
	if [ "$(grep -cE '^(nosuch|.*/[12].txt:1): ' <<<"$said")" -ne 3 ] || ! grep -q '^3 maps, .* 3 files not read' <<<"$said"; then
		echo "$said"
		return 1
	fi
}
# The kernel's report of a machine: simulated, it is the same report again.
round_trip() {
	local i a b

	{
		echo 'option pages=2M levels=4 kernel=0x1000000-0x2ffffff kaslr=0x40000000'
		printf '0 9efff usable\n100000 3fffffff usable\n'
		printf '0 8cfff taken\n8f000 9efff taken\n100000 3fffffff taken\n'
		for ((i = 1; i < 10; i++)); do
			printf '%x %x taken\n' $((i << 31)) $(((i << 31) + 0xfff))
		done
	} >"$CHECK/full.txt"
	a=$("$out/simulate" -v "$CHECK/full.txt" | sed -n 's/^# early_pgt/early_pgt/p')
	# The kernel's direct map, instead of the simulator's.
	sed 's/direct map 0x11\(.*\)/direct map 0xffff88\1/; s/0xffff880/0xffff888/' <<<"$a" >"$CHECK/report.txt"
	b=$("$out/simulate" -v "$CHECK/report.txt") || { echo "$b"; return 1; }
	b=$(sed -n 's/^# early_pgt/early_pgt/p' <<<"$b")
	[ "$(wc -l <<<"$a")" -gt 20 ] || { echo "no report: $a"; return 1; }
	[ "$a" = "$b" ] || { diff <(echo "$a") <(echo "$b"); return 1; }
}

E='BIOS-e820: [mem 0x0000000000000000-0x000000000009efff] usable\n'
F='BIOS-e820: [mem 0x0000000000100000-0x000000003fffffff] usable\n'
G='BIOS-e820: [mem 0x0000000000100000-0x000000001fffffff] usable\n'
HOST='(XEN) Xen-e820 RAM map:\n(XEN)  [0000000000000000, 000000000009efff] (usable)\n(XEN)  [0000000000100000, 000000003fffffff] (usable)\n'
GUEST='(XEN) HVM4: e820 map has 8 items:\n(XEN) HVM4:   0: 0000000000000000 - 000000000009fc00 = 1 RAM\n'
MACHINE="early_pgt: can't map [mem 0x100000-0x3fffffff], Linux 6.12\nearly_pgt: pages of 4K 2M, 4 levels, bottom-up from 0x3000000, kernel [mem 0x1000000-0x2ffffff], KASLR offset 0x40000000\nearly_pgt: memory   [mem 0x1000-0x9efff]\nearly_pgt: memory   [mem 0x100000-0x3fffffff]\nearly_pgt: reserved [mem 0x1000000-0x2ffffff]  32768 KB\n"
SAID='2 entries, 1023.6 MiB of RAM, from'

for i in samples/*; do
	ok "pasted: $i" sample 0 simulate "$i"
done
ok "pasted: early_pgt's report, simulated" round_trip
ok "pasted: report of other kernels" pasted 0 '3 entries, .* report lines 4-6' "${E}$MACHINE"
ok "pasted: report of a machine with 5 levels" pasted 0 'ours +2 +4 +1 +1 +1 +1 ' "${MACHINE/KASLR offset 0x/direct map 0xff110000}"
ok "pasted: report without its machine" pasted 2 'no line "early_pgt: pages of"' "early_pgt: memory   [mem 0x0-0x9efff]\n"
ok "pasted: report that leaves ranges out" pasted 0 "warning: .* isn't exact" "${MACHINE}early_pgt: 3 more ranges reserved, 12 KB\n"
ok "pasted: report with lines missing" pasted 2 'lines are missing' "${MACHINE}early_pgt: 2 ranges of memory, 1048000 KB; 5 reserved, 1023000 KB\n"
ok "pasted: pstore" pasted 0 "$SAID BIOS-e820 lines 1-2" "<6>[    0.0] $E<6>[    0.0] $F"
ok "pasted: BIOS-e801" pasted 0 "$SAID BIOS-e801 lines 1-2" "${E/e820/e801}${F/e820/e801}"
ok "pasted: BIOS-88, exclusive" pasted 0 '3 entries, 1023.6 MiB of RAM, from BIOS-88 lines 1-3' 'BIOS-88: 0000000000000000 - 000000000009e000 (usable)\n BIOS-88: 000000000009e000 - 000000000009f000 (usable)\n BIOS-88: 0000000000100000 - 0000000040000000 (usable)\n'
ok "pasted: reserve setup_data" pasted 0 "$SAID reserve setup_data: lines 4-5" "$E${G}extended physical RAM map:\nreserve setup_data: [mem 0x0-0x9efff] usable\nreserve setup_data: [mem 0x100000-0x3fffffff] usable\n"
ok "pasted: modified: after BIOS-e820" pasted 0 "$SAID modified: lines 3-4" "$E${G}modified: [mem 0x0-0x9efff] usable\nmodified: [mem 0x100000-0x3fffffff] usable\n"
ok "pasted: two boots, the last one counts" pasted 0 'last of 2 boots' "Linux version 5\n$E${G}Linux version 6\n$E$F"
ok "pasted: two boots, no other lines" pasted 0 "$SAID BIOS-e820 lines 3-4" "$E$G$E$F"
ok "pasted: the last boot has no map" pasted 0 'ends with a boot that has no map' "Linux version 5\n$E${F}Linux version 6\n"
ok "pasted: lines in reverse" pasted 0 "$SAID BIOS-e820 lines 1-2" "$F$E"
ok "pasted: repeated lines" pasted 0 "$SAID BIOS-e820 lines 1-3" "$E$E$F$F"
ok "pasted: no low memory" pasted 2 'pasted.txt:1: warning: no RAM below 1 MB: the first lines of the map are missing' "$F"
ok "pasted: a name that was garbled" pasted 2 'pasted.txt:2: warning: 1 line is left out, .* no name' "$E${F/e820:/e82:}"
ok "pasted: other lines with ranges" pasted 0 "$SAID BIOS-e820 lines 1-2" "$E${F}PCI: MMCONFIG at [mem 0xe0000000-0xefffffff] reserved in E820\npnp 00:01: [mem 0xfed00000-0xfed003ff] has been reserved\n[mem 0xc0000000-0xfec0ffff] available for PCI devices\ne820: remove [mem 0x000a0000-0x000fffff] usable\n"
ok "pasted: mem=, and no map of its own" pasted 2 'pasted.txt:1: warning: by this line, the kernel has another map' "Command line: ro mem=1G\n$E$F"
ok "pasted: mem= of the boot before" pasted 0 "$SAID BIOS-e820 lines 4-5" "Command line: ro mem=1G\n${E}BIOS-provided physical RAM map:\n$E$F"
ok "pasted: a map that is announced, but isn't there" pasted 2 'pasted.txt:3: warning: by this line, the kernel has another map' "$E${F}user-defined physical RAM map:\n"
ok "pasted: where RAM ends" pasted 0 "$SAID BIOS-e820 lines 1-2" "$E${F}last_pfn = 0x40000 max_arch_pfn = 0x400000000\nlast_pfn = 0x20000 max_arch_pfn = 0x400000000\n"
ok "pasted: where RAM ends isn't in the map" pasted 2 'pasted.txt:3: warning: RAM ends at 0x80000000, says the kernel, and at 0x40000000' "$E${F}last_pfn = 0x80000 max_arch_pfn = 0x400000000\n"
ok "pasted: what a 32-bit kernel leaves" pasted 0 "$SAID BIOS-e820 lines 1-2" "$E${F}last_pfn = 0x20000 max_arch_pfn = 0x20000\n"
ok "pasted: RAM that isn't in the map" pasted 2 'pasted.txt:3: warning: the kernel has 2096632 KB of RAM, and its map 1048188 KB' "$E${F}Memory: 2000000K/2096632K available (14336K kernel code)\n"
ok "pasted: several boots in reverse order" pasted 2 'warning: several boots in reverse order' "$F${E}Linux version 6\n$G${E}Linux version 5\n"
ok "pasted: December and February aren't numbers" pasted 0 "$SAID BIOS-e820 lines 2-4" "Dec 30 22:05:18 lab kernel: x\nDec 30 22:05:18 lab kernel: ${E}Feb 26 reserved\nFeb 26 22:05:18 lab kernel: $F"
ok "pasted: Xen's own map" pasted 0 "$SAID .XEN. lines 2-3" "$HOST"
ok "pasted: Xen's own map, exclusive" pasted 0 "$SAID .XEN. lines 1-2" '(XEN)  0000000000000000 - 000000000009f000 (usable)\n(XEN)  0000000000100000 - 0000000040000000 (usable)\n'
ok "pasted: HVM guest in Xen's log" pasted 2 'pasted.txt:1: the map of a guest' "$GUEST"
ok "pasted: HVM guest's kernel in Xen's log" pasted 0 "$SAID .XEN. lines 2-3" "$HOST(XEN) HVM4: Linux version 6\n(XEN) HVM4: ${E/9efff/8efff}"
ok "pasted: Xen's own map and a guest's" pasted 0 "$SAID .XEN. lines 2-3" "$HOST$GUEST(d4) ${E/9efff/8efff}"
ok "pasted: xl info" pasted 2 'pasted.txt:2: no memory map .* dmesg' 'host   : xen\ntotal_memory  : 7933\n'
ok "pasted: /proc/iomem, not as root" pasted 2 'as root' '00000000-00000000 : Reserved\n00000000-00000000 : System RAM\n'
ok "pasted: /proc/iomem, all to the left" pasted 0 "2 entries, 1023.6 MiB of RAM, from /proc/iomem lines 1-2" '00000000-0009efff : System RAM\n00100000-3fffffff : System RAM # 1 GB\n01000000-01ffffff : Kernel code\n'
ok "pasted: /proc/iomem, farther to the right" pasted 0 "2 entries, 1023.6 MiB of RAM, from /proc/iomem lines 1-2" '00000000-0009efff : System RAM\n  00100000-3fffffff : System RAM\n    01000000-01ffffff : Kernel code\n'
ok "pasted: /sys/firmware/memmap, a part is lost" pasted 2 'warning: 1 line is left out, .* 1 has no start' '0/start:0x0\n0/end:0x9efff\n0/type:System RAM\n1/start:0x100000\n1/type:System RAM\n'
ok "pasted: /sys/firmware/memmap, grep" pasted 0 "$SAID /sys" '/sys/firmware/memmap/0/end:0x9efff\n/sys/firmware/memmap/0/start:0x0\n/sys/firmware/memmap/0/type:System RAM\n/sys/firmware/memmap/1/end:0x3fffffff\n/sys/firmware/memmap/1/start:0x100000\n/sys/firmware/memmap/1/type:System RAM\n'
ok "pasted: /sys/firmware/memmap, head" pasted 0 '1 entry, 0.6 MiB of RAM, from /sys' '==> 0/end <==\n0x9efff\n\n==> 0/start <==\n0x0\n\n==> 0/type <==\nSystem RAM\n'
ok "pasted: /sys/firmware/memmap, by the documentation's script" pasted 0 "3 entries, 1023.6 MiB of RAM, from /sys" '0000000000000000-000000000009e000 (System RAM)\n000000000009e000-000000000009f000 (System RAM)\n0000000000100000-0000000040000000 (System RAM)\n'
ok "pasted: kexec -d, of this kernel" pasted 0 "3 entries, 1023.6 MiB .* memory ranges" 'MEMORY RANGES\n0000000000000000-000000000009efff (0)\n000000000009f000-000000000009ffff (1)\n0000000000100000-000000003fffffff (0)\nCRASH MEMORY RANGES\n0000000000000000-000000004fffffff (0)\n'
ok "pasted: kexec -d, of the next" pasted 0 "$SAID kexec's E820" 'E820 memmap:\n0000000000000000-000000000009efff (1)\n0000000000100000-000000003fffffff (1)\n'
ok "pasted: GRUB's lsmmap" pasted 0 "4 entries, 1023.6 MiB .* lsmmap" 'base_addr = 0x0, length = 0x9e000, available RAM\nbase_addr = 0x9e000, length = 0x1000, available RAM\nbase_addr = 0x9f000, length = 0x1000, ACPI reclaimable RAM\nbase_addr = 0x100000, length = 0x3ff00000, available RAM\n'
ok "pasted: colours" pasted 0 "$SAID BIOS-e820" "\033[32m[    0.0] \033[0m\033[33mBIOS-e820\033[0m: ${E#BIOS-e820:}\033[33mBIOS-e820: \033[0m${F#BIOS-e820:}"
# shellcheck disable=SC2016
ok "pasted: code fences" pasted 0 "$SAID lines 2-3" '```\n0 9efff usable\n100000 3fffffff usable\n```\n'
ok "pasted: quoted mail" pasted 0 "$SAID BIOS-e820" "> > $E> > $F"
ok "pasted: wrapped mail" pasted 0 "$SAID BIOS-e820" "> BIOS-e820: [mem\n${E#*mem }> ${F/ usable/\\n> usable}"
ok "pasted: mail wrapped in a number" pasted 0 "$SAID BIOS-e820 lines 3-5" "${E/009efff] us/\\n009efff] us\\n}${F/3fffffff/3f\\nffffff}"
ok "pasted: mail wrapped, old ranges" pasted 0 "$SAID BIOS-e820 lines 2-3" ' BIOS-e820:\n 0000000000000000 - 000000000009f000 (usable) BIOS-e820: 0000000000100000\n - 0000000040000000 (usable)\n'
ok "pasted: old ranges without types" pasted 2 'pasted.txt:2: warning: 1 line is left out' " BIOS-e820: 0000000000000000 - 000000000009f000 (usable)\n BIOS-e820: 0000000000100000 - 0000000020000000\nBIOS-e820: 0000000020000000 - 0000000040000000 (usable)\n"
ok "pasted: HTML" pasted 0 "$SAID BIOS-e820 lines 1-2" "<pre><span class='k'>BIOS-e820</span><i>:</i>${E#BIOS-e820:}BIOS-e820: &lbrack;mem 0x100000&#45;&#x30;x3fffffff] usable"
ok "pasted: a string of JSON" pasted 0 "$SAID BIOS-e820 line 1" "{\"log\": \"${E//\\/\\\\}${F//\\/\\\\}\"}"
ok "pasted: a line of 64 KB" pasted 0 "$SAID BIOS-e820" "$(printf '%65470s' '')${E/\\n/ }$F"
ok "pasted: <br>" pasted 0 "$SAID line 1" "0 9efff usable<br>100000 3fffffff usable<br/>"
ok "pasted: CRLF and BOM" pasted 0 "$SAID lines 1-2" "\xef\xbb\xbf0 9efff usable\r\n100000 3fffffff usable\r\n"
ok "pasted: UTF-16" utf16 UTF-16
ok "pasted: UTF-16, big-endian, without BOM" utf16 UTF-16BE
ok "pasted: no-break space" pasted 0 "$SAID BIOS-e820" "$E${F/mem /mem\\xc2\\xa0}"
ok "pasted: a range that can't be read" pasted 2 'pasted.txt:2: warning: 1 line is left out' "$E${F/mem /mem*}"
ok "pasted: the same in the first line of a boot" pasted 2 'pasted.txt:4: warning: 1 line is left out' "$E${G}Linux version 6\n${E/mem /mem*}$F"
ok "pasted: log that ends in a range" pasted 2 'pasted.txt:3: warning: 1 line is left out' "$E${F}BIOS-e820: [mem 0x0000000040000000-0x000"
ok "pasted: taken, beside a log" same "option pages=4K\n${LOW}${RAM}3f000000 3fffffff taken\n" "$E${F}3f000000 3fffffff taken\noption pages=4K\n"
ok "pasted: RAM, beside a log" pasted 0 'warning: ranges "start end type" beside' "$E${F}40000000 4fffffff usable\n"
ok "pasted: ranges are rounded" same "${LOW}$RAM" "0 9fffe usable\n$RAM"
ok "standard input" standard_input
ok "names with blanks" blanks
ok "a name that begins with a dash, a pipe in a folder, a file that is packed" names
ok "bad files, and the others run" others_run
ok "base's failure is base's" pasted 0 ' 0 failed.* base fails in 1' 'option pages=4K bottom-up=3000000\n0 fffff usable\n100000 100fff reserved\n200000 48fffff usable\n'
