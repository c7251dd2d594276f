#!/usr/bin/env python3
"""Real servers with live connections, moved from one host to another: nginx under load, postgresql in a transaction, redis with a subscriber, a
shell over ssh."""
import glob
import os
import shutil
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
import hosts  # noqa: E402
from tap import Skipped, check  # noqa: E402


def need(*programs):
    for p in programs:
        if not shutil.which(p):
            raise Skipped(f'{p} is not installed')


class Load:
    """Clients that each do something over and over; a failure ends one and is kept."""

    def __init__(self, nr, work):
        self.done, self.failures, self.stop = [0] * nr, [], False
        self.threads = [threading.Thread(target=self.run, args=(i, work)) for i in range(nr)]
        for t in self.threads:
            t.start()

    def run(self, i, work):
        try:
            step = work(i)
            while not self.stop:
                step()
                self.done[i] += 1
        except Exception as e:
            self.failures.append(f'client {i} after {self.done[i]} rounds: {type(e).__name__}: {e}')

    def goes_on(self, h, what, more=20):
        want = [n + more for n in self.done]
        h.wait(lambda: self.failures or all(n >= w for n, w in zip(self.done, want)), what)
        check(not self.failures, '; '.join(self.failures[:3]))

    def end(self):
        self.stop = True
        for t in self.threads:
            t.join()
        check(not self.failures, '; '.join(self.failures[:3]))


# ---- nginx ----

NGINX = '''
daemon off; worker_processes 2; pid nginx.pid; error_log error.log; user root;
events { worker_connections 256; }
http { access_log off; keepalive_requests 1000000; client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4;
       scgi_temp_path t5; server { listen 8080; root www; } }
'''


def nginx(h):
    """nginx: eight clients on connections that stay, and one in the middle of a large file"""
    need('nginx')
    os.mkdir(h.file('www'))
    pages = {f'/{i}': os.urandom(3000 * (i + 1)) for i in range(8)}
    large = os.urandom(1 << 20) * 64
    for name, data in [*pages.items(), ('/large', large)]:
        with open(h.file('www' + name), 'wb') as f:
            f.write(data)
    h.start(['nginx', '-p', h.dir + '/', '-c', h.write('nginx.conf', NGINX)])

    def client(i):
        import http.client
        h.connect(8080).close()
        c = http.client.HTTPConnection(hosts.SERVER, 8080, timeout=60)

        def step():
            c.request('GET', f'/{i}')
            answer = c.getresponse()
            data = answer.read()
            check(answer.status == 200 and data == pages[f'/{i}'], f'status {answer.status}, {len(data)} bytes')
        return step

    load = Load(8, client)
    slow = h.connect(8080)
    slow.sendall(b'GET /large HTTP/1.0\r\n\r\n')
    got = slow.recv(100000)
    load.goes_on(h, 'nginx does not answer')
    h.migrate()
    load.goes_on(h, 'nginx does not answer any more')
    while data := slow.recv(1 << 20):
        got += data
    check(got.split(b'\r\n\r\n', 1)[1] == large, 'the large file is not what it was')
    h.connect(8080).close()
    load.end()


# ---- redis ----

def redis(h):
    """redis: a subscriber, a transaction that was begun, one that blocks, four that count"""
    need('redis-server')
    h.start(['redis-server', '--port', '6379', '--bind', '0.0.0.0', '--protected-mode', 'no', '--save', '', '--dir', h.dir])

    def say(s, *words):
        s.sendall(b'*%d\r\n' % len(words) + b''.join(b'$%d\r\n%s\r\n' % (len(w), w) for w in map(str.encode, words)))

    def ask(s, *words):
        say(s, *words)
        return s.recv(4096)

    def client(i):
        s, n = h.connect(6379), [0]

        def step():
            n[0] += 1
            got = ask(s, 'INCR', f'n{i}')
            check(got == b':%d\r\n' % n[0], f'{got} is not {n[0]}')
        return step

    subscriber, waiting, begun, other = (h.connect(6379) for _ in range(4))
    ask(subscriber, 'SUBSCRIBE', 'news')
    say(waiting, 'BLPOP', 'list', '0')
    check(ask(begun, 'MULTI') + ask(begun, 'SET', 'k', 'v') == b'+OK\r\n+QUEUED\r\n', 'no transaction')
    load = Load(4, client)
    load.goes_on(h, 'redis does not answer')
    h.migrate()
    load.goes_on(h, 'redis does not answer any more')
    check(ask(other, 'PUBLISH', 'news', 'moved') == b':1\r\n', 'nobody is subscribed')
    check(b'moved' in subscriber.recv(4096), 'the subscriber hears nothing')
    check(ask(begun, 'EXEC') == b'*1\r\n+OK\r\n', 'the transaction is gone')
    ask(other, 'RPUSH', 'list', 'x')
    check(waiting.recv(4096).endswith(b'x\r\n'), 'who waits gets nothing')
    load.end()


# ---- postgresql ----

