#!/usr/bin/env python3
"""python3: threads that work together, generators, processes."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
import program  # noqa: E402
from tap import check  # noqa: E402

THREADS = r'''
import os, queue, random, threading, time

def squares():
    n = 0
    while True:
        yield n * n
        n += 1

work, done, lock = queue.Queue(maxsize=3), queue.Queue(), threading.Lock()
counted = 0
stop = threading.Event()

def producer():
    for n in squares():
        if stop.is_set():
            break
        work.put(n)
    for _ in range(4):
        work.put(None)

def consumer():
    global counted
    while (n := work.get()) is not None:
        time.sleep(random.random() / 200)
        with lock:
            counted += 1
        done.put(n)

threads = [threading.Thread(target=consumer) for _ in range(4)] + [threading.Thread(target=producer)]
generator = random.Random(42)
drawn = []
for t in threads:
    t.start()
with open('log', 'w', buffering=1) as log:
    while not os.path.exists('go'):
        drawn.append(generator.random())
        log.write(f'{counted}\n')
        time.sleep(0.01)
stop.set()
for t in threads:
    t.join(10)
again = random.Random(42)
with open('answer', 'w') as f:
    print(sorted(done.queue) == [n * n for n in range(counted)], [t.is_alive() for t in threads],
          drawn == [again.random() for _ in drawn], file=f)
'''

TIMERS = r'''
import os, signal, threading, time

ticks = 0

def tick(*_):
    global ticks
    ticks += 1

signal.signal(signal.SIGALRM, tick)
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
begin, late = time.monotonic(), []
timer = threading.Timer(3, lambda: late.append(time.monotonic() - begin))
timer.start()
with open('log', 'w', buffering=1) as log:
    while not os.path.exists('go'):
        log.write(f'{ticks}\n')
        time.sleep(0.02)
before = ticks
while ticks < before + 5:
    time.sleep(0.01)
timer.join(30)
with open('answer', 'w') as f:
    print(len(late) == 1 and late[0] >= 3, file=f)
'''

PROCESSES = r'''
import os, time

def child(read, write):
    while (line := os.read(read, 100)):
        os.write(write, b'%d\n' % (int(line) + 1))
    os._exit(0)

there, back = os.pipe(), os.pipe()
if (pid := os.fork()) == 0:
    os.close(there[1])
    os.close(back[0])
    child(there[0], back[1])
os.close(there[0])
os.close(back[1])
n = 0
with open('log', 'w', buffering=1) as log:
    while not os.path.exists('go'):
        os.write(there[1], b'%d\n' % n)
        time.sleep(0.005)
        n = int(os.read(back[0], 100))
        log.write(f'{n}\n')
os.close(there[1])
status = os.waitpid(pid, 0)[1]
with open('answer', 'w') as f:
    print(status, file=f)
'''


def run(p, script):
    p.start([sys.executable, '-u', p.write('script.py', script)])
    p.until_grown('log', 10)
    p.carry('log')
    p.write('go', '')
    p.finish()
    return p.read('answer').strip()


def threads(p):
    """python3: a queue between threads, a counter under a lock, a generator, a random sequence"""
    answer = run(p, THREADS)
    check(answer == 'True [False, False, False, False, False] True', answer)


def timers(p):
    """python3: an interval timer with a handler, a timer thread"""
    answer = run(p, TIMERS)
    check(answer == 'True', answer)


def processes(p):
    """python3: a parent and its child that count up through two pipes"""
    answer = run(p, PROCESSES)
    check(answer == '0', answer)
    numbers = [int(line) for line in p.read('log').split()]
    check(numbers == list(range(1, len(numbers) + 1)), 'a number is missing')


if __name__ == '__main__':
    program.main([threads, timers, processes])
