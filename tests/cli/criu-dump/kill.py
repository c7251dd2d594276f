#!/usr/bin/env python3
"""criu-dump killed with SIGKILL at any moment leaves the tasks alive and right.

A busy process is dumped (and left running) again and again, and criu-dump is killed after a time that is different
each time, until well after its end. ROUNDS in the environment says how often (300).
"""
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
ROUNDS = int(os.environ.get('ROUNDS', '300'))


def children_of(pid):
    try:
        with open(f'/proc/{pid}/task/{pid}/children') as f:
            return [int(p) for p in f.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def wait_gone(pid, seconds=10):
    until = time.time() + seconds
    while time.time() < until:
        try:
            with open(f'/proc/{pid}/stat') as f:
                if f.read().rsplit(')', 1)[1].split()[0] in 'ZX':
                    return
        except (FileNotFoundError, ProcessLookupError):
            return
        time.sleep(0.002)
    raise tap.Failed(f'the worker {pid} is still there after {seconds} s')


def dump(subject, images, after=None, who='front', extra=()):
    """Dump it, killing criu-dump (or all of its processes, the worker first) after so many seconds. Returns what became of
    criu-dump."""
    shutil.rmtree(images, ignore_errors=True)
    os.mkdir(images)
    p = subprocess.Popen([DUMP, '--no-default-config', '-t', str(subject.pid), '-D', images, '-o', 'log', '-v4', '-R', *extra],
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if after is None:
        _, text = p.communicate(timeout=60)
        return p.returncode, text.decode()
    until = time.perf_counter() + after
    workers = []
    while time.perf_counter() < until and p.poll() is None:
        workers = children_of(p.pid) or workers
    workers = children_of(p.pid) or workers
    if who == 'all':
        for w in workers:
            try:
                os.kill(w, signal.SIGKILL)
            except ProcessLookupError:
                pass
    p.send_signal(signal.SIGKILL)
    p.wait()
    for w in workers:
        wait_gone(w)
    return p.returncode, ''


def timed(subject, images):
    start = time.perf_counter()
    status, text = dump(subject, images)
    tap.check(status == 0, f'a dump that nobody disturbs: {status} {text}')
    return time.perf_counter() - start


def killed_at_any_moment(who='front'):
    """killed with SIGKILL at many moments, the tasks run on"""
    with tempfile.TemporaryDirectory(prefix='dump-kill.') as folder:
        subject = busy.Busy(folder)
        images = os.path.join(folder, 'images')
        try:
            status, text = dump(subject, images)
            tap.check(status == 0, f'a dump that nobody disturbs: {status} {text}')
            whole = min(timed(subject, images) for _ in range(5))
            killed = 0
            for i in range(ROUNDS):
                after = random.uniform(0, whole * (1.2 if who == 'all' else 2.5))
                status, _ = dump(subject, images, after, who)
                killed += status == -signal.SIGKILL
                ill = subject.ailment()
                tap.check(not ill, f'round {i}, killed after {after * 1000:.2f} ms of {whole * 1000:.2f}: {ill}')
            print(f'# {ROUNDS} rounds, killed in {killed} of them; a dump takes {whole * 1000:.1f} ms')
            tap.check(killed > ROUNDS / 4, f'killed in {killed} of {ROUNDS} rounds only: this says little')
            status, text = dump(subject, images)
            tap.check(status == 0, f'a dump afterwards: {status} {text}')
        finally:
            subject.end()


def killed_as_a_whole():
    """all of its processes are killed at once: nobody is left to put the tasks right, and they run on"""
    killed_at_any_moment('all')


def interrupted():
    """SIGINT and SIGTERM: it gives up, says so, and the tasks run on"""
    with tempfile.TemporaryDirectory(prefix='dump-kill.') as folder:
        subject = busy.Busy(folder)
        images = os.path.join(folder, 'images')
        script = os.path.join(folder, 'script')
        with open(script, 'w') as f:
            f.write(f'#!/bin/sh\n[ $CRTOOLS_SCRIPT_ACTION = post-dump ] && {{ touch {folder}/late; sleep 0.5; }}\nexit 0\n')
        os.chmod(script, 0o755)
        try:
            for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                shutil.rmtree(images, ignore_errors=True)
                os.mkdir(images)
                # Without -R: if it went on, the tasks would be dead.
                p = subprocess.Popen([DUMP, '--no-default-config', '-t', str(subject.pid), '-D', images, '--action-script', script],
                                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                while not os.path.exists(f'{folder}/late') and p.poll() is None:
                    time.sleep(0.005)
                os.unlink(f'{folder}/late')
                p.send_signal(sig)
                _, text = p.communicate(timeout=20)
                tap.check(p.returncode == 1, f'signal {sig}: status {p.returncode}: {text}')
                tap.check('stopped by the user' in text, f'signal {sig}: {text}')
                ill = subject.ailment()
                tap.check(not ill, f'signal {sig}: {ill}')
        finally:
            subject.end()


def left_as_it_was():
    """dumped many times and left running, it has neither more nor fewer mappings"""
    with tempfile.TemporaryDirectory(prefix='dump-kill.') as folder:
        p = subprocess.Popen(['sleep', '1000'], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, start_new_session=True)
        images = os.path.join(folder, 'images')
        os.mkdir(images)
        try:
            time.sleep(0.1)
            with open(f'/proc/{p.pid}/maps') as f:
                before = f.read()
            for _ in range(20):
                tap.run(DUMP, '--no-default-config', '-t', p.pid, '-D', images, '-R')
            with open(f'/proc/{p.pid}/maps') as f:
                tap.check(f.read() == before, 'the mappings are not what they were')
            tap.check(p.poll() is None, 'it has ended')
        finally:
            p.kill()
            p.wait()


if __name__ == '__main__':
    if os.geteuid() != 0:
        print('1..0 # SKIP needs root')
        sys.exit(0)
    busy.in_namespace()
    tap.main([killed_at_any_moment, killed_as_a_whole, interrupted, left_as_it_was])
