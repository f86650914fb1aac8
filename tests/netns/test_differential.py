# SPDX-License-Identifier: GPL-2.0-or-later
"""The evaluator against the kernel: the same packets, the same rules, and for each packet the same verdict by the same rule.

The router's cables end in hosts that keep still, and so does the router itself (a chain in front of everything drops what it sends), so that nothing changes a
connection but the packets that are compared. The rules are the product's without their log limits. nftables' trace tells which rule decided.

SEKISHO_DIFFERENTIAL_PACKETS made packets per configuration (default 5,000), from SEKISHO_DIFFERENTIAL_SEED; and every capture of ../shared/captures, where that is.
"""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.harness import countries, daemon
from tests.harness.namespaces import Network, NetworkError

COMPARE = daemon.BUILD / 'tests' / 'harness' / 'judge-packets'
CAPTURES = Path(os.environ.get('SEKISHO_CAPTURES', '/shared/captures'))
COUNT = int(os.environ.get('SEKISHO_DIFFERENTIAL_PACKETS', '5000'))
SEED = int(os.environ.get('SEKISHO_DIFFERENTIAL_SEED', '20261126'))

INTERFACES = '''
interfaces {
    interface wan0 { address 198.51.100.2/24; address 2001:db8:100::2/64; gateway 198.51.100.1; gateway 2001:db8:100::1; }
    interface lan1 { address 10.0.1.1/24; address 2001:db8:10::1/64; }
    interface lan2 { address 10.0.2.1/25; }
}
zones { wan { interface wan0; } clinic { interface lan1; } modality { interface lan2; } }
'''
LISTS = '''
address-list vendor { address 203.0.113.0/28; address 203.0.113.64-203.0.113.70; address 2001:db8:aaaa::/48; }
address-list engineer { address 11.9.9.9; address 8.8.8.0/24; address 2001:4860::/32; }
address-list unwanted { address 203.0.113.5; address 11.9.0.0/16; address 2001:db8:aaaa:5::/64; }
address-list server { address 10.0.1.20; address 2001:db8:10::20; }
'''
CONFIGURATIONS = {
    'closed': INTERFACES,
    'outward': INTERFACES + '''
nat { masquerade clinic; masquerade modality; }
policy web { from clinic; to wan; protocol tcp; port 80; port 443; port 8000-8010; action allow; }
policy dns { from clinic; to wan; protocol udp; port 53; action allow; log none; }
policy ping { from clinic; to wan; protocol icmp; action allow; }
policy ping6 { from clinic; to wan; protocol icmpv6; action allow; }
policy all { from modality; to wan; action allow; }
policy viewer { from clinic; to modality; protocol tcp; port 104; action allow; }
''',
    'services': INTERFACES + LISTS + '''
nat { masquerade clinic; }
service web { protocol tcp; port 8443; forward-to 10.0.1.20; forward-port 443; forward-to 2001:db8:10::20; source { address-list vendor; } }
service hairpin { from wan; from clinic; from modality; protocol tcp; port 8080-8082; forward-to 10.0.1.20; source { address-list vendor; address-list engineer; } }
service telemetry { protocol udp; port 5000-5003; forward-to 10.0.2.30; source { address-list vendor; } }
service tunnel { protocol udp; port 51820; source { address-list engineer; } }
service esp { protocol esp; forward-to 10.0.1.21; source { address-list vendor; } }
block { address-list unwanted; }
policy out { from clinic; to wan; action allow; }
policy server { from modality; to clinic; destination { address-list server; } action deny; }
policy inside { from modality; to clinic; action allow; }
''',
    'management': INTERFACES + LISTS + '''
nat { masquerade clinic; masquerade modality; }
management { ssh { from clinic; port 2222; } }
account tanaka { ssh-key "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5Fp1sHGWkbqmNVeZ4BIqGJXlGmRXhQHQQUp9uLkBZ0"; }
policy admin { from modality; to router; protocol tcp; port 8443; action allow; }
policy refuse { from clinic; to router; protocol udp; port 1000-2000; action deny; }
policy everywhere { from clinic; to wan; action allow; }
policy back { from modality; to wan; source { address-list server; } action allow; }
policy across { from clinic; to modality; action deny; }
''',
    'country-gate': INTERFACES + LISTS + '''
geo-list domestic { country JP; except address-list engineer; }
gate { geo-list domestic; }
block { address-list unwanted; }
nat { masquerade clinic; }
service web { protocol tcp; port 443; forward-to 10.0.1.20; forward-to 2001:db8:10::20; source { address-list engineer; } }
service telemetry { protocol udp; port 5000; forward-to 10.0.1.20; source { geo-list domestic; } }
policy abroad { from clinic; to wan; destination { geo-list domestic; } action allow; }
''',
    'country-service': INTERFACES + LISTS + '''
geo-list domestic { country JP; }
geo-list sanctioned { country US; country CN; unknown deny; }
block { geo-list sanctioned; }
service web { protocol tcp; port 443; forward-to 10.0.1.20; source { geo-list domestic; } }
service both { protocol tcp; port 444; forward-to 10.0.1.20; source { address-list vendor; geo-list domestic; } }
policy not-there { from clinic; to wan; destination { geo-list sanctioned; } action deny; }
policy out { from clinic; to wan; action allow; }
''',
    'inside-servers': '''
interfaces {
    interface wan0 { address 198.51.100.2/24; address 2001:db8:100::2/64; gateway 198.51.100.1; gateway 2001:db8:100::1; }
    interface lan1 { address 10.0.1.1/24; address 2001:db8:10::1/64; dhcp-server { range 10.0.1.100-10.0.1.150; } dns-forwarder; }
    interface lan2 { address 10.0.2.1/25; address 192.168.9.1/30; dns-forwarder; }
}
zones { wan { interface wan0; } clinic { interface lan1; } modality { interface lan2; } }
nat { masquerade clinic; masquerade modality; }
policy time { from clinic; to wan; protocol udp; port 123; action allow; }
policy sctp { from clinic; to modality; protocol udp; action allow; }
policy gre { from clinic; to wan; protocol gre; action allow; }
policy ah { from clinic; to wan; protocol ah; action allow; }
''',
}
DEVICES = ('wan0', 'lan1', 'lan2')
# in front of the product's own chains: all that comes in is traced, and the router keeps still
AROUND = '''
table netdev around {
    chain ingress { type filter hook ingress devices = { "wan0", "lan1", "lan2" } priority -600; policy accept; meta nftrace set 1; }
}
table inet around {
    chain whole { type filter hook prerouting priority -350; policy accept; meta nftrace set 1; }
    chain own { type filter hook output priority -1000; policy drop; }
}
'''
ALWAYS = {'ipv4/conf/{}/rp_filter': '1', 'ipv4/conf/{}/accept_source_route': '0', 'ipv4/conf/{}/send_redirects': '0', 'ipv6/conf/{}/accept_ra': '0',
          'ipv6/conf/{}/autoconf': '0', 'ipv6/conf/{}/accept_source_route': '-1', 'ipv6/conf/{}/accept_dad': '0'}


