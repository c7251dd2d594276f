#!/usr/bin/env python3
"""criu-page-server, spoken to byte by byte."""
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import wire
from wire import ADD, ADD_F, CLOSE, FORCE_CLOSE, GET, HOLE, IN_PARENT, LAZY, OPEN, OPEN2, PAGE, PRESENT, Client, Server, check, pages
import tap


def received():
    """page maps and pages become images when the client says that all was sent"""
    with Server() as s:
        c = s.client()
        check(c.open(wire.task(7)) == 0, 'it has a parent')
        c.add(0x10000, 1, 3)
        c.add(0x13000, 4, 1, PRESENT | LAZY)
        c.add(0x20000, 0, 2, LAZY)
        c.send(ADD, 2, 0x40000, data=pages(9, 2))
        c.send(OPEN, dst=wire.segment(0x1234))
        c.add(0, 20, 700)
        check(s.left() == [s_stage(s)], f'there is {s.left()} before it is all')
        check(c.finish() == 0, 'close')
        s.ends()
        check(s.left() == ['pagemap-7.img', 'pagemap-shmem-4660.img', 'pages-1.img', 'pages-2.img'], s.left())
        runs, number = wire.page_map(s.images, 'pagemap-7.img')
        check(runs == [(0x10000, 3, PRESENT), (0x13000, 1, LAZY | PRESENT), (0x20000, 2, LAZY), (0x40000, 2, PRESENT)], runs)
        check(wire.page_data(s.images, number) == pages(1, 4) + pages(9, 2), 'other pages')
        runs, number = wire.page_map(s.images, 'pagemap-shmem-4660.img')
        check(runs == [(0, 700, PRESENT)] and wire.page_data(s.images, number) == pages(20, 700), runs)


def s_stage(s):
    return f'.page-server-{s.p.pid}'


def addresses():
    """IPv4, IPv6, a name, a unix socket; port 0 prints the one chosen; the socket's name goes"""
    with tempfile.TemporaryDirectory() as d:
        for address in ('127.0.0.1', 'localhost', '::1', '[::1]', os.path.join(d, 'sock'), 'unix:' + os.path.join(d, 'sock')):
            if ':1' in address and not os.path.exists('/proc/net/if_inet6'):
                continue
            with Server(address=address) as s:
                c = Client(os.path.join(d, 'sock') if 'sock' in address else (address.strip('[]'), s.port))
                c.open(wire.task(1))
                c.finish()
                s.ends()
        check(os.listdir(d) == [], 'the socket is left')
        # one that was left is replaced, one that is in use is not
        left = socket.socket(socket.AF_UNIX)
        left.bind(os.path.join(d, 'left'))
        left.close()
        with Server(address=os.path.join(d, 'left')) as s:
            p = tap.run(wire.SERVER, '--no-default-config', '-D', d, '--address', os.path.join(d, 'left'), status=1)
            check('in use' in p.stderr, p.stderr)
            s.client().drop()
            s.ends()


def bad_address():
    """an address that is none, a port that is none or in use"""
    with Server() as s:
        for args, status, says in ((('--address', 'no.such.host.invalid'), 2, 'no.such.host.invalid'), (('--port', '70000'), 2, '70000'),
                                   (('--address', '127.0.0.1', '--port', str(s.port)), 1, 'in use'),
                                   (('--address', '/' + 'x' * 200), 2, 'unix socket')):
            p = tap.run(wire.SERVER, '--no-default-config', '-D', s.images, *args, status=status)
            check(says in p.stderr and p.stderr.count('\n') == 1, p.stderr)


def given_socket():
    """--ps-socket: a connected socket, and a listening one"""
    ours, theirs = socket.socketpair()
    with Server('--ps-socket', str(theirs.fileno()), address=None, fds=(theirs.fileno(),)) as s:
        theirs.close()
        c = Client(ours)
        c.open(wire.task(3))
        c.add(0x1000, 1, 1)
        check(c.finish(FORCE_CLOSE) == 0, 'close')
        s.ends()
        check('pagemap-3.img' in s.left(), s.left())
    listener = socket.create_server(('127.0.0.1', 0))
    with Server('--ps-socket', str(listener.fileno()), address=None, fds=(listener.fileno(),)) as s:
        c = Client(listener.getsockname())
        c.open(wire.task(3))
        check(c.finish() == 0, 'close')
        s.ends()
    listener.close()


