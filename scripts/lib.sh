# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What all scripts share: places, messages. Sourced, not run.
#
# Environment: BUILD  where outputs go (default: build/ of the repository)
#              JOBS   how many jobs make runs (default: one per processor)
#              BASE   which kernel: a folder of series/ (default: 6.12)
#              TREE   its source, if Debian 12 has none; its version picks BASE

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=${BUILD:-$ROOT/build}
JOBS=${JOBS:-$(nproc)}
# A kernel's version, from its Makefile: 7.1 or, with a second argument, 7.1.5.
version_of() {		# version_of TREE [full]
	awk -v full="${2:-}" '
		/^(VERSION|PATCHLEVEL|SUBLEVEL) = / && (full || $1 != "SUBLEVEL") {
			printf "%s%s", dot, $3; dot = "."
		}' "$1/Makefile" 2>/dev/null
}
# Of all bases, the one that comes next to a version.
nearest_base() {	# nearest_base VERSION
	local base

	{ for base in "$ROOT"/series/[0-9]*; do echo "${base##*/}"; done; echo "$1~"; } |
		sort -V | grep -B 1 -F -x -A 1 "$1~" | grep -v '~' | head -n 1
}
if [ -n "${TREE:-}" ]; then
	base=$(version_of "$TREE")
	[ -d "$ROOT/series/$base" ] || base=$(nearest_base "${base:-6.12}")
	[ "${BASE:=$base}" = "$base" ] || {
		echo "BASE=$BASE, but TREE=$TREE is Linux $(version_of "$TREE" full): leave one of them out" >&2
		exit 2
	}
fi
BASE_VERSION=${BASE:-6.12}
[ -d "$ROOT/series/$BASE_VERSION" ] || {
	echo "BASE=$BASE_VERSION: no series for that; there are$(cd "$ROOT/series" && printf ' %s' [0-9]*)" >&2
	exit 2
}
# shellcheck disable=SC2034  # used by those who source this file
{
	SERIES_DIR=series/$BASE_VERSION
	OUT=$BUILD/$BASE_VERSION
	BOOT=${BOOT:-$([ "$BASE_VERSION" = 6.12 ] && echo "$BUILD" || echo "$OUT")/boot}
	TREE_BASE=$OUT/linux
	# The same name for all, so that ccache takes their files as the same.
	TREE_PATCHED=$OUT/tree-patched/linux
	TREE_STEP=$OUT/tree-step/linux
	TREE_KEXEC=$OUT/tree-kexec/linux
	TREE_BASE_WITH=$OUT/tree-base-with/linux
}
# An ordinary user's PATH has neither mkswap nor sfdisk nor mkfs.ext4.
export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"
CALLED_WITH=$*		# for those who wait for us

# Exit codes, as in Xen's test framework: success, failure, error, crash, skip.
readonly EXIT_FAIL=1 EXIT_ENV=2 EXIT_CRASH=3 EXIT_SKIP=77
export EXIT_FAIL EXIT_ENV EXIT_CRASH EXIT_SKIP

say() {
	printf '%s\n' "$*" >&2
}

# One step of long work, with the time since the start of the outermost script.
: "${STEP_START:=$(date +%s)}"
export STEP_START
step() {
	local t=$(($(date +%s) - STEP_START))

	printf '[%2d:%02d] %s\n' $((t / 60)) $((t % 60)) "$*" >&2
}

# Nothing could be done: the environment, or how we were called.
die() {
	say "${0##*/}: $*"
	exit "$EXIT_ENV"
}

# It was done, and the result is wrong.
fail() {
	say "${0##*/}: $*"
	exit "$EXIT_FAIL"
}

need_space() {		# need_space MB WHAT
	local free

	mkdir -p "$BUILD"
	free=$(df -Pm "$BUILD" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge "$1" ] ||
		die "$BUILD: $free MB free, $2 needs $1 MB: free some space, or set BUILD to another folder"
}

