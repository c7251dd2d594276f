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
from tap import Skipped, check, main, run  # noqa: E402

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


def encoded(value):
    text = value if isinstance(value, str) else json.dumps(value)
    return subprocess.run([CRIT, 'encode'], input=text.encode('utf-8', 'surrogateescape'), stdout=subprocess.PIPE).stdout


def comes_back(path):
    with open(path, 'rb') as f:
        want = f.read()
    for args in (('decode', '-i', path), ('show', path)):
        check(encoded(run(CRIT, *args).stdout) == want, f'{path}: encode of {args[0]}')


def raw_pages():
    """pages are shown in hexadecimal, one entry a page, and come back"""
    data = bytes(range(256)) * 40
    path = put('pages-1.img', data)
    want = {'magic': 'PAGES', 'entries': [{'page': n, 'hex': data[n * 4096:(n + 1) * 4096].hex()} for n in range(3)]}
    check(json.loads(run(CRIT, 'decode', '-i', path).stdout) == want, 'decode')
    got = json.loads(run(CRIT, 'show', path).stdout)
    check(''.join(''.join(e['hex']) for e in got['entries']) == data.hex(), 'show')
    check(json.loads(run(CRIT, 'show', '--nopl', path).stdout) == {'magic': 'PAGES', 'entries': [{'extra': '... <10KB>'}]}, '--nopl')
    check(json.loads(run(CRIT, 'info', path).stdout) == {'magic': 'PAGES', 'count': 1}, 'info')
    comes_back(path)
    check(encoded({'magic': 'PAGES', 'entries': [{'extra': base64.encodebytes(data).decode()}]}) == data, 'base64 will do')


def raw_text():
    """text is shown by lines, whatever bytes are in it"""
    for data in (b'', b'\n', b'*nat\n-A x\nCOMMIT\n', b'a\n\nb', 'ü\n'.encode() * 20000, b'\xff\xfe \xc3\n\x00x\xed\xa0\x80',
                 b'x' * 16383 + 'ü'.encode() + b'y\n', b'x' * 50000):
        comes_back(put('iptables-1.img', data))
    path = put('nftables-1.img', b'table inet x {\n}\nend')
    want = [{'line': 'table inet x {'}, {'line': '}'}, {'text': 'end'}]
    check(json.loads(run(CRIT, 'decode', '-i', path).stdout)['entries'] == want, 'lines')


def message(kind, header, *attributes):
    body = header + b''.join(struct.pack('<HH', len(d) + 4, t) + d + bytes(-len(d) % 4) for t, d in attributes)
    return struct.pack('<IHHII', len(body) + 16, kind, 2, 0, 0) + body


def raw_netlink():
    """netlink dumps are shown by message, damaged ones as far as they go, and all come back"""
    route = message(24, struct.pack('<8BI', 2, 24, 0, 0, 254, 3, 0, 1, 0), (1, bytes([10, 1, 2, 0])), (4, struct.pack('<I', 7)), (15, struct.pack('<I', 254)),
                    (999, b'abc'), (9, struct.pack('<HBBi', 16, 0, 4, 3) + struct.pack('<HH', 8, 5) + bytes([10, 0, 0, 1])))
    magic = struct.pack('<I', 0x45311224)
    got = json.loads(run(CRIT, 'decode', '-i', put('route-1.img', magic + route * 2)).stdout)['entries']
    check(len(got) == 3 and got[0] == {'dump_magic': 0x45311224}, got)
    check((got[1]['dst'], got[1]['dst_len'], got[1]['oif'], got[1]['table']) == ('10.1.2.0', 24, 7, 'main'), got[1])
    check(got[1]['multipath'] == [{'oif': 3, 'weight': 5, 'flags': 0, 'gateway': '10.0.0.1'}], got[1])
    check(got[1]['attribute_999'] == '616263', got[1])
    comes_back(put('route-1.img', magic + route * 2))
    for cut in (0, 1, 3, 4, 5, 15, 20, 21, 40, 60):
        comes_back(put('route6-1.img', (magic + route)[:cut]))
    for at in range(0, len(route), 3):
        comes_back(put('netns-ct-1.img', route[:at] + b'\xff\x7f' + route[at + 2:]))


