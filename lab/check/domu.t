#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A test of the tests; domUs proper are in boot.t.
# shellcheck source=lab/check/lib.sh
. "$(dirname "$0")/lib.sh"

ok "dom0's kernel, with the toolstack's options" "$ROOT/scripts/kernel" patched domu
ok "a changed bit in the guest's memory is found" refuses 'not ok: word [0-9]+ of [0-9]+ reads 0x' \
	"$ROOT/lab/domu" --kernel "$OUT/patched/bzImage" --name spoiled --log "$CHECK/console.log" \
	--mem 256 --append spoil=2 --steps create,pause
finish
