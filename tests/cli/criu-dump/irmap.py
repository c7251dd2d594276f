#!/usr/bin/env python3
"""Watched files that the kernel does not lead to: on overlayfs, which has no handles that open."""
import json
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

WATCHER = '''
import ctypes, os, sys, time
os.chdir(sys.argv[1])
libc = ctypes.CDLL(None)
fd = libc.inotify_init1(0o4000)
libc.inotify_add_watch(fd, sys.argv[2].encode(), 2)
open('ready', 'w')
while not os.path.exists('go'):
    time.sleep(0.02)
open(sys.argv[2], 'w').write('y')
with open('out', 'w') as f:
    f.write(repr(len(os.read(fd, 100))))
'''


class Overlay:
    def __enter__(self):
        self.top = tempfile.mkdtemp(prefix='irmap.')
        tap.run('mount', '-t', 'tmpfs', 't', self.top)
        for name in ('lower/sub', 'upper', 'work', 'merged', 'run', 'pre', 'images'):
            os.makedirs(self.path(name))
        with open(self.path('lower/sub/file'), 'w') as f:
            f.write('x')
        if subprocess.run(['mount', '-t', 'overlay', 'o', '-o', f'lowerdir={self.path("lower")},upperdir={self.path("upper")},'
                           f'workdir={self.path("work")}', self.path('merged')], capture_output=True).returncode:
            raise tap.Skipped('no overlayfs here')
        self.file = self.path('merged/sub/file')
        with open(self.path('w.py'), 'w') as f:
            f.write(WATCHER)
        with open(self.file, 'a') as f:  # now it is of the upper layer
            f.write('y')
        self.p = subprocess.Popen(['/usr/bin/python3', '-S', self.path('w.py'), self.path('run'), self.file], start_new_session=True,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait('run/ready')
        return self

    def __exit__(self, *args):
        self.p.kill()
        os.chdir('/')
        subprocess.run(['umount', '-l', self.path('merged'), self.top])

    def path(self, name):
        return os.path.join(self.top, name)

    def wait(self, name):
        for _ in range(500):
            if os.path.exists(self.path(name)):
                return
            time.sleep(0.02)
        raise tap.Failed(f'{name} does not come')

    def dump(self, verb, where, *options, status=0):
        return tap.run(os.path.join(BUILD, 'criu'), verb, '--no-default-config', '-t', self.p.pid, '-D', self.path(where), '-o', 'log',
                       '-v4', *options, status=status).stderr

    def goes_on(self):
        self.p.wait()
        tap.run(os.path.join(BUILD, 'criu-restore'), '--no-default-config', '-D', self.path('images'), '-d', '-o', 'rlog', '-v4')
        open(self.path('run/go'), 'w')
        self.wait('run/out')
        time.sleep(0.05)
        with open(self.path('run/out')) as f:
            text = f.read()
        check(text == '16', f'{text} bytes of events')


def scanned():
    """--irmap-scan-path finds it; without, the refusal says so"""
    with Overlay() as o:
        text = o.dump('dump', 'images', status=1)
        check('fd 3' in text and '--irmap-scan-path' in text, text)
        check(not o.dump('dump', 'images', '--irmap-scan-path', o.path('merged')), 'it says something')
        o.goes_on()


def cached():
    """what a pre-dump found the dump does not look for"""
    with Overlay() as o:
        o.dump('pre-dump', 'pre', '--force-irmap', '--irmap-scan-path', o.path('merged'))
        show = tap.run(os.path.join(BUILD, 'crit'), 'show', o.path('pre/irmap-cache')).stdout
        check([e['path'] for e in json.loads(show)['entries']] == [o.file], show)
        o.dump('dump', 'images', '--prev-images-dir', '../pre', '--track-mem', '--force-irmap')
        o.goes_on()


if __name__ == '__main__':
    if not os.environ.get('IN_NAMESPACE'):
        if os.geteuid():
            print('1..0 # SKIP needs root')
            sys.exit(0)
        os.environ['IN_NAMESPACE'] = '1'
        os.execvp('unshare', [*carry.NAMESPACE, sys.executable, *sys.argv])
    tap.main([scanned, cached])
