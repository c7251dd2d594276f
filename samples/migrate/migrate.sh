#!/bin/bash
# A migration between two hosts that share nothing but a directory: the dump host has criu-dump and no criu-restore, the
# restore host the reverse. Each "host" is a root directory, a mount and a pid namespace of its own.
#
# usage: migrate.sh BUILD-DIRECTORY
set -eu

if [ "$(id -u)" != 0 ]; then
	echo "dump and restore need root" >&2
	exit 1
fi

# Inside the namespaces of a host: make its root from the system's own libraries, its one program and the shared directory,
# change to it, and go on with a script there.
if [ "${1:-}" = --host ]; then
	program=$2 shared=$3 script=$4 root=$5
	mount --make-rprivate /
	mount -t tmpfs root "$root"
	for dir in usr lib lib64 bin sbin; do
		if [ -L "/$dir" ]; then
			cp -P "/$dir" "$root/$dir"
		elif [ -d "/$dir" ]; then
			mkdir "$root/$dir"
			mount --bind -o ro "/$dir" "$root/$dir"
		fi
	done
	mkdir "$root/proc" "$root/dev" "$root/opt" "$root/shared" "$root/old" "$root/tmp"
	mount -t proc proc "$root/proc"
	mount --rbind /dev "$root/dev"
	mount --bind "$shared" "$root/shared"
	cp "$program" "$root/opt/"
	pivot_root "$root" "$root/old"
	cd /
	umount -l /old
	rmdir /old
	exec /bin/bash -c "$script"
fi

build=$(realpath "${1:-build}")
here=$(realpath "$(dirname "$0")")

host() { # host PROGRAM SCRIPT
	unshare --mount --pid --fork --kill-child "$here/migrate.sh" --host "$build/$1" "$shared" "$2" "$work/root"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
shared=$work/shared
mkdir "$work/root" "$shared" "$shared/images"
cp "$build/samples/demo/counter" "$shared/"

echo "== The dump host: it has $(basename "$build/criu-dump") alone"
host criu-dump '
	ls /opt
	echo 300 >/proc/sys/kernel/ns_last_pid
	setsid /shared/counter /shared/out </dev/null >/dev/null 2>&1 &
	pid=$!
	sleep 0.5
	/opt/criu-dump -t $pid -D /shared/images -v4 -o dump.log || { tail /shared/images/dump.log; exit 1; }
	tail -n 1 /shared/out
'
before=$(wc -l <"$shared/out")

echo "== The restore host: it has criu-restore alone"
host criu-restore '
	ls /opt
	/opt/criu-restore -d -D /shared/images -v4 -o restore.log || { tail /shared/images/restore.log; exit 1; }
	sleep 0.5
	tail -n 1 /shared/out
'
after=$(wc -l <"$shared/out")

# No count is missing and none comes twice.
if [ "$after" -gt "$before" ] && awk '{ if ($NF != NR) exit 1 }' "$shared/out"; then
	echo "== It counted to $before there and to $after here"
else
	echo "the count is not whole" >&2
	exit 1
fi
