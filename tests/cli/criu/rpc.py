#!/usr/bin/env python3
"""Requests over a socket: `criu swrk` and `criu service`, as their clients use them."""
import fcntl
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import termios
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'harness'))
import tap

BUILD = os.environ.get('BUILD', os.path.join(HERE, '..', '..', '..', 'build'))
CRIU = os.path.join(BUILD, 'criu')
CLIENT = os.path.join(BUILD, 'tests', 'cli', 'criu', 'rpc-client')
EBADRQC, ESRCH, EEXIST = 56, 3, 17


def in_namespace():
    """Start this script again inside a new pid namespace; returns there."""
    if os.environ.get('IN_NAMESPACE'):
        return
    os.environ['IN_NAMESPACE'] = '1'
    os.execvp('unshare', ['unshare', '-p', '-f', '-m', '--mount-proc', '--kill-child', sys.executable] + sys.argv)


class Said:
    """What a client printed."""

    def __init__(self, text):
        self.text, self.notes, self.answers, self.children, self.status, self.passed = text, [], [], [], None, []
        for line in text.splitlines():
            words = [w for w in line.split('\t') if w] or ['']
            if words[0] == 'notify':
                self.notes.append((words[1], int(words[2])))
                self.passed += [words[1]] * int(words[3])
            elif words[0] == 'children':
                self.children = [int(w) for w in words[1].split()]
            elif words[0] == 'exit':
                self.status = int(words[1])
            elif words[0].startswith('type='):  # what else there is, the engines print
                self.answers.append(dict(w.split('=', 1) for w in words))


def ask(*words, to=('swrk', CRIU), **kw):
    return Said(tap.run(CLIENT, *to, *words, **kw).stdout)


def good(said):
    tap.check(said.answers and all(a['success'] == '1' for a in said.answers), said.text)
    return said


def bad(said, text, errno=None):
    a = said.answers[-1] if said.answers else {}
    tap.check(a.get('success') == '0' and text in a.get('cr_errmsg', ''), said.text)
    tap.check(errno is None or a.get('cr_errno') == str(errno), said.text)
    return said


class Case:
    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix='rpc.')
        self.images = os.path.join(self.folder, 'images')
        self.work = os.path.join(self.folder, 'work')
        self.dirs = [f'opts.images_dir_fd=@{self.images}', f'opts.work_dir_fd=@{self.work}', 'opts.log_level=4']
        self.clear()
        self.p = None
        return self

    def clear(self):
        for d in (self.images, self.work):
            shutil.rmtree(d, ignore_errors=True)
            os.mkdir(d)

    def start(self):
        self.p = subprocess.Popen(['sleep', '1000'], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, start_new_session=True, cwd='/')
        time.sleep(0.1)
        return self.p.pid

    def dump(self, *words, pid=None):
        """The request: of a new process, unless one is named."""
        return ['request', 'type=DUMP', f'opts.pid={pid or self.start()}', 'opts.log_file=dump.log', *self.dirs, *words]

    def restore(self, *words):
        return ['request', 'type=RESTORE', 'opts.log_file=restore.log', *self.dirs, *words]

    def alive(self):
        try:
            with open(f'/proc/{self.p.pid}/stat') as f:
                return f.read().rsplit(')', 1)[1].split()[0] not in 'ZX'
        except FileNotFoundError:
            return False

    def end(self):
        if self.p and self.alive():
            os.kill(self.p.pid, signal.SIGKILL)
        if self.p:
            try:
                os.waitpid(self.p.pid, 0)
            except ChildProcessError:
                pass

    def dumped(self, *words):
        good(ask(*self.dump(*words)))
        self.p.wait()

    def __exit__(self, *unused):
        self.end()
        shutil.rmtree(self.folder)


def questions():
    """VERSION, CHECK and FEATURE_CHECK, whatever options come with them"""
    a = good(ask('request', 'type=VERSION', 'opts.images_dir_fd=-1', 'opts.pid=1', 'opts.root=/x')).answers[0]
    tap.check(int(a['version.major_number']) >= 3 and a['type'] == 'VERSION', str(a))
    good(ask('request', 'type=CHECK'))
    for words, want in ((['features.mem_track=1'], True), (['features.mem_track=0', 'features.lazy_pages=0'], False)):
        a = good(ask('request', 'type=FEATURE_CHECK', *words, 'opts.images_dir_fd=-1', 'opts.log_level=4')).answers[0]
        tap.check(all(f'features.{f}' in a for f in ('mem_track', 'lazy_pages', 'pidfd_store')), str(a))
        tap.check(want or a['features.mem_track'] == '0', str(a))
    bad(ask('request', 'type=FEATURE_CHECK'), 'no feature')


