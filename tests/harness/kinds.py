#!/usr/bin/env python3
"""Runs the subjects of tests/kinds through dump and restore, by every transport and in every place.

    kinds.py --build DIR [--jobs N] [--keep DIR] [--transport NAME]... [PATTERN]...

A subject tells more about itself in comments of its source:
    harness: dump: --shell-job          options of criu-dump (restore: those of criu-restore)
    harness: user: 1000                 runs as this user and group
    harness: compare: no                the kernel's view of it differs afterwards, for a reason said there
    harness: places: host               only there
    harness: expect: refused TEXT       the dump is refused, naming TEXT, and the subject goes on (may be repeated)
    harness: expect: fails TEXT         the same with the exit status of a failure: not for want of support
    harness: until: WORD: TEXT          the same as long as there is no room engines/*/WORD (may be repeated)
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

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from carry import NAMESPACE, PEER, PEER_DUMPS, PEER_RESTORES, UNSUPPORTED, Carrier, Failed, Skipped, tail  # noqa: E402

TESTS = os.path.dirname(HERE)
FAILURE = 1  # the exit status of what did not work, and left everything as it was

# How images travel, and what else can happen at a dump. What is WAITING is skipped under its name.
TRANSPORTS = ('directory', 'leave-running', 'to-peer', 'from-peer', 'compressed', 'archive', 'stream', 'streamer', 'chain', 'chain-to-peer', 'page-server',
              'lazy')
PLACES = ('host', 'namespaces')
WAITING = {
}


if not PEER:
    WAITING.update((t, 'PEER_CRIU names no other criu') for t in PEER_DUMPS + PEER_RESTORES)


def settings(subject):
    """The `harness:` comments of a subject's source. Those of `expect` and `until` are a list under `expect`; of others the
    last one counts."""
    source = os.path.join(TESTS, 'kinds', subject + '.c')
    found = {}
    with open(source) as f:
        for line in f:
            m = re.search(r'harness:\s*([a-z-]+):\s*(.*?)\s*(\*/)?$', line)
            if m and m.group(1) == 'expect':
                how, text = m.group(2).split(' ', 1)
                found.setdefault('expect', []).append(text)
                found['status'] = FAILURE if how == 'fails' else UNSUPPORTED
            elif m and m.group(1) == 'until':
                word, text = m.group(2).split(': ', 1)
                if not glob.glob(os.path.join(TESTS, '..', 'engines', '*', word)):
                    found.setdefault('expect', []).append(text)
            elif m:
                found[m.group(1)] = m.group(2)
    return found


class Run(Carrier):
    """One subject, one transport, one place."""

    def __init__(self, build, subject, transport, work, place='host'):
        self.subject, self.set = subject, settings(subject)
        super().__init__(build, work, transport, float(self.set.get('timeout', 30)), place)
        self.dir = os.path.join(work, 'subject')
        os.mkdir(self.dir)
        os.chmod(self.dir, 0o777)
        os.chmod(work, 0o755)

    def file(self, name):
        return os.path.join(self.dir, name)

    def wait_file(self, name, what):
        def there():
            if os.path.exists(self.file('result')):
                self.result()
                if name != 'result':
                    raise Failed(f'{what}: it ended before')
            return os.path.exists(self.file(name))

        self.wait(there, what)

    def result(self):
        with open(self.file('result')) as f:
            text = f.read()
        if text.startswith('skip: '):
            raise Skipped(text[6:])
        if text != 'ok':
            raise Failed(text)

    def start_subject(self):
        user = self.set.get('user')

        def become_user():
            if user and self.place == 'host':
                os.setgroups([])
                os.setgid(int(user))
                os.setuid(int(user))

        # A copy, since another user may have no way to where we are built.
        program = os.path.join(self.work, os.path.basename(self.subject))
        shutil.copy(os.path.join(self.build, 'tests', 'kinds', self.subject), program)
        as_user = ['setpriv', '--reuid', user, '--regid', user, '--clear-groups'] if user and self.place != 'host' else []
        self.start([*as_user, program, self.dir], cwd=self.dir, preexec_fn=become_user,
                   env={'PATH': os.environ['PATH'], 'SUBJECT': self.subject})
        self.wait_file('ready', 'the subject is not ready')

    def options(self, key):
        return self.set.get(key, '').split()

    def expect_refusal(self):
        """All reasons are in the log, the first one is said on standard error."""
        status, text = self.try_dump(*self.options('dump'))
        with open(self.log('dump'), errors='replace') as f:
            log = f.read()
        expected = self.set.get('status', UNSUPPORTED)
        if status != expected:
            raise Failed(f'the dump was to be refused, with status {expected}: status {status}: {text}')
        for why in self.set['expect']:
            if why not in log:
                raise Failed(f'"{why}" is no reason to refuse the dump: {text}\n' + tail(self.log('dump')))

    def go(self):
        self.start_subject()
        before = self.settled()
        if 'expect' in self.set:
            self.expect_refusal()
        elif self.transport == 'leave-running':
            self.dump('--leave-running', *self.options('dump'))
            self.validate()
        else:
            self.dump(*self.options('dump'))
            self.validate()
            self.restore(*self.options('restore'))
        if self.set.get('compare', 'yes') == 'yes':
            self.compare(before)
        open(self.file('go'), 'w').close()
        self.wait_file('result', 'the subject does not answer')
        self.result()


def one(build, subject, transport, place):
    """Inside the namespace: prints one line of JSON."""
    work = tempfile.mkdtemp(prefix='kinds-')
    keep = os.environ.get('KINDS_KEEP')
    verdict, text = 'ok', ''
    try:
        Run(build, subject, transport, work, place).go()
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
        p = subprocess.run([*NAMESPACE, sys.executable, __file__, '--one', subject, transport, place, '--build', build],
                           stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
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
            if transport != 'peer' and (transport in set or 'peer' in set and transport in ('to-peer', 'from-peer', 'chain-to-peer') or
                                       'to-peer' in set and transport == 'chain-to-peer'):
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
    ap.add_argument('--place', choices=PLACES, help='only there')
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

    work = [r for r in rows(args.pattern, args.transport) if args.place in (None, r[2])]
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
