# SPDX-License-Identifier: GPL-2.0-or-later
"""What others change in the kernel is found, told of and put right; one thing at a time. Most of it at once, by the kernel's notifications, or when somebody asks."""

import json
import os
import re

import pytest

from tests.harness import bpf, daemon, hosts, mmdb
from tests.harness.daemon import field
from tests.harness.namespaces import NetworkError

CONFIGURATION = daemon.NETWORKS + daemon.LOG_EVERYTHING + '''
address-list vendor { address 203.0.113.5; address 203.0.113.9; address 2001:db8:200::5; }
service web { protocol tcp; port 8080; forward-to 10.0.1.20; source { address-list vendor; } }
geo-list home { country JP; }
gate { geo-list home; }
port-access {
    role office { }
    port lan1 { mode mab; role office; }
    device 00:16:3e:00:00:20 { name "server"; }
}
'''
# more ranges than are compared one by one
COUNTRIES = {f'11.{number // 256}.{number % 256}.0/25': mmdb.nested('JP') for number in range(1500)}
TABLE = 'table inet sekisho'


def rows(lab) -> dict:
    """Rows by item; the command's exit status must go with them."""
    run = lab.command('show', 'enforcement', '--json')
    found = {row['item']: row for row in json.loads(run.stdout)['enforcement']}
    assert run.returncode == (1 if any(row['state'] == 'differs' for row in found.values()) else 0), run.stdout
    return found


def differing(lab) -> list[dict]:
    return [row for row in rows(lab).values() if row['state'] != 'matches']


def is_put_right(lab, item: str, change) -> dict:
    """Changes something, and waits for the two events about the item; gives the first."""
    assert differing(lab) == []
    since = len(lab.log())
    change()
    rows(lab)  # where nothing tells the daemon, asking does
    drift = lab.event(since, event__action='enforcement-drift', sekisho__enforcement__item=item)
    assert field(drift, 'event.kind') == 'alert'
    assert field(drift, 'sekisho.enforcement.expected') != field(drift, 'sekisho.enforcement.found')
    restored = lab.event(since, event__action='enforcement-restored', sekisho__enforcement__item=item)
    assert field(restored, 'event.kind') == 'event'
    assert differing(lab) == []
    assert rows(lab)[item]['state'] == 'matches' if item in rows(lab) else True
    assert lab.logged({'event.action': 'enforcement-not-restored'}, since) == []
    return drift


def handle(lab, chain: str, word: str) -> str:
    line = next(line for line in lab.nft('-a', 'list', 'chain', 'inet', 'sekisho', chain).splitlines() if word in line)
    return line.rpartition('# handle ')[2]


def set_of(lab, prefix: str) -> str:
    return next(name for name in lab.nft_sets() if name.startswith(prefix))


def test_nothing_differs_from_a_policy_in_force(lab):
    items = rows(lab)
    assert items[TABLE]['found'] == items[TABLE]['expected'] == 'active'
    assert differing(lab) == []
    assert f'{TABLE}, chain forward' in items
    assert 'not as the policy in force wants them' in lab.command('show', 'enforcement').stdout.splitlines()[-1]
    assert lab.logged({'event.action': 'enforcement-drift'}) == []


def test_packets_and_an_apply_are_no_drift(lab):
    lab.public('203.0.113.77')
    lab.outside.run('ping', '-c', '3', '-i', '0.2', '-I', '203.0.113.77', daemon.WAN_V4, check=False)
    lab.outside.run('ping', '-c', '1', '-W', '1', daemon.WAN_V4, check=False)
    assert differing(lab) == []
    lab.apply(CONFIGURATION + 'address-list other { address 192.0.2.1; }\n')
    assert differing(lab) == []
    lab.apply(CONFIGURATION)
    assert differing(lab) == []
    assert lab.logged({'event.action': 'enforcement-drift'}) == []


def test_rule_that_was_deleted(lab):
    before = lab.nft('-s', 'list', 'chain', 'inet', 'sekisho', 'forward')
    drift = is_put_right(lab, f'{TABLE}, chain forward', lambda: lab.nft('delete', 'rule', 'inet', 'sekisho', 'forward', 'handle', handle(lab, 'forward', 'flow.invalid')))
    assert 'missing is rule' in field(drift, 'sekisho.enforcement.found') and 'flow.invalid' in field(drift, 'sekisho.enforcement.found')
    assert lab.nft('-s', 'list', 'chain', 'inet', 'sekisho', 'forward') == before


