# SPDX-License-Identifier: GPL-2.0-only
#
# Cut functions and structures out of a kernel file, with their bodies: -v names="a b".
# The first of a name is it: what comes later is for other configurations. The limit of
# where kexec_file_load() puts segments becomes a macro.

BEGIN {
	n = split(names, list, " ")
	for (i = 1; i <= n; i++)
		wanted[list[i]]
}
!on {
	name = ""
	if ($0 ~ /^struct [a-z_0-9]+ \{$/)
		name = $2
	else if ($0 ~ /^[a-z].*\(/ && $0 !~ /;$/)
		name = substr($0, 1, index($0, "(") - 1)
	sub(/.*[ *]/, "", name)
	if (name != "" && name in wanted) {
		on = 1
		delete wanted[name]
		print "#define HAVE_" name
		# The type may be in a line of its own.
		if (last ~ /^[a-z][a-z_ *]*$/)
			print last
	}
	last = $0
}
on { print }
on && /^}/ { on = 0 }

/^# *define KEXEC_LAST_ADDR/ { print }
/struct kexec_buf kbuf = .*\.buf_max = / {
	limit = $0
	sub(/.*\.buf_max = /, "", limit)
	sub(/,.*/, "", limit)
	print "#define KBUF_BUF_MAX " limit
}
