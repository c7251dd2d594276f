#!/usr/bin/env python3
"""Container engines with our criu in their path: a container is checkpointed and restored, again and again."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'harness'))
import tap

BUILD = os.path.abspath(os.environ.get('BUILD', os.path.join(HERE, '..', '..', '..', 'build')))
BUSYBOX = next((p for p in ('/bin/busybox', '/usr/bin/busybox') if os.path.exists(p)), None)
SCRIPT = 'i=0; while :; do i=$((i+1)); echo $i > /data/n; echo $i > /tmp/n; sleep 0.05; done'
APPLETS = 'sh sleep cat ps'.split()


def until(condition, what):
    for _ in range(400):
        if condition():
            return
        time.sleep(0.025)
    raise tap.Failed(what)


class Container:
    """A bundle of runc's, with what change() makes of its configuration."""

    def __init__(self, change=None):
        if not shutil.which('runc'):
            raise tap.Skipped('runc is not installed')
        if not BUSYBOX or b'dynamically' in subprocess.run(['file', '-L', BUSYBOX], capture_output=True).stdout:
            raise tap.Skipped('there is no static busybox')
        self.top = tempfile.mkdtemp(prefix='engines.')
        os.chmod(self.top, 0o755)
        self.name = os.path.basename(self.top)
        self.bundle = self.path('bundle')
        root = os.path.join(self.bundle, 'rootfs')
        for d in 'bin', 'proc', 'sys', 'dev', 'tmp', 'data':
            os.makedirs(os.path.join(root, d))
        shutil.copy(BUSYBOX, os.path.join(root, 'bin', 'busybox'))
        for applet in APPLETS:
            os.symlink('busybox', os.path.join(root, 'bin', applet))
        os.mkdir(self.path('data'))
        os.chmod(self.path('data'), 0o777)
        self.env = dict(os.environ, PATH=BUILD + ':' + os.environ['PATH'])
        tap.run('runc', 'spec', cwd=self.bundle)
        config = os.path.join(self.bundle, 'config.json')
        with open(config) as f:
            c = json.load(f)
        c['process'].update(terminal=False, args=['/bin/sh', '-c', SCRIPT])
        c['process'].pop('rlimits', None)
        c['mounts'] += [{'destination': '/tmp', 'type': 'tmpfs', 'source': 'tmpfs', 'options': ['nosuid', 'nodev']},
                        {'destination': '/data', 'type': 'bind', 'source': self.path('data'), 'options': ['bind', 'rw']}]
        if change:
            change(self, c)
        with open(config, 'w') as f:
            json.dump(c, f)

    def path(self, *names):
        return os.path.join(self.top, *names)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.runc('kill', self.name, 'KILL', status=None)
        time.sleep(0.1)
        self.runc('delete', '-f', self.name, status=None)
        shutil.rmtree(self.top, ignore_errors=True)

    def runc(self, *args, status=0):
        # Its descriptors are the container's: files of ours would be from outside.
        return tap.run('runc', '--root', self.path('state'), *args, status=status, env=self.env)

    def quiet(self, *args):
        p = subprocess.run(['runc', '--root', self.path('state'), *args], env=self.env, stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
        return p.returncode

    def count(self):
        try:
            with open(self.path('data', 'n')) as f:
                return int(f.read() or 0)
        except (OSError, ValueError):
            return 0

    def goes_on(self):
        was = self.count()
        until(lambda: self.count() > was, f'it does not go on: {was}')

    def run(self):
        if self.quiet('run', '-d', '-b', self.bundle, self.name):
            raise tap.Skipped('runc cannot run a container here')
        self.goes_on()

    def log(self, name):
        try:
            with open(self.path('work', name), errors='replace') as f:
                return ''.join([line for line in f if 'Error' in line][-3:])
        except OSError:
            return 'no log'

    def checkpoint(self, *options):
        p = self.runc('checkpoint', '--image-path', self.path('images'), '--work-path', self.path('work'), *options, self.name, status=None)
        tap.check(p.returncode == 0, f'checkpoint: {p.stderr[-300:]}{self.log("dump.log")}')

    def restore(self, *options):
        status = self.quiet('restore', '-d', '--image-path', self.path('images'), '--work-path', self.path('work'), *options,
                            '-b', self.bundle, self.name)
        tap.check(status == 0, f'restore: status {status}: {self.log("restore.log")}')
        self.goes_on()
        tap.check('sleep' in self.runc('exec', self.name, 'ps').stdout, 'nobody sleeps in it')

    def there_and_back(self, *options):
        self.run()
        for _ in range(2):
            was = self.count()
            self.checkpoint(*options)
            stopped = self.count()
            time.sleep(0.15)
            tap.check(self.count() == stopped, 'it runs on')
            self.restore(*options)
            tap.check(self.count() >= was, f'it has begun anew: {self.count()} after {was}')
            shutil.rmtree(self.path('images'))


def plain():
    """runc: a container, twice"""
    with Container() as c:
        c.there_and_back()


def cgroup_namespace():
    """runc: with a cgroup namespace and limits"""
    def change(c, config):
        config['linux']['namespaces'].append({'type': 'cgroup'})
        config['linux'].setdefault('resources', {}).update(memory={'limit': 64 << 20}, pids={'limit': 50})

    with Container(change) as c:
        c.there_and_back('--manage-cgroups-mode', 'full')


def user_namespace():
    """runc: with a user namespace"""
    def change(c, config):
        for t in 'user', 'cgroup':
            config['linux']['namespaces'].append({'type': t})
        for ids in 'uidMappings', 'gidMappings':
            config['linux'][ids] = [{'containerID': 0, 'hostID': 100000, 'size': 65536}]
        tap.run('chown', '-hR', '100000:100000', os.path.join(c.bundle, 'rootfs'))

    with Container(change) as c:
        c.there_and_back()


def chain():
    """runc: a pre-dump, a dump that lets it run, and one of a container that is paused"""
    with Container() as c:
        c.run()
        c.runc('checkpoint', '--pre-dump', '--image-path', c.path('pre'), '--work-path', c.path('work'), c.name)
        c.goes_on()
        c.checkpoint('--leave-running', '--parent-path', '../pre')
        c.goes_on()
        shutil.rmtree(c.path('images'))
        c.runc('pause', c.name)
        c.checkpoint()


if __name__ == '__main__':
    if os.geteuid() != 0:
        print('1..0 # SKIP containers need root')
        sys.exit(0)
    tap.main([plain, cgroup_namespace, user_namespace, chain])
