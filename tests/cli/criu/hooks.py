#!/usr/bin/env python3
"""Hooks of plugins: which are called, when and in what order, by our engines and (with PEER_CRIU) by the other criu; a connection to a
server outside of the tree and a message queue, saved by the plugin."""
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, '..', '..', '..')
sys.path.insert(0, os.path.join(HERE, '..', '..', 'harness'))
import tap  # noqa: E402
from carry import NAMESPACE, PEER, Carrier, Failed  # noqa: E402
from tap import Skipped, check  # noqa: E402

BUILD = os.path.abspath(os.environ.get('B') or os.path.join(TOP, 'build'))

SUBJECT = r'''
import os, socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(b'before')
child = os.fork()
if child == 0:
    while True:
        time.sleep(1)
open('ready', 'w').close()
while not os.path.exists('go'):
    time.sleep(0.01)
s.sendall(b'after')
os.kill(child, 9)
open('result', 'w').write('ok')
'''

DUMP = ['init 0', 'PAUSE_DEVICES 300', 'PAUSE_DEVICES 301', 'CHECKPOINT_DEVICES 300', 'CHECKPOINT_DEVICES 301', 'DUMP_UNIX_SK',
        'DUMP_DEVICES_LATE 300', 'exit 0 0']
RESTORE = ['init 2', 'RESTORE_INIT', 'POST_FORKING', 'RESTORE_UNIX_SK', 'RESUME_DEVICES_LATE 300', 'RESUME_DEVICES_LATE 301', 'exit 2 0']


class Run(Carrier):
    def __init__(self, work, transport):
        super().__init__(BUILD, work, transport)
        self.dir, self.libs = os.path.join(work, 'subject'), os.path.join(work, 'libs')
        os.mkdir(self.dir)
        os.mkdir(self.libs)
        subprocess.run(['cc', '-shared', '-fPIC', '-I', os.path.join(TOP, 'engines'), '-o', os.path.join(self.libs, 'every-hook.so'),
                        os.path.join(HERE, 'every-hook.c')], check=True)
        self.server = socket.socket(socket.AF_UNIX)
        name = os.path.join(self.dir, 'server')
        self.server.bind(name)
        self.server.listen(4)
        os.environ.update(HOOKS_LOG=os.path.join(work, 'hooks'), HOOKS_PEER=name)
        self.start([sys.executable, '-c', SUBJECT, name], cwd=self.dir)
        self.connection = self.server.accept()[0]
        check(self.connection.recv(100) == b'before', 'the subject does not write')
        self.wait(lambda: os.path.exists(os.path.join(self.dir, 'ready')), 'the subject')

    def hooks(self):
        """What was called since it was asked last, without what differs from run to run."""
        path = os.environ['HOOKS_LOG']
        with open(path) as f:
            lines = [re.sub(r' 0x\w+$', '', line.strip()) for line in f]
        os.unlink(path)
        return [line.replace(str(self.pid), '300').replace(str(self.pid + 1), '301') for line in lines]


def same(got, want):
    check(sorted(got) == sorted(want), f'called: {got}, not {want}')
    where = [got.index(name) for name in want if not name.startswith(('DUMP_UNIX_SK', 'DUMP_DEVICES_LATE'))]
    check(where == sorted(where), f'order: {got}')


def saved(run):
    os.environ['HOOKS_SAVE'] = '/dev/null'
    run.dump('-L', run.libs)
    same(run.hooks(), DUMP)
    run.connection.close()
    run.restore('-L', run.libs)
    same(run.hooks(), RESTORE)
    run.connection = run.server.accept()[0]
    open(os.path.join(run.dir, 'go'), 'w').close()
    check(run.connection.recv(100) == b'after', 'the connection that the plugin made is not the one of the subject')


def refused(run):
    status, text = run.command('dump', False, '-t', str(run.pid), '-L', run.libs)
    check(status == 3 and 'peer is not of the tree' in text, f'status {status}: {text}')
    same(run.hooks(), DUMP[:-3] + ['DUMP_UNIX_SK', 'RESUME_DEVICES_LATE 300', 'RESUME_DEVICES_LATE 301', 'exit 0 -1'])
    open(os.path.join(run.dir, 'go'), 'w').close()
    check(run.connection.recv(100) == b'after', 'the subject does not go on')


def inside(name, transport):
    work = tempfile.mkdtemp(prefix='hooks-')
    try:
        globals()[name](Run(work, transport))
    except (Failed, OSError, subprocess.CalledProcessError) as e:
        print(e)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def row(name, transport, what):
    def test():
        if os.geteuid() != 0:
            raise Skipped('dump and restore need root')
        if not shutil.which('cc'):
            raise Skipped('there is no compiler')
        p = subprocess.run([*NAMESPACE, sys.executable, __file__, '--inside', name, transport], stdin=subprocess.DEVNULL,
                           capture_output=True, text=True, timeout=100)
        wrong = (p.stdout + p.stderr).strip()
        check(not wrong, wrong)

    test.__doc__ = f'{what}, {transport}'
    return test


if __name__ == '__main__':
    if sys.argv[1:2] == ['--inside']:
        inside(*sys.argv[2:])
    else:
        rows = [row('saved', t, 'a connection that a plugin saves, and every other hook')
                for t in ('directory', 'stream', *(('to-peer', 'from-peer', 'peer') if PEER else ()))]
        tap.main([*rows, row('refused', 'directory', 'one that no plugin wants')])
