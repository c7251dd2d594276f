#!/usr/bin/env python3
"""A dump that fails, at whatever step, leaves the tasks as they were and says why."""
import os
import resource
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


class Case:
    """A busy process, and a directory for its images."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix='dump-fail.')
        self.images = os.path.join(self.folder.name, 'images')
        os.mkdir(self.images)
        self.subject = busy.Busy(self.folder.name)
        return self

    def __exit__(self, *unused):
        self.subject.end()
        subprocess.run(['umount', '-q', self.images], check=False, stderr=subprocess.DEVNULL)
        self.folder.cleanup()

    def dump(self, *extra, images=None, limits=None, pid=None):
        def set_limits():
            for which, value in (limits or {}).items():
                resource.setrlimit(which, (value, value))
        return subprocess.run([DUMP, '--no-default-config', '-t', str(pid or self.subject.pid), '-D', images or self.images, *extra],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, preexec_fn=set_limits)

    def fails(self, *extra, status=(1,), says='', **kw):
        p = self.dump(*extra, **kw)
        what = f'{" ".join(extra)} {kw}: status {p.returncode}: {p.stderr[-300:]}'
        tap.check(p.returncode in status, what)
        tap.check(p.stderr.startswith('criu-dump: ') and p.stderr.count('\n') == 1, f'not one message: {what}')
        tap.check(says in p.stderr, f'"{says}" is not said: {what}')
        ill = self.subject.ailment()
        tap.check(not ill, f'{ill}; {what}')
        return p.stderr


def directories():
    """an images directory that is not there, or is no directory"""
    with Case() as c:
        c.fails(images='/nonexistent/images', says='/nonexistent/images')
        c.fails(images=c.subject.board, says=c.subject.board)
        subprocess.run(['mount', '-t', 'tmpfs', '-o', 'ro', 'none', c.images], check=True)
        c.fails(says='Read-only')


def full_disk():
    """no space left, after more and more of the images"""
    with Case() as c:
        seen = set()
        for pages in [*range(1, 40), 60, 80, 120, 160]:
            subprocess.run(['mount', '-t', 'tmpfs', '-o', f'nr_blocks={pages},nr_inodes=100', 'none', c.images], check=True)
            p = c.dump('-R')
            if p.returncode:
                seen.add(p.stderr.split(': ')[1])
                tap.check('No space left' in p.stderr and p.returncode == 1, f'{pages} pages: {p.returncode} {p.stderr}')
                tap.check('manifest.img' not in os.listdir(c.images), f'{pages} pages: it failed, and there is a manifest')
            ill = c.subject.ailment()
            tap.check(not ill, f'{pages} pages: {ill}; {p.stderr}')
            subprocess.run(['umount', c.images], check=True)
        tap.check(len(seen) > 2, f'it failed at {seen} only')


def few_inodes():
    """no inode left for one more image"""
    with Case() as c:
        for inodes in range(1, 24):
            subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size=64M,nr_inodes={inodes}', 'none', c.images], check=True)
            p = c.dump('-R')
            tap.check(p.returncode in (0, 1), f'{inodes} inodes: {p.returncode} {p.stderr}')
            ill = c.subject.ailment()
            tap.check(not ill, f'{inodes} inodes: {ill}; {p.stderr}')
            subprocess.run(['umount', c.images], check=True)


def limits():
    """limits on file size, descriptors and memory of criu-dump itself"""
    with Case() as c:
        rows = [(resource.RLIMIT_FSIZE, v) for v in (0, 100, 4096, 65536, 300000)]
        rows += [(resource.RLIMIT_NOFILE, v) for v in (4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 20)]
        if 'sanitize' not in BUILD:  # sanitizers map terabytes
            rows += [(resource.RLIMIT_AS, v << 20) for v in (12, 14, 16, 18, 20, 24, 30, 40)]
        failed = 0
        for which, value in rows:
            p = c.dump('-R', limits={which: value})
            tap.check(p.returncode in (0, 1, 127), f'limit {which} {value}: {p.returncode} {p.stderr}')
            failed += p.returncode != 0
            ill = c.subject.ailment()
            tap.check(not ill, f'limit {which} {value}: {ill}; {p.stderr}')
        tap.check(failed > 5, f'{failed} of {len(rows)} limits made it fail')


def scripts():
    """an action script that fails, before and after"""
    with Case() as c:
        for action in ('pre-dump', 'post-dump'):
            c.fails('--action-script', f'test $CRTOOLS_SCRIPT_ACTION != {action}', says=action)


def pids():
    """a process that is not there, that is no root of a tree, or that criu-dump itself belongs to"""
    with Case() as c:
        c.fails(pid=99999, says='pid 99999: no such process')
        c.fails(pid=os.getpid(), status=(3,), says='criu-dump itself')
        p = subprocess.run([DUMP, '--no-default-config', '-D', c.images], capture_output=True, text=True)
        tap.check(p.returncode == 2 and '-t PID' in p.stderr, f'without -t: {p.returncode} {p.stderr}')


def unsupported():
    """objects that are not supported: named, all of them, and the tasks run on"""
    with Case() as c:
        code = '''
import ctypes, os, time
libc = ctypes.CDLL(None, use_errno=True)
buf = ctypes.create_string_buffer(120)
print(libc.syscall(425, 4, buf), flush=True)  # io_uring_setup
time.sleep(100)
'''
        p = subprocess.Popen([sys.executable, '-c', code], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                             start_new_session=True)
        fd = int(p.stdout.readline())
        try:
            if fd < 0:
                raise tap.Skipped('no io_uring on this machine')
            c.fails(pid=p.pid, status=(3,), says=f'pid {p.pid}: ')
            said = tap.run(DUMP, '--no-default-config', '--dry-run', '-t', p.pid, status=3).stdout
            tap.check(f'fd {fd}: io_uring (rings of 4 submissions and 8 completions) is not supported' in said, said)
            tap.check(p.poll() is None, 'it has ended')
        finally:
            p.kill()
            p.wait()


def session():
    """a tree that belongs to a session outside of it, without --shell-job"""
    with Case() as c:
        p = subprocess.Popen(['sleep', '100'], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            time.sleep(0.1)
            c.fails(pid=p.pid, status=(3,), says='--shell-job')
            q = c.dump('--shell-job', '-R', pid=p.pid)
            tap.check(q.returncode == 0, q.stderr)
        finally:
            p.kill()
            p.wait()


def dies_meanwhile():
    """the process is killed while it is dumped: an error, no hang"""
    with Case() as c:
        for i in range(20):
            p = subprocess.Popen(['sleep', '100'], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL, start_new_session=True)
            q = subprocess.Popen([DUMP, '--no-default-config', '-t', str(p.pid), '-D', c.images, '-R'], stderr=subprocess.PIPE)
            time.sleep(i * 0.001)
            p.kill()
            p.wait()
            _, text = q.communicate(timeout=30)
            tap.check(q.returncode in (0, 1, 5), f'status {q.returncode}: {text.decode()}')


def stops_and_goes():
    """stopped and continued all the time while it is dumped, it runs on in the end"""
    with Case() as c:
        for _ in range(20):
            q = subprocess.Popen([DUMP, '--no-default-config', '-t', str(c.subject.pid), '-D', c.images, '-R'],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            while q.poll() is None:
                os.kill(c.subject.pid, signal.SIGSTOP)
                time.sleep(0.0005)
                os.kill(c.subject.pid, signal.SIGCONT)
                time.sleep(0.0005)
            q.communicate()
            tap.check(q.returncode in (0, 1), f'status {q.returncode}')
        os.kill(c.subject.pid, signal.SIGCONT)
        ill = c.subject.ailment()
        tap.check(not ill, ill)


if __name__ == '__main__':
    if os.geteuid() != 0:
        print('1..0 # SKIP needs root')
        sys.exit(0)
    busy.in_namespace()
    tap.main([directories, full_disk, few_inodes, limits, scripts, pids, unsupported, session, dies_meanwhile, stops_and_goes])
