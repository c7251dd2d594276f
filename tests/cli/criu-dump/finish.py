#!/usr/bin/env python3
"""What becomes of the tasks, and what is said and written besides the images."""
import json
import os
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
CRIT = os.path.join(BUILD, 'crit')


class Case:
    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix='dump-finish.')
        self.images = os.path.join(self.folder.name, 'images')
        self.work = os.path.join(self.folder.name, 'work')
        os.mkdir(self.images)
        os.mkdir(self.work)
        self.subject = busy.Busy(self.folder.name)
        return self

    def __exit__(self, *unused):
        self.subject.end()
        self.folder.cleanup()

    def dump(self, *extra, status=0):
        return tap.run(DUMP, '--no-default-config', '-t', self.subject.pid, '-D', self.images, *extra, status=status)


def tree(pid):
    """A process and its children, whichever thread made them."""
    pids = [pid]
    for tid in os.listdir(f'/proc/{pid}/task'):
        with open(f'/proc/{pid}/task/{tid}/children') as f:
            pids += [int(child) for child in f.read().split()]
    return pids


def state(pid):
    with open(f'/proc/{pid}/stat') as f:
        return f.read().rsplit(')', 1)[1].split()[0]


def killed():
    """by default all of the tree is dead when criu-dump returns"""
    with Case() as c:
        child = subprocess.Popen(['sh', '-c', 'sleep 100 & sleep 101 & wait'], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        for _ in range(500):
            kids = tree(child.pid)[1:]
            if len(kids) == 2:
                break
            time.sleep(0.01)
        tap.check(len(kids) == 2, f'children: {kids}')
        tap.run(DUMP, '--no-default-config', '-t', child.pid, '-D', c.images)
        for pid in [child.pid, *kids]:
            tap.check(not os.path.exists(f'/proc/{pid}') or state(pid) == 'Z', f'{pid} is still there')
        tap.check(child.wait(1) == -signal.SIGKILL, f'it ended with {child.returncode}')


def running():
    """-R: it runs on"""
    with Case() as c:
        c.dump('-R')
        ill = c.subject.ailment()
        tap.check(not ill, ill)


def stopped():
    """-s: it is stopped, all of it, and goes on with SIGCONT"""
    with Case() as c:
        c.dump('-s')
        # Let go by its tracer, a task goes back into its stop by itself: a moment later.
        for _ in range(100):
            try:
                if all(state(pid) in 'TZ' for pid in tree(c.subject.pid)):
                    break
            except OSError:  # a thread or child that ends while it is looked at
                pass
            time.sleep(0.01)
        tap.check(state(c.subject.pid) == 'T', f'it is in state {state(c.subject.pid)}')
        before = c.subject.read()[0]
        time.sleep(0.1)
        tap.check(c.subject.read()[0] == before, 'it runs')
        # A child that it had just then was of the tree, and is stopped too.
        for pid in reversed(tree(c.subject.pid)):  # the parent last: it waits for them
            os.kill(pid, signal.SIGCONT)
        ill = c.subject.ailment()
        tap.check(not ill, ill)


def stopped_before():
    """a stopped task stays so, whatever is done"""
    with Case() as c:
        os.kill(c.subject.pid, signal.SIGSTOP)
        time.sleep(0.05)
        for option in ('-R', '-s', '--dry-run'):
            c.dump(option)
            for _ in range(100):
                if state(c.subject.pid) == 'T':
                    break
                time.sleep(0.01)
            tap.check(state(c.subject.pid) == 'T', f'{option}: it is in state {state(c.subject.pid)}')
        core = json.loads(tap.run(CRIT, 'decode', '-i', f'{c.images}/core-{c.subject.pid}.img').stdout)['entries'][0]
        tap.check(core['tc']['task_state'] == 3 and core['tc']['stop_signo'] == signal.SIGSTOP, str(core['tc'])[:200])
        os.kill(c.subject.pid, signal.SIGCONT)
        ill = c.subject.ailment()
        tap.check(not ill, ill)


def pid_file():
    """--pidfile: a file that is there is left alone"""
    with Case() as c:
        path = os.path.join(c.folder.name, 'pid')
        with open(path, 'w') as f:
            f.write('as it was\n')
        c.dump('-R', '--pidfile', path)
        with open(path) as f:
            tap.check(f.read() == 'as it was\n', 'it was written to')


def statistics():
    """stats-dump is in the work directory and adds up; --display-stats prints it"""
    with Case() as c:
        said = c.dump('-R', '-W', c.work, '-o', 'log', '--display-stats').stdout
        tap.check(sorted(os.listdir(c.work)) == ['log', 'stats-dump'], f'{os.listdir(c.work)}')
        stats = json.loads(tap.run(CRIT, 'decode', '-i', f'{c.work}/stats-dump').stdout)['entries'][0]['dump']
        pages = sum(os.path.getsize(f'{c.images}/{n}') for n in os.listdir(c.images) if n.startswith('pages-'))
        tap.check((stats['pages_written'] + stats['shpages_written']) * 4096 == pages, f'{stats} and {pages} bytes')
        tap.check(stats['frozen_time'] > 0 and stats['freezing_time'] > 0, f'{stats}')
        tap.check(f'Memory pages written: {stats["pages_written"]} (0x{stats["pages_written"]:x})\n' in said, said)


def scripts():
    """action scripts: when, where, and what they are told"""
    with Case() as c:
        script = (f'echo "$CRTOOLS_SCRIPT_ACTION $CRTOOLS_INIT_PID $(pwd) $(ls $CRTOOLS_IMAGE_DIR/ | grep -c img)" >> '
                  f'{c.folder.name}/said')
        c.dump('-R', '-W', c.work, '--action-script', script)
        with open(f'{c.folder.name}/said') as f:
            lines = [line.split() for line in f]
        tap.check([l[0] for l in lines] == ['pre-dump', 'post-dump'], f'{lines}')
        tap.check(all(l[1:3] == [str(c.subject.pid), c.work] for l in lines), f'{lines}')
        tap.check(lines[0][3] == '0' and int(lines[1][3]) > 10, f'{lines}')


def dry_run():
    """--dry-run: says what it finds, as text and as JSON, and writes nothing"""
    with Case() as c:
        said = c.dump('--dry-run').stdout
        tap.check('nothing stops a dump' in said, said)
        said = json.loads(c.dump('--dry-run', '--json').stdout)
        tap.check(said['pid'] == c.subject.pid and said['blockers'] == [], f'{said}')
        p = subprocess.Popen(['unshare', '-n', '-i', 'sleep', '100'], stdin=subprocess.DEVNULL)
        try:
            time.sleep(0.3)
            said = json.loads(tap.run(DUMP, '--no-default-config', '-t', p.pid, '--dry-run', '--json', '-D', c.images, status=3).stdout)
            why = ' '.join(b['why'] for b in said['blockers'])
            tap.check('--shell-job' in why, why)
            tap.check(all(b['pid'] == p.pid for b in said['blockers']), f'{said}')
        finally:
            p.kill()
            p.wait()
        tap.check(os.listdir(c.images) == [], f'{os.listdir(c.images)}')
        ill = c.subject.ailment()
        tap.check(not ill, ill)


def log_early():
    """the log file is there also when the command fails early"""
    with Case() as c:
        tap.run(DUMP, '--no-default-config', '-t', 99999, '-D', c.images, '-W', c.work, '-o', 'dump.log', status=1)
        with open(f'{c.work}/dump.log') as f:
            text = f.read()
        tap.check(text.count('Error') == 1 and 'no such process' in text, text)


if __name__ == '__main__':
    if os.geteuid() != 0:
        print('1..0 # SKIP needs root')
        sys.exit(0)
    busy.in_namespace()
    tap.main([killed, running, stopped, stopped_before, pid_file, statistics, scripts, dry_run, log_early])
