#!/usr/bin/env python3
"""Makes what the fuzzers start from: small images of each kind from the golden archive and the sets that must be refused.

    tests/fuzz/seeds.py OUT         OUT/<harness>/<file>

What libFuzzer keeps of it (-merge=1) is in tests/fuzz/corpus.
"""
import gzip
import os
import subprocess
import sys
import tarfile
import tempfile

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..')
BUILD = os.environ.get('BUILD') or os.path.join(TESTS, '..', 'build')
SMALL = 3000
KINDS = []  # words of enum img_kind, in its order


def kinds():
    with open(os.path.join(TESTS, '..', 'imagefmt', 'include', 'criuimg', 'kind.h')) as f:
        body = f.read().split('enum img_kind {')[1].split('}')[0]
    return [w.strip().rstrip(',') for w in body.split('\n') if w.strip().startswith('IMG_') and '=' not in w]


def put(out, harness, name, data):
    os.makedirs(os.path.join(out, harness), exist_ok=True)
    with open(os.path.join(out, harness, name.replace('/', '_')), 'wb') as f:
        f.write(data)


def member(name, data):
    return bytes([len(name)]) + name.encode() + len(data).to_bytes(4, 'little') + data


def container(members, want=lambda name: True):
    return b''.join(member(n, d) for n, d in sorted(members.items()) if want(n))


def json_of(path, *options):
    p = subprocess.run([os.path.join(BUILD, 'crit'), 'decode', *options, '-i', path], capture_output=True)
    return p.stdout if p.returncode == 0 else None


def seed_image(out, tag, path, data):
    """One image file, for those that take one."""
    info = subprocess.run([os.path.join(BUILD, 'crit'), 'info', path], capture_output=True, text=True)
    word = info.stdout.split('"magic": "')[1].split('"')[0] if '"magic"' in info.stdout else None
    name = os.path.basename(path)
    if name == 'manifest.img':
        put(out, 'manifest', tag, data)
        put(out, 'manifest', tag + '-record', data[8:])
    if word and 'IMG_' + word in KINDS:
        put(out, 'image', tag, bytes([KINDS.index('IMG_' + word)]) + data)
        put(out, 'json-out', tag, data)
        for i, options in enumerate(([], ['--pretty'])):
            text = json_of(path, *options)
            if text and len(text) < 4 * SMALL:
                put(out, 'json-in', f'{tag}-{i}', text)


def seed_set(out, tag, members):
    small = {n: (d if not os.path.basename(n).startswith('pages-') else d[:8192]) for n, d in members.items()}
    whole = container(small)
    if len(whole) < 40000:
        put(out, 'validate', tag, whole)
    put(out, 'pages', tag, container(small, lambda n: os.path.basename(n.lstrip('^')).startswith('page')))


def seed_archives(out):
    """Some of the sets that must be refused, plain and packed in several ways; and compressed data."""
    refuse = os.path.join(TESTS, 'images', 'refuse')
    for name in ('whole', 'whole-v2', 'pages-cut'):
        with open(os.path.join(refuse, name + '.tar.gz'), 'rb') as f:
            packed = f.read()
        plain = gzip.decompress(packed)
        put(out, 'archive', name + '.tar.gz', packed)
        put(out, 'archive', name + '.tar', plain)
        put(out, 'zstd', name, plain)
        for options in (['-1'], ['-19', '--long'], ['-1', '--no-check'], ['-1', '-B4096']):
            p = subprocess.run(['zstd', '-c', *options], input=plain, capture_output=True)
            if p.returncode == 0:
                put(out, 'archive', name + ''.join(options) + '.tar.zst', p.stdout)
                put(out, 'zstd', name + ''.join(options), p.stdout)


def sets(top):
    """(tag, name -> path) of each set below; parents' names have a '^' in front."""
    for path, _, names in sorted(os.walk(top)):
        if 'inventory.img' not in names and 'pstree.img' not in names:
            continue
        found = {n: os.path.join(path, n) for n in names}
        up, level = path, ''
        while os.path.isdir(os.path.join(up, 'parent')) and len(level) < 2:
            up, level = os.path.join(up, 'parent'), level + '^'
            found.update({level + n: os.path.join(up, n) for n in os.listdir(up) if os.path.isfile(os.path.join(up, n))})
        yield os.path.relpath(path, top).replace('/', '_'), found


def read(path):
    with open(path, 'rb') as f:
        return f.read()


def main():
    out = sys.argv[1]
    KINDS.extend(kinds())
    with tempfile.TemporaryDirectory() as tmp:
        with tarfile.open(os.path.join(TESTS, 'images', 'golden', 'criu-4.2.tar.xz')) as tar:
            tar.extractall(os.path.join(tmp, 'golden'), [m for m in tar.getmembers() if '/img/' in m.name])
        os.mkdir(os.path.join(tmp, 'nasty'))
        subprocess.run([os.path.join(BUILD, 'samples', 'nasty-image', 'nasty-image'), os.path.join(tmp, 'nasty')], check=True)
        seed_archives(out)
        seen = set()
        for source in ('nasty', 'golden'):
            for tag, files in sets(os.path.join(tmp, source)):
                members = {n: read(p) for n, p in files.items()}
                if source == 'nasty' or sum(map(len, members.values())) < 60000:
                    seed_set(out, tag, members)
                for n, p in files.items():
                    if n[0] != '^' and 0 < len(members[n]) < SMALL and members[n] not in seen:
                        seen.add(members[n])
                        seed_image(out, f'{tag}_{n}', p, members[n])


if __name__ == '__main__':
    main()