def daemon():
    """--daemon: returns at once, the pid file names who serves, and it ends with the dump"""
    with tempfile.TemporaryDirectory() as d:
        p = tap.run(wire.SERVER, '--no-default-config', '-D', d, '--daemon', '--pidfile', 'pid', '--port', '0', '-o', 'log')
        with open(os.path.join(d, 'pid')) as f:
            pid = int(f.read())
        with open(f'/proc/{pid}/comm') as f:
            check(f.read().strip() == 'criu-page-serve', 'another process')
        c = Client(('127.0.0.1', int(p.stdout)))
        c.open(wire.task(5))
        c.add(0x1000, 1, 2)
        check(c.finish() == 0, 'close')
        end = time.time() + 10
        while os.path.exists(f'/proc/{pid}') and time.time() < end:
            with open(f'/proc/{pid}/stat') as f:
                if f.read().split(') ')[1][0] == 'Z':
                    break
            time.sleep(0.01)
        check(sorted(n for n in os.listdir(d) if n.endswith('.img')) == ['pagemap-5.img', 'pages-1.img'], os.listdir(d))


def whole_dump():
    """The bytes of a dump, with the answers that are waited for as (position, size)."""
    text = wire.request(OPEN2, dst=wire.task(7))
    waits = [(len(text), 1)]
    text += wire.request(ADD_F, 3, 0x10000, flags=PRESENT) + pages(1, 3)
    text += wire.request(ADD_F, 300, 0x20000, flags=PRESENT | LAZY) + pages(4, 300)
    text += wire.request(OPEN2, dst=wire.segment(2))
    waits.append((len(text), 1))
    text += wire.request(ADD_F, 30, 0, flags=PRESENT) + pages(1, 30)
    return text, waits


def send_upto(c, text, waits, upto):
    at = 0
    for place, size in waits:
        if place > upto:
            break
        c.s.sendall(text[at:place])
        c.read(size)
        at = place
    c.s.sendall(text[at:upto])


def cut():
    """a connection that is cut, anywhere, leaves nothing"""
    text, waits = whole_dump()
    places = [1, 31, 32, 33, 64, 65, 100, len(text) - 1, len(text)] + [random.randrange(1, len(text)) for _ in range(20)]
    for place in places:
        with Server() as s:
            with open(os.path.join(s.images, 'pagemap-7.img'), 'w') as f:
                f.write('of another dump')
            c = s.client()
            send_upto(c, text, waits, place)
            if place % 2:
                c.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))  # a reset
            c.drop()
            s.ends(1, 'connection')
            check(s.left() == ['pagemap-7.img'] and os.path.getsize(os.path.join(s.images, 'pagemap-7.img')) == 15,
                  f'cut at {place}: {s.left()}')


def killed():
    """a server that is killed, anywhere, leaves no image, and the next one clears up"""
    text, waits = whole_dump()
    with tempfile.TemporaryDirectory() as d:
        for place in [random.randrange(1, len(text)) for _ in range(10)]:
            with Server(images=d) as s:
                c = s.client()
                send_upto(c, text, waits, place)
                s.kill()
                c.drop()
                check([n for n in s.left() if n.endswith('.img')] == [], s.left())
        with Server(images=d) as s:
            check(s.left() == [s_stage(s)], s.left())
            c = s.client()
            send_upto(c, text, waits, len(text))
            c.finish()
            s.ends()
            check(s.left() == ['pagemap-7.img', 'pagemap-shmem-2.img', 'pages-1.img', 'pages-2.img'], s.left())


def terminated():
    """a server that is told to end drops what is not whole, and says so"""
    with Server() as s:
        c = s.client()
        c.open(wire.task(7))
        c.add(0x1000, 1, 1)
        s.p.send_signal(signal.SIGTERM)
        s.ends(1, 'signal')
        check(s.left() == [], s.left())


def older_set():
    """an older set's manifest goes when pages of a new one are there, and only then"""
    with Server() as s:
        manifest = os.path.join(s.images, 'manifest.img')
        open(manifest, 'w').close()
        c = s.client()
        c.open(wire.task(7))
        c.add(0x1000, 1, 1)
        time.sleep(0.05)
        check(os.path.exists(manifest), 'gone too early')
        c.finish()
        s.ends()
        check(not os.path.exists(manifest), 'the manifest is still there')


