#!/usr/bin/env python3
"""Memory on demand: whatever a task does while its pages are missing, it never sees anything but what belongs there."""
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'harness'))
sys.path.insert(0, os.path.join(HERE, '..', 'page-server'))
import carry
import tap
import wire
import pki
from tap import Failed, check

PAGE = 4096
BUILD = os.path.abspath(wire.BUILD)


def program():
    """The subject, compiled when it is needed."""
    path = os.path.join(tempfile.gettempdir(), f'lazy-churn.{os.getpid()}')
    subprocess.run(['cc', '-D_GNU_SOURCE', '-O2', '-pthread', '-o', path, os.path.join(HERE, 'churn.c')], check=True)
    return path


class Slow:
    """A page server that takes its time, and hangs up after so many answers."""

    def __init__(self, delay=0.001, most=16, hang_up=None):
        self.pages, self.delay, self.most, self.hang_up = {}, delay, most, hang_up
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.asked = 0
        self.closed = False
        threading.Thread(target=self.run, daemon=True).start()

    def take(self, images):
        """Of a set: the data of pages that may come later is ours from now on, and not in the images any more."""
        for name in [n for n in os.listdir(images) if n.startswith('pagemap-') and n[8].isdigit()]:
            path = os.path.join(images, name)
            text = subprocess.run([wire.CRIT, 'decode', '-i', path], capture_output=True, text=True, check=True).stdout
            image = json.loads(text)
            head, *runs = image['entries']
            data = wire.page_data(images, head['pages_id'])
            left, at = b'', 0
            for run in runs:
                size = run['nr_pages'] * PAGE
                if run['flags'] & wire.PRESENT:
                    if run['flags'] & wire.LAZY:
                        for i in range(run['nr_pages']):
                            self.pages[int(name[8:-4]), run['vaddr'] + i * PAGE] = data[at + i * PAGE:at + (i + 1) * PAGE]
                        run['flags'] = wire.LAZY
                    else:
                        left += data[at:at + size]
                    at += size
            with open(os.path.join(images, f'pages-{head["pages_id"]}.img'), 'wb') as f:
                f.write(left)
            with open(path + '.json', 'w') as f:
                json.dump(image, f)
            subprocess.run([wire.CRIT, 'encode', '-i', path + '.json', '-o', path], check=True)
        if os.path.exists(os.path.join(images, 'manifest.img')):
            os.unlink(os.path.join(images, 'manifest.img'))

    def run(self):
        try:
            c, _ = self.listener.accept()
            f = c.makefile('rb')
            while len(head := f.read(32)) == 32:
                cmd, _, nr, addr, pid = struct.unpack('<IIQQQ', head)
                if cmd == wire.CLOSE:
                    self.closed = True
                    c.sendall(struct.pack('<i', 0))
                    break
                self.asked += 1
                if self.hang_up is not None and self.asked > self.hang_up:
                    break
                time.sleep(self.delay)
                data = b''
                for i in range(min(nr, self.most)):
                    page = self.pages.get((pid, addr + i * PAGE))
                    if page is None:
                        break
                    data += page
                c.sendall(struct.pack('<IIQQQ', wire.ADD_F | wire.PRESENT << 16, 0, len(data) // PAGE, addr, pid) + data)
            c.shutdown(socket.SHUT_RDWR)
            c.close()
        except OSError:
            pass

    def options(self):
        return ['--page-server', '--address', '127.0.0.1', '--port', str(self.port)]


class Case(carry.Carrier):
    def __init__(self, work, mib=16, mode='churn'):
        super().__init__(BUILD, work, timeout=60)
        self.dir = os.path.join(work, 'dir')
        os.mkdir(self.dir)
        self.put('mode', mode)
        self.daemon = None
        self.start([PROGRAM, self.dir, str(mib)], cwd=self.dir)
        self.wait(lambda: self.has('ready'), 'it is not ready')

    def file(self, name):
        return os.path.join(self.dir, name)

    def has(self, name):
        return os.path.exists(self.file(name))

    def put(self, name, text=''):
        with open(self.file(name), 'w') as f:
            f.write(text)

    def get(self, name):
        with open(self.file(name)) as f:
            return f.read()

    def lazy(self, *args):
        self.daemon = self.server('lazy-pages', *args)

    def resume(self, go=True):
        if go:
            self.put('go')
        self.restore('--lazy-pages')

    def result(self):
        end = time.monotonic() + self.timeout
        while not self.has('result'):
            check(time.monotonic() < end, 'no result')
            carry.state.alive(str(self.pid))
            time.sleep(0.005)
        return self.get('result')

    def must_die(self):
        """It ends by SIGBUS, in the place or in its handler for it; with no other result."""
        end = time.monotonic() + self.timeout
        while True:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                raise Failed('it is not there') from None
            if pid:
                break
            check(time.monotonic() < end, 'it goes on')
            time.sleep(0.005)
        check(not self.has('result') or self.get('result') == 'sigbus', f'it has ended with {status:#x}' +
              (self.get('result') if self.has('result') else ''))
        # SIGSEGV: there is no stack for a handler either
        check(status & ~0x80 in (signal.SIGBUS, signal.SIGSEGV, 2 << 8), f'it has ended with {status:#x}')

    def ended(self, status=0, says=''):
        """criu-lazy-pages ends by itself."""
        try:
            got = self.daemon.wait(self.timeout)
        except subprocess.TimeoutExpired:
            self.daemon.kill()
            raise Failed('criu-lazy-pages does not end\n' + carry.tail(self.log('lazy-pages'))) from None
        with open(os.path.join(self.work, 'lazy-pages.stderr')) as f:
            text = f.read()
        check(got == status and says in text, f'criu-lazy-pages ended with {got}: {text}')
        check(not os.path.exists(os.path.join(self.images, 'lazy-pages.socket')), 'the socket is left')


def local(work):
    """from the images, while the task forks, moves, unmaps and gives back"""
    c = Case(work, 64)
    c.dump()
    c.lazy()
    c.resume()
    check(c.result() == 'ok', c.get('result'))
    c.ended()


def slow_server(work):
    """from a slow page server, one page at a time, while the task forks, moves, unmaps and gives back"""
    c = Case(work)
    c.dump()
    server = Slow()
    server.take(c.images)
    c.lazy(*server.options())
    c.resume()
    check(c.result() == 'ok', c.get('result'))
    c.ended()
    check(server.closed and server.asked > 10, f'{server.asked} requests')


def slow_children(work):
    """a child that is forked while nothing is there yet"""
    c = Case(work, mode='child')
    c.dump()
    server = Slow()
    server.take(c.images)
    c.lazy(*server.options())
    c.resume()
    check(c.result() == 'ok', c.get('result'))
    c.ended()


def lost_server(work):
    """a page server that hangs up: never zeros, SIGBUS"""
    for answers in (0, 5, 60):
        folder = os.path.join(work, str(answers))
        os.mkdir(folder)
        c = Case(folder, mode='read')
        c.dump()
        server = Slow(hang_up=answers)
        server.take(c.images)
        c.lazy(*server.options())
        c.put('go')
        status, text = c.command('restore', False, '-d', '--pidfile', os.path.join(c.work, 'pid'), '--lazy-pages')
        if status == 0:
            c.must_die()
        c.ended(1, 'page server')


def killed_daemon(work):
    """criu-lazy-pages is killed: never zeros, SIGBUS"""
    c = Case(work, mode='read')
    c.dump()
    server = Slow(delay=0.01)
    server.take(c.images)
    c.lazy(*server.options())
    c.resume(go=False)
    c.daemon.send_signal(signal.SIGKILL)
    c.daemon.wait()
    time.sleep(0.1)
    c.put('go')
    c.must_die()


def killed_task(work):
    """a task that is killed while pages are missing: criu-lazy-pages ends"""
    c = Case(work, mode='read')
    c.dump()
    server = Slow(delay=0.01)
    server.take(c.images)
    c.lazy(*server.options())
    c.resume()
    os.kill(c.pid, signal.SIGKILL)
    c.ended()


def not_whole(work):
    """a task whose pages are not all there yet cannot be dumped, and is none the worse for it"""
    c = Case(work, mode='read')
    c.dump()
    server = Slow(delay=0.02)
    server.take(c.images)
    c.lazy(*server.options())
    c.resume(go=False)
    again = os.path.join(work, 'again')
    os.mkdir(again)
    p = subprocess.run([os.path.join(BUILD, 'criu-dump'), '--no-default-config', '-t', str(c.pid), '-D', again], stdin=subprocess.DEVNULL,
                       capture_output=True, text=True)
    check(p.returncode == 3 and 'userfaultfd' in p.stderr, f'{p.returncode} {p.stderr}')
    c.put('go')
    check(c.result() == 'ok', c.get('result'))
    c.ended()


def failed_restore(work):
    """a restore that fails after it has connected, and one that finds nobody"""
    c = Case(work)
    c.dump()
    status, text = c.command('restore', False, '-d', '--lazy-pages')
    check(status == 1 and 'criu-lazy-pages is to listen at' in text, f'nobody listens: {status} {text}')
    c.lazy()
    status, text = c.command('restore', False, '-d', '--lazy-pages', '--action-script', 'test $CRTOOLS_SCRIPT_ACTION != post-restore')
    check(status == 1, text)
    c.ended(1, 'ended before the tree was there')
    check(not carry.state.alive(str(c.pid)), 'a task is left')


def refused(work):
    """pages that are nowhere: a set that needs a page server, without one"""
    c = Case(work)
    c.dump()
    server = Slow()
    server.take(c.images)
    status, text = c.command('restore', False, '-d')
    check(status == 3 and 'lazy' in text, f'without --lazy-pages: {status} {text}')
    c.lazy()
    c.put('go')
    c.command('restore', False, '-d', '--lazy-pages')
    c.ended(2, '--page-server')


def answers_soon(work):
    """256 MiB: the task answers at once"""
    c = Case(work, 256, 'read')
    c.dump()
    c.lazy()
    c.put('go')
    start = time.monotonic_ns()
    c.restore('--lazy-pages')
    c.wait(lambda: c.has('alive') or not os.path.exists(f'/proc/{c.pid}'), 'alive')
    took = (int(c.get('alive')) - start) / 1e6
    check(c.result() == 'ok', c.get('result'))
    c.ended()
    check(took < 400, f'after {took:.0f} ms')
    print(f'# it answers after {took:.1f} ms')


def from_archive(work):
    """from an archive"""
    c = Case(work)
    c.dump()
    archive = os.path.join(work, 'set.tar.zst')
    tap.run(wire.CRIT, 'convert', c.images, archive)
    for name in os.listdir(c.images):
        os.unlink(os.path.join(c.images, name))
    c.lazy('-D', archive, '-W', c.images)
    c.put('go')
    c.restore('--lazy-pages', '-D', archive, '-W', c.images)
    check(c.result() == 'ok', c.get('result'))
    c.ended()


def from_task(work):
    """criu-dump --lazy-pages: from the stopped task, with TLS too; it lives on when nobody fetches all of it"""
    c = Case(work, mode='read')
    ca = pki.Authority(work)
    pair = ca.issue('both', 'IP:127.0.0.1')
    for told in ([], pki.options(ca, pair)):
        shutil.rmtree(c.images)
        os.mkdir(c.images)
        ready, status = os.pipe()
        dump = subprocess.Popen([os.path.join(BUILD, 'criu-dump'), '--no-default-config', '-t', str(c.pid), '-D', c.images, '--lazy-pages',
                                 '--address', '127.0.0.1', '--port', '0', '--status-fd', str(status), *told], pass_fds=(status,),
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        os.close(status)
        check(os.read(ready, 1) == b'\0', 'not ready')
        os.close(ready)
        port = int(dump.stdout.readline())
        runs = [r for n in os.listdir(c.images) if n.startswith('pagemap-') for r in wire.page_map(c.images, n)[0]]
        later = [r for r in runs if r[2] == wire.LAZY]
        check(sum(r[1] for r in later) > 4000, f'{len(later)} runs are left for later')
        check(os.path.exists(os.path.join(c.images, 'manifest.img')), 'no manifest')

        def wrap(s):
            import ssl
            context = ssl.create_default_context(cafile=ca.cert)
            context.load_cert_chain(*pair)
            return context.wrap_socket(s, server_hostname='127.0.0.1')

        client = wire.Client(('127.0.0.1', port), wrap=wrap if told else None)
        addr, nr, _ = max(later, key=lambda r: r[1])
        check(len(client.get(c.pid, addr, nr)) == min(nr, 256) * PAGE, 'pages')
        got = client.get(c.pid, addr + 5 * PAGE, 1)
        check(struct.unpack_from('<Q', got)[0] == (5 * 0x9e3779b97f4a7c15 | 1) & (1 << 64) - 1, 'another page')
        client.drop()
        _, text = dump.communicate(timeout=20)
        check(dump.returncode == 1 and 'before all pages were fetched' in text, f'{dump.returncode} {text}')
    for bad in (('--leave-running',), ('--page-server',)):
        p = subprocess.run([os.path.join(BUILD, 'criu-dump'), '--no-default-config', '-t', str(c.pid), '-D', c.images, '--lazy-pages', *bad],
                           stdin=subprocess.DEVNULL, capture_output=True, text=True)
        check(p.returncode in (1, 2), f'{bad}: {p.returncode} {p.stderr}')
    c.put('go')
    check(c.result() == 'ok', c.get('result'))


TESTS = [local, slow_server, slow_children, lost_server, killed_daemon, killed_task, not_whole, failed_restore, refused, answers_soon, from_archive,
         from_task]


def one(name):
    work = tempfile.mkdtemp(prefix='lazy-')
    verdict, text = 'ok', ''
    try:
        next(t for t in TESTS if t.__name__ == name)(work)
    except Failed as e:
        verdict, text = 'fail', str(e)
    except tap.Skipped as e:
        verdict, text = 'skip', str(e)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(json.dumps([verdict, text]), flush=True)


def row(test):
    def run():
        p = subprocess.run([*carry.NAMESPACE, sys.executable, __file__, '--one', test.__name__, PROGRAM], stdin=subprocess.DEVNULL,
                           capture_output=True, text=True, timeout=200)
        try:
            verdict, text = json.loads(p.stdout.splitlines()[-1])
        except (IndexError, ValueError):
            raise Failed(f'no verdict: {p.stdout[-500:]} {p.stderr[-1500:]}') from None
        print(''.join(l + '\n' for l in p.stdout.splitlines() if l.startswith('#')), end='')
        if verdict == 'skip':
            raise tap.Skipped(text)
        check(verdict == 'ok', text)

    run.__doc__ = test.__doc__
    return run


if __name__ == '__main__':
    if sys.argv[1:2] == ['--one']:
        PROGRAM = sys.argv[3]
        one(sys.argv[2])
    elif os.geteuid() != 0:
        print('1..0 # SKIP dump and restore need root')
    else:
        PROGRAM = program()
        try:
            tap.main([row(t) for t in TESTS if not sys.argv[1:] or t.__name__ in sys.argv[1:]])
        finally:
            os.unlink(PROGRAM)
