#!/usr/bin/env python3
"""criu-image-streamer between an engine and shards: an engine of ours gives and takes files as CRIU does. Needs no privilege."""
import array
import json
import os
import random
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
import tap
from tap import check

BUILD = os.environ.get('BUILD') or os.path.join(HERE, '..', '..', '..', 'build')
STREAMER = os.path.join(BUILD, 'criu-image-streamer')
CRIT = os.path.join(BUILD, 'crit')
BAD_IMAGE = 4


# ---- the engine's end ----

def request(sock, name):
    name = name.encode()
    msg = b'\x0a' + bytes([len(name)]) + name
    sock.sendall(struct.pack('<I', len(msg)) + msg)


def send_fd(sock, fd):
    sock.sendmsg([b'\0'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [fd]))])
    os.close(fd)


def connect(path):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.connect(path)
    return sock


def give(sock, files, at_once=8):
    """Several files at a time, each in pieces of its own."""
    todo, open_files = list(files.items()), []
    rnd = random.Random(1)
    while todo or open_files:
        if todo and len(open_files) < at_once:
            name, data = todo.pop(0)
            r, w = os.pipe()
            request(sock, name)
            send_fd(sock, r)
            open_files.append([w, memoryview(data)])
        f = rnd.choice(open_files)
        if f[1]:
            f[1] = f[1][os.write(f[0], f[1][:rnd.choice((1, 100, 5000, 60000))]):]
        if not f[1]:
            os.close(f[0])
            open_files.remove(f)


def ask(sock, name):
    request(sock, name)
    size, = struct.unpack('<I', sock.recv(4, socket.MSG_WAITALL))
    reply = sock.recv(size, socket.MSG_WAITALL)
    if reply != b'\x08\x01':
        return None
    r, w = os.pipe()
    send_fd(sock, w)
    with open(r, 'rb') as f:
        return f.read()


# ---- the streamer ----

class Streamer:
    def __init__(self, operation, dir, shards, *args, ext={}):
        """shards: descriptors, which become the streamer's."""
        r, w = os.pipe()
        pairs = ','.join(f'{n}:{fd}' for n, fd in ext.items())
        self.p = subprocess.Popen([STREAMER, '-D', dir, '-s', ','.join(map(str, shards)), '-p', str(w),
                                   *(['-e', pairs] if pairs else []), *args, operation],
                                  pass_fds=[*shards, w, *ext.values()], stderr=subprocess.PIPE, text=True)
        for fd in [*shards, w, *ext.values()]:
            os.close(fd)
        self.progress = open(r)

    def line(self):
        return self.progress.readline()

    def end(self):
        _, text = self.p.communicate(timeout=30)
        rest = self.progress.read()
        self.progress.close()
        return self.p.returncode, text, rest


class Dir:
    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix='streamer-')
        for name in ('run', 'out'):
            os.mkdir(os.path.join(self.path, name))
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path)

    def file(self, name):
        return os.path.join(self.path, name)


def some_files(nr=40, seed=7):
    rnd = random.Random(seed)
    files = {f'core-{i}.img': rnd.randbytes(rnd.choice((0, 1, 44, 4095, 65536, 200000))) for i in range(nr)}
    files['pages-1.img'] = rnd.randbytes(3 << 20)
    files['inventory.img'] = b'inventory'
    return files


def capture(d, files, nr_shards=1, readers=None, ext={}, give=give):
    """The shards as bytes, the lines of progress, the status."""
    pipes = [os.pipe() for _ in range(nr_shards)]
    got = [bytearray() for _ in pipes]

    def read(i):
        with open(pipes[i][0], 'rb', buffering=0) as f:
            while part := f.read(1 << 16):
                got[i] += part
                if readers:
                    readers(i, part)

    s = Streamer('capture', d.file('run'), [w for _, w in pipes], ext=ext)
    threads = [threading.Thread(target=read, args=(i,)) for i in range(nr_shards)]
    for t in threads:
        t.start()
    lines = [s.line()]
    sock = connect(d.file('run/streamer-capture.sock'))
    give(sock, files)
    sock.close()
    status, text, rest = s.end()
    for t in threads:
        t.join()
    return [bytes(g) for g in got], lines + rest.splitlines(True), status, text


def feed(shards):
    """Descriptors that give these bytes."""
    fds = []
    for data in shards:
        r, w = os.pipe()
        fds.append(r)

        def write(w=w, data=data):
            try:
                with open(w, 'wb') as f:
                    f.write(data)
            except BrokenPipeError:
                pass

        threading.Thread(target=write, daemon=True).start()
    return fds


