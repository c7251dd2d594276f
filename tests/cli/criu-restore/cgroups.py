#!/usr/bin/env python3
"""Control groups: made anew with what was set in them, put elsewhere, left alone, frozen; and a run that fails leaves the host as it was."""
import json
import os
import random
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
INSIDE = 'CGROUPS_INSIDE'
ROUNDS = int(os.environ.get('ROUNDS', '15'))
NAME = f'crtest-{os.environ.get(INSIDE, os.getpid())}'
YARD = '/mnt'
here = []  # the hierarchies that can be mounted


SETTINGS = ('pids.max', 'cgroup.max.depth', 'devices.list', 'cpuset.cpus', 'freezer.state', 'cgroup.freeze',
            'cgroup.subtree_control', 'notify_on_release')


def read(*path):
    with open(os.path.join(YARD, *path)) as f:
        return f.read().strip()


def write(text, *path):
    with open(os.path.join(YARD, *path), 'w') as f:
        f.write(str(text))


def need(*names):
    for name in names:
        if name not in here:
            raise tap.Skipped(f'there is no hierarchy {name} here')


def groups(top=NAME):
    """Every group of ours with the settings that the tests touch, and who owns what."""
    found = {}
    for h in here:
        for path, _, files in os.walk(os.path.join(YARD, h, top)):
            try:
                st = os.stat(path)
                found[path] = (st.st_mode, st.st_uid, [(f, os.stat(os.path.join(path, f)).st_mode, read(path, f))
                                                       for f in sorted(files) if f in SETTINGS])
            except OSError:  # it is just being removed
                pass
    return found


def remove(top=NAME):
    for _ in range(200):
        for h in here:
            for path, _, _ in os.walk(os.path.join(YARD, h, top), topdown=False):
                try:
                    os.rmdir(path)
                except OSError:
                    pass
        if not groups(top):
            return
        time.sleep(0.02)
    raise tap.Failed(f'cannot be removed: {list(groups(top))}')


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def until(condition, what):
    for _ in range(400):
        reap()
        if condition():
            return
        time.sleep(0.02)
    raise tap.Failed(what)


def alive(pid):
    return os.path.exists(f'/proc/{pid}') and ') Z ' not in open(f'/proc/{pid}/stat').read()


class Tree:
    """A shell in group NAME/in of the hierarchies, with a child in NAME/in/sub of the first."""

    def __init__(self, *hierarchies, command='sleep 1000 & sleep 1001 & wait'):
        self.folder = tempfile.mkdtemp(prefix='cgroups.')
        self.images = os.path.join(self.folder, 'images')
        os.mkdir(self.images)
        moves = []
        for h in hierarchies:
            os.makedirs(os.path.join(YARD, h, NAME, 'in'))
            if h == 'cpuset':
                for group in NAME, f'{NAME}/in':
                    for f in 'cpuset.cpus', 'cpuset.mems':
                        write(read(h, f), h, group, f)
            moves.append(f'echo 0 > {YARD}/{h}/{NAME}/in/cgroup.procs')
        self.pid = subprocess.Popen(['setsid', 'sh', '-c', '; '.join([*moves, 'echo > ready', command])], cwd=self.folder,
                                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).pid
        until(lambda: os.path.exists(os.path.join(self.folder, 'ready')), 'the subject does not start')
        time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.kill()
        remove()
        remove(f'{NAME}-else')
        shutil.rmtree(self.folder)

    def kill(self):
        for h in here:
            for f in 'freezer.state', 'cgroup.freeze':
                for path in groups():
                    if os.path.exists(os.path.join(path, f)):
                        write('THAWED' if f == 'freezer.state' else '0', path, f)
        for p in os.listdir('/proc'):
            if p.isdigit() and int(p) != os.getpid():
                try:
                    os.kill(int(p), signal.SIGKILL)
                except OSError:
                    pass
        until(lambda: not any(p.isdigit() and int(p) != os.getpid() for p in os.listdir('/proc')), 'the subject does not end')

    def dump(self, *options, status=0):
        p = tap.run(os.path.join(BUILD, 'criu-dump'), '-t', self.pid, '-D', self.images, '-o', 'dump.log', '-v4', *options, status=status)
        if status == 0 and '-R' not in options:
            until(lambda: not alive(self.pid), 'the tree lives on')
        return p.stderr

    def command(self, *options):
        return [os.path.join(BUILD, 'criu-restore'), '-D', self.images, '-d', '-o', 'restore.log', '-v4', *options]

    def restore(self, *options, status=0):
        return tap.run(*self.command(*options), status=status).stderr

    def image(self):
        """cgroup.img, by hierarchy."""
        out = tap.run(os.path.join(BUILD, 'crit'), 'show', os.path.join(self.images, 'cgroup.img')).stdout
        return json.loads(out)['entries'][0]

    def change(self, fn):
        path = os.path.join(self.images, 'cgroup.img')
        entry = {'magic': 'CGROUP', 'entries': [self.image()]}
        fn(entry['entries'][0])
        with open(os.path.join(self.folder, 'json'), 'w') as f:
            json.dump(entry, f)
        tap.run(os.path.join(BUILD, 'crit'), 'encode', '-i', os.path.join(self.folder, 'json'), '-o', path)
        # It says what the image was.
        os.remove(os.path.join(self.images, 'manifest.img'))

    def where(self, h):
        with open(f'/proc/{self.pid}/cgroup') as f:
            for line in f.read().splitlines():
                _, name, path = line.split(':', 2)
                if name == ('' if h == 'unified' else h):
                    return path
        return None


