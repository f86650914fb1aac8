# SPDX-License-Identifier: GPL-2.0-or-later
"""Entries that expire: at their time, without an apply, and one way. The daemon's clock is a file here."""

import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from tests.harness import daemon, frames
from tests.harness.daemon import NOW, SERVER_V6, WAN_V4, field, until

# 203.0.113.5 and its IPv6 fellow hold to the end of 2026-11-23, the other two for good
EXPIRES = datetime(2026, 11, 24, tzinfo=UTC)
FLEETING = (('203.0.113.5', WAN_V4, 8080), ('2001:db8:200::5', SERVER_V6, 80))
LASTING = (('203.0.113.9', WAN_V4, 8080), ('2001:db8:200::9', SERVER_V6, 80))
YEAR = timedelta(days=365)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

CONFIGURATION = daemon.NETWORKS + daemon.LOG_EVERYTHING + '''
address-list vendor {
    address 203.0.113.5 { expires 2026-11-23; }
    address 2001:db8:200::5 { expires 2026-11-23; }
    address 203.0.113.9; address 2001:db8:200::9;
}
address-list visitor { expires 2026-11-23; address 203.0.113.20; }
address-list quarantine { expires 2026-11-23; address 198.18.0.0/15; }
service web { protocol tcp; port 8080; forward-to 10.0.1.20; forward-port 80; forward-to 2001:db8:10::20; source { address-list vendor; } }
service visit { protocol tcp; port 8090; forward-to 10.0.1.20; forward-port 80; source { address-list visitor; } }
policy kept-away { from clinic; to wan; destination { address-list quarantine; } action deny; }
policy out { from clinic; to wan; action allow; }
'''


@pytest.fixture
def make(new_lab):
    """A lab with a server that answers: a connection that is refused at once is gone before its record is read."""
    def made(configuration: str = CONFIGURATION):
        lab = new_lab(configuration)
        lab.server.start('socat', 'TCP6-LISTEN:80,fork,reuseaddr,ipv6only=0', 'PIPE', stdin=subprocess.DEVNULL)
        return lab
    return made


@pytest.fixture
def started(make):
    lab = make()
    lab.start()
    lab.apply(CONFIGURATION)
    return lab


def knock(lab, who, rule: str, verdict: str, reason: str) -> None:
    source, target, port = who
    number = frames.unique_port()
    with frames.Wire(lab.outside, 'eth0') as wire, frames.Wire(lab.server, 'eth0') as inside:
        with lab.judged(rule, verdict, reason, source__ip=source, source__port=number):
            wire.send(frames.ip(source, target, frames.tcp(number, port)), lab.router.mac('wan0'))
        assert bool(inside.catch(frames.from_source(source), seconds=5 if verdict == 'accepted' else 0)) == (verdict == 'accepted')


def is_open(lab, *everyone) -> None:
    for who in everyone:
        knock(lab, who, 'service.web.allow', 'accepted', 'accepted')


def is_closed(lab, *everyone) -> None:
    for who in everyone:
        knock(lab, who, 'service.web.deny', 'denied', 'not-allowed')


def set_clock(lab, when: datetime, synchronised: bool) -> None:
    """Sets the clock and waits until the daemon has acted on it: what it asks for is then in force."""
    since = len(lab.log())
    former = lab.facts()['clock_synchronised']
    lab.set_clock(when, synchronised)
    if former != synchronised:
        lab.event(since, event__action='clock-synchronised' if synchronised else 'clock-unsynchronised')
        # the event comes before the rules; one more answer comes after both
    lab.facts()


def expire(lab) -> None:
    since = len(lab.log())
    lab.set_clock(EXPIRES - timedelta(seconds=1.5), synchronised=True)
    for what in ('vendor 203.0.113.5', 'vendor 2001:db8:200::5', 'visitor 203.0.113.20'):
        until(lambda what=what: any(what in field(event, 'message') for event in lab.logged({'event.action': 'entry-expired'}, since)), f'the expiry of {what}')


def test_entry_expires_at_its_time_without_an_apply(started):
    is_open(started, *FLEETING, *LASTING)
    digest = started.facts()['policy_digest']
    expire(started)
    is_closed(started, *FLEETING)
    is_open(started, *LASTING)
    # nothing is left on its list: the service closes, it does not open
    knock(started, ('203.0.113.20', WAN_V4, 8090), 'service.visit.deny', 'denied', 'not-allowed')
    assert started.facts()['policy_digest'] == digest
    # said once, however often the clock is looked at
    started.set_clock(EXPIRES + timedelta(hours=1), synchronised=True)
    started.facts()
    assert len([event for event in started.logged({'event.action': 'entry-expired'}) if 'vendor 203.0.113.5 ' in field(event, 'message')]) == 1