def extract(d, shards, *args, ext={}):
    out = d.file('out')
    shutil.rmtree(out)
    os.mkdir(out)
    status, text, progress = Streamer('extract', out, feed(shards), *args, ext=ext).end()
    return status, text, {n: open(os.path.join(out, n), 'rb').read() for n in os.listdir(out)}, progress


# ---- tests ----

def round_trip(nr):
    def test():
        files = some_files()
        with Dir() as d:
            shards, lines, status, text = capture(d, files, nr)
            check(status == 0, f'capture: {status}: {text}')
            check(lines[0] == 'socket-init\n' and lines[1] == 'checkpoint-start\n' and len(lines) == 3, f'{lines}')
            stats = json.loads(lines[2])['shards']
            check([s['size'] for s in stats] == [len(s) for s in shards], f'{stats}')
            check(not os.path.exists(d.file('run/streamer-capture.sock')), 'the socket stays')
            random.Random(3).shuffle(shards)
            status, text, got, progress = extract(d, shards)
            check(status == 0 and got == files, f'extract: {status}: {text}: {sorted(set(files) ^ set(got))}')
            check([s['size'] for s in json.loads(progress)['shards']] == [len(s) for s in shards], progress)
    test.__doc__ = f'{nr} shards: capture and extract, files interleaved'
    return test


def served():
    """serve: files in any order, those that are not there, the same one twice"""
    files = some_files()
    with Dir() as d:
        shards, _, status, text = capture(d, files, 3)
        s = Streamer('serve', d.file('run'), feed(shards))
        stats, ready = s.line(), s.line()
        check(json.loads(stats)['shards'] and ready == 'socket-init\n', f'{stats} {ready}')
        sock = connect(d.file('run/streamer-serve.sock'))
        names = sorted(files)
        random.Random(5).shuffle(names)
        for name in names:
            check(ask(sock, name) == files[name], f'{name} differs')
            check(ask(sock, name) is None, f'{name} is there twice')
        check(ask(sock, 'nothing.img') is None, 'what is not there is served')
        sock.close()
        check(s.end()[0] == 0, 'status')


def served_at_once():
    """serve: files that are asked for before others were read"""
    files = some_files()
    with Dir() as d:
        shards, _, _, _ = capture(d, files, 2)
        s = Streamer('serve', d.file('run'), feed(shards))
        s.line(), s.line()
        sock = connect(d.file('run/streamer-serve.sock'))
        ends = {}
        for name in files:
            request(sock, name)
            sock.recv(struct.unpack('<I', sock.recv(4, socket.MSG_WAITALL))[0], socket.MSG_WAITALL)
            ends[name], w = os.pipe()
            send_fd(sock, w)
        for name in reversed(list(files)):
            with open(ends[name], 'rb') as f:
                check(f.read() == files[name], f'{name} differs')
        sock.close()
        check(s.end()[0] == 0, 'status')


def balanced():
    """one slow shard: the others take what it does not"""
    files = {'pages-1.img': os.urandom(24 << 20), 'inventory.img': b'x'}

    def slow(i, part):
        if i == 1:
            time.sleep(0.02)

    with Dir() as d:
        shards, _, status, text = capture(d, files, 3, slow)
        check(status == 0, text)
        sizes = [len(s) for s in shards]
        check(sizes[1] * 2 < sizes[0] and sizes[1] * 2 < sizes[2], f'sizes {sizes}')
        check(extract(d, shards)[2] == files, 'not what was captured')


def external():
    """external files are carried along, and do not show up among the images"""
    files = some_files(5)
    with Dir() as d:
        r, w = os.pipe()
        threading.Thread(target=lambda: (os.write(w, b'a tarball'), os.close(w))).start()
        shards, _, status, text = capture(d, files, 2, ext={'fs.tar': r})
        check(status == 0, text)
        check(extract(d, shards)[2] == {**files, 'fs.tar': b'a tarball'}, 'extracted without -e it is a file like others')
        r, w = os.pipe()
        status, text, got, _ = extract(d, shards, ext={'fs.tar': w})
        check(status == 0 and got == files, f'{status} {text}')
        with open(r, 'rb') as f:
            check(f.read() == b'a tarball', 'it differs')
        r, w = os.pipe()
        status, text, got, _ = extract(d, shards, ext={'other.tar': w})
        os.close(r)
        check(status == BAD_IMAGE and not got and 'other.tar' in text, f'one that is not there: {status} {text} {list(got)}')


