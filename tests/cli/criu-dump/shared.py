#!/usr/bin/env python3
"""Shared memory in chains: what a pre-dump has stored, the dump does not store again."""
import json
import os
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'harness'))
sys.path.insert(0, HERE)
import busy
import chain
import tap

CRIT = os.path.join(chain.BUILD, 'crit')
PEER = os.environ.get('PEER_CRIU')
PAGES = 1024

# Anonymous and a memfd, shared with a child; SIGUSR1 writes 20 pages of each and unmaps a third; SIGTERM checks.
SUBJECT = '''
import mmap, os, random, signal, sys, time
PAGES = 1024
bytes_of = lambda seed: random.Random(seed).randbytes(PAGES * 4096)
anon = mmap.mmap(-1, PAGES * 4096)
fd = os.memfd_create('some')
os.ftruncate(fd, PAGES * 4096)
memfd = mmap.mmap(fd, PAGES * 4096)
short = mmap.mmap(-1, PAGES * 4096)
for seed, m in enumerate((anon, memfd, short)):
    m[:] = bytes_of(seed)
wanted = [bytearray(bytes_of(0)), bytearray(bytes_of(1))]
turn = 0
def write(*a):
    global turn, short
    turn += 1
    for w, m in zip(wanted, (anon, memfd)):
        for i in range(20):
            at = (turn * 31 + i * 7) % PAGES * 4096
            # Zeros, too: a page that had something has nothing.
            w[at:at + 4096] = m[at:at + 4096] = bytes(4096) if i == 3 else random.Random(turn * 100 + i).randbytes(4096)
    if short:
        short.close()
        short = None
    open('wrote', 'w').write(str(turn))
def check(*a):
    good = [bytes(w) == m[:] for w, m in zip(wanted, (anon, memfd))]
    with open('verdict.tmp', 'w') as f:
        f.write('ok' if all(good) else 'lost: ' + str(good))
    os.rename('verdict.tmp', 'verdict')
child = os.fork()
signal.signal(signal.SIGUSR1, write)
signal.signal(signal.SIGTERM, check)
if child:
    open('wrote', 'w').write('0')
while True:
    time.sleep(0.01)
'''


class Case:
    def __enter__(self):
        self.temp = tempfile.TemporaryDirectory(prefix='dump-shared.')
        self.dir = self.temp.name
        self.p = subprocess.Popen([sys.executable, '-c', SUBJECT], cwd=self.dir, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, start_new_session=True)
        self.pid = self.p.pid
        chain.until(lambda: self.read('wrote') == '0', 'it does not start')
        return self

    def __exit__(self, *_):
        self.end()
        self.temp.cleanup()

    def end(self):
        for pid in (*self.children(), self.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        chain.until(lambda: not os.path.exists(f'/proc/{self.pid}'), 'it does not end')

    def children(self):
        try:
            with open(f'/proc/{self.pid}/task/{self.pid}/children') as f:
                return [int(p) for p in f.read().split()]
        except OSError:
            return []

    def read(self, name):
        try:
            with open(os.path.join(self.dir, name)) as f:
                return f.read()
        except OSError:
            return None

    def write(self, turn):
        os.kill(self.pid, signal.SIGUSR1)
        chain.until(lambda: self.read('wrote') == str(turn), 'it does not write')

    def take(self, verb, name, before=None, *args):
        path = os.path.join(self.dir, name)
        if '.' not in name:
            os.mkdir(path)
        over = ['--prev-images-dir', f'../{before}' if '.' not in name else before] if before else []
        tap.run(chain.DUMP, verb, '--no-default-config', '-t', self.pid, '-D', path, '-o', 'log', '-v4', '-W', self.dir, *over, *args)
        chain.reap()
        p = tap.run(CRIT, 'decode', '-i', os.path.join(self.dir, 'stats-dump'))
        return json.loads(p.stdout)['entries'][0]['dump']

    def back(self, name, program=(chain.RESTORE,)):
        tap.run(*program, '--no-default-config', '-d', '-D', os.path.join(self.dir, name), '-o', 'back.log', '-v4')
        self.verdict()

    def verdict(self):
        os.kill(self.pid, signal.SIGTERM)
        chain.until(lambda: self.read('verdict'), 'no verdict')
        tap.check(self.read('verdict') == 'ok', self.read('verdict'))


def chained(suffix, *args, program=(chain.RESTORE,)):
    with Case() as c:
        names = [f'{nr}{suffix}' for nr in (1, 2, 3)]
        first = c.take('pre-dump', names[0], None, *args)
        tap.check(first['shpages_written'] >= 3 * PAGES, f'the first pre-dump: {first}')
        c.write(1)
        second = c.take('pre-dump', names[1], names[0], *args)
        tap.check(second['shpages_written'] <= 42, f'the second one: {second}')
        c.write(2)
        last = c.take('dump', names[2], names[1], *args)
        tap.check(last['shpages_written'] <= 42 and last['shpages_skipped_parent'] > 2 * PAGES - 90, f'the dump: {last}')
        c.back(names[2], program)


def directories():
    """a chain of directories stores only what was written"""
    chained('')


def compressed():
    """the same with --compress"""
    chained('', '--compress')


def archives():
    """a chain of archives"""
    chained('.tar')
    chained('.tar.zst')


def through_a_pipe(name, verb, c, *args):
    path = os.path.join(c.dir, name)
    with open(path, 'wb') as f:
        p = subprocess.run([chain.DUMP, verb, '--no-default-config', '-t', str(c.pid), '--stream', '-W', c.dir, *args],
                           stdin=subprocess.DEVNULL, stdout=f, stderr=subprocess.PIPE, text=True, timeout=60)
    tap.check(p.returncode == 0, p.stderr)
    chain.reap()
    return path


def streams():
    """a chain of streams, restored at once; segments of which the last one has nothing"""
    for writes in (0, 1, 2):
        with Case() as c:
            files = [through_a_pipe('1', 'pre-dump', c)]
            if writes > 0:
                c.write(1)
            files.append(through_a_pipe('2', 'pre-dump', c, '--prev-images-dir', files[0]))
            if writes > 1:
                c.write(2)
            files.append(through_a_pipe('3', 'dump', c, '--prev-images-dir', files[1]))
            tap.check(os.stat(files[2]).st_size < os.stat(files[0]).st_size - 8 * PAGES * 1024, 'all of it is stored again')
            cat = subprocess.Popen(['cat', *files], stdout=subprocess.PIPE)
            tap.run(chain.RESTORE, '--no-default-config', '-d', '--stream', '-W', c.dir, stdin=cat.stdout)
            cat.stdout.close()
            cat.wait()
            c.verdict()


def peer():
    """another criu restores it"""
    if not PEER:
        raise tap.Skipped('PEER_CRIU names no other criu')
    chained('', program=(PEER, 'restore'))


if __name__ == '__main__':
    if os.geteuid() != 0:
        print('1..0 # SKIP needs root')
        sys.exit(0)
    busy.in_namespace()
    tap.main([directories, compressed, archives, streams, peer])