def test_rule_that_was_added(lab):
    drift = is_put_right(lab, f'{TABLE}, chain input', lambda: lab.nft('insert', 'rule', 'inet', 'sekisho', 'input', 'tcp', 'dport', '23', 'accept'))
    assert 'foreign is rule 1' in field(drift, 'sekisho.enforcement.found')
    assert 'dport 23' not in lab.nft('list', 'chain', 'inet', 'sekisho', 'input')


def test_rule_that_was_replaced(lab):
    drift = is_put_right(lab, f'{TABLE}, chain forward', lambda: lab.nft('replace', 'rule', 'inet', 'sekisho', 'forward', 'handle', handle(lab, 'forward', 'flow.invalid'), 'accept'))
    assert 'another one is rule' in field(drift, 'sekisho.enforcement.found')


def test_policy_of_a_chain(lab):
    drift = is_put_right(lab, f'{TABLE}, chain forward', lambda: lab.nft('chain', 'inet', 'sekisho', 'forward', '{ policy accept; }'))
    assert 'policy accept' in field(drift, 'sekisho.enforcement.found')
    assert 'policy drop' in lab.nft('list', 'chain', 'inet', 'sekisho', 'forward')


def test_chain_that_was_added(lab):
    is_put_right(lab, f'{TABLE}, chain sneaky', lambda: lab.nft('-f', '-', contents='table inet sekisho { chain sneaky { type filter hook prerouting priority -400; accept; }; }'))
    assert 'sneaky' not in lab.nft('list', 'ruleset')


def test_map_and_set_that_were_added(lab):
    is_put_right(lab, f'{TABLE}, set sneaky', lambda: lab.nft('-f', '-', contents='table inet sekisho { map sneaky { type ipv4_addr : verdict; }; set sneaky2 { type ipv4_addr; }; }'))
    assert 'sneaky' not in lab.nft('list', 'ruleset')


@pytest.mark.parametrize('change', ('add', 'delete'))
def test_element_of_a_small_set(lab, change):
    name = set_of(lab, 'al_vendor_4')
    address = '198.18.0.7' if change == 'add' else '203.0.113.9'
    before = lab.nft('list', 'set', 'inet', 'sekisho', name)
    drift = is_put_right(lab, f'{TABLE}, set {name}', lambda: lab.nft(change, 'element', 'inet', 'sekisho', name, f'{{ {address} }}'))
    assert address in field(drift, 'sekisho.enforcement.found')
    assert lab.nft('list', 'set', 'inet', 'sekisho', name) == before
    assert '_anew' not in lab.nft('list', 'ruleset')


def test_large_set_that_was_emptied(lab):
    name = set_of(lab, 'geo_')
    before = lab.nft('list', 'set', 'inet', 'sekisho', name)
    is_put_right(lab, f'{TABLE}, set {name}', lambda: lab.nft('flush', 'set', 'inet', 'sekisho', name))
    assert lab.nft('list', 'set', 'inet', 'sekisho', name) == before


@pytest.mark.skipif(tuple(map(int, re.findall(r'\d+', os.uname().release)[:2])) < (6, 17), reason='this kernel does not tell how many elements a set has')
def test_single_element_of_a_large_set(lab):
    name = set_of(lab, 'geo_')
    is_put_right(lab, f'{TABLE}, set {name}', lambda: lab.nft('add', 'element', 'inet', 'sekisho', name, '{ 198.18.0.0/15 }'))
    assert '198.18' not in lab.nft('list', 'set', 'inet', 'sekisho', name)


def test_rule_of_the_early_drop(lab):
    is_put_right(lab, f'{TABLE}, chain early', lambda: lab.nft('flush', 'chain', 'inet', 'sekisho', 'early'))


def test_table_that_was_made_dormant(lab):
    drift = is_put_right(lab, TABLE, lambda: lab.nft('-f', '-', contents='table inet sekisho { flags dormant; }'))
    assert 'dormant' in field(drift, 'sekisho.enforcement.found')


def test_everything_flushed(lab):
    before = lab.nft('-s', 'list', 'chain', 'inet', 'sekisho', 'forward')
    drift = is_put_right(lab, TABLE, lambda: lab.nft('flush', 'ruleset'))
    assert field(drift, 'sekisho.enforcement.found') == 'none'
    assert lab.nft('-s', 'list', 'chain', 'inet', 'sekisho', 'forward') == before


