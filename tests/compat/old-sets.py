#!/usr/bin/env python3
"""Sets as older CRIUs wrote them, made of the golden ones: what looks into them says the same, and what converts them makes today's forms.

Two ages: `3.11` (an image per type of file, page maps with the number of pages in field 2) and `1.x` (version 1.0; mappings, signal actions,
credentials, limits, timers, pending signals, epoll targets and watches in images of their own; in_parent in place of flags). The images are encoded by
Debian's crit (package criu, 3.17) where it is there, so that not only we say what their bytes are.
"""
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CRIT = os.path.join(os.path.abspath(os.environ.get('BUILD', os.path.join(TOP, 'build'))), 'crit')
PEER = next((p for p in (os.environ.get('PEER_CRIT'), '/usr/bin/crit') if p and os.access(p, os.X_OK)), None)
ARCHIVE = os.path.join(TOP, 'tests/images/golden/criu-4.2.tar.xz')
SETS = ('chain-track', 'creds', 'epoll', 'fanotify', 'fifo', 'files', 'inet', 'inotify', 'limits', 'mem', 'memfd', 'netlink', 'packet', 'pipes',
        'scm', 'signalfd', 'signals', 'threads', 'timerfd', 'tree', 'tty', 'tun', 'unix')
# file_entry.type: the image and its magic, and the member
FILES = {'REG': ('reg-files', 'REG_FILES', 'reg'), 'EXT': ('ext-files', 'EXT_FILES', 'ext'), 'NS': ('ns-files', 'NS_FILES', 'nsf'),
         'PIPE': ('pipes', 'PIPES', 'pipe'), 'FIFO': ('fifo', 'FIFO', 'fifo'), 'UNIXSK': ('unixsk', 'UNIXSK', 'usk'),
         'INETSK': ('inetsk', 'INETSK', 'isk'), 'PACKETSK': ('packetsk', 'PACKETSK', 'psk'), 'NETLINKSK': ('netlinksk', 'NETLINK_SK', 'nlsk'),
         'EVENTFD': ('eventfd', 'EVENTFD_FILE', 'efd'), 'EVENTPOLL': ('eventpoll', 'EVENTPOLL_FILE', 'epfd'),
         'SIGNALFD': ('signalfd', 'SIGNALFD', 'sgfd'), 'INOTIFY': ('inotify', 'INOTIFY_FILE', 'ify'),
         'FANOTIFY': ('fanotify', 'FANOTIFY_FILE', 'ffy'), 'TTY': ('tty', 'TTY_FILES', 'tty'), 'TUNF': ('tunfile', 'TUNFILE', 'tunf'),
         'TIMERFD': ('timerfd', 'TIMERFD', 'tfd')}
# what was outside of the entry of its file
LISTS = {'EVENTPOLL': ('tfd', 'eventpoll-tfd', 'EVENTPOLL_TFD'), 'INOTIFY': ('wd', 'inotify-wd', 'INOTIFY_WD'),
         'FANOTIFY': ('mark', 'fanotify-mark', 'FANOTIFY_MARK')}
nr = failed = 0


def check(name, good, *why):
    global nr, failed
    nr += 1
    print(f'{"ok" if good else "not ok"} {nr} - {name}')
    if not good:
        failed += 1
        for w in why:
            print('#', str(w).strip()[:3000].replace('\n', '\n# '))


def crit(*args, **kw):
    p = subprocess.run([CRIT, *args], capture_output=True, timeout=120, **kw)
    return p.returncode, p.stdout, p.stderr.decode(errors='replace')


def decode(path):
    status, out, err = crit('decode', '-i', path)
    if status:
        raise RuntimeError(err)
    return json.loads(out)


def encode(path, image, by_peer=True):
    """Debian's crit makes it; ours has to make the same bytes of the same JSON."""
    text = json.dumps(image).encode()
    status, out, err = crit('encode', input=text)
    if status:
        raise RuntimeError(f'{path}: {err}')
    if PEER and by_peer:
        p = subprocess.run([PEER, 'encode'], input=text, capture_output=True)
        if p.returncode:
            raise RuntimeError(f'{path}: {p.stderr.decode()[-300:]}')
        if p.stdout != out:
            raise RuntimeError(f'{path}: not what Debian\'s crit makes of the same JSON')
    with open(path, 'wb') as f:
        f.write(out)


