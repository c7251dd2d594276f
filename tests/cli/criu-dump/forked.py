#!/usr/bin/env python3
"""Pages that tasks share since fork(2) are stored once, and each task has its own memory from them."""
import os
import shutil
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'harness'))
sys.path.insert(0, HERE)
import busy
import carry
import chain
import tap

CRIT = os.path.join(chain.BUILD, 'crit')
MEMORY = 16 << 20  # of tests/kinds/pages/forks.c, in 10 tasks
TASKS = 10


class Forks(carry.Carrier):
    def __init__(self, transport='directory'):
        super().__init__(chain.BUILD, tempfile.mkdtemp(prefix='forked-'), transport)
        self.place_of_subject = os.path.join(self.work, 'subject')
        os.mkdir(self.place_of_subject)
        self.start([os.path.join(chain.BUILD, 'tests', 'kinds', 'pages', 'forks'), self.place_of_subject], cwd=self.place_of_subject)
        self.wait(lambda: os.path.exists(self.file('ready')), 'the subject is not ready')

    def file(self, name):
        return os.path.join(self.place_of_subject, name)

    def go(self):
        with open(self.file('go'), 'w'):
            pass
        end = time.monotonic() + self.timeout
        while not os.path.exists(self.file('result')):
            carry.reap()
            tap.check(time.monotonic() < end, 'no result')
            time.sleep(0.01)
        carry.reap()
        with open(self.file('result')) as f:
            text = f.read()
        tap.check(text.startswith('ok'), text)

    def __enter__(self):
        return self

    def __exit__(self, *a):
        shutil.rmtree(self.work, ignore_errors=True)


def page_bytes(folder):
    """What is below it, links left out."""
    return sum(os.stat(os.path.join(path, n)).st_blocks * 512 for path, _, names in os.walk(folder) for n in names
               if n.startswith('pages-'))


def once():
    """ten tasks with 16 MiB: little more than once in the images, which are whole"""
    with Forks() as s:
        s.dump()
        stored = page_bytes(s.images)
        # Each of nine children, and the parent, has written a sixteenth of it.
        tap.check(MEMORY < stored < 2 * MEMORY + (4 << 20), f'{stored >> 10} KiB of pages')
        tap.run(CRIT, 'validate', s.images)
        tap.run(CRIT, 'validate', os.path.join(s.images, 'forked'))
        s.restore()
        s.go()


def flat():
    """flattened, each has all of its own, for readers that know no parents"""
    with Forks() as s:
        s.dump()
        flat = os.path.join(s.work, 'flat')
        tap.run(CRIT, 'flatten', s.images, flat)
        tap.check(page_bytes(flat) > TASKS * MEMORY, f'{page_bytes(flat) >> 10} KiB of pages')
        tap.check(not os.path.lexists(os.path.join(flat, 'parent')), 'it has a parent')
        for other in ('other', 'other.tar'):
            tap.run(CRIT, 'convert', s.images, os.path.join(s.work, other))
        tap.check(not os.path.lexists(os.path.join(s.work, 'other', 'parent')), 'converted, it has a parent')
        tap.run(CRIT, 'validate', os.path.join(s.work, 'other.tar'))
        s.images = flat
        s.restore()
        s.go()


def emptied():
    """--auto-dedup of a restore leaves what others are still to read"""
    with Forks() as s:
        s.dump()
        s.restore('--auto-dedup')
        s.go()


def before():
    """a dump that is made on such a one, and criu dedup"""
    with Forks() as s:
        s.dump('--leave-running')
        first = s.images
        s.images = os.path.join(s.work, 'second')
        os.mkdir(s.images)
        s.dump('--prev-images-dir', '../images')
        tap.check(page_bytes(s.images) < 8 << 20, f'{page_bytes(s.images) >> 10} KiB of pages in the second')
        kept = page_bytes(os.path.join(first, 'forked'))
        tap.run(CRIT, 'dedup', s.images)
        tap.check(page_bytes(os.path.join(first, 'forked')) == kept, 'pages of several tasks were taken out')
        tap.run(CRIT, 'validate', s.images)
        s.restore()
        s.go()


if __name__ == '__main__':
    if os.geteuid() != 0:
        print('1..0 # SKIP needs root')
        sys.exit(0)
    busy.in_namespace()
    tap.main([once, flat, emptied, before])
