# SPDX-License-Identifier: GPL-2.0-or-later
"""People who come over SSH: their keys, the real ssh with nothing of the machine's own configuration, and sessions with a terminal."""

import os
import pty
import select
import subprocess
import time
from pathlib import Path

from .console import PROMPT
from .namespaces import Namespace


class Keys:
    """Key pairs of people, made for the test."""

    def __init__(self, folder: Path):
        self._folder = folder

    def path(self, name: str) -> Path:
        path = self._folder / name
        if not path.exists():
            subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', str(path)], check=True)
        return path

    def public(self, name: str) -> str:
        return self.path(name).with_suffix('.pub').read_text().strip()

    def fingerprint(self, name: str) -> str:
        return subprocess.run(['ssh-keygen', '-l', '-f', str(self.path(name))], check=True, capture_output=True, text=True).stdout.split()[1]


def client(key: Path | None, port: int = 22, source: str | None = None, options: tuple[str, ...] = ()) -> list[str]:
    """The words of an ssh that asks nothing, and trusts whatever host key it meets; without a key it has none to offer."""
    words = ['ssh', '-F', '/dev/null', '-p', str(port), '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR',
             '-o', 'IdentitiesOnly=yes', '-o', 'ConnectTimeout=30', '-i', str(key) if key else '/nonexistent']
    return [*words, *(['-b', source] if source else []), *options]


# OpenSSH's own client refuses to send such names; what others send, no client decides.
_ANY_NAME = '''
import socket, sys
import paramiko
address, port, source, user, key = sys.argv[1:]
with socket.create_connection((address, int(port)), 30, (source, 0)) as connection:
    transport = paramiko.Transport(connection)
    transport.start_client(timeout=30)
    try:
        transport.auth_publickey(user, paramiko.Ed25519Key.from_private_key_file(key))
    except paramiko.AuthenticationException:
        sys.exit(3)
    finally:
        transport.close()
'''
NOT_AUTHENTICATED = 3


def attempt_as(host: Namespace, address: str, source: str, user: str, key: Path, port: int = 22) -> int:
    """Offers a key under any name, control characters and all; the exit status (0: let in, NOT_AUTHENTICATED: refused)."""
    return host.run('python3', '-c', _ANY_NAME, address, str(port), source, user, str(key), check=False, timeout=90).returncode


class Session:
    """An interactive session with a terminal."""

    def __init__(self, host: Namespace, words: list[str], user_and_address: str, seconds: float = 30):
        self._host, self._seconds = host, seconds
        self._terminal, child = pty.openpty()
        self.process = host.start(*words, '-tt', user_and_address, stdin=child, stdout=child, stderr=child, start_new_session=True)
        os.close(child)
        self.seen = ''
        self.wait_for(PROMPT)

    def wait_for(self, text: str) -> str:
        end = time.monotonic() + self._seconds
        while text not in self.seen:
            ready, _, _ = select.select([self._terminal], [], [], max(0.0, end - time.monotonic()))
            assert ready, f'no {text!r} within {self._seconds:.0f} s, but {self.seen!r}'
            try:
                self.seen += os.read(self._terminal, 65536).decode(errors='replace')
            except OSError:
                raise AssertionError(f'no {text!r} before the end, but {self.seen!r}') from None
        before, _, self.seen = self.seen.partition(text)
        return before

    def command(self, line: str) -> str:
        os.write(self._terminal, f'{line}\r'.encode())
        return self.wait_for(PROMPT)

    def wait_ended(self) -> None:
        def ended() -> bool:
            # a terminal that nobody reads would hold the client up
            while select.select([self._terminal], [], [], 0)[0]:
                try:
                    self.seen += os.read(self._terminal, 65536).decode(errors='replace')
                except OSError:
                    break
            return self.process.poll() is not None
        end = time.monotonic() + self._seconds
        while not ended():
            assert time.monotonic() < end, f'the session did not end within {self._seconds:.0f} s; it said {self.seen!r}'
            time.sleep(0.1)

    def close(self) -> None:
        if self._terminal >= 0:
            self._host.network.end(self.process)
            os.close(self._terminal)
            self._terminal = -1
