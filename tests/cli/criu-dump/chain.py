#!/usr/bin/env python3
"""Chains: pre-dumps and dumps of memory that changes all the time; keepers that come and go."""
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'harness'))
sys.path.insert(0, HERE)
import busy
import tap

BUILD = os.environ.get('BUILD', os.path.join(HERE, '..', '..', '..', 'build'))
DUMP = os.path.join(BUILD, 'criu-dump')
RESTORE = os.path.join(BUILD, 'criu-restore')
ROUNDS = int(os.environ.get('ROUNDS', '6'))
FIRST_PID = 300


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def named(comm):
    """Pids of processes of this name that live."""
    found = []
    for pid in os.listdir('/proc'):
        try:
            with open(f'/proc/{pid}/stat') as f:
                stat = f.read()
        except OSError:
            continue
        if f'({comm})' in stat and stat.rsplit(')', 1)[1].split()[0] not in 'ZX':
            found.append(int(pid))
    return found


def until(condition, what, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        reap()
        tap.check(time.monotonic() < end, f'{what}: not after {seconds} s')
        time.sleep(0.01)


class Restless:
    """The subject, its directory, and sets in directories of their own: 1, 2, 3."""

    def __init__(self, folder, seed=1):
        self.folder, self.sets = folder, 0
        self.verdict = os.path.join(folder, 'verdict')
        program = os.path.join(folder, 'restless')
        subprocess.run(['cc', '-O2', '-o', program, os.path.join(HERE, 'restless.c')], check=True)
        with open('/proc/sys/kernel/ns_last_pid', 'w') as f:
            f.write(str(FIRST_PID))
        self.pid = subprocess.Popen([program, self.verdict, str(seed)], cwd=folder, stdin=subprocess.DEVNULL,
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True).pid
        until(lambda: os.path.exists(self.verdict), 'the subject is not ready')

    def set(self, nr):
        return os.path.join(self.folder, str(nr))

    def dump(self, *args, verb='dump', over='last', status=0):
        """A set over the one before (over: its number; None: over none)."""
        nr = self.sets + 1
        over = self.sets if over == 'last' else over
        shutil.rmtree(self.set(nr), ignore_errors=True)
        os.mkdir(self.set(nr))
        more = ['--prev-images-dir', f'../{over}'] if over else []
        p = tap.run(DUMP, verb, '--no-default-config', '-t', self.pid, '-D', self.set(nr), '-v4', '-o', 'log', *more, *args,
                    status=status)
        reap()
        if status == 0:
            self.sets = nr
        return p

    def pre_dump(self, *args, **kw):
        return self.dump(*args, verb='pre-dump', **kw)

    def restore(self, *args):
        tap.run(RESTORE, '--no-default-config', '-d', '-D', self.set(self.sets), '-v4', '-o', 'log', *args)

    def stats(self, nr=None):
        p = tap.run(os.path.join(BUILD, 'crit'), 'decode', '-i', os.path.join(self.set(nr or self.sets), 'stats-dump'))
        return json.loads(p.stdout)['entries'][0]['dump']

    def stored(self, nr):
        """Bytes that the page images of a set take."""
        return sum(os.stat(os.path.join(self.set(nr), f)).st_blocks * 512 for f in os.listdir(self.set(nr)) if f.startswith('pages-'))

    def log(self, nr=None):
        with open(os.path.join(self.set(nr or self.sets), 'log'), errors='replace') as f:
            return f.read()

    def runs(self):
        """It goes on, and has found nothing wrong."""
        tap.check(os.path.exists(f'/proc/{self.pid}'), f'it has ended: {self.said()}')
        tap.check(self.said() == 'ready', self.said())

    def said(self):
        with open(self.verdict) as f:
            return f.read()

    def end(self):
        """Tell it to check all, and end."""
        self.runs()
        os.kill(self.pid, signal.SIGTERM)
        until(lambda: self.said() != 'ready' or not os.path.exists(f'/proc/{self.pid}'), 'it does not end')
        tap.check(self.said() == 'ok', self.said())

    def kill(self):
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        until(lambda: not os.path.exists(f'/proc/{self.pid}'), 'it does not die')

    def nothing_left(self):
        until(lambda: not named('criu-keeper') and not named('dump-worker'), 'a keeper or worker is left')
        with open(f'/proc/{self.pid}/smaps') as f:
            tap.check(not any(l.startswith('VmFlags') and ' uw ' in l for l in f), 'memory is still registered')
        fds = [os.readlink(f'/proc/{self.pid}/fd/{fd}') for fd in os.listdir(f'/proc/{self.pid}/fd')]
        tap.check(not any('userfaultfd' in fd for fd in fds), f'a descriptor is left: {fds}')


class subject:
    def __init__(self, seed=1):
        self.seed = seed

    def __enter__(self):
        self.temp = tempfile.TemporaryDirectory(prefix='dump-chain.')
        self.r = Restless(self.temp.name, self.seed)
        return self.r

    def __exit__(self, *unused):
        self.r.kill()
        self.temp.cleanup()


def chains():
    """chains of 2 to 6 sets of memory that changes all the time, some dumps left running in between"""
    for seed in range(1, ROUNDS + 1):
        with subject(seed) as r:
            chance = random.Random(seed)
            r.pre_dump()
            for _ in range(chance.randrange(0, 4)):
                time.sleep(chance.uniform(0, 0.1))
                if chance.randrange(3):
                    r.pre_dump('--pre-dump-mode', chance.choice(['splice', 'read']))
                else:
                    r.dump('-R', '--track-mem')
                r.runs()
            time.sleep(chance.uniform(0, 0.1))
            r.dump('--track-mem')
            tap.check(r.stats()['pages_skipped_parent'] > 20, f'all of it was stored again: {r.stats()}')
            r.restore()
            time.sleep(0.1)
            r.end()


def keeper_lives_and_ends():
    """one keeper from the first pre-dump on; it ends with the tasks"""
    with subject() as r:
        r.pre_dump()
        r.pre_dump()
        tap.check(len(named('criu-keeper')) == 1, f'keepers: {named("criu-keeper")}')
        fds = [os.readlink(f'/proc/{r.pid}/fd/{fd}') for fd in os.listdir(f'/proc/{r.pid}/fd')]
        tap.check(not any('userfaultfd' in fd for fd in fds), f'the task has it open: {fds}')
        tap.check('tracked since' in r.log(), 'the second one did not find it')
        os.kill(r.pid, signal.SIGKILL)
        until(lambda: not named('criu-keeper'), 'the keeper stays')


def keeper_is_killed():
    """without the keeper, pages are compared"""
    with subject() as r:
        r.pre_dump()
        for pid in named('criu-keeper'):
            os.kill(pid, signal.SIGTERM)
        until(lambda: not named('criu-keeper'), 'the keeper does not end when told to')
        time.sleep(0.05)
        r.pre_dump()
        tap.check('tracked since' not in r.log(), 'it was tracked by whom?')
        tap.check(r.stats()['pages_skipped_parent'] > 20, f'all of it was stored again: {r.stats()}')
        r.dump()
        r.restore()
        r.end()


def over_another():
    """a set over one that is not the last: what counts from the last is not believed"""
    with subject() as r:
        r.pre_dump()
        time.sleep(0.1)
        r.pre_dump()
        time.sleep(0.1)
        r.dump(over=1)
        tap.check('not the one before' in r.log(), 'it was believed')
        r.restore()
        r.end()


def fails_in_between():
    """a pre-dump that fails: the next one is right, and so is one that fails before anything is marked"""
    with subject() as r:
        script = os.path.join(r.folder, 'script')
        with open(script, 'w') as f:
            f.write('#!/bin/sh\n[ $CRTOOLS_SCRIPT_ACTION != post-dump ]\n')
        os.chmod(script, 0o755)
        r.pre_dump()
        time.sleep(0.05)
        r.pre_dump('--action-script', script, status=1)
        r.nothing_left()
        r.runs()
        time.sleep(0.05)
        r.pre_dump()
        time.sleep(0.05)
        r.dump('--action-script', script, status=1)
        tap.check(len(named('criu-keeper')) == 1, 'a dump that failed took the keeper away')
        time.sleep(0.05)
        r.dump()
        tap.check('tracked since' in r.log(), 'not tracked')
        r.restore()
        r.end()


def left_running():
    """left running without --track-mem, nothing is left of the tracking"""
    with subject() as r:
        r.pre_dump()
        r.dump('-R')
        r.nothing_left()
        r.runs()
        r.dump(over=None)
        r.restore()
        r.end()


def other_task():
    """another task with the same pid is not taken for the one before"""
    with subject() as r:
        r.pre_dump()
        r.kill()
        r2 = Restless(r.folder, 7)
        r2.sets = r.sets
        if r2.pid != r.pid:
            raise tap.Skipped(f'pid {r2.pid}, not {r.pid}')
        r2.dump()
        r2.restore()
        r2.end()


def executed():
    """another program between two pre-dumps"""
    with tempfile.TemporaryDirectory(prefix='dump-chain.') as folder:
        go = os.path.join(folder, 'go')
        p = subprocess.Popen(['bash', '-c', f'while [ ! -e {go} ]; do sleep 0.02; done; exec sleep 1000'], start_new_session=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd='/')
        time.sleep(0.2)
        for nr in (1, 2, 3):
            os.mkdir(os.path.join(folder, str(nr)))
            more = ['--prev-images-dir', f'../{nr - 1}'] if nr > 1 else []
            tap.run(DUMP, 'pre-dump' if nr < 3 else 'dump', '--no-default-config', '-t', p.pid, '-D', os.path.join(folder, str(nr)),
                    *more, '--track-mem')
            open(go, 'w').close()
            time.sleep(0.2)
        p.wait()
        tap.run(RESTORE, '--no-default-config', '-d', '-D', os.path.join(folder, '3'))
        with open(f'/proc/{p.pid}/comm') as f:
            tap.check(f.read() == 'sleep\n', 'it is something else')
        os.kill(p.pid, signal.SIGKILL)


def deduplicated():
    """--auto-dedup of dump, criu dedup, --auto-dedup of restore: pages are given back, and all is right"""
    with subject() as r:
        r.pre_dump()
        first = r.stored(1)
        time.sleep(0.2)
        r.pre_dump('--auto-dedup')
        tap.check(0 < r.stored(1) < first, f'{r.stored(1)} bytes of {first} after --auto-dedup')
        first, second = r.stored(1), r.stored(2)
        time.sleep(0.2)
        r.dump()
        p = tap.run(os.path.join(BUILD, 'criu'), 'dedup', '--no-default-config', '-D', r.set(3), '-o', 'dedup.log', '-v4')
        tap.check(not p.stdout and os.path.exists(os.path.join(r.set(3), 'dedup.log')), p.stdout)
        tap.check(r.stored(1) < first and r.stored(2) < second, f'{r.stored(1)} of {first}, {r.stored(2)} of {second}: criu dedup')
        p = tap.run(os.path.join(BUILD, 'crit'), 'validate', r.set(3), status=None)
        tap.check(p.returncode == 0, p.stdout + p.stderr)
        before = [r.stored(nr) for nr in (1, 2, 3)]
        r.restore('--auto-dedup')
        left = [r.stored(nr) for nr in (1, 2, 3)]
        # Those before may have pages that are not of use any more; of the last one the vdso, which is only looked at, may stay.
        tap.check(left[2] <= 16384 and left[1] < before[1] and left[0] < before[0], f'bytes left of {before}: {left}')
        r.end()


def compressed():
    """--compress, in all sets of a chain or in some; deduplicated"""
    for which in ((1, 1, 1), (1, 0, 1), (0, 1, 0)):
        with subject(sum(which)) as r:
            more = [['--compress'] if c else [] for c in which]
            r.pre_dump(*more[0])
            for pid in named('criu-keeper'):  # so that all is compared
                os.kill(pid, signal.SIGTERM)
            time.sleep(0.05)
            r.pre_dump(*more[1], '--auto-dedup')
            time.sleep(0.05)
            r.dump(*more[2])
            tap.check(r.stats()['pages_skipped_parent'] > 20, f'{which}: {r.stats()}')
            r.restore()
            r.end()


def left_stopped():
    """left stopped with --track-mem, then dumped over that"""
    with subject(5) as r:
        r.dump('-s', '--track-mem')
        r.dump()
        tap.check('tracked since' in r.log(), 'it was not tracked')
        r.restore()
        os.killpg(r.pid, signal.SIGCONT)  # a child may have been stopped, too
        r.end()


def direct():
    """--image-io-mode direct"""
    with subject() as r:
        r.pre_dump('--image-io-mode', 'direct')
        r.dump('--image-io-mode', 'direct')
        r.restore('--image-io-mode', 'direct')
        r.end()
        p = tap.run(DUMP, '--no-default-config', '-t', r.pid, '-D', r.set(1), '--image-io-mode', 'fast', status=2)
        tap.check('neither writeback nor direct' in p.stderr, p.stderr)


def refused():
    """a directory before this one that is not there, or is none"""
    with subject() as r:
        p = r.dump('--prev-images-dir', '../nowhere', status=None)
        tap.check(p.returncode not in (0, 5) and '../nowhere' in p.stderr, f'{p.returncode} {p.stderr}')
        r.runs()
        os.mkdir(os.path.join(r.folder, 'empty'))
        p = r.pre_dump('--prev-images-dir', '../empty', status=None)
        tap.check(p.returncode not in (0, 5) and '../empty' in p.stderr, f'{p.returncode} {p.stderr}')
        r.nothing_left()
        r.end()


def killed():
    """a pre-dump that is killed at any moment leaves the tasks running, and nothing behind"""
    with subject() as r:
        start = time.monotonic()
        r.pre_dump()
        whole = time.monotonic() - start
        good = r.sets
        for _ in range(ROUNDS * 5):
            os.makedirs(r.set(good + 1), exist_ok=True)
            p = subprocess.Popen([DUMP, 'pre-dump', '--no-default-config', '-t', str(r.pid), '-D', r.set(good + 1),
                                  '--prev-images-dir', f'../{good}'], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(random.uniform(0, whole))
            p.kill()
            p.wait()
            until(lambda: not named('dump-worker'), 'the worker stays')
            r.runs()
            if not os.path.exists(os.path.join(r.set(good + 1), 'manifest.img')) and not named('criu-keeper'):
                r.nothing_left()
        r.dump(over=good)
        r.restore()
        r.end()


if __name__ == '__main__':
    if os.geteuid() != 0:
        print('1..0 # SKIP needs root')
        sys.exit(0)
    busy.in_namespace()
    tap.main([chains, keeper_lives_and_ends, keeper_is_killed, over_another, fails_in_between, left_running, other_task, executed,
              deduplicated, compressed, left_stopped, direct, refused, killed])
