#!/usr/bin/env python3
"""criu-dump --stream and criu-restore --stream: what goes wrong on the way, and that little memory is needed.

Each test is init of a pid namespace of its own."""
import json
import os
import pty
import random
import resource
import signal
import subprocess
import sys
import tempfile
import shutil
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'harness'))
import carry
import tap
from tap import Skipped, check

BUILD = os.path.abspath(os.environ.get('BUILD') or os.path.join(HERE, '..', '..', '..', 'build'))
DUMP, RESTORE = os.path.join(BUILD, 'criu-dump'), os.path.join(BUILD, 'criu-restore')
BAD_IMAGE = 4

# Three tasks that share memory, some of it copy-on-write; the root says when it is ready.
SUBJECT = '''
import ctypes, mmap, os, random, signal, sys, time
own = bytearray(random.Random(1).randbytes(1 << 20) * MIB)
shared = mmap.mmap(-1, 1 << 20)
shared.write(random.Random(2).randbytes(1 << 20))
for i in range(2):
    if os.fork() == 0:
        own[i * 5000] ^= 255
        break
if len(sys.argv) > 1 and os.getppid() != int(sys.argv[1]):
    pass
else:
    open('ready', 'w').close()
while True:
    time.sleep(0.05)
'''


class Work:
    """A directory, and a tree of tasks in it."""

    def __init__(self, mib=4):
        self.dir = tempfile.mkdtemp(prefix='stream-')
        self.mib = mib

    def __enter__(self):
        os.chdir(self.dir)
        with open('/proc/sys/kernel/ns_last_pid', 'w') as f:
            f.write('300')
        p = subprocess.Popen([sys.executable, '-c', SUBJECT.replace('MIB', str(self.mib)), str(os.getpid())],
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                             start_new_session=True, close_fds=True)
        self.pid = p.pid
        end = time.monotonic() + 30
        while not os.path.exists('ready') or len(self.tree()) < 3:
            check(time.monotonic() < end, 'the subject is not ready')
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        for pid in carried():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        carry.reap()
        os.chdir('/')
        shutil.rmtree(self.dir)

    def tree(self):
        try:
            with open(f'/proc/{self.pid}/task/{self.pid}/children') as f:
                return [self.pid, *map(int, f.read().split())]
        except OSError:
            return []

    def dump(self, *args, **kw):
        return subprocess.Popen([DUMP, '--no-default-config', '--stream', '-W', self.dir, '-o', 'dump.log', '-v4', '-t', str(self.pid),
                                 *args], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, **kw)

    def restore(self, *args, **kw):
        return subprocess.Popen([RESTORE, '--no-default-config', '--stream', '-W', self.dir, '-o', 'restore.log', '-v4', '-d', *args],
                                stderr=subprocess.PIPE, **kw)

    def archive(self, *args):
        """Dump it all, and return the stream."""
        p = self.dump(*args, stdout=subprocess.PIPE)
        data, text = p.communicate(timeout=60)
        check(p.returncode == 0, f'dump: {p.returncode}: {text}')
        carry.reap()
        return data

    def pre_dump(self, name, *args):
        """Into a file; its bytes."""
        with open(name, 'wb') as f:
            p = subprocess.Popen([DUMP, 'pre-dump', '--no-default-config', '--stream', '-W', self.dir, '-o', 'dump.log', '-v4', '-t',
                                  str(self.pid), *args], stdin=subprocess.DEVNULL, stdout=f, stderr=subprocess.PIPE)
            _, text = p.communicate(timeout=60)
        check(p.returncode == 0, f'pre-dump: {p.returncode}: {text}')
        with open(name, 'rb') as f:
            return f.read()

    def restore_from(self, data, *args):
        p = self.restore(*args, stdin=subprocess.PIPE)
        try:
            _, text = p.communicate(data, timeout=60)
        except BrokenPipeError:
            text = b''
        carry.reap()
        return p.returncode, text.decode()

    def runs(self):
        """All three are there and not stopped."""
        for _ in range(100):
            states = []
            for pid in self.tree():
                with open(f'/proc/{pid}/stat') as f:
                    states.append(f.read().rsplit(')', 1)[1].split()[0])
            if len(states) == 3 and all(s in 'SRD' for s in states):
                return True
            time.sleep(0.02)
        return False


