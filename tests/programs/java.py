#!/usr/bin/env python3
"""java: a virtual machine with its threads: collector, compilers, timers, and those of the program."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
import program  # noqa: E402
from tap import Skipped, check, run  # noqa: E402

SOURCE = r'''
import java.io.*;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;

public class Counter {
    static long fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

    public static void main(String[] args) throws Exception {
        AtomicLong ticks = new AtomicLong(), sum = new AtomicLong();
        ScheduledExecutorService timer = Executors.newScheduledThreadPool(2);
        ScheduledFuture<?> late = timer.schedule(() -> fib(20), 3, TimeUnit.SECONDS);
        timer.scheduleAtFixedRate(ticks::incrementAndGet, 0, 10, TimeUnit.MILLISECONDS);
        ExecutorService pool = Executors.newFixedThreadPool(4);
        Map<Integer, byte[]> heap = new HashMap<>();
        int round = 0;
        long wrong = 0;
        try (PrintWriter log = new PrintWriter(new FileWriter("log"), true)) {
            while (!Files.exists(Path.of("go"))) {
                round++;
                List<Future<Long>> results = new ArrayList<>();
                for (int i = 0; i < 8; i++)
                    results.add(pool.submit(() -> fib(18)));
                for (Future<Long> r : results)
                    if (r.get() != 2584) wrong++;
                byte[] block = new byte[100_000];
                Arrays.fill(block, (byte) round);
                heap.put(round % 200, block);
                log.println(round);
                Thread.sleep(5);
            }
        }
        System.gc();
        for (byte[] block : heap.values())
            for (byte b : block)
                if (b != block[0]) wrong++;
        long before = ticks.get();
        while (ticks.get() < before + 3)
            Thread.sleep(10);
        late.get();
        timer.shutdown();
        pool.shutdown();
        try (PrintWriter out = new PrintWriter("answer")) {
            out.println("wrong " + wrong + " ended " + pool.awaitTermination(10, TimeUnit.SECONDS));
        }
    }
}
'''


def counter(p, *options):
    if not os.path.exists('/usr/bin/javac'):
        raise Skipped('javac is not installed')
    run('javac', '-d', p.dir, p.write('Counter.java', SOURCE))
    p.start(['java', '-Xmx256m', *options, '-cp', p.dir, 'Counter'])
    p.until_grown('log', 50)
    p.carry('log')
    p.write('go', '')
    p.finish()
    check(p.read('answer') == 'wrong 0 ended true\n', p.read('answer'))
    numbers = [int(line) for line in p.read('log').split()]
    check(numbers == list(range(1, len(numbers) + 1)), 'a round is missing')


def usual(p):
    """java: timers, a pool of threads, compiled code, a heap with its collector"""
    counter(p)


def serial(p):
    """java: the same with the serial collector, and without the file of its counters"""
    counter(p, '-XX:+UseSerialGC', '-XX:-UsePerfData')


if __name__ == '__main__':
    program.main([usual, serial])
