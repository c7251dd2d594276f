#!/usr/bin/env python3
"""crit against Debian's python crit (package criu), as ratios in one run; and against its own limits.

    tests/bench/crit.py [--build DIR]

A page map of 1,000,000 entries: decode, show, encode (python crit gets 100,000 and its time is multiplied: it is linear). A small
image from start to end. The views over a set of 1,000 tasks. The limits are for a machine with nothing else to do, so they
are held against the processor time.
"""
import json
import os
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


def main():
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


if __name__ == '__main__':
    main()
