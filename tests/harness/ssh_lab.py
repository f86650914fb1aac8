# SPDX-License-Identifier: GPL-2.0-or-later
"""A lab whose router has accounts and takes SSH: the real sshd, users and /etc of the daemon's own."""

import contextlib
import shutil
import subprocess
from pathlib import Path

from . import daemon
from .daemon import until
from .ssh import Keys, Session, client

ROUTER, ROUTER_V6 = daemon.CLINIC_V4, daemon.CLINIC_V6
FIRST_ACCOUNT = 2001


class SshLab(daemon.Lab):
    """A lab whose daemon has a user table of its own: /etc and /run/sekisho are mounted for it alone."""

    def __init__(self):
        super().__init__(self.configuration_of({}))
        self.keys = Keys(self.folder)
        self.in_force = ''

    @staticmethod
    def configuration_of(accounts: dict[str, list[str]], management: str = 'management { ssh { from clinic; } }') -> str:
        text = daemon.LOG_EVERYTHING + daemon.NETWORKS
        for name, keys in accounts.items():
            text += f'account {name} {{ ' + ''.join(f'ssh-key "{key}"; ' for key in keys) + '}\n'
        return text + management + '\n'

    def _build(self) -> None:
        super()._build()
        etc = self.folder / 'etc'
        shutil.copytree('/etc', etc, symlinks=True)
        users = self.folder / 'users'
        users.mkdir()
        for name in ('passwd', 'group'):
            (users / name).write_bytes((daemon.ROOT / 'board/common/etc' / name).read_bytes())
            shutil.copy(users / name, self.run / name)
            (etc / name).unlink()
            (etc / name).symlink_to(f'/run/sekisho/{name}')
        self._file('in-its-place', f'''#!/bin/sh
mkdir -p /run/sekisho && chmod 0755 /run && mount --bind {self.run} /run/sekisho && mount --bind {etc} /etc && exec "$@"
''').chmod(0o755)
        shutil.copy(daemon.ROOT / 'board/common/etc/ssh-server', self.folder / 'ssh-server')
        self.router.sysctl('net.ipv4.ip_nonlocal_bind', '1')
        self.router.sysctl('net.ipv6.ip_nonlocal_bind', '1')
        self.use({'tanaka': ['tanaka']})

    def daemon_arguments(self) -> list[str]:
        arguments = super().daemon_arguments()
        arguments[arguments.index('--run') + 1] = '/run/sekisho'
        return ['unshare', '--mount', '--propagation', 'private', str(self.folder / 'in-its-place'), *arguments, '--users', str(self.folder / 'users'), '--ssh-server',
                str(self.folder / 'ssh-server'), '--shell', str(daemon.CLIENT)]

    def use(self, accounts: dict[str, list[str]], **management) -> str:
        """The configuration with these accounts and the names of their keys; in force, where the daemon runs."""
        text = self.configuration_of({name: [self.keys.public(key) for key in keys] for name, keys in accounts.items()}, **management)
        if self.process is None:
            self._file('default.conf', text)
        elif text != self.in_force:
            self.apply(text)
        self.in_force = text
        return text

    def listening(self) -> set[str]:
        return {line.split()[3] for line in self.router.run('ss', '-Hltn').stdout.splitlines()}

    def wait_listening(self, *addresses: str) -> None:
        until(lambda: self.listening() == set(addresses), lambda: f'sockets {addresses}, there are {self.listening()}')

    def sessions(self, user_id: int = FIRST_ACCOUNT) -> list[int]:
        found = []
        for pid in self.processes():
            with contextlib.suppress(OSError):
                if Path('/proc', str(pid)).stat().st_uid == user_id:
                    found.append(pid)
        return found

    # ---- people ----------------------------------------------------------------------------------------------------------------------------------------

    def arguments(self, key: str | None = 'tanaka', port: int = 22, source: str | None = None, options: tuple[str, ...] = ()) -> list[str]:
        return client(self.keys.path(key) if key else None, port, source, options)

    def session(self, user: str = 'tanaka', **how) -> Session:
        return Session(self.desk, self.arguments(**how), f'{user}@{ROUTER}')

    def ssh(self, *words: str, user: str = 'tanaka', address: str = ROUTER, contents: str = '', host=None, **how) -> subprocess.CompletedProcess:
        return (host or self.desk).run(*self.arguments(**how), f'{user}@{address}', *words, check=False, timeout=60, input=contents)

    def source(self, last: int) -> str:
        """One more address of the desk: attempts of different tests share no penalty."""
        address = f'10.0.1.{last}'
        self.desk.ip('address', 'replace', f'{address}/24', 'dev', 'eth0')
        return address
