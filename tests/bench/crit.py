#!/usr/bin/env python3
"""crit against Debian's python crit (package criu), as ratios in one run; and against its own limits.

    tests/bench/crit.py [--build DIR]

A page map of 1,000,000 entries: decode, show, encode (python crit gets 100,000 and its time is multiplied: it is linear). A small
image from start to end. The views over a set of 1,000 tasks. The limits are for a machine with nothing else to do, so they
are held against the processor time. Compression, decompression and digests stand beside zstd(1) and cat(1) over the same bytes, in turns.
"""
import glob
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = sys.argv[sys.argv.index('--build') + 1] if '--build' in sys.argv else os.environ.get('BUILD') or os.path.join(HERE, '..', '..', 'build')
CRIT = os.path.join(BUILD, 'crit')
PEER = next((p for p in (os.environ.get('PEER_CRIT'), '/usr/bin/crit') if p and os.access(p, os.X_OK)), None)
ENTRIES, FEWER = 1000000, 100000


def varint(v):
    out = bytearray()
    while v > 127:
        out.append(v & 127 | 128)
        v >>= 7
    return bytes(out + bytes([v]))


def record(message):
    return struct.pack('<I', len(message)) + message


def page_map(n):
    head = struct.pack('<II', 0x54564319, 0x56084025) + record(b'\x08\x01')
    return head + b''.join(record(b'\x08' + varint(0x10000000 + i * 8192) + b'\x10\x01\x20\x04\x28\x01') for i in range(n))


def measure(*command, times=3, stdout=subprocess.DEVNULL):
    """The best wall and processor time of some runs, in seconds, and the most memory, in MiB."""
    best = cpu = None
    peak = 0
    for _ in range(times):
        start = time.monotonic()
        p = subprocess.Popen(command, stdout=stdout, stderr=subprocess.PIPE)
        os.set_blocking(p.stderr.fileno(), False)
        while True:
            done, status, usage = os.wait4(p.pid, os.WNOHANG)
            if done:
                break
            # What wait4 says of memory counts this program before exec, too.
            with open(f'/proc/{p.pid}/status') as f:
                peak = max([peak] + [int(line.split()[1]) for line in f if line.startswith('VmHWM')])
            time.sleep(0.0003 if times > 3 else 0.005)
        took = time.monotonic() - start
        error = p.stderr.read() or b''
        if status:
            sys.exit(f'{" ".join(command)}: {error.decode()[-300:]}')
        best = min(best or took, took)
        cpu = min(cpu or 1e9, usage.ru_utime + usage.ru_stime)
    return best, cpu, peak / 1024


def row(what, took, cpu, peak, limit, peer=None):
    text = f'{what:<34} {took * 1000:9.1f} ms  cpu {cpu * 1000:8.1f} ms  {peak:6.1f} MiB  limit {limit * 1000:6.0f} ms'
    if peer:
        text += f'  python crit {peer:7.2f} s: 1/{peer / took:.0f}'
    print(text + ('' if cpu < limit else '   OVER'))


def page_maps(tmp):
    big, few = os.path.join(tmp, 'pagemap-1.img'), os.path.join(tmp, 'pagemap-2.img')
    for path, n in ((big, ENTRIES), (few, FEWER)):
        with open(path, 'wb') as f:
            f.write(page_map(n))
    out, back = os.path.join(tmp, 'out.json'), os.path.join(tmp, 'back.img')
    few_out = os.path.join(tmp, 'few.json')
    for what, ours, theirs in (
            ('decode', ('decode', '-i', big, '-o', out), ('decode', '-i', few, '-o', few_out)),
            ('encode', ('encode', '-i', out, '-o', back), ('encode', '-i', few_out, '-o', back + '2')),
            ('show', ('show', big), ('show', few))):
        took = measure(CRIT, *ours)
        peer = measure(PEER, *theirs, times=1)[0] * ENTRIES / FEWER if PEER else None
        row(f'{what}, {ENTRIES} entries', *took, 0.5, peer)


def many_tasks(tmp, plain, n):
    """A set of n tasks, each as the one of the plain set."""
    out = os.path.join(tmp, 'many')
    os.mkdir(out)
    one = None
    for name in os.listdir(plain):
        stem = name.split('.')[0]
        if stem.split('-')[0] in ('core', 'mm', 'fs', 'ids', 'pagemap') and stem.split('-')[1].isdigit():
            one = stem.split('-')[1]
            for i in range(n):
                os.link(os.path.join(plain, name), os.path.join(out, name.replace(one, str(10000 + i))))
        else:
            os.link(os.path.join(plain, name), os.path.join(out, name))
    tree = {'magic': 'PSTREE', 'entries': [{'pid': 10000 + i, 'ppid': 10000 if i else 0, 'pgid': 10000, 'sid': 10000, 'threads': [10000 + i]}
                                           for i in range(n)]}
    os.unlink(os.path.join(out, 'pstree.img'))
    subprocess.run([CRIT, 'encode', '-o', os.path.join(out, 'pstree.img')], input=json.dumps(tree).encode(), check=True)
    return out


