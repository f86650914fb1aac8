# SPDX-License-Identifier: GPL-2.0-or-later
"""Services from the WAN: forwarded and on the router, IPv4 and IPv6. Each verdict is seen in the packets, the rule's counter and the access log."""

import socket

import pytest

from tests.harness import daemon, frames, hosts
from tests.harness.daemon import CLINIC_V4, SERVER_V4, SERVER_V6, WAN_V4, WAN_V6, field

ALLOWED_V4, ALLOWED_V6 = '203.0.113.5', '2001:db8:200::5'
OTHER_V4, OTHER_V6 = '203.0.113.70', '2001:db8:300::5'  # on the list of the other service
STRANGER_V4, STRANGER_V6 = '192.0.2.200', '2001:db8:bad::1'
BLOCKED_V4, BLOCKED_V6 = '203.0.113.13', '2001:db8:200:b::1'  # on a list that admits and on the block list
PRIVATE = ('10.99.0.5', '172.16.3.4', '192.168.7.8', '100.64.5.6', '169.254.1.1')

CONFIGURATION = daemon.NETWORKS + daemon.LOG_EVERYTHING + '''
address-list vendor-a { address 203.0.113.0/28; address 2001:db8:200::/48; }
address-list vendor-b { address 203.0.113.64/28; address 2001:db8:300::/48; }
address-list only-v4 { address 203.0.113.0/28; }
address-list only-v6 { address 2001:db8:200::/48; }
address-list tunnel { address 10.99.0.0/24; address 100.64.5.0/24; }
address-list stop { address 203.0.113.13; address 2001:db8:200:b::/64; }
block { address-list stop; }
service web-a {
    protocol tcp; port 8080; forward-to 10.0.1.20; forward-port 80; forward-to 2001:db8:10::20;
    source { address-list vendor-a; }
}
service web-b {
    protocol tcp; port 8081; forward-to 10.0.1.20; forward-port 80;
    source { address-list vendor-b; }
}
service telemetry { protocol udp; port 5000-5010; forward-to 10.0.1.20; forward-to 2001:db8:10::20; source { address-list vendor-a; } }
service four { protocol tcp; port 8084; forward-to 10.0.1.20; forward-to 2001:db8:10::20; source { address-list only-v4; } }
service six { protocol tcp; port 8086; forward-to 10.0.1.20; forward-to 2001:db8:10::20; source { address-list only-v6; } }
service tunnelled { protocol tcp; port 8087; forward-to 10.0.1.20; forward-port 80; source { address-list tunnel; } }
service manage { protocol tcp; port 8443; source { address-list vendor-a; } }
service unanswered { protocol tcp; port 8089; forward-to 10.0.1.99; source { address-list vendor-a; } }
service quiet { protocol tcp; port 8088; forward-to 10.0.1.20; forward-port 80; source { address-list vendor-a; } log none; }
'''


def prepare(lab):
    lab.public(ALLOWED_V4, ALLOWED_V6, OTHER_V4, OTHER_V6, STRANGER_V4, STRANGER_V6, BLOCKED_V4, BLOCKED_V6)
    hosts.web_server(lab.server, lab.folder / 'nginx', 80, 8084, 8086)


def router_mac(lab) -> str:
    return lab.router.mac('wan0')


def plain(mac: str | None) -> str:
    return ''.join(c for c in mac or '' if c.isalnum()).lower()


def knock(lab, source, destination, port, rule, reason, flags=frames.SYN, **wanted):
    """One SYN from the WAN that must be denied: counted, logged, and answered by nothing."""
    number = frames.unique_port()
    with frames.Wire(lab.outside, 'eth0') as wire, frames.Wire(lab.server, 'eth0') as inside:
        with lab.judged(rule, 'denied', reason, source__ip=source, source__port=number, observer__ingress__zone='wan',
                        observer__ingress__interface__name='wan0', network__transport='tcp', **wanted):
            wire.send(frames.ip(source, destination, frames.tcp(number, port, flags)), router_mac(lab))
        assert not any(map(frames.to_destination(source, number), wire.caught()))
        assert not any(map(frames.from_source(source), inside.caught()))


