"""For the scripts of tests/programs: a real program is started, carried in the middle of its work, and must finish it.

    def test(p):
        \"\"\"what is tested\"\"\"
        p.start(['bash', p.write('script', SCRIPT)])
        p.until_grown('log', 10)
        p.carry('log')
        p.finish()
        check(p.read('log') == ..., '...')

    program.main([test])

The program works in p.dir. Each test is run by every transport, in a pid namespace of its own. With ROUNDS=N in the environment
each program is carried N times, at random moments.
"""
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

import carry
import tap
from tap import Failed, Skipped, check

BUILD = os.environ.get('BUILD') or os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'build')
TRANSPORTS = ('directory', 'stream', 'leave-running') + (('to-peer', 'from-peer') if carry.PEER else ())

ROUNDS = int(os.environ.get('ROUNDS', 1))
TIMEOUT = 60 * ROUNDS


class Program(carry.Carrier):
    def __init__(self, transport, work):
        super().__init__(os.path.abspath(BUILD), work, transport, timeout=TIMEOUT)
        self.dir = os.path.join(work, 'dir')
        os.mkdir(self.dir)

    def file(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        """A file for the program; its path."""
        with open(self.file(name), 'w') as f:
            f.write(text)
        return self.file(name)

    def read(self, name):
        with open(self.file(name), errors='replace') as f:
            return f.read()

    def start(self, command, **kw):
        if not shutil.which(command[0]):
            raise Skipped(f'{command[0]} is not installed')
        with open(os.path.join(self.work, 'stdout'), 'ab') as out:
            super().start(command, cwd=self.dir, stdout=out, **kw)

    def lines(self, name):
        return self.read(name).count('\n') if os.path.exists(self.file(name)) else 0

    def until_grown(self, name, lines):
        """Until the program has written so many more lines to this file."""
        want = self.lines(name) + lines
        self.wait(lambda: self.lines(name) >= want, f'{lines} more lines in {name}')

    def carry(self, goes_on, later=(), options=()):
        """Dump and restore. `goes_on` is a file to which the program writes lines all the time, or a function that returns
        when the program is seen to work.

        `later` are words for what such a program has and what is not carried yet: a refusal that names nothing else is no
        failure. The test then ends as skipped, when the program has shown that it goes on. `options` are those of both."""
        if isinstance(goes_on, str):
            log = goes_on
            goes_on = lambda: self.until_grown(log, 5)  # noqa: E731
        blockers = self.blockers(options) if later else []
        if blockers:
            unexpected = [b for b in blockers if not any(word in b for word in later)]
            check(not unexpected, f'the dump is refused because of {unexpected}')
            status, text = self.command('dump', False, '-t', str(self.pid), *options)
            check(status == carry.UNSUPPORTED and blockers[0] in text, f'not refused as announced: status {status}: {text}')
            goes_on()
            raise Skipped('not carried yet: ' + ', '.join(word for word in later if any(word in b for b in blockers)))
        for n in range(ROUNDS):
            if n:
                time.sleep(random.random() / 2)
                self.again(n)
            if self.transport == 'leave-running':
                self.dump('--leave-running', *options)
            else:
                self.dump(*options)
                self.restore(*options)
            goes_on()

    def again(self, n):
        """Room for the images of another round."""
        shutil.rmtree(self.images)
        self.images = os.path.join(self.work, f'images-{n}')
        os.mkdir(self.images)
        for name in (self.archive, os.path.join(self.work, 'pid')):
            if os.path.exists(name):
                os.unlink(name)

    def blockers(self, options):
        """What would stop our dump."""
        transport, self.transport = self.transport, 'directory'  # what it says is no image
        status, text = self.command('dump', False, '-t', str(self.pid), '--dry-run', '--json', *options)
        self.transport = transport
        check(status in (0, carry.UNSUPPORTED), f'criu-dump --dry-run: status {status}: {text}')
        return [b['why'] for b in json.loads(text)['blockers']]

    def finish(self):
        """Wait for the end of the program; whatever it is waiting for must be there."""
        self.wait(lambda: not os.path.exists(f'/proc/{self.pid}'), 'the program does not end')


def one(tests, name, transport):
    """Inside the namespace: prints one line of JSON."""
    work = tempfile.mkdtemp(prefix='programs-')
    verdict, text = 'ok', ''
    try:
        next(t for t in tests if t.__name__ == name)(Program(transport, work))
    except Failed as e:
        verdict, text = 'fail', str(e)
    except Skipped as e:
        verdict, text = 'skip', str(e)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(json.dumps([verdict, text]), flush=True)


def row(test, transport):
    def run():
        p = subprocess.run([*carry.NAMESPACE, sys.executable, sys.argv[0], '--one', test.__name__, transport],
                           stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300 + TIMEOUT)
        try:
            verdict, text = json.loads(p.stdout.splitlines()[-1])
        except (IndexError, ValueError):
            raise Failed(f'no verdict: {p.stdout[-500:]} {p.stderr[-1500:]}') from None
        if verdict == 'skip':
            raise Skipped(text)
        check(verdict == 'ok', text)

    run.__doc__ = f'{test.__doc__.strip()}, {transport}'
    return run


def main(tests):
    if sys.argv[1:2] == ['--one']:
        return one(tests, *sys.argv[2:])
    if os.geteuid() != 0:
        print('1..0 # SKIP dump and restore need root')
        return 0
    return tap.main([row(t, transport) for t in tests for transport in TRANSPORTS])