def no_requests():
    """what is no request is answered as EMPTY, without success"""
    for said in (ask('request', 'type=NOTIFY', 'notify_success=1'), ask('request', 'type=EMPTY'), ask('raw', 'this is no request')):
        tap.check(said.answers[0]['type'] == 'EMPTY' and said.answers[0]['success'] == '0', said.text)
        tap.check(said.status > 0, said.text)
    p = tap.run(CRIU, 'swrk', status=1)
    tap.check('FD' in p.stderr, p.stderr)


def there_and_back():
    """DUMP and RESTORE: the tree dies and comes back; logs and figures are where they belong"""
    with Case() as c:
        pid = c.start()
        said = good(ask(*c.dump(pid=pid)))
        tap.check(said.status == 0 and said.answers[0]['dump.restored'] == '0' and not said.notes, said.text)
        tap.check(not c.alive(), 'it is alive')
        c.p.wait()
        tap.check(set(os.listdir(c.work)) >= {'dump.log', 'stats-dump'}, str(os.listdir(c.work)))
        tap.check('inventory.img' in os.listdir(c.images), str(os.listdir(c.images)))
        said = good(ask(*c.restore()))
        tap.check(said.answers[0]['restore.pid'] == str(pid) and c.alive(), said.text)
        tap.check(set(os.listdir(c.work)) >= {'restore.log', 'stats-restore'}, str(os.listdir(c.work)))
        bad(ask(*c.restore()), f'pid {pid} is in use', EEXIST)
        c.end()
        # A name of the log that nobody gave; other ways to name the directory.
        good(ask('request', 'type=RESTORE', 'opts.images_dir_fd=-1', f'opts.images_dir={c.images}'))
        tap.check(os.path.exists(f'{c.images}/criu.log'), str(os.listdir(c.images)))


def notifications():
    """NOTIFY at each moment, in order; the pid comes with what happens to a tree that is there"""
    with Case() as c:
        pid = c.start()
        said = good(ask(*c.dump('opts.notify_scripts=1', pid=pid)))
        tap.check([n for n, _ in said.notes] == ['pre-dump', 'query-ext-files', 'post-dump'], said.text)
        c.p.wait()
        said = good(ask(*c.restore('opts.notify_scripts=1')))
        names = [n for n, _ in said.notes if not n.startswith(('setup', 'post-setup'))]
        tap.check(names == ['pre-restore', 'post-restore', 'pre-resume', 'post-resume'], said.text)
        tap.check(dict(said.notes)['post-restore'] == pid, said.text)


def refused():
    """a notification that is refused: the dump fails and the task lives, the restore fails and nothing is left"""
    with Case() as c:
        for name in ('pre-dump', 'query-ext-files', 'post-dump'):
            c.clear()
            said = bad(ask('refuse', name, *c.dump('opts.notify_scripts=1')), name)
            tap.check(said.notes[-1][0] == name and said.status == 1, said.text)
            tap.check(c.alive(), f'{name}: the task is dead')
            tap.check(os.path.exists(f'{c.work}/dump.log'), 'no log')
            c.end()
        c.clear()
        c.dumped()
        for name in ('pre-restore', 'post-restore'):
            bad(ask('refuse', name, *c.restore('opts.notify_scripts=1')), name)
            tap.check(not c.alive(), f'{name}: the task is there')
        good(ask('refuse', 'post-resume', *c.restore('opts.notify_scripts=1')))
        tap.check(c.alive(), 'the task is not there')


def leave_running():
    """leave_running: it runs on, and can be dumped again over the same connection"""
    with Case() as c:
        pid = c.start()
        again = c.dump('opts.leave_running=1', pid=pid)
        said = good(ask(*again, 'keep_open=1', *again))
        tap.check(len(said.answers) == 2 and c.alive(), said.text)


