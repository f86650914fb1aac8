# SPDX-License-Identifier: GPL-2.0-or-later
"""Lists of countries without a gate: services, blocks and policies, with real addresses of several countries out of the image's database."""

import hashlib
import ipaddress
import json
import socket

import pytest

from tests.harness import countries, daemon, frames, hosts
from tests.harness.daemon import DESK_V4, SERVER_V4, SERVER_V6, WAN_V4, field

COUNTRIES = countries.built
V4, V6 = 4, 6


def at(country: str | None, version: int, index: int = 0) -> str:
    return countries.of(COUNTRIES(), country, version, index + 1)[index]


VERSIONS = pytest.mark.parametrize('version', [V4, V6])
# services are told apart by inside port: IPv6 hosts are reached at their own address
CONFIGURATION = daemon.NETWORKS + daemon.LOG_EVERYTHING + f'''
address-list vendor {{ address {at('JP', 4)}; address {at('JP', 6)}; address {at('US', 4)}; address {at('US', 6)}; address {at('RU', 4)}; address {at('RU', 6)}; }}
address-list traveller {{ address {at('DE', 4)}; address {at('DE', 6)}; }}
address-list near {{ address 192.168.7.0/24; }}
address-list partner {{ address {at('CN', 4)}; address {at('CN', 6)}; }}
geo-list home {{ country JP; except address-list traveller; except address-list near; }}
geo-list home-and-unknown {{ country JP; unknown allow; }}
geo-list stop {{ country RU; }}
geo-list far {{ country CN; except address-list partner; }}
block {{ geo-list stop; }}
service geo {{ protocol tcp; port 8081; forward-to 10.0.1.20; forward-port 8081; forward-to 2001:db8:10::20; source {{ geo-list home; }} }}
service both {{ protocol tcp; port 8082; forward-to 10.0.1.20; forward-port 8082; forward-to 2001:db8:10::20; source {{ address-list vendor; geo-list home; }} }}
service listed {{ protocol tcp; port 8083; forward-to 10.0.1.20; forward-port 8083; forward-to 2001:db8:10::20; source {{ address-list vendor; }} }}
service unknown {{ protocol udp; port 5000; forward-to 10.0.1.20; forward-to 2001:db8:10::20; source {{ geo-list home-and-unknown; }} }}
service telemetry {{ protocol udp; port 5001; forward-to 10.0.1.20; forward-to 2001:db8:10::20; source {{ geo-list home; }} }}
nat {{ masquerade clinic; }}
policy not-there {{ from clinic; to wan; destination {{ geo-list far; }} action deny; }}
policy at-home {{ from clinic; to wan; protocol tcp; port 443; destination {{ geo-list home; }} action allow; }}
policy web {{ from clinic; to wan; protocol tcp; port 80; action allow; }}
'''


def prepare(lab):
    lab.public(*(at(country, version, index) for country in ('JP', 'US', 'RU', 'DE', 'CN') for version in (4, 6) for index in (0, 1)), '192.168.7.8')
    hosts.web_server(lab.server, lab.folder / 'nginx', 8081, 8082, 8083)
    hosts.web_server(lab.outside, lab.folder / 'nginx-outside', 80, 443)


def target(version: int) -> str:
    return SERVER_V6 if version == 6 else WAN_V4


def denied(lab, source: str, destination: str, part_of, rule: str, reason: str = 'country', **wanted):
    """One packet from the WAN that must be denied: counted once, logged, answered by nothing."""
    number = frames.unique_port()
    with frames.Wire(lab.outside, 'eth0') as wire, frames.Wire(lab.server, 'eth0') as inside:
        with lab.judged(rule, 'denied', reason, source__ip=source, source__port=number, **wanted):
            wire.send(frames.ip(source, destination, part_of(number)), lab.router.mac('wan0'))
        assert not any(map(frames.to_destination(source, number), wire.caught()))
        assert not any(map(frames.from_source(source), inside.caught()))


def knock(port: int, flags: int = frames.SYN):
    return lambda number: frames.tcp(number, port, flags)


