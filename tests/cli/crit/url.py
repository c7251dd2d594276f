#!/usr/bin/env python3
"""Sets at an http URL: read in place where the server gives ranges, else from front to end."""
import http.server
import os
import re
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'harness'))
import tap

BUILD = os.environ.get('BUILD', os.path.join(HERE, '..', '..', '..', 'build'))
CRIT = os.path.join(BUILD, 'crit')
GOLDEN = os.path.join(HERE, '..', '..', 'images', 'golden', 'criu-4.2.tar.xz')
PAGES = 4096


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        web = self.server
        if self.path == '/moved.tar':
            self.send_response(302)
            self.send_header('Location', '/set.tar')
            self.send_header('Content-Length', '0')
            self.end_headers()
            return
        path = os.path.join(web.folder, self.path.lstrip('/'))
        if not os.path.exists(path):
            self.send_error(404)
            return
        with open(path, 'rb') as f:
            data = f.read()
        m = re.match(r'bytes=(\d+)-(\d+)$', self.headers.get('Range', ''))
        web.requests += 1
        tag = f'"{web.tag}"'
        if m and web.ranges:
            first, last = int(m[1]), min(int(m[2]), len(data) - 1)
            part = data[first:last + 1]
            self.send_response(206)
            self.send_header('Content-Range', f'bytes {first}-{last}/{len(data)}')
        else:
            part = data
            self.send_response(200)
        if web.changes and web.requests > 1:
            tag = '"other"'
        self.send_header('ETag', tag)
        self.send_header('Content-Length', str(len(part)))
        self.end_headers()
        if web.cut and len(part) > web.cut:
            part = part[:web.cut]
            self.close_connection = True
        self.wfile.write(part)
        web.sent += len(part)

    def log_message(self, *_):
        pass


class Web(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folder, ranges=True, changes=False, cut=0):
        super().__init__(('127.0.0.1', 0), Handler)
        self.folder, self.ranges, self.changes, self.cut = folder, ranges, changes, cut
        self.requests = self.sent = 0
        self.tag = 'one'

    def handle_error(self, *_):
        pass

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def url(self, name):
        return f'http://127.0.0.1:{self.server_address[1]}/{name}'


def crit(*args, status=0):
    env = {k: v for k, v in os.environ.items() if not k.lower().endswith('_proxy')}
    return tap.run(CRIT, *args, status=status, env=env)


def make(folder):
    """A golden set and 16 MiB of page data more, in archives of all sorts and as it is."""
    images = os.path.join(folder, 'images')
    os.mkdir(images)
    subprocess.run(['tar', '-xJf', GOLDEN, '-C', images, '--wildcards', '--transform', 's,.*/,,', '*/tree/img/*.img'], check=True)
    text = ('{"magic": "PAGEMAP", "entries": [{"pages_id": 999}, {"vaddr": 65536, "nr_pages": %d, "flags": "PE_PRESENT"}]}' % PAGES)
    with open(os.path.join(images, 'pagemap-999.img'), 'wb') as f:
        f.write(subprocess.run([CRIT, 'encode'], input=text.encode(), capture_output=True, check=True).stdout)
    with open(os.path.join(images, 'pages-999.img'), 'wb') as f:
        f.write(os.urandom(PAGES * 4096))
    for name in ('set.tar', 'set.tar.zst'):
        crit('convert', images, os.path.join(folder, name))
    subprocess.run(['tar', '-C', images, '-czf', os.path.join(folder, 'packed.tar.gz'), '.'], check=True)


class Case:
    def __enter__(self):
        self.temp = tempfile.TemporaryDirectory(prefix='crit-url.')
        self.folder = self.temp.name
        make(self.folder)
        self.images = os.path.join(self.folder, 'images')
        return self

    def __exit__(self, *_):
        self.temp.cleanup()

    def web(self, **kw):
        return Web(self.folder, **kw)

    def size(self, name):
        return os.stat(os.path.join(self.folder, name)).st_size

    def views(self, where):
        """What is said of the set that is there."""
        return [crit('x', where, what).stdout for what in ('ps', 'fds', 'mems', 'rss')] + [crit('stats', where).stdout]