def raw_tar():
    """the members of a tmpfs are listed"""
    import io
    import tarfile
    buf = io.BytesIO()
    with tarfile.open(fileobj=buf, mode='w:gz') as tar:
        info = tarfile.TarInfo('dir/file')
        info.size = 5
        tar.addfile(info, io.BytesIO(b'hello'))
        link = tarfile.TarInfo('link')
        link.type, link.linkname = tarfile.SYMTYPE, 'dir/file'
        tar.addfile(link)
    path = put('tmpfs-dev-7.tar.gz.img', buf.getvalue())
    entry, = json.loads(run(CRIT, 'show', path).stdout)['entries']
    check([(f['path'], f['type'], f['size']) for f in entry['files']] == [('dir/file', 'file', 5), ('link', 'symlink', 0)], entry)
    comes_back(path)
    comes_back(put('tmpfs-dev-7.tar.gz.img', buf.getvalue()[:60]))
    comes_back(put('tmpfs-dev-7.tar.gz.img', b'no tar'))


def camel_case():
    """go-criu's JSON: keys in camelCase, 64 bits in strings, all bytes in base64"""
    python = {'magic': 'UNIXSK', 'entries': [{
        'id': 1, 'ino': 2, 'type': 1, 'state': 10, 'flags': 2, 'uflags': 0, 'backlog': 5, 'peer': 0,
        'fown': {'uid': 0, 'euid': 0, 'signum': 0, 'pid_type': 0, 'pid': 0},
        'opts': {'so_sndbuf': 1, 'so_rcvbuf': 2, 'so_snd_tmo_sec': 3, 'so_snd_tmo_usec': 4, 'so_rcv_tmo_sec': 5, 'so_rcv_tmo_usec': 6},
        'name': '=00abc', 'shutdown': 'WRITE', 'mnt_id': -1}]}

    def camel(value):
        if isinstance(value, dict):
            return {k.split('_')[0] + ''.join(w.title() for w in k.split('_')[1:]): camel(v) for k, v in value.items()}
        return [camel(v) for v in value] if isinstance(value, list) else value

    go = camel(python)
    go['entries'][0]['name'] = base64.b64encode(b'\0abc').decode()
    go['entries'][0]['opts']['soSndTmoSec'] = '3'
    check(encoded(go) == encoded(python) != b'', 'a UNIX socket')
    check(encoded('{"magic":"PAGEMAP","entries":[{"pagesId":1},{"vaddr":"65536","compatNrPages":0,"flags":4,"nrPages":"2"}]}') ==
          encoded('{"magic":"PAGEMAP","entries":[{"pages_id":1},{"vaddr":65536,"compat_nr_pages":0,"flags":4,"nr_pages":2}]}') != b'',
          'a page map')
    check(encoded('{"magic":"PAGEMAP","entries":[{"PagesId":1}]}') == b'', 'PagesId is no name')


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


def any_order():
    """members in any order, out of a pipe too"""
    for entry, magic in (({'pid': 1, 'ppid': 0, 'pgid': 1, 'sid': 1, 'threads': [1]}, 'PSTREE'), ({'pipe_id': 7, 'bytes': 3, 'extra': 'YWJj'}, 'PIPES_DATA')):
        want = encoded({'magic': magic, 'entries': [entry]})
        path = put('sorted.json', json.dumps({'magic': magic, 'entries': [entry]}, sort_keys=True, indent=4).encode())
        pipe = subprocess.run(['sh', '-c', f'cat {path} | {CRIT} encode'], capture_output=True, timeout=60, check=False)
        check(pipe.stdout == want and want, f"{magic}: {pipe.stderr}")
        run(CRIT, 'encode', '-i', path, '-o', path + '.img')
        check(get('sorted.json.img') == want, magic)


def constant_memory():
    """a page map of a million entries goes both ways in 16 MiB of memory"""
    if 'sanitize' in CRIT:
        raise Skipped('sanitizers map terabytes')
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
    main([help_of_all, usage, missing, bad_images, files, raw_pages, raw_text, raw_netlink, raw_tar, camel_case, kinds_crit_lacks, any_order, constant_memory, closed_output])
