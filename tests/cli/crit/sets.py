#!/usr/bin/env python3
"""crit convert, compress, decompress, flatten, dedup: sets in directories, archives and pipes, held against tar(1) and zstd(1)."""
import filecmp
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(TOP, 'tests', 'harness'))
CRIT = os.path.join(os.environ.get('BUILD', os.path.join(TOP, 'build')), 'crit')
ARCHIVE = os.path.join(TOP, 'tests/images/golden/criu-4.2.tar.xz')

nr = 0
failed = 0


def check(name, good, *why):
    global nr, failed
    nr += 1
    print(f'{"ok" if good else "not ok"} {nr} - {name}')
    if not good:
        failed += 1
        for w in why:
            print('#', str(w).strip().replace('\n', '\n# '))


def crit(*args, **kw):
    return subprocess.run([CRIT, *args], capture_output=True, timeout=60, **kw)


def sh(command):
    return subprocess.run(['bash', '-o', 'pipefail', '-c', command], capture_output=True, timeout=60)


def same(a, b, but=()):
    """The same files with the same bytes."""
    names = [set(n for n in os.listdir(d) if n not in but) for d in (a, b)]
    if names[0] != names[1]:
        return f'names differ: {names[0] ^ names[1]}'
    for n in names[0]:
        p, q = os.path.join(a, n), os.path.join(b, n)
        if os.path.islink(p) != os.path.islink(q):
            return f'{n}: a link or none'
        if not os.path.islink(p) and not filecmp.cmp(p, q, shallow=False):
            return f'{n} differs'
    return None