def in_place():
    """by ranges: little of a large set is read to look into it, and what is seen is right"""
    with Case() as c:
        with c.web() as w:
            for name in ('set.tar', 'set.tar.zst'):
                for what in ('ps', 'fds', 'mems', 'rss'):
                    w.sent = 0
                    p = crit('x', w.url(name), what)
                    tap.check(p.stdout == crit('x', c.images, what).stdout, f'{name}: {what}: {p.stdout}')
                    tap.check(0 < w.sent < c.size(name) // 10, f'{name}: {what}: {w.sent} of {c.size(name)} bytes')
                    tap.check(not p.stderr, p.stderr)


def images():
    """one image: of an archive, or by itself; through a redirection"""
    with Case() as c:
        with c.web() as w:
            there = crit('show', os.path.join(c.images, 'pstree.img')).stdout
            for name in ('set.tar/pstree.img', 'set.tar.zst/pstree.img', 'images/pstree.img'):
                tap.check(crit('show', w.url(name)).stdout == there, name)
                tap.check('PSTREE' in crit('info', w.url(name)).stdout, name)
            tap.check(crit('show', os.path.join(c.folder, 'set.tar.zst', 'pstree.img')).stdout == there, 'in a file')
            p = crit('show', w.url('set.tar/no.img'), status=None)
            tap.check(p.returncode == 2 and 'no such image' in p.stderr, p.stderr)
            tap.check(crit('x', w.url('moved.tar'), 'ps').stdout == crit('x', c.images, 'ps').stdout, 'moved')


def whole():
    """all of it: validated, converted, with the bytes that were there"""
    with Case() as c:
        with c.web() as w:
            for name in ('set.tar', 'set.tar.zst'):
                p = crit('validate', w.url(name), status=None)
                tap.check(p.returncode == crit('validate', os.path.join(c.folder, name), status=None).returncode, p.stdout + p.stderr)
                out = os.path.join(c.folder, 'out')
                crit('convert', w.url(name), out)
                for image in ('pages-999.img', 'pstree.img'):
                    with open(os.path.join(c.images, image), 'rb') as a, open(os.path.join(out, image), 'rb') as b:
                        tap.check(a.read() == b.read(), f'{name}: {image}')
                subprocess.run(['rm', '-r', out], check=True)


def without_ranges():
    """a server without ranges, and what can only be unpacked: from front to end, which is said"""
    with Case() as c:
        want = crit('x', c.images, 'ps').stdout
        with c.web(ranges=False) as w:
            for name in ('set.tar', 'set.tar.zst', 'packed.tar.gz'):
                p = crit('x', w.url(name), 'ps')
                tap.check(p.stdout == want, f'{name}: {p.stdout}')
                tap.check('from front to end' in p.stderr, p.stderr)
            tap.check(crit('show', w.url('images/pstree.img')).stdout, 'an image')
        with c.web() as w:
            p = crit('x', w.url('packed.tar.gz'), 'ps')
            tap.check(p.stdout == want and not p.stderr, f'{p.stdout}{p.stderr}')


def fails():
    """nothing there, nobody there, cut, changed meanwhile: each is said"""
    with Case() as c:
        with c.web() as w:
            p = crit('x', w.url('nothing.tar'), 'ps', status=1)
            tap.check('404' in p.stderr, p.stderr)
            gone = w.url('set.tar')
        p = crit('x', gone, 'ps', status=1)
        tap.check(gone in p.stderr and 'onnect' in p.stderr, p.stderr)
        with c.web(ranges=False, cut=100000) as w:
            p = crit('validate', w.url('set.tar'), status=None)
            tap.check(p.returncode in (1, 4) and p.stderr, f'{p.returncode} {p.stderr}')
        with c.web(changes=True) as w:
            p = crit('validate', w.url('set.tar'), status=1)
            tap.check('changed while it was read' in p.stderr, p.stderr)


if __name__ == '__main__':
    p = crit('show', 'http://127.0.0.1:1/', status=None)
    if 'libcurl' in p.stderr:
        print(f'1..0 # SKIP {p.stderr.strip()}')
        sys.exit(0)
    tap.main([in_place, images, whole, without_ranges, fails])
