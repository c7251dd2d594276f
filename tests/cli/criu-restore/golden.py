#!/usr/bin/env python3
"""criu-restore --plan over every set that CRIU 4.2 wrote: none is taken for a bad one, whatever this host lacks."""
import os
import sys
import tarfile
import tempfile

TESTS = os.environ.get('TESTS_DIR', os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
sys.path.insert(0, os.path.join(TESTS, 'harness'))
from tap import check, main, run  # noqa: E402

RESTORE = os.path.join(os.environ.get('BUILD') or os.path.join(TESTS, '..', 'build'), 'criu-restore')
UNSUPPORTED = 3


def plan(path, status=None):
    return run(RESTORE, '--no-default-config', '--plan', '-D', path, status=status)


def every_set(root):
    """all of them: a plan, or what is lacking"""
    nr = 0
    for path, _, names in os.walk(root):
        if 'pstree.img' not in names:
            continue
        p = plan(path)
        # A hierarchy of control groups is mounted to look into it, which not everybody may.
        fine = (0, UNSUPPORTED) if os.geteuid() == 0 else (0, 1, UNSUPPORTED)
        check(p.returncode in fine, f'{path}: status {p.returncode}: {p.stderr}')
        nr += 1
    check(nr > 50, f'{nr} sets')


def tun(root):
    """files of tun devices are two records each, with one number"""
    p = plan(os.path.join(root, 'dev', 'tun', 'img'))
    check('8 descriptors' in p.stdout and 'id 0x' not in p.stderr, p.stdout + p.stderr)


if __name__ == '__main__':
    with tempfile.TemporaryDirectory(prefix='restore-golden-') as tmp:
        with tarfile.open(os.path.join(TESTS, 'images', 'golden', 'criu-4.2.tar.xz')) as archive:
            archive.extractall(tmp)

        def bound(test):
            def call():
                test(tmp)
            call.__doc__ = test.__doc__
            return call

        main([bound(every_set), bound(tun)])
