#!/usr/bin/env python3
"""The front door: help, usage, check, cpuinfo; what is printed and how it exits."""
import json
import os
import re
import sys
import tempfile

TESTS = os.environ.get('TESTS_DIR', os.path.join(os.path.dirname(__file__), '..', '..'))
sys.path.insert(0, os.path.join(TESTS, 'harness'))
from tap import Skipped, check, main, run  # noqa: E402

BUILD = os.environ['BUILD']
CRIU = os.path.join(BUILD, 'criu')
PLAIN = '--no-default-config'

# What clients ask `check --feature` for.
FEATURES = '''userns mnt_id tcp_half_closed fdinfo_lock has_ipt_legacy seccomp_filters seccomp_suspend network_lock_nftables
move_mount_set_group get_rseq_conf cgroupns timens ipv6_freebind aio_remap kcmp_epoll tun tun_ns timerfd sockopt_buf_lock
pidfd_store pagemap_scan_guard_pages ns_pid nftables newifindex net_diag_raw sk_unix_file memfd_hugetlb loginuid link_nsid
autofs apparmor_stacking mem_dirty_track uffd uffd-noncoop compat_cr can_map_vdso sk_ns nsid external_net_ns clone3_set_tid
openat2 pagemap_scan timer_cr_ids overlayfs_maps breakpoints'''.split()


def need_root():
    if os.geteuid() != 0:
        raise Skipped('needs root')


def help_of_all():
    """--help names every command; of a command, its options"""
    text = run(CRIU, '--help').stdout
    for command in ('dump', 'restore', 'check', 'cpuinfo'):
        check(re.search(rf'^  criu {command} ', text, re.M), f'no usage of {command}')
    for option in ('--tree', '--images-dir', '--shell-job', '--cpu-cap'):
        check(option in text, f'no {option}')
    text = run(CRIU, 'check', '--help').stdout
    check('--feature' in text and '--tree' not in text, text)


def version():
    """-V prints the version"""
    check(re.match(r'Version: \d+\.\d+', run(CRIU, '-V').stdout), 'no version')


def usage():
    """what makes no sense is refused and it says what it is"""
    for args, text in ((['dmup'], 'dmup'), ([], 'command'), (['dump', '--tree', 'x'], '--tree'), (['check', '--feature', 'nope'], 'nope'),
                       (['dump', '--nope'], '--nope'), (['cpuinfo', PLAIN], 'dump or check')):
        p = run(CRIU, *args, status=1)
        check(text in p.stderr and p.stderr.startswith('criu: ') and len(p.stderr.splitlines()) == 1, f'{args}: {p.stderr!r}')


def harness_form():
    """the command line of test harnesses: repeated options, -verbosity=0"""
    run(CRIU, 'check', PLAIN, PLAIN, '-verbosity=0', '--feature', 'mnt_id')


def feature_list():
    """check --feature list prints the names, one a line; each can be asked for"""
    names = run(CRIU, 'check', PLAIN, '--feature', 'list').stdout.split()
    missing = [f for f in FEATURES if f not in names]
    check(not missing, f'not listed: {missing}')
    for name in names:
        p = run(CRIU, 'check', PLAIN, '--feature', name, status=None)
        check(p.returncode in (0, 1), f'{name}: status {p.returncode}: {p.stderr}')
        check((p.returncode == 0) == (name in p.stdout), f'{name}: {p.stdout!r} {p.stderr!r}')


def check_essential():
    """check says that this kernel looks good"""
    need_root()
    check(run(CRIU, 'check', PLAIN).stdout == 'Looks good.\n', 'it does not')


def check_all():
    """check --all --json: a verdict that fits what is told of each feature"""
    need_root()
    p = run(CRIU, 'check', PLAIN, '--all', '--json', status=None)
    report = json.loads(p.stdout)
    absent = [f for f in report['features'] if not f['present']]
    check(p.returncode == (1 if absent else 0), f'status {p.returncode} with {len(absent)} absent')
    check(report['good'] == (not absent), 'the verdict does not fit')
    check(all(f['reason'] for f in absent), 'a feature is absent without a reason')


def cpuinfo():
    """cpuinfo dump writes what cpuinfo check accepts; another processor's is refused"""
    with tempfile.TemporaryDirectory() as d:
        run(CRIU, 'cpuinfo', 'dump', PLAIN, '-D', d)
        run(CRIU, 'cpuinfo', 'check', PLAIN, '-D', d)
        run(CRIU, 'cpuinfo', 'check', PLAIN, '-D', d, '--cpu-cap')
        # The same image with every feature bit of AVX-512 and more set: no processor has them all.
        image = os.path.join(d, 'cpuinfo.img')
        data = run(os.path.join(BUILD, 'crit'), 'decode', '-i', image).stdout
        entry = json.loads(data)
        entry['entries'][0]['x86_entry'][0]['capability'][9] = 0xffffffff
        with open(os.path.join(d, 'json'), 'w') as f:
            json.dump(entry, f)
        p = run(os.path.join(BUILD, 'crit'), 'encode', '-i', os.path.join(d, 'json'), '-o', image, status=None)
        if p.returncode:
            raise Skipped('crit cannot encode yet')
        p = run(CRIU, 'cpuinfo', 'check', PLAIN, '-D', d, '--cpu-cap=ins', status=1)
        check('lacks' in p.stderr and 'avx512' in p.stderr, p.stderr)
        run(CRIU, 'cpuinfo', 'check', PLAIN, '-D', d, '--cpu-cap=none')
        os.unlink(image)
        run(CRIU, 'cpuinfo', 'check', PLAIN, '-D', d, status=1)


def failures():
    """every failure is status 1 here, of the engines as well, and what they do themselves when they are called by their names"""
    with tempfile.TemporaryDirectory() as d:
        os.mkdir(f'{d}/empty')
        for program, command in (('criu-dump', ['dump']), ('criu-restore', ['restore'])):
            if not os.path.exists(os.path.join(BUILD, program)):
                continue
            for args, status in ((['-D', f'{d}/none'], 1), (['--no-such'], 2), (['-D', f'{d}/empty'], None)):
                p = run(CRIU, *command, PLAIN, *args, status=1)
                own = run(os.path.join(BUILD, program), PLAIN, *args, status=status)
                check(own.returncode != 0 and p.stderr, f'{program} {args}: {own.returncode} {p.stderr!r}')


def not_yet():
    """what is known and not done yet is refused by name, and nothing is touched"""
    need_root()
    if not os.path.exists(os.path.join(BUILD, 'criu-dump')):
        raise Skipped('no criu-dump')
    with tempfile.TemporaryDirectory() as d:
        options = ['--unprivileged', '--lsm-mount-context=x', '--cgroup-yard=/x']
        left = [o for o in options if 'not supported yet' in run(CRIU, 'dump', PLAIN, '-t', '1', '-D', d, o, status=1).stderr]
        if not left:
            raise Skipped('there is nothing that is not done')
        p = run(CRIU, 'dump', PLAIN, '-t', '1', '-D', d, *left, status=1)
        check(all(o.split('=')[0] in p.stderr for o in left), p.stderr)
        check(not [n for n in os.listdir(d) if n.endswith('.img')], os.listdir(d))


if __name__ == '__main__':
    main([help_of_all, version, usage, harness_form, feature_list, check_essential, check_all, cpuinfo, failures, not_yet])
