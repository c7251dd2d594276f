#!/bin/bash
# The shared library: its symbols are those of the headers, every header stands alone in C and in C++, a program links against it.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${BUILD:-build}
so=$build/libcriuimg.so
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
flags="-Iimagefmt/include -I$build/proto $(pkg-config --cflags libprotobuf-c)"
nr=0
bad=0

tell() { # status, name, file with reasons
	nr=$((nr + 1))
	if [ "$1" = 0 ]; then
		echo "ok $nr - $2"
	else
		echo "not ok $nr - $2"
		sed 's/^/# /' "$3"
		bad=1
	fi
}

echo 1..6
scripts/symbols --check >"$dir/out" 2>&1
tell $? "the map has what the headers declare" "$dir/out"

nm -D --defined-only "$so" | sed 's/@.*//' | awk '$2 != "A" { print $3 }' |
	grep -v -E '^img_|__(descriptor|init|get_packed_size|pack|pack_to_buffer|unpack|free_unpacked)$' >"$dir/out"
tell "$([ -s "$dir/out" ] && echo 1 || echo 0)" "exported symbols carry img_ or are those of messages" "$dir/out"

sed -n 's/^\t\(img_.*\);/\1/p' imagefmt/criuimg.map | sort >"$dir/want"
nm -D --defined-only "$so" | sed 's/@.*//' | awk '{ print $3 }' | grep ^img_ |
	grep -v -E '__(descriptor|init|get_packed_size|pack|pack_to_buffer|unpack|free_unpacked)$' | sort >"$dir/have"
diff "$dir/want" "$dir/have" >"$dir/out"
tell $? "what the map has is defined" "$dir/out"

for compiler in "gcc -std=gnu17 -x c" "g++ -std=c++17 -x c++"; do
	: >"$dir/out"
	for h in imagefmt/include/criuimg/*.h; do
		echo "#include \"criuimg/$(basename "$h")\"" >"$dir/x"
		# shellcheck disable=SC2086
		$compiler -Wall -Wextra -Werror -fsyntax-only $flags "$dir/x" >>"$dir/out" 2>&1
	done
	tell "$([ -s "$dir/out" ] && echo 1 || echo 0)" "headers stand alone: ${compiler%% *}" "$dir/out"
done

cat >"$dir/x.cc" <<'END'
#include <cstdio>
#include "criuimg/image.h"
#include "criuimg/set.h"
#include "inventory.pb-c.h"

int main()
{
	struct img_err err = IMG_ERR_INIT;
	struct img_set *set = img_set_create_memory(&err);
	InventoryEntry entry = INVENTORY_ENTRY__INIT, *back;

	entry.img_version = 2;
	if (!set || img_write_single(set, IMG_INVENTORY, 0, &entry.base, &err) ||
		img_read_single(set, IMG_INVENTORY, 0, reinterpret_cast<ProtobufCMessage **>(&back), &err) != 1) {
		std::puts(err.text);
		return 1;
	}
	img_message_free(&back->base);
	img_set_close(set);
	return 0;
}
END
if nm -D "$so" | grep -q __asan_init; then
	nr=$((nr + 1))
	echo "ok $nr - a program in C++ # SKIP the library is built with a sanitizer"
else
	# shellcheck disable=SC2086
	{ g++ -std=c++17 -Wall -Wextra -Werror $flags -o "$dir/x.out" "$dir/x.cc" -L"$build" -lcriuimg $(pkg-config --libs libprotobuf-c) &&
		LD_LIBRARY_PATH=$build "$dir/x.out"; } >"$dir/out" 2>&1
	tell $? "a program in C++ links against it and runs" "$dir/out"
fi
exit $bad
