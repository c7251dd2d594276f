#!/usr/bin/env python3
"""criu-restore makes all of a tree, or nothing of it: whatever goes wrong, and whenever it is stopped or killed.

The subject has children, threads, sessions, zombies. ROUNDS in the environment says how often it is killed (100).
"""
import os
import random
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import dumped
from dumped import CORRUPT, FAILED, Dumped, tap

ROUNDS = int(os.environ.get('ROUNDS', '100'))
TREE = 'tree/family'


def each_image(d):
    """The images of the set by kind: one of each, of the youngest task where there are several."""
    kinds = {}
    for name in sorted(os.listdir(d.images)):
        if name.endswith('.img') and name not in ('seccomp.img', 'timens-0.img'):
            kinds[name.split('.')[0].split('-')[0]] = name
    return kinds.values()


def damaged(d, how, *statuses):
    for name in each_image(d):
        shutil.copy(d.image(name), d.file('kept'))
        how(d.image(name))
        p = tap.run(*d.command('-d'), status=None)
        shutil.copy(d.file('kept'), d.image(name))
        tap.check(p.returncode in statuses, f'{name}: status {p.returncode}: {p.stderr}')
        lines = p.stderr.splitlines()
        tap.check(len(lines) == 1 and lines[0].startswith('criu-restore: '), f'{name}: {p.stderr}')
        dumped.nothing_left()


def image_missing():
    """an image that is not there"""
    with Dumped(TREE) as d:
        # A table without descriptors has no image of its own.
        for name in [n for n in os.listdir(d.images) if n.startswith('fdinfo-')]:
            shutil.move(d.image(name), d.file(name))
        damaged(d, os.remove, CORRUPT)
        for name in [n for n in os.listdir(d.dir) if n.startswith('fdinfo-')]:
            shutil.move(d.file(name), d.image(name))
        d.restore()
        d.finish()


def image_cut():
    """an image that is cut off"""
    with Dumped(TREE) as d:
        damaged(d, lambda path: os.truncate(path, os.path.getsize(path) - 1), CORRUPT)
        damaged(d, lambda path: os.truncate(path, 0), CORRUPT)


def refused_by_the_kernel():
    """a value that the kernel refuses, in one thread of one task"""
    def stack(core):
        core['thread_core']['sas'] = {'ss_sp': 4096, 'ss_size': 1, 'ss_flags': 0}

    def robust(core):
        core['thread_core']['futex_rla_len'] = 5

    def rseq(core):
        core['thread_core']['rseq_entry']['rseq_abi_pointer'] += 1

    def selector(core):
        core['thread_info']['gpregs']['ss'] = 0

    with Dumped('threads/many') as d:
        tids = sorted(int(n[5:-4]) for n in os.listdir(d.images) if n.startswith('core-'))
        core = f'core-{tids[-1]}.img'
        for change, words in (stack, 'alternate signal stack'), (robust, 'robust list'), (rseq, 'rseq'), (selector, 'regs'):
            shutil.copy(d.image(core), d.file('kept'))
            d.change(core, lambda entries, change=change: change(entries[0]))
            d.refused(FAILED, f'pid {d.pid}', f'thread {tids[-1]}', words)
            shutil.copy(d.file('kept'), d.image(core))
        d.restore()
        d.finish()


def pid_taken():
    """a pid that is in use"""
    with Dumped(TREE) as d:
        d.restore()
        before = dumped.others()
        tap.check(f'pid {d.pid} is in use' in d.restore(FAILED), 'it does not say so')
        tap.check(dumped.others() == before, 'the tree that runs was disturbed')
        d.finish()


def pidfile_there():
    """a pid file that exists"""
    with Dumped(TREE) as d:
        open(os.path.join(d.top, 'pid'), 'w').close()
        tap.check('pid file' in d.restore(FAILED, ('-d', '--pidfile', 'pid')), 'it does not say so')
        tap.check(os.path.getsize(os.path.join(d.top, 'pid')) == 0, 'it was written')
        dumped.nothing_left()


