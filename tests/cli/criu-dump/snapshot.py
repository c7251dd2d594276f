#!/usr/bin/env python3
"""--snapshot: what is written while the tasks run on is what they were when they were held."""
import os
import random
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'harness'))
sys.path.insert(0, HERE)
import busy
import chain
import tap

ROUNDS = int(os.environ.get('ROUNDS', '5'))


def children_of(pid):
    try:
        with open(f'/proc/{pid}/task/{pid}/children') as f:
            return [int(p) for p in f.read().split()]
    except OSError:
        return []


def others(r):
    """Processes that look like the subject and are not."""
    return [pid for pid in chain.named('restless') if pid != r.pid and pid not in children_of(r.pid)]


def taken(r, *args):
    r.dump('-R', '--snapshot', *args, over=None)
    log = r.log()
    tap.check('no snapshot' not in log, log[-300:])


def as_it_was():
    """a restored snapshot is right, and so is what ran on"""
    for seed in range(1, ROUNDS + 1):
        with chain.subject(seed) as r:
            taken(r)
            tap.check(not others(r), f'copies are left: {others(r)}')
            time.sleep(0.1)
            r.runs()
            r.kill()
            r.restore()
            time.sleep(0.05)
            r.end()


def in_a_chain():
    """snapshots in a chain, tracked"""
    with chain.subject(3) as r:
        r.pre_dump()
        for _ in range(3):
            time.sleep(0.05)
            r.dump('-R', '--snapshot', '--track-mem')
            r.runs()
        tap.check(r.stats()['pages_skipped_parent'] > 20, f'{r.stats()}')
        r.kill()
        r.restore()
        r.end()


def tracked_from_a_snapshot():
    """a dump over a snapshot believes what was tracked since"""
    with chain.subject(4) as r:
        r.dump('-R', '--snapshot', '--track-mem')
        time.sleep(0.05)
        r.dump()
        tap.check('tracked since' in r.log(), 'it was not tracked')
        r.restore()
        r.end()


def a_tree():
    """a tree whose tasks have threads, with all that the busy process does"""
    with chain.tempfile.TemporaryDirectory(prefix='dump-snap.') as folder:
        subject = busy.Busy(folder)
        try:
            for nr in range(ROUNDS):
                images = os.path.join(folder, str(nr))
                os.mkdir(images)
                tap.run(chain.DUMP, '--no-default-config', '-t', subject.pid, '-D', images, '-R', '--snapshot', '-o', 'log', '-v4')
                ill = subject.ailment()
                tap.check(not ill, ill)
        finally:
            subject.end()


def what_fork_does_not_copy():
    """memory that fork(2) does not copy: the tasks are held, and all of it is there"""
    program = '''
import ctypes, mmap, os, signal, time
m = mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
m.write(b'kept' * 1024)
m.madvise(10)
def check(*a):
    open('verdict', 'w').write('ok' if m[:4096] == b'kept' * 1024 else 'lost')
signal.signal(signal.SIGTERM, check)
open('up', 'w').close()
while True:
    time.sleep(0.01)
'''
    with chain.tempfile.TemporaryDirectory(prefix='dump-snap.') as folder:
        p = subprocess.Popen(['/usr/bin/python3', '-c', program], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, start_new_session=True)
        chain.until(lambda: os.path.exists(os.path.join(folder, 'up')), 'it does not start')
        images = os.path.join(folder, 'images')
        os.mkdir(images)
        tap.run(chain.DUMP, '--no-default-config', '-t', p.pid, '-D', images, '-R', '--snapshot', '-o', 'log', '-v4')
        with open(os.path.join(images, 'log')) as f:
            tap.check('fork(2) does not copy' in f.read(), 'it is not said')
        p.kill()
        p.wait()
        tap.run(chain.RESTORE, '--no-default-config', '-d', '-D', images)
        os.kill(p.pid, signal.SIGTERM)
        verdict = os.path.join(folder, 'verdict')
        chain.until(lambda: os.path.exists(verdict) and open(verdict).read(), 'no verdict')
        tap.check(open(verdict).read() == 'ok', open(verdict).read())
        os.kill(p.pid, signal.SIGKILL)


