#!/usr/bin/env python3
"""crit against the outputs of CRIU's crit, for every image of every golden set: one TAP line per set and verb.

    tests/cli/crit/golden.py [SET]...        (BUILD: the build directory; CRIT: another crit to be judged)
"""
import concurrent.futures
import os
import subprocess
import sys
import tarfile
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, '..', '..', '..')
ARCHIVE = os.path.join(TOP, 'tests', 'images', 'golden', 'criu-4.2.tar.xz')
CRIT = os.environ.get('CRIT') or os.path.join(os.environ.get('BUILD') or os.path.join(TOP, 'build'), 'crit')


def read(path):
    with open(path, 'rb') as f:
        return f.read()


def crit(*args, stdin=None):
    p = subprocess.run([CRIT, *args], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return p.returncode, p.stdout, p.stderr.decode(errors='replace').strip()


def images(top):
    """Paths of all images of a set, below its img/."""
    return sorted(os.path.relpath(os.path.join(path, name), os.path.join(top, 'img'))
                  for path, _, names in os.walk(os.path.join(top, 'img')) for name in names)


class Set:
    def __init__(self, top):
        self.top = top
        self.name = os.path.basename(top)
        self.images = images(top)

    def image(self, name):
        return os.path.join(self.top, 'img', name)

    def expected(self, folder, name, suffix):
        """What crit of CRIU printed, or None."""
        base = name[:-len('.img')] if name.endswith('.img') else name
        path = os.path.join(self.top, folder, base + suffix)
        return read(path) if os.path.exists(path) else None


# Each verb is a generator of differences: (image, what is wrong with it).

def decode(s):
    for name in s.images:
        want = s.expected('json', name, '.json')
        status, got, err = crit('decode', '-i', s.image(name))
        if status:
            yield name, err
        elif want is not None and got != want:
            yield name, 'differs'


def decode_stdin_to_file(s):
    """From standard input, into a file: no newline at the end."""
    name = 'inventory.img'
    want = s.expected('json', name, '.json')
    if want is None:
        return
    with tempfile.NamedTemporaryFile() as out:
        status, got, err = crit('decode', '-o', out.name, stdin=read(s.image(name)))
        if status or got:
            yield name, err or 'printed something'
        elif read(out.name) + b'\n' != want:
            yield name, 'differs'


def pretty(s):
    for name in s.images:
        want = s.expected('pretty', name, '.json')
        for args in (('decode', '--pretty', '-i'), ('show',)):
            status, got, err = crit(*args, s.image(name))
            if status:
                yield name, err
            elif want is not None and got != want:
                yield name, f'{args[0]} differs'


def nopl(s):
    for name in s.images:
        want = s.expected('nopl', name, '.json') or s.expected('pretty', name, '.json')
        status, got, err = crit('show', '--nopl', s.image(name))
        if status:
            yield name, err
        # Of maps' data CRIU's crit cannot print that.
        elif want is not None and got != want and name != 'bpfmap-data.img':
            yield name, 'differs'


def info(s):
    for name in s.images:
        want = s.expected('info', name, '.txt')
        status, got, err = crit('info', s.image(name))
        if status:
            yield name, err
        elif want is not None and got != want:
            yield name, 'differs'


def encode(s):
    """What was decoded, encoded again: from a pipe and from a file."""
    for name in s.images:
        want = read(s.image(name))
        for args in ((), ('--pretty',)):
            _, json, _ = crit('decode', *args, '-i', s.image(name))
            status, got, err = crit('encode', stdin=json)
            if status or got != want:
                yield name, err or f'{" ".join(args)} differs'
            with tempfile.NamedTemporaryFile() as file:
                file.write(json)
                file.flush()
                status, got, err = crit('encode', '-i', file.name)
            if status or got != want:
                yield name, err or f'{" ".join(args)} differs, from a file'


def explore(s):
    """crit x, of the set or of each set of a chain."""
    chains = sorted(os.listdir(os.path.join(s.top, 'x'))) if os.path.isdir(os.path.join(s.top, 'x')) else []
    for part, out in [('', '.')] + [(c, os.path.join('x', c)) for c in chains]:
        for what in ('ps', 'fds', 'mems', 'rss'):
            path = os.path.join(s.top, out, f'x-{what}.txt')
            if not os.path.exists(path):
                continue
            status, got, err = crit('x', os.path.join(s.top, 'img', part), what)
            if status or got != read(path):
                yield f'{part} {what}'.strip(), err or 'differs'


VERBS = [('decode', decode), ('decode from standard input to a file', decode_stdin_to_file), ('pretty, show', pretty),
         ('show --nopl', nopl), ('info', info), ('encode', encode),
         ('x', explore)]


def first_difference(row):
    s, _, verb = row
    return next(verb(s), None)


def main():
    if not os.access(CRIT, os.X_OK):
        print('1..0 # SKIP crit is not built')
        return 0
    with tempfile.TemporaryDirectory(prefix='golden-') as tmp:
        with tarfile.open(ARCHIVE) as tar:
            tar.extractall(tmp)
        top = os.path.join(tmp, 'dev')
        sets = [Set(os.path.join(top, n)) for n in sorted(os.listdir(top))
                if os.path.isdir(os.path.join(top, n, 'img')) and (not sys.argv[1:] or n in sys.argv[1:])]
        rows = [(s, what, verb) for s in sets for what, verb in VERBS]
        print(f'1..{len(rows)}')
        failed = 0
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for nr, ((s, what, _), bad) in enumerate(zip(rows, pool.map(first_difference, rows)), 1):
                print(f'{"not ok" if bad else "ok"} {nr} - {s.name}: {what}{": %s: %s" % bad if bad else ""}')
                failed += bool(bad)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
