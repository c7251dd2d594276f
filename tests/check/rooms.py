#!/usr/bin/env python3
"""Every room has both halves, a line in each list of rooms, a test and nothing else."""
import glob
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# Rooms of which one half has nothing to do, and why.
ONE_HALF = {
    ('vdso', 'dump'): 'its mappings are like others; what is special comes at restore',
}


def main():
    os.chdir(TOP)
    lists = {half: ''.join(open(f).read() for f in glob.glob(f'engines/criu-{half}/*.c')) for half in ('dump', 'restore')}
    bad = []
    rooms = sorted(glob.glob('engines/fd/*/') + glob.glob('engines/task/*/') + glob.glob('engines/mem/*/') +
                   glob.glob('engines/ns/*/'))
    for room in rooms:
        word = room.rstrip('/').rsplit('/', 1)[1]
        for name in sorted(os.listdir(room)):
            if not re.fullmatch(r'[a-z0-9_-]+-(dump|restore)\.c', name):
                bad.append(f'{room}{name}: a room holds *-dump.c and *-restore.c only')
        for half in ('dump', 'restore'):
            files = glob.glob(f'{room}*-{half}.c')
            if not files and (word, half) not in ONE_HALF:
                bad.append(f'{room}: no {half} half')
            ops = {m for f in files for m in re.findall(r'^const struct \w+_ops (\w+_ops)\b', open(f).read(), re.M)}
            for op in sorted(ops):
                if op not in lists[half]:
                    bad.append(f'{room}: {op} is in no list of criu-{half}')
        if not glob.glob(f'tests/kinds/{word}/*.c'):
            bad.append(f'{room}: no tests/kinds/{word}/')
    print('1..1')
    print(f'{"not ok" if bad or not rooms else "ok"} 1 - rooms ({len(rooms)})')
    for b in bad:
        print('#', b)
    return bool(bad)


if __name__ == '__main__':
    sys.exit(main())
