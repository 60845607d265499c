# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# KTAP for the tests. Sourced by *.t; each test is a command: exit status 0 is
# ok, 77 is a skip, anything else is not ok. What it says becomes a comment.

set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

CHECK=$BUILD/check/$(basename "$0" .t)
rm -rf "$CHECK"
mkdir -p "$CHECK"

nr=0
failed=0
ok() {		# ok NAME COMMAND...
	local name=$1 rc=0 said

	shift
	said=$("$@" 2>&1 </dev/null) || rc=$?
	nr=$((nr + 1))
	case $rc in
	0) printf 'ok %d - %s\n' "$nr" "$name"; return 0 ;;
	77) printf 'ok %d - %s # SKIP %s\n' "$nr" "$name" "${said##*$'\n'}"; return 0 ;;
	esac
	failed=$((failed + 1))
	printf 'not ok %d - %s\n' "$nr" "$name"
	printf '# %s\n' "${said//$'\n'/$'\n# '}"
	return 0
}

# The command must fail, and say something that matches: tests of our tests.
refuses() {	# refuses REGEX COMMAND...
	local regex=$1 rc=0 said

	shift
	said=$("$@" 2>&1 </dev/null) || rc=$?
	if [ "$rc" -eq 0 ]; then
		echo "passed, but should have failed: $*"
		return 1
	fi
	grep -qE "$regex" <<<"$said" && return 0
	printf 'failed (status %d), but said nothing like "%s":\n%s\n' "$rc" "$regex" "$said"
	return 1
}

# Nothing printed, nothing found.
nothing() {	# nothing COMMAND...
	local said

	said=$("$@" 2>&1)
	[ -z "$said" ] || { printf '%s\n' "$said"; return 1; }
}

# No figure has grown by 3 %; and the limits are about figures that exist.
within_limits() {	# within_limits NAME COUNT.TSV
	awk -F '\t' -v name="$1" -v file="$2" '
		FNR == NR { v[$1, $2] = $3; next }
		/^#/ || $1 != name { next }
		{ n++ }
		!(($2, $3) in v) { print file ": no " $2 " " $3; bad = 1; next }
		v[$2, $3] > $4 * 1.03 { print $2 " " $3 ": " v[$2, $3] ", was " $4; bad = 1 }
		END { if (!n) { print "limits.tsv: nothing about " name; bad = 1 } exit bad }
	' "$2" "$ROOT/lab/check/limits.tsv"
}

finish() {
	echo "1..$nr"
	[ "$failed" -eq 0 ]
}

echo 'TAP version 13'
