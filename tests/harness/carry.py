"""Carries a tree of tasks from a dump to a restore. For kinds.py and for the scripts of tests/programs.

All of it runs as init of a pid namespace: then pids are free again when the tree is restored, and everything ends with it.
"""
import contextlib
import os
import select
import subprocess
import time

import state
from tap import Failed, Skipped  # noqa: F401 (for those who import this)

# Another criu binary, at the other end of an exchange.
PEER = os.environ.get('PEER_CRIU')
# Transports by who dumps and who restores; the others are ours at both ends.
PEER_DUMPS = ('from-peer', 'peer')
PEER_RESTORES = ('to-peer', 'chain-to-peer', 'peer')

# Pids of what is dumped are from here up: restore then never needs a number that the programs around it have.
FIRST_PID = 300
PATIENCE = 10  # seconds for what happens at once on a machine with nothing else to do
UNSUPPORTED = 3  # the exit status that says so

# What runs a program as init of a new pid namespace that ends with it.
# A pid namespace, /proc and pseudoterminals of its own: the numbers of all of them are free again when something is restored.
NAMESPACE = ('unshare', '--pid', '--fork', '--mount-proc', '--kill-child', 'sh', '-c',
             'mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts /dev/pts && mount --bind /dev/pts/ptmx /dev/ptmx; exec "$@"', 'sh')


def tail(path, lines=15):
    try:
        with open(path, errors='replace') as f:
            return ''.join('    ' + l for l in f.readlines()[-lines:])
    except OSError:
        return ''


def ended(p, timeout):
    """Wait until it has, to the millisecond: Popen.wait(timeout) looks now and then."""
    fd = os.pidfd_open(p.pid)
    try:
        return bool(select.select([fd], [], [], timeout)[0])
    finally:
        os.close(fd)