def main():
    tmp = tempfile.mkdtemp(prefix='crit-sets.')
    os.chdir(tmp)
    sh(f"tar --wildcards --transform 's,.*/\\(mem\\|chain-track\\|tree\\)/img,\\1,' -xJf {ARCHIVE} '*/mem/img/*' '*/chain-track/img/*' '*/tree/img/*'")

    r = crit('convert', '--to', '2', 'mem', 'two')
    check('convert to version 2', r.returncode == 0 and os.path.exists('two/manifest.img'), r.stderr)
    r = crit('validate', 'two')
    check('it is valid', r.returncode == 0, r.stdout, r.stderr)
    r = crit('convert', '--to', '1.1', 'two', 'one')
    check('and back: the same files', r.returncode == 0 and not same('mem', 'one'), r.stderr, same('mem', 'one') if r.returncode == 0 else '')

    r = crit('convert', 'two', 'set.tar')
    t = sh('mkdir x && tar -C x -xf set.tar && tar -tf set.tar | tail -1')
    check('an archive that tar unpacks', t.returncode == 0 and t.stdout == b'manifest.img\n' and not same('two', 'x'), r.stderr, t.stderr)
    r = crit('convert', '-z', '-l', '19', '--long', '-T', '2', 'two', 'set.tar.zst')
    t = sh('mkdir y && tar --zstd -C y -xf set.tar.zst && zstd -q -t set.tar.zst')
    check('a compressed archive that tar unpacks', t.returncode == 0 and not same('two', 'y'), r.stderr, t.stderr)
    t = sh(f'cat set.tar.zst | {CRIT} convert - - | tar -tf - | tail -1')
    check('through pipes', t.returncode == 0 and t.stdout == b'manifest.img\n', t.stderr)
    for archive in 'set.tar', 'set.tar.zst':
        r = crit('x', archive, 'mems')
        p = sh(f'cat {archive} | {CRIT} x - mems')
        d = crit('x', 'mem', 'mems')
        check(f'x of {archive} says what x of the directory says', r.stdout == d.stdout == p.stdout and d.stdout, r.stderr, p.stderr)
    sh("mkdir c && cp -r mem c/checkpoint && echo '{}' >c/config.dump && tar -C c -czf pod.tar.gz .")
    r = crit('convert', 'pod.tar.gz', 'pod')
    check('an exported container', r.returncode == 0 and not same('mem', 'pod'), r.stderr)

    r = crit('compress', 'two')
    zst = [n for n in os.listdir('two') if n.endswith('.zst')]
    check('compress in place', r.returncode == 0 and zst and not [n for n in os.listdir('.') if n.startswith('.')], r.stderr, os.listdir('two'))
    check('it is valid still', crit('validate', 'two').returncode == 0)
    check('zstd unpacks its page images', sh(f'zstd -q -dc two/{zst[0]} | cmp - x/{zst[0][:-4]}').returncode == 0)
    r = crit('decompress', 'two')
    check('decompress in place', r.returncode == 0 and not same('two', 'x'), r.stderr)
    r = crit('compress', 'set.tar')
    check('compress an archive', r.returncode == 0 and sh('tar --zstd -tf set.tar').returncode == 0, r.stderr)
    r = crit('convert', 'mem', 'two')
    check('what is there is not replaced', r.returncode == 2 and b'already' in r.stderr, r.stderr)
    r = crit('convert', '-f', 'mem', 'two')
    check('unless it is wanted', r.returncode == 0 and not same('two', 'mem'), r.stderr)
    r = crit('convert', '--to', '3', 'mem', 'z')
    check('no version 3', r.returncode == 2 and not os.path.exists('z'), r.stderr)
    r = crit('convert', '--task', '1', 'mem', 'z')
    check('no such task', r.returncode == 2 and not [n for n in os.listdir('.') if 'z' in n and n.startswith('.')], r.stderr)

    # Chains.
    last = sorted(os.listdir('chain-track'))[-1]
    r = crit('flatten', f'chain-track/{last}', 'flat')
    check('flatten', r.returncode == 0 and not os.path.lexists('flat/parent'), r.stderr)
    a, b = crit('x', f'chain-track/{last}', 'rss'), crit('x', 'flat', 'rss')
    pages = [sum(int(m) for m in re.findall(rb'^\t[0-9a-f]+ / (\d+)', r.stdout, re.M)) for r in (a, b)]
    check('the flat set has as much memory', pages[0] == pages[1] and pages[0], pages)
    r = crit('validate', 'flat')
    check('it is valid', r.returncode == 0, r.stdout, r.stderr)
    r = crit('convert', '--to', '2', f'chain-track/{last}', 'moved')
    check('a copy finds its parent', r.returncode == 0 and os.path.isdir('moved/parent'), r.stderr, os.readlink('moved/parent') if os.path.islink('moved/parent') else '')
    r = crit('flatten', 'moved', 'flat2')
    check('and is as flat', r.returncode == 0 and not same('flat', 'flat2', ('manifest.img',)), r.stderr)
    r = crit('dedup', f'chain-track/{last}')
    check('dedup', r.returncode == 0, r.stdout, r.stderr)
    r = crit('flatten', f'chain-track/{last}', 'flat3')
    check('after it, memory is the same', r.returncode == 0 and not same('flat', 'flat3'), r.stderr)

    # What is damaged does not become whole by being copied.
    sh('cp -r x hurt && printf Z | dd of=hurt/pages-1.img bs=1 seek=100 conv=notrunc status=none && cp -r x less && rm less/files.img')
    for command in ('convert SET z', 'convert --to 1.1 SET z', 'convert -z -s SET z', 'convert SET z.tar', 'flatten SET z', 'compress -o z SET',
                    'redact -o z SET'):
        for hurt, why in (('hurt', b'pages-1.img: its content is not what was written'), ('less', b'files.img: is missing')):
            r = crit(*command.replace('SET', hurt).split())
            check(f'{command} of {hurt}: refused', r.returncode == 4 and why in r.stderr and not os.path.exists('z') and not os.path.exists('z.tar'),
                  r.stderr)
    os.mkdir('none')
    r = crit('convert', 'none', 'z.tar')
    check('there are no images', r.returncode == 4 and b'no images' in r.stderr and not os.path.exists('z.tar'), r.stderr)

    # Holes of a tar are zeros, of which there may be no end.
    sh('cp -r x holes && truncate -s 1M holes/hole.bin && tar -C holes -cSf holes.tar . && truncate -s 2T holes/hole.bin && tar -C holes -cSf more.tar .')
    r = crit('validate', 'holes.tar')
    check('a hole in an archive', r.returncode == 0, r.stdout, r.stderr)
    r = crit('validate', 'more.tar')
    check('holes without end', r.returncode in (3, 4) and b'holes of more than' in r.stdout + r.stderr, r.stdout, r.stderr)

    # An interrupt leaves nothing.
    sh('cp -r x big2 && head -c 400000000 /dev/zero | openssl enc -aes-128-ctr -pass pass:x -nosalt -in - >big2/plugin.img 2>/dev/null')
    p = subprocess.Popen([CRIT, 'convert', '--to', '2', '-z', '-l', '19', 'big2', 'big3.tar.zst'], stderr=subprocess.PIPE)
    time.sleep(0.7)
    p.send_signal(signal.SIGINT)
    p.wait(30)
    err = p.stderr.read()
    check('an interrupt leaves nothing', p.returncode in (1, -signal.SIGINT) and not os.path.exists('big3.tar.zst') and
          not [n for n in os.listdir('.') if n.startswith('.')], p.returncode, err, os.listdir('.'))

    os.chdir('/')
    sh(f'rm -rf {tmp}')
    print(f'1..{nr}')
    return failed != 0


if __name__ == '__main__':
    sys.exit(main())