def test_allowed_source_reaches_the_forwarded_service(lab):
    with lab.judged('service.web-a.allow', 'accepted', 'accepted', source__ip=ALLOWED_V4, destination__ip=WAN_V4, destination__port=8080,
                    destination__nat__ip=SERVER_V4, destination__nat__port=80, observer__ingress__zone='wan', observer__egress__zone='clinic',
                    network__transport='tcp', network__type='ipv4'):
        # the server sees the true source: forwarded connections are not masqueraded
        assert hosts.page(lab.outside, WAN_V4, 8080, ALLOWED_V4) == ALLOWED_V4
    event = lab.logged({'rule.id': 'service.web-a.allow', 'source.ip': ALLOWED_V4})[-1]
    assert plain(field(event, 'source.mac')) == plain(lab.outside.mac('eth0'))
    assert field(event, 'sekisho.clock.synchronised') is True
    assert field(event, 'host.boot.id') and field(event, 'event.sequence') > 0
    lines = CONFIGURATION.splitlines()
    assert lines[field(event, 'sekisho.rule.line') - 1].startswith('service web-a')
    assert field(event, 'source.nat.ip') is None


def test_allowed_source_reaches_the_ipv6_service_without_translation(lab):
    with lab.judged('service.web-a.allow', 'accepted', 'accepted', source__ip=ALLOWED_V6, destination__ip=SERVER_V6, destination__port=80,
                    network__type='ipv6', observer__egress__zone='clinic'):
        assert hosts.page(lab.outside, SERVER_V6, 80, ALLOWED_V6) == ALLOWED_V6
    event = lab.logged({'rule.id': 'service.web-a.allow', 'source.ip': ALLOWED_V6})[-1]
    assert field(event, 'destination.nat.ip') is None
    assert plain(field(event, 'source.mac')) == plain(lab.outside.mac('eth0'))


def test_stranger_gets_nothing_from_the_forwarded_service(lab):
    knock(lab, STRANGER_V4, WAN_V4, 8080, 'service.web-a.deny', 'not-allowed')
    knock(lab, STRANGER_V6, SERVER_V6, 80, 'service.web-a.deny', 'not-allowed', destination__ip=SERVER_V6, destination__port=80)


@pytest.mark.skipif(daemon.kernel_lacks('CONFIG_NETFILTER_NETLINK_GLUE_CT'),
                    reason='this kernel tells nothing of a dropped connection (CONFIG_NETFILTER_NETLINK_GLUE_CT): the image is tested for it')
def test_denied_forwarded_connection_is_logged_as_it_was_addressed(lab):
    knock(lab, STRANGER_V4, WAN_V4, 8080, 'service.web-a.deny', 'not-allowed', destination__ip=WAN_V4, destination__port=8080,
          destination__nat__ip=SERVER_V4, destination__nat__port=80)


def test_two_services_of_one_inside_port_keep_their_sources_apart(lab):
    assert hosts.page(lab.outside, WAN_V4, 8080, ALLOWED_V4) == ALLOWED_V4
    assert hosts.page(lab.outside, WAN_V4, 8081, OTHER_V4) == OTHER_V4
    knock(lab, OTHER_V4, WAN_V4, 8080, 'service.web-a.deny', 'not-allowed')
    knock(lab, ALLOWED_V4, WAN_V4, 8081, 'service.web-b.deny', 'not-allowed')


def test_ipv6_host_is_reached_at_the_service_port_alone(lab):
    knock(lab, ALLOWED_V6, SERVER_V6, 8080, 'zone.wan.deny', 'no-service')
    knock(lab, ALLOWED_V6, SERVER_V6, 22, 'zone.wan.deny', 'no-service')


