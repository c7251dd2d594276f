#!/usr/bin/env python3
"""Is it the same file? --file-validation, --skip-file-rwx-check; --evasive-devices."""
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'harness'))
import carry
import tap
from tap import check

BUILD = os.path.abspath(os.environ.get('BUILD', os.path.join(HERE, '..', '..', '..', 'build')))
SLEEPER = ['/usr/bin/python3', '-S', '-c', 'import time\nwhile True: time.sleep(1)']


class Task:
    def __init__(self, path, flags=os.O_RDONLY):
        self.work = tempfile.mkdtemp(prefix='same.')
        fd = os.open(path, flags)
        self.p = subprocess.Popen(SLEEPER, stdin=fd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, cwd='/')
        os.close(fd)
        time.sleep(0.1)

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.p.kill()
        tap.run('rm', '-rf', self.work)

    def dump(self, *options, status=0):
        text = tap.run(os.path.join(BUILD, 'criu-dump'), '--no-default-config', '-t', self.p.pid, '-D', self.work, '-o', 'log', '-v4',
                       *options, status=status).stderr
        if not status:
            self.p.wait()
        return text

    def restore(self, *options, status=0):
        text = tap.run(os.path.join(BUILD, 'criu-restore'), '--no-default-config', '-d', '-D', self.work, '-o', 'rlog', '-v4', *options,
                       status=status).stderr
        if not status:
            link = os.readlink(f'/proc/{self.p.pid}/fd/0')
            os.kill(self.p.pid, 9)
            os.waitpid(self.p.pid, 0)
            return link
        return text


def write(path, text):
    with open(path, 'w') as f:
        f.write(text)


def checksum():
    """--file-validation=buildid: a file that is no program is known by its first bytes too; filesize: by its size alone"""
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, 'file')
        write(path, 'first bytes')
        with Task(path) as t:
            t.dump('--file-validation', 'buildid')
            t.restore()
            write(path, 'other bytes')
            text = t.restore(status=3)
            check(path in text and 'begins with other bytes' in text, text)
            t.restore('--file-validation', 'filesize')
            write(path, 'longer than it was')
            text = t.restore('--file-validation', 'filesize', status=3)
            check(path in text and 'bytes, and had' in text, text)
        with Task(path) as t:
            t.dump()  # by size
            write(path, 'LONGER THAN IT WAS')
            t.restore()
        tap.run(os.path.join(BUILD, 'criu-dump'), '-t', 1, '--file-validation', 'smell', status=2)


def modes():
    """--skip-file-rwx-check: other permission bits do not matter, another kind of file does"""
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, 'file')
        write(path, 'x')
        with Task(path) as t:
            t.dump()
            os.chmod(path, 0o600)
            text = t.restore(status=3)
            check(path in text and 'mode' in text, text)
            t.restore('--skip-file-rwx-check')
            os.unlink(path)
            os.mkdir(path, 0o644)
            text = t.restore('--skip-file-rwx-check', status=3)
            check(path in text and 'mode' in text, text)


def devices():
    """--evasive-devices: a device whose own path leads elsewhere is opened by another one"""
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, 'nothing')
        tap.run('mknod', path, 'c', '1', '3')
        with Task(path, os.O_RDWR) as t:
            os.unlink(path)
            write(path, 'something else')
            t.dump('--evasive-devices')
            link = t.restore()
            check(link == '/dev/null', f'it has {link} open')


if __name__ == '__main__':
    if not os.environ.get('IN_NAMESPACE'):
        if os.geteuid():
            print('1..0 # SKIP needs root')
            sys.exit(0)
        os.environ['IN_NAMESPACE'] = '1'
        os.execvp('unshare', [*carry.NAMESPACE, sys.executable, *sys.argv])
    tap.main([checksum, modes, devices])
