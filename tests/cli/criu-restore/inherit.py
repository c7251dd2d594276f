#!/usr/bin/env python3
"""--external and --inherit-fd: descriptors that come from whoever starts criu-restore."""
import os
import socket
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
PEER = os.environ.get('PEER_CRIU')

# Writes a line to standard output for each byte read from standard input.
ECHO = '''
import os
while True:
    c = os.read(0, 1)
    if not c:
        break
    os.write(1, b'got ' + c + b'\\n')
'''


class Task:
    def __init__(self, program=ECHO, **kw):
        self.work = tempfile.mkdtemp(prefix='inherit.')
        kw.setdefault('stdin', subprocess.DEVNULL)
        kw.setdefault('stdout', subprocess.DEVNULL)
        self.p = subprocess.Popen(['/usr/bin/python3', '-S', '-c', program], stderr=subprocess.DEVNULL, start_new_session=True, cwd='/', **kw)

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.p.kill()
        tap.run('rm', '-rf', self.work)

    def dump(self, *options, status=0):
        p = tap.run(os.path.join(BUILD, 'criu-dump'), '--no-default-config', '-t', self.p.pid, '-D', self.work, '-o', 'log', '-v4',
                    *options, status=status)
        if not status:
            self.p.wait()
        return p.stderr

    def restore(self, keys, *options, status=0):
        words = [w for fd, key in keys for w in ('--inherit-fd', f'fd[{fd}]:{key}')]
        return tap.run(os.path.join(BUILD, 'criu-restore'), '--no-default-config', '-d', '-D', self.work, '-o', 'rlog', '-v4', *words,
                       *options, status=status, pass_fds=[fd for fd, _ in keys]).stderr

    def exits(self, code):
        """It came to us, the first process here."""
        for _ in range(500):
            pid, status = os.waitpid(self.p.pid, os.WNOHANG)
            if pid:
                check(os.waitstatus_to_exitcode(status) == code, f'it ended with status {status:#x}')
                return
            time.sleep(0.01)
        raise tap.Failed('it does not see that nobody is there')

    def end(self):
        try:
            os.kill(self.p.pid, 9)
        except ProcessLookupError:
            pass


def inode(fd):
    return os.fstat(fd).st_ino


def pipes():
    """a pipe by its inode: the other end is the caller's, whichever number it has here"""
    r, w = os.pipe()
    r2, w2 = os.pipe()
    with Task(stdin=r, stdout=w2) as t:
        os.write(w, b'a')
        check(os.read(r2, 100) == b'got a\n', 'it does not work')
        t.dump()
        n, n2 = os.pipe(), os.pipe()
        # its number 1 by our number 0 of the task's table and the reverse: they are in each other's way
        t.restore([(n[0], f'pipe:[{inode(r)}]'), (n2[1], f'pipe:[{inode(w2)}]')])
        os.close(n[0])
        os.close(n2[1])
        os.write(n[1], b'b')
        check(os.read(n2[0], 100) == b'got b\n', 'the new pipes do not reach it')
        os.close(n[1])
        check(os.read(n2[0], 100) == b'', 'somebody else has the pipe open')


def pipe_in_the_way():
    """the number that is handed over is one that the tree uses"""
    r, w = os.pipe()
    with Task(stdin=r) as t:
        t.dump()
        n = os.pipe()
        os.dup2(n[0], 0)
        p = subprocess.run([os.path.join(BUILD, 'criu-restore'), '--no-default-config', '-d', '-D', t.work, '-o', 'rlog', '--inherit-fd',
                            f'fd[0]:pipe:[{inode(r)}]'], stdin=n[0], capture_output=True, text=True)
        check(p.returncode == 0, p.stderr)
        check(os.readlink(f'/proc/{t.p.pid}/fd/0') == f'pipe:[{inode(n[0])}]', 'another pipe')
        t.end()


def path():
    """a file by its path, with and without the first slash: the caller's, as it is"""
    with tempfile.TemporaryDirectory() as d:
        log, new = os.path.join(d, 'log'), os.path.join(d, 'new')
        r, w = os.pipe()
        with open(log, 'wb') as f, Task(stdin=r, stdout=f) as t:
            os.write(w, b'a')
            while os.stat(log).st_size < 6:
                time.sleep(0.01)
            t.dump()
            os.unlink(log)
            text = t.restore([], status=1)
            check('log' in text, text)
            n = os.pipe()
            with open(new, 'wb') as g:
                t.restore([(n[0], f'pipe:[{inode(r)}]'), (g.fileno(), log[1:])])
            os.write(n[1], b'b')
            for _ in range(200):
                if os.stat(new).st_size == 6:
                    break
                time.sleep(0.01)
            with open(new) as g:
                check(g.read() == 'got b\n', 'the new file does not have it')
            t.end()


