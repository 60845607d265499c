#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck source=lab/check/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=lab/check/mails.sh
. "$ROOT/lab/check/mails.sh"

# --- the series -------------------------------------------------------------------
applies() {
	local opts=()

	[ "$(dpkg-query -W -f '${Version}' "linux-source-$BASE_VERSION")" = "$(pinned version)" ] ||
		opts=(--offsets)
	"$ROOT/scripts/series" --out "$CHECK/series" "${opts[@]}"
}
mails_apply() {
	local work=$CHECK/am

	base_tree "$work" "$CHECK/series/files" &&
	git -C "$work" -c user.name=t -c user.email=t@localhost am -q "$CHECK"/series/mbox/*.patch &&
	diff -r -x .git "$work" "$CHECK/series/files" &&
	while read -r file; do
		cmp "$work/$file" "$TREE_PATCHED/$file" || return 1
	done <"$CHECK/series/touched"
}
old_names() {
	cd "$TREE_PATCHED" || return
	grep -rn 'pgt_buf_\|can_use_brk_pgt\|get_new_step_size' \
		arch/x86/mm arch/x86/kernel arch/x86/include
}
shorter() {
	local base patched

	base=$(wc -l <"$TREE_BASE/arch/x86/mm/init.c")
	patched=$(wc -l <"$TREE_PATCHED/arch/x86/mm/init.c")
	[ "$patched" -lt "$base" ] || { echo "init.c: $patched lines, base has $base"; return 1; }
}

ok "series applies, no fuzz, no offset" applies
ok "git am takes the mails, with the same result" mails_apply
ok "the mails of both series: complete, and git am takes them" mails
ok "names of the old buffer are gone" nothing old_names
ok "init.c is shorter than base's" shorter
for mail in "$CHECK"/series/mbox/*.patch; do
	ok "checkpatch --strict: ${mail##*/}" checkpatch "$mail"
done

