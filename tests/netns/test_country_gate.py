# SPDX-License-Identifier: GPL-2.0-or-later
"""A gate by country on the WAN: what is judged by it and what never is, with real addresses out of the image's database."""

import socket

import pytest

from tests.harness import countries, daemon, frames, hosts
from tests.harness.daemon import CLINIC_V4, CLINIC_V6, DESK_V4, DESK_V6, SERVER_V4, SERVER_V6, WAN_V4, WAN_V6, until

COUNTRIES = countries.built


def at(country: str | None, version: int, index: int = 0) -> str:
    return countries.of(COUNTRIES(), country, version, index + 1)[index]


VERSIONS = pytest.mark.parametrize('version', [4, 6])
NEAR_V4 = '192.168.7.8'
CONFIGURATION = daemon.NETWORKS + daemon.LOG_EVERYTHING + f'''
address-list vendor {{ address {at('JP', 4)}; address {at('JP', 6)}; address {at('US', 4)}; address {at('US', 6)}; address {at('DE', 4)}; address {at('DE', 6)};
    address 192.168.7.0/24; address 192.168.9.0/24; }}
address-list engineer {{ address {at('DE', 4)}; address {at('DE', 6)}; }}
address-list near {{ address 192.168.7.0/24; }}
geo-list japan {{ country JP; except address-list engineer; except address-list near; }}
gate {{ geo-list japan; }}
service web {{ protocol tcp; port 8080; forward-to 10.0.1.20; forward-port 80; forward-to 2001:db8:10::20; source {{ address-list vendor; }} }}
service telemetry {{ protocol udp; port 5000; forward-to 10.0.1.20; forward-to 2001:db8:10::20; source {{ address-list vendor; }} }}
nat {{ masquerade clinic; }}
policy out {{ from clinic; to wan; action allow; }}
policy admin {{ from clinic; to router; protocol tcp; port 8443; action allow; }}
'''


def prepare(lab):
    lab.public(*(at(country, version, index) for country in ('JP', 'US', 'DE') for version in (4, 6) for index in (0, 1)), NEAR_V4)
    hosts.web_server(lab.server, lab.folder / 'nginx', 80)
    hosts.web_server(lab.outside, lab.folder / 'nginx-outside', 80)


def target(version: int) -> tuple[str, int]:
    return (SERVER_V6, 80) if version == 6 else (WAN_V4, 8080)


def denied(lab, source: str, destination: str, part_of, rule: str, reason: str = 'country', **wanted):
    number = frames.unique_port()
    with frames.Wire(lab.outside, 'eth0') as wire, frames.Wire(lab.server, 'eth0') as inside:
        with lab.judged(rule, 'denied', reason, source__ip=source, source__port=number, observer__ingress__zone='wan', **wanted):
            wire.send(frames.ip(source, destination, part_of(number)), lab.router.mac('wan0'))
        assert not any(map(frames.to_destination(source, number), wire.caught()))
        assert not any(map(frames.from_source(source), inside.caught()))


@VERSIONS
def test_the_gate_stands_before_the_lists_of_services(lab, version):
    where, port = target(version)
    with lab.judged('service.web.allow', 'accepted', 'accepted', more=True, source__ip=at('JP', version), source__geo__country_iso_code='JP'):
        assert hosts.page(lab.outside, where, port, at('JP', version)) == at('JP', version)
    # on the service's list, but not through the gate
    denied(lab, at('US', version), where, lambda number: frames.tcp(number, port), 'gate.country', source__geo__country_iso_code='US')
    # through the gate, but on no list
    denied(lab, at('JP', version, 1), where, lambda number: frames.tcp(number, port), 'service.web.deny', 'not-allowed', source__geo__country_iso_code='JP')


@VERSIONS
def test_the_early_drop_counts_and_logs_as_the_gate_itself(lab, version):
    assert 'early' in lab.nft('list', 'table', 'inet', 'sekisho')
    where, port = target(version)
    denied(lab, at('US', version, 1), where, lambda number: frames.tcp(number, port), 'gate.country', observer__ingress__interface__name='wan0',
           source__geo__country_iso_code='US', sekisho__tcp__flags='S')
    # what is no TCP meets the gate behind connection tracking
    denied(lab, at('US', version, 1), where, lambda number: frames.udp(number, 5000), 'gate.country', source__geo__country_iso_code='US')


@VERSIONS
def test_without_the_early_drop_every_verdict_is_the_same(lab, version):
    chains = [line.split()[1] for line in lab.nft('list', 'table', 'inet', 'sekisho').splitlines() if line.strip().startswith('chain')]
    early = next(name for name in chains if 'early' in name)
    lab.nft('flush', 'chain', 'inet', 'sekisho', early)
    where, port = target(version)
    denied(lab, at('US', version, 1), where, lambda number: frames.tcp(number, port), 'gate.country', source__geo__country_iso_code='US')
    lab.apply(CONFIGURATION)
    assert 'drop' in lab.nft('list', 'chain', 'inet', 'sekisho', early)


@VERSIONS
def test_a_named_address_passes_whatever_its_country(lab, version):
    where, port = target(version)
    assert hosts.page(lab.outside, where, port, at('DE', version)) == at('DE', version)
    denied(lab, at('DE', version, 1), where, lambda number: frames.tcp(number, port), 'gate.country', source__geo__country_iso_code='DE')


def test_private_sources_on_the_wan_are_denied_unless_an_except_list_names_them(lab):
    denied(lab, '192.168.9.9', WAN_V4, lambda number: frames.tcp(number, 8080), 'gate.country', source__geo__country_iso_code=None)
    assert hosts.page(lab.outside, WAN_V4, 8080, NEAR_V4) == NEAR_V4


