#!/usr/bin/env python3
"""Trees with namespaces: external ones, joined ones, empty ones; and a restore that fails leaves nothing of them behind."""
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'harness'))
import tap
from carry import LESS_TMPFS

BUILD = os.path.abspath(os.environ.get('BUILD', os.path.join(HERE, '..', '..', '..', 'build')))
INSIDE = 'NAMESPACES_INSIDE'
# A container: an init that adopts, with a shell below it and a tmpfs.
CONTAINER = ['unshare', '-m', '-u', '-i', '-n', '-p', '-f', '--mount-proc', 'setsid', 'sh', '-c',
             LESS_TMPFS + 'hostname inside; mount -t tmpfs -o size=1m in /mnt; echo content > /mnt/file; ip link set lo up; '
             'exec 9>/dev/null; sleep 1000 & while :; do wait; done']


def until(condition, what):
    for _ in range(400):
        got = condition()
        if got:
            return got
        time.sleep(0.025)
    raise tap.Failed(what)


def children(pid):
    with open(f'/proc/{pid}/task/{pid}/children') as f:
        return [int(c) for c in f.read().split()]


def ns(pid, kind):
    return os.stat(f'/proc/{pid}/ns/{kind}').st_ino


def world():
    """All that could be left behind: processes, their namespaces, mounts, links, files of ours."""
    while True:
        try:
            if not os.waitpid(-1, os.WNOHANG)[0]:
                break
        except ChildProcessError:
            break
    pids = [p for p in os.listdir('/proc') if p.isdigit()]
    spaces = set()
    for p in pids:
        for link in glob.glob(f'/proc/{p}/ns/*'):
            try:
                spaces.add(os.readlink(link))
            except OSError:
                pass
    with open('/proc/self/mountinfo') as f:
        mounts = f.read()
    return sorted(pids), sorted(spaces), mounts, sorted(os.listdir('/sys/class/net')), sorted(os.listdir('/mnt'))


class Tree:
    def __init__(self, command):
        self.folder = tempfile.mkdtemp(prefix='namespaces.')
        self.images = os.path.join(self.folder, 'images')
        os.mkdir(self.images)
        self.out = open(os.path.join(self.folder, 'out'), 'ab')
        self.starter = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.out, close_fds=True)
        self.pid = None

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        for pid in (self.pid, self.starter.pid):
            if pid and os.path.exists(f'/proc/{pid}'):
                try:
                    os.kill(pid, 9)
                except ProcessLookupError:
                    pass
        self.starter.wait()
        self.out.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, program, *args, **kw):
        return subprocess.run([os.path.join(BUILD, program), '--no-default-config', '-D', self.images, '-v4', '-o', program + '.log', *args],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, **kw)

    def dump(self, *args):
        p = self.run('criu-dump', '-t', str(self.pid), *args)
        tap.check(p.returncode == 0, f'dump: status {p.returncode}: {p.stderr}')
        until(lambda: not os.path.exists(f'/proc/{self.pid}') or open(f'/proc/{self.pid}/stat').read().split()[2] == 'Z', 'it is still there')
        self.starter.poll()
        self.pid = None

    def restore(self, *args, **kw):
        pidfile = os.path.join(self.folder, 'pid')
        if os.path.exists(pidfile):
            os.unlink(pidfile)
        p = self.run('criu-restore', '-d', '--pidfile', pidfile, *args, **kw)
        tap.check(p.returncode == 0, f'restore: status {p.returncode}: {p.stderr}')
        with open(pidfile) as f:
            self.pid = int(f.read())


def container():
    t = Tree(CONTAINER)
    t.pid = until(lambda: children(t.starter.pid), 'no init')[0]
    until(lambda: 'sleep' in [open(f'/proc/{c}/comm').read().strip() for c in children(t.pid)], 'no sleeper')
    return t


def external_pid():
    """--external pid[..] and --inherit-fd: the pid namespace stays, with others in it"""
    with Tree(['unshare', '-p', '-f', '--mount-proc', 'sh', '-c', LESS_TMPFS + 'setsid sleep 1000 < /dev/null > /dev/null 2>&1 & while :; do sleep 1; done']) as t:
        init = until(lambda: children(t.starter.pid), 'no init')[0]
        t.pid = until(lambda: [c for c in children(init) if open(f'/proc/{c}/comm').read() == 'sleep\n' and
                               os.getsid(c) == c], 'no sleeper')[0]
        inode = ns(init, 'pid')
        mnt = ns(init, 'mnt')
        p = t.run('criu-dump', '-t', str(t.pid))
        tap.check(p.returncode == 3 and f'--external pid[{inode}]' in p.stderr, f'refused without: {p.returncode} {p.stderr}')
        # Its mounts are those of the outer namespace but for /proc: external as well, so this one is dumped inside of them.
        fd = os.open(f'/proc/{init}/ns/pid', os.O_RDONLY)
        t.dump('--external', f'pid[{inode}]:outer')
        p = t.run('criu-restore', '-d')
        tap.check(p.returncode == 3 and 'outer' in p.stderr, f'refused without a descriptor: {p.returncode} {p.stderr}')
        t.restore('--inherit-fd', f'fd[{fd}]:outer', pass_fds=(fd,))
        os.close(fd)
        tap.check(ns(t.pid, 'pid') == inode, 'it is in another pid namespace')
        tap.check(mnt != ns(os.getpid(), 'mnt'), 'the init has mounts of its own')
        os.kill(init, 9)
        until(lambda: not os.path.exists(f'/proc/{t.pid}') or open(f'/proc/{t.pid}/stat').read().split()[2] == 'Z', 'it outlives the namespace')


