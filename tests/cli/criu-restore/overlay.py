#!/usr/bin/env python3
"""Subjects of tests/kinds whose files are in an overlay: the device of a file is not the one that mountinfo says."""
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'harness'))
import tap  # noqa: E402
from carry import NAMESPACE, Carrier, Failed  # noqa: E402
from tap import Skipped, check  # noqa: E402

BUILD = os.path.abspath(os.environ.get('B') or os.path.join(HERE, '..', '..', '..', 'build'))
# The subject lies in the lower layer, what it makes in the upper one.
SUBJECTS = ('file/names', 'file/position', 'ghost/content', 'ghost/directory', 'vma/files', 'vma/deleted', 'flock/locks', 'unix/names',
            'unix/moved', 'inotify/deleted', 'mm/exe', 'cwd/cwd', 'fifo/data')


def carried(subject, work):
    """Returns what the subject says, nothing when overlays cannot be mounted."""
    layers = {name: os.path.join(work, name) for name in ('lower', 'upper', 'work', 'all')}
    # An overlay's upper layer is on no overlay.
    subprocess.run(['mount', '-t', 'tmpfs', 'layers', work], check=True)
    for path in layers.values():
        os.mkdir(path)
    shutil.copy(os.path.join(BUILD, 'tests', 'kinds', subject), os.path.join(layers['lower'], 'subject'))
    if subprocess.run(['mount', '-t', 'overlay', 'overlay', '-o', 'lowerdir={lower},upperdir={upper},workdir={work}'.format(**layers),
                       layers['all']], capture_output=True).returncode:
        return ''
    run = Carrier(BUILD, work)
    directory = os.path.join(layers['all'], 'dir')
    os.mkdir(directory)

    def there(*names):
        return lambda: any(os.path.exists(os.path.join(directory, n)) for n in names)

    run.start([os.path.join(layers['all'], 'subject'), directory], cwd=directory)
    run.wait(there('ready', 'result'), 'the subject')
    options = ('--file-locks',) if subject.startswith('flock') else ()
    run.dump(*options)
    run.restore(*options)
    open(os.path.join(directory, 'go'), 'w').close()
    run.wait(there('result'), 'its result')
    with open(os.path.join(directory, 'result')) as f:
        return f.read()


def inside(subject):
    work = tempfile.mkdtemp(prefix='overlay-')
    try:
        print(carried(subject, work), end='')
    except (Failed, OSError, subprocess.CalledProcessError) as e:
        print(e)
    finally:
        subprocess.run(['umount', '-l', work], capture_output=True)
        os.rmdir(work)


def row(subject):
    def test():
        if os.geteuid() != 0:
            raise Skipped('dump and restore need root')
        p = subprocess.run(['unshare', '--mount', *NAMESPACE, sys.executable, __file__, '--inside', subject], stdin=subprocess.DEVNULL,
                           capture_output=True, text=True, timeout=100)
        said = (p.stdout + p.stderr).strip()
        if not said:
            raise Skipped('no overlay can be mounted here')
        check(said == 'ok', said)

    test.__doc__ = f'{subject} in an overlay'
    return test


if __name__ == '__main__':
    if sys.argv[1:2] == ['--inside']:
        inside(sys.argv[2])
    else:
        tap.main([row(s) for s in SUBJECTS])