BAD = [
    ('an unknown command', [wire.request(99)], 'no command 0x63'),
    ('close with flags of a command', [wire.request(0x1025)], 'no command'),
    ('a map of nothing', [wire.request(OPEN2, dst=0)], 'a page map of 0'),
    ('a map of an unknown type', [wire.request(OPEN2, dst=7 << 8 | 3)], 'a page map of 0x703'),
    ('a task without a number', [wire.request(OPEN, dst=1)], 'a page map of 0x1'),
    ('a task with a number that is none', [wire.request(OPEN, dst=1 << 60 | 1)], 'a page map of'),
    ('pages of nobody', [wire.request(ADD_F, 1, 0x1000, flags=PRESENT)], 'before it was said whose'),
    ('an address inside a page', ['open', wire.request(ADD_F, 1, 0x1001, flags=PRESENT)], '1 pages at 0x1001'),
    ('no pages', ['open', wire.request(ADD_F, 0, 0x1000, flags=PRESENT)], '0 pages'),
    ('pages beyond the end', ['open', wire.request(ADD_F, 1 << 52, 0x1000, flags=PRESENT)], 'pages at 0x1000'),
    ('pages beyond the end', ['open', wire.request(ADD_F, (1 << 64) - 1, 0x1000, flags=LAZY)], 'pages at 0x1000'),
    ('pages without flags', ['open', wire.request(ADD_F, 1, 0x1000)], 'have flags 0'),
    ('pages with unknown flags', ['open', wire.request(ADD_F, 1, 0x1000, flags=0x80)], 'have flags 0x80'),
    ('pages here and in the parent', ['open', wire.request(ADD_F, 1, 0x1000, flags=PRESENT | IN_PARENT)], 'have flags 0x5'),
    ('pages of a parent that is not there', ['open', wire.request(HOLE, 1, 0x1000)], 'no parent'),
    ('pages twice', ['open', wire.request(ADD_F, 2, 0x1000, flags=LAZY), wire.request(ADD_F, 1, 0x2000, flags=LAZY)], 'come after'),
    ('a map twice', ['open', 'open'], 'being sent already'),
    ('pages asked for', [wire.request(GET, 1, 0x1000, 7)], '--lazy-pages'),
]


def bad_requests():
    """requests that make no sense are refused and named, and nothing is stored"""
    for what, requests, says in BAD:
        with Server() as s:
            c = s.client()
            for r in requests:
                try:
                    c.s.sendall(wire.request(OPEN2, dst=wire.task(7)) if r == 'open' else r)
                    if r == 'open':
                        c.s.recv(1)
                except OSError:  # hung up meanwhile
                    pass
            text = s.ends(3 if 'asked' in what else 4, says)
            check('request ' in text, f'{what}: {text}')
            check(s.left() == [], f'{what}: {s.left()}')
            c.drop()


def noise():
    """noise in place of requests"""
    for seed in range(20):
        r = random.Random(seed)
        with Server() as s:
            c = s.client()
            try:
                for _ in range(8):
                    c.s.sendall(wire.request(r.choice((1, 2, 3, 4, 5, 6, 7, 0x1023)), r.choice((0, 1, 5, r.getrandbits(64))),
                                             r.choice((0, 0x1000, r.getrandbits(64))), r.choice((wire.task(7), r.getrandbits(64))),
                                             r.choice((0, 1, 2, 4, r.getrandbits(16)))) + r.randbytes(r.randrange(100)))
            except OSError:
                pass
            c.drop()
            s.p.communicate(timeout=20)
            check(s.p.returncode in (0, 1, 3, 4), f'seed {seed}: {s.p.returncode}')
            check(not [n for n in s.left() if n.startswith('.')], s.left())


def several():
    """several dumps at once; one that is lost takes nothing from the others"""
    with Server() as s:
        clients = [s.client() for _ in range(8)]
        for i, c in enumerate(clients):
            c.open(wire.task(100 + i))
        for n in range(20):
            for i, c in enumerate(clients):
                c.add(0x10000 + n * 0x10000, i * 100 + n, 5)
        clients[3].drop()
        for i, c in enumerate(clients):
            if i != 3:
                check(c.finish() == 0, 'close')
        s.ends(1, 'ended before all was sent')
        for i in range(8):
            name = f'pagemap-{100 + i}.img'
            check((name in s.left()) == (i != 3), f'{name}: {s.left()}')
            if i != 3:
                runs, number = wire.page_map(s.images, name)
                check(len(runs) == 20 and wire.page_data(s.images, number) == b''.join(pages(i * 100 + n, 5) for n in range(20)), name)
    with Server() as s:
        a, b = s.client(), s.client()
        a.open(wire.task(5))
        b.send(OPEN2, dst=wire.task(5))
        check(b.s.recv(1) == b'', 'two dumps of the same task')
        a.add(0x1000, 1, 1)
        check(a.finish() == 0, 'the first one')
        s.ends(4, 'being sent already')
        check('pagemap-5.img' in s.left(), s.left())


