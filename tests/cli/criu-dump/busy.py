"""The subject of the tests here: busy.c, compiled when it is needed, and what it says of itself."""
import os
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
WORKERS = 10
WHAT = 160


def in_namespace():
    """Start this script again inside a new pid namespace, so that nothing is left behind; returns there."""
    if os.environ.get('IN_NAMESPACE'):
        return
    os.environ['IN_NAMESPACE'] = '1'
    os.execvp('unshare', ['unshare', '-p', '-f', '-m', '--mount-proc', '--kill-child', sys.executable] + sys.argv)


class Busy:
    def __init__(self, folder):
        self.program = os.path.join(folder, 'busy')
        self.board = os.path.join(folder, 'board')
        if not os.path.exists(self.program):
            subprocess.run(['cc', '-O2', '-pthread', '-o', self.program, os.path.join(HERE, 'busy.c')], check=True)
        self.p = subprocess.Popen([self.program, self.board], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, start_new_session=True, close_fds=True)
        self.pid = self.p.pid
        while not os.path.exists(self.board) or os.path.getsize(self.board) < 16 * WORKERS or not all(self.read()[0]):
            time.sleep(0.01)

    def read(self):
        with open(self.board, 'rb') as f:
            data = f.read()
        words = struct.unpack_from(f'{2 * WORKERS}Q', data)
        what = [data[16 * WORKERS + i * WHAT:][:WHAT].split(b'\0')[0].decode() for i in range(WORKERS)]
        return words[:WORKERS], words[WORKERS:], what

    def ailment(self, wait=2.0):
        """None when it is alive, untraced, runs on in all its threads and has found nothing wrong; else what it has."""
        start = self.read()[0]
        until = time.time() + wait
        while True:
            if self.p.poll() is not None:
                return f'it has ended: {self.p.returncode}'
            done, wrong, what = self.read()
            if any(wrong):
                return '; '.join(f'worker {i}: {n} times, last: {w}' for i, (n, w) in enumerate(zip(wrong, what)) if n)
            if all(b > a for a, b in zip(start, done)):
                break
            if time.time() > until:
                return 'workers stand still: ' + ' '.join(str(i) for i in range(WORKERS) if done[i] == start[i])
            time.sleep(0.005)
        for tid in os.listdir(f'/proc/{self.pid}/task'):
            try:
                with open(f'/proc/{self.pid}/task/{tid}/status') as f:
                    status = dict(line.rstrip('\n').split(':\t', 1) for line in f if ':\t' in line)
            except (FileNotFoundError, ProcessLookupError):
                continue
            if status['TracerPid'] != '0':
                return f'thread {tid} is traced by {status["TracerPid"]}'
        return None

    def end(self):
        self.p.kill()
        self.p.wait()