@VERSIONS
def test_unknown_space_does_not_pass_the_gate(lab, version):
    where, port = target(version)
    denied(lab, at(None, version), where, lambda number: frames.tcp(number, port), 'gate.country', source__geo__country_iso_code=None)


# ---- what is never judged ----------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('address', [CLINIC_V4, CLINIC_V6])
def test_the_clinic_still_administers_the_router(lab, address):
    """Allow-only JP: the clinic's own addresses are private and of no country."""
    with hosts.listener(lab.router, address, 8443), \
            lab.judged('policy.admin.allow', 'accepted', 'accepted', source__ip=DESK_V6 if ':' in address else DESK_V4):
        hosts.connection(lab.desk, address, 8443).close()
    lab.desk.run('ping', '-n', '-c1', '-W5', address)


@VERSIONS
def test_replies_of_any_country_come_back(lab, version):
    with lab.judged('policy.out.allow', 'accepted', 'accepted', more=True, destination__ip=at('US', version), destination__geo__country_iso_code='US'):
        assert hosts.page(lab.desk, at('US', version), 80, DESK_V6 if version == 6 else DESK_V4)


def test_neighbours_on_the_link_are_discovered(lab):
    mac = lab.outside.mac('eth0')
    source = 'fe80::1234'
    with frames.Wire(lab.outside, 'eth0') as wire:
        wire.send(frames.ip(source, WAN_V6, frames.solicitation(WAN_V6, mac), hop_limit=255), lab.router.mac('wan0'))
        lab.outside.ip('-6', 'neigh', 'flush', 'dev', 'eth0')
        until(lambda: 'bytes from' in lab.desk.run('ping', '-n', '-c1', '-W5', '2001:db8:100::1').stdout, 'an answer from beyond the WAN')
        assert wire.catch(lambda packet: packet.protocol == 58 and packet.data[packet.transport] == frames.ADVERTISEMENT) is not None


def test_icmp_errors_of_live_flows_pass_whatever_router_sends_them(lab):
    """The reporter is a router anywhere on the way, here in another country."""
    before = lab.counters()['gate.country']
    with frames.Wire(lab.outside, 'eth0') as wire, frames.Wire(lab.desk, 'eth0') as inside, hosts.connection(lab.desk, at('US', 4), 80, DESK_V4) as peer:
        peer.sendall(b'GET / HTTP/1.0\r\n\r\n')
        request = wire.catch(lambda packet: str(packet.destination) == at('US', 4) and packet.protocol == frames.TCP and len(packet.data) > 50)
        assert request is not None
        wire.send(frames.fragmentation_needed(at('DE', 4, 1), bytes(request.data)), lab.router.mac('wan0'))
        error = inside.catch(lambda packet: packet.protocol == frames.ICMP)
        assert error is not None and str(error.source) == at('DE', 4, 1) and str(error.destination) == DESK_V4
    assert lab.counters()['gate.country'] == before


def test_dhcp_replies_reach_a_running_client_behind_a_gate(new_lab):
    lab = new_lab(CONFIGURATION.replace(f'address {WAN_V4}/24; address {WAN_V6}/64; gateway 198.51.100.1; gateway 2001:db8:100::1;', 'dhcp;'), countries=COUNTRIES())
    hosts.DhcpServer(lab, '198.51.100.50', '198.51.100.60', '198.51.100.1')
    lab.start()
    lab.event(event__action='lease-taken', seconds=30)
    number = frames.unique_port()
    with frames.Wire(lab.outside, 'eth0') as wire:
        address = next(entry for entry in lab.router.ip('-4', '-o', 'address', 'show', 'dev', 'wan0').split() if entry.startswith('198.51.100.')).split('/')[0]
        with lab.judged('gate.country', 'denied', 'country', source__ip='10.200.0.1', source__port=number):
            wire.send(frames.ip('10.200.0.1', address, frames.udp(number, 68)), lab.router.mac('wan0'))
        before = lab.counters()['zone.wan.dhcp']
        wire.send(frames.ip('10.200.0.1', address, frames.udp(67, 68)), lab.router.mac('wan0'))
        until(lambda: lab.counters()['zone.wan.dhcp'] == before + 1, 'the counter of DHCP replies')


@VERSIONS
def test_datagrams_of_the_country_pass(lab, version):
    host, source = SERVER_V6 if version == 6 else SERVER_V4, at('JP', version)
    with hosts.listener(lab.server, host, 5000, socket.SOCK_DGRAM) as server, lab.outside.socket(hosts.family_of(source), socket.SOCK_DGRAM) as client:
        client.bind((source, 0))
        client.sendto(b'reading', (target(version)[0], 5000))
        assert server.recvfrom(100)[0] == b'reading'


@VERSIONS
def test_a_look_up_says_what_the_gate_says(lab, version):
    for country, index, says, verdict, rule in (('JP', 0, 'admits', 'admitted', 'service.web.allow'), ('US', 0, 'refuses', 'denied', 'gate.country'),
                                                ('DE', 0, 'admits', 'admitted', 'service.web.allow'), ('DE', 1, 'refuses', 'denied', 'gate.country')):
        shown = lab.asked('show', 'geo', 'lookup', at(country, version, index))
        assert (shown['country'], shown['gate']) == (country, says)
        assert {(row['verdict'], row['rule']) for row in shown['services'] if row['name'] == 'web'} == {(verdict, rule)}