# ---- port access


STATIONS = 'table netdev sekisho_ports'


@pytest.mark.parametrize(('item', 'words'), (
    (f'{STATIONS}, chain locked', ('insert', 'rule', 'netdev', 'sekisho_ports', 'locked', 'accept')),
    (f'{STATIONS}, chain outward', ('flush', 'chain', 'netdev', 'sekisho_ports', 'outward')),
    (f'{STATIONS}, chain sneaky', ('add', 'chain', 'netdev', 'sekisho_ports', 'sneaky')),
    (f'{STATIONS}, set known', ('flush', 'set', 'netdev', 'sekisho_ports', 'known')),
    (f'{STATIONS}, chain locked', ('delete', 'chain', 'netdev', 'sekisho_ports', 'locked', '{ devices = { lan1 }; }')),
    (STATIONS, ('delete', 'table', 'netdev', 'sekisho_ports')),
))
def test_table_of_port_access(lab, item, words):
    is_put_right(lab, item, lambda: lab.nft(*words))


@pytest.mark.parametrize(('item', 'words'), (
    ('port lan1', ('locked', 'off')),
    ('port lan1', ('learning', 'on')),
    ('port lan1', ('isolated', 'off')),
    ('flooding of locked port lan1', ('flood', 'on')),
    ('flooding of locked port lan1', ('bcast_flood', 'on')),
    ('port lan2', ('learning', 'off')),
    ('port lan2', ('isolated', 'off')),
    ('port lan2', ('mcast_flood', 'off')),
))
def test_flag_of_a_port(lab, item, words):
    def flags() -> dict:
        return json.loads(lab.router.run('bridge', '-d', '-j', 'link', 'show', 'dev', words_of).stdout)[0]
    words_of = 'lan1' if 'lan1' in item else 'lan2'
    before = flags()
    is_put_right(lab, item, lambda: lab.router.run('bridge', 'link', 'set', 'dev', words_of, *words))
    assert flags() == before


def test_learning_from_link_local_frames(lab):
    is_put_right(lab, 'bridge br-clinic', lambda: lab.router.ip('link', 'set', 'br-clinic', 'type', 'bridge', 'no_linklocal_learn', '0'))


# ---- interfaces


def test_port_that_left_its_bridge(lab):
    is_put_right(lab, 'interface lan2', lambda: lab.router.ip('link', 'set', 'lan2', 'nomaster'))
    assert 'master br-clinic' in lab.router.ip('link', 'show', 'lan2')


def test_port_that_joined_a_bridge(lab):
    lab.router.ip('link', 'add', 'spy', 'type', 'veth', 'peer', 'name', 'spy2')
    try:
        is_put_right(lab, 'port spy of br-clinic', lambda: lab.router.ip('link', 'set', 'spy', 'master', 'br-clinic'))
        assert 'master' not in lab.router.ip('link', 'show', 'spy')
    finally:
        lab.router.ip('link', 'del', 'spy')


def test_interface_that_was_taken_down(lab):
    is_put_right(lab, 'interface lan3', lambda: lab.router.ip('link', 'set', 'lan3', 'down'))


def test_address_that_was_removed(lab):
    is_put_right(lab, 'addresses of lan3', lambda: lab.router.ip('address', 'del', f'{daemon.MODALITY_V4}/24', 'dev', 'lan3'))
    assert daemon.MODALITY_V4 in lab.router.ip('address', 'show', 'dev', 'lan3')


SETTINGS = (
    ('setting net/ipv4/ip_forward', 'net.ipv4.ip_forward', '0'),
    ('setting net/ipv6/conf/all/forwarding', 'net.ipv6.conf.all.forwarding', '0'),
    ('setting net/netfilter/nf_conntrack_tcp_loose', 'net.netfilter.nf_conntrack_tcp_loose', '1'),
    ('setting net/bridge/bridge-nf-call-iptables', 'net.bridge.bridge-nf-call-iptables', '1'),
    ('setting net/bridge/bridge-nf-call-ip6tables', 'net.bridge.bridge-nf-call-ip6tables', '1'),
    ('setting net/bridge/bridge-nf-call-arptables', 'net.bridge.bridge-nf-call-arptables', '1'),
    ('settings of lan3', 'net.ipv4.conf.lan3.rp_filter', '0'),
    ('settings of all interfaces', 'net.ipv4.conf.all.rp_filter', '2'),
    ('settings of wan0', 'net.ipv6.conf.wan0.accept_ra', '2'),
    ('settings of interfaces to come', 'net.ipv6.conf.default.accept_ra', '1'),
)


