#!/bin/bash
# Live migration in one line: the images go from the dump on one host straight into the restore on another, over ssh or a
# plain TCP connection (socat). Nothing of them is on a disk. The other "host" is a pid namespace with a server of its own.
#
# usage: live.sh BUILD-DIRECTORY ssh|socat
set -eu -o pipefail
here=$(realpath "$0")
build=$(realpath "${1:-build}")
way=${2:-ssh}

# The other host: its server, until we are done.
if [ "${3:-}" = --there ]; then
	case $way in
	ssh) /usr/sbin/sshd -D -f "$work/sshd_config" & ;;
	socat) socat "TCP-LISTEN:$port,bind=127.0.0.1,reuseaddr" "EXEC:$build/criu-restore --stream -d" & ;;
	esac
	while [ ! -e "$work/done" ]; do sleep 0.1; done
	exit
fi

# This host.
if [ "${3:-}" = --here ]; then
	echo 300 >/proc/sys/kernel/ns_last_pid
	setsid "$build/samples/demo/counter" "$work/out" </dev/null >/dev/null 2>&1 &
	pid=$!
	sleep 0.5
	case $way in
	ssh) "$build/criu-dump" --stream --compress -t $pid | ssh -F "$work/ssh_config" there "$build/criu-restore" --stream -d ;;
	socat) "$build/criu-dump" --stream --compress -t $pid | socat -u - "TCP:127.0.0.1:$port,retry=50,interval=0.1" ;;
	esac
	exit
fi

[ "$(id -u)" = 0 ] || { echo "dump and restore need root" >&2; exit 1; }
case $way in
ssh) [ -x /usr/sbin/sshd ] && command -v ssh >/dev/null || { echo "no ssh and sshd" >&2; exit 77; } ;;
socat) command -v socat >/dev/null || { echo "no socat" >&2; exit 77; } ;;
*) echo "usage: live.sh BUILD-DIRECTORY ssh|socat" >&2; exit 2 ;;
esac

export work port
work=$(mktemp -d)
trap 'touch "$work/done"; wait; rm -rf "$work"' EXIT
port=$((20000 + $$ % 20000))
if [ "$way" = ssh ]; then
	mkdir -p /run/sshd
	ssh-keygen -q -t ed25519 -N '' -f "$work/key"
	ssh-keygen -q -t ed25519 -N '' -f "$work/host_key"
	printf '%s\n' "Port $port" 'ListenAddress 127.0.0.1' "HostKey $work/host_key" "AuthorizedKeysFile $work/key.pub" \
		'PermitRootLogin yes' 'StrictModes no' 'UsePAM no' "PidFile $work/sshd.pid" >"$work/sshd_config"
	printf '%s\n' 'Host there' ' HostName 127.0.0.1' " Port $port" ' User root' " IdentityFile $work/key" ' BatchMode yes' \
		' StrictHostKeyChecking no' ' UserKnownHostsFile /dev/null' ' LogLevel ERROR' ' ConnectionAttempts 50' >"$work/ssh_config"
fi

unshare --pid --fork --mount-proc --kill-child "$here" "$build" "$way" --there &
# It listens when it listens.
for _ in $(seq 100); do
	[ -z "$(ss -Hltn "sport = :$port")" ] || break
	sleep 0.1
done
unshare --pid --fork --mount-proc --kill-child "$here" "$build" "$way" --here
before=$(wc -l <"$work/out")
for _ in $(seq 50); do
	[ "$(wc -l <"$work/out")" -gt $((before + 3)) ] && break
	sleep 0.1
done
after=$(wc -l <"$work/out")
if [ "$after" -gt "$before" ] && awk '{ if ($NF != NR) exit 1 }' "$work/out"; then
	echo "It counted to $before here and to $after there"
else
	echo "the count is not whole" >&2
	exit 1
fi
