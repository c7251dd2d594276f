#!/usr/bin/env python3
"""Terminals that belong to somebody outside of the tree: a shell's job, external ones, masters that are handed over."""
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'harness'))
import carry
import tap
from tap import Failed, check

BUILD = os.path.abspath(os.environ.get('BUILD', os.path.join(HERE, '..', '..', '..', 'build')))
DUMP, RESTORE = os.path.join(BUILD, 'criu-dump'), os.path.join(BUILD, 'criu-restore')

# Says what it reads, and how large the window is when that changes; its own settings of the terminal.
ECHO = '''
import os, signal, termios
t = termios.tcgetattr(0)
t[3] &= ~(termios.ICANON | termios.ECHO)
t[6][termios.VMIN], t[6][termios.VTIME] = 1, 0
termios.tcsetattr(0, termios.TCSANOW, t)
say = lambda text: os.write(1, text.encode() + b'\\n')
signal.signal(signal.SIGWINCH, lambda *a: say('window %dx%d' % tuple(os.get_terminal_size(0))[::-1]))
say('here I am')
while True:
    key = os.read(0, 1).decode()
    say('key %s front %s' % (key, os.tcgetpgrp(0) == os.getpgrp()))
    if key == 't':
        say('tty ' + str(os.open('/dev/tty', os.O_RDWR) > 0))
'''


class Screen:
    """The master of a terminal, and what was seen on it."""

    def __init__(self, fd):
        self.fd, self.text = fd, ''

    def size(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))

    def type(self, text):
        os.write(self.fd, text.encode())

    def see(self, text, seconds=10):
        """Wait for a text behind what was waited for before."""
        end = time.time() + seconds
        while text not in self.text:
            if time.time() > end:
                raise Failed(f'"{text}" does not come: {self.text[-600:]!r}')
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    self.text += os.read(self.fd, 4096).decode(errors='replace')
                except OSError:
                    raise Failed(f'"{text}" does not come, the terminal is shut: {self.text[-600:]!r}')
        self.text = self.text.split(text, 1)[1]


def shell():
    """A shell with job control on a new terminal; its pid and screen."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ['PS1'] = 'prompt> '
        os.execvp('bash', ['bash', '--norc', '--noprofile', '-i'])
    os.set_inheritable(fd, False)
    screen = Screen(fd)
    screen.size(24, 80)
    screen.see('prompt> ')
    return pid, screen


def job(work, screen, shell_pid):
    """The echo program as a job of the shell: its pid."""
    path = os.path.join(work, 'echo.py')
    with open(path, 'w') as f:
        f.write(ECHO)
    screen.type(f'/usr/bin/python3 -S {path}\n')
    screen.see('here I am')
    screen.type('a')
    screen.see('key a front True')
    with open(f'/proc/{shell_pid}/task/{shell_pid}/children') as f:
        return int(f.read().split()[0])


def dump(work, pid, *options, status=0):
    return tap.run(DUMP, '--no-default-config', '-D', work, '-o', 'dump.log', '-v4', '-t', pid, *options, status=status).stderr


def restore(work, *options, status=0, **kw):
    return tap.run(RESTORE, '--no-default-config', '-D', work, '-o', 'restore.log', '-v4', *options, status=status, **kw).stderr


def shells_job():
    """a program of a shell goes on in another shell's terminal, with that one's size, and the shell has it back afterwards"""
    with tempfile.TemporaryDirectory() as work:
        first, screen = shell()
        pid = job(work, screen, first)
        text = dump(work, pid, status=3)
        check('--shell-job' in text, text)
        with open(os.path.join(work, 'dump.log')) as f:
            check(f"pid {pid}: fd 0: terminal '/dev/pts/0' belongs to somebody outside" in f.read(), 'the terminal is not named')
        screen.type('b')
        screen.see('key b')
        dump(work, pid, '-j')
        screen.see('prompt> ')
        _, other = shell()
        other.size(31, 99)
        other.type(f'{RESTORE} --no-default-config -j -D {work} -o restore.log -v4; echo status $?\n')
        other.see('window 31x99')
        other.type('ct')
        other.see('key c front True')
        other.see('tty True')
        other.type('\x03')
        other.see('KeyboardInterrupt')
        other.see('status 0')
        other.see('prompt> ')
        other.type('echo still $((20+3))\n')
        other.see('still 23')


def stopped_and_back():
    """Ctrl-Z stops it and the shell has its terminal; fg lets it go on"""
    with tempfile.TemporaryDirectory() as work:
        first, screen = shell()
        pid = job(work, screen, first)
        dump(work, pid, '-j')
        screen.see('prompt> ')
        screen.type(f'{RESTORE} --no-default-config -j -D {work} -o restore.log -v4; echo status $?\n')
        time.sleep(0.3)
        screen.type('c')
        screen.see('key c front True')
        screen.type('\x1a')
        screen.see('Stopped')
        screen.see('prompt> ')
        screen.type('echo shell $((20+4))\n')
        screen.see('shell 24')
        screen.type('fg\n')
        time.sleep(0.3)
        screen.type('d\n')  # the shell has put back its own settings, and this program does not mind
        screen.see('key d front True')
        screen.type('\x03')
        screen.see('KeyboardInterrupt')
        screen.see('prompt> ')


def no_terminal():
    """a shell's job is refused by name where there is no terminal, and without --shell-job"""
    with tempfile.TemporaryDirectory() as work:
        first, screen = shell()
        pid = job(work, screen, first)
        dump(work, pid, '-j')
        text = restore(work, '-j', status=3, start_new_session=True)
        check('wants a terminal' in text, text)
        text = restore(work, status=3)
        check('--shell-job' in text, text)


