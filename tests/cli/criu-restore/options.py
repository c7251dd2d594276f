#!/usr/bin/env python3
"""What criu-restore does around the tree: who its parent is, files it leaves, scripts it runs, the plan it tells."""
import json
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import dumped
from dumped import CRIT, USAGE, Dumped, tap

TREE = 'tree/family'


def parent_of(pid):
    with open(f'/proc/{pid}/stat') as f:
        return int(f.read().rsplit(')', 1)[1].split()[1])


def read(*path):
    with open(os.path.join(*path)) as f:
        return f.read()


def in_front():
    """without -d it stays the parent of the root, and ends when that does, with status 0"""
    with Dumped(TREE) as d:
        p = subprocess.Popen(d.command('--pidfile', 'pid'))
        dumped.wait_for(os.path.join(d.top, 'pid'), 'pid file')
        for _ in range(200):
            if 'let go' in d.log():
                break
            time.sleep(0.01)
        tap.check(parent_of(d.pid) == p.pid, 'the root has another parent')
        tap.check(p.poll() is None, 'it did not wait')
        d.finish()
        tap.check(p.wait(timeout=10) == 0, f'status {p.returncode}')


def detached():
    """with -d it ends when the tree runs, which has nothing of it left"""
    with Dumped(TREE) as d:
        d.restore(0, ('-d', '--pidfile', 'pid'))
        tap.check(read(d.top, 'pid') == str(d.pid), 'the pid file says something else')
        tap.check(os.stat(os.path.join(d.top, 'pid')).st_mode & 0o777 == 0o600, 'the pid file has another mode')
        tap.check(parent_of(d.pid) == os.getpid(), 'the root has another parent')
        for pid in dumped.others():
            maps = read('/proc', str(pid), 'maps')
            tap.check('criu-restore' not in maps, f'pid {pid}: {maps}')
            for fd in os.listdir(f'/proc/{pid}/fd'):
                link = os.readlink(f'/proc/{pid}/fd/{fd}')
                tap.check(d.images not in link and 'restore.log' not in link, f'pid {pid}: fd {fd} is {link}')
        d.finish()


def sibling():
    """-S: the root is a child of our parent; only with -d"""
    with Dumped(TREE) as d:
        d.restore(USAGE, ('-S',))
        # We are init here, who gets all orphans: so ask somebody else.
        code = 'import os, subprocess, sys; subprocess.run(sys.argv[2:]); ' \
            'print(open(f"/proc/{sys.argv[1]}/stat").read().rsplit(")", 1)[1].split()[1] == str(os.getpid()))'
        out = tap.run(sys.executable, '-c', code, d.pid, *d.command('-d', '-S')).stdout
        tap.check(out == 'True\n', out)
        d.finish()


def command_afterwards():
    """--exec-cmd: another program takes its place"""
    with Dumped(TREE) as d:
        p = subprocess.Popen(d.command('--exec-cmd', '--', 'sleep', '100'))
        for _ in range(500):
            if read('/proc', str(p.pid), 'comm') == 'sleep\n':
                break
            time.sleep(0.01)
        tap.check(parent_of(d.pid) == p.pid, 'the root has another parent')
        d.finish()
        p.kill()
        p.wait()


def logs():
    """--log-pid: a log for each task"""
    with Dumped(TREE) as d:
        d.restore(0, ('-d', '--log-pid'))
        for pid in dumped.others():
            tap.check(f' {pid}: ' in read(d.top, f'restore.log.{pid}'), f'nothing in the log of {pid}')
        d.finish()


def figures():
    """stats-restore, and --display-stats"""
    with Dumped(TREE) as d:
        out = tap.run(*d.command('-d', '--display-stats')).stdout
        tap.check('Restore time' in out and 'Forking time' in out, out)
        stats = json.loads(tap.run(CRIT, 'decode', '-i', os.path.join(d.top, 'stats-restore')).stdout)
        stats = stats['entries'][0]['restore']
        tap.check(0 < stats['forking_time'] <= stats['restore_time'] and stats['pages_restored'] > 0, str(stats))
        d.finish()


def left_stopped():
    """--leave-stopped: every task is stopped, and goes on when it is continued"""
    with Dumped(TREE) as d:
        d.restore(0, ('-d', '--leave-stopped'))
        # Let go by its tracer, a task goes back into its stop by itself: a moment later.
        for _ in range(100):
            states = {pid: read(f'/proc/{pid}/stat').rsplit(')', 1)[1].split()[0] for pid in dumped.others()}
            if set(states.values()) <= {'T', 'Z'}:
                break
            time.sleep(0.01)
        tap.check(set(states.values()) <= {'T', 'Z'}, str(states))
        for pid in dumped.others():
            os.kill(pid, signal.SIGCONT)
        d.finish()


def scripts():
    """action scripts: which, in which order, and what they are told"""
    with Dumped(TREE) as d:
        told = d.file('told')
        d.restore(0, ('-d', '--action-script',
                      f'echo $CRTOOLS_SCRIPT_ACTION ${{CRTOOLS_INIT_PID:-none}} $(test -e $CRTOOLS_IMAGE_DIR/pstree.img && echo images) >>{told}'))
        want = ['pre-restore none images'] + [f'{a} {d.pid} images' for a in ('post-restore', 'pre-resume', 'post-resume')]
        tap.check(read(told).splitlines() == want, read(told))
        d.finish()


def plan():
    """--plan says what would be made and what is lacking, and makes nothing"""
    with Dumped(TREE) as d:
        out = tap.run(*d.command('--plan', '--json')).stdout
        tasks = json.loads(out)
        tap.check(tasks['tasks'][0]['pid'] == d.pid and not tasks['lacks'], out)
        dumped.nothing_left()
        text = tap.run(*d.command('--plan')).stdout
        for task in tasks['tasks']:
            tap.check(f'pid {task["pid"]}: {task["state"]}' in text, text)
        d.restore()
        alive = set(dumped.others())
        tap.check(alive <= {t['pid'] for t in tasks['tasks']}, f'{alive} run')
        p = tap.run(*d.command('--plan', '--json'), status=None)
        tap.check(p.returncode == 3 and len(json.loads(p.stdout)['lacks']) >= len(alive), p.stdout)
        d.finish()


def cpus_elsewhere():
    """CPUs that this host does not have are left out, with a warning; a thread that would have none left may run on all"""
    if len(os.sched_getaffinity(0)) < 2:
        raise tap.Skipped('there is one CPU')
    first = min(os.sched_getaffinity(0))
    with Dumped('sched/cpus') as d:
        for masks, want, said in (([1 << first, 1 << 40], {first}, 'some of its CPUs are not here'),
                                  ([0, 1 << 40], os.sched_getaffinity(0), 'none of its CPUs is here')):
            def change(entries):
                tap.check('cpus_allowed' in entries[0]['thread_core'], str(entries[0]['thread_core']))
                entries[0]['thread_core']['cpus_allowed'] = [hex(m) for m in masks]

            d.change('core-PID.img', change)
            d.restore()
            tap.check(os.sched_getaffinity(d.pid) == want, f'{os.sched_getaffinity(d.pid)}')
            tap.check(said in d.log(), d.log()[-500:])
            d.kill()


dumped.main([in_front, detached, sibling, command_afterwards, logs, figures, left_stopped, scripts, plan, cpus_elsewhere])
