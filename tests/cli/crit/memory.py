#!/usr/bin/env python3
"""crit mem, grep and core: the memory of tasks, against what the images say read by hand, and against gdb."""
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile

TESTS = os.environ.get('TESTS_DIR', os.path.join(os.path.dirname(__file__), '..', '..'))
sys.path.insert(0, os.path.join(TESTS, 'harness'))
from tap import Skipped, check, main, run  # noqa: E402

BUILD = os.path.abspath(os.environ.get('BUILD') or os.path.join(TESTS, '..', 'build'))
CRIT = os.path.join(BUILD, 'crit')
TMP = tempfile.TemporaryDirectory(prefix='crit-memory-')
with tarfile.open(os.path.join(TESTS, 'images', 'golden', 'criu-4.2.tar.xz')) as tar:
    tar.extractall(TMP.name)


def image(name, part=''):
    return os.path.join(TMP.name, 'dev', name, 'img', part)


def pages_of(path, pid):
    """{address: page} of a task's own page map, through parents."""
    entries = json.loads(run(CRIT, 'decode', '-i', os.path.join(path, f'pagemap-{pid}.img')).stdout)['entries']
    with open(os.path.join(path, f'pages-{entries[0]["pages_id"]}.img'), 'rb') as f:
        data = f.read()
    pages, at = {}, 0
    parent = None
    for e in entries[1:]:
        for n in range(e.get('nr_pages', e.get('compat_nr_pages'))):
            addr = e['vaddr'] + 4096 * n
            if e['flags'] & 4:
                pages[addr] = data[at:at + 4096]
                at += 4096
            elif e['flags'] & 1:
                parent = parent or pages_of(os.path.join(path, os.readlink(os.path.join(path, 'parent'))), pid)
                pages[addr] = parent[addr]
    return pages


def stretches(pages):
    """Contiguous memory: (address, bytes)."""
    found = []
    for addr in sorted(pages):
        if found and found[-1][0] + len(found[-1][1]) == addr:
            found[-1][1].extend(pages[addr])
        else:
            found.append((addr, bytearray(pages[addr])))
    return found


def binary(*args):
    return subprocess.run([CRIT, *args], stdout=subprocess.PIPE, check=True).stdout


def read():
    """mem --range: the bytes, through parents; text dump; what is not there is refused"""
    for path, pid in ((image('threads'), 1901), (image('chain-track', '3'), 8401)):
        pages = pages_of(path, pid)
        for addr, data in stretches(pages)[:20]:
            if addr > 1 << 47:
                continue
            check(binary('mem', '-r', f'{addr + 5:x}-{addr + len(data) - 3:x}', path, str(pid)) == data[5:-3], f'{path} {addr:x}')
        text = run(CRIT, 'mem', '-r', f'{addr:x}+20', '--hex', path, pid).stdout.splitlines()
        check(len(text) == 2 and text[0].startswith(f'{addr:012x}  '), text)
    check('nothing is mapped' in run(CRIT, 'mem', '-r', '1000+10', path, pid, status=2).stderr, 'unmapped')
    check('no task 99' in run(CRIT, 'mem', path, 99, status=2).stderr, 'no task')
    check('zombie' in run(CRIT, 'mem', image('tree'), 2011, status=2).stderr, 'a zombie')
    out = os.path.join(TMP.name, 'bytes')
    run(CRIT, 'mem', '-r', f'{addr:x}+1000', '-o', out, path, pid)
    check(os.path.getsize(out) == 4096, 'to a file')


def listing():
    """mem: mappings and where their pages are"""
    rows = json.loads(run(CRIT, 'mem', '--json', image('mem'), json.loads(
        run(CRIT, 'x', image('mem'), 'ps', '--json').stdout)[0]['pid']).stdout)
    check(any(r['shared'] and r['name'].startswith('[memfd') for r in rows), 'a memfd')
    check(all(r['kib'] == r['stored'] + r['shared'] + r['zero'] + r['file'] + r['missing'] for r in rows
              if r['name'] not in ('[vvar]', '[vsyscall]', '[guard]')), 'sums')


def strings():
    """mem --strings: as many as a program over the same memory finds"""
    path, pid = image('threads'), 1901
    got = [line.split(' ', 1) for line in run(CRIT, 'mem', '--strings', '-n', 8, path, pid).stdout.splitlines()]
    want = [(addr + m.start(), m.group().decode()) for addr, data in stretches(pages_of(path, pid)) if addr < 1 << 47
            for m in re.finditer(rb'[ -~]{8,}', data)]
    check([(int(a, 16), t) for a, t in got] == want, f'{len(got)} and {len(want)}')