def properties(image, controller, group=None):
    for c in image['controllers']:
        if c['cnames'] == [controller]:
            return {p['name']: p['value'] for d in c['dirs'] if group in (None, d['dir_name']) for p in d['properties']}
    return {}


def come_back():
    """groups that are gone come back with their settings, modes, owners and empty groups"""
    need('pids', 'unified', 'devices', 'cpuset')
    with Tree('pids', 'unified', 'devices', 'cpuset') as t:
        os.mkdir(f'{YARD}/pids/{NAME}/in/empty')
        os.mkdir(f'{YARD}/devices/{NAME}/in/empty', 0o700)
        os.chown(f'{YARD}/pids/{NAME}/in', 1000, 1001)
        os.chmod(f'{YARD}/pids/{NAME}/in/pids.max', 0o600)
        write(77, 'pids', NAME, 'in', 'pids.max')
        write(1, 'pids', NAME, 'in', 'notify_on_release')
        write(3, 'unified', NAME, 'in', 'cgroup.max.depth')
        write('c 10:229 rwm', 'devices', NAME, 'in', 'devices.deny')
        write('a', 'devices', NAME, 'in', 'empty', 'devices.deny')
        write('c 1:3 rwm', 'devices', NAME, 'in', 'empty', 'devices.allow')
        write('c 1:5 r', 'devices', NAME, 'in', 'empty', 'devices.allow')
        write('0', 'cpuset', NAME, 'in', 'cpuset.cpus')
        before = groups()
        t.dump()
        remove()
        t.restore()
        after = groups()
        for path in before:
            if not path.endswith(NAME):
                tap.check(before[path] == after.get(path), f'{path}: {before[path]} -> {after.get(path)}')
        for h in 'pids', 'unified', 'devices', 'cpuset':
            tap.check(t.where(h) == f'/{NAME}/in', f'{h}: is in {t.where(h)}')


def handed_down():
    """controllers of version 2 are handed down again, from the root on"""
    need('unified')
    if 'hugetlb' not in read('unified', 'cgroup.controllers').split():
        raise tap.Skipped('no controller of version 2 that is known to have no effect')
    was = read('unified', 'cgroup.subtree_control')
    try:
        with Tree('unified') as t:
            write('+hugetlb', 'unified', 'cgroup.subtree_control')
            write('+hugetlb', 'unified', NAME, 'cgroup.subtree_control')
            limits = [f for f in os.listdir(f'{YARD}/unified/{NAME}/in') if f.endswith('MB.max') and 'rsvd' not in f]
            write(8 << 20, 'unified', NAME, 'in', limits[0])
            t.dump()
            remove()
            if 'hugetlb' not in was:
                write('-hugetlb', 'unified', 'cgroup.subtree_control')
            t.restore()
            tap.check(read('unified', NAME, 'in', limits[0]) == str(8 << 20), 'the limit is another one')
            t.kill()
            remove()
            if 'hugetlb' not in was:
                write('-hugetlb', 'unified', 'cgroup.subtree_control')
            t.restore('--action-script', 'test $CRTOOLS_SCRIPT_ACTION != pre-resume #', status=1)
            tap.check(read('unified', 'cgroup.subtree_control') == was, 'a controller is handed down still')
    finally:
        if 'hugetlb' not in was:
            write('-hugetlb', 'unified', 'cgroup.subtree_control')