def sibling():
    """rst_sibling: the root becomes a child of the client; without it, it does not"""
    with Case() as c:
        c.dumped()
        said = good(ask(*c.restore('opts.rst_sibling=1', 'opts.notify_scripts=1')))
        tap.check(c.p.pid in said.children, said.text)
        tap.check(said.status == 0 and 'post-resume' in dict(said.notes), said.text)
        c.end()
        said = bad(ask('refuse', 'post-restore', *c.restore('opts.rst_sibling=1', 'opts.notify_scripts=1')), 'post-restore')
        tap.check(not c.alive() and said.status, said.text)
        c.end()
        said = good(ask(*c.restore()))
        tap.check(not said.children and c.alive(), said.text)


def exec_cmd():
    """exec_cmd: a program takes the place of the restorer, as the parent of the root"""
    with Case() as c:
        c.dumped()
        mark = os.path.join(c.folder, 'mark')
        good(ask(*c.restore('opts.exec_cmd=/bin/sh', 'opts.exec_cmd=-c', f'opts.exec_cmd=exec > {mark}.new 2>&1; echo $$; mv {mark}.new {mark}; sleep 2')))
        for _ in range(200):
            if os.path.exists(mark):
                break
            time.sleep(0.01)
        with open(mark) as f, open(f'/proc/{c.p.pid}/stat') as g:
            parent, shell = g.read().rsplit(')', 1)[1].split()[1], f.read().strip()
            tap.check(parent == shell, f'its parent is {parent}, not {shell}')


def failures():
    """what cannot be done: success false, the first error's text and number, status 1"""
    with Case() as c:
        bad(ask(*c.dump(pid=999999)), 'no such process', ESRCH)
        tap.check(os.path.exists(f'{c.work}/dump.log'), 'no log')
        bad(ask('request', 'type=DUMP'), 'without options', EBADRQC)
        bad(ask('request', 'type=DUMP', 'opts.images_dir_fd=99', 'opts.pid=1'), 'descriptor 99', EBADRQC)
        bad(ask('request', 'type=DUMP', 'opts.images_dir_fd=-1', 'opts.pid=1'), 'no directory', EBADRQC)
        bad(ask(*c.restore()), 'inventory.img')
        bad(ask(*c.dump('opts.network_lock=9')), 'network_lock', EBADRQC)
        tap.check(c.alive(), 'it is dead')
        c.end()
        bad(ask(*c.dump('opts.empty_ns=0x20000')), 'empty_ns')
        c.end()
        bad(ask(*c.restore('opts.ghost_limit=1', 'opts.unprivileged=1')), '--unprivileged')


def every_option():
    """each option of a request is one of the command line's, whatever it is set to"""
    with open(os.path.join(HERE, '..', '..', '..', 'proto', 'rpc.proto')) as f:
        body = re.search(r'message criu_opts \{(.*?)\n\}', f.read(), re.S).group(1)
    fields = re.findall(r'^\s*(optional|repeated)\s+(\w+)\s+(\w+)\s*=', body, re.M)
    tap.check(len(fields) > 60, f'{len(fields)} fields')
    messages = {'veths': ['if_in=a', 'if_out=b'], 'ext_mnt': ['key=a', 'val=b'], 'join_ns': ['ns=net', 'ns_file=/x'],
                'cg_root': ['path=/x'], 'inherit_fd': ['key=a', 'fd=0'], 'unix_sk_ino': ['inode=1'], 'ps': ['port=1']}
    with Case() as c:
        for label, kind, name in fields:
            if name in messages:
                plus = '+' if label == 'repeated' else ''
                words = [[f'opts.{name}{plus if i == 0 else ""}.{m}' for i, m in enumerate(messages[name])]]
            elif kind == 'bool':
                words = [[f'opts.{name}=0'], [f'opts.{name}=1']]
            else:
                words = [[f'opts.{name}=1']]
            for w in words:
                more = ['opts.pid=999999'] if name != 'pid' else []
                said = ask('request', 'type=DUMP', f'opts.images_dir_fd=@{c.images}', *more, *w)
                tap.check('unknown option' not in said.text and said.answers, f'{w}: {said.text}')


def outside():
    """the answer to query-ext-files names sockets whose peers stay outside"""
    with Case() as c:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        c.p = subprocess.Popen(['sleep', '1000'], stdin=theirs, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                               cwd='/')
        inode = os.fstat(theirs.fileno()).st_ino
        theirs.close()
        bad(ask(*c.dump('opts.notify_scripts=1', pid=c.p.pid)), 'fd 0')
        good(ask('outside', inode, *c.dump('opts.notify_scripts=1', 'opts.leave_running=1', pid=c.p.pid)))
        tap.check(c.alive(), 'it is dead')