def with_parent():
    """--prev-images-dir: what the parent has is known, and it alone can be referred to; --auto-dedup"""
    with tempfile.TemporaryDirectory() as d:
        first, second = os.path.join(d, '1'), os.path.join(d, '2')
        for name in (first, second):
            os.mkdir(name)
        with Server(images=first) as s:
            c = s.client()
            c.open(wire.task(7))
            c.add(0x10000, 1, 8)
            c.finish()
            s.ends()
        for auto in ((), ('--auto-dedup',)):
            with Server('--prev-images-dir', '../1', *auto, images=second) as s:
                c = s.client()
                check(c.parent(wire.task(7)) == 1 and c.parent(wire.task(8)) == 0, 'who has a parent')
                check(c.open(wire.task(8)) == 0 and c.open(wire.task(7)) == 1, 'open2')
                c.send(HOLE, 2, 0x10000)
                c.add(0x12000, 50, 3)
                c.add(0x15000, 0, 3, IN_PARENT)
                check(c.finish() == 0, 'close')
                s.ends()
            check(os.readlink(os.path.join(second, 'parent')) == '../1', 'the link')
            runs, number = wire.page_map(second, 'pagemap-7.img')
            check(runs == [(0x10000, 2, IN_PARENT), (0x12000, 3, PRESENT), (0x15000, 3, IN_PARENT)], runs)
            blocks = os.stat(os.path.join(first, 'pages-1.img')).st_blocks * 512
            check(blocks == (5 if auto else 8) * PAGE, f'the parent has {blocks} bytes')
        with Server(images=second) as s:
            c = s.client()
            c.open(wire.task(7))
            c.send(HOLE, 2, 0x17000)
            s.ends(4, 'the parent has no page at 0x18000')
            c.drop()


def on_demand():
    """--lazy-pages: pages of images that are there, as many as follow each other"""
    with Server() as s:
        c = s.client()
        c.open(wire.task(7))
        c.add(0x10000, 1, 8)
        c.add(0x18000, 9, 4, PRESENT | LAZY)
        c.add(0x30000, 20, 1)
        c.finish()
        s.ends()
        with Server('--lazy-pages', images=s.images) as lazy:
            c = lazy.client()
            check(c.get(7, 0x10000, 2) == pages(1, 2), 'two pages')
            check(c.get(7, 0x12000, 100) == pages(3, 10), 'up to the hole')
            check(c.get(7, 0x20000, 1) == b'', 'a page that is not there')
            check(c.get(7, 0x30000, 1 << 30) == pages(20, 1), 'the last one')
            c.finish()
            lazy.ends()
        for pid, addr, says in ((8, 0x10000, 'no task 8'), (7, 0x10001, 'at 0x10001'), (1 << 40, 0x1000, 'of task')):
            with Server('--lazy-pages', images=s.images) as lazy:
                c = lazy.client()
                c.send(GET, 1, addr, pid)
                lazy.ends(4, says)
                c.drop()


def usage():
    """--help tells the options; words that are none are refused"""
    p = tap.run(wire.SERVER, '--help')
    for word in ('--port', '--address', '--ps-socket', '--tls-cacert', '--status-fd', '--daemon', '--auto-dedup'):
        check(word in p.stdout, f'{word} is not in the help')
    tap.run(wire.SERVER, '--no-default-config', 'something', status=2)
    tap.run(wire.SERVER, '--no-default-config', '-D', '/nonexistent', status=1)
    p = tap.run(os.path.join(wire.BUILD, 'criu'), 'page-server', '--no-default-config', '-D', '/nonexistent', status=1)
    check('/nonexistent' in p.stderr, p.stderr)


if __name__ == '__main__':
    subprocess.run(['ip', 'link', 'set', 'lo', 'up'], stderr=subprocess.DEVNULL)
    tap.main([received, addresses, bad_address, given_socket, daemon, cut, killed, terminated, older_set, bad_requests, noise, several,
              with_parent, on_demand, usage])
