#!/bin/sh
# Files stay under about 500 lines; one that is larger says why in its first comment ("Long because ...").
set -u
cd "$(dirname "$0")/../.." || exit 1
found=$(find imagefmt engines parasite crit streamer samples proto/tool -name '*.[ch]' 2>/dev/null | while read -r f; do
	n=$(wc -l <"$f")
	[ "$n" -le 600 ] || head -20 "$f" | grep -qi 'long because' || echo "$f: $n lines"
done)
echo 1..1
if [ -n "$found" ]; then
	echo "not ok 1 - files have one purpose"
	echo "$found" | sed 's/^/# /'
	exit 1
fi
echo "ok 1 - files have one purpose"