def refused():
    """without -R"""
    with chain.subject() as r:
        p = r.dump('--snapshot', status=2)
        tap.check('-R' in p.stderr, p.stderr)
        r.end()


def into(r, name, *args):
    """A snapshot into an archive of this name in the subject's folder; "stream": through a pipe."""
    path = os.path.join(r.folder, name)
    where = ['--stream', '-W', r.folder] if name == 'stream' else ['-D', path]
    with open(path if name == 'stream' else os.devnull, 'wb') as f:
        p = subprocess.run([chain.DUMP, '--no-default-config', '-t', str(r.pid), *where, '-R', '--snapshot', '-o', 'arc.log', '-v4',
                            *args], stdin=subprocess.DEVNULL, stdout=f, stderr=subprocess.PIPE, timeout=60)
    tap.check(p.returncode == 0, p.stderr)
    chain.reap()
    with open(os.path.join(r.folder, 'arc.log'), errors='replace') as f:
        log = f.read()
    tap.check('no snapshot' not in log, log[-300:])
    tap.check(not others(r), f'copies are left: {others(r)}')
    return log


def back_from(r, name):
    path = os.path.join(r.folder, name)
    where = ['--stream', '-W', r.folder] if name == 'stream' else ['-D', path]
    with open(path if name == 'stream' else os.devnull, 'rb') as f:
        p = subprocess.run([chain.RESTORE, '--no-default-config', '-d', '-o', 'back.log', '-v4', *where], stdin=f,
                           stderr=subprocess.PIPE, timeout=60)
    tap.check(p.returncode == 0, p.stderr)


def into_archives():
    """into an archive, plain or in zstd, and into a stream: private and shared memory are of one moment"""
    for seed, name in enumerate(['a.tar', 'a.tar.zst', 'stream'] * 2, 1):
        with chain.subject(seed) as r:
            into(r, name)
            time.sleep(0.1)
            r.runs()
            r.kill()
            back_from(r, name)
            time.sleep(0.05)
            r.end()


def chain_of_archives():
    """a pre-dump and snapshots in archives, each over the one before"""
    with chain.subject(6) as r:
        tap.run(chain.DUMP, 'pre-dump', '--no-default-config', '-t', r.pid, '-D', os.path.join(r.folder, '0.tar'))
        for nr in range(1, 4):
            time.sleep(0.05)
            log = into(r, f'{nr}.tar', '--track-mem', '--prev-images-dir', f'{nr - 1}.tar')
            r.runs()
        shared = [line for line in log.splitlines() if 'shared memory' in line and 'as in the set before' in line]
        tap.check(any(' 0 as in' not in line for line in shared), f'all of shared memory is stored again: {shared}')
        r.kill()
        back_from(r, '3.tar')
        r.end()


def killed():
    """killed at any moment, front or worker: the tasks run on, no copy of them does"""
    with chain.subject() as r:
        start = time.monotonic()
        taken(r)
        whole = time.monotonic() - start
        for i in range(ROUNDS * 6):
            os.makedirs(r.set(99), exist_ok=True)
            p = subprocess.Popen([chain.DUMP, '--no-default-config', '-t', str(r.pid), '-D', r.set(99), '-R', '--snapshot'],
                                 stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(random.uniform(0, whole))
            workers = children_of(p.pid)
            if i % 2:
                p.kill()
            else:
                for w in workers:
                    os.kill(w, signal.SIGKILL)
            p.wait()
            chain.until(lambda: not chain.named('dump-worker'), 'the worker stays')
            # One that was just made goes by itself.
            chain.until(lambda: not others(r), 'a copy is left')
            r.runs()
        r.end()


if __name__ == '__main__':
    if os.geteuid() != 0:
        print('1..0 # SKIP needs root')
        sys.exit(0)
    busy.in_namespace()
    tap.main([as_it_was, in_a_chain, tracked_from_a_snapshot, a_tree, what_fork_does_not_copy, into_archives,
              chain_of_archives, refused, killed])