def datagram(port: int):
    return lambda number: frames.udp(number, port)


def reaches(lab, version: int, port: int, source: str, rule: str, **wanted):
    # more: while the server's neighbours are looked for, a first segment is sent again
    with lab.judged(rule, 'accepted', 'accepted', more=True, source__ip=source, destination__ip=target(version), **wanted):
        assert hosts.page(lab.outside, target(version), port, source) == source


@VERSIONS
def test_a_service_for_countries_admits_them_and_nobody_else(lab, version):
    reaches(lab, version, 8081, at('JP', version, 1), 'service.geo.allow', source__geo__country_iso_code='JP')
    denied(lab, at('US', version), target(version), knock(8081), 'service.geo.country', source__geo__country_iso_code='US')


@VERSIONS
def test_a_connection_that_no_service_would_admit_is_dropped_early(lab, version):
    denied(lab, at('US', version, 1), target(version), knock(8081), 'early.country', source__geo__country_iso_code='US')
    # whatever the port: nothing would have taken it
    denied(lab, at('US', version, 1), target(version), knock(22), 'early.country', observer__ingress__zone='wan', observer__ingress__interface__name='wan0')


@VERSIONS
def test_where_a_service_has_both_kinds_of_lists_both_must_hold(lab, version):
    reaches(lab, version, 8082, at('JP', version), 'service.both.allow')
    denied(lab, at('US', version), target(version), knock(8082), 'service.both.country')
    denied(lab, at('JP', version, 1), target(version), knock(8082), 'service.both.deny', 'not-allowed')


@VERSIONS
def test_a_service_without_countries_is_as_it_was(lab, version):
    reaches(lab, version, 8083, at('US', version), 'service.listed.allow', source__geo__country_iso_code='US')
    denied(lab, at('JP', version, 1), target(version), knock(8083), 'service.listed.deny', 'not-allowed')


@VERSIONS
def test_an_except_list_lets_through_whatever_the_country(lab, version):
    reaches(lab, version, 8081, at('DE', version), 'service.geo.allow', source__geo__country_iso_code='DE')
    denied(lab, at('DE', version, 1), target(version), knock(8081), 'early.country', source__geo__country_iso_code='DE')


@VERSIONS
def test_a_blocked_country_is_refused_whatever_lists_name_it(lab, version):
    denied(lab, at('RU', version), target(version), knock(8083), 'block.stop')
    denied(lab, at('RU', version), target(version), datagram(5000), 'block.stop', source__geo__country_iso_code='RU')


@VERSIONS
def test_unknown_space_is_denied_unless_a_list_says_otherwise(lab, version):
    nowhere = at(None, version)
    denied(lab, nowhere, target(version), knock(8081), 'early.country', source__geo__country_iso_code=None)
    denied(lab, nowhere, target(version), datagram(5001), 'service.telemetry.country', source__geo__country_iso_code=None)
    number = frames.unique_port()
    with frames.Wire(lab.outside, 'eth0') as wire, \
            lab.judged('service.unknown.allow', 'accepted', 'accepted', source__ip=nowhere, source__port=number, source__geo__country_iso_code=None):
        wire.send(frames.ip(nowhere, target(version), frames.udp(number, 5000)), lab.router.mac('wan0'))


@pytest.mark.parametrize('source', ['192.168.9.9', '172.16.3.4', '100.64.5.6', '169.254.1.1'])
def test_private_space_on_the_wan_belongs_to_no_country(lab, source):
    denied(lab, source, WAN_V4, knock(8081), 'early.country', source__geo__country_iso_code=None)
    # not even to unknown space
    denied(lab, source, WAN_V4, datagram(5000), 'service.unknown.country')


def test_private_space_is_let_through_by_an_except_list(lab):
    reaches(lab, V4, 8081, '192.168.7.8', 'service.geo.allow', source__geo__country_iso_code=None)