def carried():
    carry.reap()
    found = []
    for p in os.listdir('/proc'):
        if p.isdigit() and int(p) >= 300 and int(p) != os.getpid():
            try:
                with open(f'/proc/{p}/stat') as f:
                    text = f.read()
            except OSError:
                continue
            if text.rsplit(')', 1)[1].split()[0] not in 'ZX' and 'criu' not in text and int(p) < 320:
                found.append(int(p))
    return found


def there_and_back(*args):
    def test():
        with Work() as w:
            data = w.archive(*args)
            check(not w.tree(), 'tasks are there after the dump')
            status, text = w.restore_from(data)
            check(status == 0, f'restore: {status}: {text}')
            check(w.runs(), 'they do not run')
    test.__doc__ = f'there and back {" ".join(args)}'.strip()
    return test


def in_one_line():
    """dump | restore, on one host: the pids are free only at the end"""
    with Work() as w:
        pids = w.tree()
        d = w.dump(stdout=subprocess.PIPE)
        r = w.restore(stdin=d.stdout)
        d.stdout.close()
        # We are the parent of all of them: see them end.
        for pid in pids:
            while d.poll() is None or os.path.exists(f'/proc/{pid}') and r.poll() is None:
                try:
                    if os.waitpid(pid, os.WNOHANG)[0]:
                        break
                except ChildProcessError:
                    pass
                time.sleep(0.005)
        _, text = r.communicate(timeout=60)
        check(d.wait(30) == 0 and r.returncode == 0, f'{d.returncode} {r.returncode}: {text}')
        check(w.runs(), 'they do not run')


def cut(*args):
    def test():
        rnd = random.Random(5)
        with Work() as w:
            data = w.archive(*args)
            # At the end of the archive, which looks whole but for a few bytes, and anywhere.
            for at in [len(data) - 1, len(data) - 512, len(data) - 1024, 0, 1, 511, *(rnd.randrange(len(data)) for _ in range(25))]:
                status, text = w.restore_from(data[:at])
                check(status == BAD_IMAGE, f'cut at {at} of {len(data)}: {status}: {text}')
                check(not carried(), f'cut at {at}: left behind: {carried()}')
            status, text = w.restore_from(data)
            check(status == 0 and w.runs(), f'whole: {status}: {text}')
    test.__doc__ = f'cut anywhere, nothing is restored {" ".join(args)}'.strip()
    return test


def damaged():
    """a bit that changed anywhere is noticed, and nothing is restored"""
    rnd = random.Random(6)
    with Work() as w:
        data = w.archive()
        for _ in range(25):
            at = rnd.randrange(len(data) - 10240)
            changed = bytearray(data)
            changed[at] ^= 1 << rnd.randrange(8)
            status, text = w.restore_from(bytes(changed))
            check(status != 0, f'bit at {at} of {len(data)}: {status}: {text}')
            check(not carried(), f'bit at {at}: left behind: {carried()}')


def reader_gone():
    """a reader that goes away: the dump fails and the tasks run on"""
    rnd = random.Random(7)
    with Work() as w:
        for _ in range(15):
            d = w.dump(stdout=subprocess.PIPE)
            d.stdout.read(rnd.choice((1, 1000, rnd.randrange(4 << 20))))
            d.stdout.close()
            _, text = d.stderr.read(), d.wait(30)
            check(d.returncode == 1, f'dump: {d.returncode}')
            check(w.runs(), 'the tasks do not run')


def reader_late():
    """what is left in the pipe counts too: a reader that goes away at the last moment"""
    with Work(mib=1) as w:
        r, wr = os.pipe()
        d = w.dump(stdout=wr)
        os.close(wr)
        os.set_blocking(r, False)
        # All but the last bytes: they stay in the pipe.
        end = time.monotonic() + 10
        while time.monotonic() < end:
            time.sleep(0.3)
            try:
                os.read(r, 1 << 16)
            except BlockingIOError:
                break
            if d.poll() is not None:
                break
            with open(f'{w.dir}/dump.log') as f:
                if 'step manifest' in f.read():
                    break
        check(d.poll() is None, 'the dump did not wait')
        os.close(r)
        check(d.wait(30) == 1 and b'went away' in d.stderr.read(), 'the dump did not notice')
        check(w.runs(), 'the tasks do not run')