def cut():
    """shards that were cut, at random places: nothing is extracted, nothing served"""
    files = some_files(10)
    rnd = random.Random(11)
    with Dir() as d:
        shards, _, _, _ = capture(d, files, 2)
        for _ in range(40):
            i = rnd.randrange(2)
            damaged = list(shards)
            damaged[i] = shards[i][:rnd.randrange(len(shards[i]))]
            status, text, got, _ = extract(d, damaged)
            check(status == BAD_IMAGE and not got, f'cut at {len(damaged[i])}: {status}: {text}: {sorted(got)}')
        status, text, _ = Streamer('serve', d.file('run'), feed(damaged)).end()
        check(status == BAD_IMAGE and not os.listdir(d.file('run')), f'serve: {status}: {text}')
        status, text, got, _ = extract(d, shards[:1])
        check(status == BAD_IMAGE and not got, f'a shard is missing: {status}: {text}')
        status, text, got, _ = extract(d, [shards[0] + shards[1][:20], shards[1]])
        check(status == BAD_IMAGE and not got, f'markers twice: {status}: {text}')


def given_up():
    """a dump that goes away in the middle makes no set"""
    with Dir() as d:
        shards, lines, status, text = capture(d, {'core-1.img': b'x' * 100000}, 2)
        check(status == BAD_IMAGE and 'inventory.img' in text, f'{status}: {text}')
        status, text, got, _ = extract(d, shards)
        check(status == BAD_IMAGE and not got, f'{status}: {text}: {sorted(got)}')


def reader_gone():
    """a shard whose reader goes away: the dump hears of it"""
    with Dir() as d:
        r, w = os.pipe()
        s = Streamer('capture', d.file('run'), [w])
        s.line()
        sock = connect(d.file('run/streamer-capture.sock'))
        pr, pw = os.pipe()
        request(sock, 'pages-1.img')
        send_fd(sock, pr)
        os.write(pw, b'x' * 1000)
        os.close(r)
        try:
            while True:
                os.write(pw, b'x' * 60000)
        except BrokenPipeError:
            pass
        os.close(pw)
        status, text, _ = s.end()
        check(status == 1 and 'went away' in text, f'{status}: {text}')


def ended_by_a_signal():
    """told to end while nobody has connected: the socket goes, too"""
    for sig in (signal.SIGTERM, signal.SIGINT):
        with Dir() as d:
            r, w = os.pipe()
            s = Streamer('capture', d.file('run'), [w])
            s.line()
            s.p.send_signal(sig)
            status, text, _ = s.end()
            check(status == 1 and 'signal' in text and not os.listdir(d.file('run')), f'{status}: {text}: {os.listdir(d.file("run"))}')
            os.close(r)


def told():
    """an engine that waits hears whether all is with the shards"""
    for gone in (False, True):
        with Dir() as d:
            r, w = os.pipe()
            s = Streamer('capture', d.file('run'), [w])
            s.line()
            sock = connect(d.file('run/streamer-capture.sock'))
            give(sock, {'inventory.img': b'x' * 3000})
            if gone:
                os.close(r)
            sock.shutdown(socket.SHUT_WR)
            said = b''
            while part := sock.recv(10):
                said += part
            status, text, _ = s.end()
            check(said == (b'p' if gone else b'pd') and bool(status) == gone, f'reader gone {gone}: {said}, {status}: {text}')
            if not gone:
                os.close(r)


def hostile():
    """names that lead elsewhere are refused"""
    def marker(*fields):
        body = b''.join(fields)
        return struct.pack('<I', len(body)) + body

    with Dir() as d:
        for name in (b'../x', b'/etc/x', b'', b'.', b'..', b'a/b'):
            shard = marker(b'\x12' + bytes([len(name)]) + name) + marker(b'\x08\x01\x28\x01')
            status, text, got, _ = extract(d, [shard])
            check(status == BAD_IMAGE and not got and not os.path.exists(d.file('x')), f'{name}: {status} {text}')
        for shard in (struct.pack('<I', 1 << 31), struct.pack('<I', 5) + b'\xff' * 5, marker(b'\x18\x05') + b'hello', b'',
                      marker(b'\x08\x05\x28\x01')):
            status, text, got, _ = extract(d, [shard])
            check(status == BAD_IMAGE and not got, f'{shard}: {status} {text}')


