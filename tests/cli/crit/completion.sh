#!/bin/bash
# What bash completes on command lines of crit.
top=$(cd "$(dirname "$0")/../../.." && pwd)
build=${BUILD:-$top/build}
PATH=$(cd "$build" && pwd):$PATH
source <(crit --completion bash)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
tar -C "$dir" -xzf "$top/tests/images/refuse/whole-v2.tar.gz"
nr=0
status=0

# gives "what is expected" word...
gives()
{
	local expected=$1
	shift
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
	_crit
	nr=$((nr + 1))
	if [ "${COMPREPLY[*]}" = "$expected" ]; then
		echo "ok $nr - $*"
	else
		echo "not ok $nr - $*"
		echo "# ${COMPREPLY[*]}"
		status=1
	fi
}

gives 'core convert compress' crit co
gives '--json' crit convert --j
gives '1.0 1.1 2' crit convert --to ''
gives 'signals sk' crit x "$dir" s
gives '1 3' crit core "$dir" ''
gives "$dir" crit validate "$dir"
gives 'bash zsh' crit --completion ''
echo "1..$nr"
exit $status
