#!/usr/bin/env python3
"""crit validate refuses each set of tests/images/refuse, for its reason; nasty-image makes the same sets again.

--make packs the sets that nasty-image makes now, and writes expect.txt anew: look at the difference.
"""
import gzip
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile

TESTS = os.environ.get('TESTS_DIR', os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
BUILD = os.environ.get('BUILD') or os.path.join(TESTS, '..', 'build')
sys.path.insert(0, os.path.join(TESTS, 'harness'))
from tap import check, main  # noqa: E402

REFUSE = os.path.join(TESTS, 'images', 'refuse')
EXPECT = os.path.join(REFUSE, 'expect.txt')
NASTY = os.path.join(BUILD, 'samples', 'nasty-image', 'nasty-image')
CRIT = os.path.join(BUILD, 'crit')
TMP = tempfile.TemporaryDirectory(prefix='refuse-')
MADE = os.path.join(TMP.name, 'made')
UNPACKED = os.path.join(TMP.name, 'unpacked')


def make():
    os.mkdir(MADE)
    subprocess.run([NASTY, MADE], check=True)
    return sorted(os.listdir(MADE))


def files_of(top):
    """name -> content of all below a directory; of a link, where it leads. Not manifests: they have the revisions of kinds, which grow."""
    found = {}
    for path, dirs, names in os.walk(top):
        for n in names + [d for d in dirs if os.path.islink(os.path.join(path, d))]:
            full = os.path.join(path, n)
            if n == 'manifest.img':
                continue
            with (io.BytesIO(os.readlink(full).encode()) if os.path.islink(full) else open(full, 'rb')) as f:
                found[os.path.relpath(full, top)] = f.read()
    return found


def validate(path):
    """The exit status, and a line for each finding that is more than a note."""
    p = subprocess.run([CRIT, 'validate', '--json', path], capture_output=True, text=True)
    lines = []
    for f in json.loads(p.stdout)['findings']:
        if f['severity'] != 'note':
            where = [f.get('file', '-'), str(f.get('entry', '-')), f.get('field', '-')]
            lines.append(' '.join([f['severity'], f['check'], *where]) + ': ' + f['text'])
    return p.returncode, lines


def pack(name):
    """The same bytes every time."""
    def plain(info):
        info.mtime = info.uid = info.gid = 0
        info.uname = info.gname = ''
        info.mode = 0o755 if info.isdir() else 0o644
        return info

    path = os.path.join(REFUSE, name + '.tar.gz')
    with open(path, 'wb') as out, gzip.GzipFile('', 'wb', fileobj=out, mtime=0) as z, \
            tarfile.open(fileobj=z, mode='w', format=tarfile.PAX_FORMAT) as tar:
        for member in sorted(os.listdir(os.path.join(MADE, name))):
            tar.add(os.path.join(MADE, name, member), member, filter=plain)


def remake():
    with open(EXPECT, 'w') as out:
        for name in make():
            pack(name)
            status, lines = validate(os.path.join(MADE, name))
            out.write(f'{name} {status}\n' + ''.join(f'  {line}\n' for line in lines))


def expected():
    """reason -> (status, lines)"""
    found = {}
    with open(EXPECT) as f:
        for line in f:
            if line.startswith('  '):
                found[name][1].append(line.strip())
            else:
                name, status = line.split()
                found[name] = (int(status), [])
    return found


def same_sets_again():
    """nasty-image makes the sets of the corpus, to the byte (but for manifests)"""
    names = make()
    check(names == sorted(expected()), f'the reasons differ: {set(names) ^ set(expected())}')
    for name in names:
        with tarfile.open(os.path.join(REFUSE, name + '.tar.gz')) as tar:
            tar.extractall(os.path.join(UNPACKED, name))
        check(files_of(os.path.join(UNPACKED, name)) == files_of(os.path.join(MADE, name)), f'{name}: differs')


def each_is_refused():
    """each set is refused, with what expect.txt says and nothing else"""
    for name, (status, lines) in expected().items():
        got = validate(os.path.join(UNPACKED, name))
        check(got == (status, lines), f'{name}: {got}, not {(status, lines)}')
        if name.startswith('whole'):
            check(status == 0 and not lines, f'{name}: nothing is wrong with it')
        else:
            check(status in (3, 4), f'{name}: is not refused')


def archives_too():
    """the same of the sets as archives, in a file and through a pipe; there are no parents in those"""
    for name, (status, lines) in expected().items():
        path = os.path.join(REFUSE, name + '.tar.gz')
        if os.path.isdir(os.path.join(UNPACKED, name, 'old')):
            continue
        check(validate(path) == (status, lines), f'{name}.tar.gz: {validate(path)}, not {(status, lines)}')
        with open(path, 'rb') as f:
            p = subprocess.run(f'cat | {CRIT} validate -q -', shell=True, stdin=f, capture_output=True)
        check(p.returncode == status, f'{name} through a pipe: {p.returncode}, not {status}: {p.stderr}')


if __name__ == '__main__':
    if sys.argv[1:] == ['--make']:
        remake()
    else:
        main([same_sets_again, each_is_refused, archives_too])
