#!/bin/bash
# The main job, to watch: a process is dumped by one binary, looked at, and rebuilt by another; it carries on where it was.
# usage: demo.sh BUILD-DIRECTORY
set -eu
build=$(realpath "${1:-build}")

if [ "$(id -u)" != 0 ]; then
	echo "dump and restore need root" >&2
	exit 1
fi
# Everything happens in a pid namespace of its own, so that the process gets its old pid back whatever else runs here.
if [ -z "${DEMO_INSIDE:-}" ]; then
	exec env DEMO_INSIDE=1 unshare --pid --fork --mount-proc --kill-child "$0" "$build"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/images"
step() { printf '\n== %s\n' "$*"; }

step "A process counts"
echo 300 >/proc/sys/kernel/ns_last_pid
setsid "$build/samples/demo/counter" "$work/out" </dev/null >/dev/null 2>&1 &
pid=$!
disown
sleep 1
tail -n 1 "$work/out"

step "criu-dump -t $pid -D images: saved as a set of image files, and gone"
"$build/criu-dump" -t "$pid" -D "$work/images" -o dump.log -v4 || { tail "$work/images/dump.log"; exit 1; }
while grep -qs '^State:.*zombie' "/proc/$pid/status"; do sleep 0.01; done # until the shell has noticed
if kill -0 "$pid" 2>/dev/null; then echo "process $pid is still there" >&2; exit 1; fi
ls "$work/images"
at=$(tail -n 1 "$work/out")
echo "$at"

step "crit show images/pstree.img: what is in them"
"$build/crit" show "$work/images/pstree.img"
echo

step "criu-restore -d -D images: rebuilt from the files by another program"
"$build/criu-restore" -d -D "$work/images" -o restore.log -v4 || { tail "$work/images/restore.log"; exit 1; }
sleep 1
tail -n 1 "$work/out"

before=${at##* }
after=$(tail -n 1 "$work/out")
after=${after##* }
kill -9 "$pid"
if [ "$after" -gt "$before" ]; then
	step "It went on from $before to $after, as process $pid"
else
	echo "it did not go on" >&2
	exit 1
fi