def split_files(where, lists):
    path = os.path.join(where, 'files.img')
    if not os.path.exists(path):
        return
    images = {}
    kept = []
    for e in decode(path)['entries']:
        if e['type'] not in FILES:
            kept.append(e)
            continue
        name, magic, member = FILES[e['type']]
        entry = e[member]
        images.setdefault((name, magic), []).append(entry)
        if lists and e['type'] in LISTS:
            field, name, magic = LISTS[e['type']]
            for sub in entry.pop(field, []):
                sub['id'] = entry['id']
                images.setdefault((name, magic), []).append(sub)
    os.unlink(path)
    if kept:
        encode(path, {'magic': 'FILES', 'entries': kept}, by_peer=False)
    for (name, magic), entries in images.items():
        # Some have fields that 3.17 does not know.
        encode(os.path.join(where, f'{name}.img'), {'magic': magic, 'entries': entries}, by_peer=magic not in ('INETSK', 'UNIXSK'))


def each(where, stem):
    for name in sorted(os.listdir(where)):
        if name.startswith(stem + '-') and name.endswith('.img') and name[len(stem) + 1:-4].replace('shmem-', '').isdigit():
            yield os.path.join(where, name), name[len(stem) + 1:-4]


def old_page_maps(where, in_parent):
    for path, _ in each(where, 'pagemap'):
        image = decode(path)
        for e in image['entries'][1:]:
            e.pop('compat_nr_pages', None)
            if in_parent:
                flags = e.pop('flags')
                if flags & 1:
                    e['in_parent'] = True
        encode(path, image)


def split_tasks(where):
    for path, pid in each(where, 'mm'):
        mm = decode(path)
        vmas = mm['entries'][0].pop('vmas', [])
        encode(os.path.join(where, f'vmas-{pid}.img'), {'magic': 'VMAS', 'entries': vmas})
        encode(path, mm, by_peer=False)
    for path, pid in each(where, 'core'):
        core = decode(path)
        c = core['entries'][0]
        thread = c.get('thread_core', {})
        if 'creds' in thread:
            encode(os.path.join(where, f'creds-{pid}.img'), {'magic': 'CREDS', 'entries': [thread.pop('creds')]}, by_peer=False)
        if 'signals_p' in thread:
            encode(os.path.join(where, f'signal-p-{pid}.img'), {'magic': 'PSIGNAL', 'entries': [thread.pop('signals_p')]}, by_peer=False)
        tc = c.get('tc')
        if tc:
            if 'signals_s' in tc:
                encode(os.path.join(where, f'signal-s-{pid}.img'), {'magic': 'SIGNAL', 'entries': [tc.pop('signals_s')]}, by_peer=False)
            if 'sigactions' in tc:
                encode(os.path.join(where, f'sigacts-{pid}.img'), {'magic': 'SIGACT', 'entries': tc.pop('sigactions')})
            if 'rlimits' in tc:
                encode(os.path.join(where, f'rlimit-{pid}.img'), {'magic': 'RLIMIT', 'entries': tc.pop('rlimits')['rlimits']}, by_peer=False)
            if 'timers' in tc:
                t = tc.pop('timers')
                encode(os.path.join(where, f'itimers-{pid}.img'), {'magic': 'ITIMERS', 'entries': [t['real'], t['virt'], t['prof']]})
                encode(os.path.join(where, f'posix-timers-{pid}.img'), {'magic': 'POSIX_TIMERS', 'entries': t.get('posix', [])}, by_peer=False)
        encode(path, core, by_peer=False)


def framing_1_0(where):
    for name in os.listdir(where):
        path = os.path.join(where, name)
        if os.path.islink(path) or not os.path.isfile(path):
            continue
        with open(path, 'rb') as f:
            data = f.read()
        if data[:4] in (b'\x19\x43\x56\x54', b'\x40\x59\x10\x55'):
            with open(path, 'wb') as f:
                f.write(data[4:])
    path = os.path.join(where, 'inventory.img')
    inventory = decode(path)
    inventory['entries'][0]['img_version'] = 1
    encode(path, inventory, by_peer=False)


def age_3_11(where):
    split_files(where, False)
    old_page_maps(where, False)


def age_1_x(where):
    split_files(where, True)
    old_page_maps(where, True)
    split_tasks(where)
    framing_1_0(where)


VIEWS = ('ps', 'fds', 'mems', 'rss', 'tree', 'threads', 'args', 'env', 'creds', 'signals', 'timers', 'files', 'sk', 'mounts', 'ns', 'cgroups')


def by_id(files):
    def bare(v, top):
        return {k: bare(x, False) for k, x in v.items() if top or k != 'id'} if isinstance(v, dict) else [bare(x, False) for x in v] if isinstance(v, list) else v
    return {e['id']: json.dumps(bare(e, True), sort_keys=True) for e in files['entries']}


