# SPDX-License-Identifier: GPL-2.0-or-later
"""wpa_supplicant as the supplicant of a host: a real device that proves itself by 802.1X on a wire.

    with Supplicant(host, folder, peap('tanaka', 'a password', authority)) as supplicant:
        supplicant.wait_authenticated()
"""

import subprocess
from pathlib import Path

from .certificates import Certificate
from .daemon import until
from .namespaces import Namespace


def _text(value: str) -> str:
    """A value of wpa_supplicant.conf: in hexadecimal, so that it may hold anything."""
    return value.encode().hex()


def peap(user: str, password: str, server: Path, outer: str = 'anonymous') -> str:
    return f'eap=PEAP\nidentity={_text(user)}\nanonymous_identity={_text(outer)}\npassword="{password}"\nphase2="auth=MSCHAPV2"\nca_cert="{server}"\n'


def ttls(user: str, password: str, server: Path, inner: str = 'autheap=MSCHAPV2', outer: str = 'anonymous') -> str:
    return f'eap=TTLS\nidentity={_text(user)}\nanonymous_identity={_text(outer)}\npassword="{password}"\nphase2="{inner}"\nca_cert="{server}"\n'


def tls(identity: str, certificate: Certificate, server: Path, tls13: bool = False) -> str:
    only = 'tls_disable_tlsv1_3=0 tls_disable_tlsv1_2=1' if tls13 else 'tls_disable_tlsv1_3=1'
    return (f'eap=TLS\nidentity={_text(identity)}\nclient_cert="{certificate.chain}"\nprivate_key="{certificate.key}"\nca_cert="{server}"\nphase1="{only}"\n')


class Supplicant:
    """Ends with its network at the latest."""

    def __init__(self, host: Namespace, folder: Path, network: str, device: str = 'eth0'):
        self._host, self._device = host, device
        self.folder = folder / f'supplicant-{host.name}-{device}'
        self.folder.mkdir(parents=True, exist_ok=True)
        self._configuration = self.folder / 'supplicant.conf'
        self._configuration.write_text(f'ctrl_interface={self.folder}/control\nap_scan=0\neapol_version=2\nnetwork={{\nkey_mgmt=IEEE8021X\neapol_flags=0\n{network}}}\n')
        self._log = self.folder / 'log'
        self._process: subprocess.Popen | None = None

    def __enter__(self) -> 'Supplicant':
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def start(self) -> None:
        with self._log.open('ab') as log:
            self._process = self._host.start('wpa_supplicant', '-D', 'wired', '-i', self._device, '-c', str(self._configuration), '-t', stdin=subprocess.DEVNULL,
                                             stdout=log, stderr=log)

    def stop(self) -> None:
        if self._process is not None:
            self._host.network.end(self._process)
            self._process = None

    def ask(self, *words: str) -> str:
        return self._host.run('wpa_cli', '-p', f'{self.folder}/control', '-i', self._device, *words, check=False).stdout

    def status(self) -> dict[str, str]:
        return dict(line.split('=', 1) for line in self.ask('status').splitlines() if '=' in line)

    def log(self) -> str:
        return self._log.read_text(errors='replace')

    def is_authenticated(self) -> bool:
        return self.status().get('Supplicant PAE state') == 'AUTHENTICATED'

    def wait_authenticated(self, seconds: float = 20) -> None:
        until(self.is_authenticated, lambda: f'authentication; it said: {self.log()[-3000:]}', seconds, 0.1)

    def wait_refused(self, seconds: float = 20) -> None:
        until(lambda: 'CTRL-EVENT-EAP-FAILURE' in self.log(), lambda: f'a refusal; it said: {self.log()[-3000:]}', seconds, 0.1)
