"""An authority of our own, its certificates and its list of revoked ones, made with openssl(1)."""
import os
import subprocess

from tap import Skipped

CONFIG = """
[ca]
default_ca = own
[own]
database = {d}/{ca}.index
serial = {d}/{ca}.serial
crlnumber = {d}/{ca}.crlnumber
new_certs_dir = {d}
default_md = sha256
policy = any
default_crl_days = 30
copy_extensions = none
unique_subject = no
[any]
commonName = supplied
"""


class Authority:
    def __init__(self, folder, name='ca'):
        self.d, self.name = folder, name
        for file, text in (('index', ''), ('serial', '1000\n'), ('crlnumber', '01\n'), ('cnf', CONFIG.format(d=folder, ca=name))):
            with open(self.file('.' + file), 'w') as f:
                f.write(text)
        self.openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30', '-subj',
                     f'/CN={name}', '-keyout', self.file('.key'), '-out', self.file('.pem'))
        self.cert = self.file('.pem')

    def file(self, suffix):
        return os.path.join(self.d, self.name + suffix)

    @staticmethod
    def openssl(*args):
        try:
            p = subprocess.run(['openssl', *args], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        except FileNotFoundError:
            raise Skipped('openssl is not installed') from None
        if p.returncode:
            raise RuntimeError(p.stderr)

    def issue(self, who, names, end=None):
        """A certificate for these names (DNS:... or IP:...): paths of it and of its key."""
        base = self.file('.' + who)
        with open(base + '.ext', 'w') as f:
            f.write('subjectAltName=' + names + '\n')
        self.openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', f'/CN={who}',
                     '-keyout', base + '.key', '-out', base + '.csr')
        dates = ('-startdate', '200101000000Z', '-enddate', end) if end else ('-days', '20')
        self.openssl('ca', '-batch', '-notext', '-config', self.file('.cnf'), '-cert', self.cert, '-keyfile', self.file('.key'),
                     *dates, '-extfile', base + '.ext', '-in', base + '.csr', '-out', base + '.pem')
        return base + '.pem', base + '.key'

    def revoke(self, cert):
        self.openssl('ca', '-config', self.file('.cnf'), '-cert', self.cert, '-keyfile', self.file('.key'), '-revoke', cert)

    def list(self):
        """The list of revoked certificates, as it is now."""
        path = self.file('.crl')
        self.openssl('ca', '-config', self.file('.cnf'), '-cert', self.cert, '-keyfile', self.file('.key'), '-gencrl', '-out', path)
        return path


def options(ca, pair, crl=None):
    """What a program is told."""
    return ['--tls', '--tls-cacert', ca.cert, '--tls-cert', pair[0], '--tls-key', pair[1]] + (['--tls-cacrl', crl] if crl else [])
