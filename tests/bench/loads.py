"""What the benchmark carries, and what the machine itself can do. For run and plot; all of it as init of a pid namespace."""
import ctypes
import json
import mmap
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'harness'))
import carry  # noqa: E402
import state  # noqa: E402


def stats(build, images):
    """What the dump says of itself."""
    p = subprocess.run([os.path.join(build, 'crit'), 'decode', '-i', os.path.join(images, 'stats-dump')], capture_output=True,
                       text=True)
    try:
        return json.loads(p.stdout)['entries'][0]['dump']
    except (ValueError, KeyError, IndexError):
        return {}


class Tree(carry.Carrier):
    """A process tree made by one of the programs here."""

    def __init__(self, build, base, transport, program, *args):
        work = tempfile.mkdtemp(prefix='bench-', dir=base)
        super().__init__(build, work, transport, timeout=600)
        self.start([os.path.join(build, 'tests', 'bench', program), work, *map(str, args)], cwd='/')
        self.wait(lambda: os.path.exists(os.path.join(work, 'ready')), 'the load is not ready')

    def end(self):
        for pid in reversed(state.tree(self.pid)):
            os.kill(pid, 9)
        while os.path.exists(f'/proc/{self.pid}'):
            carry.reap()
            time.sleep(0.002)
        carry.reap()
        shutil.rmtree(self.work)


class Load(Tree):
    """One that is dumped and restored once: load.c."""

    def __init__(self, build, base, transport, *args):
        super().__init__(build, base, transport, 'load', *args)

    def timed(self, verb):
        before = time.monotonic()
        if verb == 'dump':
            status, text = self.try_dump()
        else:
            status, text = self.command('restore', self.transport == 'peer', '-d')
        took = time.monotonic() - before
        if status != 0:
            raise carry.Failed(f'{verb}: status {status}: {text}\n' + carry.tail(self.log(verb)))
        return took

    def frozen(self):
        return stats(self.build, self.images).get('frozen_time', float('nan')) / 1e6


class Writer(Tree):
    """One that writes to its memory, and knows for how long it could not: writer.c."""

    def __init__(self, build, base, megabytes, rate):
        super().__init__(build, base, 'directory', 'writer', megabytes, rate)
        self.sets = 0

    def answer(self, sig, name):
        path = os.path.join(self.work, name)
        if os.path.exists(path):
            os.unlink(path)
        os.kill(self.pid, sig)
        self.wait(lambda: os.path.exists(path), f'no {name}')
        with open(path) as f:
            return f.read()

    def touch(self):
        self.answer(signal.SIGHUP, 'touched')

    def gap(self):
        return int(self.answer(signal.SIGUSR2, 'gap')) / 1e6

    def set(self, verb, *args):
        """Another set, over the one before: (seconds it could not run, what the dump says)."""
        self.sets += 1
        self.images = os.path.join(self.work, str(self.sets))
        os.mkdir(self.images)
        if self.sets > 1 and '--prev' in args:
            args = ['--prev-images-dir', f'../{self.sets - 1}', *args]
        args = [a for a in args if a != '--prev']
        time.sleep(0.2)
        os.kill(self.pid, signal.SIGUSR1)
        time.sleep(0.05)
        status, text = self.command(verb, False, '-t', str(self.pid), *args)
        if status != 0:
            raise carry.Failed(f'{verb}: status {status}: {text}')
        return self.gap(), stats(self.build, self.images)

    def drop(self):
        shutil.rmtree(self.images)


def measure(args, rounds, *load):
    """{'dump': {who: seconds}, 'frozen': ..., 'restore': ...}; the first round of each only warms up."""
    who = ['directory'] + (['peer'] if carry.PEER else [])
    taken = {verb: {w: [] for w in who} for verb in ('dump', 'frozen', 'restore')}
    for nr in range(rounds + 1):
        for w in who:
            one = Load(args.build, args.dir, w, *load)
            figures = {'dump': one.timed('dump'), 'frozen': one.frozen()}
            carry.reap()
            figures['restore'] = one.timed('restore')
            one.end()
            for verb, seconds in figures.items():
                if nr:
                    taken[verb][w].append(seconds)
    return {verb: {w: statistics.median(t) for w, t in row.items()} for verb, row in taken.items()}


def timed(work):
    before = time.monotonic()
    work()
    return time.monotonic() - before


def limits(base, size, rounds):
    """Seconds that the machine itself needs for so many bytes; the files are written anew, the memory is touched before."""
    source, target = mmap.mmap(-1, size), mmap.mmap(-1, size)
    address = [ctypes.addressof(ctypes.c_char.from_buffer(m)) for m in (source, target)]
    for a in address:
        ctypes.memset(a, 0x5a, size)
    view = memoryview(source)
    path = os.path.join(base, 'bench-file')
    threads = min(os.cpu_count() or 1, 4)

    def write():
        with open(path, 'wb', buffering=0) as f:
            for at in range(0, size, 1 << 20):
                f.write(view[at:at + (1 << 20)])

    def read():
        fresh = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        into = memoryview(fresh)
        fd = os.open(path, os.O_RDONLY)
        places = iter(range(0, size, 4 << 20))

        def part():
            for at in places:
                os.preadv(fd, [into[at:at + (4 << 20)]], at)

        team = [threading.Thread(target=part) for _ in range(threads - 1)]
        for t in team:
            t.start()
        part()
        for t in team:
            t.join()
        os.close(fd)

    def fault():
        fresh = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        ctypes.memset(ctypes.addressof(ctypes.c_char.from_buffer(fresh)), 1, size)

    def copy():
        ctypes.memmove(address[1], address[0], size)

    def remove():
        if os.path.exists(path):
            os.unlink(path)

    found = {}
    for name, work, before in (('memcpy', copy, lambda: None), ('write(2)', write, remove), ('page faults', fault, lambda: None),
                               (f'pread(2), {threads} threads', read, lambda: None)):
        samples = []
        for _ in range(rounds + 1):
            before()
            samples.append(timed(work))
        found[name] = statistics.median(samples[1:])
    remove()
    view.release()
    return found


def available():
    """Bytes of memory that may be used."""
    with open('/proc/meminfo') as f:
        return next(int(l.split()[1]) << 10 for l in f if l.startswith('MemAvailable'))


def roomy():
    """A directory in memory, where it has room, so that no disk is measured."""
    st = os.statvfs('/dev/shm') if os.path.isdir('/dev/shm') else None
    return '/dev/shm' if st and st.f_bavail * st.f_frsize > 4 << 30 else tempfile.gettempdir()
