#!/usr/bin/env python3
"""Trees with a network of their own that is connected with the host: --external veth, macvlan, netdev; scripts that move devices in; and a
dump or a restore that fails leaves no device, no rule and no namespace behind."""
import glob
import os
import re
import shutil
import socket
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'harness'))
sys.path.insert(0, HERE)
import tap
from carry import LESS_TMPFS
from namespaces import INSIDE, Tree, children, until

# An init that waits for its devices, and a sleeper with a socket below it.
CONTAINER = ['unshare', '-m', '-n', '-p', '-f', '--mount-proc', 'setsid', 'sh', '-c',
             LESS_TMPFS + 'ip link set lo up; exec 9>/dev/null; sleep 1000 & while :; do wait; done']
OPTIONS = ['--external', 'veth[eth0]:out0@br0', '--external', 'macvlan[mac0]:low0', '--external', 'netdev[dev0]:spare0']
SHOWN = ('ip -o -d link', 'ip addr', 'ip route', 'nft list ruleset', 'iptables-save', 'ip6tables-save', 'ip netns list-id')


def ip(text, pid=None):
    for line in text.strip().split('\n'):
        tap.run(*(['nsenter', '-n', '-t', str(pid)] if pid else []), 'ip', *line.split())


def show(pid=None):
    """What there is of a network: of the host's, or of that of a task."""
    text = ''
    for command in SHOWN:
        out = tap.run(*(['nsenter', '-n', '-t', str(pid)] if pid else []), *command.split(), status=None).stdout
        text += f'== {command}\n' + '\n'.join(line for line in out.split('\n') if not line.startswith('#'))
    # A bridge is told of its last port a moment later.
    text = re.sub(r'\w*timer +[0-9.]+|(valid|preferred)_lft \w+|link-netnsid \d+|NO-CARRIER,|,LOWER_UP| state \w+| linkdown| tentative', '', text)
    return re.sub(r'\[\d+:\d+\]', '', text)


def differs(before, after):
    a, b = before.split('\n'), after.split('\n')
    return [f'-{x}' for x in a if x not in b] + [f'+{x}' for x in b if x not in a]


def host():
    """A bridge, and a device that others can stand on."""
    if not os.path.exists('/sys/class/net/br0') and 'br0' not in tap.run('ip', 'link').stdout:
        ip('''link set lo up
              link add br0 type bridge
              addr add 10.8.0.1/24 dev br0
              link set br0 up
              link add low0 type veth peer name low1
              link set low0 up''')


def container():
    t = Tree(CONTAINER)
    t.pid = until(lambda: children(t.starter.pid), 'no init')[0]
    until(lambda: 'sleep' in [open(f'/proc/{c}/comm').read().strip() for c in children(t.pid)], 'no sleeper')
    host()
    ip(f'''link add eth0 index 50 netns {t.pid} type veth peer name was0
           link set was0 master br0 up
           link add mac0 index 51 link low0 netns {t.pid} type macvlan mode bridge
           link add was1 index 60 type veth peer name dev0 index 52 netns {t.pid}''')
    ip('''link set eth0 up
          addr add 10.8.0.2/24 dev eth0
          route add default via 10.8.0.1
          link set mac0 address 02:00:00:00:00:51 up
          addr add 10.8.1.2/24 dev dev0''', t.pid)
    return t


def spare():
    """What becomes dev0: a device of the host's."""
    ip('link add spare0 type veth peer name spare1')


def reachable():
    """Somebody at the address of eth0 says that nobody listens."""
    try:
        socket.create_connection(('10.8.0.2', 9), 0.5).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        pass
    return False


def gone():
    """The devices of a tree that was dumped go with its namespace, a moment later."""
    until(lambda: not re.search(r' (was[01]|out0|spare1)[@:]', tap.run('ip', '-o', 'link').stdout), 'devices of the old namespace stay')


def outside():
    """--external veth[..]:..@.., macvlan[..]:.., netdev[..]:..: connected with the host again, with the old indices"""
    with container() as t:
        before = [line.split(':')[:2] for line in tap.run('nsenter', '-n', '-t', t.pid, 'ip', '-o', 'link').stdout.split('\n')]
        t.dump()
        gone()
        spare()
        t.restore(*OPTIONS)
        after = [line.split(':')[:2] for line in tap.run('nsenter', '-n', '-t', t.pid, 'ip', '-o', 'link').stdout.split('\n')]
        names = [[index, name.split('@')[0]] for index, *name in [(b[0], *b[1:]) for b in before if len(b) > 1] for name in name]
        now = [[index, name.split('@')[0]] for index, *name in [(b[0], *b[1:]) for b in after if len(b) > 1] for name in name]
        tap.check(names == now, f'devices were {names}, are {now}')
        tap.check('out0' in tap.run('ip', 'link', 'show', 'master', 'br0').stdout, 'out0 is no port of br0')
        until(reachable, 'nothing gets through')
        mac = tap.run('nsenter', '-n', '-t', t.pid, 'ip', '-o', 'link', 'show', 'mac0').stdout
        tap.check('02:00:00:00:00:51' in mac and 'UP' in mac, f'mac0: {mac}')
        rules = tap.run('nsenter', '-n', '-t', t.pid, 'nft', 'list', 'ruleset').stdout
        tap.check('CRIU' not in rules, f'the lock is still there: {rules}')
    gone()


