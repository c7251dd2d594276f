#!/usr/bin/env python3
"""Programs on a terminal, as people have them: a shell with jobs, vim, less, top, python's prompt, tmux with vim inside.

The terminal's other end is a program of the tree that types what it finds in files and keeps what it sees."""
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
import program  # noqa: E402
from tap import Failed, Skipped, check  # noqa: E402

# The screen of a terminal: argv is the program in it.
SCREEN = r'''
import fcntl, os, pty, select, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    os.environ.update(TERM='xterm', PS1='prompt> ', LESS='', HOME=os.getcwd(), INPUTRC='/dev/null', HISTFILE='/dev/null')
    os.execvp(sys.argv[1], sys.argv[1:])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 80, 0, 0))
screen = open('screen', 'wb', 0)
nr = 0
while True:
    if os.path.exists('type.%d' % nr):
        os.write(fd, open('type.%d' % nr, 'rb').read())
        nr += 1
    if not select.select([fd], [], [], 0.02)[0]:
        continue
    try:
        data = os.read(fd, 4096)
    except OSError:
        break
    screen.write(data)
os.waitpid(pid, 0)
'''


VIM = 'vim' if shutil.which('vim') else 'vim.tiny'


class Screen:
    def __init__(self, p, *command, **kw):
        if not shutil.which(command[0]):
            raise Skipped(f'{command[0]} is not installed')
        self.p, self.nr, self.seen = p, 0, 0
        p.start(['/usr/bin/python3', '-S', p.write('screen.py', SCREEN), *command], **kw)

    def type(self, text):
        self.p.write('.type', text)
        os.rename(self.p.file('.type'), self.p.file(f'type.{self.nr}'))
        self.nr += 1

    def see(self, text):
        """Wait for a text behind what was waited for before."""
        def there():
            if not os.path.exists(self.p.file('screen')):
                return False
            at = self.p.read('screen').find(text, self.seen)
            if at >= 0:
                self.seen = at + len(text)
            return at >= 0
        try:
            self.p.wait(there, f'"{text}"')
        except Failed:
            raise Failed(f'"{text}" does not come: {self.p.read("screen")[self.seen:][-500:]!r}')

    def new(self):
        """What comes from here on."""
        self.seen = len(self.p.read('screen')) if os.path.exists(self.p.file('screen')) else 0


def shell(p):
    """bash: the line being typed, a stopped job and one in the background, the foreground again"""
    s = Screen(p, 'bash', '--norc', '--noprofile', '-i')
    s.see('prompt> ')
    s.type('word=kept; sleep 1000 & cat\n')
    s.see('[1] ')
    s.type('hello\n')
    s.see('hello\nhello')
    s.type('\x1a')
    s.see('Stopped')
    s.type('echo half-')

    def goes_on():
        s.new()
        s.type('way $word\n')
        s.see('half-way kept')
        s.type('fg\n')
        s.see('cat')
        s.type('again\n')
        s.see('again\nagain')
        s.type('\x04')
        s.see('prompt> ')
        s.type('jobs | wc -l; kill %1; wait; tty; echo $((20+3))\n')
        s.see('/dev/pts/')
        s.see('23')
    s.see('half-')
    p.carry(goes_on)
    s.type('exit\n')
    p.finish()


def pipeline(p):
    """bash: a pipeline in the foreground that is interrupted"""
    s = Screen(p, 'bash', '--norc', '--noprofile', '-i')
    s.see('prompt> ')
    s.type('while sleep 0.05; do echo $((++n)); done | sed -u s/^/n=/ | cat\n')
    s.see('n=3')

    def goes_on():
        s.new()
        for _ in range(3):
            s.see('n=')
        s.type('\x03')
        s.see('prompt> ')
        s.type('echo alive $((20+4))\n')
        s.see('alive 24')
    p.carry(goes_on)
    s.type('exit\n')
    p.finish()


