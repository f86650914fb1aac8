# SPDX-License-Identifier: GPL-2.0-or-later
"""The WAN's address from a real DHCP server: taken, renewed through the firewall, kept over a restart; refused where it overlaps an inside network."""

import json
import signal
import subprocess

import pytest

from tests.harness import daemon, frames, hosts
from tests.harness.daemon import field, until

CONFIGURATION = daemon.LOG_EVERYTHING + '''
system { host-name testbed; }
interfaces {
    interface wan0 { dhcp; }
    bridge br-clinic { port lan1; port lan2; address 10.0.1.1/24; }
    interface lan3 { address 10.0.2.1/24; }
}
zones { wan { interface wan0; } clinic { interface br-clinic; } modality { interface lan3; } }
nat { masquerade clinic; }
address-list vendor { address 203.0.113.0/28; }
service web { protocol tcp; port 8080; forward-to 10.0.1.20; forward-port 80; source { address-list vendor; } }
policy out { from clinic; to wan; action allow; }
'''
ALLOWED, WEB = '203.0.113.5', '192.0.2.80'


def addresses(lab) -> list[str]:
    return [entry['local'] for link in json.loads(lab.router.ip('-j', 'address', 'show', 'dev', 'wan0')) for entry in link['addr_info'] if entry['family'] == 'inet']


def routes(lab) -> list[tuple[str, str]]:
    return [(route['dst'], route.get('gateway', '')) for route in json.loads(lab.router.ip('-j', '-4', 'route'))]


def client_process(lab) -> int | None:
    """The process id of the daemon's DHCP client."""
    return next((pid for pid, words in lab.processes().items() if 'udhcpc' in words), None)


@pytest.fixture
def leased(new_lab):
    lab = new_lab(CONFIGURATION)
    lab.public(ALLOWED, WEB)
    lab.server_process = hosts.DhcpServer(lab, '198.51.100.50', '198.51.100.60', '198.51.100.1', '--dhcp-option=option:dns-server,198.51.100.53',
                                '--dhcp-option=option:classless-static-route,10.77.0.0/16,198.51.100.9', '--dhcp-option=option:static-route,10.78.0.0,198.51.100.9')
    lab.start()
    lab.event(event__action='lease-taken', seconds=30)
    return lab


def leased_address(lab) -> str:
    return until(lambda: next((address for address in addresses(lab) if address.startswith('198.51.100.')), None), 'an address on the WAN')


def test_lease_is_taken_renewed_and_kept(leased):
    lab = leased
    address = leased_address(lab)
    assert '198.51.100.50' <= address <= '198.51.100.60'
    # the default route and the network itself, and no other route that the server would like
    until(lambda: ('default', '198.51.100.1') in routes(lab), 'a default route')
    assert sorted(destination for destination, _ in routes(lab)) == ['10.0.1.0/24', '10.0.2.0/24', '198.51.100.0/24', 'default']
    assert (lab.folder / 'resolv.conf').read_text() == 'nameserver 198.51.100.53\n'

    # forwarded service and masquerading work with the leased address
    hosts.web_server(lab.server, lab.folder / 'nginx', 80)
    hosts.web_server(lab.outside, lab.folder / 'nginx-outside', 80)
    with lab.judged('service.web.allow', 'accepted', 'accepted', source__ip=ALLOWED, destination__ip=address):
        assert hosts.page(lab.outside, address, 8080, ALLOWED) == ALLOWED
    assert hosts.page(lab.desk, WEB, 80, daemon.DESK_V4) == address

    # renewed, by unicast and through the firewall
    acknowledged = lab.server_process.log.read_text().count('DHCPACK')
    client = until(lambda: client_process(lab), 'the DHCP client')
    subprocess.run(['kill', '-USR1', str(client)], check=True)
    until(lambda: lab.server_process.log.read_text().count('DHCPACK') > acknowledged, lambda: f'a renewal; {lab.server_process.log.read_text()[-1500:]}', 30)
    assert addresses(lab) == [address]
    assert len(lab.logged({'event.action': 'lease-taken'})) == 1, 'a renewed lease is no news'

    # the daemon dies and comes back: a flow through the WAN address lives
    with hosts.connection(lab.desk, WEB, 80) as flow:
        lab.kill()
        lab.start()
        assert addresses(lab) == [address]
        flow.sendall(b'GET / HTTP/1.0\r\n\r\n')
        assert address.encode() in flow.recv(65536)
    until(lambda: client_process(lab), 'the DHCP client of the new daemon')
    assert addresses(lab) == [address]


