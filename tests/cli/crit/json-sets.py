#!/usr/bin/env python3
"""crit convert --json: every golden set becomes a directory of JSON and comes back byte for byte, in each version; a set of JSON is a set."""
import filecmp
import json
import os
import subprocess
import sys
import tarfile
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BUILD = os.path.abspath(os.environ.get('BUILD', os.path.join(TOP, 'build')))
CRIT = os.path.join(BUILD, 'crit')
ARCHIVE = os.path.join(TOP, 'tests/images/golden/criu-4.2.tar.xz')
nr = failed = 0


def check(name, good, *why):
    global nr, failed
    nr += 1
    print(f'{"ok" if good else "not ok"} {nr} - {name}')
    if not good:
        failed += 1
        for w in why:
            print('#', str(w).strip().replace('\n', '\n# '))


def crit(*args, **kw):
    p = subprocess.run([CRIT, *args], capture_output=True, timeout=120, **kw)
    return p.returncode, p.stdout, p.stderr.decode(errors='replace')


def differs(a, b):
    names = [{n for n in os.listdir(d) if not os.path.isdir(os.path.join(d, n)) or os.path.islink(os.path.join(d, n))} for d in (a, b)]
    if names[0] != names[1]:
        return f'names: {sorted(names[0] ^ names[1])}'
    return [n for n in names[0] if not os.path.islink(os.path.join(a, n)) and not filecmp.cmp(os.path.join(a, n), os.path.join(b, n), False)]


def is_pages(name):
    return name.startswith('pages-') and name[6:].split('.')[0].isdigit()


def round_trip(where, name, there, back):
    """To JSON and back; the reasons why not."""
    status, _, err = crit('convert', '--json', where, there)
    if status:
        return f'to JSON: {err}'
    kept = [n for n in os.listdir(there) if n.endswith('.img') and not is_pages(n)]
    if kept or 'stays as it is' in err:
        return f'no JSON: {kept} {err}'
    for n in os.listdir(there):
        if n.endswith('.json'):
            with open(os.path.join(there, n), encoding='utf-8') as f:
                json.load(f)
    status, _, err = crit('convert', there, back)
    if status:
        return f'back: {err}'
    return differs(where, back)


def directories(top):
    """Those that have images in them, parents first."""
    found = []
    for path, dirs, names in os.walk(os.path.join(top, 'img')):
        dirs.sort()
        if any(n.endswith('.img') for n in names):
            found.append(path)
    return found


def golden(tmp):
    with tarfile.open(ARCHIVE) as tar:
        tar.extractall(tmp, [m for m in tar.getmembers() if '/img/' in m.name + '/'])
    dev = os.path.join(tmp, 'dev')
    for name in sorted(os.listdir(dev)):
        why = []
        for i, where in enumerate(directories(os.path.join(dev, name))):
            for version in '1.1', '2', '1.0':
                made = f'{where}.v{version}'
                status, _, err = crit('convert', '--lossy', '--to', version, where, made) if version != '1.1' else (0, '', '')
                if status:
                    why.append(f'{where}: {version}: {err}')
                    continue
                w = round_trip(where if version == '1.1' else made, name, f'{made}.json', f'{made}.back')
                if w:
                    why.append(f'{where}: {version}: {w}')
        check(f'{name}: to JSON and back, versions 1.0, 1.1 and 2', not why, *why)


def special(tmp):
    os.chdir(tmp)
    subprocess.run(f'mkdir two && tar -C two -xzf {TOP}/tests/images/refuse/whole-v2.tar.gz', shell=True, check=True)
    why = round_trip('two', 'two', 'two.json', 'two.back')
    check('a set of version 2 with compression', not why, why)
    crit('convert', '-z', 'two', 'packed')
    crit('convert', '--json', 'packed', 'packed.json')
    status, _, err = crit('convert', '-z', 'packed.json', 'packed.back')
    check('compressed page images come back with -z', status == 0 and not differs('packed', 'packed.back'), err)
    for verb in (('x', 'ps'), ('x', 'mems'), ('stats',), ('requires', '--json'), ('validate',)):
        args = lambda d: (verb[0], d, *verb[1:])
        a, b = crit(*args('two')), crit(*args('two.json'))
        check(f'{" ".join(verb)} of JSON as of images', a[0] == b[0] and a[1].replace(b'two.json', b'two') == b[1].replace(b'two.json', b'two'), a, b)
    status, _, err = crit('convert', 'two.json', 'two.tar.zst')
    a = crit('validate', 'two.tar.zst')
    check('JSON to an archive', status == 0 and a[0] == 0, err, a)
    # An edit in the text.
    path = 'two.json/core-1.img.json'
    with open(path) as f:
        text = f.read()
    with open(path, 'w') as f:
        f.write(text.replace('"nasty"', '"gentle"'))
    status, _, err = crit('convert', 'two.json', 'changed')
    a, b = crit('x', 'changed', 'ps'), crit('validate', 'changed')
    check('what is changed in the text is changed in the set, and it is valid', status == 0 and b'gentle' in a[1] and b[0] == 0, err, a, b)
    # Unknown fields and damage stay.
    subprocess.run('cp -r two odd && printf "\\005\\000\\000\\000\\370\\001\\001\\370\\001" >/dev/null && head -c -3 odd/fs-1.img >x && mv x odd/fs-1.img && rm odd/manifest.img'
                   ' && echo log >odd/dump.log', shell=True, check=True)
    status, _, err = crit('convert', '--json', 'odd', 'odd.json')
    check('damage stays as it is, and is told', status == 0 and 'fs-1.img' in err and os.path.exists('odd.json/fs-1.img') and os.path.exists('odd.json/dump.log'), err)
    status, _, err = crit('convert', 'odd.json', 'odd.back')
    check('and comes back', status == 0 and not differs('odd', 'odd.back'), err)
    with open('odd.json/pstree.img.json', 'a') as f:
        f.write('}')
    status, _, err = crit('x', 'odd.json', 'ps')
    check('JSON that is none is named', status == 4 and 'pstree.img.json' in err, status, err)
    status, _, err = crit('convert', '--json', 'two', 'two.tar')
    check('JSON is no archive', status == 2, err)


def main():
    with tempfile.TemporaryDirectory(prefix='crit-json.') as tmp:
        golden(tmp)
        special(tmp)
        os.chdir('/')
    print(f'1..{nr}')
    return failed != 0


if __name__ == '__main__':
    sys.exit(main())
