#!/usr/bin/env python3
"""Trees in every shape that can be reached (tests/kinds/tree/shapes.c), many at a time: each comes back as it was.

    trees.py [TASKS MADE ZOMBIES [FIRST [COUNT]]]

Without arguments: all of up to 3 processes of 3 that ever were, zombies included. TREES_ALL=1 in the environment: all of up to 4 of 5
as well, and those of up to 5 processes. PEER_CRIU names another criu: then through both of them too. A batch that fails is halved until
the shapes are found that do.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'harness'))
from carry import NAMESPACE, PEER, Carrier, Failed, Skipped  # noqa: E402

BUILD = os.path.abspath(os.environ.get('B') or os.path.join(HERE, '..', '..', '..', 'build'))
BATCH = 250


class Run(Carrier):
    def go(self, shapes):
        os.mkdir(self.dir)
        program = os.path.join(BUILD, 'tests', 'kinds', 'tree', 'shapes')
        self.start([program, self.dir], cwd=self.dir, env={'SHAPES': shapes, 'PATH': os.environ['PATH']})
        self.wait_file('ready')
        self.dump()
        self.restore()
        open(os.path.join(self.dir, 'go'), 'w').close()
        self.wait_file('result')
        self.result()

    @property
    def dir(self):
        return os.path.join(self.work, 'subject')

    def wait_file(self, name):
        def there():
            if name != 'result' and os.path.exists(os.path.join(self.dir, 'result')):
                self.result()
            return os.path.exists(os.path.join(self.dir, name))

        self.wait(there, f'file {name}')

    def result(self):
        with open(os.path.join(self.dir, 'result')) as f:
            text = f.read()
        if text != 'ok':
            raise Failed(text)


def inside(transport, shapes):
    """In a namespace of its own: prints what went wrong, and how many shapes there are."""
    work = tempfile.mkdtemp(prefix='trees-')
    os.chmod(work, 0o755)
    run = Run(BUILD, work, transport, 60)
    text, nr = '', 0
    try:
        run.go(shapes)
    except (Failed, Skipped, OSError) as e:
        text = str(e)
    try:
        with open(run.out) as f:
            nr = int(f.readline().split()[0])
    except (OSError, ValueError, IndexError):
        pass
    shutil.rmtree(work, ignore_errors=True)
    print(json.dumps([text, nr]), flush=True)


def batch(transport, kind, first, count):
    """(what went wrong, how many shapes there are of this kind)"""
    p = subprocess.run([*NAMESPACE, sys.executable, __file__, '--inside', transport, f'{kind} {first} {count}'],
                       stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
    try:
        return json.loads(p.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        return f'no verdict: {p.stderr[-300:]}', 0


def failures(transport, kind, first, count):
    """The shapes that fail, of a batch that does."""
    if count == 1:
        return [(first, batch(transport, kind, first, 1)[0])]
    found = []
    half = count // 2
    for start, nr in ((first, half), (first + half, count - half)):
        text, _ = batch(transport, kind, start, nr)
        if text:
            found += failures(transport, kind, start, nr)
        if len(found) > 5:
            break
    return found


def main():
    if sys.argv[1:2] == ['--inside']:
        return inside(*sys.argv[2:])
    if os.geteuid() != 0:
        print('1..0 # SKIP dump and restore need root')
        return 0
    args = sys.argv[1:]
    first = int(args[3]) if len(args) > 3 else 0
    last = first + int(args[4]) if len(args) > 4 else None
    kinds = [' '.join(args[:3])] if args else ['3 3 1']
    if not args and os.environ.get('TREES_ALL'):
        kinds += ['3 4 1', '4 5 0', '5 5 0']
    nr = failed = 0
    for kind in kinds:
        for transport in ['directory'] + (['to-peer', 'from-peer'] if PEER else []):
            at, total = first, last or 1 << 30
            while at < total:
                text, there = batch(transport, kind, at, min(BATCH, total - at))
                if not there:
                    total = at
                total = min(total, there or total)
                upto = min(at + BATCH, total) if there else at
                here = at
                nr += 1
                name = f'{transport}: shapes {at} to {upto - 1} of {total} ({kind})'
                at = max(upto, at + 1)
                if not text:
                    print(f'ok {nr} - {name}', flush=True)
                    continue
                failed += 1
                print(f'not ok {nr} - {name}: {text.splitlines()[0]}', flush=True)
                for shape, why in failures(transport, kind, here, upto - here) if upto > here else []:
                    print(f'# shape {shape}: {why.splitlines()[0] if why else "alone it works"}', flush=True)
    print(f'1..{nr}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