def interrupted():
    """Ctrl-C while the reader stands still"""
    with Work(mib=8) as w:
        r, wr = os.pipe()
        d = w.dump(stdout=wr)
        os.close(wr)
        time.sleep(0.7)
        check(d.poll() is None, f'it ended: {d.returncode}')
        d.send_signal(signal.SIGINT)
        check(d.wait(10) == 1, f'status {d.returncode}')
        os.close(r)
        check(w.runs(), 'the tasks do not run')


def restore_interrupted():
    """Ctrl-C while the stream stands still, and kill -9: nothing is left"""
    rnd = random.Random(8)
    with Work() as w:
        data = w.archive()
        for i in range(20):
            r = w.restore(stdin=subprocess.PIPE)
            at = rnd.randrange(len(data) - 20000)
            try:
                r.stdin.write(data[:at])
                r.stdin.flush()
            except BrokenPipeError:
                pass
            time.sleep(rnd.choice((0, 0.01, 0.1)))
            r.send_signal(signal.SIGINT if i % 2 else signal.SIGKILL)
            r.wait(10)
            end = time.monotonic() + 5
            while carried() and time.monotonic() < end:
                time.sleep(0.02)
            check(not carried(), f'left behind after {"SIGINT" if i % 2 else "SIGKILL"} at {at}: {carried()}')
            r.stdin.close()
        check(w.restore_from(data)[0] == 0 and w.runs(), 'whole')


def terminals():
    """a terminal is no place for an archive"""
    with Work(mib=1) as w:
        ours, theirs = pty.openpty()
        d = w.dump(stdout=theirs)
        check(d.wait(10) == 2 and b'terminal' in d.stderr.read(), f'dump: {d.returncode}')
        check(w.runs(), 'the tasks do not run')
        r = w.restore(stdin=theirs)
        check(r.wait(10) == 2 and b'terminal' in r.stderr.read(), f'restore: {r.returncode}')


def other_descriptors():
    """--stream=FD; standard output is not touched, scripts print to standard error"""
    with Work(mib=1) as w:
        with open('a.tar', 'wb') as f:
            d = w.dump(f'--stream={f.fileno()}', '--action-script', 'echo said', '--display-stats', pass_fds=[f.fileno()], stdout=subprocess.PIPE)
            out, text = d.communicate(timeout=30)
        check(d.returncode == 0, f'{d.returncode}: {text}')
        carry.reap()
        with open('a.tar', 'rb') as f:
            r = w.restore(f'--stream={f.fileno()}', pass_fds=[f.fileno()], stdin=subprocess.DEVNULL)
            _, text = r.communicate(timeout=30)
        check(r.returncode == 0 and w.runs(), f'{r.returncode}: {text}')


def clean():
    """what scripts and figures print does not get into the archive"""
    with Work(mib=1) as w:
        d = w.dump('--action-script', 'echo said', '--display-stats', stdout=subprocess.PIPE)
        data, text = d.communicate(timeout=30)
        check(d.returncode == 0 and b'said' in text and b'Memory pages written' in text, f'{d.returncode}: {text}')
        carry.reap()
        status, text = w.restore_from(data, '--action-script', 'cat; echo said')
        check(status == 0 and w.runs(), f'{status}: {text}')


def foreign():
    """an archive that tar made of a directory, in its own order, packed with gzip"""
    with Work() as w:
        data = w.archive()
        os.mkdir('images')
        subprocess.run(['tar', 'xf', '-', '-C', 'images'], input=data, check=True)
        packed = subprocess.run(['tar', 'czf', '-', '-C', 'images', '.'], stdout=subprocess.PIPE, check=True).stdout
        status, text = w.restore_from(packed)
        check(status == 0 and w.runs(), f'{status}: {text}')


def incremental():
    """a chain: each stream has what changed since the one before, which is found by name, or told, and known by its identity"""
    with Work(mib=16) as w:
        w.pre_dump('1.tar')
        check(w.runs(), 'the tasks do not run')
        w.pre_dump('2.tar', '--prev-images-dir', '1.tar')
        last = ['--prev-images-dir', '2.tar']
        data = w.archive('--track-mem', *last)
        check(len(data) * 3 < os.path.getsize('1.tar'), f'{len(data)} bytes of {os.path.getsize("1.tar")}')
        os.mkdir('elsewhere')
        for options, word in ((['-D', 'elsewhere'], 'parent'), (['--prev-images-dir', '1.tar'], 'not the set'),
                              (['--prev-images-dir', 'no.tar'], 'no.tar')):
            status, text = w.restore_from(data, *options)
            check(status in (1, 4) and word in text and not carried(), f'{options}: {status}: {text}')
        status, text = w.restore_from(data, '-D', 'elsewhere', '--prev-images-dir', '../2.tar')
        check(status == 0 and w.runs(), f'restore: {status}: {text}')


