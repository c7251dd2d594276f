#!/usr/bin/env python3
"""crit x: the views of a set, as tables and as JSON, on the golden sets and on an old set made of one."""
import json
import os
import resource
import sys
import tarfile
import tempfile

TESTS = os.environ.get('TESTS_DIR', os.path.join(os.path.dirname(__file__), '..', '..'))
sys.path.insert(0, os.path.join(TESTS, 'harness'))
from tap import Skipped, check, main, run  # noqa: E402

CRIT = os.path.join(os.environ.get('BUILD') or os.path.join(TESTS, '..', 'build'), 'crit')
TMP = tempfile.TemporaryDirectory(prefix='crit-views-')
with tarfile.open(os.path.join(TESTS, 'images', 'golden', 'criu-4.2.tar.xz')) as tar:
    tar.extractall(TMP.name)
VIEWS = 'ps tree threads args env creds signals timers fds files sk mems rss mounts ns cgroups'.split()


def image(name, part=''):
    return os.path.join(TMP.name, 'dev', name, 'img', part)


def rows(name, view, part=''):
    return json.loads(run(CRIT, 'x', image(name, part), view, '--json').stdout)


def find(found, **want):
    for row in found:
        if all(row.get(k) == v for k, v in want.items()):
            return row
    check(False, f'no row with {want} in {json.dumps(found)[:2000]}')


def everything():
    """every view of every set, as table and as JSON"""
    for path, folders, names in os.walk(os.path.join(TMP.name, 'dev')):
        if 'pstree.img' not in names:
            continue
        for view in VIEWS:
            text = run(CRIT, 'x', path, view).stdout
            check('\033' not in text, f'{path} {view}: colours in a pipe')
            json.loads(run(CRIT, 'x', path, view, '--json').stdout)


def tree():
    """tree: children, zombies, stopped tasks"""
    root, = rows('tree', 'tree')
    states = [c['state'] for c in root['children']]
    check((root['pid'], states.count('zombie'), states.count('stopped')) == (2001, 3, 1), root)
    check('zoo [zombie]' in run(CRIT, 'x', image('tree'), 'tree').stdout, 'drawn')
    check(find(rows('tree', 'threads'), tid=2011)['state'] == 'zombie', 'a zombie among the threads')


def sockets():
    """sk: addresses, states, queues"""
    tcp = rows('tcp', 'sk')
    find(tcp, fd=4, proto='tcp', state='ESTABLISHED', recv_q=321, send_q=12240, local='127.0.0.1:47812', peer='127.0.0.1:20011')
    find(tcp, fd=3, proto='tcp6', state='LISTEN', local='[::1]:20012', peer='')
    find(rows('unix', 'sk'), fd=17, proto='unix seqpacket', local='[5204585] @zoo \\x01 name')
    find(rows('unix', 'sk'), fd=4, recv_q=700)
    find(rows('netlink', 'sk'), fd=3, proto='netlink route', local='port 4321')


def tasks():
    """threads, creds, signals, timers, args, env"""
    find(rows('threads', 'threads'), comm='zoo thread 3', policy='fifo', prio=5)
    find(rows('creds', 'creds'), uid='0/0/0/2004', ambient=['net_raw'], no_new_privs=True, securebits=['keep_caps'])
    find(rows('signals', 'signals'), signal='RTMIN+5', blocked=True, pending=3)
    find(rows('signals', 'signals'), signal='PIPE', action='ignore')
    find(rows('timens', 'timers'), kind='posix', id=1, clock='realtime', next='off', signal='ALRM')
    find(rows('plain', 'args'), args=['/tmp/zoo/zoo', 'plain'], command='/tmp/zoo/zoo plain')
    find(rows('chain-track', 'args', '3'), args=['/tmp/zoo/zoo', 'mem'])
    find(rows('chain-track', 'env', '3'), name='PATH', value='/usr/bin:/bin')


def places():
    """mounts, ns, cgroups, files"""
    row = find(rows('mntns', 'mounts'), mountpoint='/t/bind')
    check((row['root'], row['type'], row['flags']) == ('/dir', 'tmpfs', ['ro', 'noexec', 'relatime']), row)
    check(find(rows('userns', 'ns'), type='user')['content'].startswith('uid 0:100000:50000'), 'id maps')
    check(find(rows('netns', 'ns'), type='net')['host'] is False, 'a network namespace of its own')
    find(rows('cgroups', 'cgroups'), controller='unified', path='/zoo')
    find(rows('files', 'files'), name='/tmp/zoo/run/data', users=['3201:5', '3201:6', '3201:100'], mode='r', pos=10)