@VERSIONS
def test_datagrams_are_judged_by_country_too(lab, version):
    host, source = SERVER_V6 if version == 6 else SERVER_V4, at('JP', version)
    with hosts.listener(lab.server, host, 5001, socket.SOCK_DGRAM) as server, lab.outside.socket(hosts.family_of(source), socket.SOCK_DGRAM) as client:
        client.bind((source, 0))
        client.settimeout(10)
        client.sendto(b'reading', (target(version), 5001))
        assert server.recvfrom(100)[0] == b'reading'
    denied(lab, at('US', version), target(version), datagram(5001), 'service.telemetry.country')


def outward(lab, destination: str, port: int, rule: str, action: str, reason: str):
    with lab.judged(rule, action, reason, source__ip=DESK_V4, destination__ip=destination, destination__port=port):
        if action == 'accepted':
            hosts.connection(lab.desk, destination, port).close()
        else:
            assert isinstance(hosts.refusal(lab.desk, destination, port), ConnectionError)


def test_a_policy_outward_refuses_or_admits_countries(lab):
    outward(lab, at('US', 4), 80, 'policy.web.allow', 'accepted', 'accepted')
    outward(lab, at('CN', 4, 1), 80, 'policy.not-there.deny', 'denied', 'country')
    # the list's except is not refused, and goes on to the policies behind
    outward(lab, at('CN', 4), 80, 'policy.web.allow', 'accepted', 'accepted')
    outward(lab, at('JP', 4), 443, 'policy.at-home.allow', 'accepted', 'accepted')
    outward(lab, at('US', 4), 443, 'zone.clinic.deny', 'denied', 'zone')
    event = lab.event(rule__id='policy.at-home.allow')
    assert field(event, 'destination.geo.country_iso_code') == 'JP' and field(event, 'source.geo.country_iso_code') is None


def test_replies_to_the_clinic_s_own_connections_are_never_judged(lab):
    assert hosts.page(lab.desk, at('RU', 4), 80, DESK_V4) == WAN_V4, 'a blocked country answers'


def test_a_request_in_pieces_gets_the_verdict_of_the_whole(lab):
    """It is no matter of the early drop: the rules behind reassembly judge it."""
    source, number = at('US', 4, 1), frames.unique_port()
    whole = frames.ip(source, WAN_V4, frames.tcp(number, 8081, payload=b'x' * 64), identification=77)
    with frames.Wire(lab.outside, 'eth0') as wire, lab.judged('service.geo.country', 'denied', 'country', source__ip=source, source__port=number):
        for piece in frames.fragments(whole, 24):
            wire.send(piece, lab.router.mac('wan0'))


def test_a_request_behind_extension_headers_is_denied_and_an_admitted_one_passes(lab):
    def hidden(source: str, number: int) -> bytes:
        plain = frames.ip(source, SERVER_V6, frames.tcp(number, 8081))
        options = bytes([plain[6], 0, 1, 4, 0, 0, 0, 0])  # destination options: padding
        return plain[:4] + (len(plain) - 40 + len(options)).to_bytes(2, 'big') + b'\x3c' + plain[7:40] + options + plain[40:]
    for source, rule, verdict in ((at('US', 6, 1), 'early.country', ('denied', 'country')), (at('JP', 6), 'service.geo.allow', ('accepted', 'accepted'))):
        number = frames.unique_port()
        with frames.Wire(lab.outside, 'eth0') as wire, lab.judged(rule, *verdict, source__ip=source, source__port=number):
            wire.send(hidden(source, number), lab.router.mac('wan0'))


# ---- what a person asks ------------------------------------------------------------------------------------------------------------------------------------