def unnamed():
    """a device that nobody says how to connect is named, and so is the option"""
    with container() as t:
        t.dump()
        gone()
        before = show()
        p = t.run('criu-restore', '-d')
        tap.check(p.returncode == 3 and '--external veth[eth0]' in p.stderr, f'status {p.returncode}: {p.stderr}')
        p = t.run('criu-restore', '-d', '--external', 'veth[eth0]:out0@nobridge')
        tap.check(p.returncode == 3 and 'nobridge' in p.stderr, f'status {p.returncode}: {p.stderr}')
        tap.check(show() == before, f'left: {differs(before, show())}')


def scripts():
    """a script moves devices in (setup-namespaces), as container engines do"""
    with container() as t:
        t.dump()
        gone()
        script = os.path.join(t.folder, 'script')
        with open(script, 'w') as f:
            f.write('''#!/bin/sh
[ "$CRTOOLS_SCRIPT_ACTION" = setup-namespaces ] || exit 0
for d in "eth0 out0" "dev0 out1"; do
    set -- $d
    ip link add $2 type veth peer name $1 netns $CRTOOLS_INIT_PID || exit 1
done
ip link set out0 master br0 up
''')
        os.chmod(script, 0o755)
        t.restore('--external', 'macvlan[mac0]:low0', '--action-script', script)
        until(reachable, 'nothing gets through')
        names = re.findall(r'^(\d+): (\w+)', tap.run('nsenter', '-n', '-t', t.pid, 'ip', '-o', 'link').stdout, re.M)
        tap.check(('50', 'eth0') in names and ('52', 'dev0') in names, f'devices: {names}')
    gone()


def fails_at(t, action):
    path = os.path.join(t.folder, 'fail-' + action)
    with open(path, 'w') as f:
        f.write(f'#!/bin/sh\n[ "$CRTOOLS_SCRIPT_ACTION" != {action} ]\n')
    os.chmod(path, 0o755)
    return ['--action-script', path]


def dumps_that_fail():
    """a dump that fails, or lets the tree run on, leaves no rule: by iptables, by nftables, and with rules there before"""
    with container() as t:
        for rules in ('', 'add table ip filter; add chain ip filter INPUT { type filter hook input priority 0; }; add rule ip filter INPUT counter'):
            if rules:
                tap.run('nsenter', '-n', '-t', t.pid, 'nft', rules)
            for method in ('iptables', 'nftables', 'skip'):
                ways = [(['-R'], 0)] + [(fails_at(t, action), 1) for action in ('network-lock', 'post-dump')]
                for args, status in ways:
                    before, inside = show(), show(t.pid)
                    p = t.run('criu-dump', '-t', str(t.pid), '--network-lock', method, *args)
                    what = f'{method} {args}: status {p.returncode}: {p.stderr.strip()}'
                    tap.check(p.returncode == status, what)
                    tap.check(show() == before, f'{what}: left: {differs(before, show())}')
                    now = show(t.pid)
                    tap.check(now == inside, f'{what}: left inside: {differs(inside, now)}')
                    shutil.rmtree(t.images)
                    os.mkdir(t.images)
    gone()


def restores_that_fail():
    """a restore that fails, wherever, leaves no device, and gives back what it has moved"""
    with container() as t:
        t.dump()
        gone()
        spare()
        before = show()
        keep = os.path.join(t.folder, 'keep')
        shutil.copytree(t.images, keep)
        ways = [(None, fails_at(t, action)) for action in ('setup-namespaces', 'post-setup-namespaces', 'post-restore', 'network-unlock', 'pre-resume')]
        for pattern in ('netns-*', 'netdev-*', 'ifaddr-*', 'route-*', 'nftables-*', 'mountpoints-*', 'core-*', 'pages-1*', 'files.img'):
            ways += [(name, []) for name in sorted(glob.glob1(t.images, pattern))[:1] if os.path.getsize(os.path.join(t.images, name))]
        for name, args in ways:
            if name:
                with open(os.path.join(t.images, name), 'r+b') as f:
                    f.truncate(os.path.getsize(f.name) // 2)
            p = t.run('criu-restore', '-d', *OPTIONS, *args)
            with open(os.path.join(t.images, 'criu-restore.log')) as f:
                errors = [line for line in f if 'Error' in line]
            what = f'{name or " ".join(args)}: status {p.returncode}: {p.stderr.strip()} {errors}'
            tap.check(p.returncode in (1, 3, 4), what)
            now = show()
            for _ in range(100):
                if now == before:
                    break
                time.sleep(0.02)
                now = show()
            tap.check(now == before, f'{what}: left: {differs(before, now)}')
            if name:
                shutil.copy(os.path.join(keep, name), t.images)
        t.restore(*OPTIONS)
    gone()


if __name__ == '__main__':
    if os.geteuid() != 0 or not shutil.which('ip') or not shutil.which('nft'):
        print('1..0 # SKIP needs root, ip(8) and nft(8)')
        sys.exit(0)
    if INSIDE not in os.environ:
        os.environ[INSIDE] = '1'
        os.execvp('unshare', ['unshare', '-m', '-p', '-f', '-n', '--mount-proc', '--kill-child', sys.executable, os.path.abspath(__file__)])
    tap.main([outside, unnamed, scripts, dumps_that_fail, restores_that_fail])
