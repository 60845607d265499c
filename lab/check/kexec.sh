# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# make kexec: what it says of logs, and of bad ones. Sourced by fast.t, in
# tools/testing/early_pgt; sample() and ends() are of maps.sh.

kexec() {	# kexec STATUS REGEX OPTION...
	ends "$1" "$2" kexec "${@:3}"
}
# A machine with COUNT reserved pages more, as memmap= makes them.
reserved_pages() {	# reserved_pages COUNT
	local i

	echo 'Linux version 6.12'
	echo 'Command line: crashkernel=256M'
	printf 'BIOS-e820: [mem %s] %s\n' 0x0-0x9fbff usable 0x9fc00-0x9ffff reserved \
		0xf0000-0xfffff reserved 0x100000-0x7ffdffff usable 0x7ffe0000-0x7fffffff reserved
	printf 'user: [mem %s] %s\n' 0x0-0x9fbff usable 0x9fc00-0x9ffff reserved \
		0xf0000-0xfffff reserved 0x100000-0x7ffffff usable
	for ((i = 0; i < $1; i++)); do
		printf 'user: [mem %#x-%#x] reserved\n' $((0x8000000 + i * 0x10000)) $((0x8000fff + i * 0x10000))
		printf 'user: [mem %#x-%#x] usable\n' $((0x8001000 + i * 0x10000)) $((0x800ffff + i * 0x10000))
	done
	printf 'user: [mem %#x-0x7ffdffff] usable\nuser: [mem 0x7ffe0000-0x7fffffff] reserved\n' $((0x8000000 + i * 0x10000))
}
ranges() {	# ranges COUNT STATUS REGEX
	reserved_pages "$1" >"$CHECK/ranges.txt"
	kexec "$2" "$3" "$CHECK/ranges.txt"
}

for i in "$ROOT"/lab/kexec/samples/*; do
	ok "kexec: ${i##*/}" sample 1 kexec "$i"
done
ok "kexec: 122 reserved ranges" ranges 122 0 'memory ranges +both +128$'
ok "kexec: 123 reserved ranges" ranges 123 1 "base +FAILS: the crash kernel isn't told of .*alloc_low_pages"
ok "kexec: 300 reserved ranges" ranges 300 1 'base +306, of which 128 are passed on'
ok "kexec: the kernel's own code agrees, maps of the repository" kexec 1 '^[12][0-9] maps: ' maps
if [ -n "$MAPS" ]; then
	ok "kexec: $MAPS" kexec 1 '^[0-9]+ maps?: ' "$MAPS"
fi
ok "kexec: crashkernel= that doesn't fit" kexec 1 'both +FAILS: no memory for it' -c crashkernel=2G "$ROOT"/lab/kexec/samples/initrd-table.txt
ok "kexec: crashkernel=,high" kexec 0 'reserved +both +0x[0-9a-f]{9,10}-.*, 0x[0-9a-f]{8}-' -c 'crashkernel=256M,high crashkernel=64M,low' maps/dell-R910_64G.txt
ok "kexec: an initrd that is too large" kexec 1 'FAILS: no room for the initrd, 900.0 MB' -i 900M "$ROOT"/lab/kexec/samples/initrd-table.txt
ok "kexec: bad size" kexec 2 '^usage: ' -i many maps
ok "kexec: bad input" kexec 2 'nosuch: No such file' nosuch
ok "kexec: bad file beside a good one" kexec 2 'README:[0-9]+: no memory map' README maps/dell-R910_64G.txt
ok "make kexec: options of make" says 'kernel, 64\.0 MB' env MAPS=samples/user-map.txt make -s OUT="$BUILD/early_pgt" kexec WHERE=. KERNEL=64M INITRD=30M