def external_file():
    """a file that no path leads to any more comes from the caller; the position is its own"""
    with tempfile.TemporaryDirectory() as d:
        mount = os.path.join(d, 'm')
        os.mkdir(mount)
        tap.run('mount', '-t', 'tmpfs', 't', mount)
        with open(os.path.join(mount, 'f'), 'w') as f:
            f.write('abcdef')
        r, w = os.pipe()
        fd = os.open(os.path.join(mount, 'f'), os.O_RDONLY)
        program = ('import os\nos.read(0, 3)\nos.write(1, b"ready")\n'
                   'import time\nwhile not os.path.exists("%s/go"): time.sleep(0.02)\nos.write(1, os.read(0, 10))' % d)
        os.lseek(fd, 0, 0)
        with Task(program, stdin=fd, stdout=w) as t:
            while os.read(r, 100) != b'ready':
                pass
            os.close(fd)
            tap.run('umount', '-l', mount)
            with open(f'/proc/{t.p.pid}/fdinfo/0') as f:
                mnt = int([line for line in f if line.startswith('mnt_id')][0].split()[1])
            key = f'file[{mnt:x}:{os.stat(f"/proc/{t.p.pid}/fd/0").st_ino:x}]'
            text = t.dump(status=3)
            check('fd 0' in text and key in text, text)
            t.dump('--external', key)
            with open(os.path.join(d, 'other'), 'w+') as f:
                f.write('uvwxyz')
                f.flush()
                n = os.pipe()
                text = t.restore([(n[1], f'pipe:[{inode(w)}]')], status=3)
                check(key in text, text)
                t.restore([(n[1], f'pipe:[{inode(w)}]'), (f.fileno(), key)])
                os.close(n[1])
                open(os.path.join(d, 'go'), 'w').close()
                check(os.read(n[0], 100) == b'xyz', 'it does not go on where it was')
                check(os.lseek(f.fileno(), 0, 1) == 6, 'our own position has moved')


def unix(kind, *options):
    ours, its = socket.socketpair(socket.AF_UNIX, kind)
    ino = inode(its.fileno())
    with Task('import os\nwhile True:\n  c = os.read(0, 100)\n  if not c: break\n  os.write(0, b"got " + c)\nos._exit(7)', stdin=its) as t:
        its.close()
        ours.send(b'a')
        check(ours.recv(100) == b'got a', 'it does not work')
        text = t.dump(status=3)
        check('fd 0' in text and 'peer' in text, text)
        t.dump(*[o % ino for o in options])
        there, here = socket.socketpair(socket.AF_UNIX, kind)
        t.restore([(there.fileno(), f'socket:[{ino}]')])
        there.close()
        here.send(b'b')
        check(here.recv(100) == b'got b', 'the new socket does not reach it')
        here.close()
        t.exits(7)
        t.restore([])  # disconnected: it reads an end
        t.exits(7)


def unix_stream():
    """a unix socket with a peer outside: handed over by --external unix[..]; else it is disconnected"""
    unix(socket.SOCK_STREAM, '--external=unix[%d]')


def unix_seqpacket():
    """the same by --ext-unix-sk=INODE, of type seqpacket"""
    unix(socket.SOCK_SEQPACKET, '--ext-unix-sk=%d')


def not_open():
    """a number that is not open is a mistake of the command line"""
    with Task() as t:
        t.dump()
        for fd in (3, 4, 5, 6, 77):  # numbers that we might use ourselves, too
            text = tap.run(os.path.join(BUILD, 'criu-restore'), '--no-default-config', '-d', '-D', t.work, '--inherit-fd',
                           f'fd[{fd}]:pipe:[1]', status=2).stderr
            check(f'{fd} is not open' in text, text)


if __name__ == '__main__':
    if not os.environ.get('IN_NAMESPACE'):
        if os.geteuid():
            print('1..0 # SKIP needs root')
            sys.exit(0)
        os.environ['IN_NAMESPACE'] = '1'
        os.execvp('unshare', [*carry.NAMESPACE, sys.executable, *sys.argv])
    tap.main([pipes, pipe_in_the_way, path, external_file, unix_stream, unix_seqpacket, not_open])
