#!/bin/sh
# No mutable state at file scope, and nothing printed, in the libraries and the engines: told from the object files.
# A variable that can change is an object in .data or .bss (constants with addresses in them are in .data.rel.ro).
set -u
build=${BUILD:-build}
bad=0

echo 1..2
found=$(find "$build/imagefmt" "$build/engines" "$build/crit" "$build/parasite/host" -name '*.o' 2>/dev/null |
	while read -r o; do
		objdump -t "$o" 2>/dev/null |
			awk -v o="$o" '$0 ~ / O [.](data|bss|data[.]rel|data[.]rel[.]local)\t/ { print o ": " $NF }'
	done | grep -v -e asan -e ubsan -e __func__ -e plugins_current)
if [ -n "$found" ]; then
	echo "not ok 1 - no mutable state at file scope"
	echo "$found" | sed 's/^/# /'
	bad=1
else
	echo "ok 1 - no mutable state at file scope"
fi

# _exit is for children only: where nothing forks, nothing may call it.
found=$(find "$build/imagefmt" "$build/engines/kernel" -name '*.o' 2>/dev/null |
	while read -r o; do
		nm "$o" 2>/dev/null | awk -v o="$o" '
			$1 == "U" && $2 ~ /^(printf|__printf_chk|puts|putchar|perror|exit|abort)$/ { print o ": " $2 }
			$1 == "U" && $2 == "_exit" { ends = 1 }
			$1 == "U" && $2 ~ /^(fork|vfork|clone|syscall)$/ { forks = 1 }
			END { if (ends && !forks) print o ": _exit" }'
	done)
if [ -n "$found" ]; then
	echo "not ok 2 - libraries are silent and do not exit"
	echo "$found" | sed 's/^/# /'
	bad=1
else
	echo "ok 2 - libraries are silent and do not exit"
fi
exit $bad
