# SPDX-License-Identifier: GPL-2.0-or-later
"""What others change in the kernel is found, told of and put right; one thing at a time. Most of it at once, by the kernel's notifications, or when somebody asks."""

import json
import os
import re

import pytest

from tests.harness import daemon, mmdb
from tests.harness.daemon import field

CONFIGURATION = daemon.NETWORKS + daemon.LOG_EVERYTHING + '''
address-list vendor { address 203.0.113.5; address 203.0.113.9; address 2001:db8:200::5; }
service web { protocol tcp; port 8080; forward-to 10.0.1.20; source { address-list vendor; } }
geo-list home { country JP; }
gate { geo-list home; }
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
