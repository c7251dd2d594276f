#!/usr/bin/env python3
"""TCP connections when something goes wrong: nothing of ours stays in the network, and the connection goes on."""
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'harness'))
import tap

BUILD = os.path.abspath(os.environ.get('BUILD') or os.path.join(HERE, '..', '..', '..', 'build'))
NAMESPACE = ['unshare', '-mpfn', '--mount-proc', '--kill-child']
KILLS = int(os.environ.get('ROUNDS', 25))

# Sends back what comes.
ECHO = r'''
import os, socket, sys
os.setsid()
s = socket.socket()
s.bind(('127.0.0.1', 0))
s.listen()
print(s.getsockname()[1], flush=True)
os.dup2(os.open('/dev/null', os.O_WRONLY), 1)
c, _ = s.accept()
while data := c.recv(65536):
    c.sendall(data)
'''


def rules():
    """What there is of packet filters, without counters and comments."""
    text = ''
    for command in (['iptables-save'], ['ip6tables-save'], ['nft', 'list', 'tables']):
        text += subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [line for line in text.splitlines() if 'DROP' in line or 'CRIU' in line]


def worker():
    """Whoever does the work of a criu-dump that was killed: is it there?"""
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/stat') as f:
                text = f.read()
        except OSError:
            continue
        if '(dump-worker)' in text and text.rsplit(')', 1)[1].split()[0] != 'Z':
            return True
    return False


class Case:
    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix='connections.')
        self.images = os.path.join(self.folder.name, 'images')
        os.mkdir(self.images)
        self.server = subprocess.Popen([sys.executable, '-c', ECHO], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL, text=True)
        self.sock = socket.create_connection(('127.0.0.1', int(self.server.stdout.readline())))
        self.sock.settimeout(20)
        self.server.stdout.close()
        self.works('at first')
        return self

    def __exit__(self, *unused):
        self.sock.close()
        self.server.kill()
        self.server.wait()
        self.folder.cleanup()

    def receive(self, size):
        data = b''
        while len(data) < size and (more := self.sock.recv(size - len(data))):
            data += more
        return data

    def works(self, when):
        data = os.urandom(100000)
        try:
            self.sock.sendall(data)
            back = self.receive(len(data))
        except OSError as e:
            raise tap.Failed(f'{when}: the connection: {e}') from None
        tap.check(back == data, f'{when}: {len(back)} bytes come back, or others')

    def command(self, program, *extra, lock='iptables'):
        options = ['--no-default-config', '-D', self.images, '--tcp-established', '--network-lock', lock, '-o', 'log']
        return [os.path.join(BUILD, program), *options, *extra]

    def run(self, program, *extra, **kw):
        return subprocess.run(self.command(program, *extra, **kw), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=60)

    def dump(self, *extra, **kw):
        return self.run('criu-dump', '-t', str(self.server.pid), *extra, **kw)


def refused():
    """without --tcp-established it is refused, and nothing is touched"""
    with Case() as c:
        p = subprocess.run([os.path.join(BUILD, 'criu-dump'), '--no-default-config', '-t', str(c.server.pid), '-D', c.images],
                           capture_output=True, text=True)
        tap.check(p.returncode == 3 and '--tcp-established' in p.stderr, p.stderr)
        tap.check(not rules(), f'{rules()}')
        c.works('after it')


def failed():
    """a dump that fails after all was read, by either lock"""
    for lock in ('iptables', 'nftables'):
        with Case() as c:
            p = c.dump('--action-script', 'test $CRTOOLS_SCRIPT_ACTION != post-dump', lock=lock)
            tap.check(p.returncode == 1, f'{lock}: {p.returncode} {p.stderr}')
            tap.check(not rules(), f'{lock}: {rules()}')
            c.works(lock)


def runs_on():
    """--leave-running, several times"""
    with Case() as c:
        for i in range(3):
            p = c.dump('-R')
            tap.check(p.returncode == 0, p.stderr)
            tap.check(not rules(), f'{rules()}')
            c.works(f'dump {i}')


def killed():
    """criu-dump is killed at any moment"""
    draw = random.Random(7)
    with Case() as c:
        for i in range(KILLS):
            p = subprocess.Popen(c.command('criu-dump', '-t', str(c.server.pid), '-R'), stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(draw.random() * 0.08)
            p.kill()
            p.wait()
            until = time.monotonic() + 20
            while worker() and time.monotonic() < until:
                time.sleep(0.02)
            tap.check(not worker(), f'kill {i}: the worker does not end')
            tap.check(not rules(), f'kill {i}: {rules()}')
            c.works(f'kill {i}')


def restored():
    """the lock stays until the restore, a restore that fails leaves it, the next one takes it away"""
    for lock in ('iptables', 'nftables'):
        with Case() as c:
            p = c.dump(lock=lock)
            tap.check(p.returncode == 0, p.stderr)
            c.server.wait()
            before = rules()
            tap.check(before, f'{lock}: nothing is locked')
            c.sock.sendall(b'is anybody there?')
            p = c.run('criu-restore', '-d', '--action-script', 'test $CRTOOLS_SCRIPT_ACTION != post-restore', lock=lock)
            tap.check(p.returncode == 1, f'{lock}: {p.returncode} {p.stderr}')
            tap.check(rules() == before, f'{lock}: {rules()}, not {before}')
            p = c.run('criu-restore', '-d', '--pidfile', os.path.join(c.folder.name, 'pid'), lock=lock)
            tap.check(p.returncode == 0, p.stderr)
            tap.check(not rules(), f'{lock}: {rules()}')
            tap.check(c.receive(17) == b'is anybody there?', f'{lock}: what was sent meanwhile')
            c.works(f'{lock}: restored')
            os.kill(int(open(os.path.join(c.folder.name, 'pid')).read()), signal.SIGKILL)


def given_up():
    """--tcp-close: the server sees the end, the other side a reset"""
    with Case() as c:
        p = subprocess.run([os.path.join(BUILD, 'criu-dump'), '--no-default-config', '-t', str(c.server.pid), '-D', c.images,
                            '--tcp-close'], capture_output=True, text=True)
        tap.check(p.returncode == 0, p.stderr)
        c.server.wait()
        tap.check(not rules(), f'{rules()}')
        try:
            tap.check(False, f'the other side reads {c.sock.recv(1)}')
        except ConnectionResetError:
            pass
        p = subprocess.run([os.path.join(BUILD, 'criu-restore'), '--no-default-config', '-D', c.images, '--tcp-close'],
                           capture_output=True, text=True, timeout=60)
        tap.check(p.returncode == 0, f'the server does not end: {p.returncode} {p.stderr}')


def main():
    if os.geteuid() != 0:
        print('1..0 # SKIP dump and restore need root')
        return 0
    for program in ('iptables-save', 'nft'):
        if not shutil.which(program):
            print(f'1..0 # SKIP {program} is not installed')
            return 0
    if sys.argv[1:] != ['inside']:
        return subprocess.run([*NAMESPACE, sys.executable, __file__, 'inside'], check=False).returncode
    subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
    return tap.main([refused, failed, runs_on, killed, restored, given_up])


if __name__ == '__main__':
    sys.exit(main())