def file_changed():
    """a file of a task that is not what it was"""
    with Dumped('file/position') as d:
        name = max((os.path.join(p, n) for p, _, ns in os.walk(d.dir) for n in ns if n not in ('ready', 'json')),
                   key=os.path.getsize)
        with open(name, 'a') as f:
            f.write('more')
        tap.check(os.path.basename(name) in d.restore(None), 'it does not name the file')
        dumped.nothing_left()


def script_refuses():
    """an action script that fails: up to pre-resume that ends it all, afterwards it comes too late"""
    with Dumped(TREE) as d:
        for action in 'pre-restore', 'post-restore', 'pre-resume':
            script = f'test $CRTOOLS_SCRIPT_ACTION != {action}'
            text = d.restore(FAILED, ('-d', '--pidfile', 'pid', '--action-script', script))
            tap.check(action in text, text)
            tap.check(not os.path.exists(os.path.join(d.top, 'pid')), f'{action}: the pid file stays')
            dumped.nothing_left()
        d.restore(0, ('-d', '--action-script', 'test $CRTOOLS_SCRIPT_ACTION != post-resume'))
        d.finish()


def settled(expected, seconds=5):
    """How many processes there are, once none of them is on its way up or down any more."""
    until = time.time() + seconds
    while time.time() < until:
        now = dumped.others()
        if not {'criu-restore', 'restore-guard'} & set(now.values()) and len(now) in expected:
            time.sleep(0.05)
            dumped.reap()
            if dumped.others() == now:
                break
        time.sleep(0.005)
        dumped.reap()
    return len(dumped.others())


def at_many_moments(sig):
    with Dumped(TREE) as d:
        start = time.perf_counter()
        d.restore()
        whole = time.perf_counter() - start
        tasks = len(dumped.others())
        d.kill()
        seen = {0: 0, tasks: 0}
        for _ in range(ROUNDS):
            p = subprocess.Popen(d.command('-d'), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(random.uniform(0, whole * 1.2))
            p.send_signal(sig)
            p.wait()
            left = settled(seen)
            tap.check(left in seen, f'{left} processes of {tasks}: {dumped.others()}')
            seen[left] += 1
            d.kill()
        tap.check(seen[0], 'it was never caught in the middle')
        d.restore()
        d.finish()


def interrupted():
    """interrupted at many moments"""
    at_many_moments(signal.SIGINT)


def killed():
    """killed with SIGKILL at many moments"""
    at_many_moments(signal.SIGKILL)


def names(d):
    """All below the subject's directory, and the pid file."""
    return sorted(os.path.join(p, n) for p, ds, fs in os.walk(d.dir) for n in ds + fs) + [n for n in os.listdir(d.top) if n == 'pid']


def killed_with_names():
    """killed with SIGKILL while deleted files have names: they have none afterwards, and there is no pid file"""
    with Dumped('ghost/types') as d:
        before = names(d)
        start = time.perf_counter()
        d.restore()
        whole = time.perf_counter() - start
        tasks = len(dumped.others())
        d.kill()
        for i in range(ROUNDS // 2):
            p = subprocess.Popen(d.command('-d', '--pidfile', 'pid'), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(random.uniform(0, whole * 1.2))
            p.send_signal(signal.SIGKILL)
            p.wait()
            left = settled({0, tasks})
            tap.check(left in (0, tasks), f'{left} processes of {tasks}')
            if left == 0:
                end = time.monotonic() + 10  # who clears up may not be done yet
                while names(d) != before and time.monotonic() < end:
                    time.sleep(0.01)
                tap.check(names(d) == before, f'round {i}: {set(names(d)) - set(before)}')
            elif os.path.exists(os.path.join(d.top, 'pid')):
                os.remove(os.path.join(d.top, 'pid'))
            d.kill()
        d.restore()
        d.finish()


dumped.main([image_missing, image_cut, refused_by_the_kernel, pid_taken, pidfile_there, file_changed, script_refuses, interrupted,
             killed, killed_with_names])
