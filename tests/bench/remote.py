#!/usr/bin/env python3
"""Figures of memory over the network and on demand, as ratios in one run.

    tests/bench/remote.py --build DIR [--dir DIR] [--rounds N] [--size MEGABYTES]

A dump to a page server on the same host, by TCP over loopback, beside the same dump into a directory; a restore with lazy pages: how
long until the task answers, and until all its memory is there. With PEER_CRIU=/path/to/criu beside that of the other criu, in turns.
"""
import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'harness'))
import carry  # noqa: E402


def compiled():
    path = os.path.join(tempfile.gettempdir(), f'bench-churn.{os.getpid()}')
    subprocess.run(['cc', '-D_GNU_SOURCE', '-O2', '-pthread', '-o', path, os.path.join(HERE, '..', 'cli', 'lazy-pages', 'churn.c')],
                   check=True)
    return path


class Load(carry.Carrier):
    """A task whose memory is known."""

    def __init__(self, args, who):
        work = tempfile.mkdtemp(prefix='bench-', dir=args.dir)
        super().__init__(args.build, work, 'peer' if who == 'peer' else 'directory', timeout=300)
        self.who = who
        self.put('mode', 'read')
        self.start([args.program, work, str(args.size)], cwd='/')
        self.wait(lambda: self.has('ready'), 'the load is not ready')

    def has(self, name):
        return os.path.exists(os.path.join(self.work, name))

    def put(self, name, text=''):
        with open(os.path.join(self.work, name), 'w') as f:
            f.write(text)

    def serve(self, program, *options):
        if self.who != 'peer':
            return self.server(program, *options)
        ready, status = os.pipe()
        p = subprocess.Popen([carry.PEER, program, '--no-default-config', '-D', self.images, '-o', program + '.log', '--status-fd',
                              str(status), *options], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=(status,))
        os.close(status)
        if os.read(ready, 1) != b'\0':
            raise carry.Failed(f'{program} of the peer does not start')
        os.close(ready)
        return p

    def timed_dump(self, *options):
        before = time.monotonic()
        status, text = self.command('dump', self.who == 'peer', '-v1', '-t', str(self.pid), *options)
        took = time.monotonic() - before
        if status:
            raise carry.Failed(f'dump: {status} {text}' + carry.tail(self.log('dump')))
        carry.reap()
        return took

    def end(self):
        if carry.state.alive(str(self.pid)):
            os.kill(self.pid, 9)
        while os.path.exists(f'/proc/{self.pid}'):
            carry.reap()
            time.sleep(0.002)
        shutil.rmtree(self.work)


def free_port():
    with socket.create_server(('127.0.0.1', 0)) as s:
        return str(s.getsockname()[1])


def directory(args, who):
    load = Load(args, who)
    took = load.timed_dump()
    shutil.rmtree(load.work)
    return {'into a directory': took}


def page_server(args, who):
    load = Load(args, who)
    port = free_port()
    server = load.serve('page-server', '--address', '127.0.0.1', '--port', port)
    took = load.timed_dump('--page-server', '--address', '127.0.0.1', '--port', port)
    server.wait(60)
    shutil.rmtree(load.work)
    return {'to a page server': took}


def lazy(args, who):
    load = Load(args, who)
    load.timed_dump()
    daemon = load.serve('lazy-pages')
    load.put('go')
    before = time.time_ns()
    status, text = load.command('restore', who == 'peer', '-v1', '-d', '--lazy-pages')
    if status:
        raise carry.Failed(f'restore: {status} {text}' + carry.tail(load.log('restore')))
    while not load.has('alive'):
        time.sleep(0.0005)
    answers = os.stat(os.path.join(load.work, 'alive')).st_mtime_ns - before
    daemon.wait(120)
    whole = time.time_ns() - before
    while not load.has('result'):
        time.sleep(0.001)
    with open(os.path.join(load.work, 'result')) as f:
        if f.read() != 'ok':
            raise carry.Failed('its memory is not what it was')
    load.end()
    return {'lazy: it answers after': answers / 1e9, 'lazy: all is there after': whole / 1e9}


def inside(args):
    who = ['ours'] + (['peer'] if carry.PEER else [])
    print(f'{f"{args.size} MiB":28}{"ours":>12}' + (f'{"peer":>12}{"ratio":>8}' if carry.PEER else ''))
    for work in (directory, page_server, lazy):
        taken = {}
        for nr in range(args.rounds + 1):
            for w in who:
                for name, seconds in work(args, w).items():
                    if nr:
                        taken.setdefault(name, {}).setdefault(w, []).append(seconds)
        for name, row in taken.items():
            row = {w: statistics.median(t) for w, t in row.items()}
            line = f'{name:28}{row["ours"] * 1000:9.1f} ms'
            if 'peer' in row:
                line += f'{row["peer"] * 1000:9.1f} ms{row["ours"] / row["peer"]:8.2f}'
            print(line, flush=True)
    return 0


def main():
    ap = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    ap.add_argument('--build', default=os.path.join(HERE, '..', '..', 'build'))
    ap.add_argument('--dir', default='/dev/shm' if os.path.isdir('/dev/shm') else tempfile.gettempdir(), help='where the images go')
    ap.add_argument('--rounds', type=int, default=3)
    ap.add_argument('--size', type=int, default=512, help='megabytes of the process')
    ap.add_argument('--program', help=argparse.SUPPRESS)
    args = ap.parse_args()
    args.build = os.path.abspath(args.build)
    if args.program:
        return inside(args)
    if os.geteuid() != 0:
        print('dump and restore need root')
        return 1
    program = compiled()
    try:
        return subprocess.call([*carry.NAMESPACE, sys.executable, __file__, '--build', args.build, '--dir', args.dir, '--rounds',
                                str(args.rounds), '--size', str(args.size), '--program', program])
    finally:
        os.unlink(program)


if __name__ == '__main__':
    sys.exit(main())