def test_what_has_expired_stays_closed(started):
    """Through a clock that steps back, an apply, a kill, and boots at 1970."""
    expire(started)
    set_clock(started, NOW - YEAR, synchronised=True)
    is_closed(started, *FLEETING)
    is_open(started, *LASTING)
    started.kill()
    started.start()
    # what was accepted once is not refused at a start because time went by
    assert started.facts()['policy_source'] == 'committed'
    is_closed(started, *FLEETING)
    # a new apply is told of lists that have nothing left
    run = started.command('apply', '-', contents=CONFIGURATION)
    assert run.returncode == 1 and 'visitor' in run.stderr and 'expired' in run.stderr, run.stderr
    started.apply(CONFIGURATION.replace('expires 2026-11-23; address 203.0.113.20;', 'address 203.0.113.20;').replace(
        'expires 2026-11-23; address 198.18.0.0/15;', 'address 198.18.0.0/15;'))
    is_closed(started, *FLEETING)
    is_open(started, *LASTING)
    started.stop()
    for synchronised in (False, True):
        started.set_clock(EPOCH, synchronised)
        started.router.run('nft', 'flush', 'ruleset')
        started.start()
        is_closed(started, *FLEETING)
        is_open(started, *LASTING)
        started.kill()
    started.set_clock(NOW, synchronised=True)  # the very moment at which it was open before
    started.start()
    is_closed(started, *FLEETING)
    assert datetime.fromisoformat(started.facts()['time']) >= EXPIRES


def test_kernel_closes_the_entry_when_no_daemon_is_there(make):
    lab = make()
    lab.set_clock(EXPIRES - timedelta(seconds=6), synchronised=True)
    lab.start()
    lab.kill()
    mac = lab.router.mac('wan0')
    with frames.Wire(lab.outside, 'eth0') as wire:
        for source, target, port in FLEETING:
            before = lab.nft_counters()['service.web.deny']

            def denied(source=source, target=target, port=port, before=before) -> bool:
                wire.send(frames.ip(source, target, frames.tcp(frames.unique_port(), port)), mac)
                return lab.nft_counters()['service.web.deny'] > before
            until(denied, 'an entry that the kernel lets expire', 30, pause=0.2)
        allowed = lab.nft_counters()['service.web.allow']
        for source, target, port in LASTING:
            wire.send(frames.ip(source, target, frames.tcp(frames.unique_port(), port)), mac)
        assert lab.nft_counters()['service.web.allow'] == allowed + 2
    # the daemon comes back to a clock that was set back meanwhile: it had not recorded the expiry, but what it starts with is not older than what it knew
    lab.set_clock(EXPIRES + timedelta(seconds=60), synchronised=True)
    lab.start()
    is_closed(lab, *FLEETING)
    lab.event(event__action='entry-expired')


def test_unsynchronised_clock_closes_what_could_have_expired_and_synchronisation_opens_it(started):
    is_open(started, *FLEETING, *LASTING)
    set_clock(started, NOW, synchronised=False)
    is_closed(started, *FLEETING)
    is_open(started, *LASTING)
    set_clock(started, NOW, synchronised=True)
    is_open(started, *FLEETING, *LASTING)
    assert started.logged({'event.action': 'entry-expired'}) == []


def test_boot_at_1970_closes_until_the_time_is_known(make):
    lab = make()
    lab.set_clock(EPOCH, synchronised=False)
    lab.start()
    assert datetime.fromisoformat(lab.facts()['time']) >= datetime.fromisoformat(daemon.BUILD_TIME), 'time never runs behind the build'
    is_closed(lab, *FLEETING)
    is_open(lab, *LASTING)
    event = lab.logged({'rule.id': 'service.web.allow'})[-1]
    assert field(event, 'sekisho.clock.synchronised') is False
    set_clock(lab, NOW, synchronised=True)
    is_open(lab, *FLEETING)


def test_a_year_ahead_without_synchronisation_expires_nothing_for_good(started):
    set_clock(started, NOW + YEAR, synchronised=False)
    is_closed(started, *FLEETING)
    set_clock(started, NOW, synchronised=True)
    is_open(started, *FLEETING, *LASTING)
    started.kill()
    started.set_clock(NOW + YEAR, synchronised=False)
    started.start()
    is_closed(started, *FLEETING)
    started.kill()
    started.set_clock(NOW, synchronised=True)
    started.start()
    is_open(started, *FLEETING)
    assert started.logged({'event.action': 'entry-expired'}) == []


def test_a_year_ahead_with_synchronisation_expires_for_good(started):
    since = len(started.log())
    started.set_clock(NOW + YEAR, synchronised=True)
    started.event(since, event__action='entry-expired')
    is_closed(started, *FLEETING)
    set_clock(started, NOW, synchronised=True)
    is_closed(started, *FLEETING)


def test_time_never_runs_behind_the_build(make):
    lab = make(CONFIGURATION.replace('2026-11-23', '2025-12-31'))
    lab.set_clock(datetime(2025, 6, 1, tzinfo=UTC), synchronised=True)
    lab.start()
    is_closed(lab, *FLEETING)
    is_open(lab, *LASTING)


def test_denying_list_stays_in_force_while_the_time_is_in_doubt(started):
    """What a list refuses errs to the other side: it is refused until its end is certain."""
    def out(rule: str, verdict: str, reason: str) -> None:
        number = frames.unique_port()
        with frames.Wire(started.desk, 'eth0') as wire, started.judged(rule, verdict, reason, source__port=number, destination__ip='198.18.0.1'):
            wire.send(frames.ip(daemon.DESK_V4, '198.18.0.1', frames.tcp(number, 443)), started.router.mac('br-clinic'))
    out('policy.kept-away.deny', 'denied', 'zone')
    set_clock(started, NOW + YEAR, synchronised=False)
    out('policy.kept-away.deny', 'denied', 'zone')
    set_clock(started, NOW, synchronised=True)
    expire(started)
    out('policy.out.allow', 'accepted', 'accepted')
