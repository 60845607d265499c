# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What make usb and its test share. Sourced after scripts/lib.sh and lab/guest/lib.sh,
# not run.

USB_TOOLS=$BUILD/usb-tools

# Of Debian; installed, GRUB's would ask to boot this machine.
usb_tools() {
	[ -e "$USB_TOOLS" ] || step "fetching GRUB, xorriso, mtools and dosfstools: 7 MB"
	unpack_packages "$USB_TOOLS" usr/bin/xorriso grub-common grub-pc-bin grub-efi-amd64-bin \
		xorriso libisoburn1 libburn4 libisofs6 libjte2 mtools dosfstools
}
usb_tool() {	# usb_tool NAME ARGUMENT...
	LD_LIBRARY_PATH=$USB_TOOLS/usr/lib/x86_64-linux-gnu MTOOLS_SKIP_CHECK=1 \
		PATH=$USB_TOOLS/usr/bin:$USB_TOOLS/sbin:$PATH "$@"
}
