#!/usr/bin/env python3
"""Runs the subjects of tests/kinds through dump and restore, by every transport and in every place.

    kinds.py --build DIR [--jobs N] [--keep DIR] [--transport NAME]... [PATTERN]...

A subject tells more about itself in comments of its source:
    harness: dump: --shell-job          options of criu-dump (restore: those of criu-restore)
    harness: user: 1000                 runs as this user and group
    harness: compare: no                the kernel's view of it differs afterwards, for a reason said there
    harness: places: host               only there
    harness: expect: refused TEXT       the dump is refused, naming TEXT, and the subject goes on (may be repeated)
    harness: peer: REASON               not for exchange with another criu, which cannot do this
    harness: to-peer: REASON            not by this transport, or whichever is named
    harness: timeout: 60                seconds for each step
--transport picks rows; `peer`, which is run only when named, is dumped and restored by $PEER_CRIU: what a subject gets wrong
there is its own fault, or something that the other criu does not carry.
Each run has a pid namespace (and /proc) of its own, so that pids are free again when it is restored, and so that
everything ends with it.
"""
import argparse
import concurrent.futures
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import state  # noqa: E402

TESTS = os.path.dirname(HERE)

# How images travel, and what else can happen at a dump. What is WAITING is skipped under its name.
TRANSPORTS = ('directory', 'leave-running', 'to-peer', 'from-peer', 'compressed', 'archive', 'stream', 'chain', 'page-server',
              'lazy')
# Who dumps and who restores; the others are ours at both ends.
PEER_DUMPS = ('from-peer', 'peer')
PEER_RESTORES = ('to-peer', 'peer')
PLACES = ('host', 'namespaces')
WAITING = {
    'compressed': 'compressed page images are not written yet',
    'archive': 'archives are not written yet',
    'stream': 'streams are not written yet',
    'chain': 'pre-dump is not there yet',
    'page-server': 'the page server is not there yet',
    'lazy': 'lazy pages are not there yet',
    'namespaces': 'namespaces of its own are not carried yet',
}


# Another criu binary, at the other end of an exchange.
PEER = os.environ.get('PEER_CRIU')
if not PEER:
    WAITING.update((t, 'PEER_CRIU names no other criu') for t in PEER_DUMPS + PEER_RESTORES)


FIRST_PID = 300
UNSUPPORTED = 3  # the exit status that says so


class Failed(Exception):
    pass


class Skipped(Exception):
    pass


def settings(subject):
    """The `harness:` comments of a subject's source. Those of `expect` are a list, the last of others counts."""
    source = os.path.join(TESTS, 'kinds', subject + '.c')
    found = {}
    with open(source) as f:
        for line in f:
            m = re.search(r'harness:\s*([a-z-]+):\s*(.*?)\s*(\*/)?$', line)
            if m and m.group(1) == 'expect':
                found.setdefault('expect', []).append(m.group(2))
            elif m:
                found[m.group(1)] = m.group(2)
    return found


def tail(path, lines=15):
    try:
        with open(path, errors='replace') as f:
            return ''.join('    ' + l for l in f.readlines()[-lines:])
    except OSError:
        return ''


