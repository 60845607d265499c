#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The packages of make deb on a Debian with Xen, from SeaBIOS and GRUB on: make deb-check.
# shellcheck source=lab/check/lib.sh
. "$(dirname "$0")/lib.sh"

package=$(echo "$OUT"/deb/linux-image-*-early-pgt_*.deb)
name=$(dpkg-deb -f "$package" Package) || exit "$EXIT_ENV"
release=${name#linux-image-}
disk=$CHECK/disk
cp --sparse=always "$BUILD/deb/debian.img" "$disk" || exit "$EXIT_ENV"

# By the disk's own boot loader; what is expected of the results follows.
boot() {	# boot WHAT REGEX...
	local what=$1 regex expect=()

	shift
	for regex; do
		expect+=(--expect "$regex")
	done
	"$ROOT/lab/guest/mkstep" "$CHECK/step" "$what" "$package" &&
		"$ROOT/lab/boot" --from-disk --disk "$disk" --disk "$CHECK/step" --mem 1536 --name "deb-$what" \
			--log "$CHECK/$what.log" --timeout 1800 "${expect[@]}"
}
dom0='^EARLY-PGT: dom0 of Xen 4'

# What a user would send, by what the kernel said itself.
report() {
	sed -n 's/^guest: //p' "$CHECK/remove.log.results" >"$CHECK/report.txt"
	! grep -q '^missing: ' "$CHECK/report.txt" || { grep '^missing: ' "$CHECK/report.txt"; return 1; }
	MAPS=$CHECK/report.txt make -s -C "$ROOT" simulate BASE="$BASE_VERSION" >"$CHECK/simulate" 2>&1 ||
		{ tail -n 5 "$CHECK/simulate"; return 1; }
	grep -q "of the machine that Xen gives to this PV domain" "$CHECK/simulate"
}

echo "# three boots of an emulated machine: about 3 minutes each; 1 GB"
ok "Debian's kernel, as dom0, installs $name" boot install '^EARLY-PGT: install: kernel [0-9.-]+-amd64$' "$dom0"
ok "GRUB starts $release next, as dom0: its line is there; it removes itself" \
	boot remove "^EARLY-PGT: remove: kernel $release\$" "$dom0" '^early_pgt: [1-9][0-9]* tables in [1-9][0-9]* chunks'
ok "make simulate reads what scripts/report collects" report
ok "Debian's kernel is started again, and nothing of ours" boot look '^EARLY-PGT: look: kernel [0-9.-]+-amd64$' "$dom0"
rm -f "$disk"
finish