def namespaces():
    """a tree with namespaces of its own: they have moments of theirs, and the pids are those that the client sees"""
    with Case() as c:
        c.p = subprocess.Popen(['unshare', '-u', '-n', '-p', '-f', '--kill-child', 'sh', '-c', 'exec sleep 1000 </dev/null >/dev/null 2>&1'],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, cwd='/')
        try:
            for _ in range(200):
                with open(f'/proc/{c.p.pid}/task/{c.p.pid}/children') as f:
                    pid = f.read().split()
                if pid and open(f'/proc/{pid[0]}/comm').read() == 'sleep\n':
                    break
                time.sleep(0.01)
            pid = int(pid[0])
            words = c.dump('opts.shell_job=1', 'opts.notify_scripts=1', pid=pid)
            said = bad(ask('refuse', 'post-dump', *words), 'post-dump')
            tap.check([n for n, _ in said.notes] == ['pre-dump', 'network-lock', 'query-ext-files', 'post-dump', 'network-unlock'], said.text)
            c.clear()
            said = good(ask(*words))
            tap.check([n for n, _ in said.notes] == ['pre-dump', 'network-lock', 'query-ext-files', 'post-dump'], said.text)
            c.p.wait()
            said = good(ask(*c.restore('opts.shell_job=1', 'opts.notify_scripts=1')))
            pid = int(said.answers[0]['restore.pid'])
            with open(f'/proc/{pid}/comm') as f:
                tap.check(pid > 1 and f.read() == 'sleep\n', said.text)
            tap.check(said.notes == [('pre-restore', 0)] + [(n, pid) for n in (
                'setup-namespaces', 'post-setup-namespaces', 'post-restore', 'network-unlock', 'pre-resume', 'post-resume')], said.text)
            os.kill(pid, signal.SIGKILL)
        finally:
            c.p.kill()


def config_file():
    """config_file goes over the request, which goes over the default files; it need not be there"""
    with Case() as c:
        path = os.path.join(c.folder, 'config')
        with open(path, 'w') as f:
            f.write('leave-running\n# a comment\nlog-file "from config.log"\n')
        env = dict(os.environ, CRIU_CONFIG_FILE=os.path.join(c.folder, 'default'))
        with open(env['CRIU_CONFIG_FILE'], 'w') as f:
            f.write('log-file default.log\n')
        good(ask(*c.dump(f'opts.config_file={path}', 'opts.leave_running=0'), env=env))
        tap.check(c.alive(), 'it is dead: the file did not count')
        tap.check(os.listdir(c.work).count('from config.log') and 'default.log' not in os.listdir(c.work), str(os.listdir(c.work)))
        c.end()
        good(ask(*c.dump('opts.config_file=/nowhere/at/all'), env=env))
        tap.check('dump.log' in os.listdir(c.work), str(os.listdir(c.work)))
        c.end()
        with open(path, 'w') as f:
            f.write('no-such-option\n')
        bad(ask(*c.dump(f'opts.config_file={path}')), 'no-such-option', EBADRQC)


def cpuinfo():
    """CPUINFO_DUMP writes what CPUINFO_CHECK accepts"""
    with Case() as c:
        for kind in ('CPUINFO_DUMP', 'CPUINFO_CHECK'):
            good(ask('request', f'type={kind}', *c.dirs))
        os.unlink(f'{c.images}/cpuinfo.img')
        bad(ask('request', 'type=CPUINFO_CHECK', *c.dirs), 'cpuinfo.img')


def pre_dump():
    """PRE_DUMP keeps the connection, for a DUMP that builds on it; SINGLE_PRE_DUMP does not"""
    if 'track-mem' in tap.run(CRIU, 'pre-dump', '-t', '1', '--track-mem', status=None).stderr:
        raise tap.Skipped('no pre-dump')
    with Case() as c:
        pid = c.start()
        first, second = os.path.join(c.folder, 'first'), os.path.join(c.folder, 'second')
        for d in (first, second):
            os.mkdir(d)
        said = good(ask('request', 'type=PRE_DUMP', f'opts.pid={pid}', f'opts.images_dir_fd=@{first}', 'opts.track_mem=1',
                        'request', 'type=DUMP', f'opts.pid={pid}', f'opts.images_dir_fd=@{second}', 'opts.track_mem=1',
                        'opts.parent_img=../first'))
        tap.check(len(said.answers) == 2 and not c.alive(), said.text)
        tap.check(os.path.exists(f'{second}/parent'), str(os.listdir(second)))
        c.p.wait()
        pid = c.start()
        said = good(ask('request', 'type=SINGLE_PRE_DUMP', f'opts.pid={pid}', *c.dirs))
        tap.check(c.alive(), 'it is dead')