@pytest.mark.parametrize(('item', 'name', 'value'), SETTINGS, ids=[name for _, name, _ in SETTINGS])
def test_setting(lab, item, name, value):
    try:
        before = lab.router.run('cat', '/proc/sys/' + name.replace('.', '/')).stdout
    except NetworkError:
        pytest.skip(f'this kernel has no {name}')
    is_put_right(lab, item, lambda: lab.router.sysctl(name, value))
    assert lab.router.run('cat', '/proc/sys/' + name.replace('.', '/')).stdout == before


# ---- routing


@pytest.mark.parametrize('family', ('-4', '-6'))
def test_default_route_that_was_deleted(lab, family):
    before = lab.router.ip(family, 'route', 'show', 'default')
    is_put_right(lab, 'default routes', lambda: lab.router.ip(family, 'route', 'del', 'default'))
    assert lab.router.ip(family, 'route', 'show', 'default') == before


ROUTES = (
    ('route to 203.0.113.0/24, IPv4, via 10.0.2.30, on lan3, in main, metric 0', ('-4', 'route', 'add', '203.0.113.0/24', 'via', '10.0.2.30')),
    ('route to 2001:db8:200::/64, IPv6, via 2001:db8:20::30, on lan3, in main, metric 1024', ('-6', 'route', 'add', '2001:db8:200::/64', 'via', '2001:db8:20::30')),
    ('route to default, IPv4, via 10.0.2.30, on lan3, in table 77, metric 0', ('-4', 'route', 'add', 'default', 'via', '10.0.2.30', 'table', '77')),
    ('route to 192.0.2.9/32, IPv4, in main, metric 0', ('-4', 'route', 'add', 'blackhole', '192.0.2.9')),
)


@pytest.mark.parametrize(('item', 'words'), ROUTES, ids=[words[3] for _, words in ROUTES])
def test_route_that_was_added(lab, item, words):
    is_put_right(lab, item, lambda: lab.router.ip(*words))
    assert lab.router.ip(words[0], 'route', 'show', 'table', 'all', 'proto', 'boot') == ''


@pytest.mark.parametrize('words', (
    ('-4', 'rule', 'add', 'fwmark', '1', 'lookup', '77'), ('-6', 'rule', 'add', 'from', '2001:db8::/32', 'lookup', '77'),
    ('-4', 'rule', 'del', 'priority', '32766'), ('-6', 'rule', 'del', 'priority', '0'), ('-4', 'rule', 'add', 'priority', '0', 'lookup', 'main'),
))
def test_routing_rule(lab, words):
    before = lab.router.ip(words[0], 'rule', 'show')
    is_put_right(lab, 'routing rules', lambda: lab.router.ip(*words))
    assert lab.router.ip(words[0], 'rule', 'show') == before


# ---- what goes around the policy

FOREIGN = {
    'nat': 'table ip foreign { chain c { type nat hook prerouting priority -150; tcp dport 8080 dnat to 10.0.1.20:22; }; }',
    'masquerade': 'table ip foreign { chain c { type nat hook postrouting priority 90; masquerade; }; }',
    'redirect': 'table ip6 foreign { chain c { type nat hook prerouting priority -150; tcp dport 8080 redirect to :22; }; }',
    'notrack': 'table inet foreign { chain c { type filter hook prerouting priority -310; udp dport 53 notrack; }; }',
    'queue': 'table inet foreign { chain c { type filter hook forward priority -1; queue num 5 bypass; }; }',
    'flowtable': 'table inet foreign { flowtable f { hook ingress priority 0; devices = { lan3, wan0 }; }; }',
    'forwarding': 'table netdev foreign { chain c { type filter hook ingress device lan3 priority 0; fwd to "wan0"; }; }',
    'mark': 'table inet foreign { chain c { type filter hook prerouting priority -310; meta mark set 1; }; }',
    'connection mark': 'table inet foreign { chain c { type filter hook prerouting priority 0; ct mark set 1; }; }',
    'changed packet': 'table ip foreign { chain c { type filter hook prerouting priority -310; ip daddr set 10.0.1.20; }; }',
}


