#!/usr/bin/env python3
"""A transfer of gigabytes goes on while the server moves from one host to another: nothing is lost or doubled, and the gap is told."""
import os
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
import hosts  # noqa: E402
from tap import check  # noqa: E402

SIZE = int(os.environ.get('SIZE', 1 << 30))  # bytes in each direction
PIECE = 1 << 20

# Sends back whatever comes.
SERVER = r'''
import asyncio

async def talk(reader, writer):
    while data := await reader.read(1 << 18):
        writer.write(data)
        await writer.drain()
    writer.close()

async def main():
    async with await asyncio.start_server(talk, '0.0.0.0', 8080) as server:
        await server.serve_forever()

asyncio.run(main())
'''


class Stream:
    """What is sent is one block over and over, turned by one byte each time."""

    def __init__(self):
        self.block = os.urandom(PIECE + 255)

    def piece(self, n):
        return self.block[n % 251:n % 251 + PIECE]


def transfer(h):
    """1 GiB there and back while the server moves"""
    h.start(['python3', h.write('server.py', SERVER)])
    s = h.connect(8080)
    stream, state = Stream(), {'sent': 0, 'got': 0, 'gap': 0.0, 'error': None}

    def send():
        try:
            for n in range(SIZE // PIECE):
                s.sendall(stream.piece(n))
                state['sent'] = n + 1
            s.shutdown(socket.SHUT_WR)
        except OSError as e:
            state['error'] = f'send: {e}'

    def receive():
        last, view = time.monotonic(), bytearray(PIECE)
        try:
            for n in range(SIZE // PIECE):
                at = 0
                while at < PIECE:
                    got = s.recv_into(memoryview(view)[at:])
                    now = time.monotonic()
                    state['gap'], last, at = max(state['gap'], now - last), now, at + got
                    if not got:
                        state['error'] = f'the end after {n} MiB'
                        return
                if view != stream.piece(n):
                    state['error'] = f'piece {n} is not what was sent'
                    return
                state['got'] = n + 1
            if s.recv(1):
                state['error'] = 'there is more than was sent'
        except OSError as e:
            state['error'] = f'receive: {e}'

    threads = [threading.Thread(target=f) for f in (send, receive)]
    for t in threads:
        t.start()
    h.wait(lambda: state['got'] > 40 or state['error'], 'nothing comes back')
    before = state['got']
    h.migrate()
    check(before < SIZE // PIECE, 'all was there before anything moved')
    for t in threads:
        t.join(hosts.TIMEOUT)
    check(not state['error'], str(state['error']))
    check(state['got'] == SIZE // PIECE, f'{state["got"]} MiB came back')
    return f'{before} MiB were back before, the gap was {state["gap"] * 1000:.0f} ms'


if __name__ == '__main__':
    sys.exit(hosts.main([transfer]))