def difference(x, y, at=''):
    """Where two values differ."""
    if isinstance(x, dict) and isinstance(y, dict):
        return [d for k in sorted({*x, *y}) for d in difference(x.get(k), y.get(k), f'{at}.{k}')]
    if isinstance(x, list) and isinstance(y, list) and len(x) == len(y):
        return [d for i, (a, b) in enumerate(zip(x, y)) for d in difference(a, b, f'{at}[{i}]')]
    return [] if x == y else [f'{at}: {str(x)[:100]}, {str(y)[:100]}']


def differences(today, old, age):
    """What is different after the conversion of the old set: JSON of each image that is not about the versions."""
    why = []
    for name in sorted(os.listdir(today)):
        a, b = os.path.join(today, name), os.path.join(old, name)
        if os.path.islink(a) or os.path.isdir(a) or not name.endswith('.img'):
            continue
        if not os.path.exists(b):
            why.append(f'{name}: gone')
        elif name.startswith('pages-') or name.endswith('.tar.gz.img'):
            with open(a, 'rb') as x, open(b, 'rb') as y:
                if x.read() != y.read():
                    why.append(f'{name}: differs')
        elif name.split('-')[0] in ('route', 'route6', 'rule', 'ifaddr', 'iptables', 'ip6tables', 'nftables', 'netns'):
            continue
        else:
            x, y = decode(a), decode(b)
            if name == 'files.img':
                x, y = by_id(x), by_id(y)
            if name.startswith('pagemap-'):
                # 1.x does not know lazy, and the number of pages stays in both fields.
                for image in x, y:
                    for e in image['entries'][1:]:
                        e['compat_nr_pages'] = 0
                        if age == '1.x':
                            e['flags'] &= 5
            if name == 'inventory.img':
                y['entries'][0]['img_version'] = x['entries'][0].get('img_version', 2)
                x['entries'][0].setdefault('img_version', 2)
            if x != y:
                why += [f'{name}: {n}' for n in difference(x, y)][:5]
    extra = set(os.listdir(old)) - set(os.listdir(today)) - {'manifest.img'}
    if extra:
        why.append(f'too much: {sorted(extra)}')
    return why


def judge(top, age, make, name):
    """Each directory of images of a set, made old, beside what it was."""
    today = os.path.join(top, 'img')
    old = f'{top}.{age}'
    shutil.copytree(today, old, symlinks=True)
    places = sorted(p for p, _, names in os.walk(old) if any(n.endswith('.img') for n in names))
    for where in places:
        make(where)
    last = places[-1]
    was = os.path.join(today, os.path.relpath(last, old))
    why = []
    for view in VIEWS:
        a, b = crit('x', was, view), crit('x', last, view)
        # 1.x has no word for pages that could be lazy.
        lazy = lambda text: text.replace(b' lazy', b'')
        if a[0] != b[0] or lazy(a[1]) != lazy(b[1]):
            why.append(f'x {view}: {a[1].decode()} {b[1].decode()} {b[2]}')
    status, out, err = crit('validate', '--json', last)
    findings = json.loads(out)['findings'] if out else [{'severity': 'error', 'text': err}]
    errors = [f for f in findings if f['severity'] == 'error']
    base = crit('validate', '--json', was)
    if len(errors) > sum(f['severity'] == 'error' for f in json.loads(base[1])['findings']):
        why.append(f'validate: {errors[:4]}')
    check(f'{name} as of {age}: views say the same, and it is valid', not why, *why)
    why = []
    for where in places:
        made = f'{where}.new'
        status, _, err = crit('convert', '--to', '2', where, made)
        why += [err] if status else differences(os.path.join(today, os.path.relpath(where, old)), made, age)
        if not status and where == last:
            pid = next((i for _, i in each(made, 'core')), None)
            status, _, err = crit('core', '-o', f'{made}.core', last, pid) if pid else (0, b'', '')
            if status and 'zombie' not in err:
                why.append(f'core: {err}')
    check(f'{name} as of {age}: converted, it is today\'s', not why, *why)


def main():
    with tempfile.TemporaryDirectory(prefix='old-sets.') as tmp:
        with tarfile.open(ARCHIVE) as tar:
            tar.extractall(tmp, [m for m in tar.getmembers() if '/img' in m.name and m.name.split('/')[1] in (sys.argv[1:] or SETS)])
        for name in sys.argv[1:] or SETS:
            for age, make in (('3.11', age_3_11), ('1.x', age_1_x)):
                try:
                    judge(os.path.join(tmp, 'dev', name), age, make, name)
                except (RuntimeError, KeyError) as e:
                    check(f'{name} as of {age}', False, e)
    print(f'1..{nr}')
    return failed != 0


if __name__ == '__main__':
    sys.exit(main())
