#!/usr/bin/env python3
"""A full disk, at any moment: what failed says so, nothing that looks complete is left, and the tasks run on."""
import os
import random
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'harness'))
sys.path.insert(0, HERE)
import busy
import chain
import tap
from tap import check

CRIT = os.path.join(chain.BUILD, 'crit')
STREAMER = os.path.join(chain.BUILD, 'criu-image-streamer')
ROUNDS = int(os.environ.get('ROUNDS', '6'))


class Disk:
    """A file system of so many KiB at a folder."""

    def __init__(self, folder, size):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={size}k', 'none', folder], check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(['umount', self.folder], check=True)

    def left(self):
        return sorted(os.listdir(self.folder))


def sizes(chance, whole):
    """Too small by much, and by little."""
    return max(4, chance.choice([int(whole * chance.uniform(0.1, 0.95)), whole - chance.choice([4, 8, 12, 20])]))


def used(folder):
    return sum(os.lstat(os.path.join(folder, f)).st_blocks for f in os.listdir(folder)) // 2


def failed(p, what, left):
    check('No space left' in p.stderr, f'{what}: {p.stderr}')
    check(p.returncode == 1, f'{what}: {p.returncode}')
    check(not [n for n in left if n in ('manifest.img', 'set.tar', 'set.tar.zst')], f'{what}: {left}')


def dumps():
    """dumps of every sort"""
    ways = (('pre-dump', ''), ('dump', '', '-R'), ('dump', '', '--compress'), ('dump', '', '-R', '--snapshot'), ('dump', 'set.tar'),
            ('dump', 'set.tar.zst', '-R', '--snapshot'), ('dump', '', '--image-io-mode', 'direct'))
    chance = random.Random(1)
    for verb, name, *args in ways:
        with chain.subject() as r:
            time.sleep(0.3)
            dump_over_and_over(r, chance, verb, name, args)


def dump_over_and_over(r, chance, verb, name, args):
    more = [] if '-R' in args or verb != 'dump' else ['-R']
    with Disk(os.path.join(r.folder, 'disk'), 100000) as d:
        tap.run(chain.DUMP, verb, '--no-default-config', '-t', r.pid, '-D', os.path.join(d.folder, name), *args, *more)
        whole = used(d.folder)
    for _ in range(ROUNDS):
        size = sizes(chance, whole * 9 // 10)
        with Disk(os.path.join(r.folder, 'disk'), size) as d:
            p = tap.run(chain.DUMP, verb, '--no-default-config', '-t', r.pid, '-D', os.path.join(d.folder, name), *args, status=None)
            chain.reap()
            if p.returncode:
                failed(p, f'{verb} {name} {args} {size} KiB', d.left())
            elif more:
                return  # There is less memory than before: it fitted, and the task has ended as it is to.
            r.runs()
    r.end()


def tools():
    """converting, compressing, extracting a set"""
    chance = random.Random(2)
    with chain.subject(2) as r:
        time.sleep(0.3)
        r.dump('-R', over=None)
        r.kill()
        images, archive = r.set(1), os.path.join(r.folder, 'a.tar')
        tap.run(CRIT, 'convert', images, archive)
        shard = os.path.join(r.folder, 'shard')
        with open(shard, 'wb') as f:
            f.write(shard_of(images))
        disk = os.path.join(r.folder, 'disk')
        ways = (('convert', [CRIT, 'convert', images, os.path.join(disk, 'set.tar')], None),
                ('unpack', [CRIT, 'convert', archive, os.path.join(disk, 'out')], None),
                ('compress', [CRIT, 'compress', '-o', os.path.join(disk, 'set.tar.zst'), archive], None),
                ('extract', [STREAMER, '-D', disk, 'extract'], shard))
        for what, command, stdin in ways:
            with Disk(disk, 100000) as d, open(stdin or os.devnull, 'rb') as f:
                tap.run(*command, stdin=f)
                whole = used(os.path.join(disk, 'out') if what == 'unpack' else disk)
            for _ in range(ROUNDS):
                size = sizes(chance, whole * 9 // 10)
                with Disk(disk, size) as d, open(stdin or os.devnull, 'rb') as f:
                    p = tap.run(*command, stdin=f, status=None)
                    left = d.left()
                    if 'out' in left:
                        left = os.listdir(os.path.join(disk, 'out'))
                    failed(p, f'{what} {size} KiB', left)
                    check(what != 'extract' or 'inventory.img' not in left, f'{what}: {left}')


def shard_of(images):
    """The images as one shard of an image streamer (docs/format.md)."""
    out, seq = [], 0

    def varint(n):
        data = b''
        while n > 127:
            data += bytes([n & 127 | 128])
            n >>= 7
        return data + bytes([n])

    def marker(field, data=b''):
        nonlocal seq
        body = b'\x08' + varint(seq) + field
        seq += 1
        out.append(len(body).to_bytes(4, 'little') + body + data)

    for name in sorted(os.listdir(images)):
        if not name.endswith('.img'):
            continue
        with open(os.path.join(images, name), 'rb') as f:
            data = f.read()
        marker(b'\x12' + varint(len(name)) + name.encode())
        for at in range(0, len(data), 100000):
            part = data[at:at + 100000]
            marker(b'\x18' + varint(len(part)), part)
        marker(b'\x20\x01')
    marker(b'\x28\x01')
    return b''.join(out)


if __name__ == '__main__':
    if os.geteuid() != 0:
        print('1..0 # SKIP needs root')
        sys.exit(0)
    busy.in_namespace()
    tap.main([dumps, tools])
