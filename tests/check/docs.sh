#!/bin/bash
# The tables of docs/format-messages.md are those of proto/, and docs/format.md knows every kind and every type of file.
cd "$(dirname "$0")/../.." || exit 1
echo 1..4
bad=0

# tell status name [reasons]
tell() {
	nr=$((nr + 1))
	if [ "$1" = 0 ]; then
		echo "ok $nr - $2"
	else
		echo "not ok $nr - $2"
		echo "$3" | sed 's/^/# /'
		bad=1
	fi
}

why=$(scripts/format-tables --check 2>&1)
tell $? "docs/format-messages.md is what proto/ says" "$why"

missing=$(sed -n 's/^\tROW(\([A-Z_0-9]*\),.*/\1/p' imagefmt/kinds/table.c | while read -r kind; do
	grep -q "^| $kind |" docs/format.md || echo "$kind"
done)
tell "$([ -z "$missing" ]; echo $?)" "docs/format.md lists every kind" "$missing"

missing=$(sed -n '/^enum fd_types/,/^}/s/^\t\([A-Z]*\) *=.*/\1/p' proto/fdinfo.proto | while read -r type; do
	[ "$type" = UND ] || [ "$type" = CTL_TTY ] || [ "$type" = AUTOFS_PIPE ] || grep -q "^| $type |" docs/format.md || echo "$type"
done)
tell "$([ -z "$missing" ]; echo $?)" "docs/format.md has every type of file" "$missing"

missing=$(sed -n 's/^\t{ "\([a-z-]*\)", ".*/\1/p' imagefmt/kinds/features.c | while read -r word; do
	grep -q "^| \`$word\` |" docs/format.md || echo "$word"
done)
tell "$([ -z "$missing" ]; echo $?)" "docs/format.md has every word of requires" "$missing"
exit $bad
