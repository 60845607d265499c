# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the scripts that build the guests' initramfs share. Sourced after
# scripts/lib.sh, not run.

stale() {	# stale IMAGE SOURCE...
	local image=$1

	shift
	[ ! -s "$image" ] || [ -n "$(find "$@" -newer "$image")" ]
}

# Debian's packages, only unpacked: installed, some would change the host.
unpack_packages() {	# unpack_packages FOLDER FILE PACKAGE... : FILE is there in the end
	local root=$1 file=$2 deb

	shift 2
	[ ! -e "$root/$file" ] || return 0
	rm -rf "$root.new"
	mkdir -p "$root.new/deb"
	(cd "$root.new/deb" && apt-get -q download "$@") >"$root.log" 2>&1 ||
		die "$1: neither installed nor to be had, see $root.log"
	for deb in "$root.new"/deb/*.deb; do
		dpkg -x "$deb" "$root.new"
	done
	[ -e "$root.new/$file" ] || die "$1: has no $file"
	rm -rf "$root" "$root.new/deb"
	mv "$root.new" "$root"
}

# What programs load.
libraries() {	# libraries ROOT PROGRAM...
	local root=$1 libs

	shift
	libs=$(LD_LIBRARY_PATH=$root/lib/x86_64-linux-gnu:$root/usr/lib/x86_64-linux-gnu ldd "$@" |
		awk '/=> not found/ { print "missing:" $1 } $2 == "=>" && $3 ~ "^/" { print $3 } $1 ~ "^/.*ld-linux" { print $1 }' |
		sort -u)
	[[ $libs != *missing:* ]] || die "${1##*/}: libraries: ${libs//$'\n'/ }"
	echo "$libs"
}

copy_libraries() {	# copy_libraries FOLDER LIBRARY...
	local folder=$1 lib

	shift
	mkdir -p "$folder/lib" "$folder/lib64"
	for lib; do
		# The loader has a place of its own, and searches /lib without being told.
		case $lib in
		*/ld-linux*) cp -L "$lib" "$folder/lib64/" ;;
		*) cp -L "$lib" "$folder/lib/" ;;
		esac
	done
}

add_busybox() {	# add_busybox FOLDER
	local busybox

	busybox=$(command -v busybox) || die "busybox: not found; install busybox-static"
	[[ $(ldd "$busybox" 2>&1 || true) == *'not a dynamic'* ]] ||
		die "$busybox: not static; install busybox-static"
	mkdir -p "$1/bin"
	cp "$busybox" "$1/bin/busybox"
	ln -s busybox "$1/bin/sh"
}

compile() {	# compile SOURCE PROGRAM
	gcc -std=gnu11 -D_GNU_SOURCE -O2 -s -static -Wall -Wextra -Werror -o "$2" "$1" ||
		die "$1: cannot be built"
}

pack() {	# pack FOLDER FILE [LEVEL]: same inputs, same bytes; the folder is gone
	find "$1" -exec touch -h -d @0 {} +
	(cd "$1" && find . -mindepth 1 -printf '%P\n' | sort | cpio -o -H newc --reproducible -R 0:0 --quiet | gzip "-${3:-6}n") >"$2.new"
	mv "$2.new" "$2"
	rm -rf "$1"
}