def test_only_the_dhcp_port_is_open_to_the_wan(leased):
    lab = leased
    address = leased_address(lab)
    number = frames.unique_port()
    with frames.Wire(lab.outside, 'eth0') as wire:
        for packet in (frames.udp(number, 68), frames.udp(67, 69)):
            with lab.judged('zone.wan.deny', 'denied', 'no-service', source__ip='198.51.100.1', network__transport='udp'):
                wire.send(frames.ip('198.51.100.1', address, packet), lab.router.mac('wan0'))
        before = lab.counters()['zone.wan.dhcp']
        wire.send(frames.ip('198.51.100.1', address, frames.udp(67, 68)), lab.router.mac('wan0'))
        until(lambda: lab.counters()['zone.wan.dhcp'] == before + 1, 'the counter of DHCP replies')


def test_lease_that_overlaps_an_inside_network_is_refused(new_lab):
    lab = new_lab(CONFIGURATION)
    lab.outside.address('eth0', '10.0.1.2/24')
    server = hosts.DhcpServer(lab, '10.0.1.100', '10.0.1.110', '10.0.1.2')
    lab.start()
    event = lab.event(event__action='lease-refused', seconds=30)
    assert field(event, 'event.outcome') == 'failure' and field(event, 'event.kind') == 'alert'
    # it names both: what was offered and what it overlaps
    assert re_networks(field(event, 'message')) == ['10.0.1.0/24', '10.0.1.0/24'], event
    assert addresses(lab) == []
    assert ('default', '10.0.1.2') not in routes(lab)
    server.stop()
    # a wider network around an inside one is no better
    lab.outside.address('eth0', '10.0.0.2/16')
    run = lab.command('lease-event', 'bound', 'interface=wan0', 'ip=10.0.99.5', 'mask=255.255.0.0', 'router=10.0.0.2')
    assert run.returncode == 1 and '10.0.0.0/16' in run.stderr and '10.0.1.0/24' in run.stderr
    assert addresses(lab) == []


def re_networks(text: str) -> list[str]:
    return [word for word in text.replace(',', ' ').split() if '/' in word and word[0].isdigit()]


def test_lease_that_a_new_configuration_overlaps_is_given_up(leased):
    lab = leased
    leased_address(lab)
    since = len(lab.log())
    lab.apply(CONFIGURATION.replace('10.0.2.1/24', '198.51.100.129/25'))
    event = lab.event(since, event__action='lease-refused')
    assert '198.51.100.0/24' in field(event, 'message') and '198.51.100.128/25' in field(event, 'message')
    until(lambda: addresses(lab) == [], 'the address to be given up')


@pytest.mark.parametrize('words', [
    ('bound', 'interface=wan0', 'ip=127.0.0.9', 'mask=255.0.0.0'), ('bound', 'interface=wan0', 'ip=239.1.1.1', 'mask=255.255.255.0'),
    ('bound', 'interface=wan0', 'ip=198.51.100.9', 'mask=0.0.0.0'), ('bound', 'interface=wan0', 'ip=198.51.100.9', 'mask=255.0.255.0'),
    ('bound', 'interface=wan0', 'ip=198.51.100.9;reboot', 'mask=255.255.255.0'), ('bound', 'interface=lan3', 'ip=198.51.100.9', 'mask=255.255.255.0'),
    *(('bound', 'interface=wan0', 'ip=198.51.100.9', 'mask=255.255.255.0', f'router={router}') for router in
      ('203.0.113.1', '198.51.100.0', '198.51.100.9', '198.51.100.255')), ('explode', 'interface=wan0'), ('bound', 'what=ever')])
def test_report_that_makes_no_sense_is_refused(leased_once, words):
    run = leased_once.command('lease-event', *words)
    assert run.returncode == 1 and run.stderr, words
    assert addresses(leased_once) == []


@pytest.fixture(scope='module')
def leased_once():
    """A router that asks for a lease and finds no server."""
    with daemon.Lab(CONFIGURATION) as lab:
        lab.start()
        yield lab
        lab.assert_healthy()


def test_client_ends_with_the_daemon(leased):
    pid = until(lambda: client_process(leased), 'the DHCP client')
    leased.network.end(leased.process, signal.SIGKILL)
    leased.process = None
    until(lambda: subprocess.run(['kill', '-0', str(pid)], capture_output=True).returncode != 0, 'the end of the DHCP client')
