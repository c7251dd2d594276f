#!/usr/bin/env python3
"""The samples about streams: into object storage and out of it, live migration over ssh and socat."""
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'harness'))
import tap
from tap import Skipped, check

TOP = os.path.join(HERE, '..', '..', '..')
BUILD = os.path.abspath(os.environ.get('BUILD') or os.path.join(TOP, 'build'))
NOT_HERE = 77


def run(sample, *args, **env):
    if os.geteuid():
        raise Skipped('dump and restore need root')
    if not os.path.exists(os.path.join(BUILD, 'samples/demo/counter')):
        subprocess.run(['make', '-C', TOP, 'samples'], check=True, stdout=subprocess.DEVNULL)
    p = subprocess.run([os.path.join(TOP, 'samples', sample, sample + '.sh'), BUILD, *args], stdin=subprocess.DEVNULL,
                       capture_output=True, text=True, timeout=120, env={**os.environ, **env})
    if p.returncode == NOT_HERE:
        raise Skipped(p.stderr.strip())
    check(p.returncode == 0, f'status {p.returncode}: {p.stdout[-500:]}{p.stderr[-1000:]}')


def s3rver():
    """The server: of the environment, of the system, or from npm."""
    found = os.environ.get('S3RVER') or shutil.which('s3rver')
    here = os.path.join(BUILD, 'npm')
    if not found and shutil.which('npm') and not os.path.exists(f'{here}/node_modules/.bin/s3rver'):
        os.makedirs(here, exist_ok=True)
        subprocess.run(['npm', 'install', '--silent', '--no-fund', '--no-audit', 's3rver'], cwd=here, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=180)
    if not found and os.path.exists(f'{here}/node_modules/.bin/s3rver'):
        found = f'{here}/node_modules/.bin/s3rver'
    if not found:
        raise Skipped('no s3rver (npm install s3rver)')
    return found


def object_storage():
    """object storage: one object, then three at a time"""
    if not shutil.which('rclone'):
        raise Skipped('no rclone')
    run('object-storage', S3RVER=s3rver())


def ssh():
    """live migration over ssh"""
    run('live', 'ssh')


def socat():
    """live migration over socat"""
    run('live', 'socat')


tap.main([object_storage, ssh, socat])