def needs(lab, contents: str) -> None:
    try:
        lab.nft('-c', '-f', '-', contents=contents)
    except NetworkError as error:
        pytest.skip(f'this kernel knows no such rule: {error}')


@pytest.mark.parametrize('kind', FOREIGN)
def test_foreign_table(lab, kind):
    family = FOREIGN[kind].split()[1]
    item = 'flowtable f of inet foreign' if kind == 'flowtable' else f'foreign table {family} foreign'
    needs(lab, FOREIGN[kind])
    is_put_right(lab, item, lambda: lab.nft('-f', '-', contents=FOREIGN[kind]))
    assert 'foreign' not in lab.nft('list', 'tables')


def test_flowtable_in_our_table(lab):
    flowtable = f'{TABLE} {{ flowtable f {{ hook ingress priority 0; devices = {{ lan3, wan0 }}; }}; }}'
    needs(lab, flowtable)
    is_put_right(lab, 'flowtable f of inet sekisho', lambda: lab.nft('-f', '-', contents=flowtable))
    assert 'flowtable' not in lab.nft('list', 'flowtables')


def test_foreign_table_that_only_judges_stays(lab):
    since = len(lab.log())
    lab.nft('-f', '-', contents='table inet foreign { chain c { type filter hook input priority -310; tcp dport 23 counter accept; }; }')
    assert differing(lab) == []
    assert 'foreign' in lab.nft('list', 'tables')
    lab.nft('delete', 'table', 'inet', 'foreign')
    assert lab.logged({'event.action': 'enforcement-drift'}, since) == []


def test_queueing_discipline(lab):
    is_put_right(lab, 'tc: tbf on lan3', lambda: lab.router.run('tc', 'qdisc', 'add', 'dev', 'lan3', 'root', 'tbf', 'rate', '1mbit', 'burst', '10kb', 'latency', '50ms'))
    assert 'tbf' not in lab.router.run('tc', 'qdisc').stdout


@pytest.mark.parametrize('kind', ('clsact', 'ingress'))
def test_hook_of_tc(lab, kind):
    is_put_right(lab, f'tc: {kind} on wan0', lambda: lab.router.run('tc', 'qdisc', 'add', 'dev', 'wan0', kind))
    assert kind not in lab.router.run('tc', 'qdisc').stdout


def attached(function, *arguments) -> None:
    try:
        function(*arguments)
    except NetworkError as error:
        pytest.skip(f'this kernel does not do it: {error}')


def test_program_at_a_hook_without_discipline(lab):
    is_put_right(lab, 'tcx: ingress of wan0', lambda: attached(bpf.attach_tcx, lab.router, 'wan0'))


def test_xdp_program(lab):
    is_put_right(lab, 'XDP: program on wan0', lambda: attached(bpf.attach_xdp, lab.router, 'wan0'))
    assert 'xdp' not in lab.router.ip('link', 'show', 'wan0')


# ---- listening sockets


def test_listening_socket_is_told_of_and_not_ended(lab):
    since = len(lab.log())
    with hosts.listener(lab.router, daemon.WAN_V4, 4444):
        row = rows(lab)['listening on tcp port 4444']
        assert row['state'] == 'differs' and row['expected'] == 'none'
        told = lab.event(since, event__action='enforcement-not-restored', sekisho__enforcement__item='listening on tcp port 4444')
        assert field(told, 'event.kind') == 'alert'
    assert differing(lab) == [{'item': 'listening on tcp port 4444', 'state': 'restored', 'expected': 'none', 'found': row['found']}]
    lab.event(since, event__action='enforcement-restored', sekisho__enforcement__item='listening on tcp port 4444')
    assert differing(lab) == []


def test_listening_socket_of_a_service_of_the_router_is_as_configured(lab):
    lab.apply(CONFIGURATION + 'service here { protocol tcp; port 4445; source { address-list vendor; } }\n')
    with hosts.listener(lab.router, daemon.WAN_V4, 4445):
        row = rows(lab)['listening on tcp port 4445']
        assert (row['state'], row['found']) == ('matches', 'service here')
    lab.apply(CONFIGURATION)
