"""What the kernel says of a tree of tasks, in a form that can be compared before and after."""
import os
import re

STATUS_KEYS = ('Name', 'Umask', 'State', 'Ngid', 'PPid', 'Uid', 'Gid', 'Groups', 'SigBlk', 'SigIgn', 'SigCgt', 'CapInh',
               'CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'NoNewPrivs', 'Seccomp', 'THP_enabled', 'NStgid', 'NSpgid', 'NSsid')


def read(path):
    with open(path, 'rb') as f:
        return f.read().decode(errors='replace')


def children(pid):
    found = []
    for tid in os.listdir(f'/proc/{pid}/task'):
        found += [int(c) for c in read(f'/proc/{pid}/task/{tid}/children').split()]
    return sorted(found)


def tree(root):
    pids = [root]
    for pid in pids:
        pids += children(pid)
    return pids


def status(path):
    rows = dict(l.split(':', 1) for l in read(path).splitlines() if ':' in l)
    kept = {k: rows[k].strip() for k in STATUS_KEYS if k in rows}
    # Running or sleeping is chance; stopped and dead are state.
    kept['State'] = 'alive' if kept['State'][0] in 'RSD' else kept['State']
    return kept


def mappings(pid):
    """Merged where the kernel could have merged them: how it splits anonymous memory is chance."""
    merged = []
    for line in read(f'/proc/{pid}/maps').splitlines():
        m = re.match(r'([0-9a-f]+)-([0-9a-f]+) (\S+) ([0-9a-f]+) (\S+) (\d+)\s*(.*)$', line)
        start, end, prot, off, dev, ino, name = m.groups()
        start, end, off = int(start, 16), int(end, 16), int(off, 16)
        if name.startswith(('/dev/zero', '/memfd:', '/SYSV', '/anon_hugepage')) or '(deleted)' in name:
            dev = ino = ''  # another inode afterwards, of the same kind
        if name in ('[vvar]', '[vvar_vclock]', '[vdso]', '[vsyscall]'):
            name = '[vdso or vvar]'
            off = 0
        last = merged[-1] if merged else None
        if last and last[1] == start and last[2] == prot and last[6] == name and not name.startswith('[stack') and (
                ino == '0' or last[3] + (last[1] - last[0]) == off):
            last[1] = end
        else:
            merged.append([start, end, prot, off, dev, ino, name])
    return [f'{s:x}-{e:x} {p} {o:x} {d} {i} {n}' for s, e, p, o, d, i, n in merged]


def descriptors(pid):
    found = {}
    for fd in os.listdir(f'/proc/{pid}/fd'):
        link = os.readlink(f'/proc/{pid}/fd/{fd}')
        info = dict(l.split(':', 1) for l in read(f'/proc/{pid}/fdinfo/{fd}').splitlines() if ':' in l)
        # Inodes of pipes and sockets are new after restore.
        link = re.sub(r':\[\d+\]', '', link)
        found[int(fd)] = (link, info.get('pos', '').strip(), info.get('flags', '').strip())
    return found


def links(pid):
    return {n: os.readlink(f'/proc/{pid}/{n}') for n in ('cwd', 'root', 'exe')}


def limits(pid):
    return read(f'/proc/{pid}/limits')


def task(pid):
    zombie = read(f'/proc/{pid}/stat').rsplit(')', 1)[1].split()[0] == 'Z'
    stat = read(f'/proc/{pid}/stat').rsplit(')', 1)[1].split()
    found = {'status': status(f'/proc/{pid}/status'), 'pgrp and session': stat[2:4]}
    if zombie:
        found['exit code'] = stat[49]
        return found
    found.update({
        'threads': sorted(int(t) for t in os.listdir(f'/proc/{pid}/task')),
        'mappings': mappings(pid), 'descriptors': descriptors(pid), 'links': links(pid), 'limits': limits(pid),
        'cmdline': read(f'/proc/{pid}/cmdline'), 'environ': read(f'/proc/{pid}/environ'),
        'oom_score_adj': read(f'/proc/{pid}/oom_score_adj'),
    })
    for t in found['threads']:
        if t != pid:
            found[f'thread {t}'] = status(f'/proc/{pid}/task/{t}/status')
    return found


def snapshot(root):
    return {pid: task(pid) for pid in tree(root)}


def difference(a, b, where=''):
    """The first difference, as a line for people; None when there is none."""
    if type(a) is not type(b):
        return f'{where}: {a!r} became {b!r}'
    if isinstance(a, dict):
        for k in sorted(set(a) | set(b), key=str):
            here = f'{where}: {k}' if where else f'pid {k}'
            if k not in b:
                return f'{here}: gone (was {str(a[k])[:200]})'
            if k not in a:
                return f'{here}: new ({str(b[k])[:200]})'
            d = difference(a[k], b[k], here)
            if d:
                return d
        return None
    if isinstance(a, list) and a != b:
        gone = [x for x in a if x not in b]
        new = [x for x in b if x not in a]
        return f'{where}: gone {gone[:4]}, new {new[:4]}'
    return None if a == b else f'{where}: {a!r} became {b!r}'