# Only one of us works on a thing at a time; the lock ends with the process.
lock() {		# lock NAME
	local file=$BUILD/.lock-$1 holder

	mkdir -p "$BUILD"
	# Not emptied: until we have it, its line is the holder's.
	exec {LOCK_FD}>>"$file"
	flock -n "$LOCK_FD" || {
		holder=$(head -n 1 "$file")
		step "waiting for ${holder:-another process}, which works on $1"
		flock -w 1800 "$LOCK_FD" ||
			die "$file: still held after 30 minutes by $(head -n 1 "$file"): wait for it, or end it"
	}
	printf 'process %d (%s)\n' $$ "$0${CALLED_WITH:+ $CALLED_WITH}" >"$file"
}

# Pinned version and checksum of the source package; or the version of a tree that is to
# be given, if there is no such package: nothing, if there is.
pinned() {		# pinned version|sha256|tree
	local file=$ROOT/$SERIES_DIR/version token

	[ -f "$file" ] || die "$SERIES_DIR/version: missing; it names the Debian version and the sha256"
	while read -r token; do
		case $1:$token in
		tree:"$BASE_VERSION".*-*) return ;;
		tree:"$BASE_VERSION".*) echo "$token"; return ;;
		version:"$BASE_VERSION".*-*) echo "$token"; return ;;
		sha256:*[!0-9a-f]*) ;;
		sha256:*) [ ${#token} -eq 64 ] && { echo "$token"; return; } ;;
		esac
	done < <(sed "s|#.*||" "$file" | tr -s " \t" "\n")
	die "$SERIES_DIR/version: no $1 in it"
}

# FROM="Name <mail>", if it is set: sets from_name and from_mail.
sender() {
	[ -n "${FROM:-}" ] || return 0
	[[ $FROM =~ ^[^\<]+\ \<[^@\>]+@[^@\>]+\>$ ]] || die "FROM=$FROM: not \"Name <mail>\""
	# shellcheck disable=SC2034  # used by those who source this file
	from_name=${FROM%% <*} from_mail=${FROM##*<} from_mail=${from_mail%>}
}

minutes() {	# minutes SECONDS: rounded up
	local n=$((($1 + 59) / 60))

	printf '%d minute%s' "$n" "$([ "$n" -eq 1 ] || echo s)"
}

# A build, of whose log about LINES are expected (0: who knows): says how far it is, once
# a minute, or, on a terminal, all the time. Its exit status.
watched() {		# watched WHAT LOG LINES COMMAND...
	local what=$1 log=$2 total=$3 rc=0 start now said n how

	shift 3
	: >"$log"
	start=$(date +%s) said=$start
	# A process group of its own: when we are ended, nothing of it must go on.
	setsid "$@" </dev/null >"$log" 2>&1 &
	pid=$!
	trap 'kill -TERM -- "-$pid" 2>/dev/null; wait "$pid"' EXIT
	trap 'exit 130' INT TERM HUP
	while kill -0 "$pid" 2>/dev/null; do
		now=$(date +%s)
		n=$(wc -l <"$log")
		if [ "$total" -eq 0 ]; then
			how="$n steps"
		elif [ "$n" -lt 20 ] || [ "$n" -ge "$total" ]; then
			how="$((n < total ? n * 100 / total : 99)) %"
		else
			how="$((n * 100 / total)) %, $(minutes $(((now - start) * (total - n) / n))) left"
		fi
		if [ -t 2 ]; then
			printf '\r\t%-22s  %-40.40s' "$how" "$(tail -n 1 "$log")" >&2
		elif [ $((now - said)) -ge 60 ]; then
			step "$what: $how"
			said=$now
		fi
		sleep 1
	done
	[ ! -t 2 ] || printf '\r%72s\r' '' >&2
	wait "$pid" || rc=$?
	trap - EXIT INT TERM HUP
	return "$rc"
}

# What went wrong in a build, or the end of its log.
build_errors() {	# build_errors LOG
	grep -m 5 -A 5 -E 'error:|Error [0-9]|undefined reference|FAILED' "$1" >&2 || tail -n 15 "$1" >&2
}
