#!/usr/bin/env python3
"""crit: usage, exit status, messages, files written, and the images that CRIU's crit cannot show."""
import base64
import json
import os
import resource
import struct
import subprocess
import sys
import tempfile
import time

TESTS = os.environ.get('TESTS_DIR', os.path.join(os.path.dirname(__file__), '..', '..'))
sys.path.insert(0, os.path.join(TESTS, 'harness'))
from tap import check, main, run  # noqa: E402

CRIT = os.path.join(os.environ.get('BUILD') or os.path.join(TESTS, '..', 'build'), 'crit')
TMP = tempfile.TemporaryDirectory(prefix='crit-')

COMMON = 0x54564319
PSTREE = 0x50273030
PAGEMAP = 0x56084025


def words(*values):
    return struct.pack(f'<{len(values)}I', *values)


def record(message):
    return words(len(message)) + message


# pid 1, ppid 0, pgid 1, sid 1, threads 1
ONE_TASK = words(COMMON, PSTREE) + record(bytes.fromhex('0801100018012001280128'[:-2]))
ONE_TASK_JSON = '{"magic": "PSTREE", "entries": [{"pid": 1, "ppid": 0, "pgid": 1, "sid": 1, "threads": [1]}]}'


def put(name, data):
    path = os.path.join(TMP.name, name)
    with open(path, 'wb') as f:
        f.write(data)
    return path


def get(name):
    with open(os.path.join(TMP.name, name), 'rb') as f:
        return f.read()


def fails(status, says, *args, **kw):
    p = run(CRIT, *args, status=status, **kw)
    check(p.stdout == '', f'{args}: printed {p.stdout!r}')
    check(p.stderr.startswith('crit: ') and len(p.stderr.splitlines()) == 1, f'{args}: {p.stderr!r}')
    check(says in p.stderr, f'{args}: {p.stderr!r} does not say {says!r}')


def help_of_all():
    """--help lists the verbs; of a verb, its options and examples"""
    text = run(CRIT, '--help').stdout
    for verb in ('decode', 'encode', 'show', 'info', 'x'):
        check(f'\n  {verb} ' in text, f'no {verb} in {text}')
        of_verb = run(CRIT, verb, '--help').stdout
        check('usage: crit ' + verb in of_verb and 'examples:' in of_verb, of_verb)
    check('--pretty' in run(CRIT, 'decode', '-h').stdout, 'no --pretty')
    check(run(CRIT, '--version').stdout.strip(), 'no version')


def usage():
    """what makes no sense exits with 2"""
    fails(2, 'what is to be done', )
    fails(2, 'decdoe: no such verb', 'decdoe')
    fails(2, '--prety: no such option', 'decode', '--prety')
    fails(2, '-o needs an argument', 'decode', '-o')
    fails(2, 'FILE is missing', 'show')
    fails(2, 'one argument too many', 'info', 'a', 'b')
    fails(2, 'psx', 'x', TMP.name, 'psx') if put('pstree.img', ONE_TASK) else None


def missing():
    """a file that is not there exits with 1"""
    path = os.path.join(TMP.name, 'nothing.img')
    for args in (('decode', '-i', path), ('encode', '-i', path), ('show', path), ('info', path)):
        fails(1, f'{path}: open: No such file', *args)
    fails(1, 'No such file', 'x', path, 'ps')


def bad_images():
    """an image that is bad exits with 4, names the file, and leaves what was at -o"""
    path = put('bad.img', words(0x12345678, 1, 2))
    for args in (('decode', '-i', path), ('show', path), ('info', path)):
        fails(4, path, *args)
    path = put('pstree-short.img', ONE_TASK[:-1])
    out = put('out.json', b'as before')
    fails(4, path, 'decode', '-i', path, '-o', out)
    check(get('out.json') == b'as before', 'the output was touched')
    check([n for n in os.listdir(TMP.name) if n.startswith('out.json.')] == [], 'a temporary file stays')
    fails(4, 'standard input', 'decode', stdin=open(path, 'rb'))
    fails(4, 'line 1', 'encode', '-i', put('bad.json', b'{"magic": 1}'))


