# SPDX-License-Identifier: GPL-2.0-or-later
"""The release build of the daemon in a namespace between two hosts, outside and inside."""

import os
import subprocess
from pathlib import Path

from tests.harness.daemon import credentials_file, until
from tests.harness.namespaces import Network

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get('SEKISHO_BUILD', ROOT / 'build/release'))
DAEMON = BUILD / 'firmware/sekishod/sekishod'
CLIENT = BUILD / 'firmware/cli/sekisho'

WAN, GATEWAY, SERVER = '198.51.100.2', '198.51.100.1', '10.0.1.20'
NETWORKS = f'''system {{ host-name bench; }}
interfaces {{
    interface wan0 {{ address {WAN}/24; gateway {GATEWAY}; }}
    interface lan1 {{ address 10.0.1.1/24; }}
}}
zones {{ wan {{ interface wan0; }} clinic {{ interface lan1; }} }}
nat {{ masquerade clinic; }}
policy out {{ from clinic; to wan; action allow; }}
'''
_IDENTITY = 'product Sekisho\nboard bench\nversion 0.0.0\nbuild bench\nbuild-time 2026-01-01T00:00:00Z\n'

# Accepts everything, with connection tracking and source translation: what forwarding costs without a policy.
OPEN_RULES = '''table inet open {
    chain forward { type filter hook forward priority filter; policy accept; ct state established,related accept; }
    chain postrouting { type nat hook postrouting priority srcnat; oifname "wan0" masquerade; }
}
'''


class Router:
    """Namespaces with the ports wan0 and lan1, and the daemon in them once it is started. `folder` becomes its data and run directory."""

    def __init__(self, network: Network, folder: Path, name: str = 'router'):
        self.network, self.folder = network, folder
        self.router = network.namespace(name)
        self.outside = network.namespace(f'{name}-outside')
        self.inside = network.namespace(f'{name}-inside')
        network.veth(self.router, 'wan0', self.outside, 'eth0')
        network.veth(self.router, 'lan1', self.inside, 'eth0')
        for host in (self.outside, self.inside):
            host.sysctl('net.ipv6.conf.all.disable_ipv6', '1')  # nothing speaks up unasked: packets are counted
        self.outside.address('eth0', f'{GATEWAY}/24')
        self.inside.address('eth0', f'{SERVER}/24')
        self.inside.route('default', '10.0.1.1')

    @property
    def socket(self) -> Path:
        return self.folder / 'run/control.sock'

    def start_daemon(self, configuration: str = NETWORKS, database: Path | None = None) -> subprocess.Popen:
        """Starts the daemon on what is in the folder, or on this configuration where there is nothing yet. It can change neither the host's name nor its clock."""
        for name in ('data/state', 'data/config', 'run'):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / 'identity').write_text(_IDENTITY)
        (self.folder / 'default.conf').write_text(configuration)
        (self.folder / 'data/state/factory').touch()
        # without any password the WAN would stay down; nobody logs in with this one
        (self.folder / 'data/state/credentials').write_text(credentials_file(('admin', '$y$j75$bench')))
        process = self.router.start('unshare', '--uts', 'setpriv', '--bounding-set=-sys_time', '--inh-caps=-sys_time', '--', str(DAEMON),
                                    '--data', str(self.folder / 'data'), '--run', str(self.folder / 'run'), '--identity', str(self.folder / 'identity'),
                                    '--default-config', str(self.folder / 'default.conf'), '--resolv-conf', str(self.folder / 'resolv.conf'),
                                    *(['--country-database', str(database)] if database else []),
                                    stderr=subprocess.DEVNULL)
        until(lambda: self.ask('show', 'version', check=False), 'an answer of the daemon')
        return process

    def forward(self) -> None:
        """Lets the kernel forward between the ports: no daemon, no rules."""
        self.router.address('wan0', f'{WAN}/24')
        self.router.address('lan1', '10.0.1.1/24')
        self.router.sysctl('net.ipv4.ip_forward', '1')

    def forward_openly(self) -> None:
        self.forward()
        rules = self.folder / 'open.nft'
        rules.write_text(OPEN_RULES)
        self.router.run('nft', '-f', str(rules))

    def ask(self, *words: str, check: bool = True) -> str:
        return self.router.run(str(CLIENT), '--socket', str(self.socket), *words, check=check).stdout