def modes():
    """none, props, soft, full, strict and ignore"""
    need('pids')
    with Tree('pids') as t:
        write(77, 'pids', NAME, 'in', 'pids.max')
        t.dump()

        def restored(mode, value, group=f'/{NAME}/in'):
            t.restore(f'--manage-cgroups={mode}')
            tap.check(t.where('pids') == group, f'{mode}: is in {t.where("pids")}')
            tap.check(read('pids', NAME, 'in', 'pids.max') == value, f'{mode}: {read("pids", NAME, "in", "pids.max")}')
            t.kill()
            write(5, 'pids', NAME, 'in', 'pids.max')

        restored('none', '77')
        restored('none', '5')
        restored('props', '77')
        restored('soft', '5')
        restored('full', '77')
        tap.check('is there already' in t.restore('--manage-cgroups=strict', status=3), 'strict: it does not say why')
        t.restore('--manage-cgroups=ignore')
        tap.check(NAME not in t.where('pids'), 'ignore: it is in a group of the image')
        t.kill()
        remove()
        for mode in 'none', 'props':
            text = t.restore(f'--manage-cgroups={mode}', status=3)
            tap.check(f'/{NAME}/in' in text and 'is not there' in text, f'{mode}: {text}')
        restored('strict', '77')
        remove()
        t.restore('--manage-cgroups=none', status=3)
        tap.check(not groups(), 'a group was made')
        tap.check('none, props' in t.restore('--manage-cgroups=some', status=2), 'it takes any word')


def ignored():
    """--manage-cgroups=ignore saves none"""
    need('pids')
    with Tree('pids') as t:
        t.dump('--manage-cgroups=ignore')
        tap.check(not os.path.exists(os.path.join(t.images, 'cgroup.img')), 'there is an image')
        t.restore('--manage-cgroups')
        tap.check(NAME not in t.where('pids'), 'it is in the group')


def elsewhere():
    """--cgroup-root, of one hierarchy and of all, at both ends"""
    need('pids', 'unified')
    with Tree('pids', 'unified') as t:
        t.dump('--cgroup-root', f'pids:/{NAME}')
        t.restore('--cgroup-root', f'pids:/{NAME}-else')
        tap.check(t.where('pids') == f'/{NAME}-else/in' and t.where('unified') == f'/{NAME}/in',
                  f'is in {t.where("pids")}, {t.where("unified")}')
        t.kill()
        t.restore('--cgroup-root', f'/{NAME}-else/deep', '--cgroup-root', f'pids:/{NAME}')
        tap.check(t.where('pids') == f'/{NAME}/in' and t.where('unified') == f'/{NAME}-else/deep',
                  f'is in {t.where("pids")}, {t.where("unified")}')
        for bad in 'pids', 'pids:x', '/a/../b':
            t.restore('--cgroup-root', bad, status=2)


def chosen():
    """--cgroup-props and its file, --cgroup-dump-controller"""
    need('pids', 'unified')
    with Tree('pids', 'unified') as t:
        t.dump('-R', '--cgroup-props', '"pids":\n - "strategy": "replace"\n - "properties": ["pids.peak", "pids.no-such"]\n')
        props = properties(t.image(), 'pids')
        tap.check('pids.max' not in props and 'pids.peak' in props, f'replaced: {list(props)}')
        spec = os.path.join(t.folder, 'spec')
        with open(spec, 'w') as f:
            f.write('"cpu":\n - "strategy": "merge"\n - "properties": ["cpu.x"]\n"pids":\n - "strategy": "merge"\n'
                    ' - "properties": ["pids.peak"]\n')
        t.dump('-R', '--cgroup-props-file', spec)
        props = properties(t.image(), 'pids')
        tap.check('pids.max' in props and 'pids.peak' in props, f'merged: {list(props)}')
        for bad in '"pids"', '"pids":\n - "strategy": "add"', '"pids":\n - "properties": ["../x"]', '"pids":\n - "properties": ["x"':
            tap.check('line' in t.dump('--cgroup-props', bad, status=2), f'{bad}: taken')
        tap.check(spec + 'x' in t.dump('--cgroup-props-file', spec + 'x', status=1), 'a file that is not there')
        t.dump('-R', '--cgroup-dump-controller', 'pids')
        image = t.image()
        tap.check([c['cnames'] for c in image['controllers']] == [['pids']], 'there are others')
        tap.check([m['name'] for m in image['sets'][0]['ctls']] == ['pids'], 'its set has others')