def upstream():
    """shards that the existing program captured: of a sleep, dumped by CRIU 4.2"""
    with Dir() as d:
        shutil.unpack_archive(os.path.join(HERE, 'upstream.tar.xz'), d.file('up'))
        shards = [open(d.file(f'up/shard-{i}'), 'rb').read() for i in (2, 1)]
        status, text, got, _ = extract(d, shards)
        want = {n: open(d.file(f'up/images/{n}'), 'rb').read() for n in os.listdir(d.file('up/images'))}
        check(status == 0 and got == want, f'{status}: {text}: {sorted(set(got) ^ set(want))}')


SOCKET = {'id': 5, 'ino': 7, 'family': 2, 'type': 1, 'proto': 6, 'state': 10, 'src_port': 8080, 'dst_port': 0, 'flags': '0x2',
          'backlog': 10, 'src_addr': ['0.0.0.0'], 'dst_addr': [], 'fown': {'uid': 0, 'euid': 0, 'signum': 0, 'pid_type': 0, 'pid': 0},
          'opts': {'so_sndbuf': 1, 'so_rcvbuf': 1, 'so_snd_tmo_sec': 0, 'so_snd_tmo_usec': 0, 'so_rcv_tmo_sec': 0,
                   'so_rcv_tmo_usec': 0}, 'ip_opts': {}}


def remapped():
    """--tcp-listen-remap: ports of listening TCP sockets, and of no others"""
    entries = [{'type': 'INETSK', 'id': 5 + i, 'isk': {**SOCKET, 'id': 5 + i, **other}} for i, other in enumerate(
        ({}, {'state': 1}, {'proto': 17, 'state': 7}, {'src_port': 80}, {'src_port': 9090}))]
    with Dir() as d:
        json.dump({'magic': 'FILES', 'entries': entries}, open(d.file('files.json'), 'w'))
        subprocess.run([CRIT, 'encode', '-i', d.file('files.json'), '-o', d.file('files.img')], check=True)
        files = {'files.img': open(d.file('files.img'), 'rb').read(), 'inventory.img': b'x'}
        shards, _, _, _ = capture(d, files)

        def ports(data):
            open(d.file('got.img'), 'wb').write(data)
            text = subprocess.run([CRIT, 'decode', '-i', d.file('got.img')], check=True, capture_output=True).stdout
            return [e['isk']['src_port'] for e in json.loads(text)['entries']]

        status, text, got, _ = extract(d, shards, '--tcp-listen-remap', '8080:8081,80:443')
        check(status == 0 and ports(got['files.img']) == [8081, 8080, 8080, 443, 9090], f'{status} {text}')
        s = Streamer('serve', d.file('run'), feed(shards), '--tcp-listen-remap', '8080:1')
        s.line(), s.line()
        sock = connect(d.file('run/streamer-serve.sock'))
        check(ports(ask(sock, 'files.img')) == [1, 8080, 8080, 80, 9090], 'served')
        sock.close()
        s.end()


def usage():
    """what is not asked for properly is named"""
    for args, word in ((['-D', '.'], 'capture'), (['capture'], '--images-dir'), (['-D', '.', '-s', 'x', 'capture'], '--shard-fds'),
                       (['-D', '.', '-s', '1,1', 'capture'], 'twice'), (['-D', '.', '-e', 'x', 'serve'], 'NAME:FD'),
                       (['-D', '.', '--tcp-listen-remap', '1:2', 'capture'], 'serve'),
                       (['-D', '.', '--tcp-listen-remap', '1:99999', 'serve'], '99999'), (['-D', '.', '--what', 'serve'], '--help')):
        p = subprocess.run([STREAMER, *args], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        check(p.returncode == 2 and word in p.stderr, f'{args}: {p.returncode}: {p.stderr}')
    check(subprocess.run([STREAMER, '--help'], capture_output=True).returncode == 0, '--help')
    p = subprocess.run([STREAMER, '-D', '/nonexistent', 'serve'], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    check(p.returncode == 1 and '/nonexistent' in p.stderr, p.stderr)
    p = subprocess.run([STREAMER, '-D', '/tmp', '-s', '77', 'capture'], capture_output=True, text=True)
    check(p.returncode == 1 and '77' in p.stderr, p.stderr)


tap.main([round_trip(1), round_trip(2), round_trip(7), served, served_at_once, balanced, external, cut, given_up, reader_gone,
          ended_by_a_signal, told,
          hostile, upstream, remapped, usage])