def page_server():
    """PAGE_SERVER_CHLD is answered as PAGE_SERVER, takes pages, and WAIT_PID tells its end"""
    if not os.path.exists(os.path.join(BUILD, 'criu-page-server')):
        raise tap.Skipped('no page server')
    with Case() as c:
        server = ['request', 'type=PAGE_SERVER_CHLD', 'opts.ps.port=0', 'opts.ps.address=127.0.0.1', 'keep_open=1', *c.dirs]
        # The pages of a dump by another connection, in the middle of this one.
        p = subprocess.Popen([CLIENT, 'swrk', CRIU, *server, 'request', 'type=WAIT_PID', 'pid=$pid'], stdout=subprocess.PIPE,
                             stdin=subprocess.DEVNULL, text=True)
        line = p.stdout.readline()
        while line and not line.startswith('type='):
            line = p.stdout.readline()
        said = good(Said(line))
        tap.check(said.answers[0]['type'] == 'PAGE_SERVER' and int(said.answers[0]['ps.port']) > 0, said.text)
        good(ask(*c.dump('opts.ps.address=127.0.0.1', f'opts.ps.port={said.answers[0]["ps.port"]}')))
        c.p.wait()
        said = good(Said(p.communicate(timeout=30)[0]))
        tap.check(said.answers[0]['type'] == 'WAIT_PID' and said.answers[0]['status'] == '0', said.text)
        good(ask(*c.restore()))
        tap.check(c.alive(), 'it did not come back')


def orphan_master():
    """orphan_pts_master: the master of a terminal comes with the notification"""
    with Case() as c:
        master, slave = os.openpty()
        c.p = subprocess.Popen(['sleep', '1000'], stdin=slave, stdout=slave, stderr=slave, cwd='/', start_new_session=True,
                               preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        good(ask(*c.dump('opts.orphan_pts_master=1', pid=c.p.pid)))
        c.p.wait()
        os.close(master)
        said = good(ask(*c.restore('opts.orphan_pts_master=1', 'opts.notify_scripts=1')))
        tap.check(said.passed == ['orphan-pts-master'], said.text)


def without_standard_descriptors():
    """swrk started with 0, 1 and 2 closed: nothing of it ends up in a file of ours"""
    with Case() as c:
        p = subprocess.run(['sh', '-c', f'exec {CRIU} swrk 9 <&- >&- 2>&-'], close_fds=False, timeout=30)
        tap.check(p.returncode == 1, f'status {p.returncode}')
        script = os.path.join(c.folder, 'criu')
        with open(script, 'w') as f:
            f.write(f'#!/bin/sh\nexec {CRIU} "$@" <&- >&- 2>&-\n')
        os.chmod(script, 0o755)
        c.start()
        good(ask(*c.dump(pid=c.p.pid), to=('swrk', script)))
        c.p.wait()
        good(ask(*c.restore(), to=('swrk', script)))
        tap.check(c.alive(), 'it did not come back')


class Service:
    def __init__(self, folder, *extra):
        self.address = os.path.join(folder, 'socket')
        self.p = subprocess.Popen([CRIU, 'service', '--no-default-config', '--address', self.address, '-W', folder, *extra],
                                  stdin=subprocess.DEVNULL)
        for _ in range(500):
            if os.path.exists(self.address) and not (extra and not os.path.exists(os.path.join(folder, extra[-1]))):
                break
            time.sleep(0.01)
        self.to = ('connect', self.address)


def service():
    """service: many clients, each with a process of its own; it ends cleanly on SIGTERM"""
    with Case() as c:
        s = Service(c.folder, '-o', 'service.log', '-v4', '--pidfile', 'service.pid')
        try:
            mode = os.stat(s.address).st_mode
            tap.check(stat.S_ISSOCK(mode) and mode & 0o666 == 0o666, oct(mode))
            with open(f'{c.folder}/service.pid') as f:
                tap.check(f.read().strip() == str(s.p.pid), 'pid file')
            good(ask('request', 'type=VERSION', to=s.to))
            good(ask(*c.dump('opts.notify_scripts=1'), to=s.to))
            c.p.wait()
            good(ask(*c.restore(), to=s.to))
            tap.check(c.alive(), 'it did not come back')
            many = [subprocess.Popen([CLIENT, *s.to, 'request', 'type=VERSION', 'keep_open=1', 'request', 'type=CHECK'],
                                     stdout=subprocess.PIPE, text=True) for _ in range(10)]
            for p in many:
                good(Said(p.communicate(timeout=30)[0]))
            p = tap.run(CRIU, 'service', '--no-default-config', '--address', s.address, status=1)
            tap.check('serves there already' in p.stderr, p.stderr)
        finally:
            s.p.terminate()
            status = s.p.wait(timeout=10)
        tap.check(status == 0 and not os.path.exists(s.address), f'status {status}')
        with open(f'{c.folder}/service.log') as f:
            tap.check(f.read().count('client: pid') >= 13, 'not all clients are in the log')


def service_of_others():
    """service: another user may ask what it can do, and have nothing done"""
    with Case() as c:
        os.chmod(c.folder, 0o755)
        s = Service(c.folder)

        def become():
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)

        try:
            client = shutil.copy(CLIENT, c.folder)
            library = os.path.realpath(os.path.join(BUILD, 'libcriuimg.so'))
            env = dict(os.environ, LD_LIBRARY_PATH=os.path.dirname(library))
            c.start()
            for words, success in ((['request', 'type=VERSION'], '1'), (['request', 'type=DUMP', 'opts.images_dir_fd=-1', 'opts.images_dir=/tmp',
                                                                          f'opts.pid={c.p.pid}'], '0')):
                p = subprocess.run([client, *s.to, *words], capture_output=True, text=True, preexec_fn=become, env=env, cwd='/')
                said = Said(p.stdout)
                tap.check(said.answers and said.answers[0]['success'] == success, p.stdout + p.stderr)
            tap.check('user 65534' in p.stdout and c.alive(), p.stdout)
        finally:
            s.p.terminate()
            s.p.wait(timeout=10)


