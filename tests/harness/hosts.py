"""Two "hosts" and a client, network namespaces on one bridge: a server with live connections is dumped on one host and restored on the other,
which has its address and takes over its port of the bridge.

    def test(h):
        \"\"\"what is tested\"\"\"
        h.start(['python3', h.write('server.py', SERVER)])
        s = h.connect(8080)
        h.migrate()
        ...

    hosts.main([test])

With names of tests as arguments those are run alone. Each test is run by every way of moving, in namespaces of its own: by a directory, and through a pipe while both hosts work.
"""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import tap
from tap import Failed, Skipped, check

BUILD = os.path.abspath(os.environ.get('BUILD') or os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'build'))
WAYS = ('directory', 'stream')
INSIDE = ('unshare', '--mount', '--net', '--ipc', '--uts', '--pid', '--fork', '--mount-proc', '--kill-child')
TIMEOUT = 120
SERVER = '10.77.0.10'

SETUP = '''
set -e
mount -t tmpfs run /run
mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts /dev/pts && mount --bind /dev/pts/ptmx /dev/ptmx
ip link set lo up
ip link add br0 type bridge && ip link set br0 up && ip addr add 10.77.0.1/24 dev br0
for host in a b; do
    ip netns add $host
    ip link add port-$host type veth peer name eth0 netns $host
    ip link set port-$host master br0
    ip -n $host link set eth0 address 02:00:00:77:00:10
    ip -n $host link set lo up
    ip -n $host addr add 10.77.0.10/24 dev eth0
    ip -n $host link set eth0 up
done
ip link set port-a up
'''

# Called by criu-restore, when all is there and nothing runs: the other host takes over.
SWITCH = '''#!/bin/sh
[ "$CRTOOLS_SCRIPT_ACTION" = pre-resume ] || exit 0
nsenter --net=/proc/1/ns/net sh -c 'ip link set port-a down; ip link set port-b up'
'''


def on(host):
    return ['nsenter', '--net=/run/netns/' + host]


class Hosts:
    def __init__(self, way, work):
        self.way, self.work, self.pid = way, work, None
        self.dir = os.path.join(work, 'dir')
        self.images = os.path.join(work, 'images')
        for d in (self.dir, self.images):
            os.mkdir(d)
        os.chmod(work, 0o755)
        os.chmod(self.dir, 0o777)
        subprocess.run(['sh', '-c', SETUP], check=True)
        self.switch = self.write('switch', SWITCH)
        os.chmod(self.switch, 0o755)

    def file(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        with open(self.file(name), 'w') as f:
            f.write(text)
        return self.file(name)

    def read(self, name):
        with open(self.file(name), errors='replace') as f:
            return f.read()

    def wait(self, true, what, timeout=30):
        end = time.monotonic() + timeout
        while not true():
            check(time.monotonic() < end, f'{what}: nothing after {timeout} s')
            time.sleep(0.02)

    def start(self, command):
        """The root of the tree, on the first host."""
        if not shutil.which(command[0]):
            raise Skipped(f'{command[0]} is not installed')
        with open(os.path.join(self.work, 'out'), 'ab') as out:
            p = subprocess.Popen(on('a') + ['setsid', *command], cwd=self.dir, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        self.process, self.pid = p, p.pid

    def connect(self, port, timeout=10):
        end = time.monotonic() + timeout
        while True:
            s = socket.socket()
            s.settimeout(60)
            try:
                s.connect((SERVER, port))
                return s
            except OSError as e:
                s.close()
                if time.monotonic() > end:
                    raise Failed(f'port {port}: {e}: ' + open(os.path.join(self.work, 'out'), errors='replace').read()[-400:]) from None
                time.sleep(0.05)

    def migrate(self, *options):
        """From one host to the other. The way back is not built."""
        common = ['--tcp-established', '-v4', '-D', self.images, *options]
        dump = on('a') + [os.path.join(BUILD, 'criu-dump'), '-t', str(self.pid), *common, '-o', 'dump.log']
        restore = on('b') + [os.path.join(BUILD, 'criu-restore'), *common, '-o', 'restore.log', '--restore-detached', '--action-script', self.switch,
                             '--pidfile', os.path.join(self.work, 'pid')]
        if self.way == 'stream':
            d = subprocess.Popen([*dump, '--stream'], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=False)
            # The tree's pids are free when its last task is reaped: our child.
            r = subprocess.Popen([*restore, '--stream'], stdin=d.stdout, stderr=subprocess.PIPE)
            d.stdout.close()
            self.reap(d)
            self.end(d, 'dump')
            self.end(r, 'restore')
        else:
            d = subprocess.Popen(dump, stderr=subprocess.PIPE)
            self.reap(d)
            self.end(d, 'dump')
            self.end(subprocess.Popen(restore, stderr=subprocess.PIPE), 'restore')

    def reap(self, dump):
        """The tree ends, unless the dump fails."""
        while self.process.poll() is None and dump.poll() is None:
            time.sleep(0.001)

    def end(self, p, name):
        try:
            text = p.communicate(timeout=TIMEOUT)[1].decode(errors='replace')
        except subprocess.TimeoutExpired:
            p.kill()
            text = 'does not end'
        if p.returncode:
            log = os.path.join(self.images, name + '.log')
            tail = open(log, errors='replace').read()[-700:] if os.path.exists(log) else ''
            raise Failed(f'criu-{name}: status {p.returncode}: {text}{tail}')


def be_init():
    """Orphans of the tree are reaped at once, so that their pids are free."""
    child = os.fork()
    while child:
        pid, status = os.wait()
        if pid == child:
            os._exit(os.waitstatus_to_exitcode(status) & 255)


def one(tests, name, way):
    be_init()
    work = tempfile.mkdtemp(prefix='hosts-')
    verdict, text = 'ok', ''
    try:
        text = next(t for t in tests if t.__name__ == name)(Hosts(way, work)) or ''
    except Failed as e:
        verdict, text = 'fail', str(e)
    except Skipped as e:
        verdict, text = 'skip', str(e)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(json.dumps([verdict, text]), flush=True)


def row(test, way):
    def run():
        p = subprocess.run([*INSIDE, sys.executable, sys.argv[0], '--one', test.__name__, way], stdin=subprocess.DEVNULL,
                           capture_output=True, text=True, timeout=3 * TIMEOUT)
        try:
            verdict, text = json.loads(p.stdout.splitlines()[-1])
        except (IndexError, ValueError):
            raise Failed(f'no verdict: {p.stdout[-500:]} {p.stderr[-1500:]}') from None
        if verdict == 'skip':
            raise Skipped(text)
        check(verdict == 'ok', text)
        if text:
            print('# ' + text)

    run.__doc__ = f'{test.__doc__.strip()}, {way}'
    return run


def main(tests):
    if sys.argv[1:2] == ['--one']:
        return one(tests, *sys.argv[2:])
    if os.geteuid() != 0:
        print('1..0 # SKIP dump and restore need root')
        return 0
    for program in ('ip', 'iptables', 'nsenter'):
        if not shutil.which(program):
            print(f'1..0 # SKIP {program} is not installed')
            return 0
    names = sys.argv[1:]  # of tests: those alone
    return tap.main([row(t, way) for t in tests for way in WAYS if not names or t.__name__ in names])