def grep():
    """grep: literal, hexadecimal, regular expression, over the ends of pages, against a search by hand"""
    path, pid = image('chain-track', '3'), 8401
    memory = [(a, d) for a, d in stretches(pages_of(path, pid)) if a < 1 << 47]
    lines = run(CRIT, 'mem', '--json', path, pid).stdout
    shared = any(r['shared'] for r in json.loads(lines))

    def found(*args):
        return [int(line.split()[1], 16) for line in run(CRIT, 'grep', *args, path).stdout.splitlines()]

    def private(addrs):
        return [a for a in addrs if any(s <= a < s + len(d) for s, d in memory)]

    for what, pattern in ((['/tmp/zoo'], rb'/tmp/zoo'), (['-i', 'TMP/ZOO'], rb'(?i)tmp/zoo'), (['-x', '7f454C46'], rb'\x7fELF'),
                          (['-E', '[a-z]+/zoo.{0,3}'], rb'[a-z]+/zoo.{0,3}')):
        want = [a + m.start() for a, d in memory for m in re.finditer(pattern, d)]
        check(private(found(*what)) == want, f'{what}: {len(private(found(*what)))}, not {len(want)}')
    for addr, data in memory:
        for at in range(4096, len(data), 4096):
            piece = bytes(data[at - 9:at + 9])
            if len(set(piece)) > 6:
                check(addr + at - 9 in found('-x', piece.hex()), f'{addr + at:x}: over the end of a page')
                check(addr + at - 9 in found('-E', ''.join(f'\\x{b:02x}' for b in piece)), f'{addr + at:x}: as an expression')
    check(shared, 'the set has shared memory')
    check(run(CRIT, 'grep', '-c', 'no such bytes anywhere', path).stdout == f'{pid} 0\n', '--count')
    check('at character' in run(CRIT, 'grep', '-E', '(', path, status=2).stderr, 'a bad expression')
    check(run(CRIT, 'grep', '-x', '7', path, status=2), 'half a byte')


PROGRAM = r'''
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
char known[] = "known bytes";
static pthread_barrier_t ready;
__attribute__((noinline)) void deepest(int n) { pthread_barrier_wait(&ready); for (;;) pause(); (void)n; }
__attribute__((noinline)) void middle(int n) { deepest(n + 1); __asm__ volatile(""); }
static void *worker(void *arg) { middle((int)(long)arg); return NULL; }
int main(void)
{
	pthread_t t;
	pthread_barrier_init(&ready, NULL, 3);
	pthread_create(&t, NULL, worker, (void *)100);
	pthread_create(&t, NULL, worker, (void *)200);
	middle(7);
}
'''


def core_golden():
    """core: an ELF file with the memory, the threads and the files"""
    path, pid, out = image('threads'), 1901, os.path.join(TMP.name, 'core')
    run(CRIT, 'core', path, pid, '-o', out)
    with open(out, 'rb') as f:
        data = f.read()
    check(data[:4] == b'\x7fELF' and struct.unpack_from('<HH', data, 16) == (4, 62), 'head')
    nr, = struct.unpack_from('<H', data, 56)
    segments = [struct.unpack_from('<IIQQQQQQ', data, 64 + 56 * i) for i in range(nr)]
    for addr, page in pages_of(path, pid).items():
        if addr > 1 << 47:
            continue
        s = next(s for s in segments if s[0] == 1 and s[3] <= addr < s[3] + s[6])
        check(data[s[2] + addr - s[3]:][:4096] == page, f'{addr:x}')
    check(os.stat(out).st_blocks * 512 <= os.path.getsize(out), 'holes')
    piped = binary('core', path, str(pid), '-o', '-')
    check(piped == data, 'through a pipe')
    if shutil.which('gdb'):
        text = run('gdb', '-batch', '-nx', '-ex', 'info threads', '-c', out).stdout
        check(all(f'LWP {n}' in text for n in (1901, 1902, 1903, 1904)), text)


def core_gdb():
    """core of a program that was dumped: gdb's backtraces of all threads are right"""
    for tool in ('gdb', 'gcc'):
        if not shutil.which(tool):
            raise Skipped(f'no {tool}')
    if os.geteuid() or not os.access(os.path.join(BUILD, 'criu-dump'), os.X_OK):
        raise Skipped('needs root and criu-dump')
    work = os.path.join(TMP.name, 'gdb')
    os.makedirs(os.path.join(work, 'img'))
    with open(os.path.join(work, 't.c'), 'w') as f:
        f.write(PROGRAM)
    run('gcc', '-g', '-O1', '-fno-optimize-sibling-calls', '-pthread', '-o', f'{work}/t', f'{work}/t.c')
    script = f'''cd {work}; setsid ./t </dev/null >/dev/null 2>&1 & p=$!; sleep 0.5
                 {BUILD}/criu-dump dump -t $p -D {work}/img >{work}/log 2>&1; s=$?; kill -9 $p 2>/dev/null; exit $s'''
    p = run('unshare', '-pf', '--mount-proc', 'bash', '-c', script, status=None)
    if p.returncode:
        with open(f'{work}/log') as f:
            raise Skipped(f'criu-dump: {f.read()[-200:].strip()}')
    pid = json.loads(run(CRIT, 'x', f'{work}/img', 'ps', '--json').stdout)[0]['pid']
    run(CRIT, 'core', f'{work}/img', pid, '-o', f'{work}/core')
    text = run('gdb', '-batch', '-nx', '-ex', 'thread apply all bt', '-ex', 'print known', f'{work}/t', f'{work}/core').stdout
    check(len(re.findall(r'in deepest \(.*\n.* in middle \(.*\n.* in worker \(', text)) == 2, text)
    check(re.search(r'in deepest \(n=.*8.*\n.* in middle \(n=.*7.*\n.* in main ', text), text)
    check('"known bytes"' in text, text)


if __name__ == '__main__':
    main([read, listing, strings, grep, core_golden, core_gdb])