def test_service_not_configured_is_denied(lab):
    knock(lab, ALLOWED_V4, WAN_V4, 22, 'zone.wan.deny', 'no-service', destination__ip=WAN_V4, destination__port=22)
    knock(lab, ALLOWED_V6, WAN_V6, 22, 'zone.wan.deny', 'no-service', destination__ip=WAN_V6, destination__port=22)


def test_list_of_one_family_closes_the_other(lab):
    assert hosts.page(lab.outside, WAN_V4, 8084, ALLOWED_V4) == ALLOWED_V4
    knock(lab, ALLOWED_V6, SERVER_V6, 8084, 'service.four.deny', 'not-allowed')
    assert hosts.page(lab.outside, SERVER_V6, 8086, ALLOWED_V6) == ALLOWED_V6
    knock(lab, ALLOWED_V4, WAN_V4, 8086, 'service.six.deny', 'not-allowed')


@pytest.mark.parametrize('source,target', [(ALLOWED_V4, WAN_V4), (ALLOWED_V6, SERVER_V6)])
def test_udp_service_answers(lab, source, target):
    host = SERVER_V6 if ':' in source else SERVER_V4
    with hosts.listener(lab.server, host, 5005, socket.SOCK_DGRAM) as server, lab.outside.socket(hosts.family_of(source), socket.SOCK_DGRAM) as client:
        client.bind((source, 0))
        client.settimeout(10)
        with lab.judged('service.telemetry.allow', 'accepted', 'accepted', source__ip=source, source__port=client.getsockname()[1],
                        destination__ip=target, destination__port=5005, network__transport='udp'):
            client.sendto(b'reading', (target, 5005))
            data, peer = server.recvfrom(100)
            assert data == b'reading' and peer[0] == source
            server.sendto(b'taken', peer)
            assert client.recvfrom(100)[0] == b'taken'


def test_udp_stranger_gets_nothing(lab):
    for source, target in ((STRANGER_V4, WAN_V4), (STRANGER_V6, SERVER_V6)):
        number = frames.unique_port()
        with frames.Wire(lab.outside, 'eth0') as wire, \
                lab.judged('service.telemetry.deny', 'denied', 'not-allowed', source__ip=source, source__port=number, network__transport='udp'):
            wire.send(frames.ip(source, target, frames.udp(number, 5000)), router_mac(lab))
        for source_port in (4999, 5011):
            number = frames.unique_port()
            with frames.Wire(lab.outside, 'eth0') as wire, \
                    lab.judged('zone.wan.deny', 'denied', 'no-service', source__ip=source, source__port=number, destination__port=source_port):
                wire.send(frames.ip(source, target, frames.udp(number, source_port)), router_mac(lab))


@pytest.mark.parametrize('source,target', [(ALLOWED_V4, WAN_V4), (ALLOWED_V6, WAN_V6)])
def test_local_service_is_reached(lab, source, target):
    with hosts.listener(lab.router, target, 8443), \
            lab.judged('service.manage.allow', 'accepted', 'accepted', source__ip=source, destination__ip=target, destination__port=8443):
        hosts.connection(lab.outside, target, 8443, source).close()


def test_local_service_is_closed_to_strangers(lab):
    knock(lab, STRANGER_V4, WAN_V4, 8443, 'service.manage.deny', 'not-allowed', destination__ip=WAN_V4, destination__port=8443)
    knock(lab, STRANGER_V6, WAN_V6, 8443, 'service.manage.deny', 'not-allowed', destination__ip=WAN_V6, destination__port=8443)


def test_block_list_wins_over_the_list_that_admits(lab):
    knock(lab, BLOCKED_V4, WAN_V4, 8080, 'block.stop', 'blocked-list')
    knock(lab, BLOCKED_V6, SERVER_V6, 80, 'block.stop', 'blocked-list')
    knock(lab, BLOCKED_V4, WAN_V4, 8443, 'block.stop', 'blocked-list')
    knock(lab, BLOCKED_V6, WAN_V6, 8443, 'block.stop', 'blocked-list')