def memory_like(path, size):
    """What pages of programs look like to a compressor: code, tables, repeated records, and some that does not compress."""
    random.seed(1)
    libraries = sorted(f for f in glob.glob('/usr/lib/*/*.so*') if os.path.isfile(f) and os.path.getsize(f) > 65536)
    with open(path, 'wb') as out:
        while out.tell() < size:
            with open(random.choice(libraries), 'rb') as f:
                data = f.read(1 << 20)
            if random.random() < 0.3:
                data += os.urandom(64) * 64 * random.randint(1, 20)
            if random.random() < 0.15:
                data += os.urandom(4096 * 20)
            out.write(data[:len(data) // 4096 * 4096])


def beside(what, ours, theirs, name, cores=1):
    """Both in turns: wall and processor time, and how many times as fast we are. cores: on how many the other would run at once."""
    best = {}
    for _ in range(5):
        for who, command, prepare in (('ours', *ours), ('theirs', *theirs)):
            prepare()
            best.setdefault(who, []).append(measure(*command, times=1)[:2])
    wall, cpu = ((min(t[i] for t in best['ours']), min(t[i] for t in best['theirs'])) for i in (0, 1))
    print(f'{what:<34} {wall[0] * 1000:9.1f} ms  cpu {cpu[0] * 1000:8.1f} ms   {name}: {wall[1] / cores * 1000:.1f} ms, cpu {cpu[1] * 1000:.1f} ms:'
          f'  {wall[1] / cores / wall[0]:.2f} times as fast, {cpu[0] / cpu[1]:.2f} of the processor time')


def data(tmp, golden, megabytes):
    """A set of one task, with more data behind its pages."""
    plain, packed, out = (os.path.join(tmp, n) for n in ('plain', 'packed', 'out'))
    shutil.copytree(golden, plain)
    pages = os.path.join(plain, 'pages-1.img')
    memory_like(pages, megabytes << 20)
    subprocess.run([CRIT, 'convert', '--to', '2', '-z', '-l', '1', plain, packed], check=True)
    whole = os.path.join(tmp, 'whole')
    subprocess.run([CRIT, 'convert', '--to', '2', plain, whole], check=True)
    zst = os.path.join(tmp, 'x.zst')

    def fresh():
        shutil.rmtree(out, ignore_errors=True)

    def gone():
        for f in (zst, zst + '.out'):
            if os.path.exists(f):
                os.unlink(f)

    size = f'{os.path.getsize(pages) >> 20} MiB'
    beside(f'compress -l 1 -T 2, {size}', ((CRIT, 'convert', '--to', '2', '-z', '-l', '1', '-T', '2', plain, out), fresh),
           (('zstd', '-1', '-q', '--single-thread', '-o', zst, pages), gone), 'zstd -1 on two cores', 2)
    image = os.path.join(packed, 'pages-1.img.zst')
    beside(f'decompress, {size}', ((CRIT, 'convert', packed, out), fresh), (('zstd', '-d', '-q', '-o', zst + '.out', image), gone), 'zstd -d')
    beside(f'validate, {size}', ((CRIT, 'validate', '-q', whole), lambda: None), (('cat', os.path.join(whole, 'pages-1.img')), lambda: None), 'cat')
    beside(f'validate, compressed, {size}', ((CRIT, 'validate', '-q', packed), lambda: None), (('zstd', '-d', '-q', '-c', image), lambda: None), 'zstd -d')


def main():
    print(f'load {os.getloadavg()[0]:.1f} on {len(os.sched_getaffinity(0))} processors')
    with tempfile.TemporaryDirectory(prefix='crit-bench-') as tmp:
        with tarfile.open(os.path.join(HERE, '..', 'images', 'golden', 'criu-4.2.tar.xz')) as tar:
            tar.extractall(tmp, [m for m in tar.getmembers() if m.name.startswith('dev/plain/img')])
        plain = os.path.join(tmp, 'dev', 'plain', 'img')
        page_maps(tmp)
        small = os.path.join(plain, 'pstree.img')
        row('show, a small image', *measure(CRIT, 'show', small, times=30), 0.003, measure(PEER, 'show', small)[0] if PEER else None)
        many = many_tasks(tmp, plain, 1000)
        for view in ('ps', 'fds', 'mems', 'rss', 'tree', 'threads', 'args', 'env', 'creds', 'signals', 'timers', 'files', 'sk', 'ns', 'cgroups'):
            peer = measure(PEER, 'x', many, view, times=1)[0] if PEER and view in ('ps', 'fds', 'mems', 'rss') else None
            row(f'x {view}, 1000 tasks', *measure(CRIT, 'x', many, view), 0.3, peer)
        for view in ('mems', 'rss'):
            row(f'x {view} --json, 1000 tasks', *measure(CRIT, 'x', many, view, '--json'), 0.3)

        if shutil.which('zstd'):
            data(tmp, plain, 400)


if __name__ == '__main__':
    main()