def files():
    """decode and encode: standard streams and files; -o has no newline at its end"""
    path = put('one.img', ONE_TASK)
    check(run(CRIT, 'decode', '-i', path).stdout == ONE_TASK_JSON + '\n', 'decode')
    out = os.path.join(TMP.name, 'one.json')
    run(CRIT, 'decode', '-i', path, '-o', out)
    check(get('one.json').decode() == ONE_TASK_JSON, 'decode -o')
    back = os.path.join(TMP.name, 'back.img')
    run(CRIT, 'encode', '--in', out, '--out=' + back)
    check(get('back.img') == ONE_TASK, 'encode')
    run(CRIT, 'decode', '-i', path, '-o', path)
    check(get('one.img').decode() == ONE_TASK_JSON, 'in place')
    link = os.path.join(TMP.name, 'link')
    os.symlink('one.json', link)
    run(CRIT, 'encode', '-i', link, '-o', link)
    check(os.path.islink(link) and get('one.json') == ONE_TASK, 'in place, through a symbolic link')
    run(CRIT, 'decode', '-i', back, '-o', '/dev/null')
    check(oct(os.stat(back).st_mode & 0o777) == oct(0o666 & ~current_umask()), 'mode of a new file')


def current_umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def raw():
    """images without records have one entry, and come back"""
    data = bytes(range(256)) * 40
    path = put('pages-1.img', data)
    want = {'magic': 'PAGES', 'entries': [{'extra': base64.encodebytes(data).decode()}]}
    check(json.loads(run(CRIT, 'decode', '-i', path).stdout) == want, 'decode')
    check(json.loads(run(CRIT, 'show', path).stdout) == want, 'show')
    check(json.loads(run(CRIT, 'show', '--nopl', path).stdout) == {'magic': 'PAGES', 'entries': [{'extra': '... <10KB>'}]}, '--nopl')
    check(json.loads(run(CRIT, 'info', path).stdout) == {'magic': 'PAGES', 'count': 1}, 'info')
    p = subprocess.run([CRIT, 'encode'], input=json.dumps(want).encode(), stdout=subprocess.PIPE)
    check(p.stdout == data, 'encode')


def kinds_crit_lacks():
    """the kinds that CRIU's crit cannot show are shown and come back"""
    for text in (
            '{"magic": "PIDFD", "entries": [{"id": 1, "ino": 2, "flags": 3, "nspid": -1, "fown": {"uid": 0, "euid": 0, '
            '"signum": 0, "pid_type": 0, "pid": 0}}]}',
            '{"magic": "AUTOFS", "entries": [{"fd": 1, "pgrp": 2, "timeout": 3, "minproto": 4, "maxproto": 5, "mode": 6}]}',
            '{"magic": "RLIMIT", "entries": [{"cur": 1, "max": 18446744073709551615}]}',
            '{"magic": "SIGNAL", "entries": [{"signals": [{"siginfo": "YWJj\\n"}]}]}',
            '{"magic": "BINFMT_MISC", "entries": [{"name": "a", "enabled": true, "interpreter": "/bin/true"}]}'):
        image = subprocess.run([CRIT, 'encode'], input=text.encode(), stdout=subprocess.PIPE).stdout
        path = put('kind.img', image)
        # Two kinds with one magic go by the name of the first.
        want = text.replace('"BINFMT_MISC"', '"BINFMT_MISC_OLD"')
        check(run(CRIT, 'decode', '-i', path).stdout == want + '\n', text)
        run(CRIT, 'info', path)


def constant_memory():
    """a page map of a million entries goes both ways in 16 MiB of memory"""
    def entry(i):
        v = 0x10000000 + i * 8192
        varint = bytearray()
        while v > 127:
            varint.append(v & 127 | 128)
            v >>= 7
        varint.append(v)
        return record(b'\x08' + bytes(varint) + b'\x10\x01\x20\x04\x28\x01')

    image = b''.join([words(COMMON, PAGEMAP), record(b'\x08\x01')] + [entry(i) for i in range(1000000)])
    path = put('pagemap-1.img', image)
    out = os.path.join(TMP.name, 'pagemap.json')

    def limit():
        resource.setrlimit(resource.RLIMIT_DATA, (16 << 20, 16 << 20))

    took = []
    for args in (('decode', '-i', path, '-o', out), ('encode', '-i', out, '-o', path + '.back'),
                 ('decode', '--pretty', '-i', path, '-o', out), ('encode', '-i', out, '-o', path + '.back')):
        start = time.monotonic()
        run(CRIT, *args, preexec_fn=limit)
        took.append(f'{args[0]} {time.monotonic() - start:.2f} s')
    check(get('pagemap-1.img.back') == image, 'it did not come back')
    print('# ' + ', '.join(took))


def closed_output():
    """an output that cannot be written is a failure"""
    path = put('one.img', ONE_TASK)
    fails(1, 'No space left', 'decode', '-i', path, '-o', '/dev/full')
    with open('/dev/full', 'w') as full:
        p = subprocess.run([CRIT, 'x', TMP.name, 'ps'], stdout=full, stderr=subprocess.PIPE)
    check(p.returncode == 1, 'x into a full device')


if __name__ == '__main__':
    main([help_of_all, usage, missing, bad_images, files, raw, kinds_crit_lacks, constant_memory, closed_output])