@pytest.mark.parametrize('source', PRIVATE)
def test_private_shared_and_link_local_sources_get_no_favour(lab, source):
    knock(lab, source, WAN_V4, 8080, 'service.web-a.deny', 'not-allowed')
    knock(lab, source, WAN_V4, 22, 'zone.wan.deny', 'no-service')


def test_unique_local_and_link_local_ipv6_sources_get_no_favour(lab):
    for source in ('fd00:1::5', 'fe80::1234'):
        knock(lab, source, WAN_V6, 8443, 'service.manage.deny', 'not-allowed')
        knock(lab, source, WAN_V6, 22, 'zone.wan.deny', 'no-service')


def test_private_source_that_a_list_names_passes(lab):
    for source in ('10.99.0.5', '100.64.5.6'):
        number = frames.unique_port()
        with frames.Wire(lab.outside, 'eth0') as wire, frames.Wire(lab.server, 'eth0') as inside:
            with lab.judged('service.tunnelled.allow', 'accepted', 'accepted', source__ip=source, source__port=number, destination__port=8087):
                wire.send(frames.ip(source, WAN_V4, frames.tcp(number, 8087)), router_mac(lab))
            assert inside.catch(frames.from_source(source)) is not None


def test_service_without_recording_is_counted_and_not_logged(lab):
    before, since = lab.counters(), len(lab.log())
    assert hosts.page(lab.outside, WAN_V4, 8088, ALLOWED_V4) == ALLOWED_V4
    # what is logged comes in order: once a later connection is there, the earlier one would be
    with lab.judged('service.web-a.allow', 'accepted', 'accepted', source__ip=ALLOWED_V4):
        hosts.page(lab.outside, WAN_V4, 8080, ALLOWED_V4)
    assert lab.counters()['service.quiet.allow'] == before['service.quiet.allow'] + 1
    assert lab.logged({'rule.id': 'service.quiet.allow'}, since) == []
    knock(lab, STRANGER_V4, WAN_V4, 8088, 'service.quiet.deny', 'not-allowed')


def test_accepted_connections_are_each_recorded_once(lab):
    """500 connections, 500 lines. Each first packet comes twice while nobody has answered, so the rule sees it as new both times."""
    since, before = len(lab.log()), lab.counters()['service.unanswered.allow']
    first = 1024
    with frames.Wire(lab.outside, 'eth0') as wire:
        mac = router_mac(lab)
        syns = [wire.frame(frames.ip(ALLOWED_V4, WAN_V4, frames.tcp(first + number, 8089)), mac) for number in range(500)]
        wire.send_frames(syns)
        wire.send_frames(syns)
    wanted = {'rule.id': 'service.unanswered.allow', 'event.action': 'connection-accepted'}
    daemon.until(lambda: len(lab.logged(wanted, since)) >= 500, lambda: f'500 lines; there are {len(lab.logged(wanted, since))}', 30)
    # what is logged comes in order: once a later connection is there, a second line of an earlier one would be
    with lab.judged('service.web-a.allow', 'accepted', 'accepted', source__ip=ALLOWED_V6):
        hosts.page(lab.outside, SERVER_V6, 80, ALLOWED_V6)
    assert sorted(field(event, 'source.port') for event in lab.logged(wanted, since)) == list(range(first, first + 500))
    assert lab.counters()['service.unanswered.allow'] == before + 1000
    assert lab.logged({'event.action': 'log-suppressed'}, since) == []


def test_no_counter_is_missing_and_every_rule_has_its_line(lab):
    lines = CONFIGURATION.splitlines()
    rules = lab.asked('show', 'rules')['rules']
    assert len({row['id'] for row in rules}) > 20
    for row in rules:
        assert row['packets'] is not None, row
        if row['id'].startswith('service.'):
            assert f'service {row["id"].split(".")[1]} ' in lines[row['line'] - 1]
            assert row['configuration'].startswith('service ')


def test_straight_to_the_router_s_inside_address_is_spoofed(lab):
    knock(lab, ALLOWED_V4, CLINIC_V4, 8443, 'screen.wan-to-inside', 'spoofed')
