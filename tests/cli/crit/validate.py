#!/usr/bin/env python3
"""crit validate: what it prints and how it exits. What it finds is for tests/images/refuse.py."""
import json
import os
import sys
import tarfile
import tempfile

TESTS = os.environ.get('TESTS_DIR', os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
sys.path.insert(0, os.path.join(TESTS, 'harness'))
from tap import check, main, run  # noqa: E402

CRIT = os.path.join(os.environ.get('BUILD') or os.path.join(TESTS, '..', 'build'), 'crit')
TMP = tempfile.TemporaryDirectory(prefix='validate-')


def unpack(name):
    path = os.path.join(TMP.name, name)
    with tarfile.open(os.path.join(TESTS, 'images', 'refuse', name + '.tar.gz')) as tar:
        tar.extractall(path)
    return path


def clean():
    """a set with nothing wrong: one line, status 0"""
    path = unpack('whole-v2')
    p = run(CRIT, 'validate', path)
    check(p.stdout == f'{path}: 0 errors, 0 warnings, 0 notes\n' and not p.stderr, p.stdout + p.stderr)
    p = run(CRIT, 'validate', '--quiet', path)
    check(p.stdout == '' and p.stderr == '', p.stdout + p.stderr)
    p = run(CRIT, 'validate', '--json', path)
    check(json.loads(p.stdout) == {'findings': [], 'errors': 0, 'warnings': 0, 'notes': 0}, p.stdout)


def bad():
    """a bad set: a line for each finding, the sum on standard error, status 4"""
    path = unpack('run-into-a-gap')
    p = run(CRIT, 'validate', path, status=4)
    lines = p.stdout.splitlines()
    check('error: pagemap-1.img: entry 2: vaddr: 2 pages at 0x13000: no mapping at 0x14000 [pages]' in lines, p.stdout)
    check(lines[0].startswith('note: no manifest'), p.stdout)
    check(p.stderr == f'crit: {path}: 1 error, 1 warning, 1 note\n', p.stderr)
    p = run(CRIT, 'validate', '-q', path, status=4)
    check(p.stdout == '' and len(p.stderr.splitlines()) == 1, p.stdout + p.stderr)


def as_json():
    """--json: one object, each finding with what it is about"""
    found = json.loads(run(CRIT, 'validate', '--json', unpack('run-into-a-gap'), status=4).stdout)
    check((found['errors'], found['warnings'], found['notes']) == (1, 1, 1), found)
    check({'severity': 'error', 'check': 'pages', 'file': 'pagemap-1.img', 'entry': 2, 'field': 'vaddr',
           'text': '2 pages at 0x13000: no mapping at 0x14000'} in found['findings'], found)
    note = [f for f in found['findings'] if f['severity'] == 'note']
    check(len(note) == 1 and set(note[0]) == {'severity', 'check', 'text'}, note)


def set_of_the_dumper():
    """control groups: the number of whoever dumped may have no record of its own"""
    path = os.path.join(TMP.name, 'cgroups')
    with tarfile.open(os.path.join(TESTS, 'images', 'golden', 'criu-4.2.tar.xz')) as tar:
        for member in tar:
            if '/cgroups/img/' in '/' + member.name and member.isfile():
                member.name = os.path.basename(member.name)
                tar.extract(member, path)
    core = sorted(f for f in os.listdir(path) if f.startswith('core-'))[0]
    run(CRIT, 'edit', path, f'{core}:thread_core.cg_set', '77', status=2)
    run(CRIT, 'edit', path, 'inventory.img:root_cg_set', '77')
    run(CRIT, 'edit', path, f'{core}:thread_core.cg_set', '77')
    run(CRIT, 'validate', path)


def not_known_here():
    """a set that is whole and has what is not known: status 3"""
    p = run(CRIT, 'validate', unpack('mapping-status-unknown'), status=3)
    check('bits 0x100000 are not known' in p.stdout, p.stdout)


def no_digests():
    """--no-digests: a changed byte is not seen, a missing one is"""
    run(CRIT, 'validate', '--no-digests', unpack('member-changed'))
    run(CRIT, 'validate', '--no-digests', unpack('member-cut'), status=4)


def usage():
    """no set, and what is none"""
    check('DIR is missing' in run(CRIT, 'validate', status=2).stderr, 'no DIR')
    run(CRIT, 'validate', '--bogus', TMP.name, status=2)
    check('open' in run(CRIT, 'validate', os.path.join(TMP.name, 'nowhere'), status=1).stderr, 'nowhere')
    p = run(CRIT, 'validate', TMP.name, status=4)
    check('inventory.img: is missing' in p.stdout, p.stdout)
    text = run(CRIT, 'validate', '--help').stdout
    check('examples:' in text and '--json' in text and 'exit status' in text, text)


def hostile_names():
    """nothing of a name acts upon the terminal"""
    path = unpack('whole')
    os.rename(os.path.join(path, 'fs-1.img'), os.path.join(path, 'fs-1.img\x1b[31m'))
    p = run(CRIT, 'validate', path, status=4)
    check('\x1b' not in p.stdout + p.stderr, p.stdout)


if __name__ == '__main__':
    main([clean, bad, as_json, set_of_the_dumper, not_known_here, no_digests, usage, hostile_names])
