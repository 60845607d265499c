#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck source=lab/check/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$ROOT" || exit "$EXIT_ENV"

files() {
	git -c safe.directory='*' ls-files --cached --others --exclude-standard | sort -u |
		while read -r file; do [ ! -f "$file" ] || printf '%s\n' "$file"; done
}
mapfile -t shell < <(files | while read -r file; do
	case $file in
	*.sh | *.t) echo "$file" ;;
	*) grep -aqE '^#!.*/(ba)?sh\b' < <(head -n 1 "$file") && echo "$file" ;;
	esac
done)

without_spdx() {
	files | while read -r file; do
		case $file in COPYING | LICENSES/*) continue ;; esac
		grep -aqF 'SPDX-License-Identifier:' < <(head -n 40 "$file") ||
			echo "$file: no SPDX-License-Identifier line"
	done
}
# Not only that there is nothing to complain about, but that there are files.
found_shell() {
	[ ${#shell[@]} -ge 10 ] || { echo "only ${#shell[@]} shell files found"; return 1; }
}
binaries() {
	files | while read -r file; do
		[ ! -s "$file" ] || grep -qI . "$file" || echo "$file: binary file"
		[ "$(stat -c %s "$file")" -lt 262144 ] || echo "$file: larger than 256 KB"
	done
}
# As git am does. Of patches, the context isn't ours; pictures are gnuplot's.
whitespace() {
	git -c safe.directory='*' diff --check "$(git hash-object -t tree /dev/null)" -- . ':!*.patch' ':!docs/*.svg'
}

ok "shell files found" found_shell
ok "shellcheck: all shell files" shellcheck -x "${shell[@]}"
ok "SPDX line in every file" nothing without_spdx
ok "no binary and no large file" nothing binaries
ok "no stray blanks, no empty line at the end of a file" whitespace
ok "tools build without a warning" make -s -C "$ROOT/lab" OUT="$CHECK/tools"
finish
