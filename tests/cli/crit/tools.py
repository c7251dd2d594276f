#!/usr/bin/env python3
"""crit diff, stats, requires, redact, edit, report, and the completion."""
import html.parser
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

TESTS = os.environ.get('TESTS_DIR', os.path.join(os.path.dirname(__file__), '..', '..'))
sys.path.insert(0, os.path.join(TESTS, 'harness'))
from tap import check, main, run  # noqa: E402

CRIT = os.path.join(os.environ.get('BUILD') or os.path.join(TESTS, '..', 'build'), 'crit')
TMP = tempfile.TemporaryDirectory(prefix='crit-tools-')
with tarfile.open(os.path.join(TESTS, 'images', 'golden', 'criu-4.2.tar.xz')) as tar:
    tar.extractall(TMP.name)


def image(name, part=''):
    return os.path.join(TMP.name, 'dev', name, 'img', part)


def copy_of(name):
    path = tempfile.mkdtemp(dir=TMP.name)
    shutil.copytree(image(name), path, symlinks=True, dirs_exist_ok=True)
    return path


def asked(*args, **kw):
    return json.loads(run(CRIT, *args, '--json', **kw).stdout)


def diff():
    """diff: nothing between a set and itself; what was edited, and nothing else"""
    check(asked('diff', image('tree'), image('tree')) == [], 'the same set')
    path = copy_of('files')
    run(CRIT, 'edit', path, 'core-3201.img:tc.comm', 'other')
    run(CRIT, 'edit', path, 'files.img:[id=6].reg.name', '/other')
    with open(os.path.join(path, 'pages-1.img'), 'r+b') as f:
        f.seek(4096 + 10)
        f.write(b'\xff')
    got = asked('diff', image('files'), path)
    check([(r['what'], r['change']) for r in got] == [('task', 'changed'), ('descriptor', 'changed'), ('pages', 'changed')], got)
    check(got[0]['fields'] == {'comm': ['zoo', 'other']} and got[1]['fd'] == 3, got)
    check(got[2]['fields']['changed'] == 1 and got[2]['fields']['only_after'] == 0, got)
    check('~ task 3201: comm=zoo -> other' in run(CRIT, 'diff', image('files'), path).stdout, 'text')
    check(asked('diff', image('chain-track', '1'), image('chain-track', '3')) == [], 'a pre-dump and the dump over it: the same pages')
    path = copy_of('inet')
    sockets = [r for r in json.loads(run(CRIT, 'x', '--json', path, 'sk').stdout) if r['state'] == 'LISTEN']
    run(CRIT, 'edit', path, f'files.img:[id={sockets[0]["id"]}].isk.src_port', '7002')
    got = asked('diff', image('inet'), path)
    check([(r['what'], r['change']) for r in got] == [('socket', 'changed')] and got[0]['fields']['local'][1].endswith(':7002'), got)
    check({r['change'] for r in asked('diff', image('plain'), image('tree'))} == {'added', 'removed'}, 'two sets')


def stats():
    """stats: files by kind, pages of each task, the reports"""
    got = asked('stats', image('chain-track', '3'))
    check(got['memory'] == [{'pid': 8401, 'comm': 'zoo', 'mapped': 729, 'stored': 16, 'in_parent': 31, 'lazy': 0, 'runs': 37}], got['memory'])
    check({'kind': 'PAGES', 'files': 4, 'bytes': 126976} in got['files'], got['files'])
    check(any(r['name'] == 'pages_written' and r['value'] == 16 for r in got['reports']), got['reports'])


