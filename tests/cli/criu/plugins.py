#!/usr/bin/env python3
"""Plugins (--libdir): the sample saves and restores what criu-dump itself refuses; what is missing or is no plugin is refused by name."""
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'harness'))
from carry import NAMESPACE, Carrier, Failed  # noqa: E402

BUILD = os.path.abspath(os.environ.get('B') or os.path.join(HERE, '..', '..', '..', 'build'))


class Run(Carrier):
    def subject(self):
        self.dir = os.path.join(self.work, 'subject')
        os.mkdir(self.dir)
        self.start([os.path.join(BUILD, 'tests', 'kinds', 'ext', 'mqueue'), self.dir], cwd=self.dir)
        self.wait(lambda: any(os.path.exists(os.path.join(self.dir, n)) for n in ('ready', 'result')), 'the subject')

    def result(self):
        open(os.path.join(self.dir, 'go'), 'w').close()
        path = os.path.join(self.dir, 'result')
        self.wait(lambda: os.path.exists(path), 'its result')
        with open(path) as f:
            return f.read()


def inside(what):
    """In a pid namespace of its own: what is wrong, or nothing."""
    os.environ.pop('CRIU_LIBS_DIR', None)
    work = tempfile.mkdtemp(prefix='plugins-')
    libs = os.path.join(work, 'libs')
    os.mkdir(libs)
    shutil.copy(os.path.join(BUILD, 'samples', 'plugin', 'mqueue.so'), libs)
    run = Run(BUILD, work)
    try:
        run.subject()
        if what == 'no plugin':
            shutil.copy('/bin/true', os.path.join(libs, 'true.so'))
            status, text = run.command('dump', False, '-t', str(run.pid), '-L', libs)
            if status != 3 or 'true.so' not in text:
                raise Failed(f'status {status}: {text}')
            text = run.result()
        elif what == 'no directory':
            status, text = run.command('dump', False, '-t', str(run.pid), '-L', libs + '/nowhere')
            if status == 0 or 'nowhere' not in text:
                raise Failed(f'status {status}: {text}')
            text = run.result()
        else:
            if what == 'environment':
                os.environ['CRIU_LIBS_DIR'] = libs
            run.dump(*(() if what == 'environment' else ('-L', libs)))
            if what == 'missing':
                status, text = run.command('restore', False, '-d')
                if status != 3 or 'plugin mqueue' not in text:
                    raise Failed(f'status {status}: {text}')
            run.restore(*(() if what == 'environment' else ('-L', libs)))
            text = run.result()
        if text != 'ok':
            raise Failed(text)
    except Failed as e:
        print(e)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def main():
    if sys.argv[1:2] == ['--inside']:
        return inside(sys.argv[2])
    if os.geteuid() != 0:
        print('1..0 # SKIP dump and restore need root')
        return 0
    names = {'saved': 'a descriptor of a message queue comes back', 'environment': 'the directory of CRIU_LIBS_DIR',
             'missing': 'a plugin that restore lacks is named', 'no plugin': 'an object that is no plugin is named',
             'no directory': 'a directory that is not there is named'}
    failed = 0
    for nr, (what, name) in enumerate(names.items(), 1):
        p = subprocess.run([*NAMESPACE, sys.executable, __file__, '--inside', what], stdin=subprocess.DEVNULL, capture_output=True,
                           text=True, timeout=120)
        wrong = (p.stdout + p.stderr).strip()
        failed += bool(wrong)
        print(f'{"not ok" if wrong else "ok"} {nr} - {name}')
        for line in wrong.splitlines():
            print('#', line)
    print(f'1..{len(names)}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
