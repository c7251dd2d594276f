#!/usr/bin/env python3
"""criu-image-streamer between dump and restore: whoever is killed, and whatever reader goes away, at whatever moment, the tasks run on
or none is left."""
import os
import random
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'harness'))
sys.path.insert(0, os.path.join(HERE, '..', 'criu-dump'))
import busy
import chain
import tap
from tap import check

STREAMER = os.path.join(chain.BUILD, 'criu-image-streamer')
ROUNDS = int(os.environ.get('ROUNDS', '12'))
SHARDS = 2


class Capture:
    """A streamer over shards that are read into memory, each up to so many bytes."""

    def __init__(self, folder, limits=(None,) * SHARDS):
        self.dir = tempfile.mkdtemp(dir=folder)
        ends = [os.pipe() for _ in limits]
        self.p = subprocess.Popen([STREAMER, '-D', self.dir, '-s', ','.join(str(w) for _, w in ends), 'capture'],
                                  pass_fds=[w for _, w in ends], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.shards = [bytearray() for _ in ends]
        self.threads = []
        for (r, w), shard, limit in zip(ends, self.shards, limits):
            os.close(w)
            self.threads.append(threading.Thread(target=self.read, args=(r, shard, limit)))
            self.threads[-1].start()
        chain.until(lambda: os.path.exists(os.path.join(self.dir, 'streamer-capture.sock')), 'no socket')

    @staticmethod
    def read(r, shard, limit):
        while limit is None or len(shard) < limit:
            part = os.read(r, 65536 if limit is None else min(65536, limit - len(shard)))
            if not part:
                break
            shard += part
        os.close(r)

    def end(self):
        _, text = self.p.communicate(timeout=20)
        for t in self.threads:
            t.join()
        return self.p.returncode, text


def dump(r, where, *args):
    return subprocess.Popen([chain.DUMP, '--no-default-config', '-t', str(r.pid), '-D', where, '-W', r.folder, '--stream', *args],
                            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def feed(shards):
    """Read ends of pipes that these come through."""
    ends = []
    for shard in shards:
        r, w = os.pipe()

        def write(w=w, data=memoryview(bytes(shard))):
            try:
                while data:
                    data = data[os.write(w, data):]
            except BrokenPipeError:
                pass
            os.close(w)
        ends.append(r)
        threading.Thread(target=write, daemon=True).start()
    return ends


def serve(folder, shards):
    where = tempfile.mkdtemp(dir=folder)
    ends = feed(shards)
    p = subprocess.Popen([STREAMER, '-D', where, '-s', ','.join(map(str, ends)), 'serve'], pass_fds=ends, stdin=subprocess.DEVNULL,
                         stderr=subprocess.PIPE, text=True)
    for r in ends:
        os.close(r)
    return p, where


def restore(r, where):
    return subprocess.Popen([chain.RESTORE, '--no-default-config', '-d', '-D', where, '-W', r.folder, '--stream'],
                            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def shard_closed():
    """a shard whose reader goes away: the dump fails, however little it lacks, and the tasks run on"""
    chance = random.Random(1)
    with chain.subject() as r:
        whole = Capture(r.folder)
        d = dump(r, whole.dir, '-R')
        check(d.wait(30) == 0 and whole.end()[0] == 0, d.stderr.read())
        for i in range(ROUNDS):
            size = len(whole.shards[0])
            limit = chance.choice([0, 1, chance.randrange(size), size - chance.randrange(1, 1000)])
            c = Capture(r.folder, [limit, None])
            d = dump(r, c.dir)
            _, text = d.communicate(timeout=30)
            status, said = c.end()
            # What is read of a shard varies: when all of it was, nothing has failed.
            check((d.returncode == 0) == (status == 0), f'{limit} of {size}: dump {d.returncode}, streamer {status}: {text}{said}')
            if status == 0:
                r.kill()
                return
            check('streamer' in text, text)
            chain.reap()
            r.runs()
        r.end()


def streamer_killed():
    """the streamer is killed while it captures: the dump fails, or all was with the shards before"""
    with chain.subject(2) as r:
        c = Capture(r.folder)
        start = time.monotonic()
        d = dump(r, c.dir, '-R')
        d.communicate(timeout=30)
        took = time.monotonic() - start
        c.end()
        for i in range(ROUNDS):
            c = Capture(r.folder)
            d = dump(r, c.dir, '-R')
            time.sleep(took * i / ROUNDS)
            c.p.kill()
            _, text = d.communicate(timeout=30)
            status, _ = c.end()
            check(d.returncode == (0 if status == 0 else 1), f'after {i}: dump {d.returncode}, streamer {status}: {text}')
            chain.reap()
            r.runs()
        r.end()


def server_killed():
    """the streamer is killed, or a shard is cut, while it serves: no task is left"""
    chance = random.Random(3)
    with chain.subject(3) as r:
        c = Capture(r.folder)
        d = dump(r, c.dir)
        check(d.wait(30) == 0 and c.end()[0] == 0, d.stderr.read())
        chain.reap()
        for i in range(ROUNDS):
            shards = [bytes(s) for s in c.shards]
            if i % 2:
                shards[i // 2 % SHARDS] = shards[i // 2 % SHARDS][:chance.randrange(len(shards[0]) // 2)]
            p, where = serve(r.folder, shards)
            sock = os.path.join(where, 'streamer-serve.sock')
            end = time.monotonic() + 10
            while not os.path.exists(sock) and p.poll() is None and time.monotonic() < end:
                time.sleep(0.005)
            if p.poll() is None:
                b = restore(r, where)
                time.sleep(chance.uniform(0, 0.03))
                p.kill()
                _, text = b.communicate(timeout=30)
                if b.returncode == 0:
                    r.kill()
                else:
                    check(b.returncode in (1, 4), f'{b.returncode}: {text}')
            else:
                check(i % 2 and p.returncode == 4, f'{p.returncode} {p.stderr.read()}')
            p.communicate()
            chain.reap()
            check(not chain.named('restless'), f'left behind: {chain.named("restless")}')
        p, where = serve(r.folder, c.shards)
        chain.until(lambda: os.path.exists(os.path.join(where, 'streamer-serve.sock')), 'it does not serve')
        b = restore(r, where)
        _, text = b.communicate(timeout=30)
        check(b.returncode == 0 and p.wait(20) == 0, text)
        r.end()


def snapshot():
    """a snapshot by way of a streamer"""
    with chain.subject(4) as r:
        c = Capture(r.folder)
        d = dump(r, c.dir, '-R', '--snapshot')
        _, text = d.communicate(timeout=30)
        check(d.returncode == 0 and c.end()[0] == 0, text)
        r.runs()
        r.kill()
        p, where = serve(r.folder, c.shards)
        chain.until(lambda: os.path.exists(os.path.join(where, 'streamer-serve.sock')), 'it does not serve')
        b = restore(r, where)
        _, text = b.communicate(timeout=30)
        check(b.returncode == 0, text)
        r.end()


if __name__ == '__main__':
    if os.geteuid() != 0:
        print('1..0 # SKIP needs root')
        sys.exit(0)
    busy.in_namespace()
    tap.main([shard_closed, streamer_killed, server_killed, snapshot])
