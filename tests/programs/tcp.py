#!/usr/bin/env python3
"""A server with live TCP connections whose other ends stay outside: they notice nothing but a pause."""
import hashlib
import os
import shutil
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
import program  # noqa: E402
from tap import Skipped, check  # noqa: E402

# What comes is hashed, and sent back: as much as the client cares to send.
SERVER = r'''
import asyncio, hashlib, os, sys

async def talk(reader, writer):
    seen = hashlib.sha256()
    with open('log', 'a', buffering=1) as log:
        while data := await reader.read(50000):
            seen.update(data)
            writer.write(data)
            await writer.drain()
            log.write(f'{len(data)}\n')
    with open('seen', 'a') as f:
        print(seen.hexdigest(), file=f)
    writer.close()

async def main():
    server = await asyncio.start_server(talk, sys.argv[1], 0, family=int(sys.argv[2]))
    with open('port.new', 'w') as f:
        f.write(str(server.sockets[0].getsockname()[1]))
    os.rename('port.new', 'port')
    async with server:
        while not os.path.exists('go'):
            await asyncio.sleep(0.05)

asyncio.run(main())
'''

CLIENTS = 3
PIECE = 1 << 20
AFTER = 8  # pieces that are sent when the server is back


class Client:
    """Sends, and reads what comes back, at the same time; wants back what it has sent."""

    def __init__(self, family, address, port):
        self.sock = socket.socket(family)
        self.sock.connect((address, port))
        self.sock.settimeout(60)
        self.sent, self.got, self.failure = hashlib.sha256(), hashlib.sha256(), None
        self.back = threading.Event()  # the server is
        self.threads = [threading.Thread(target=self.run, args=(f,)) for f in (self.send, self.receive)]
        for t in self.threads:
            t.start()

    def run(self, what):
        try:
            what()
        except OSError as e:
            self.failure = f'{what.__name__}: {e}'

    def send(self):
        left = AFTER
        while left:
            left -= self.back.wait(0.03)
            piece = os.urandom(PIECE)
            self.sent.update(piece)
            self.sock.sendall(piece)
        self.sock.shutdown(socket.SHUT_WR)

    def receive(self):
        while data := self.sock.recv(30000):
            self.got.update(data)

    def finish(self):
        self.back.set()
        for t in self.threads:
            t.join()
        check(not self.failure, self.failure)
        check(self.got.digest() == self.sent.digest(), 'something else came back')


def talk(p, family, address, *options):
    p.start(['python3', p.write('server.py', SERVER), address, str(int(family))])
    p.wait(lambda: os.path.exists(p.file('port')), 'the server has no port')
    clients = [Client(family, address, int(p.read('port'))) for _ in range(CLIENTS)]
    p.until_grown('log', 20)
    p.carry('log', options=('--tcp-established', *options))
    for c in clients:
        c.finish()
    p.wait(lambda: p.lines('seen') == CLIENTS, 'the server has not seen the end of all')
    check(sorted(p.read('seen').split()) == sorted(c.sent.hexdigest() for c in clients), 'the server has seen something else')
    p.write('go', '')
    p.finish()


def ipv4(p):
    """a server with three connections in the middle of a transfer"""
    talk(p, socket.AF_INET, '127.0.0.1')


def ipv6(p):
    """the same over IPv6, locked by nftables"""
    if not shutil.which('nft'):
        raise Skipped('nft is not installed')
    talk(p, socket.AF_INET6, '::1', '--network-lock', 'nftables')


if __name__ == '__main__':
    sys.exit(program.main([ipv4, ipv6]))
