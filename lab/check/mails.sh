# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Checks of what is mailed. Sourced after lab/check/lib.sh.

# Signing off is up to who sends it; MAINTAINERS covers arch/x86 as a whole.
# Outside of a git tree, or else it wants spdxcheck.py, with Python packages.
# A commit that a patch fixes isn't in Debian's source.
# What stands in for a kernel in user space has its names, types and attributes.
stands_in=BIT_MACRO,CAMELCASE,MACRO_ARG_REUSE,MACRO_ARG_UNUSED,INIT_ATTRIBUTE,AVOID_EXTERNS
stands_in+=,EMBEDDED_FUNCTION_NAME,IS_ENABLED_CONFIG,NEW_TYPEDEFS,PREFER_DEFINED_ATTRIBUTE_MACRO
stands_in+=,LONG_LINE,LONG_LINE_COMMENT,LONG_LINE_STRING,REPEATED_WORD,UNNECESSARY_ELSE
checkpatch() {
	local ignore=FILE_PATH_CHANGES,UNKNOWN_COMMIT_ID

	[[ $1 != *tools-testing* ]] || ignore+=,$stands_in
	(cd "$OUT" && "$TREE_BASE/scripts/checkpatch.pl" --root="$TREE_BASE" --strict --no-signoff --no-summary \
		--terse --ignore "$ignore" "$1")
}

# A git tree of the touched files as base has them.
base_tree() {	# base_tree FOLDER FILES: of scripts/series
	rm -rf "$1"
	git init -q "$1" &&
	git -C "$2" archive "$(git -C "$2" rev-list --max-parents=0 HEAD)" | tar -x -C "$1" &&
	git -C "$1" add -A &&
	git -C "$1" -c user.name=a -c user.email=a@b commit -qm base
}

# What make series writes: nothing is left to be filled in, and git am takes it.
mails() {
	local git=$CHECK/mails series patches

	FROM='A Sender <a@example.org>' "$ROOT/scripts/mails" || return
	! grep -nE '\*\*\* |@[A-Z]+@' "$OUT"/mail/*/*.patch || return 1
	[ "$(grep -l '^Signed-off-by: A Sender <a@example.org>$' "$OUT"/mail/*/*.patch | wc -l)" -eq "$(grep -c '^0' "$ROOT/$SERIES_DIR/series")" ] ||
		{ echo "not all patches are signed off"; return 1; }
	base_tree "$git" "$OUT/files" || return
	for series in xen mm; do
		mapfile -t patches < <(find "$OUT/mail/$series" -name '0*.patch' ! -name '0000-*' | sort)
		git -C "$git" -c user.name=a -c user.email=a@b am -q "${patches[@]}" || return
	done
	git -C "$git" diff --exit-code --stat HEAD "$(git -C "$git" fetch -q "$OUT/files" && echo FETCH_HEAD)"
}