def requires():
    """requires: what a set asks for, against a host"""
    host = json.loads(run(CRIT, 'requires', '--describe').stdout)
    check(host['page_size'] == 4096 and 'epoll' in host['features'], host)
    poor = os.path.join(TMP.name, 'host.json')
    with open(poor, 'w') as f:
        json.dump(dict(host, arch='x86_64', features=[]), f)
    p = run(CRIT, 'requires', '--host', poor, image('timens'), status=3)
    check('the host cannot do: timens, timerfd' in p.stderr, p.stderr)
    words = [r['requires'] for r in json.loads(run(CRIT, 'requires', '--json', '--host', poor, image('mntns'), status=3).stdout)]
    check({'x86_64', 'mntns', 'inotify', 'tmpfs', 'mqueue'} <= set(words), words)
    two = os.path.join(TMP.name, 'requires-two')
    run(CRIT, 'convert', '--to', '2', '-z', image('mem'), two)
    run(CRIT, 'validate', '--here', two)
    run(CRIT, 'requires', two)
    with open(poor, 'w') as f:
        json.dump(dict(host, requires=[], page_size=16384), f)
    p = run(CRIT, 'requires', '--host', poor, two, status=3)
    check('pages-zstd' in p.stderr, p.stderr)
    p = run(CRIT, 'validate', '--json', '--host', poor, two, status=3)
    check(['requires[0]'] == [f['field'] for f in json.loads(p.stdout)['findings'] if f['severity'] == 'error'], p.stdout)


def redact():
    """redact: nothing that tasks had in memory or queues is left, and the set is valid"""
    for name in ('unix', 'tcp', 'mntns', 'ipc', 'ghost', 'tty', 'bpf', 'pipes', 'tree', 'threads'):
        out = os.path.join(TMP.name, 'redacted-' + name)
        run(CRIT, 'redact', image(name), '-o', out)
        run(CRIT, 'validate', '--quiet', out)
        was, is_ = (sorted(os.listdir(p)) for p in (image(name), out))
        check(was == is_, f'{name}: {set(was) ^ set(is_)}')
        for n in is_:
            with open(os.path.join(out, n), 'rb') as f:
                data = f.read()
            check(not n.startswith('pages-') or not any(data), n)
            check(b'PATH=' not in data, n)
        check(asked('x', out, 'env') == [], f'{name}: an environment')
        check(run(CRIT, 'x', out, 'mems').stdout == run(CRIT, 'x', image(name), 'mems').stdout, f'{name}: mappings')
    with open(os.path.join(out, '..', 'redacted-unix', 'sk-queues.img'), 'rb') as f:
        check(b'stream' not in f.read(), 'a queue')
    check('is there already' in run(CRIT, 'redact', image('plain'), '-o', out, status=2).stderr, 'over another')
    check('flatten' in run(CRIT, 'redact', image('chain-track', '3'), '-o', out + '.x', status=3).stderr, 'a chain')
    check(not os.path.exists(out + '.x'), 'half a copy')


def edit():
    """edit: one field; a set that would be invalid stays as it was"""
    path = copy_of('tcp')
    names = sorted(os.listdir(path))
    run(CRIT, 'edit', path, 'files.img:[id=7].isk.src_addr', '10.0.0.7')
    run(CRIT, 'edit', path, 'files.img:[id=7].isk.src_port', '8080')
    check(any(r['local'] == '10.0.0.7:8080' for r in asked('x', path, 'sk')), 'address and port')
    run(CRIT, 'edit', path, 'files.img:[id=4].reg.flags', 'O_RDWR | O_APPEND')
    run(CRIT, 'edit', path, 'files.img:[0].reg.name', '/a "quoted" näme')
    names_now = [r['name'] for r in asked('x', path, 'files')]
    check('/a "quoted" näme' in names_now, names_now)
    run(CRIT, 'edit', path, 'core-5901.img:tc.child_subreaper', 'true')
    before = {n: open(os.path.join(path, n), 'rb').read() for n in names}
    for field, value, says in (('pstree.img:ppid', '77', 'would not be valid'), ('pstree.img:nope', '1', 'no such member'),
                               ('files.img:[id=99].reg.name', '/', 'nothing of that name'), ('nope.img:a', '1', 'no image nope.img'),
                               ('pstree.img', '1', 'not IMAGE:FIELD'), ('pstree.img:pid', 'x', 'number')):
        p = run(CRIT, 'edit', path, field, value, status=None)
        check(p.returncode in (2, 4) and says in p.stderr, f'{field}: {p.returncode} {p.stderr}')
    check({n: open(os.path.join(path, n), 'rb').read() for n in os.listdir(path)} == before, 'it was touched')
    check([n for n in os.listdir(TMP.name) if '.edit' in n] == [], 'a copy is left')
    run(CRIT, 'edit', '--force', '-o', path + '-2', path, 'pstree.img:ppid', '77')
    check(asked('x', path + '-2', 'ps')[0]['ppid'] == 77 and asked('x', path, 'ps')[0]['ppid'] == 0, '--force, -o')


