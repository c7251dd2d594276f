#!/usr/bin/env python3
"""criu-page-server --tls: both ends show a certificate, and it is looked at."""
import os
import socket
import ssl
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import wire
import pki
from wire import Server, check, pages
import tap

FOLDER = tempfile.TemporaryDirectory(prefix='tls.')
LOCAL = 'IP:127.0.0.1,DNS:localhost'


def authority(name='ca'):
    return pki.Authority(FOLDER.name, name)


def wrapper(ca, pair=None, name='127.0.0.1'):
    def wrap(s):
        context = ssl.create_default_context(cafile=ca.cert)
        if pair:
            context.load_cert_chain(*pair)
        return context.wrap_socket(s, server_hostname=name)
    return wrap


def dump(c):
    c.open(wire.task(7))
    c.add(0x10000, 1, 3)
    c.add(0x20000, 4, 900)
    return c.finish()


def good():
    """certificates of the same authority: pages arrive"""
    ca = authority()
    server, client = ca.issue('server', LOCAL), ca.issue('client', 'DNS:client')
    for crl in (None, ca.list()):
        with Server(*pki.options(ca, server, crl)) as s:
            check(dump(s.client(wrap=wrapper(ca, client))) == 0, 'close')
            s.ends()
            check(wire.page_data(s.images, 1) == pages(1, 3) + pages(4, 900), 'other pages')


def refused(server_options, ca, pair, says):
    with Server(*server_options) as s:
        try:
            dump(s.client(wrap=wrapper(ca, pair)))
            raise AssertionError('it was let in')
        except (OSError, tap.Failed):
            pass
        s.ends(1, says)
        check(not [n for n in s.left() if n.endswith('.img')], s.left())


def strangers():
    """no certificate, one of another authority, one that has expired, one that was revoked"""
    ca, other = authority(), authority('other')
    server = ca.issue('server', LOCAL)
    told = pki.options(ca, server)
    refused(told, ca, None, 'TLS')
    refused(told, ca, other.issue('client', 'DNS:client'), 'refused')
    refused(told, ca, ca.issue('expired', 'DNS:client', '200201000000Z'), 'expired')
    revoked, fine = ca.issue('revoked', 'DNS:client'), ca.issue('fine', 'DNS:client')
    ca.revoke(revoked[0])
    told = pki.options(ca, server, ca.list())
    refused(told, ca, revoked, 'revoked')
    with Server(*told) as s:
        check(dump(s.client(wrap=wrapper(ca, fine))) == 0, 'close')
        s.ends()


def plain():
    """a client without TLS is turned away, and one that is cut in the middle leaves nothing"""
    ca = authority()
    server, client = ca.issue('server', LOCAL), ca.issue('client', 'DNS:client')
    with Server(*pki.options(ca, server)) as s:
        c = s.client()
        c.send(wire.OPEN2, dst=wire.task(7), data=b'x' * 1000)
        s.ends(1, 'TLS')
        c.drop()
    with Server(*pki.options(ca, server)) as s:
        c = s.client(wrap=wrapper(ca, client))
        c.open(wire.task(7))
        c.send(wire.ADD_F, 100, 0x1000, flags=wire.PRESENT, data=pages(1, 50))
        c.s.shutdown(socket.SHUT_RDWR)
        c.drop()
        s.ends(1, 'connection')
        check(s.left() == [], s.left())


def files():
    """files that are missing or no certificates are named at once"""
    ca = authority()
    server = ca.issue('server', LOCAL)
    for option, path in (('--tls-cacert', '/nonexistent/ca'), ('--tls-cert', '/nonexistent/cert'), ('--tls-key', '/nonexistent/key'),
                         ('--tls-cacrl', '/nonexistent/crl'), ('--tls-cert', '/dev/null')):
        p = tap.run(wire.SERVER, '--no-default-config', '-D', FOLDER.name, *pki.options(ca, server), option, path, status=1)
        check(path in p.stderr and p.stderr.count('\n') == 1, p.stderr)


if __name__ == '__main__':
    tap.main([good, strangers, plain, files])