# --- queues for kexec: of each, and of all together -----------------------------------
queue_applies() {	# queue_applies FOLDER: to base alone
	local work=$CHECK/${1##*/} patch file

	rm -rf "$work"
	mkdir -p "$work"
	while read -r patch; do
		while read -r file; do
			[ -f "$work/$file" ] || install -D -m 644 "$TREE_BASE/$file" "$work/$file"
		done < <(sed -n 's,^--- a/,,p' "$1/$patch")
		patch -s -p1 -F0 -d "$work" <"$1/$patch" || return
	done < <(grep -v '^#' "$1/series")
	[ "$(grep -vc '^#' "$1/series")" -eq "$(find "$1" -name '*.patch' | wc -l)" ]
}
for queue in "$ROOT"/series/kexec/*/; do
	queue=${queue%/}
	ok "kexec: ${queue##*/} applies to base, no fuzz" queue_applies "$queue"
	for mail in "$queue"/*.patch; do
		ok "checkpatch --strict: ${queue##*/}/${mail##*/}" checkpatch "$mail"
	done
done
ok "kexec: all queues apply together" "$ROOT/scripts/tree" kexec

in_tree() {
	make -s -j2 -C "$TREE_PATCHED/tools/testing/early_pgt" OUT="$CHECK/in-tree" unit
}
ok "tests in user space pass in the kernel's tree" in_tree

# --- the tool that applies it: it must refuse ---------------------------------------
toy=$CHECK/toy
mkdir -p "$toy/base"
seq 1 40 >"$toy/base/file"
echo all: >"$toy/base/Makefile"
sed 's/^20$/twenty/' "$toy/base/file" >"$toy/edited"
edit() {	# edit SED-SCRIPT: series 0001 that changes line 20, then modified
	rm -rf "$toy/root"
	mkdir -p "$toy/root/$SERIES_DIR" "$toy/root/arch"
	echo 0001-a.patch >"$toy/root/$SERIES_DIR/series"
	echo 'int x;' >"$toy/root/arch/new.c"
	{
		printf 'Subject: toy: Change\nNew-file: arch/new.c\n\nBecause.\n---\n'
		diff -u --label a/file --label b/file "$toy/base/file" "$toy/edited"
	} | sed "$1" >"$toy/root/$SERIES_DIR/0001-a.patch"
}
toy() {
	"$ROOT/scripts/series" --base "$toy/base" --root "$toy/root" --out "$toy/out" "$@"
}
edit ''
ok "toy series applies" toy
ok "new file is part of the mail" grep -q '^+int x;' "$toy/out/mbox/0001-toy-Change.patch"
edit 's/^ 19$/ nineteen/'
ok "refuses context that is gone" refuses '0001-a.patch: does not apply: file: ' toy
edit 's/^ 17$/ seventeen/'
ok "refuses fuzz" refuses '0001-a.patch: does not apply: file: ' toy
edit 's/^@@ -17,7 +17,7/@@ -15,7 +15,7/'
ok "refuses an offset" refuses '0001-a.patch: applies with an offset only: file: ' toy
ok "takes an offset on another point release" toy --offsets
edit 's/^New-file: .*/New-file: arch\/missing.c/'
ok "refuses a new file that is missing" refuses '0001-a.patch: New-file: arch/missing.c: no such' toy
edit '/^New-file/d'
ok "refuses a new file nobody brings" refuses 'arch/new.c: no patch of series/6.12 brings it' toy
edit 's/^\(...\) \([ab]\)\/file/\1 \2\/gone/'
ok "refuses a patch of a missing file" refuses '0001-a.patch: gone: no such file' toy
edit 's/^--- a\/file/--- \/dev\/null/'
ok "refuses a patch that creates a file" refuses '0001-a.patch: creates or deletes a file' toy
edit '/^Subject/d'
ok "refuses a patch without a subject" refuses '0001-a.patch: no Subject' toy

# A later patch edits the new file; the repository has what comes of that.
later() {	# later SED-SCRIPT: series 0001, and 0002 that edits the new file, then modified
	edit ''
	echo 0002-b.patch >>"$toy/root/$SERIES_DIR/series"
	sed '/^5$/d; s/^20$/twenty/' "$toy/base/file" >"$toy/root/arch/new.c"
	{
		printf 'Subject: toy: Edit\n\nBecause.\n---\n'
		diff -u --label a/arch/new.c --label b/arch/new.c "$toy/base/file" "$toy/root/arch/new.c"
	} | sed "$1" >"$toy/root/$SERIES_DIR/0002-b.patch"
}
comes_without_the_edit() {
	git -C "$toy/out/files" show HEAD~:arch/new.c | cmp - "$toy/base/file" &&
		cmp "$toy/out/files/arch/new.c" "$toy/root/arch/new.c"
}
misfit='0002-b.patch: arch/new.c: can.t be taken back from the repository.s file: '
later ''
ok "a later patch may edit a new file" toy
ok "new file comes without the edit, and ends as the repository's" comes_without_the_edit
later '/^@@ -17/Q'
sed -i 's/^twenty$/20/' "$toy/root/arch/new.c"
ok "a later patch may just delete lines of it" toy
later 's/^ 19$/ nineteen/'
ok "refuses an edit that the repository's file doesn't have" refuses "$misfit" toy
later 's/^ 17$/ seventeen/'
ok "refuses fuzz in a new file" refuses "$misfit" toy
later ''
sed -i '1i int y;' "$toy/root/arch/new.c"
ok "refuses an offset in a new file" refuses \
	'0002-b.patch: arch/new.c: fits the repository.s file with an offset only' toy
ok "takes it if told to" toy --offsets
later ''
printf '0002-b.patch\n0001-a.patch\n' >"$toy/root/$SERIES_DIR/series"
ok "refuses an edit before the file is there" refuses '0002-b.patch: arch/new.c: no such file' toy
later 's/^Subject.*/&\nNew-file: arch\/new.c/'
sed -i 1d "$toy/root/$SERIES_DIR/series"
rm "$toy/root/$SERIES_DIR/0001-a.patch"
ok "refuses a patch that brings a file and edits it" refuses '0002-b.patch: arch/new.c: is brought and edited' toy

edit ''
cp "$toy/root/$SERIES_DIR/0001-a.patch" "$toy/root/$SERIES_DIR/0002-b.patch"
ok "refuses a patch that is not listed" refuses '0002-b.patch: not listed' toy
echo 0003-c.patch >>"$toy/root/$SERIES_DIR/series"
ok "refuses a listed patch that is missing" refuses '0003-c.patch: listed .* missing' toy
finish