class Run:
    """One subject, one transport, one place: inside a pid namespace of its own."""

    def __init__(self, build, subject, transport, work):
        self.build, self.subject, self.transport, self.work = build, subject, transport, work
        self.set = settings(subject)
        self.timeout = float(self.set.get('timeout', 30))
        self.dir = os.path.join(work, 'subject')
        self.images = os.path.join(work, 'images')
        os.mkdir(self.dir)
        os.chmod(self.dir, 0o777)
        os.chmod(work, 0o755)
        os.mkdir(self.images)

    def file(self, name):
        return os.path.join(self.dir, name)

    def wait_file(self, name, what):
        end = time.monotonic() + self.timeout
        while time.monotonic() < end:
            reap()
            if os.path.exists(self.file(name)):
                return
            if os.path.exists(self.file('result')):
                self.result()
                if name != 'result':
                    raise Failed(f'{what}: it ended before')
            if not os.path.exists(f'/proc/{self.pid}') and not os.path.exists(self.file(name)):
                raise Failed(f'{what}: it is gone\n' + tail(os.path.join(self.work, 'out')))
            time.sleep(0.005)
        raise Failed(f'{what}: nothing after {self.timeout:.0f} s\n' + tail(os.path.join(self.work, 'out')))

    def result(self):
        with open(self.file('result')) as f:
            text = f.read()
        if text.startswith('skip: '):
            raise Skipped(text[6:])
        if text != 'ok':
            raise Failed(text)

    def start(self):
        out = open(os.path.join(self.work, 'out'), 'ab')
        user = self.set.get('user')

        def child():
            os.setsid()
            if user:
                os.setgroups([])
                os.setgid(int(user))
                os.setuid(int(user))

        # A copy, since another user may have no way to where we are built.
        program = os.path.join(self.work, os.path.basename(self.subject))
        shutil.copy(os.path.join(self.build, 'tests', 'kinds', self.subject), program)
        # Pids from here up: restore then never needs a number that the programs around it have.
        with open('/proc/sys/kernel/ns_last_pid', 'w') as f:
            f.write(str(FIRST_PID))
        p = subprocess.Popen([program, self.dir], stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.dir,
                             preexec_fn=child, env={'PATH': os.environ['PATH'], 'SUBJECT': self.subject})
        self.pid = p.pid
        self.wait_file('ready', 'the subject is not ready')

    def command(self, verb, peer, *args):
        """Run dump or restore, ours or the peer's; its status and what it printed."""
        log = os.path.join(self.work, verb + '.stderr')
        program = [PEER, verb] if peer else [os.path.join(self.build, 'criu-' + verb)]
        with open(log, 'wb') as f:
            p = subprocess.Popen(program + ['--no-default-config', '-D', self.images, '-v4', '-o', verb + '.log', *args],
                                 stdin=subprocess.DEVNULL, stdout=f, stderr=f, cwd=self.work)
            try:
                status = p.wait(self.timeout)
            except subprocess.TimeoutExpired:
                p.kill()
                raise Failed(f'{verb} hangs\n' + tail(os.path.join(self.images, verb + '.log')))
        with open(log, errors='replace') as f:
            return status, f.read().strip()

    def options(self, key):
        return self.set.get(key, '').split()

    def dump(self):
        """True when the tree is gone and its images are there, False when it was refused as the subject says it must be."""
        extra = self.options('dump') + (['--leave-running'] if self.transport == 'leave-running' else [])
        status, text = self.command('dump', self.transport in PEER_DUMPS, '-t', str(self.pid), *extra)
        if 'expect' in self.set:
            self.check_refused(status, text)
            return False
        if status != 0:
            raise Failed(f'dump: status {status}: {text}\n' + tail(os.path.join(self.images, 'dump.log')))
        return self.transport != 'leave-running'

    def check_refused(self, status, text):
        """All reasons are in the log, the first one is said on standard error."""
        with open(os.path.join(self.images, 'dump.log'), errors='replace') as f:
            log = f.read()
        if status != UNSUPPORTED:
            raise Failed(f'the dump was to be refused, with status {UNSUPPORTED}: status {status}: {text}')
        for expected in self.set['expect']:
            why = expected.removeprefix('refused ')
            if why not in log:
                raise Failed(f'"{why}" is no reason to refuse the dump: {text}\n' + tail(os.path.join(self.images, 'dump.log')))

    def restore(self):
        pidfile = os.path.join(self.work, 'pid')
        status, text = self.command('restore', self.transport in PEER_RESTORES, '-d', '--pidfile', pidfile,
                                    *self.options('restore'))
        if status != 0:
            left = [p for p in os.listdir('/proc') if p.isdigit() and int(p) >= FIRST_PID and state.alive(p)]
            raise Failed(f'restore: status {status}: {text}' + (f'; left behind: {left}' if left else '') + '\n' +
                         tail(os.path.join(self.images, 'restore.log')))
        with open(pidfile) as f:
            pid = int(f.read())
        if pid != self.pid:
            raise Failed(f'the root came back as pid {pid}, it was {self.pid}')

    def compare(self, before):
        """The kernel shows the same as before, at once or soon: a task that has just been let go may not be back in the
        call it was stopped in."""
        for _ in range(20):
            try:
                d = state.difference(before, state.snapshot(self.pid))
            except OSError as e:
                d = f'a task is gone while it is looked at: {e}'
            if not d:
                return
            time.sleep(0.05)
        raise Failed('the kernel says: ' + d)

    def go(self):
        self.start()
        before = state.snapshot(self.pid)
        if self.dump():
            reap()
            left = [pid for pid in before if os.path.exists(f'/proc/{pid}')]
            if left:
                raise Failed(f'tasks {left} are there after the dump')
            self.restore()
        if self.set.get('compare', 'yes') == 'yes':
            self.compare(before)
        open(self.file('go'), 'w').close()
        self.wait_file('result', 'the subject does not answer')
        self.result()


