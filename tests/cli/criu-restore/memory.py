#!/usr/bin/env python3
"""criu-restore with memory records that were changed: what is still understood, and what is refused.

Images are written by criu-dump, changed through crit, and restored. A refusal says why, with status 3 or 4, and leaves no
process behind.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'harness'))
import tap

BUILD = os.path.abspath(os.environ.get('BUILD', os.path.join(HERE, '..', '..', '..', 'build')))
CRIT = os.path.join(BUILD, 'crit')
UNSUPPORTED, CORRUPT = 3, 4
VDSO, VVAR, ANON = 1 << 3, 1 << 12, 1 << 9


def wait_for(path, what):
    for _ in range(1000):
        if os.path.exists(path):
            return
        time.sleep(0.01)
    raise tap.Failed(f'{what}: {path} does not come')


class Dumped:
    """A subject of tests/kinds, dumped: images that can be changed and restored."""

    def __init__(self, kind):
        self.top = tempfile.mkdtemp(prefix='restore-memory.')
        self.dir, self.images = os.path.join(self.top, 'subject'), os.path.join(self.top, 'images')
        os.mkdir(self.dir)
        os.mkdir(self.images)
        with open('/proc/sys/kernel/ns_last_pid', 'w') as f:
            f.write('500')
        p = subprocess.Popen([os.path.join(BUILD, 'tests', 'kinds', kind), self.dir], cwd=self.dir, start_new_session=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pid = p.pid
        wait_for(self.file('ready'), 'setup')
        tap.run(os.path.join(BUILD, 'criu-dump'), '--no-default-config', '-D', self.images, '-o', 'dump.log', '-v4', '-t', self.pid)
        p.wait()
        reap()
        # Images are changed here, so there is nothing that their digests could say.
        os.remove(os.path.join(self.images, 'manifest.img'))

    def __enter__(self):
        return self

    def __exit__(self, *args):
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        reap()
        shutil.rmtree(self.top)

    def file(self, name):
        return os.path.join(self.dir, name)

    def image(self, name):
        return os.path.join(self.images, name.replace('PID', str(self.pid)))

    def change(self, name, how):
        """Decode an image, let how(list of entries) change it, encode it."""
        text = self.file('json')
        tap.run(CRIT, 'decode', '-i', self.image(name), '-o', text)
        with open(text) as f:
            image = json.load(f)
        how(image['entries'])
        with open(text, 'w') as f:
            json.dump(image, f)
        tap.run(CRIT, 'encode', '-i', text, '-o', self.image(name))

    def change_vmas(self, how):
        self.change('mm-PID.img', lambda entries: how(entries[0]['vmas']))

    def restore(self, status=0):
        return tap.run(os.path.join(BUILD, 'criu-restore'), '--no-default-config', '-D', self.images, '-o', 'restore.log', '-v4', '-d',
                       status=status).stderr

    def finish(self):
        open(self.file('go'), 'w').close()
        wait_for(self.file('result'), 'result')
        with open(self.file('result')) as f:
            text = f.read()
        tap.check(text == 'ok', text)

    def refused(self, status, *words):
        text = self.restore(status)
        for word in words:
            tap.check(word in text, f'"{word}" is not in: {text}')
        reap()
        tap.check(not os.path.exists(f'/proc/{self.pid}'), 'a process is left behind')


def reap():
    """We are init of the namespace."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def find(vmas, status):
    return next(v for v in vmas if v['status'] & status)


def vdso_of_another_kernel():
    """a vdso that is laid out in another way: its functions jump to those of this host"""
    with Dumped('vdso/calls') as d:
        def shorter(vmas):
            find(vmas, VVAR)['start'] += 4096
        d.change_vmas(shorter)
        d.restore()
        with open(d.image('restore.log')) as f:
            tap.check('vdso is of another kernel' in f.read(), 'it was taken for the same')
        d.finish()


def vdso_not_elf():
    """a vdso that is none"""
    with Dumped('vdso/calls') as d:
        def not_one(vmas):
            find(vmas, VDSO)['status'] &= ~VDSO
            find(vmas, ANON)['status'] |= VDSO
        d.change_vmas(not_one)
        d.refused(UNSUPPORTED, f'pid {d.pid}', 'vdso')


def overlapping():
    """mappings that overlap"""
    with Dumped('pages/private') as d:
        def overlap(vmas):
            vmas[1]['start'] -= 4096
        d.change_vmas(overlap)
        d.refused(CORRUPT, f'mm-{d.pid}.img', 'mapping')


def unaligned():
    """a mapping that does not end with a page"""
    with Dumped('pages/private') as d:
        def odd(vmas):
            vmas[0]['end'] -= 1
        d.change_vmas(odd)
        d.refused(CORRUPT, f'mm-{d.pid}.img')


def unknown_status():
    """a mapping of a kind that is not known"""
    with Dumped('pages/private') as d:
        def strange(vmas):
            vmas[0]['status'] |= 1 << 20
        d.change_vmas(strange)
        d.refused(UNSUPPORTED, f'pid {d.pid}', 'status')


def aio_ring():
    """a mapping of a kind that cannot be made"""
    with Dumped('pages/private') as d:
        def ring(vmas):
            find(vmas, ANON)['status'] = 1 << 13
        d.change_vmas(ring)
        d.refused(UNSUPPORTED, 'asynchronous I/O')


def no_file():
    """a mapping of a file that is not in the set"""
    with Dumped('vma/files') as d:
        def lost(vmas):
            vmas[0]['shmid'] = 4711
        d.change_vmas(lost)
        d.refused(CORRUPT, 'no file 4711')


def too_high():
    """a mapping above the address space"""
    with Dumped('pages/private') as d:
        def high(vmas):
            v = dict(find(vmas, ANON))
            v['start'], v['end'] = 0x7fffffffffff000, 0x800000000000000
            vmas.insert(len(vmas) - 1, v)
        d.change_vmas(high)
        d.refused(UNSUPPORTED, 'address space')


def page_nowhere():
    """a page that is in no mapping"""
    with Dumped('pages/private') as d:
        def away(entries):
            entries[1]['vaddr'] = 0x10000
        d.change('pagemap-PID.img', away)
        d.refused(CORRUPT, 'no private mapping')


def pages_too_short():
    """page data that ends too early"""
    with Dumped('pages/private') as d:
        pages = next(n for n in os.listdir(d.images) if n.startswith('pages-'))
        os.truncate(os.path.join(d.images, pages), 8192)
        d.refused(CORRUPT, pages)


def no_pagemap():
    """a task without its page map"""
    with Dumped('pages/private') as d:
        os.remove(d.image('pagemap-PID.img'))
        d.refused(CORRUPT, 'no page map')


def segment_too_short():
    """a page behind the end of a shared segment"""
    with Dumped('shmem/anon') as d:
        def short(entries):
            for e in entries:
                e['size'] = 4096
        d.change('memfd.img', short)
        d.refused(CORRUPT, 'behind its end')


def memfd_lost():
    """a memfd whose file is not in the set"""
    with Dumped('shmem/anon') as d:
        d.change('memfd.img', lambda entries: entries.clear())
        d.refused(CORRUPT, 'memfd.img')


def main():
    if os.geteuid() != 0:
        print('1..0 # SKIP dump and restore need root')
        return
    if '--inside' not in sys.argv:
        os.execvp('unshare', ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child', sys.executable, __file__, '--inside'])
    tap.main([vdso_of_another_kernel, vdso_not_elf, overlapping, unaligned, unknown_status, aio_ring, no_file, too_high,
              page_nowhere, pages_too_short, no_pagemap, segment_too_short, memfd_lost])


main()
