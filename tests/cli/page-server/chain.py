#!/usr/bin/env python3
"""Chains through a page server: the sets before are with the server alone."""
import contextlib
import os
import random
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, '..', 'criu-dump'))
import wire
import busy
import chain
import tap
from wire import Server, check

PEER = os.environ.get('PEER_CRIU')
ROUNDS = int(os.environ.get('ROUNDS', '4'))


def take(r, verb, *args, server=()):
    """A set by way of a server of its own, over the last one."""
    nr, over = r.sets + 1, r.sets
    os.makedirs(r.set(nr), exist_ok=True)
    prev = ['--prev-images-dir', f'../{over}'] if over else []
    with contextlib.ExitStack() as stack:
        s = stack.enter_context(Server(*prev, *server, images=r.set(nr)))
        tap.run(chain.DUMP, verb, '--no-default-config', '-t', r.pid, '-D', r.set(nr), '-v4', '-o', 'log', *prev, '--page-server',
                '--address', '127.0.0.1', '--port', s.port, *args)
        chain.reap()
        s.ends()
    r.sets = nr


def tracked(r):
    """Most of the last set is left to the one before."""
    tap.check(r.stats()['pages_skipped_parent'] > 0, f'all of it was stored again: {r.stats()}')


def chains():
    """pre-dumps and a dump of memory that changes all the time, pages of zeros among it"""
    for seed in range(1, ROUNDS + 1):
        with chain.subject(seed) as r:
            chance = random.Random(seed)
            take(r, 'pre-dump')
            for _ in range(chance.randrange(1, 4)):
                time.sleep(chance.uniform(0, 0.1))
                if chance.randrange(3):
                    take(r, 'pre-dump')
                else:
                    take(r, 'dump', '-R', '--track-mem')
                tracked(r)
                r.runs()
            time.sleep(chance.uniform(0, 0.1))
            take(r, 'dump', server=['--auto-dedup'] if seed % 2 else [])
            tracked(r)
            r.restore()
            time.sleep(0.05)
            r.end()


def long():
    """a chain of twenty"""
    with chain.subject(9) as r:
        for _ in range(19):
            take(r, 'pre-dump')
        take(r, 'dump')
        tracked(r)
        r.restore()
        r.end()


def snapshots():
    """snapshots, each over the one before"""
    with chain.subject(10) as r:
        for _ in range(3):
            take(r, 'dump', '-R', '--snapshot', '--track-mem')
            time.sleep(0.05)
        r.runs()
        r.kill()
        r.restore()
        r.end()


def peer():
    """the server is another criu's, and so is what restores"""
    if not PEER:
        raise tap.Skipped('PEER_CRIU names no other criu')
    with chain.subject(11) as r:
        for verb in ('pre-dump', 'pre-dump', 'pre-dump', 'dump'):
            nr = r.sets + 1
            os.mkdir(r.set(nr))
            prev = ['--prev-images-dir', f'../{nr - 1}'] if nr > 1 else []
            ready, status = os.pipe()
            port = str(20000 + nr)
            server = chain.subprocess.Popen([PEER, 'page-server', '--no-default-config', '-D', r.set(nr), *prev, '--address', '127.0.0.1',
                                             '--port', port, '--status-fd', str(status), '-o', 'server.log'], pass_fds=(status,),
                                            stdin=chain.subprocess.DEVNULL, stderr=chain.subprocess.DEVNULL)
            os.close(status)
            check(os.read(ready, 1) == b'\0', 'its server does not start')
            os.close(ready)
            tap.run(chain.DUMP, verb, '--no-default-config', '-t', r.pid, '-D', r.set(nr), '-v4', '-o', 'log', *prev, '--page-server',
                    '--address', '127.0.0.1', '--port', port)
            check(server.wait(20) == 0, 'its server failed')
            chain.reap()
            r.sets = nr
            time.sleep(0.05)
        tracked(r)
        tap.run(PEER, 'restore', '--no-default-config', '-d', '-D', r.set(r.sets), '-o', 'restore.log')
        r.end()


if __name__ == '__main__':
    if os.geteuid() != 0:
        print('1..0 # SKIP dump needs root')
        sys.exit(0)
    busy.in_namespace()
    tap.main([chains, long, snapshots, peer])