def reap():
    """We are init of the namespace."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


# What is in a tmpfs is saved with its mount namespace: whatever the host has in its own is none of ours.
LESS_TMPFS = ('awk -v here="$PWD/" \'$3 == "tmpfs" && index(here, $2 "/") != 1 {print $2}\' /proc/mounts | xargs -r umount -l; '
              'mount -t tmpfs -o size=16m shm /dev/shm; ')
# The place `namespaces`: a tree whose root is the init of namespaces of its own; a shell, which adopts and reaps.
PLACE = ('unshare', '--mount', '--uts', '--ipc', '--net', '--pid', '--fork', '--mount-proc', 'setsid',
         'sh', '-c', LESS_TMPFS + 'ip link set lo up; "$@" & while :; do wait; sleep 1; done', 'init')


class Carrier:
    """A tree, whose root is `pid` once it is started, and the directory of its images."""

    def __init__(self, build, work, transport='directory', timeout=30, place='host'):
        self.build, self.work, self.transport, self.timeout, self.place = build, work, transport, timeout, place
        self.images = os.path.join(work, 'images')
        self.archive = os.path.join(work, 'images.tar.zst' if transport == 'archive' else 'images.tar')
        self.out = os.path.join(work, 'out')
        self.pid = None
        os.mkdir(self.images)

    def start(self, command, **kw):
        """Start the root of the tree, in a session of its own."""
        setup = kw.pop('preexec_fn', lambda: None)

        def child():
            os.setsid()
            setup()

        with open('/proc/sys/kernel/ns_last_pid', 'w') as f:
            f.write(str(FIRST_PID))
        kw.setdefault('stdin', subprocess.DEVNULL)
        if self.place == 'namespaces':
            command = [*PLACE, *command]
        with open(self.out, 'ab') as out:
            kw.setdefault('stdout', out)
            p = subprocess.Popen(command, stderr=out, preexec_fn=child, **kw)
        self.pid = p.pid
        if self.place == 'namespaces':
            self.wait(lambda: state.children(p.pid), 'no init of the namespaces')
            self.pid = state.children(p.pid)[0]

    def wait(self, condition, what):
        """Until condition() is true, while the tree lives."""
        end = time.monotonic() + self.timeout
        while time.monotonic() < end:
            reap()
            alive = os.path.exists(f'/proc/{self.pid}')
            if condition():
                return
            if not alive:
                raise Failed(f'{what}: it is gone\n' + tail(self.out))
            time.sleep(0.005)
        raise Failed(f'{what}: nothing after {self.timeout:.0f} s\n' + tail(self.out))

    def log(self, verb):
        return os.path.join(self.images, verb + '.log')

    def command(self, verb, peer, *args):
        """Run dump or restore, ours or the peer's; its status and what it printed."""
        printed = os.path.join(self.work, verb + '.stderr')
        program = [PEER, verb] if peer else self.program(verb)
        place, pipe = ['-D', self.images], {}
        with open(printed, 'wb') as f, contextlib.ExitStack() as stack:
            if self.transport == 'archive':
                place = ['-D', self.archive, '-W', self.images]
            elif self.transport == 'stream':
                place = ['--stream', '-W', self.images]
                pipe = self.pipe(verb, stack)
            elif self.transport == 'streamer':
                place = ['--stream', '-D', self.images]
                self.streamer(verb, stack)
            p = subprocess.Popen(program + ['--no-default-config', *place, '-v4', '-o', verb + '.log', *args],
                                 **{'stdin': subprocess.DEVNULL, 'stdout': f, **pipe}, stderr=f, cwd=self.work)
            for end in pipe.values():
                end.close()
            if not ended(p, self.timeout):
                p.kill()
                raise Failed(f'{verb} hangs\n' + tail(self.log(verb)))
            status = p.wait()
        with open(printed, errors='replace') as f:
            return status, f.read().strip()

    def pipe(self, verb, stack):
        """The images to or from a program at the other end of a pipe, which keeps them in a file."""
        if verb == 'dump':
            file = stack.enter_context(open(self.archive, 'wb'))
            cat = subprocess.Popen(['cat'], stdin=subprocess.PIPE, stdout=file)
            ends = {'stdout': cat.stdin}
        else:
            cat = subprocess.Popen(['cat', self.archive], stdout=subprocess.PIPE)
            ends = {'stdin': cat.stdout}
        stack.callback(cat.wait)
        return ends

    def streamer(self, verb, stack):
        """An image streamer between the images directory and two shards, which are files in the end."""
        operation = 'capture' if verb == 'dump' else 'serve'
        shards = [self.archive + '.0', self.archive + '.1']
        ours, theirs = zip(*(os.pipe() for _ in shards))
        if operation == 'capture':
            cats = [subprocess.Popen(['cat'], stdin=ours[i], stdout=open(s, 'wb')) for i, s in enumerate(shards)]
        else:
            ours, theirs = theirs, ours
            cats = [subprocess.Popen(['cat', s], stdout=ours[i]) for i, s in enumerate(shards)]
        p = subprocess.Popen([os.path.join(self.build, 'criu-image-streamer'), '-D', self.images, '-s',
                              ','.join(map(str, theirs)), operation], pass_fds=theirs, stderr=subprocess.PIPE, text=True)
        for fd in ours + theirs:
            os.close(fd)
        said = ''
        while not said.endswith('socket-init\n'):
            line = p.stderr.readline()
            if not line:
                raise Failed(f'criu-image-streamer {operation}: {said}')
            said += line

        def ended():
            text = p.stderr.read()
            if p.wait() != 0:
                raise Failed(f'criu-image-streamer {operation}: status {p.returncode}: {text}')
            for cat in cats:
                cat.wait()

        stack.callback(ended)

    def program(self, verb):
        return [os.path.join(self.build, 'criu-dump'), verb] if verb == 'pre-dump' else [os.path.join(self.build, 'criu-' + verb)]

    def pre_dumps(self):
        """Two sets before the last one; the options that make it the third of the chain."""
        last, final = [], self.images
        for name in ('images-1', 'images-2'):
            self.images = os.path.join(self.work, name)
            os.mkdir(self.images)
            status, text = self.command('pre-dump', False, '-t', str(self.pid), *last)
            if status != 0:
                raise Failed(f'pre-dump {name}: status {status}: {text}\n' + tail(self.log('pre-dump')))
            last = ['--prev-images-dir', '../' + name]
        self.images = final
        return (*last, '--track-mem')

    # What a transport asks of criu-dump.
    DUMP_OPTIONS = {'compressed': ('--compress',)}

    def try_dump(self, *args):
        """Status and text of a dump that may be refused."""
        args += self.DUMP_OPTIONS.get(self.transport, ())
        if self.transport == 'page-server':
            return self.dump_to_server(*args)
        return self.command('dump', self.transport in PEER_DUMPS, '-t', str(self.pid), *args)

    def server(self, program, *args):
        """Start criu-page-server or its like; returns when it is ready."""
        ready, status = os.pipe()
        with open(os.path.join(self.work, program + '.stderr'), 'wb') as f:
            p = subprocess.Popen([os.path.join(self.build, 'criu-' + program), '--no-default-config', '-D', self.images, '-v4', '-o',
                                  program + '.log', '--status-fd', str(status), *args], stdin=subprocess.DEVNULL, stdout=f,
                                 stderr=f, pass_fds=(status,), cwd=self.work)
        os.close(status)
        with os.fdopen(ready, 'rb') as f:
            if f.read(1) != b'\0':
                raise Failed(f'{program} does not start\n' + tail(f.name))
        return p

    def dump_to_server(self, *args):
        address = os.path.join(self.work, 'socket')
        server = self.server('page-server', '--address', address)
        try:
            result = self.command('dump', False, '-t', str(self.pid), '--page-server', '--address', address, *args)
            if result[0] == 0 and server.wait(self.timeout) != 0:
                raise Failed('the page server fails\n' + tail(self.log('page-server')))
            return result
        finally:
            if server.poll() is None:
                server.kill()
                server.wait()

    def dump(self, *args):
        pids = state.tree(self.pid)
        if self.transport.startswith('chain'):
            args += self.pre_dumps()
        status, text = self.try_dump(*args)
        if status != 0:
            raise Failed(f'dump: status {status}: {text}\n' + tail(self.log('dump')))
        if '--leave-running' in args:
            return
        # They are killed; on a busy machine it takes its time until their parents have heard of it.
        until = time.monotonic() + PATIENCE
        while left := [pid for pid in pids if os.path.exists(f'/proc/{pid}')]:
            if time.monotonic() > until:
                raise Failed(f'tasks {left} are there after the dump')
            reap()
            time.sleep(0.002)

    def validate(self):
        """What was written agrees with itself."""
        if self.transport not in ('directory', 'leave-running', 'compressed', 'archive', 'chain'):
            return
        images = self.archive if self.transport == 'archive' else self.images
        p = subprocess.run([os.path.join(self.build, 'crit'), 'validate', images], stdin=subprocess.DEVNULL, capture_output=True,
                           text=True, timeout=self.timeout, check=False)
        if p.returncode:
            raise Failed(f'crit validate: status {p.returncode}: {p.stdout[-2000:]}{p.stderr}')

    def restore(self, *args):
        pidfile = os.path.join(self.work, 'pid')
        if self.transport == 'lazy':
            self.server('lazy-pages')
            args += ('--lazy-pages',)
        status, text = self.command('restore', self.transport in PEER_RESTORES, '-d', '--pidfile', pidfile, *args)
        if status != 0:
            left = [p for p in os.listdir('/proc') if p.isdigit() and int(p) >= FIRST_PID and state.alive(p)]
            raise Failed(f'restore: status {status}: {text}' + (f'; left behind: {left}' if left else '') + '\n' +
                         tail(self.log('restore')))
        with open(pidfile) as f:
            pid = int(f.read())
        if self.place == 'namespaces':
            self.pid = pid  # whatever it is out here: inside it is 1
        if pid != self.pid:
            raise Failed(f'the root came back as pid {pid}, it was {self.pid}')

    def settled(self):
        """What the kernel shows of the tree once that does not change any more: a thread that has just been made has all
        signals blocked, say."""
        if self.place == 'namespaces':
            return None  # seen from outside all pids are others afterwards; the subject looks for itself
        last = None
        for _ in range(50):
            try:
                now = state.snapshot(self.pid)
            except OSError:  # a thread that has just ended
                continue
            if last and not state.difference(last, now):
                return now
            last = now
            time.sleep(0.01)
        return last

    def compare(self, before):
        """The kernel shows the same as before, at once or soon: a task that has just been let go may not be back in the
        call it was stopped in."""
        for _ in range(20 if before else 0):
            try:
                d = state.difference(before, state.snapshot(self.pid))
            except OSError as e:
                d = f'a task is gone while it is looked at: {e}'
            if not d:
                return
            time.sleep(0.05)
        if before:
            raise Failed('the kernel says: ' + d)