def test_show_geo_tells_what_is_in_force(lab):
    shown = lab.asked('show', 'geo')
    whole = COUNTRIES().read_bytes()
    assert shown['origin'] == 'built-in' and shown['size_bytes'] == len(whole) and shown['sha256'] == hashlib.sha256(whole).hexdigest()
    assert 'IPFire' in shown['description'] and shown['age_days'] > 0 and shown['is_old'] == (shown['age_days'] > 90)
    assert shown['early_drop_wanted'] is True and shown['early_drop_devices'] == 'wan0' and shown['early_drop_trouble'] is None
    lists = {row['name']: row for row in shown['lists']}
    assert lists['home']['countries'] == 'JP' and lists['home']['except'] == 'traveller near'
    assert lists['home']['used'] == 'service geo, service both, service telemetry, policy at-home' and lists['stop']['used'] == 'block'
    # as many elements as the kernel itself has
    for row in shown['sets']:
        listed = json.loads(lab.nft('-j', 'list', 'set', 'inet', 'sekisho', row['name']))['nftables']
        assert len(next(item['set']['elem'] for item in listed if 'set' in item)) == row['elements']
    home = [row for row in shown['sets'] if row['name'].startswith('geo_jp_4_')]
    assert len(home) == 1 and home[0]['elements'] == lists['home']['ranges_v4'] > 1000
    people = lab.command('show', 'geo').stdout
    assert 'lists of countries' in people and 'sets of countries in the kernel' in people


@VERSIONS
@pytest.mark.parametrize('country, index, lists, listed, verdicts', [
    ('JP', 0, 'home, home-and-unknown', 'vendor', {'geo': 'admitted', 'both': 'admitted', 'listed': 'admitted', 'unknown': 'admitted', 'telemetry': 'admitted'}),
    ('JP', 1, 'home, home-and-unknown', None, {'geo': 'admitted', 'both': 'service.both.deny', 'listed': 'service.listed.deny', 'unknown': 'admitted',
                                               'telemetry': 'admitted'}),
    ('US', 0, None, 'vendor', {'geo': 'service.geo.country', 'both': 'service.both.country', 'listed': 'admitted', 'unknown': 'service.unknown.country',
                               'telemetry': 'service.telemetry.country'}),
    ('DE', 0, 'home (excepted)', 'traveller', {'geo': 'admitted', 'both': 'service.both.deny', 'listed': 'service.listed.deny', 'unknown': 'service.unknown.country',
                                               'telemetry': 'admitted'}),
    ('RU', 0, 'stop', 'vendor', dict.fromkeys(('geo', 'both', 'listed', 'unknown', 'telemetry'), 'block.stop')),
    (None, 0, 'home-and-unknown (unknown)', None, {'geo': 'service.geo.country', 'both': 'service.both.deny', 'listed': 'service.listed.deny', 'unknown': 'admitted',
                                                   'telemetry': 'service.telemetry.country'}),
])
def test_a_look_up_says_what_the_rules_say(lab, version, country, index, lists, listed, verdicts):
    address = at(country, version, index)
    shown = lab.asked('show', 'geo', 'lookup', address)
    assert (shown['country'], shown['geo_lists'], shown['address_lists'], shown['gate']) == (country, lists, listed, 'there is none')
    assert ipaddress.ip_address(address) in ipaddress.ip_network(shown['prefix'])
    assert {row['name']: row['rule'] if row['verdict'] == 'denied' else row['verdict'] for row in shown['services']} == verdicts


def test_a_look_up_of_what_has_no_country_or_is_no_address(lab):
    shown = lab.asked('show', 'geo', 'lookup', '192.168.9.9')
    assert shown['special_purpose'] is True and shown['country'] is None
    assert {row['verdict'] for row in shown['services']} == {'denied'}
    assert {row['rule'] for row in lab.asked('show', 'geo', 'lookup', DESK_V4)['services']} == {'screen.wan-source'}
    run = lab.command('show', 'geo', 'lookup', 'example.org')
    assert run.returncode == 2 and 'example.org' in run.stderr
    assert 'needs an IPv4 or IPv6 address' in lab.command('show', 'geo', 'lookup').stderr


def test_sources_are_shown_with_their_country(lab):
    denied(lab, at('US', 4, 1), WAN_V4, knock(8081), 'early.country')
    rows = lab.asked('show', 'log', '--by-source')['sources']
    assert {row['country'] for row in rows if row['source'] == at('US', 4, 1)} == {'US'}
