# SPDX-License-Identifier: GPL-2.0-or-later
"""busybox's DHCP client on a host of tests."""

import subprocess

from .daemon import until

_SCRIPT = '''#!/bin/sh
[ "$1" = bound ] || [ "$1" = renew ] || exit 0
ip -4 address flush dev eth0
ip address add "$ip/24" dev eth0
echo "$ip router=$router dns=$dns" > {result}
'''


class DhcpClient:
    """Gives up the host's other IPv4 addresses."""

    def __init__(self, lab, host, name: str = ''):
        self.result = lab.folder / f'{host.name}.lease'
        script = lab.folder / f'{host.name}.script'
        script.write_text(_SCRIPT.format(result=self.result))
        script.chmod(0o755)
        host.ip('-4', 'address', 'flush', 'dev', 'eth0')
        self.process = host.start('busybox', 'udhcpc', '-f', '-i', 'eth0', '-s', str(script), '-t', '20', '-T', '1', *(['-x', f'hostname:{name}'] if name else []), stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def lease(self) -> tuple[str, str]:
        """The address and what else came with it."""
        text = until(lambda: self.result.exists() and self.result.read_text(), 'a lease', 30)
        address, rest = text.strip().split(' ', 1)
        return address, rest