def vim(p):
    """vim: text that was typed and not written"""
    s = Screen(p, VIM, '-u', 'NONE', '-N', '-n', 'text')
    s.see('text')
    s.type('ione line\nanother')
    s.see('another')

    def goes_on():
        s.type(' one')
        s.see(' one')
    p.carry(goes_on)
    s.type('\x1b:wq\n')
    p.finish()
    check(p.read('text').startswith('one line\nanother one'), p.read('text'))


def less(p):
    """less: the place in a file, and searching on"""
    p.write('book', ''.join(f'line {n}\n' for n in range(1, 2000)))
    s = Screen(p, 'less', 'book')
    s.see('line 23')
    s.type('500g')
    s.see('line 522')

    def goes_on():
        s.type('/line 77[7]\n')
        s.see('line 799')
    p.carry(goes_on)
    s.type('q')
    p.finish()


def top(p):
    """top: it goes on refreshing, and obeys keys"""
    s = Screen(p, 'top', '-d', '0.3')
    s.see('PID')
    s.see('load average')

    def goes_on():
        s.new()
        for _ in range(2):
            s.see('load average')
    p.carry(goes_on)
    s.type('q')
    p.finish()


def prompt(p):
    """python: its prompt, with a function half typed"""
    s = Screen(p, '/usr/bin/python3', '-q')
    s.see('>>> ')
    s.type('kept = [1, 2, 3]\n')
    s.see('>>> ')
    s.type('def double(x):\n    return')
    s.see('return')

    def goes_on():
        s.type(' 2 * x\n\n')
        s.see('>>> ')
        s.type('double(sum(kept))\n')
        s.see('12')
    p.carry(goes_on)
    s.type('exit()\n')
    p.finish()


def tmux(p):
    """tmux: a server with vim in one window and a shell in another"""
    if not shutil.which(VIM):
        raise Skipped('vim is not installed')
    socket = p.file('socket')

    def ask(*words):
        r = subprocess.run(['tmux', '-S', socket, *words], capture_output=True, text=True, timeout=10)
        check(r.returncode == 0, f'tmux {" ".join(words)}: {r.stderr}')
        return r.stdout

    def see(window, text):
        p.wait(lambda: text in ask('capture-pane', '-p', '-t', window), f'"{text}" in {window}')

    env = dict(os.environ, TERM='xterm', HOME=p.dir, PS1='prompt> ')
    p.start(['tmux', '-S', socket, '-f', '/dev/null', '-D'], env=env)
    p.wait(lambda: os.path.exists(socket), 'its socket')
    ask('new-session', '-d', '-s', 'work', '-n', 'edit', '-x', '80', '-y', '24', '-c', p.dir, VIM + ' -u NONE -N -n text')
    ask('new-window', '-d', '-t', 'work', '-n', 'shell', '-c', p.dir, 'bash', '--norc', '--noprofile', '-i')
    see('work:edit', 'text')
    ask('send-keys', '-t', 'work:edit', 'i', 'typed in tmux')
    see('work:edit', 'typed in tmux')
    see('work:shell', 'prompt>')  # without the space at its end
    ask('send-keys', '-t', 'work:shell', 'word=kept; cat', 'Enter')
    ask('send-keys', '-t', 'work:shell', 'meow', 'Enter')
    see('work:shell', 'meow\nmeow')

    def goes_on():
        ask('send-keys', '-t', 'work:edit', ' and', ' after')
        see('work:edit', 'typed in tmux and after')
        ask('send-keys', '-t', 'work:shell', 'C-c')
        ask('send-keys', '-t', 'work:shell', 'echo $word $((40+2)); tty', 'Enter')
        see('work:shell', 'kept 42')
        ask('split-window', '-d', '-t', 'work:shell', 'cat')  # a new terminal
    p.carry(goes_on)
    ask('send-keys', '-t', 'work:edit', 'Escape', ':wq', 'Enter')
    p.wait(lambda: os.path.exists(p.file('text')), 'the text')
    time.sleep(0.1)
    check(p.read('text') == 'typed in tmux and after\n', p.read('text'))
    ask('kill-server')
    p.finish()


if __name__ == '__main__':
    program.main([shell, pipeline, vim, less, top, prompt, tmux])
