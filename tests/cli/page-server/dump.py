#!/usr/bin/env python3
"""criu-dump --page-server: whatever happens to the connection or to the server, the tasks live on and nothing looks complete."""
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, '..', 'criu-dump'))
import wire
import busy
import pki
from wire import Server, check
import tap

DUMP = os.path.join(wire.BUILD, 'criu-dump')
PEER = os.environ.get('PEER_CRIU')


class Proxy:
    """Between a dump and its server: cuts both connections after so many bytes from the dump."""

    def __init__(self, port, limit, then=lambda: None):
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port, self.limit, self.target, self.then = self.listener.getsockname()[1], limit, port, then
        self.passed = 0
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            dump, _ = self.listener.accept()
            server = socket.create_connection(('127.0.0.1', self.target))
        except OSError:
            return

        def back():
            try:
                while data := server.recv(65536):
                    dump.sendall(data)
            except OSError:
                pass

        threading.Thread(target=back, daemon=True).start()
        try:
            while self.passed < self.limit:
                data = dump.recv(min(65536, self.limit - self.passed))
                if not data:
                    break
                server.sendall(data)
                self.passed += len(data)
        except OSError:
            pass
        self.then()
        for s in (server, dump):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()

    def end(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.thread.join(5)


class Case:
    """A busy process, and a directory for its small images."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix='dump-server.')
        self.images = os.path.join(self.folder.name, 'images')
        os.mkdir(self.images)
        self.subject = busy.Busy(self.folder.name)
        return self

    def __exit__(self, *unused):
        self.subject.end()
        self.folder.cleanup()

    def dump(self, port, *extra, program=(DUMP,)):
        return subprocess.run([*program, '--no-default-config', '-t', str(self.subject.pid), '-D', self.images, '-R', '--page-server',
                               '--address', '127.0.0.1', '--port', str(port), *extra],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)

    def well(self, what):
        ill = self.subject.ailment()
        check(not ill, f'{what}: {ill}')

    def failed(self, p, what, says='page server'):
        check(p.returncode == 1 and p.stderr.startswith('criu-dump: ') and says in p.stderr and p.stderr.count('\n') == 1,
              f'{what}: status {p.returncode}: {p.stderr}')
        check('manifest.img' not in os.listdir(self.images), f'{what}: there is a manifest')
        self.well(what)


def whole():
    """the pages are with the server, the rest is here, and both together are a whole set"""
    with Case() as c, Server() as s:
        p = c.dump(s.port)
        check(p.returncode == 0, p.stderr)
        s.ends()
        c.well('dumped')
        check(not [n for n in os.listdir(c.images) if n.startswith('page')], 'pages are here')
        check(not [n for n in s.left() if not n.startswith('page')], s.left())
        for n in s.left():
            os.rename(os.path.join(s.images, n), os.path.join(c.images, n))
        tap.run(wire.CRIT, 'validate', c.images)


def nobody():
    """nobody listens: it fails before anything is touched"""
    with Case() as c:
        with socket.create_server(('127.0.0.1', 0)) as listener:
            port = listener.getsockname()[1]
        c.failed(c.dump(port), 'nobody there', 'refused')


def size_of_dump(c):
    with Server() as s:
        proxy = Proxy(s.port, 1 << 40)
        p = c.dump(proxy.port)
        proxy.end()
        check(p.returncode == 0, p.stderr)
        s.ends()
        os.unlink(os.path.join(c.images, 'manifest.img'))
        return proxy.passed


def cut():
    """the connection is cut, anywhere"""
    with Case() as c:
        size = size_of_dump(c)
        for place in [0, 1, 32, 33, size - 33, size - 32, size - 1] + [random.randrange(size) for _ in range(12)]:
            with Server() as s:
                proxy = Proxy(s.port, place)
                p = c.dump(proxy.port)
                proxy.end()
                if p.returncode == 0 and proxy.passed < place:  # it was a little smaller this time
                    os.unlink(os.path.join(c.images, 'manifest.img'))
                    continue
                c.failed(p, f'cut at {place} of {size}')
                s.p.wait(20)
                check(s.left() == [], f'cut at {place}: {s.left()}')


def killed():
    """the server is killed, anywhere"""
    with Case() as c:
        size = size_of_dump(c)
        for place in [1, 33, size - 32] + [random.randrange(size) for _ in range(8)]:
            with Server() as s:
                proxy = Proxy(s.port, place, s.kill)
                p = c.dump(proxy.port)
                proxy.end()
                if p.returncode == 0 and proxy.passed < place:
                    os.unlink(os.path.join(c.images, 'manifest.img'))
                    continue
                c.failed(p, f'killed at {place} of {size}')
                check(not [n for n in s.left() if n.endswith('.img')], f'killed at {place}: {s.left()}')


def given_up():
    """a server that takes nothing more: Ctrl-C, and the death of criu-dump, are noticed all the same"""
    for signal_nr in (signal.SIGINT, signal.SIGKILL):
        with Case() as c, socket.create_server(('127.0.0.1', 0)) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            p = subprocess.Popen([DUMP, '--no-default-config', '-t', str(c.subject.pid), '-D', c.images, '-R', '--page-server', '--address',
                                  '127.0.0.1', '--port', str(listener.getsockname()[1])], stdin=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE, text=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
            server, _ = listener.accept()
            server.recv(32)
            p.send_signal(signal_nr)
            _, text = p.communicate(timeout=20)
            check(p.returncode == (1 if signal_nr == signal.SIGINT else -9), f'{p.returncode} {text}')
            c.well(f'after signal {signal_nr}')
            check('manifest.img' not in os.listdir(c.images), 'there is a manifest')
            server.close()


def no_room():
    """the server's file system is full: the dump fails, and nothing is left there"""
    with Case() as c, tempfile.TemporaryDirectory() as d:
        subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=200k', 'none', d], check=True)
        try:
            with Server(images=d) as s:
                c.failed(c.dump(s.port), 'full')
                s.ends(1, 'No space left')
                check(s.left() == [], s.left())
        finally:
            subprocess.run(['umount', d], check=True)


def secured():
    """--tls: the server's certificate is held against its address, unless --tls-no-cn-verify"""
    with Case() as c:
        ca, other = pki.Authority(c.folder.name), pki.Authority(c.folder.name, 'other')
        client, named = ca.issue('client', 'DNS:client'), ca.issue('named', 'IP:127.0.0.1')
        elsewhere, stranger = ca.issue('elsewhere', 'DNS:elsewhere'), other.issue('stranger', 'IP:127.0.0.1')
        rows = [(named, (), 0, ''), (elsewhere, (), 1, 'expected'), (elsewhere, ('--tls-no-cn-verify',), 0, ''),
                (stranger, (), 1, 'refused'), (stranger, ('--tls-no-cn-verify',), 1, 'refused')]
        for pair, extra, status, says in rows:
            with Server(*pki.options(ca, pair)) as s:
                p = c.dump(s.port, *pki.options(ca, client), *extra)
                what = f'{os.path.basename(pair[0])} {extra}'
                check(p.returncode == status and says in p.stderr, f'{what}: {p.returncode} {p.stderr}')
                if status:
                    s.p.wait(20)
                    check(s.left() == [], s.left())
                else:
                    s.ends()
                    check(len(s.left()) >= 2, s.left())
                c.well(what)
        with Server() as s:
            c.dump(s.port, *pki.options(ca, client))
            s.p.wait(20)
            check(s.left() == [], 'a server without TLS')


def with_peer():
    """another criu at the other end, with TLS and without"""
    if not PEER:
        raise tap.Skipped('PEER_CRIU names no other criu')
    with Case() as c:
        ca = pki.Authority(c.folder.name)
        pair = ca.issue('both', 'IP:127.0.0.1,DNS:localhost')
        for told in ((), tuple(pki.options(ca, pair))):
            with Server(*told) as s:
                p = c.dump(s.port, *told, program=(PEER, 'dump'))
                check(p.returncode == 0, f'its dump, our server: {told[:1]}: {p.stdout[-2000:]}')
                s.ends()
                check(len(s.left()) >= 2, s.left())
            with tempfile.TemporaryDirectory() as d:
                with socket.create_server(('127.0.0.1', 0)) as listener:
                    port = listener.getsockname()[1]
                ready, status = os.pipe()
                server = subprocess.Popen([PEER, 'page-server', '--no-default-config', '-D', d, '--port', str(port), '--address',
                                           '127.0.0.1', '--status-fd', str(status), '-o', 'log', '-v4', *told],
                                          pass_fds=(status,), stdin=subprocess.DEVNULL)
                os.close(status)
                check(os.read(ready, 1) == b'\0', 'its server does not start')
                os.close(ready)
                p = c.dump(port, *told)
                check(p.returncode == 0 and server.wait(20) == 0, f'our dump, its server: {told[:1]}: {p.stderr}')
                check(len([n for n in os.listdir(d) if n.startswith('pagemap-')]) >= 1, os.listdir(d))


if __name__ == '__main__':
    if os.geteuid() != 0:
        print('1..0 # SKIP dump needs root')
        sys.exit(0)
    busy.in_namespace()
    tap.main([whole, nobody, cut, killed, given_up, no_room, secured, with_peer])