def joined():
    """--join-ns: into a UTS namespace that is there"""
    with container() as t, Tree(['unshare', '-u', 'sh', '-c', 'hostname other; exec sleep 1000']) as o:
        until(lambda: open(f'/proc/{o.starter.pid}/comm').read() == 'sleep\n', 'no other')
        t.dump()
        t.restore('--join-ns', f'uts:{o.starter.pid}')
        tap.check(ns(t.pid, 'uts') == ns(o.starter.pid, 'uts'), 'it is in another UTS namespace')
        tap.check(ns(t.pid, 'ipc') != ns(o.starter.pid, 'ipc'), 'it has no IPC namespace of its own')


def empty():
    """--empty-ns net: left to scripts, which are called when the namespaces are there"""
    with container() as t:
        t.dump('--empty-ns', 'net')
        tap.check(not glob.glob(t.images + '/netdev-*'), 'the network namespace was saved')
        script = os.path.join(t.folder, 'script')
        with open(script, 'w') as f:
            f.write(f'#!/bin/sh\necho "$CRTOOLS_SCRIPT_ACTION" >> {t.folder}/actions\n'
                    '[ "$CRTOOLS_SCRIPT_ACTION" != setup-namespaces ] || nsenter -t "$CRTOOLS_INIT_PID" -n ip link set lo up\n')
        os.chmod(script, 0o755)
        t.restore('--empty-ns', 'net', '--action-script', script)
        with open(t.folder + '/actions') as f:
            actions = f.read().split()
        tap.check('setup-namespaces' in actions and 'post-setup-namespaces' in actions, f'scripts: {actions}')
        up = tap.run('nsenter', '-t', t.pid, '-n', 'ip', 'link', 'show', 'lo').stdout
        tap.check('UP' in up, f'what the script did is gone: {up}')


def failures():
    """a restore that fails, wherever, leaves no process, mount, link or namespace"""
    with container() as t:
        t.dump()
        t.starter.wait()
        before = world()
        keep = os.path.join(t.folder, 'keep')
        shutil.copytree(t.images, keep)

        def script(when):
            path = os.path.join(t.folder, 'fail-' + when)
            with open(path, 'w') as f:
                f.write(f'#!/bin/sh\n[ "$CRTOOLS_SCRIPT_ACTION" != {when} ]\n')
            os.chmod(path, 0o755)
            return ['--action-script', path]

        ways = [(None, ['--root', '/nonexistent'])]
        ways += [(None, script(when)) for when in ('pre-restore', 'setup-namespaces', 'post-setup-namespaces', 'post-restore', 'pre-resume')]
        for pattern in ('utsns-*', 'mountpoints-*', 'tmpfs-dev-*', 'netdev-*', 'ipcns-var-*', 'core-*', 'pages-1*', 'route-*', 'files.img'):
            ways += [(name, []) for name in sorted(glob.glob1(t.images, pattern), key=lambda n: -os.path.getsize(os.path.join(t.images, n)))[:1]]
        for name, args in ways:
            if name:
                with open(os.path.join(t.images, name), 'r+b') as f:
                    f.truncate(os.path.getsize(f.name) // 2)
            p = t.run('criu-restore', '-d', *args)
            what = f'{name or " ".join(args)}: status {p.returncode}: {p.stderr.strip()}'
            tap.check(p.returncode in (1, 2, 3, 4), what)
            now = None
            for _ in range(100):
                now = world()
                if all(not set(b) - set(a) if isinstance(a, list) else a == b for a, b in zip(before, now)):
                    break
                time.sleep(0.02)
            for was, became in zip(before, now):
                more = set(became) - set(was) if isinstance(was, list) else became if became != was else ''
                tap.check(not more, f'{what}: left: {more}')
            if name:
                shutil.copy(os.path.join(keep, name), t.images)
        t.restore()
        text = tap.run('nsenter', '-t', t.pid, '-m', 'cat', '/mnt/file').stdout
        tap.check(text == 'content\n', f'in its tmpfs: {text}')
        tap.check(tap.run('nsenter', '-t', t.pid, '-u', 'hostname').stdout == 'inside\n', 'its host has another name')


if __name__ == '__main__':
    if os.geteuid() != 0:
        print('1..0 # SKIP dump and restore need root')
        sys.exit(0)
    if INSIDE not in os.environ:
        # What is tried here may not reach the host, whatever goes wrong.
        os.environ[INSIDE] = '1'
        os.execvp('unshare', ['unshare', '-m', '-p', '-f', '-n', '--mount-proc', '--kill-child', sys.executable, os.path.abspath(__file__)])
    tap.main([external_pid, joined, empty, failures])
