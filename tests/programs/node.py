#!/usr/bin/env python3
"""node: timers, promises and a worker of its thread pool."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
import program  # noqa: E402
from tap import check  # noqa: E402

SCRIPT = r'''
const fs = require('fs');
const crypto = require('crypto');
let count = 0, hashes = 0, wrong = 0, late = false;
const begin = process.hrtime.bigint();
const kept = new Map();

function hash() {
    crypto.pbkdf2('password', 'salt', 100, 32, 'sha256', (error, key) => {
        if (error || key.toString('hex').slice(0, 8) !== expected) wrong++;
        hashes++;
        setTimeout(hash, 5);
    });
}
const expected = crypto.pbkdf2Sync('password', 'salt', 100, 32, 'sha256').toString('hex').slice(0, 8);
hash();
setTimeout(() => { late = true; }, 3000);
const ticker = setInterval(async () => {
    count++;
    kept.set(count % 100, Buffer.alloc(10000, count & 255));
    await fs.promises.appendFile('log', count + '\n');
    if (!fs.existsSync('go') || !late) return;
    clearInterval(ticker);
    for (const b of kept.values()) if (!b.every((x) => x === b[0])) wrong++;
    fs.writeFileSync('answer', `wrong ${wrong} hashes ${hashes > 10}\n`);
    process.exit(0);
}, 10);
'''


def server(p):
    """node: timers, promises, its thread pool"""
    p.start(['node', p.write('script.js', SCRIPT)])
    p.until_grown('log', 20)
    p.carry('log', later=('eventfd', 'epoll', 'io_uring', 'unix socket'))
    p.write('go', '')
    p.finish()
    check(p.read('answer') == 'wrong 0 hashes true\n', p.read('answer'))


if __name__ == '__main__':
    program.main([server])