def postgres(h):
    """postgresql: a session in the middle of a transaction, others that write"""
    need('psql', 'runuser')
    programs = sorted(glob.glob('/usr/lib/postgresql/*/bin'))
    if not programs or subprocess.run(['id', 'postgres'], capture_output=True).returncode:
        raise Skipped('postgresql is not installed')
    data = h.file('data')
    os.mkdir(data)
    shutil.chown(data, 'postgres', 'postgres')
    as_postgres = ['runuser', '-u', 'postgres', '--']
    subprocess.run([*as_postgres, programs[-1] + '/initdb', '-D', data, '-A', 'trust', '--no-sync'], check=True, capture_output=True, cwd='/')
    with open(data + '/pg_hba.conf', 'a') as f:
        f.write('host all all 10.77.0.0/24 trust\n')
    # Its segment of System V memory lives in a namespace of the tree.
    h.start(['unshare', '--ipc', 'setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups', programs[-1] + '/postgres', '-D', data, '-c',
             'listen_addresses=*', '-c', 'unix_socket_directories=' + data, '-c', 'fsync=off', '-c', 'shared_buffers=16MB'])
    h.connect(5432, 30).close()

    class Session:
        def __init__(self):
            self.p = subprocess.Popen(['psql', '-h', hosts.SERVER, '-U', 'postgres', '-AtqX', '-v', 'ON_ERROR_STOP=1', 'postgres'],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1)

        def ask(self, sql):
            self.p.stdin.write(sql + "\n\\echo .\n")
            self.p.stdin.flush()
            lines = []
            while (line := self.p.stdout.readline()) and line != '.\n':
                lines.append(line.strip())
            check(line, f'the session ends: {lines}')
            return lines

    first = None
    for _ in range(100):
        try:
            first = Session()
            first.ask('create table t (who int, n int);')
            break
        except Exception:  # it is starting up
            time.sleep(0.1)

    def client(i):
        s, n = Session(), [0]

        def step():
            n[0] += 1
            s.ask(f'insert into t values ({i}, {n[0]});')
        return step

    first.ask('begin; insert into t values (99, 1); create temp table mine as select 42 as x;')
    pid = first.ask('select pg_backend_pid();')
    load = Load(3, client)
    load.goes_on(h, 'postgresql does not answer')
    h.migrate()
    load.goes_on(h, 'postgresql does not answer any more')
    check(first.ask('select pg_backend_pid();') == pid, 'another backend answers')
    check(first.ask('select x from mine; select count(*) from t where who = 99;') == ['42', '1'], 'the transaction is not what it was')
    first.ask('insert into t values (99, 2); commit;')
    load.end()
    check(Session().ask('select count(*) from t where who = 99;') == ['2'], 'the transaction was not committed')
    check(Session().ask('select count(*) = max(n) from t where who < 99 group by who;') == ['t'] * 3, 'something was lost or doubled')


# ---- ssh ----

def ssh(h):
    """ssh: a shell on a terminal, with a variable, a job and a file half written"""
    need('sshd', 'ssh', 'ssh-keygen')
    for name in ('host', 'user'):
        subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', h.file(name)], check=True)
    os.makedirs('/run/sshd', exist_ok=True)
    conf = h.write('sshd.conf', f'Port 2222\nHostKey {h.file("host")}\nAuthorizedKeysFile {h.file("user.pub")}\nPermitRootLogin yes\nStrictModes no\n'
                                'UsePAM no\nPidFile none\nPrintMotd no\nPrintLastLog no\n')
    h.start([shutil.which('sshd'), '-D', '-e', '-f', conf])
    h.connect(2222).close()
    p = subprocess.Popen(['ssh', '-tt', '-p', '2222', '-i', h.file('user'), '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null',
                          '-o', 'LogLevel=ERROR', 'root@' + hosts.SERVER, 'sh'], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT)
    out = []
    threading.Thread(target=lambda: [out.append(c) for c in iter(lambda: os.read(p.stdout.fileno(), 4096), b'')], daemon=True).start()

    def type_in(text):
        p.stdin.write(text.encode() + b'\n')
        p.stdin.flush()

    def until(text):
        h.wait(lambda: text.encode() in b''.join(out), f'the terminal does not show {text}: {b"".join(out)[-300:]}')

    type_in('v=kept; echo be""gun $$')
    until('begun ')
    type_in(f'(i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done) >{h.file("job")} &')
    h.wait(lambda: os.path.exists(h.file('job')) and len(h.read('job').split()) > 3, 'the job does not run')
    h.migrate('--shell-job')
    lines = len(h.read('job').split())
    type_in('echo "is $v, on $(tty | cut -c1-9)"')
    until('is kept, on /dev/pts/')
    h.wait(lambda: len(h.read('job').split()) > lines + 3, 'the job does not go on')
    got = h.read('job').split()
    check(got == [str(n + 1) for n in range(len(got))], 'the job has lost count')
    type_in('kill %1; exit')
    check(p.wait(20) == 0, 'the session does not end well')


if __name__ == '__main__':
    sys.exit(hosts.main([nginx, redis, postgres, ssh]))
