"""What a client of a page server says, and a server to say it to."""
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'harness'))
from tap import Failed, check  # noqa: E402

BUILD = os.environ.get('BUILD', os.path.join(HERE, '..', '..', '..', 'build'))
SERVER = os.path.join(BUILD, 'criu-page-server')
CRIT = os.path.join(BUILD, 'crit')

ADD, HOLE, OPEN, OPEN2, PARENT, ADD_F, GET, CLOSE, FORCE_CLOSE = 1, 2, 3, 4, 5, 6, 7, 0x1023, 0x1024
IN_PARENT, LAZY, PRESENT = 1, 2, 4
PAGE = 4096


def task(pid):
    return pid << 8 | 1


def segment(shmid):
    return shmid << 8 | 2


def request(cmd, pages=0, addr=0, dst=0, flags=0):
    return struct.pack('<IIQQQ', cmd | flags << 16, 0, pages, addr, dst)


def page(n):
    return bytes([n % 251 + 1]) * PAGE


def pages(first, nr):
    return b''.join(page(first + i) for i in range(nr))


class Client:
    def __init__(self, where, wrap=None):
        if isinstance(where, str):
            self.s = socket.socket(socket.AF_UNIX)
            self.s.connect(where)
        elif isinstance(where, socket.socket):
            self.s = where
        else:
            self.s = socket.create_connection(where)
        self.s.settimeout(20)
        if wrap:
            self.s = wrap(self.s)

    def send(self, *args, data=b'', **kw):
        self.s.sendall(request(*args, **kw) + data)

    def read(self, size):
        got = b''
        while len(got) < size:
            more = self.s.recv(size - len(got))
            check(more, f'the server has hung up after {len(got)} of {size} bytes')
            got += more
        return got

    def open(self, dst):
        self.send(OPEN2, dst=dst)
        return self.read(1)[0]

    def add(self, addr, first, nr, flags=PRESENT):
        self.send(ADD_F, nr, addr, flags=flags, data=pages(first, nr) if flags & PRESENT else b'')

    def parent(self, dst):
        self.send(PARENT, dst=dst)
        return struct.unpack('<i', self.read(4))[0]

    def get(self, pid, addr, nr):
        self.send(GET, nr, addr, pid)
        cmd, _, nr, at, dst = struct.unpack('<IIQQQ', self.read(32))
        check(cmd == ADD_F | PRESENT << 16 and dst == pid and at == addr, f'answer {cmd:#x} {at:#x} {dst}')
        return self.read(nr * PAGE)

    def finish(self, cmd=CLOSE):
        self.send(cmd)
        status = struct.unpack('<i', self.read(4))[0]
        self.s.close()
        return status

    def drop(self):
        self.s.close()


class Server:
    """A server over a directory of its own; `with` ends it."""

    def __init__(self, *options, images=None, address='127.0.0.1', program=SERVER, **kw):
        self.folder = tempfile.TemporaryDirectory(prefix='page-server.')
        self.images = images or os.path.join(self.folder.name, 'images')
        if not images:
            os.mkdir(self.images)
        self.address = address
        ready, status = os.pipe()
        where = ('--address', address, '--port', '0') if address else ()
        self.p = subprocess.Popen([program, '--no-default-config', '-D', self.images, '-W', self.folder.name, '-v4', '-o', 'log',
                                   '--status-fd', str(status), *where, *options],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  pass_fds=(status, *kw.pop('fds', ())), **kw)
        os.close(status)
        self.ready = os.read(ready, 2)
        os.close(ready)
        self.port = int(self.p.stdout.readline()) if address and '/' not in address and self.ready else None

    def __enter__(self):
        check(self.ready == b'\0', f'not ready: {self.ready} {self.p.stderr.read() if not self.ready else ""}')
        return self

    def __exit__(self, *unused):
        if self.p.poll() is None:
            self.p.kill()
        self.p.wait()
        self.p.stdout.close()
        self.p.stderr.close()
        self.folder.cleanup()

    def client(self, **kw):
        return Client(self.address if self.port is None else (self.address, self.port), **kw)

    def ends(self, status=0, says=''):
        """It ends by itself, with this status, and says why."""
        try:
            _, text = self.p.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            raise Failed('the server does not end') from None
        check(self.p.returncode == status, f'the server ended with {self.p.returncode}, not {status}: {text}')
        check(says in text, f'"{says}" is not said: {text}')
        check(not status or text.startswith('criu-page-server: '), text)
        return text

    def kill(self):
        self.p.send_signal(signal.SIGKILL)
        self.p.wait()

    def left(self):
        """Images in the directory, and anything that is hidden there."""
        return sorted(n for n in os.listdir(self.images) if n.endswith('.img') or n.startswith('.'))


def page_map(images, name):
    """The runs of a page map as (address, pages, flags), and the number of its page data."""
    import json
    p = subprocess.run([CRIT, 'decode', '-i', os.path.join(images, name)], capture_output=True, text=True)
    check(p.returncode == 0, p.stderr)
    head, *runs = json.loads(p.stdout)['entries']
    return [(r['vaddr'], r['nr_pages'], r['flags']) for r in runs], head['pages_id']


def page_data(images, number):
    with open(os.path.join(images, f'pages-{number}.img'), 'rb') as f:
        return f.read()
