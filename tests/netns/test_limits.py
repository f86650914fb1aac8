# SPDX-License-Identifier: GPL-2.0-or-later
"""Limits on logging: they never decide a verdict, one source can't hide another, and what they keep from the log is counted and told."""

import struct
from collections import Counter

from tests.harness import daemon, frames, hosts
from tests.harness.daemon import SERVER_V4, WAN_V4, WAN_V6, field, until

CONFIGURATION = daemon.NETWORKS + '''
log { per-minute 1; burst 5; file-size 256M; }
address-list vendor { address 203.0.113.0/28; address 2001:db8:200::/48; }
service web { protocol tcp; port 8080; forward-to 10.0.1.20; forward-to 2001:db8:10::20; source { address-list vendor; } }
'''
DENY, SUPPRESSED, OVERFLOW = 'zone.wan.deny', 'zone.wan.deny.suppressed', 'zone.wan.deny.overflow'
FLOOD = 2000
TABLE = 65535  # sources that the table of limits holds


def lines_by_source(lab, since: int, rule: str = DENY) -> Counter:
    return Counter(field(event, 'source.ip') for event in lab.logged({'rule.id': rule, 'event.action': 'connection-denied'}, since))


def told(lab, since: int, action: str, rule: str = DENY) -> int:
    return sum(field(event, 'sekisho.count') for event in lab.logged({'event.action': action, 'rule.id': rule}, since))


def flood(lab, source: str, target: str, count: int) -> None:
    with frames.Wire(lab.outside, 'eth0') as wire:
        mac = lab.router.mac('wan0')
        wire.send_frames([wire.frame(frames.ip(source, target, frames.udp(1024 + number, 9000)), mac) for number in range(count)])
        assert [packet for packet in wire.caught() if str(packet.destination) == source] == []


def check_flood(lab, source: str, neighbour: str, other: str, target: str) -> None:
    """`neighbour` shares the flooding source's prefix, and so its limit; `other` does not."""
    since, before = len(lab.log()), lab.nft_counters()
    flood(lab, source, target, FLOOD)
    after = lab.nft_counters()
    assert after[DENY] - before[DENY] == FLOOD
    suppressed = after[SUPPRESSED] - before[SUPPRESSED]
    assert suppressed >= FLOOD - 20
    assert after[OVERFLOW] == before[OVERFLOW]

    flood(lab, neighbour, target, 1)
    flood(lab, other, target, 1)
    until(lambda: lines_by_source(lab, since)[other] == 1, 'the line of a source that the flood must not hide')
    assert 5 <= lines_by_source(lab, since)[source] <= 20
    assert lines_by_source(lab, since)[neighbour] == 0
    # each packet is either a line or counted as suppressed, and the log says how many were
    total = lab.nft_counters()[SUPPRESSED] - before[SUPPRESSED]
    assert sum(lines_by_source(lab, since).values()) + total == FLOOD + 2
    until(lambda: told(lab, since, 'log-suppressed') == total, lambda: f'events about {total} suppressed denials, they tell of {told(lab, since, "log-suppressed")}')


def test_flood_of_one_source_is_dropped_to_the_last_packet_and_logged_in_part(lab):
    check_flood(lab, '192.0.2.10', '192.0.2.77', '198.18.7.7', WAN_V4)


def test_ipv6_flood_of_one_source_is_dropped_to_the_last_packet_and_logged_in_part(lab):
    check_flood(lab, '2001:db8:bad:aa01::5', '2001:db8:bad:aa02::9', '2001:db8:bad:bb00::1', WAN_V6)


def test_flood_on_one_rule_hides_no_denial_of_the_same_source_by_another(lab):
    source = '192.0.3.10'
    since = len(lab.log())
    flood(lab, source, WAN_V4, FLOOD)
    with frames.Wire(lab.outside, 'eth0') as wire:
        with lab.judged('service.web.deny', 'denied', 'not-allowed', source__ip=source):
            wire.send(frames.ip(source, WAN_V4, frames.tcp(2000, 8080)), lab.router.mac('wan0'))
    assert 5 <= lines_by_source(lab, since)[source] <= 20


def test_full_table_of_limits_falls_back_to_the_rule_and_says_so(lab):
    """More sources than the table holds: every packet is dropped all the same, some of the late ones are logged, all are counted."""
    since, before = len(lab.log()), lab.nft_counters()
    sources = frames.random_sources(TABLE + 3000, seed=20261123)
    with frames.Wire(lab.outside, 'eth0') as wire:
        mac = lab.router.mac('wan0')
        template = wire.frame(frames.ip('0.0.0.0', WAN_V4, frames.udp(1024, 9000)), mac)
        empty = frames.checksum(template[14:24] + template[26:34]) ^ 0xFFFF
        made = []
        for source in sources:
            # only the source differs: both checksums follow by adding it (RFC 1624); without a UDP checksum one is enough
            total = empty + sum(struct.unpack('!HH', source))
            total = (total & 0xFFFF) + (total >> 16)
            total = (total & 0xFFFF) + (total >> 16)
            made.append(template[:24] + struct.pack('!H', total ^ 0xFFFF) + source + template[30:40] + b'\0\0' + template[42:])
        wire.send_frames(made)
    after = lab.nft_counters()
    assert after[DENY] - before[DENY] == len(sources)
    overflowed = after[OVERFLOW] - before[OVERFLOW]
    suppressed = after[SUPPRESSED] - before[SUPPRESSED]
    assert overflowed > 0
    until(lambda: told(lab, since, 'log-limit-full') == overflowed, lambda: f'an event about the full table; it tells of {told(lab, since, "log-limit-full")}', 60)

    # more than the daemon takes in at once: what it has not taken is told of as lost, and the two make up the rest
    knocks = 0

    def lost() -> int:
        return sum(field(event, 'sekisho.count') for event in lab.logged({'event.action': 'log-lost'}, since) if 'records were lost' in event['message'])

    def everything_told() -> bool:
        nonlocal knocks
        lines = len(lab.logged({'event.action': 'connection-denied'}, since))
        if lines + lost() + overflowed + suppressed == len(sources) + knocks:
            return True
        knocks += 1
        with frames.Wire(lab.outside, 'eth0') as knocking:  # in the other table: a gap shows at the next record that does arrive
            knocking.send(frames.ip(f'2001:db8:{knocks:x}00::9', WAN_V6, frames.tcp(2000, 22)), mac)
        return False
    until(everything_told, lambda: f'{len(sources)} packets and {knocks} knocks as {sum(lines_by_source(lab, since).values())} lines, {lost()} lost, '
                                   f'{overflowed} past a full table and {suppressed} suppressed', 120, pause=2)

    # and a connection that is allowed is recorded whatever else goes on
    with frames.Wire(lab.outside, 'eth0') as wire, hosts.listener(lab.server, SERVER_V4, 8080):
        with lab.judged('service.web.allow', 'accepted', 'accepted', source__ip='203.0.113.5', source__port=3333):
            wire.send(frames.ip('203.0.113.5', WAN_V4, frames.tcp(3333, 8080)), mac)