def old_images():
    """a set with an image for each type of file, and of signals, creds, timers and mappings, looks the same"""
    new, old = image('files'), os.path.join(TMP.name, 'old')
    os.mkdir(old)
    decoded = {n: json.loads(run(CRIT, 'decode', '-i', os.path.join(new, n)).stdout)
               for n in os.listdir(new) if n.endswith('.img') and not n.startswith('pages-')}

    def put(name, magic, entries):
        path = os.path.join(TMP.name, 'one.json')
        with open(path, 'w') as f:
            json.dump({'magic': magic, 'entries': entries}, f)
        run(CRIT, 'encode', '-i', path, '-o', os.path.join(old, name))

    put('reg-files.img', 'REG_FILES', [e['reg'] for e in decoded.pop('files.img')['entries']])
    for name, image_ in decoded.items():
        entry = image_['entries'][0] if image_['entries'] else {}
        pid = name[name.find('-') + 1:-len('.img')]
        if name.startswith('core-'):
            tc = entry['tc']
            put(f'sigacts-{pid}.img', 'SIGACT', tc.pop('sigactions'))
            timers = tc.pop('timers')
            put(f'itimers-{pid}.img', 'ITIMERS', [timers['real'], timers['virt'], timers['prof']])
            put(f'creds-{pid}.img', 'CREDS', [entry['thread_core'].pop('creds')])
        elif name.startswith('mm-'):
            put(f'vmas-{pid}.img', 'VMAS', entry.pop('vmas'))
        put(name, image_['magic'], image_['entries'])
    for name in os.listdir(new):
        if name.startswith('pages-'):
            os.link(os.path.join(new, name), os.path.join(old, name))
    for view in VIEWS:
        was, is_ = (run(CRIT, 'x', d, view).stdout for d in (new, old))
        check(was == is_, f'{view}: {is_[:300]}')


def many_tasks():
    """a thousand tasks: every view in 16 MiB of memory, whole as table and as JSON"""
    if 'sanitize' in CRIT:
        raise Skipped('sanitizers map terabytes')
    many = os.path.join(TMP.name, 'many')
    os.mkdir(many)
    for name in os.listdir(image('plain')):
        stem = name.split('.')[0].split('-')
        own = stem[0] in ('core', 'mm', 'fs', 'ids', 'pagemap') and stem[1:] and stem[1].isdigit()
        for pid in range(10000, 11000) if own else [0]:
            os.link(image('plain', name), os.path.join(many, name.replace(stem[1], str(pid)) if own else name))
    tree_ = {'magic': 'PSTREE', 'entries': [{'pid': 10000 + i, 'ppid': 10000 if i else 0, 'pgid': 10000, 'sid': 10000, 'threads': [10000 + i]}
                                            for i in range(1000)]}
    os.unlink(os.path.join(many, 'pstree.img'))
    with open(os.path.join(TMP.name, 'tree.json'), 'w') as f:
        json.dump(tree_, f)
    run(CRIT, 'encode', '-i', os.path.join(TMP.name, 'tree.json'), '-o', os.path.join(many, 'pstree.img'))

    def limit():
        resource.setrlimit(resource.RLIMIT_DATA, (16 << 20, 16 << 20))

    for view in VIEWS:
        run(CRIT, 'x', many, view, preexec_fn=limit)
        got = json.loads(run(CRIT, 'x', many, view, '--json', preexec_fn=limit).stdout)
        one = rows('plain', view)
        if one and view in ('ps', 'threads', 'args', 'env', 'creds', 'signals', 'mems', 'rss'):
            check(len(got) == 1000 * len(one) and [r['pid'] for r in got[::len(one)]] == list(range(10000, 11000)), f'{view}: {len(got)}')
            check([{**r, 'pid': 0, 'tid': 0} for r in got[-len(one):]][1:] == [{**r, 'pid': 0, 'tid': 0} for r in one][1:], view)


if __name__ == '__main__':
    main([everything, tree, sockets, tasks, places, old_images, many_tasks])