def incremental_at_once():
    """a chain in one stream: what the set was made on comes before it"""
    with Work(mib=4) as w:
        first, second = w.pre_dump('1.tar'), w.pre_dump('2.tar', '--prev-images-dir', '1.tar')
        data = w.archive('--track-mem', '--prev-images-dir', '2.tar')
        os.mkdir('elsewhere')
        for stream in (first + data, second + data, second + first + data, data + first, first + second, first + second + data[:-700]):
            status, text = w.restore_from(stream, '-D', 'elsewhere')
            check(status == BAD_IMAGE and not carried(), f'{status}: {text}')
        status, text = w.restore_from(first + second + data, '-D', 'elsewhere')
        check(status == 0 and w.runs(), f'restore: {status}: {text}')


def little_memory():
    """256 MiB pass with less than 32 MiB resident in each of our processes"""
    with Work(mib=256) as w:
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        d = w.dump(stdout=open('a.tar', 'wb'))
        high = watch(d, 'dump-worker')
        check(d.returncode == 0, f'dump: {d.returncode}: {d.stderr.read()}')
        check(0 < high < 32 << 10, f'the dump had {high} KiB')
        carry.reap()
        cat = subprocess.Popen(['cat', 'a.tar'], stdout=subprocess.PIPE)
        r = w.restore(stdin=cat.stdout)
        cat.stdout.close()
        high = watch(r, 'restore-pump')
        check(r.returncode == 0, f'restore: {r.returncode}: {r.stderr.read()}')
        check(0 < high < 32 << 10, f'the restore had {high} KiB')
        check(w.runs(), 'they do not run')


def watch(p, worker):
    """The most that the process and its worker have resident, until it ends. In KiB."""
    high = 0
    while p.poll() is None:
        for pid in os.listdir('/proc'):
            try:
                with open(f'/proc/{pid}/status') as f:
                    status = dict(l.split(':', 1) for l in f if ':' in l)
            except OSError:
                continue
            if status['Name'].strip() in (worker, 'criu-dump') and 'VmHWM' in status:
                high = max(high, int(status['VmHWM'].split()[0]))
        time.sleep(0.005)
    return high


TESTS = [there_and_back(), there_and_back('--compress'), there_and_back('--compress=9'), in_one_line, cut(), cut('--compress'), damaged, reader_gone, reader_late,
         interrupted, restore_interrupted, terminals, other_descriptors, clean, foreign, incremental, incremental_at_once, little_memory]


def main():
    if len(sys.argv) > 1:
        nr = int(sys.argv[1])
        try:
            TESTS[nr]()
            print(json.dumps(['ok', '']))
        except Skipped as e:
            print(json.dumps(['skip', str(e)]))
        except Exception as e:
            print(json.dumps(['fail', f'{type(e).__name__}: {e}' if not isinstance(e, tap.Failed) else str(e)]))
        return 0
    if os.geteuid():
        print('1..0 # SKIP dump and restore need root')
        return 0
    failed = 0
    print(f'1..{len(TESTS)}')
    for nr, test in enumerate(TESTS):
        p = subprocess.run([*carry.NAMESPACE, sys.executable, __file__, str(nr)], stdin=subprocess.DEVNULL, capture_output=True,
                           text=True, timeout=240)
        try:
            verdict, text = json.loads(p.stdout.splitlines()[-1])
        except (IndexError, ValueError):
            verdict, text = 'fail', f'no verdict: {p.stdout[-300:]} {p.stderr[-500:]}'
        name = test.__doc__ or test.__name__
        failed += verdict == 'fail'
        print({'ok': f'ok {nr + 1} - {name}', 'skip': f'ok {nr + 1} - {name} # SKIP {text}',
               'fail': f'not ok {nr + 1} - {name}\n# {text}'}[verdict], flush=True)
    return 1 if failed else 0


sys.exit(main())
