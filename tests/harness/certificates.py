# SPDX-License-Identifier: GPL-2.0-or-later
"""Authorities and certificates of a test's own, made with the openssl command; right ones and wrong ones.

    authority = Authority(folder, 'Log authority')
    good = authority.issue('server', dns=['log.clinic.example'])
    authority.pem, good.chain, good.key
"""

import dataclasses
import subprocess
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

# Valid around every clock that tests have.
BEGIN, END = datetime(2020, 1, 1), datetime(2045, 1, 1)


def _openssl(*arguments: str) -> None:
    run = subprocess.run(['openssl', *arguments], capture_output=True, text=True)
    assert run.returncode == 0, f'openssl {" ".join(arguments)}: {run.stderr}'


def _key(path: Path, kind: str) -> None:
    """`kind`: "P-256", "P-384", "RSA-2048" …"""
    options = ('RSA', '-pkeyopt', f'rsa_keygen_bits:{kind[4:]}') if kind.startswith('RSA-') else ('EC', '-pkeyopt', f'ec_paramgen_curve:{kind}')
    _openssl('genpkey', '-algorithm', *options, '-out', str(path))


def _time(moment: datetime) -> str:
    return moment.strftime('%Y%m%d%H%M%SZ')


@dataclasses.dataclass
class Certificate:
    """`chain` is the file that a server shows: its certificate and those in between."""
    certificate: Path
    key: Path
    chain: Path

    @property
    def pem(self) -> str:
        return self.certificate.read_text()

    @property
    def serial(self) -> str:
        """In hexadecimal, as openssl shows it."""
        return subprocess.run(['openssl', 'x509', '-noout', '-serial', '-in', str(self.certificate)], capture_output=True, text=True, check=True).stdout.strip().split('=')[1]


class Authority:
    """`above`: the authority that this one's certificate comes from; else it is its own."""

    def __init__(self, folder: Path, name: str, above: 'Authority | None' = None, begin: datetime = BEGIN, end: datetime = END, key: str = 'P-256'):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.name, self.above = folder, name, above
        base = folder / name.replace(' ', '-')
        self.certificate, self._key = base.with_suffix('.pem'), base.with_suffix('.key')
        _key(self._key, key)
        self._make(self.certificate, self._key, name, above, 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n', begin, end, 'sha256')

    @property
    def pem(self) -> str:
        return self.certificate.read_text()

    def issue(self, name: str, dns: Sequence[str] = (), addresses: Sequence[str] = (), begin: datetime = BEGIN, end: datetime = END, common_name: str = '',
              usage: str = 'serverAuth', key: str = 'P-256', digest: str = 'sha256') -> Certificate:
        """A certificate for a server; without names and addresses it has no subjectAltName."""
        base = self.folder / name
        made = Certificate(base.with_suffix('.pem'), base.with_suffix('.key'), base.with_suffix('.chain.pem'))
        _key(made.key, key)
        names = [f'DNS:{each}' for each in dns] + [f'IP:{each}' for each in addresses]
        extensions = f'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage={usage}\n'
        if names:
            extensions += f'subjectAltName={",".join(names)}\n'
        self._make(made.certificate, made.key, common_name or name, self, extensions, begin, end, digest)
        between, above = '', self
        while above.above is not None:
            between, above = between + above.pem, above.above
        made.chain.write_text(made.pem + between)
        return made

    def revocation_list(self, *revoked: Certificate) -> str:
        """PEM."""
        index = self.folder / 'index.txt'
        index.write_text(''.join(f'R\t450101000000Z\t250101000000Z\t{each.serial}\tunknown\t/CN=revoked\n' for each in revoked))
        settings = self.folder / 'revocation.conf'
        settings.write_text(f'[ca]\ndefault_ca=own\n[own]\ndatabase={index}\ndefault_md=sha256\ndefault_crl_days=3000\n')
        run = subprocess.run(['openssl', 'ca', '-gencrl', '-config', str(settings), '-keyfile', str(self._key), '-cert', str(self.certificate)], capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        return run.stdout

    @staticmethod
    def _make(path: Path, key: Path, name: str, above: 'Authority | None', extensions: str, begin: datetime, end: datetime, digest: str) -> None:
        request, settings = path.with_suffix('.request'), path.with_suffix('.extensions')
        settings.write_text(extensions)
        _openssl('req', '-new', '-key', str(key), '-subj', f'/CN={name}', '-out', str(request))
        signer = ('-key', str(key)) if above is None else ('-CA', str(above.certificate), '-CAkey', str(above._key))
        _openssl('x509', '-req', '-in', str(request), *signer, '-not_before', _time(begin), '-not_after', _time(end), f'-{digest}',
                 '-extfile', str(settings), '-out', str(path))


def self_signed(folder: Path, name: str, dns: Sequence[str] = ()) -> Certificate:
    """A server's certificate that is its own authority."""
    folder.mkdir(parents=True, exist_ok=True)
    base = folder / name
    made = Certificate(base.with_suffix('.pem'), base.with_suffix('.key'), base.with_suffix('.pem'))
    _key(made.key, 'P-256')
    names = ','.join(f'DNS:{each}' for each in dns)
    Authority._make(made.certificate, made.key, name, None, f'extendedKeyUsage=serverAuth\nsubjectAltName={names}\n', BEGIN, END, 'sha256')
    return made