def yard():
    """--cgroup-yard: directories in place of mounts"""
    need('pids')
    with Tree('pids') as t:
        text = t.dump('--cgroup-yard', '/nonexistent', status=1)
        tap.check('/nonexistent' in text, text)
        t.dump('--cgroup-yard', YARD, '--cgroup-dump-controller', 'pids')
        remove()
        t.restore('--cgroup-yard', os.path.relpath(YARD, t.images))
        tap.check(t.where('pids') == f'/{NAME}/in', 'it is elsewhere')


def frozen(h, file, freeze, thaw):
    need(h)
    group = os.path.join(YARD, h, NAME, 'in')
    with Tree(h, command='for i in 1 2 3 4 5; do sleep 1000 & done; while :; do /bin/true; done') as t:
        for state in thaw, freeze:
            # Version 1 can miss a task that is just being made.
            for _ in range(20):
                write(thaw, group, file)
                write(state, group, file)
                time.sleep(0.1)
                if read(group, file) == state:
                    break
            t.dump('-R', '--freeze-cgroup', group)
            tap.check(read(group, file) == state, f'{state}: it is {read(group, file)} after a dump')
            t.dump('-R', '--freeze-cgroup', group, '--cgroup-props', 'bad', status=2)
            tap.check(read(group, file) == state, f'{state}: it is {read(group, file)} after a failure')
            for _ in range(4):
                p = subprocess.Popen([os.path.join(BUILD, 'criu-dump'), '-t', str(t.pid), '-D', t.images, '-R', '--freeze-cgroup', group],
                                     stderr=subprocess.DEVNULL)
                time.sleep(random.random() / 40)
                with open(f'/proc/{p.pid}/task/{p.pid}/children') as f:
                    for child in f.read().split():
                        os.kill(int(child), signal.SIGKILL)
                p.wait()
                until(lambda: read(group, file) == state, f'{state}: it is {read(group, file)} when the worker was killed')
        t.dump('--freeze-cgroup', group)
        tap.check(read(group, file) == freeze, 'it is thawed when all have ended')
        t.restore()
        until(lambda: read(group, file) == freeze, 'the tree was frozen, and runs')
        t.kill()
        remove()
        t.restore('--manage-cgroups=full')
        until(lambda: read(group, file) == freeze, 'the tree was frozen, and runs in a new group')
        t.kill()
        tap.check('freezer' in t.dump('--freeze-cgroup', t.folder, status=2), 'any directory will do')


def frozen_1():
    """--freeze-cgroup, version 1"""
    frozen('freezer', 'freezer.state', 'FROZEN', 'THAWED')


def frozen_2():
    """--freeze-cgroup, version 2"""
    frozen('unified', 'cgroup.freeze', '1', '0')


