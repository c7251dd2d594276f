#!/bin/bash
# A sample for each public header, and each does what it says.
cd "$(dirname "$0")/../.." || exit 1
build=${BUILD:-build}
api=$build/samples/api
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/set"
tar -C "$dir/set" -xzf tests/images/refuse/whole-v2.tar.gz
nr=0
bad=0

# says "words" command...
says()
{
	local words=$1 out
	shift
	nr=$((nr + 1))
	if out=$("$@" 2>&1) && [[ $out == *"$words"* ]]; then
		echo "ok $nr - $(basename "$1")"
	else
		echo "not ok $nr - $(basename "$1")"
		sed 's/^/# /' <<<"$out"
		bad=1
	fi
}

for h in imagefmt/include/criuimg/*.h; do
	[ -e "samples/api/$(basename "$h" .h).c" ] || missing+=" $(basename "$h")"
done
nr=1
[ -z "$missing" ] && echo "ok 1 - each header has a sample" || { echo "not ok 1 - each header has a sample"; echo "# $missing"; bad=1; }

says 'corrupt image: core-7.img: 3 bytes where 4 belong (exit status 4)' "$api/err"
says 'worker 7' "$api/arena"
says '100 elements, the sum is 328350' "$api/array"
says 'no log' "$api/cleanup" "$dir"
says '8192 bytes' "$api/io" "$dir/set/pages-1.img"
says 'CORE number 17: core_entry' "$api/kind"
says '1, child of 0' "$api/image" "$dir/set"
says '8192 pages-1.img' "$api/set" "$dir/set"
says 'runs' "$api/pages" "$dir/set" 1
says '"magic": "INVENTORY"' "$api/json" "$dir/set"
says '0 errors' "$api/validate" "$dir/set"
says '' "$api/convert" "$dir/set" "$dir/set.tar.zst"
says '0 errors' "$api/validate" "$dir/set.tar.zst"
says 'line 0654321' "$api/compress" "$dir/lines.zst"
says '' "$api/digest" "$dir/lines.zst"
says 'members' "$api/manifest" "$dir/set"
says 'pages-1.img: 8192 bytes' bash -c "$api/stream <$dir/set.tar.zst"
says 'memory' "$api/vma" "$dir/set" 1
echo "1..$nr"
exit $bad