def reap():
    """We are init of the namespace."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def one(build, subject, transport, place):
    """Inside the namespace: prints one line of JSON."""
    work = tempfile.mkdtemp(prefix='kinds-')
    keep = os.environ.get('KINDS_KEEP')
    verdict, text = 'ok', ''
    try:
        Run(build, subject, transport, work).go()
    except Failed as e:
        verdict, text = 'fail', str(e)
    except Skipped as e:
        verdict, text = 'skip', str(e)
    except Exception as e:  # a task that vanished while it was looked at, say
        verdict, text = 'fail', f'harness: {type(e).__name__}: {e}'
    if keep and verdict == 'fail':
        shutil.move(work, os.path.join(keep, f'{subject.replace("/", "-")}.{transport}.{place}'))
    else:
        shutil.rmtree(work, ignore_errors=True)
    print(json.dumps([verdict, text]), flush=True)


def run_row(build, subject, transport, place):
    """(verdict, text) of one row."""
    for word in (transport, place):
        if word in WAITING:
            return 'skip', WAITING[word]
    try:
        p = subprocess.run(['unshare', '--pid', '--fork', '--mount-proc', '--kill-child', sys.executable, __file__, '--one',
                            subject, transport, place, '--build', build], stdin=subprocess.DEVNULL, capture_output=True,
                           text=True, timeout=300)
        return tuple(json.loads(p.stdout.splitlines()[-1]))
    except subprocess.TimeoutExpired:
        return 'fail', 'hangs'
    except (IndexError, ValueError):
        return 'fail', f'no verdict: {p.stdout[-500:]} {p.stderr[-500:]}'


def subjects():
    base = os.path.join(TESTS, 'kinds')
    return sorted(os.path.relpath(p, base)[:-2] for p in glob.glob(base + '/*/*.c'))


def rows(patterns, transports):
    """(subject, transport, place). What waits for a later piece is one row for all subjects."""
    waiting = [w for w in (transports or TRANSPORTS + PLACES) if w in WAITING]
    for subject in subjects():
        if patterns and not any(p in subject for p in patterns):
            continue
        set = settings(subject)
        places = set.get('places', ' '.join(PLACES)).split()
        for transport in transports or TRANSPORTS:
            if 'expect' in set and transport != 'directory':
                continue
            if transport != 'peer' and (transport in set or 'peer' in set and transport in ('to-peer', 'from-peer')):
                continue
            for place in places if transport == 'directory' else ('host',):
                if transport not in waiting and place not in WAITING:
                    yield subject, transport, place
    for word in waiting:
        place = word if word in PLACES else 'host'
        yield 'all', 'directory' if word in PLACES else word, place


def main():
    ap = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    ap.add_argument('--build', default=os.path.join(TESTS, '..', 'build'))
    ap.add_argument('--jobs', type=int, default=os.cpu_count() or 1)
    ap.add_argument('--keep', help='keep the files of failed runs there')
    ap.add_argument('--transport', action='append', choices=TRANSPORTS + ('peer',), help='only these (may be repeated)')
    ap.add_argument('--one', nargs=3, help=argparse.SUPPRESS)
    ap.add_argument('pattern', nargs='*')
    args = ap.parse_args()
    build = os.path.abspath(args.build)
    if args.one:
        return one(build, *args.one)
    if os.geteuid() != 0:
        print('1..0 # SKIP dump and restore need root')
        return 0
    if args.keep:
        os.makedirs(args.keep, exist_ok=True)
        os.environ['KINDS_KEEP'] = os.path.abspath(args.keep)

    work = list(rows(args.pattern, args.transport))
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        verdicts = pool.map(lambda r: run_row(build, *r), work)
        for nr, (row, (verdict, text)) in enumerate(zip(work, verdicts), 1):
            name = ' '.join(row)
            if verdict == 'skip':
                print(f'ok {nr} - {name} # SKIP {text}')
            elif verdict == 'ok':
                print(f'ok {nr} - {name}')
            else:
                failed += 1
                head, _, rest = text.partition('\n')
                print(f'not ok {nr} - {name}: {head}')
                if rest:
                    print('\n'.join('# ' + l for l in rest.splitlines()))
            sys.stdout.flush()
    print(f'1..{len(work)}')
    return 1 if failed else 0


if __name__ == '__main__':
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(main())
