#!/usr/bin/env python3
"""sqlite3 in the middle of a transaction."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
import program  # noqa: E402
from tap import check, run  # noqa: E402

ROWS = 5000


class Shell:
    """The sqlite3 shell, which reads statements from a fifo. What it prints is its log."""

    def __init__(self, p, *options):
        self.p = p
        os.mkfifo(p.file('fifo'))
        # For both, so that it opens at once and that the shell never sees an end.
        self.fd = os.open(p.file('fifo'), os.O_RDWR)
        p.start(['sh', '-c', 'exec sqlite3 "$@" <fifo >log', 'sh', *options, 'test.db'])
        self.ask('pragma journal_mode = delete;')
        self.ask('pragma cache_size = 10;')  # so that pages go to the file before the end of the transaction
        self.ask('create table t (n integer primary key, text);')

    def ask(self, statement):
        """One statement; returns when it is done."""
        before = self.p.lines('log')
        os.write(self.fd, (statement + "\nselect 'done';\n").encode())
        self.p.wait(lambda: self.p.lines('log') > before and self.p.read('log').endswith('done\n'), statement)

    def insert(self, first, last):
        self.ask(f"with recursive c(n) as (select {first} union all select n + 1 from c where n < {last}) "
                 "insert into t select n, hex(randomblob(50)) from c;")

    def carry(self, **kw):
        """In the middle of a statement, with more of them in the fifo."""
        os.write(self.fd, b'with recursive c(n) as (select 1 union all select n + 1 from c where n < 2000000) '
                          b"select 'counted ' || count(*) from c;\n" + b"select 'more';\n" * 20 + b"select 'last';\n")
        self.p.carry(lambda: self.p.wait(lambda: self.p.read('log').endswith('last\n'), 'the statements in the fifo'), **kw)
        check(self.p.read('log').endswith('counted 2000000\n' + 'more\n' * 20 + 'last\n'), self.p.read('log')[-500:])

    def end(self):
        os.write(self.fd, b'.quit\n')
        self.p.finish()


def database(p):
    """What another shell finds in the file."""
    return run('sqlite3', p.file('test.db'), 'pragma integrity_check; select count(*), sum(n) from t;').stdout.split()


def transaction(p):
    """sqlite3: a transaction that began before is committed, another one rolled back"""
    # Locks of files are not carried yet: without them here, and refused with them below.
    shell = Shell(p, '-vfs', 'unix-none')
    shell.insert(1, ROWS)
    shell.ask('begin immediate;')
    shell.insert(ROWS + 1, 2 * ROWS)
    check(os.path.exists(p.file('test.db-journal')), 'there is no journal: nothing was written yet')
    shell.carry()
    shell.insert(2 * ROWS + 1, 3 * ROWS)
    shell.ask('commit;')
    shell.ask('begin;')
    shell.ask('delete from t;')
    shell.ask('rollback;')
    shell.end()
    n = 3 * ROWS
    check(database(p) == ['ok', f'{n}|{n * (n + 1) // 2}'], database(p))


def rollback(p):
    """sqlite3: a transaction that began before is rolled back from its journal"""
    shell = Shell(p, '-vfs', 'unix-none')
    shell.insert(1, ROWS)
    shell.ask('begin immediate;')
    shell.ask("update t set text = 'gone';")
    shell.carry()
    shell.ask('rollback;')
    shell.ask("select count(*) from t where text = 'gone';")
    shell.end()
    check(p.read('log').split()[-2] == '0', p.read('log')[-100:])
    check(database(p) == ['ok', f'{ROWS}|{ROWS * (ROWS + 1) // 2}'], database(p))


def locked(p):
    """sqlite3: a transaction that holds the locks of its file"""
    shell = Shell(p)
    shell.insert(1, ROWS)
    shell.ask('begin immediate;')
    shell.insert(ROWS + 1, 2 * ROWS)
    shell.carry(later=('file locks',), options=('--file-locks',))
    shell.ask('commit;')
    shell.end()
    n = 2 * ROWS
    check(database(p) == ['ok', f'{n}|{n * (n + 1) // 2}'], database(p))


if __name__ == '__main__':
    program.main([transaction, rollback, locked])
