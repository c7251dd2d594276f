"""What the kernel says of a tree of tasks, in a form that can be compared before and after.

What is chance is left out or made equal: whether a task runs or sleeps, how the kernel splits mappings that are alike, the
inodes of pipes. What a task has is compared as the kernel prints it.
"""
import os
import re

STATUS_KEYS = ('Name', 'Umask', 'State', 'Ngid', 'PPid', 'TracerPid', 'Uid', 'Gid', 'Groups', 'SigBlk', 'SigIgn', 'SigCgt',
               'SigPnd', 'ShdPnd', 'CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'NoNewPrivs', 'Seccomp', 'THP_enabled',
               'NStgid', 'NSpgid', 'NSsid')

# Fields of /proc/PID/stat by their number in proc_pid_stat(5). Addresses are those of prctl(PR_SET_MM).
STAT = {'tty_nr': 7, 'exit signal': 38, 'rt_priority': 40, 'policy': 41}
STAT_NICE = 19
STAT_TASK = {'pgrp': 5, 'session': 6, 'start_code': 26, 'end_code': 27, 'start_stack': 28, 'start_data': 45, 'end_data': 46,
             'start_brk': 47, 'arg_start': 48, 'arg_end': 49, 'env_start': 50, 'env_end': 51}
STAT_EXIT_CODE = 52

# VmFlags that say how a mapping came about, not what it is: accounted, soft-dirty, had a guard region at some time.
VMFLAGS_CHANCE = {'ac', 'sd', 'gu'}


def read(path):
    with open(path, 'rb') as f:
        return f.read().decode(errors='replace')


def stat(path):
    """The fields of a stat file, by their number in the manual."""
    text = read(path)
    fields = text[text.rindex(')') + 2:].split()
    return {nr: field for nr, field in enumerate(fields, 3)}


def alive(pid):
    """Is there such a task, and is it not a zombie?"""
    try:
        return stat(f'/proc/{pid}/stat')[3] not in 'ZX'
    except OSError:
        return False


def threads(pid):
    return sorted(int(t) for t in os.listdir(f'/proc/{pid}/task'))


def children(pid):
    found = []
    for tid in threads(pid):
        found += [int(c) for c in read(f'/proc/{pid}/task/{tid}/children').split()]
    return sorted(found)


def tree(root):
    """Of a tree that may run: who ends while it is looked at is not of it."""
    pids = [root]
    at = 0
    while at < len(pids):
        try:
            pids += children(pids[at])
            at += 1
        except FileNotFoundError:
            del pids[at]
    return pids


STATUS_KEYS_ZOMBIE = ('Name', 'State', 'PPid', 'NStgid', 'NSpgid', 'NSsid')


def status(path, keys=STATUS_KEYS):
    rows = dict(l.split(':', 1) for l in read(path).splitlines() if ':' in l)
    kept = {k: rows[k].strip() for k in keys if k in rows}
    # A signal that nothing blocks is on its way.
    for pending in ('SigPnd', 'ShdPnd'):
        if pending in kept:
            kept[pending] = f'{int(kept[pending], 16) & int(kept["SigBlk"], 16):016x}'
    # Running or sleeping is chance; stopped and dead are state.
    kept['State'] = 'alive' if kept['State'][0] in 'RSD' else kept['State']
    return kept


def smaps(pid):
    """(line of maps, its VmFlags) of each mapping."""
    found = []
    for line in read(f'/proc/{pid}/smaps').splitlines():
        if re.match(r'[0-9a-f]+-[0-9a-f]+ ', line):
            found.append([line, ''])
        elif line.startswith('VmFlags:'):
            found[-1][1] = ' '.join(sorted(set(line.split()[1:]) - VMFLAGS_CHANCE))
    return found


def mappings(pid):
    """Merged where the kernel could have merged them."""
    merged = []
    for line, flags in smaps(pid):
        m = re.match(r'([0-9a-f]+)-([0-9a-f]+) (\S+) ([0-9a-f]+) (\S+) (\d+)\s*(.*)$', line)
        start, end, prot, off, dev, ino, name = m.groups()
        start, end, off = int(start, 16), int(end, 16), int(off, 16)
        # Shared anonymous memory may be made anew as a memfd: only its name tells.
        m = re.match(r'/memfd:(/dev/zero|/anon_hugepage|) \(deleted\)$', name)
        if m:
            name = (m.group(1) or '/dev/zero') + ' (deleted)'
        if name.startswith(('/dev/zero', '/memfd:', '/SYSV', '/anon_hugepage')) or '(deleted)' in name:
            dev = ino = ''  # another inode afterwards, of the same kind
        if name == '[vsyscall]':
            continue  # 32-bit programs do not show it, but when they are restored by a 64-bit one
        if name in ('[vvar]', '[vvar_vclock]', '[vdso]'):
            name, off, flags = '[vdso or vvar]', 0, ''
        kind = (prot, dev, ino, name, flags)
        last = merged[-1] if merged else None
        if last and last[1] == start and last[3] == kind and not name.startswith('[stack') and (
                ino == '0' or last[2] + (last[1] - last[0]) == off):
            last[1] = end
        else:
            merged.append([start, end, off, kind])
    return [f'{s:x}-{e:x} {o:x} ' + ' '.join(kind) for s, e, o, kind in merged]


def descriptors(pid):
    found = {}
    for fd in os.listdir(f'/proc/{pid}/fd'):
        link = os.readlink(f'/proc/{pid}/fd/{fd}')
        info = dict(l.split(':', 1) for l in read(f'/proc/{pid}/fdinfo/{fd}').splitlines() if ':' in l)
        # Inodes of pipes and sockets are new after restore.
        link = re.sub(r':\[\d+\]', '', link)
        found[int(fd)] = (link, info.get('pos', '').strip(), info.get('flags', '').strip())
    return found


def posix_timers(pid):
    """/proc/PID/timers, a block of lines for each: by number, which is what the task knows a timer by."""
    blocks = re.split(r'^(?=ID:)', read(f'/proc/{pid}/timers'), flags=re.M)
    return {int(b.split()[1]): b.split('\n')[1:] for b in blocks if b}


def thread(path):
    fields = stat(path + '/stat')
    found = {'status': status(path + '/status')}
    found.update((name, fields[nr]) for name, nr in STAT.items())
    found['nice'] = fields[STAT_NICE]
    return found


def task(pid):
    fields = stat(f'/proc/{pid}/stat')
    tids = threads(pid)
    if fields[3] == 'Z':  # a leader can end before its threads
        return {'status': status(f'/proc/{pid}/status', STATUS_KEYS_ZOMBIE), 'pgrp': fields[5], 'session': fields[6],
                'exit code': fields[STAT_EXIT_CODE], 'threads': tids}
    found = thread(f'/proc/{pid}')
    found.update((name, fields[nr]) for name, nr in STAT_TASK.items())
    found.update({
        'threads': tids, 'mappings': mappings(pid), 'descriptors': descriptors(pid),
        'links': {n: os.readlink(f'/proc/{pid}/{n}') for n in ('cwd', 'root', 'exe')},
        'timers': posix_timers(pid),
    })
    for name in ('limits', 'cmdline', 'environ', 'auxv', 'oom_score_adj', 'personality', 'coredump_filter', 'loginuid',
                 'timerslack_ns', 'cgroup', 'uid_map', 'gid_map'):
        found[name] = read(f'/proc/{pid}/{name}')
    for t in tids:
        if t != pid:
            found[f'thread {t}'] = thread(f'/proc/{pid}/task/{t}')
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
