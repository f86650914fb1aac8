# SPDX-License-Identifier: GPL-2.0-or-later
"""People who come to the image over SSH, from the clinic's server or another place."""

import subprocess

from router import DEMO

from tests.harness.ssh import Keys, client

ROUTER, GUEST_ROUTER = '10.0.1.1', '10.0.2.1'
GUEST = '10.0.2.50'
ZONES = DEMO.replace('        port lan2;\n', '').replace('zones {', 'zones { guest { interface lan2; }').replace('    bridge br-clinic', f'''    interface lan2 {{ address {GUEST_ROUTER}/24; }}
    bridge br-clinic''')
SECONDS = 90  # an emulated processor takes its time for a key exchange


class People:
    """Who comes, from the clinic's server unless another place is named."""

    def __init__(self, world):
        self.world = world
        self.keys = Keys(world.folder)
        world.client.address('router', f'{GUEST}/24')

    def configuration(self, accounts: dict[str, list[str]]) -> str:
        text = ZONES
        for name, keys in accounts.items():
            text += f'account {name} {{ ' + ''.join(f'ssh-key "{self.keys.public(key)}"; ' for key in keys) + '}\n'
        return text + 'management { ssh { from clinic; } }\n'

    def words(self, key: str | None = 'tanaka', source: str | None = None, options: tuple[str, ...] = ()) -> list[str]:
        return client(self.keys.path(key) if key else None, 22, source, options)

    def ssh(self, *words: str, user: str = 'tanaka', address: str = ROUTER, host=None, contents: str = '', **how) -> subprocess.CompletedProcess:
        return (host or self.world.server).run(*self.words(**how), f'{user}@{address}', *words, check=False, timeout=SECONDS, input=contents)

    def source(self, last: int) -> str:
        """One more address of the server: what is refused from one address slows no other test."""
        address = f'10.0.1.{last}'
        self.world.server.ip('address', 'replace', f'{address}/24', 'dev', 'router')
        return address

    def wait_answering(self) -> None:
        run = self.world.server.run('sh', '-c', f'for i in $(seq 60); do ssh-keyscan -T 20 -t ed25519 {ROUTER} 2>/dev/null | grep -q . && exit 0; sleep 1; done; exit 1',
                                    check=False, timeout=300)
        assert run.returncode == 0, 'nobody answers on the SSH port'
