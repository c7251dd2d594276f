#!/usr/bin/env python3
"""Figures of images that never touch a disk, in one run with what the machine can do.

    tests/bench/stream.py --build DIR [--rounds N] [--size MEGABYTES]

A process of random memory is dumped (and runs on): --stream to /dev/null and through a pipe, beside copying as much memory; through
criu-image-streamer to /dev/null: its CPU time for a GiB and what it has resident. Restore from a pipe, beside reading as much into
fresh memory. Mixed memory (a quarter zeros, a quarter text) with and without --compress, to a sink that takes 500 MB a second. Medians.
"""
import argparse
import ctypes
import fcntl
import mmap
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'harness'))
import carry  # noqa: E402

SUBJECT = '''
import mmap, os, time
m = mmap.mmap(-1, SIZE << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for i in range(SIZE):
    m.write(os.urandom(1 << 20))
open('ready', 'w').close()
while True:
    time.sleep(1000)
'''


def copied(size):
    """Seconds to copy so many MiB of memory that was touched before."""
    libc = ctypes.CDLL(None)
    libc.memcpy.argtypes = ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t
    part = min(size, 256) << 20
    a, b = (mmap.mmap(-1, part) for _ in range(2))
    at = [ctypes.addressof(ctypes.c_char.from_buffer(m)) for m in (a, b)]
    libc.memset(ctypes.c_void_p(at[1]), 1, ctypes.c_size_t(part))
    libc.memcpy(*at, part)
    begin = time.monotonic()
    for _ in range((size << 20) // part):
        libc.memcpy(*at, part)
    return time.monotonic() - begin


def copied_elsewhere(size):
    """The same in a process of its own: what starts programs stays small, since they count what they inherit as theirs."""
    r, w = os.pipe()
    pid = os.fork()
    if not pid:
        os.write(w, str(copied(size)).encode())
        os._exit(0)
    os.close(w)
    with open(r) as f:
        seconds = float(f.read())
    os.waitpid(pid, 0)
    return seconds


def timed(function, *args):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.monotonic()
    function(*args)
    took = time.monotonic() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


MIXED = SUBJECT.replace('m.write(os.urandom(1 << 20))', """m.write(b''.join(
        bytes(4096) + ' '.join(f'{i}: line {k} of some text' for k in range(at, at + 200))[:4096].encode() + os.urandom(8192)
        for at in range(0, 1 << 20, 16384)))""")


class Subject(carry.Carrier):
    def __init__(self, args, text=SUBJECT):
        super().__init__(args.build, tempfile.mkdtemp(prefix='bench-'), timeout=600)
        self.size = args.size
        self.start([sys.executable, '-c', text.replace('SIZE', str(args.size))], cwd=self.work)
        self.wait(lambda: os.path.exists(os.path.join(self.work, 'ready')), 'the load is not ready')

    def run(self, program, *options, **kw):
        p = subprocess.Popen([os.path.join(self.build, program), '--no-default-config', '-W', self.images, '-o', program + '.log', '-v1',
                              *options], stderr=subprocess.PIPE, **{'stdin': subprocess.DEVNULL, **kw})
        return p

    def check(self, p):
        text = p.stderr.read()
        if p.wait():
            raise carry.Failed(f'status {p.returncode}: {text}')

    def to_null(self):
        with open('/dev/null', 'wb') as f:
            self.check(self.run('criu-dump', '--stream', '-R', '-t', str(self.pid), stdout=f))

    def to_cat(self):
        with open('/dev/null', 'wb') as f:
            cat = subprocess.Popen(['cat'], stdin=subprocess.PIPE, stdout=f)
            p = self.run('criu-dump', '--stream', '-R', '-t', str(self.pid), stdout=cat.stdin)
            cat.stdin.close()
            self.check(p)
            cat.wait()

    def to_sink(self, *options, rate=500e6):
        """Seconds and bytes, with a reader that takes so many bytes a second."""
        r, w = os.pipe()
        fcntl.fcntl(w, fcntl.F_SETPIPE_SZ, 1 << 20)
        begin = time.monotonic()
        p = self.run('criu-dump', '--stream', '-R', '-t', str(self.pid), *options, stdout=w)
        os.close(w)
        taken, room = 0, bytearray(1 << 18)
        while n := os.readv(r, [room]):
            taken += n
            ahead = taken / rate - (time.monotonic() - begin)
            if ahead > 0:
                time.sleep(ahead)
        os.close(r)
        self.check(p)
        return time.monotonic() - begin, taken

    def captured(self):
        """CPU seconds and KiB of the streamer."""
        r, w = os.pipe()
        with open('/dev/null', 'wb') as f:
            streamer = subprocess.Popen([os.path.join(self.build, 'criu-image-streamer'), '-D', self.images, '-p', str(w), 'capture'],
                                        stdin=subprocess.DEVNULL, stdout=f, pass_fds=[w])
        os.close(w)
        with open(r) as progress:
            progress.readline()
            begin = time.monotonic()
            p = subprocess.Popen([os.path.join(self.build, 'criu-dump'), '--no-default-config', '--stream', '-R', '-D', self.images, '-o', 'dump.log', '-v1',
                                  '-t', str(self.pid)], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
            self.check(p)
            progress.read()
        took = time.monotonic() - begin
        _, status, usage = os.wait4(streamer.pid, 0)
        streamer.returncode = status
        if status:
            raise carry.Failed('the streamer failed')
        return took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss

    def there_and_back(self):
        """Seconds of a restore from a pipe. The tree is another one then."""
        file = os.path.join(self.work, 'a.tar')
        with open(file, 'wb') as f:
            self.check(self.run('criu-dump', '--stream', '-t', str(self.pid), stdout=f))
        carry.reap()
        begin = time.monotonic()
        cat = subprocess.Popen(['cat', file], stdout=subprocess.PIPE)
        p = self.run('criu-restore', '--stream', '-d', stdin=cat.stdout)
        cat.stdout.close()
        self.check(p)
        took = time.monotonic() - begin
        cat.wait()
        os.unlink(file)
        return took

    def end(self):
        os.kill(self.pid, 9)
        carry.reap()
        shutil.rmtree(self.work)


def line(name, seconds, copy, more=''):
    print(f'{name:42}{seconds * 1000:9.1f} ms   {seconds / copy:5.2f} x copying it{more}', flush=True)


def mixed(args):
    subject = Subject(args, MIXED)
    plain, packed = [], []
    for _ in range(args.rounds):
        plain.append(subject.to_sink())
        packed.append(subject.to_sink('--compress'))
    subject.end()
    (plain_s, plain_b), (packed_s, packed_b) = (map(statistics.median, zip(*t)) for t in (plain, packed))
    print(f'{"mixed memory to a sink of 500 MB/s":42}{plain_s * 1000:9.1f} ms')
    print(f'{"the same with --compress":42}{packed_s * 1000:9.1f} ms   {packed_s / plain_s:5.2f} x the time, '
          f'{packed_b / plain_b:.2f} x the size', flush=True)


def inside(args):
    subject = Subject(args)
    gib = args.size / 1024
    copies, null, cat, capture, back, cpu = [], [], [], [], [], []
    for _ in range(args.rounds):
        copies.append(copied_elsewhere(args.size))
        took, used = timed(subject.to_null)
        null.append(took)
        cpu.append(used)
        cat.append(timed(subject.to_cat)[0])
        capture.append(subject.captured())
        back.append(subject.there_and_back())
    subject.end()
    copy = statistics.median(copies)
    print(f'streams of {args.size} MiB; memory is copied at {gib / copy:.1f} GiB/s')
    line('criu-dump --stream >/dev/null', statistics.median(null), copy, f', {statistics.median(cpu) / gib:.2f} s of CPU a GiB')
    line('criu-dump --stream | cat >/dev/null', statistics.median(cat), copy)
    middle = sorted(capture)[len(capture) // 2]
    line('criu-image-streamer capture >/dev/null', middle[0], copy,
         f'; the streamer: {middle[1] / gib:.3f} s of CPU a GiB, {middle[2] / 1024:.1f} MiB resident')
    line('cat | criu-restore --stream', statistics.median(back), copy)
    mixed(args)
    return 0


def main():
    ap = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    ap.add_argument('--build', default=os.path.join(HERE, '..', '..', 'build'))
    ap.add_argument('--rounds', type=int, default=3)
    ap.add_argument('--size', type=int, default=1024, help='megabytes')
    ap.add_argument('--inside', action='store_true', help=argparse.SUPPRESS)
    args = ap.parse_args()
    args.build = os.path.abspath(args.build)
    if args.inside:
        return inside(args)
    if os.geteuid():
        print('dump and restore need root')
        return 1
    return subprocess.call([*carry.NAMESPACE, sys.executable, __file__, '--inside', *sys.argv[1:]])


if __name__ == '__main__':
    sys.exit(main())
