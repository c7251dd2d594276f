#!/usr/bin/env python3
"""make -j2 of a real tree: compilers come and go while it is carried; and git."""
import glob
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
import program  # noqa: E402
from tap import Skipped, check  # noqa: E402

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')

MAKEFILE = '''
SRC := $(wildcard */*.c)
OBJ := $(SRC:.c=.o)
all: library.a
	./count library.a >answer
library.a: $(OBJ) count
	ar rcs $@ $(OBJ)
%.o: %.c
	cc -O1 -g -pipe -c -I. -o $@ $<
	echo $@ >>log
count: main.c
	cc -o $@ $<
'''

MAIN = r'''
#include <stdio.h>
int main(int argc, char **argv) { FILE *f = fopen(argv[1], "r"); long n = 0; while (f && getc(f) != EOF) n++; printf("%ld\n", n > 10000); return 0; }
'''

# Enough to keep a compiler busy: a switch of a thousand cases, loops over it.
UNIT = r'''
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
'''


def sources(p, units):
    os.mkdir(p.file('src'))
    for n in range(units):
        body = ''.join(f'double f{n}_{i}(double x, int n) {{ double s = {i}; for (int k = 0; k < n; k++) switch (k % 7) {{ '
                       + ''.join(f'case {c}: s += x * {c + i}; break; ' for c in range(7)) + '} return s; }\n' for i in range(60))
        p.write(f'src/u{n}.c', UNIT + body)
    p.write('main.c', MAIN)


def build(p):
    """make -j2: compilers, assemblers, a jobserver between them"""
    if not shutil.which('cc') or not shutil.which('make'):
        raise Skipped('make or cc is not installed')
    units = 20 + 20 * program.ROUNDS
    sources(p, units)
    p.start(['make', '-j2', '-f', p.write('Makefile', MAKEFILE)])
    p.until_grown('log', 2)
    p.carry(lambda: p.until_grown('log', 2))
    p.finish()
    check(p.read('answer') == '1\n', p.read('answer'))
    check(len(glob.glob(p.file('src/*.o'))) == units and p.lines('log') == units, f'{p.lines("log")} of {units} objects')
    status = subprocess.run(['make', '-q', '-f', 'Makefile', 'library.a'], cwd=p.dir, capture_output=True).returncode
    check(status == 0, 'make finds something that is not done')


GIT = r'''
export HOME=$PWD GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
git init -q tree && cd tree
n=0
until [ -e ../go ] && [ $n -ge 30 ]; do
	n=$((n + 1))
	head -c 20000 /dev/urandom | base64 >file$((n % 7))
	git add -A && git commit -qm "commit $n" || echo "failed $n" >>../failed
	[ $((n % 10)) != 0 ] || git gc -q --prune=now || echo "gc $n" >>../failed
	echo $n >>../log
done
git fsck --full >../fsck 2>&1; echo "fsck $?" >../answer
echo "commits $(( $(git rev-list --count HEAD) == n ))" >>../answer
'''


def git(p):
    """git: commits and repacks"""
    if not shutil.which('git'):
        raise Skipped('git is not installed')
    p.start(['bash', p.write('script', GIT)])
    p.until_grown('log', 3)
    p.carry(lambda: p.until_grown('log', 2))
    p.write('go', '')
    p.finish()
    check(not os.path.exists(p.file('failed')), p.read('failed') if os.path.exists(p.file('failed')) else '')
    check(p.read('answer') == 'fsck 0\ncommits 1\n', p.read('answer') + p.read('fsck'))


if __name__ == '__main__':
    program.main([build, git])