def fails():
    """a restore that fails leaves no group behind, and others as they were"""
    need('pids', 'unified', 'devices')
    with Tree('pids', 'unified', 'devices') as t:
        os.mkdir(f'{YARD}/pids/{NAME}/in/empty')
        write(77, 'pids', NAME, 'in', 'pids.max')
        write('c 10:229 rwm', 'devices', NAME, 'in', 'devices.deny')
        t.dump()
        kept = os.path.join(t.folder, 'kept')
        shutil.copytree(t.images, kept)

        def spoil(hier, name, value):
            def fn(entry):
                for c in entry['controllers']:
                    if c['cnames'] == [hier]:
                        for p in c['dirs'][0]['properties']:
                            if p['name'] == name:
                                p['value'] = value
            t.change(fn)

        def all_ways(what):
            before = groups()
            for action in 'pre-restore', 'post-restore', 'pre-resume':
                t.restore('--manage-cgroups=full', '--action-script', f'test $CRTOOLS_SCRIPT_ACTION != {action} #', status=1)
                tap.check(groups() == before, f'{what}: {action} failed, and: {groups()} where it was {before}')
            for hier, name, value in (('pids', 'pids.max', 'many'), ('', 'cgroup.max.depth', '-5'), ('devices', 'devices.list', 'x 1:2 q'),
                                      ('', 'cgroup.subtree_control', 'nothing'), ('pids', 'pids.no-such', '1')):
                if name == 'pids.no-such':
                    t.change(lambda e: next(c for c in e['controllers'] if c['cnames'] == ['pids'])['dirs'][0]['properties'].append(
                        {'name': name, 'value': value}))
                else:
                    spoil(hier, name, value)
                text = t.restore('--manage-cgroups=full', status=1)
                tap.check(name.split('.')[0] in text, f'{name}: {text}')
                tap.check(groups() == before, f'{what}: {name} failed, and: {groups()} where it was {before}')
                shutil.rmtree(t.images)
                shutil.copytree(kept, t.images)
            for nr in range(ROUNDS):
                p = subprocess.Popen(t.command('--manage-cgroups=full'), stderr=subprocess.DEVNULL)
                time.sleep(random.random() / 20)
                p.send_signal(signal.SIGKILL)
                if p.wait() == 0 or alive(t.pid):
                    time.sleep(0.1)
                if not alive(t.pid):
                    until(lambda: groups() == before, f'{what}: killed, and: {groups()} where it was {before}')
                else:  # it was there already
                    t.kill()
                    if not before:
                        remove()
                    else:
                        until(lambda: not alive(t.pid), 'it is killed, and there')
                        os.rmdir(f'{YARD}/pids/{NAME}/in/empty')
                        write(5, 'pids', NAME, 'in', 'pids.max')
                        write('a', 'devices', NAME, 'in', 'devices.allow')

        remove()
        all_ways('no group was there')
        for h in 'pids', 'unified', 'devices':
            os.makedirs(f'{YARD}/{h}/{NAME}/in')
        write(5, 'pids', NAME, 'in', 'pids.max')
        all_ways('groups were there')


def injected():
    """a restore whose n-th system call fails, for each n"""
    need('pids', 'unified', 'devices')
    if not shutil.which('strace'):
        raise tap.Skipped('strace is not installed')
    with Tree('pids', 'unified', 'devices', command='sleep 1000') as t:
        write(77, 'pids', NAME, 'in', 'pids.max')
        write('c 10:229 rwm', 'devices', NAME, 'in', 'devices.deny')
        t.dump()
        for there in False, True:
            remove()
            if there:
                for h in 'pids', 'unified', 'devices':
                    os.makedirs(f'{YARD}/{h}/{NAME}/in')
                write(5, 'pids', NAME, 'in', 'pids.max')
            before = groups()
            for call, step in ('mkdirat', 1), ('fchownat', 1), ('fsmount', 1), ('clone3', 1), ('write', 3), ('openat', 11), ('ptrace', 5):
                nr = 1
                while True:
                    p = tap.run('strace', '-qq', '-o', '/dev/null', '-e', f'inject={call}:error=EIO:when={nr}',
                                *t.command('--manage-cgroups=full', '-v0'), status=None)
                    if p.returncode == 0:
                        break
                    until(lambda: not alive(t.pid), f'{call} {nr}: the tree is there')
                    tap.check(groups() == before, f'{call} {nr}: {p.stderr}: {groups()} where it was {before}')
                    nr += step
                t.kill()
                if there:
                    write(5, 'pids', NAME, 'in', 'pids.max')
                    write('a', 'devices', NAME, 'in', 'devices.allow')
                else:
                    remove()
            tap.check(groups() == before, 'the test forgets something')


