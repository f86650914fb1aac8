# SPDX-License-Identifier: GPL-2.0-or-later
"""`test capture` says of recorded traffic what the kernel did with it: by the policy, the addresses and the countries in force."""

import json

import pytest

from tests.harness import clinic, daemon, hosts, mmdb
from tests.harness.daemon import SERVER_V4, WAN_V4

STAYS, LEAVES, COMES = '203.0.113.5', '192.0.2.5', '203.0.114.5'
JP, US = mmdb.nested('JP'), mmdb.nested('US')
COUNTRIES = {'203.0.113.0/24': JP, '192.0.2.0/24': JP, '203.0.114.0/24': US}
LATER = {'203.0.113.0/24': JP, '192.0.2.0/24': US, '203.0.114.0/24': JP}
CONFIGURATION = daemon.NETWORKS + daemon.LOG_EVERYTHING + f'''
geo-list japan {{ country JP; }}
service web {{ protocol tcp; port 8080; forward-to {SERVER_V4}; forward-port 80; source {{ geo-list japan; }} }}
'''


@pytest.fixture
def lab(new_lab):
    made = new_lab(CONFIGURATION, countries=COUNTRIES)
    made.start()
    made.apply(CONFIGURATION)
    made.public(STAYS, LEAVES, COMES)
    return made


def knock(lab, source: str) -> bool:
    """Records what comes in while a source knocks; whether it got through."""
    with hosts.listener(lab.server, SERVER_V4, 80), clinic.Recording(lab, lab.router, 'wan0', lab.folder / f'{source}.pcap', 'tcp port 8080'):
        return hosts.refusal(lab.outside, WAN_V4, 8080, source) is None


def judged(lab, source: str, *options: str) -> bool:
    """Whether its first packet gets through. Virtual cables carry packets without checksums: that they are right is assumed."""
    run = lab.command('test', 'capture', '-', '--json', *options, contents=(lab.folder / f'{source}.pcap').read_bytes())
    assert run.returncode == 0, run.stderr
    rows = json.loads(run.stdout)['flows']
    rules = {row['rule']: row for row in rows}
    allowed, denied = rules.get('service.web.allow'), rules.get('service.web.deny') or rules.get('early.country')
    assert (allowed is None) != (denied is None), list(rules)
    row = allowed or denied
    assert row['flows'] == 1 and f'tcp {source}:' in row['example']
    return allowed is not None


def test_it_says_what_the_kernel_did_before_and_after_another_database(lab):
    for source, country_is_in in ((STAYS, True), (LEAVES, True), (COMES, False)):
        assert knock(lab, source) == judged(lab, source) == country_is_in
    fresh = mmdb.database(LATER, build_epoch=int(daemon.NOW.timestamp()) - 86400)
    run = lab.command('geo', 'import', '-', '--force', contents=fresh)
    assert run.returncode == 0, run.stderr
    for source, country_is_in in ((STAYS, True), (LEAVES, False), (COMES, True)):
        assert judged(lab, source) == country_is_in  # the capture of before
        assert knock(lab, source) == judged(lab, source) == country_is_in
    # a session runs as its account, and reads what was imported
    database = lab.data / 'geo' / 'current.mmdb'
    assert database.stat().st_mode & 0o777 == 0o644 and database.parent.stat().st_mode & 0o777 == 0o755


def test_another_interface(lab):
    knock(lab, COMES)
    run = lab.command('test', 'capture', '-', '--json', '--ingress', 'br-clinic', contents=(lab.folder / f'{COMES}.pcap').read_bytes())
    assert run.returncode == 0 and 'service.web' not in run.stdout, run


def test_what_is_no_capture_is_refused(lab):
    for contents, words in ((b'', 'truncated'), (b'no capture at all, only words', 'unknown file format')):
        run = lab.command('test', 'capture', '-', contents=contents)
        assert run.returncode == 1 and words in run.stderr, run
    knock(lab, STAYS)
    run = lab.command('test', 'capture', '-', '--ingress', 'wan7', contents=(lab.folder / f'{STAYS}.pcap').read_bytes())
    assert run.returncode == 1 and "no interface 'wan7'" in run.stderr
