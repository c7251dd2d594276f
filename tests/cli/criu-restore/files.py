#!/usr/bin/env python3
"""What criu-restore says of files that have changed, and what it leaves behind when it fails: nothing."""
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'harness'))
from tap import check, main, run  # noqa: E402

BUILD = os.path.abspath(os.environ.get('BUILD') or os.path.join(HERE, '..', '..', '..', 'build'))
FIRST_PID = 400

SUBJECT = r'''
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	int fd, plain, pid;

	if (chdir(argv[1]) < 0)
		return 1;
	plain = open("plain", O_RDWR | O_CREAT, 0644);
	if (write(plain, "0123456789", 10) != 10)
		return 1;
	fd = open("ghost", O_RDWR | O_CREAT, 0600);
	if (write(fd, "ghost", 5) != 5)
		return 1;
	unlink("ghost");
	mkdir("gone", 0755);
	open("gone", O_RDONLY);
	fd = open("gone/inside", O_RDWR | O_CREAT, 0600);
	unlink("gone/inside");
	rmdir("gone");
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	close(open("ready", O_WRONLY | O_CREAT, 0600));
	for (;;)
		pause();
}
'''


def in_namespace():
    if os.environ.get('IN_NAMESPACE'):
        return
    os.environ['IN_NAMESPACE'] = '1'
    os.execvp('unshare', ['unshare', '-p', '-f', '-m', '--mount-proc', '--kill-child', sys.executable] + sys.argv)


def reap():
    """We are init here."""
    try:
        while os.waitpid(-1, 0)[0]:
            pass
    except ChildProcessError:
        pass


class Dumped:
    """A process with open files, and its images."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix='files-')
        self.files, self.images = os.path.join(self.dir, 'files'), os.path.join(self.dir, 'images')
        os.mkdir(self.files)
        os.mkdir(self.images)
        source, program = os.path.join(self.dir, 'subject.c'), os.path.join(self.dir, 'subject')
        with open(source, 'w') as f:
            f.write(SUBJECT)
        run('cc', '-O1', '-o', program, source)
        with open('/proc/sys/kernel/ns_last_pid', 'w') as f:
            f.write(str(FIRST_PID))
        self.p = subprocess.Popen([program, self.files], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, start_new_session=True)
        while not os.path.exists(os.path.join(self.files, 'ready')):
            time.sleep(0.01)
        run(f'{BUILD}/criu-dump', '--no-default-config', '-t', self.p.pid, '-D', self.images, '-o', 'dump.log', '-v4')
        self.p.wait()
        reap()

    def restore(self, status):
        return run(f'{BUILD}/criu-restore', '--no-default-config', '-d', '-D', self.images, '-o', 'restore.log', '-v4',
                   status=status).stderr

    def nothing_left(self):
        names = sorted(os.listdir(self.files))
        check(set(names) <= {'plain', 'ready'}, f'left in the directory: {names}')
        for pid in (self.p.pid, self.p.pid + 1):
            check(not os.path.exists(f'/proc/{pid}'), f'pid {pid} is there')

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        subprocess.run(['kill', '-9', str(self.p.pid), str(self.p.pid + 1)], stderr=subprocess.DEVNULL)
        reap()
        shutil.rmtree(self.dir, ignore_errors=True)


def as_it_was():
    """a tree with ghosts comes back, and leaves no names"""
    with Dumped() as d:
        d.restore(0)
        names = sorted(os.listdir(d.files))
        check(names == ['plain', 'ready'], f'names: {names}')
        links = [os.readlink(f'/proc/{d.p.pid}/fd/{fd}') for fd in range(3, 7)]
        check(links == [f'{d.files}/{n}' for n in ('plain', 'ghost (deleted)', 'gone (deleted)', 'gone/inside (deleted)')],
              f'descriptors: {links}')


def longer():
    """a file that has grown is refused, with both sizes"""
    with Dumped() as d:
        with open(os.path.join(d.files, 'plain'), 'a') as f:
            f.write('more')
        text = d.restore(3)
        check("plain' has 14 bytes, and had 10" in text, text)
        d.nothing_left()
        os.truncate(os.path.join(d.files, 'plain'), 10)
        d.restore(0)


def other_mode():
    """a file with another mode is refused, unless the check is off"""
    with Dumped() as d:
        os.chmod(os.path.join(d.files, 'plain'), 0o600)
        text = d.restore(3)
        check("plain' has mode 0100600, and had 0100644" in text, text)
        d.nothing_left()
        run(f'{BUILD}/criu-restore', '--no-default-config', '-d', '-D', d.images, '--skip-file-rwx-check')


def missing():
    """a file that is not there is named"""
    with Dumped() as d:
        os.rename(os.path.join(d.files, 'plain'), os.path.join(d.dir, 'plain'))
        text = d.restore(1)
        check("plain': No such file or directory" in text, text)
        d.nothing_left()


def other_kind():
    """a fifo in the place of a file is refused, and not opened"""
    with Dumped() as d:
        os.unlink(os.path.join(d.files, 'plain'))
        os.mkfifo(os.path.join(d.files, 'plain'), 0o644)
        text = d.restore(3)
        check("plain' has mode 010644, and had 0100644" in text, text)
        d.nothing_left()


def pid_taken():
    """when a pid is in use the ghosts that were put on disk go again"""
    with Dumped() as d:
        with open('/proc/sys/kernel/ns_last_pid', 'w') as f:
            f.write(str(d.p.pid))
        p = subprocess.Popen(['sleep', '1000'])
        check(p.pid == d.p.pid + 1, f'pid {p.pid}')
        text = d.restore(1)
        check(f'pid {p.pid} is in use' in text, text)
        names = sorted(os.listdir(d.files))
        check(names == ['plain', 'ready'], f'names: {names}')
        p.kill()
        p.wait()
        d.restore(0)


def ghost_lost():
    """a ghost without its image is refused before anything is made"""
    with Dumped() as d:
        os.unlink(os.path.join(d.images, 'ghost-file-1.img'))
        os.unlink(os.path.join(d.images, 'manifest.img'))
        text = d.restore(4)
        check('ghost-file-1.img' in text, text)
        d.nothing_left()


def plan():
    """--plan names every file that is missing or has changed, and touches nothing"""
    with Dumped() as d:
        before = sorted(os.listdir(d.files))
        p = run(f'{BUILD}/criu-restore', '--no-default-config', '--plan', '-D', d.images)
        check('lacking' not in p.stdout, p.stdout)
        with open(os.path.join(d.files, 'plain'), 'a') as f:
            f.write('more')
        os.rename(os.path.join(d.dir, 'subject'), os.path.join(d.dir, 'elsewhere'))
        p = run(f'{BUILD}/criu-restore', '--no-default-config', '--plan', '-D', d.images, status=3)
        check("plain' has 14 bytes, and had 10" in p.stdout and "subject': No such file or directory" in p.stdout, p.stdout)
        check(sorted(os.listdir(d.files)) == before, f'names: {os.listdir(d.files)}')


if __name__ == '__main__':
    if os.geteuid() != 0:
        print('1..0 # SKIP dump and restore need root')
        sys.exit(0)
    in_namespace()
    main([as_it_was, longer, other_mode, missing, other_kind, pid_taken, ghost_lost, plan])