def self_dump():
    """a client that names no pid dumps itself; the one that is restored is told so by the answer it waits for"""
    with Case() as c:
        s = Service(c.folder)
        out = os.path.join(c.folder, 'out')
        try:
            for running, said in ((1, 'dump.restored=0'), (0, 'dump.restored=1')):
                c.clear()
                with open(out, 'w') as f, open('/dev/null') as null:
                    c.p = subprocess.Popen([CLIENT, *s.to, 'request', 'type=DUMP', f'opts.leave_running={running}', *c.dirs], stdin=null,
                                           stdout=f, stderr=f, start_new_session=True)
                    c.p.wait(timeout=30)
                if not running:
                    with open(out) as f:
                        tap.check(f.read() == '', 'the one that is dead got an answer')
                    good(ask(*c.restore()))
                    for _ in range(200):
                        if os.path.getsize(out):
                            break
                        time.sleep(0.01)
                    time.sleep(0.05)
                with open(out) as f:
                    text = f.read()
                tap.check('success=1' in text and said in text, text)
        finally:
            s.p.terminate()
            s.p.wait(timeout=10)


def daemon():
    """service --daemon: returns when it can be connected to; the pid file is there"""
    with Case() as c:
        address = os.path.join(c.folder, 'socket')
        tap.run(CRIU, 'service', '--no-default-config', '--address', address, '-W', c.folder, '--daemon', '--pidfile', 'pid')
        with open(f'{c.folder}/pid') as f:
            pid = int(f.read())
        good(ask('request', 'type=VERSION', to=('connect', address)))
        os.kill(pid, signal.SIGTERM)
        for _ in range(300):
            if not os.path.exists(address):
                return
            time.sleep(0.01)
        raise tap.Failed('it is still there')


if __name__ == '__main__':
    if os.geteuid() != 0:
        print('1..0 # SKIP needs root')
        sys.exit(0)
    in_namespace()
    tap.main([questions, no_requests, there_and_back, notifications, refused, leave_running, sibling, exec_cmd, failures, every_option, outside, namespaces, config_file,
              cpuinfo, pre_dump, page_server, orphan_master, without_standard_descriptors, service, service_of_others, self_dump, daemon])