def bad_images():
    """what an image must not say"""
    need('pids')
    with Tree('pids') as t:
        t.dump()
        remove()
        kept = os.path.join(t.folder, 'kept')
        shutil.copytree(t.images, kept)

        def top(e):
            return next(c for c in e['controllers'] if c['cnames'] == ['pids'])['dirs'][0]

        for what, fn in (('a group above', lambda e: top(e).update(dir_name='../x')),
                         ('a child with a slash', lambda e: top(e).update(children=[{'dir_name': 'a/b'}])),
                         ('a property elsewhere', lambda e: top(e)['properties'][0].update(name='../../x')),
                         ('a path above', lambda e: e['sets'][0]['ctls'][-1].update(path='/../x')),
                         ('a prefix that is too long', lambda e: e['sets'][0]['ctls'][-1].update(cgns_prefix=4000)),
                         ('no such set', lambda e: e['sets'][0].update(id=77)),
                         ('no controllers', lambda e: e['controllers'][0].update(cnames=[])),
                         ('a hierarchy without a record', lambda e: e['sets'][0]['ctls'][-1].update(name='none'))):
            t.change(fn)
            p = tap.run(*t.command(), status=None)
            tap.check(p.returncode == 4, f'{what}: status {p.returncode}: {p.stderr}')
            tap.check(not groups(), f'{what}: a group is there')
            shutil.rmtree(t.images)
            shutil.copytree(kept, t.images)


def made_anew(name, *options):
    """A subject of tests/kinds/cgroup, whose groups are removed while it is not there."""
    program = os.path.join(BUILD, 'tests', 'kinds', 'cgroup', name)
    if not os.path.exists(program):
        raise tap.Skipped(f'{program} is not built')

    def subjects():
        return {n for h in here for n in os.listdir(os.path.join(YARD, h)) if n.startswith('subject-')}

    t = object.__new__(Tree)
    others = subjects()
    t.folder = tempfile.mkdtemp(prefix='cgroups.')
    t.images = os.path.join(t.folder, 'images')
    os.mkdir(t.images)

    def file(name):
        return os.path.join(t.folder, name)

    try:
        t.pid = subprocess.Popen(['setsid', program, t.folder], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL).pid
        until(lambda: os.path.exists(file('ready')) or os.path.exists(file('result')), 'it does not start')
        if not os.path.exists(file('ready')):
            raise tap.Skipped(open(file('result')).read())
        t.dump(*options)
        mine = subjects() - others
        for group in mine:
            remove(group)
        tap.check(mine and not subjects() & mine, 'its groups are still there')
        t.restore(*options)
        open(file('go'), 'w').close()
        until(lambda: os.path.exists(file('result')), 'it has no result')
        tap.check(open(file('result')).read() == 'ok', open(file('result')).read())
    finally:
        t.kill()
        for group in subjects() - others:
            remove(group)
        shutil.rmtree(t.folder)


def threads_anew():
    """threads in groups that are made anew"""
    made_anew('groups')


def threaded_anew():
    """threaded groups of version 2 that are made anew"""
    made_anew('threaded')


def namespace_anew():
    """a cgroup namespace whose groups are made anew"""
    made_anew('namespace')


def namespaces_anew():
    """cgroup namespaces below a root that has none, whose groups are made anew"""
    made_anew('namespaces')


def main():
    if os.geteuid():
        print('1..0 # SKIP dump and restore need root')
        sys.exit(0)
    if INSIDE not in os.environ:
        os.environ[INSIDE] = str(os.getpid())
        os.execvp('unshare', ['unshare', '-m', '-p', '-f', '--mount-proc', '--kill-child', sys.executable, os.path.abspath(__file__)])
    subprocess.run(['mount', '-t', 'tmpfs', 'yard', YARD], check=True)
    for line in open('/proc/self/cgroup').read().splitlines():
        option = line.split(':')[1]
        name = option.split('=')[-1] or 'unified'
        os.mkdir(f'{YARD}/{name}')
        if subprocess.run(['mount', '-t', 'cgroup' if option else 'cgroup2', *(['-o', option] if option else []), 'cgroup',
                           f'{YARD}/{name}'], stderr=subprocess.DEVNULL).returncode == 0:
            here.append(name)
    tap.main([come_back, handed_down, modes, ignored, elsewhere, chosen, yard, frozen_1, frozen_2, threads_anew, threaded_anew, namespace_anew,
              namespaces_anew, fails, injected, bad_images])


main()
