#!/usr/bin/env python3
"""Runs the subjects of tests/kinds through dump and restore, by every transport and in every place.

    kinds.py --build DIR [--jobs N] [--keep DIR] [PATTERN]...

A subject tells more about itself in comments of its source:
    harness: dump: --shell-job          options of criu-dump (restore: those of criu-restore)
    harness: user: 1000                 runs as this user and group
    harness: root: no                   (the default) or yes: started as root
    harness: compare: no                the kernel's view of it differs afterwards, for a reason said there
    harness: places: host               only there
    harness: expect: refused TEXT       the dump is refused with a message that contains TEXT, and the subject goes on
    harness: peer: REASON               not for exchange with another criu, which cannot do this
    harness: timeout: 60                seconds for each step
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

# How images travel. A row that has no function is skipped under its name.
TRANSPORTS = ('directory', 'to-peer', 'from-peer', 'compressed', 'archive', 'stream', 'chain', 'page-server', 'lazy')
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
    WAITING['to-peer'] = WAITING['from-peer'] = 'PEER_CRIU names no other criu'


class Failed(Exception):
    pass


class Skipped(Exception):
    pass


def settings(subject):
    """The `harness:` comments of a subject's source."""
    source = os.path.join(TESTS, 'kinds', subject + '.c')
    found = {}
    with open(source) as f:
        for line in f:
            m = re.search(r'harness:\s*([a-z]+):\s*(.*?)\s*(\*/)?$', line)
            if m:
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
            if name != 'result' and os.path.exists(self.file('result')):
                self.result()
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

        program = os.path.join(self.build, 'tests', 'kinds', self.subject)
        # Pids from 300 up: restore then never needs a number that the programs around it have.
        with open('/proc/sys/kernel/ns_last_pid', 'w') as f:
            f.write('300')
        p = subprocess.Popen([program, self.dir], stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.dir,
                             preexec_fn=child, env={'PATH': os.environ['PATH'], 'SUBJECT': self.subject})
        self.wait_file('ready', 'the subject is not ready')
        return p

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
                raise Failed(f'{verb} hangs\n' + tail(os.path.join(self.images, verb + '.log')))
        with open(log, errors='replace') as f:
            return status, f.read().strip()

    def options(self, key):
        return self.set.get(key, '').split()

    def dump(self, pid):
        status, text = self.command('dump', self.transport == 'from-peer', '-t', str(pid), *self.options('dump'))
        refused = re.match(r'refused\s+(.*)', self.set.get('expect', ''))
        if refused:
            if status == 0 or refused.group(1) not in text:
                raise Failed(f'the dump was to be refused with "{refused.group(1)}": status {status}: {text}')
            return False
        if status != 0:
            raise Failed(f'dump: status {status}: {text}\n' + tail(os.path.join(self.images, 'dump.log')))
        return True

    def restore(self):
        pidfile = os.path.join(self.work, 'pid')
        status, text = self.command('restore', self.transport == 'to-peer', '-d', '--pidfile', pidfile,
                                    *self.options('restore'))
        if status != 0:
            raise Failed(f'restore: status {status}: {text}\n' + tail(os.path.join(self.images, 'restore.log')))
        with open(pidfile) as f:
            return int(f.read())

    def go(self):
        p = self.start()
        before = state.snapshot(p.pid)
        gone = self.dump(p.pid)
        if gone:
            reap()
            alive = [pid for pid in before if os.path.exists(f'/proc/{pid}')]
            if alive:
                raise Failed(f'tasks {alive} are alive after the dump')
            pid = self.restore()
            if pid != p.pid:
                raise Failed(f'the root came back as pid {pid}, it was {p.pid}')
        if self.set.get('compare', 'yes') == 'yes':
            d = state.difference(before, state.snapshot(p.pid))
            if d:
                raise Failed('the kernel says: ' + d)
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
                            subject, transport, place, '--build', build], capture_output=True, text=True, timeout=300)
        return tuple(json.loads(p.stdout.splitlines()[-1]))
    except subprocess.TimeoutExpired:
        return 'fail', 'hangs'
    except (IndexError, ValueError):
        return 'fail', f'no verdict: {p.stdout[-500:]} {p.stderr[-500:]}'


def subjects(build):
    base = os.path.join(build, 'tests', 'kinds')
    return sorted(os.path.relpath(p, base) for p in glob.glob(base + '/*/*') if '.' not in os.path.basename(p))


def rows(build, patterns):
    for subject in subjects(build):
        if patterns and not any(p in subject for p in patterns):
            continue
        set = settings(subject)
        places = set.get('places', ' '.join(PLACES)).split()
        yield subject, 'directory', 'host'
        if 'namespaces' in places:
            yield subject, 'directory', 'namespaces'
        for transport in TRANSPORTS[1:]:
            if transport.endswith('-peer') and ('peer' in set or 'expect' in set):
                continue
            yield subject, transport, 'host'


def main():
    ap = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    ap.add_argument('--build', default=os.path.join(TESTS, '..', 'build'))
    ap.add_argument('--jobs', type=int, default=os.cpu_count() or 1)
    ap.add_argument('--keep', help='keep the files of failed runs there')
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

    work = list(rows(build, args.pattern))
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