def external():
    """a terminal named with --external comes back as the one that --inherit-fd hands over, and is the session's"""
    with tempfile.TemporaryDirectory() as work:
        path = os.path.join(work, 'echo.py')
        with open(path, 'w') as f:
            f.write(ECHO)
        master, slave = pty.openpty()
        screen = Screen(master)
        p = subprocess.Popen(['setsid', '--ctty', '/usr/bin/python3', '-S', path], stdin=slave, stdout=slave, stderr=slave)
        screen.see('here I am')
        st = os.fstat(slave)
        key = f'tty[{st.st_rdev:x}:{st.st_dev:x}]'
        check(key in dump(work, p.pid, status=3), 'the refusal does not tell the key')
        dump(work, p.pid, '--external', key)
        p.wait()
        os.close(slave)
        master2, slave2 = pty.openpty()
        other = Screen(master2)
        text = restore(work, '-d', status=3)
        check(key in text, text)
        restore(work, '-d', '--inherit-fd', f'fd[{slave2}]:{key}', pass_fds=[slave2])
        os.close(slave2)
        other.type('xt')
        other.see('key x front True')
        other.see('tty True')
        os.close(master2)  # the end of its session
        for _ in range(200):
            if not os.path.exists(f'/proc/{p.pid}/exe'):
                return
            time.sleep(0.02)
        raise Failed('it did not get SIGHUP')


KEEPER = '''#!/bin/sh
echo $CRTOOLS_SCRIPT_ACTION >> {work}/actions
[ "$CRTOOLS_SCRIPT_ACTION" = orphan-pts-master ] || exit 0
setsid /usr/bin/python3 -S -c '
import os, sys
fd = int(sys.argv[1])
os.write(fd, b"z")
out = open("{work}/out", "wb", 0)
while True:
    out.write(os.read(fd, 1000))
' $CRTOOLS_SCRIPT_FD > /dev/null 2>&1 &
'''


def orphan():
    """the master of a terminal goes to an action script"""
    with tempfile.TemporaryDirectory() as work:
        path, script = os.path.join(work, 'echo.py'), os.path.join(work, 'script')
        with open(path, 'w') as f:
            f.write(ECHO)
        with open(script, 'w') as f:
            f.write(KEEPER.format(work=work))
        os.chmod(script, 0o755)
        master, slave = pty.openpty()
        screen = Screen(master)
        p = subprocess.Popen(['setsid', '--ctty', '/usr/bin/python3', '-S', path], stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        screen.see('here I am')
        dump(work, p.pid, '--orphan-pts-master')
        p.wait()
        os.close(master)
        restore(work, '-d', '--orphan-pts-master', '--action-script', script)
        for _ in range(200):
            out = os.path.join(work, 'out')
            if os.path.exists(out) and b'key z front True' in open(out, 'rb').read():
                break
            time.sleep(0.02)
        else:
            raise Failed('nobody reads the terminal')
        with open(os.path.join(work, 'actions')) as f:
            check(f.read().split().count('orphan-pts-master') == 1, 'actions')
        os.kill(p.pid, signal.SIGKILL)


if __name__ == '__main__':
    if not os.environ.get('IN_NAMESPACE'):
        if os.geteuid():
            print('1..0 # SKIP needs root')
            sys.exit(0)
        os.environ['IN_NAMESPACE'] = '1'
        os.execvp('unshare', [*carry.NAMESPACE, sys.executable, *sys.argv])
    tap.main([shells_job, stopped_and_back, no_terminal, external, orphan])
