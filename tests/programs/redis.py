#!/usr/bin/env python3
"""redis on a unix socket, with clients that are carried with it."""
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
import program  # noqa: E402
from tap import Skipped, check  # noqa: E402

CLIENT = r'''
import os, socket, sys, time

def talk(s, *words):
    s.sendall(b'*%d\r\n' % len(words) + b''.join(b'$%d\r\n%s\r\n' % (len(w), w) for w in words))
    answer = b''
    while not answer.endswith(b'\r\n'):
        answer += s.recv(4096)
    return answer

def connect():
    s = socket.socket(socket.AF_UNIX)
    while True:
        try:
            s.connect('redis.sock')
            return s
        except OSError:
            time.sleep(0.05)

server = os.fork()
if server == 0:
    os.execvp('redis-server', ['redis-server', '--port', '0', '--unixsocket', 'redis.sock', '--save', '', '--appendonly', 'yes', '--dir', '.',
                               '--daemonize', 'no', '--logfile', 'redis.log'])
clients = []
for name in (b'a', b'b'):
    pid = os.fork()
    if pid == 0:
        s, n = connect(), 0
        with open('log.' + name.decode(), 'w', buffering=1) as log:
            while not os.path.exists('go'):
                n += 1
                got = talk(s, b'INCR', name)
                if got != b':%d\r\n' % n:
                    log.write('wrong: %r\n' % got)
                log.write(f'{n}\n')
                time.sleep(0.002)
        os._exit(0)
    clients.append(pid)
waits = connect()
waits.sendall(b'*3\r\n$5\r\nBLPOP\r\n$4\r\nlist\r\n$1\r\n0\r\n')   # blocks for ever
ends = [os.waitpid(pid, 0)[1] for pid in clients]
s = connect()
counted = [int(talk(s, b'GET', name).split(b'\r\n')[1]) for name in (b'a', b'b')]
talk(s, b'RPUSH', b'list', b'x')
popped = waits.recv(100)
s.sendall(b'*2\r\n$8\r\nSHUTDOWN\r\n$6\r\nNOSAVE\r\n')
end = os.waitpid(server, 0)[1]
with open('answer', 'w') as f:
    print(ends, end, counted == [len(open('log.' + n).readlines()) for n in 'ab'], popped, file=f)
'''


def clients(p):
    """redis: a server with its log, two clients that count, one that waits in BLPOP"""
    if not shutil.which('redis-server'):
        raise Skipped('redis-server is not installed')
    p.start([sys.executable, '-u', p.write('script.py', CLIENT)])
    p.until_grown('log.a', 20)

    def goes_on():
        p.until_grown('log.a', 5)
        p.until_grown('log.b', 5)

    p.carry(goes_on)
    p.write('go', '')
    p.finish()
    want = "[0, 0] 0 True b'*2\\r\\n$4\\r\\nlist\\r\\n$1\\r\\nx\\r\\n'\n"
    check(p.read('answer') == want, p.read('answer'))
    check('wrong' not in p.read('log.a') + p.read('log.b'), 'a client lost count')


if __name__ == '__main__':
    program.main([clients])
