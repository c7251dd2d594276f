"""A subject of tests/kinds, dumped by criu-dump: images that can be changed and restored. For a pid namespace of one's own."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'harness'))
import tap

BUILD = os.path.abspath(os.environ.get('BUILD', os.path.join(HERE, '..', '..', '..', 'build')))
RESTORE = os.path.join(BUILD, 'criu-restore')
CRIT = os.path.join(BUILD, 'crit')
FAILED, USAGE, UNSUPPORTED, CORRUPT = 1, 2, 3, 4


def wait_for(path, what):
    for _ in range(1000):
        if os.path.exists(path):
            return
        time.sleep(0.01)
    raise tap.Failed(f'{what}: {path} does not come')


class Dumped:
    """A subject of tests/kinds, dumped: images that can be changed and restored."""

    def __init__(self, kind):
        self.top = tempfile.mkdtemp(prefix='restore.')
        self.dir, self.images = os.path.join(self.top, 'subject'), os.path.join(self.top, 'images')
        os.mkdir(self.dir)
        os.mkdir(self.images)
        with open('/proc/sys/kernel/ns_last_pid', 'w') as f:
            f.write('500')
        p = subprocess.Popen([os.path.join(BUILD, 'tests', 'kinds', kind), self.dir], cwd=self.dir, start_new_session=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pid = p.pid
        wait_for(self.file('ready'), 'setup')
        tap.run(os.path.join(BUILD, 'criu-dump'), '--no-default-config', '-D', self.images, '-o', 'dump.log', '-v4', '-t', self.pid)
        p.wait()
        reap()
        # Images are changed here, so there is nothing that their digests could say.
        os.remove(os.path.join(self.images, 'manifest.img'))

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.kill()
        shutil.rmtree(self.top)

    def file(self, name):
        return os.path.join(self.dir, name)

    def image(self, name):
        return os.path.join(self.images, name.replace('PID', str(self.pid)))

    def change(self, name, how):
        """Decode an image, let how(list of entries) change it, encode it."""
        text = self.file('json')
        tap.run(CRIT, 'decode', '-i', self.image(name), '-o', text)
        with open(text) as f:
            image = json.load(f)
        how(image['entries'])
        with open(text, 'w') as f:
            json.dump(image, f)
        tap.run(CRIT, 'encode', '-i', text, '-o', self.image(name))

    def change_vmas(self, how):
        self.change('mm-PID.img', lambda entries: how(entries[0]['vmas']))

    def command(self, *options):
        return [RESTORE, '--no-default-config', '-D', self.images, '-W', self.top, '-o', 'restore.log', '-v4', *options]

    def restore(self, status=0, options=('-d',)):
        return tap.run(*self.command(*options), status=status).stderr

    def log(self):
        with open(os.path.join(self.top, 'restore.log')) as f:
            return f.read()

    def kill(self):
        """All of the tree."""
        for pid in others():
            os.kill(pid, signal.SIGKILL)
        nothing_left()

    def finish(self):
        open(self.file('go'), 'w').close()
        wait_for(self.file('result'), 'result')
        with open(self.file('result')) as f:
            text = f.read()
        tap.check(text == 'ok', text)

    def refused(self, status, *words):
        text = self.restore(status)
        for word in words:
            tap.check(word in text, f'"{word}" is not in: {text}')
        nothing_left()


def others(ended=False):
    """Processes of this namespace that run, less ourselves: {pid: name}. ended: those that ended and are there still, too."""
    found = {}
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/stat') as f:
                name, rest = f.read().split('(', 1)[1].rsplit(')', 1)
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(pid) != os.getpid() and (ended or rest.split()[0] not in 'ZX'):
            found[int(pid)] = name
    return found


def nothing_left(seconds=2):
    """Whatever was made is gone, or about to go."""
    until = time.time() + seconds
    reap()
    # A process can be reaped when the last of its threads has ended.
    while others(ended=True) and time.time() < until:
        time.sleep(0.005)
        reap()
    tap.check(not others(), f'left behind: {others()}')


def reap():
    """We are init of the namespace."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def main(tests):
    """Run the tests in a pid namespace of their own."""
    if os.geteuid() != 0:
        print('1..0 # SKIP dump and restore need root')
        return
    if '--inside' not in sys.argv:
        os.execvp('unshare', ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child', sys.executable, sys.argv[0], '--inside'])
    tap.main(tests)
