#!/usr/bin/env python3
"""perl and ruby; python3 with a pool of processes, and as a server with clients on a unix socket."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
import program  # noqa: E402
from tap import check  # noqa: E402

PERL = r'''
use strict; use warnings; use IO::Handle;
$SIG{ALRM} = sub { $main::ticks++; alarm 1 };
alarm 1;
pipe(my $r, my $w); $w->autoflush(1);
my $pid = fork();
if (!$pid) { close $r; my $n = 0; $SIG{PIPE} = 'DEFAULT'; while (1) { print $w ++$n, "\n"; select(undef, undef, undef, 0.005) } }
close $w;
open(my $log, '>', 'log'); $log->autoflush(1);
my %seen; my $last = 0; my $wrong = 0;
while (my $line = <$r>) {
	chomp $line; $wrong++ if $line != $last + 1; $last = $line; $seen{$line} = $line ** 2;
	print $log "$line\n";
	last if -e 'go';
}
kill 'TERM', $pid; waitpid($pid, 0);
open(my $out, '>', 'answer');
print $out "wrong $wrong end ", $? & 127, " ", (scalar(keys %seen) == $last ? 'all' : 'not all'), "\n";
'''

RUBY = r'''
q = Queue.new
done = []
threads = 3.times.map { Thread.new { while (n = q.pop) do done << n * 2; sleep 0.002 end } }
log = File.open('log', 'w'); log.sync = true
fiber = Fiber.new { n = 0; loop { Fiber.yield n += 1 } }
last = 0
until File.exist?('go')
  last = fiber.resume
  q << last
  log.puts last
  GC.start if last % 50 == 0
  sleep 0.005
end
3.times { q << nil }
threads.each(&:join)
File.write('answer', "#{done.sort == (1..last).map { |n| n * 2 }}\n")
'''

POOL = r'''
import multiprocessing, os, time

def work(n):
    time.sleep(0.003)
    return sum(i * i for i in range(n % 1000))

if __name__ == '__main__':
    multiprocessing.set_start_method('fork')
    wrong = n = 0
    with multiprocessing.Pool(4) as pool, open('log', 'w', buffering=1) as log:
        while not os.path.exists('go'):
            for k, got in zip(range(n, n + 20), pool.imap(work, range(n, n + 20))):
                wrong += got != sum(i * i for i in range(k % 1000))
                log.write(f'{k}\n')
            n += 20
        pool.close()
        pool.join()
    with open('answer', 'w') as f:
        print('wrong', wrong, file=f)
'''

SERVER = r'''
import asyncio, os, sys

async def serve(reader, writer):
    while line := await reader.readline():
        writer.write(b'%d\n' % (int(line) * 3))
        await writer.drain()
    writer.close()

async def client(name, log):
    reader, writer = await asyncio.open_unix_connection(name)
    n = wrong = 0
    while not os.path.exists('go'):
        n += 1
        writer.write(b'%d\n' % n)
        wrong += int(await reader.readline()) != n * 3
        if log:
            log.write(f'{n}\n')
        await asyncio.sleep(0.003)
    writer.close()
    return wrong

async def clients():
    while not os.path.exists('server.sock'):
        await asyncio.sleep(0.05)
    with open('log', 'w', buffering=1) as log:
        return sum(await asyncio.gather(*(client('server.sock', log if i == 0 else None) for i in range(30))))

async def server():
    s = await asyncio.start_unix_server(serve, 'server.sock.new')
    os.rename('server.sock.new', 'server.sock')
    async with s:
        await s.serve_forever()

pid = os.fork()
if pid == 0:
    asyncio.run(server())
wrong = asyncio.run(clients())
os.kill(pid, 15)
os.waitpid(pid, 0)
with open('answer', 'w') as f:
    print('wrong', wrong, file=f)
'''


def run(p, command, script, want):
    p.start([*command, p.write('script', script)])
    p.until_grown('log', 20)
    p.carry('log')
    p.write('go', '')
    p.finish()
    check(p.read('answer') == want, p.read('answer'))


def perl(p):
    """perl: a child that writes into a pipe, alarms"""
    run(p, ['perl'], PERL, 'wrong 0 end 15 all\n')


def ruby(p):
    """ruby: threads, a fiber, the collector"""
    run(p, ['ruby'], RUBY, 'true\n')


def pool(p):
    """python3: multiprocessing, a pool of four"""
    run(p, [sys.executable, '-u'], POOL, 'wrong 0\n')


def server(p):
    """python3: asyncio, a server and thirty clients on a unix socket"""
    run(p, [sys.executable, '-u'], SERVER, 'wrong 0\n')


if __name__ == '__main__':
    program.main([perl, ruby, pool, server])
