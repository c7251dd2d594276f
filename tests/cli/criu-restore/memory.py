#!/usr/bin/env python3
"""criu-restore with memory records that were changed: what is still understood, and what is refused.

Images are written by criu-dump, changed through crit, and restored. A refusal says why, with status 3 or 4, and leaves no
process behind.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import dumped
from dumped import CORRUPT, UNSUPPORTED, Dumped, tap

VDSO, VVAR, ANON = 1 << 3, 1 << 12, 1 << 9


def find(vmas, status):
    return next(v for v in vmas if v['status'] & status)


def vdso_of_another_kernel():
    """a vdso that is laid out in another way: its functions jump to those of this host"""
    with Dumped('vdso/calls') as d:
        def shorter(vmas):
            find(vmas, VVAR)['start'] += 4096
        d.change_vmas(shorter)
        d.restore()
        tap.check('vdso is of another kernel' in d.log(), 'it was taken for the same')
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
        def socket(vmas):
            find(vmas, ANON)['status'] = 1 << 11
        d.change_vmas(socket)
        d.refused(UNSUPPORTED, 'packet socket')


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


dumped.main([vdso_of_another_kernel, vdso_not_elf, overlapping, unaligned, unknown_status, aio_ring, no_file, too_high,
             page_nowhere, pages_too_short, no_pagemap, segment_too_short, memfd_lost])