class Page(html.parser.HTMLParser):
    void = {'meta', 'rect', 'path', 'br'}

    def __init__(self):
        super().__init__()
        self.open, self.count, self.loads = [], {}, []

    def handle_starttag(self, tag, attrs):
        self.count[tag] = self.count.get(tag, 0) + 1
        self.loads += [v for k, v in attrs if k in ('src', 'href') and not v.startswith('#')]
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.count[tag] = self.count.get(tag, 0) + 1

    def handle_endtag(self, tag):
        check(self.open and self.open.pop() == tag, f'</{tag}> where it does not belong')


def report():
    """report: one whole page that loads nothing; text of images is escaped"""
    path = copy_of('tree')
    run(CRIT, 'edit', path, 'core-2001.img:tc.comm', '<script>"&')
    out = os.path.join(TMP.name, 'report.html')
    for name in (path, image('mntns'), image('netns'), image('chain-track', '3')):
        run(CRIT, 'report', name, '-o', out)
        with open(out) as f:
            text = f.read()
        page = Page()
        page.feed(text)
        check(page.open == [] and page.loads == [] and 'script' not in page.count, (page.open, page.loads))
        check(page.count['svg'] >= 1 and page.count['rect'] > 10, page.count)
        if name == path:
            check('&lt;script&gt;&quot;&amp;' in text and page.count['svg'] == 9, page.count)
    check('/usr/bin:/bin' not in text and '/usr/bin:/bin' in run(CRIT, 'report', '--env', name).stdout, 'the environment only when asked for')


def archives():
    """a set in a tar archive, from a file and from a pipe"""
    path = os.path.join(TMP.name, 'set.tar')
    run('tar', '-cf', path, '-C', image('tcp'), '.')
    want = run(CRIT, 'x', image('tcp'), 'sk').stdout
    check(run(CRIT, 'x', path, 'sk').stdout == want, 'a file')
    with open(path, 'rb') as f:
        p = subprocess.run(f'cat | {CRIT} x - sk', shell=True, stdin=f, stdout=subprocess.PIPE, text=True)
    check(p.stdout == want, 'a pipe')


def completion():
    """--completion: scripts that shells take, with all verbs in them"""
    verbs = re.findall(r'^  ([a-z]+) ', run(CRIT, '--help').stdout, re.M)
    for shell in ('bash', 'zsh'):
        text = run(CRIT, '--completion', shell).stdout
        check(all(f'\t{v})\n' in text for v in verbs), shell)
        if shutil.which(shell):
            p = subprocess.run([shell, '-n'], input=text, text=True, capture_output=True)
            check(p.returncode == 0, p.stderr)
    p = subprocess.run(['bash', '-c', f'source <({CRIT} --completion bash); COMP_WORDS=(crit x /tmp m); COMP_CWORD=3; _crit; '
                        'echo ${COMPREPLY[@]}'], capture_output=True, text=True)
    check(p.stdout.split() == ['mems', 'mounts'], p.stdout + p.stderr)
    for verb in verbs:
        check('examples:\n  crit ' in run(CRIT, verb, '--help').stdout or verb == 'help', f'{verb} --help has no example')


if __name__ == '__main__':
    main([diff, stats, requires, redact, edit, report, archives, completion])