def without_limits(rules: str) -> str:
    """Each denial is judged by the last rule of its chain alone."""
    return '\n'.join(line for line in rules.splitlines() if '@limit_v' not in line)


def with_early_drop(rules: str) -> str:
    """The text for readers has the early drop as a comment."""
    lines = rules.splitlines()
    begin = next((number for number, line in enumerate(lines) if line.startswith('# Early drop')), None)
    if begin is None:
        return rules
    return '\n'.join(lines[:begin] + [line.removeprefix('# ').removeprefix('#') for line in lines[begin + 1:]]) + '\n'


def places_of(listing: dict) -> str:
    """Chain, handle and rule id of each rule."""
    rules = [entry['rule'] for entry in listing['nftables'] if 'rule' in entry]
    return ''.join(f'{rule["chain"]} {rule["handle"]} {rule.get("comment", "-")}\n' for rule in rules)


class Router:
    def __init__(self, network: Network, folder: Path, configuration: str, database: Path):
        self.folder = folder
        self.config = folder / 'router.conf'
        self.config.write_text(configuration)
        self.database = database
        self.router = network.namespace('router')
        self.hosts = {}
        for device in DEVICES:
            host = self.hosts[device] = network.namespace(f'at-{device}')
            network.veth(self.router, device, host, 'far')
            host.sysctl('net.ipv6.conf.far.disable_ipv6', '1')
        self._prepare()

    def _prepare(self) -> None:
        for part in ('all', 'default', *DEVICES):
            for name, value in ALWAYS.items():
                self._set(name.format(part), value)
        self._set('ipv4/ip_forward', '1')
        self._set('ipv6/conf/all/forwarding', '1')
        for device, host in self.hosts.items():
            # neighbours need not be asked for: whoever is meant gets it
            # and its addresses are the same each time: what is made of them has to be
            self.router.ip('link', 'set', device, 'address', f'52:54:00:00:00:{DEVICES.index(device):02x}', 'arp', 'off', 'mtu', '65535')
            host.ip('link', 'set', 'far', 'mtu', '65535')
            host.up('far')
            self.router.up(device)
        for device, addresses in re.findall(r'interface (\w+) \{((?:[^{}]|\{[^}]*\})*)\}', self.config.read_text()):
            for address in re.findall(r'address ([0-9a-f.:]+/\d+);', addresses):
                self.router.address(device, address)
        for family, gateway in (('-4', '198.51.100.1'), ('-6', '2001:db8:100::1')):
            self.router.ip(family, 'route', 'add', 'default', 'via', gateway, 'dev', 'wan0')
        render = subprocess.run([daemon.CLIENT, 'render', self.config, '--geo', self.database], capture_output=True, text=True)
        assert render.returncode == 0, render.stderr
        rules = self.folder / 'rules.nft'
        rules.write_text(with_early_drop(without_limits(render.stdout)) + AROUND)
        self.router.run('nft', '-f', str(rules), timeout=120)
        self._set('netfilter/nf_conntrack_tcp_loose', '0')
        listing = json.loads(self.router.run('nft', '-j', '-a', '-t', 'list', 'table', 'inet', 'sekisho').stdout)
        self.places = self.folder / 'places'
        self.places.write_text(places_of(listing))

    def _set(self, name: str, value: str) -> None:
        self.router.sysctl(f'net/{name}', value)

    def compare(self, count: int, seed: int, captures: list[Path]) -> subprocess.CompletedProcess:
        arguments = [COMPARE, '--config', self.config, '--geo', self.database, '--router', self.router.path, '--rules', self.places,
                     '--seed', str(seed), '--count', str(count)]
        for device in DEVICES:
            arguments += ['--cable', f'{device},{self.hosts[device].path},far,{self.router.mac(device)}']
            for entry in json.loads(self.router.ip('-j', 'address', 'show', 'dev', device))[0]['addr_info']:
                if entry['scope'] == 'link':
                    arguments += ['--address', f'{device}={entry["local"]}/{entry["prefixlen"]}']
        return subprocess.run([*map(str, arguments), *map(str, captures)], capture_output=True, text=True, timeout=3000)


def captures() -> list[Path]:
    return sorted(path for path in CAPTURES.rglob('*.pcap*') if path.is_file())


@pytest.mark.parametrize('name', CONFIGURATIONS)
def test_kernel_and_evaluator_agree(name, tmp_path, capsys):
    try:
        network = Network()
    except NetworkError as problem:
        pytest.skip(str(problem))
    with network:
        router = Router(network, tmp_path, CONFIGURATIONS[name], countries.built())
        run = router.compare(COUNT, SEED, captures())
    with capsys.disabled():
        if name == next(iter(CONFIGURATIONS)):
            print('\n' + '\n'.join(line for line in run.stdout.splitlines() if line.startswith(('not sent', 'in part'))))
        print(f'\n{name}: ' + run.stdout.strip().splitlines()[-1] if run.stdout.strip() else '')
    compared = re.search(r'^compared (\d+) packets', run.stdout, re.MULTILINE)
    assert run.returncode == 0, run.stdout + run.stderr
    assert compared and int(compared[1]) > 0.99 * COUNT
