#!/bin/bash
# A checkpoint in object storage: dumped on one "host" straight into a bucket, restored from it on another, with no image on
# a disk at either end. First as one object, then as three at the same time, by criu-image-streamer. The server is one of
# Amazon's interface on the loopback (s3rver, from npm), the client rclone.
#
# usage: object-storage.sh BUILD-DIRECTORY
#   S3RVER=PATH     s3rver, if it is not in $PATH nor in ./node_modules (npm install s3rver)
set -eu -o pipefail
here=$(realpath "$0")
build=$(realpath "${1:-build}")

# A "host" is a pid namespace of its own: the pids of one are free on the other.
host() { # host FUNCTION
	unshare --pid --fork --mount-proc --kill-child "$here" "$build" --on-host "$1"
}

# ---- what happens on the hosts; $work, $bucket and rclone's configuration are in the environment ----

start_counter() {
	echo 300 >/proc/sys/kernel/ns_last_pid
	setsid "$build/samples/demo/counter" "$work/out" </dev/null >/dev/null 2>&1 &
	pid=$!
	sleep 0.5
}

dump_one() {
	start_counter
	"$build/criu-dump" -t $pid --stream --compress | rclone rcat "$bucket/app.tar.zst"
}

restore_one() {
	rclone cat "$bucket/app.tar.zst" | "$build/criu-restore" --stream -d
	sleep 0.5
}

dump_shards() {
	local fds='' uploads='' i
	start_counter
	for i in 1 2 3; do
		mkfifo "$work/up$i"
		zstd -q <"$work/up$i" | rclone rcat "$bucket/app-$i.zst" &
		uploads="$uploads $!"
		exec {fd}>"$work/up$i"
		fds="$fds,$fd"
	done
	# Progress tells when the dump may connect.
	mkfifo "$work/progress"
	"$build/criu-image-streamer" -D "$work/run" -s "${fds#,}" -p 3 capture 3>"$work/progress" &
	for fd in ${fds//,/ }; do exec {fd}>&-; done
	exec 4<"$work/progress"
	read -r line <&4 && [ "$line" = socket-init ]
	"$build/criu-dump" -t $pid --stream -D "$work/run" &
	wait $!
	cat <&4
	wait $uploads
}

restore_shards() {
	local fds='' i
	for i in 3 1 2; do
		mkfifo "$work/down$i"
		rclone cat "$bucket/app-$i.zst" | zstd -dq >"$work/down$i" &
		exec {fd}<"$work/down$i"
		fds="$fds,$fd"
	done
	rm "$work/progress"
	mkfifo "$work/progress"
	"$build/criu-image-streamer" -D "$work/run" -s "${fds#,}" -p 3 serve 3>"$work/progress" &
	exec 4<"$work/progress"
	read -r line <&4
	echo "$line"
	read -r line <&4 && [ "$line" = socket-init ]
	"$build/criu-restore" --stream -D "$work/run" -d
	sleep 0.5
}

if [ "${2:-}" = --on-host ]; then
	"$3"
	exit
fi

# ---- all of it ----

[ "$(id -u)" = 0 ] || { echo "dump and restore need root" >&2; exit 1; }
s3rver=${S3RVER:-$(command -v s3rver || ls node_modules/.bin/s3rver 2>/dev/null || true)}
[ -n "$s3rver" ] || { echo "no s3rver: npm install s3rver" >&2; exit 77; }
command -v rclone >/dev/null || { echo "no rclone" >&2; exit 77; }

# Of no use on the loopback, and in the way of this client.
unset AWS_CA_BUNDLE
export work
work=$(mktemp -d)
trap '[ -z "${server:-}" ] || kill $server; rm -rf "$work"' EXIT
mkdir "$work/run" "$work/store"
"$s3rver" --silent -d "$work/store" -a 127.0.0.1 -p 0 --configure-bucket checkpoints >"$work/server" 2>&1 &
server=$!
for _ in $(seq 100); do
	port=$(ss -Hltnp 2>/dev/null | sed -n "s/.*127\.0\.0\.1:\([0-9]*\) .*pid=$server,.*/\1/p")
	[ -z "$port" ] || break
	sleep 0.1
done
[ -n "$port" ] || { echo "the server does not start:" >&2; cat "$work/server" >&2; exit 1; }
export RCLONE_CONFIG=/dev/null RCLONE_CONFIG_S3_TYPE=s3 RCLONE_CONFIG_S3_PROVIDER=Other RCLONE_CONFIG_S3_ACCESS_KEY_ID=S3RVER
export RCLONE_CONFIG_S3_SECRET_ACCESS_KEY=S3RVER RCLONE_CONFIG_S3_ENDPOINT=http://127.0.0.1:$port bucket=s3:checkpoints

for way in one shards; do
	rm -f "$work/out"
	echo "== Dumped into the bucket ($way)"
	host dump_$way
	rclone ls "$bucket"
	if [ $way = one ]; then
		echo "== Looked into where it is"
		no_proxy=127.0.0.1 "$build/crit" x "http://127.0.0.1:$port/checkpoints/app.tar.zst" ps
	fi
	before=$(wc -l <"$work/out")
	echo "== Restored from it, elsewhere"
	host restore_$way
	after=$(wc -l <"$work/out")
	# No count is missing and none comes twice.
	if [ "$after" -gt "$before" ] && awk '{ if ($NF != NR) exit 1 }' "$work/out"; then
		echo "== It counted to $before there and to $after here"
	else
		echo "the count is not whole" >&2
		exit 1
	fi
done
