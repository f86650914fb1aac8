# SPDX-License-Identifier: GPL-2.0-or-later
"""Entries that expire, and clocks that are wrong: 1970 at boot, a year ahead, a year back."""

import datetime
import time

from router import DEMO, apply, system, wait_events

from tests.harness import clinic
from tests.harness.timeserver import TimeServer

# the demo's list with the vendor's address as an entry that holds up to the end of 2027-03-31 in Japan
EXPIRING = DEMO.replace('address 203.0.113.0/28;', 'address 203.0.113.0/28 { expires 2027-03-31; }').replace(
    'address 2001:db8:200::/48;', 'address 2001:db8:200::/48 { expires 2027-03-31; }')
HOLDS = datetime.datetime(2027, 3, 29, tzinfo=datetime.UTC)
EXPIRED = datetime.datetime(2027, 4, 2, tzinfo=datetime.UTC)
A_YEAR_BACK = datetime.datetime(2026, 12, 29, tzinfo=datetime.UTC)


def served(world) -> tuple[bool, bool]:
    """Whether the vendor gets the page, by IPv4 and by IPv6."""
    page = clinic.PAGE + '\n'
    return (world.fetch(world.outside, str(clinic.WAN.ipv4), source=clinic.ALLOWED_V4, seconds=4) == page,
            world.fetch(world.outside, clinic.SERVER_V6, source=clinic.ALLOWED_V6, seconds=4) == page)


def wait_synchronised(world) -> None:
    end = time.monotonic() + 90
    while not system(world)['clock_synchronised']:
        assert time.monotonic() < end, 'the clock was not synchronised within 90 s'
        time.sleep(1)
    # the daemon looks at the clock at intervals, and says so where it judges anew
    wait_events(world, {'event.action': 'clock-synchronised', 'host.boot.id': system(world)['boot_id']})


def reboot(world, rtc: str) -> None:
    world.machine.power_cut()
    world.machine.start(rtc=rtc)
    assert world.machine.wait_enforcing()['policy_source'] == 'committed'


def test_expiry_through_1970_and_steps_of_a_year(new_world):
    world = new_world()
    world.start_web_servers()
    world.machine.start(rtc='1970-01-01T00:00:00')
    world.machine.wait_enforcing()
    apply(world, EXPIRING)

    # nobody vouches for 1970: an entry that could have expired is closed
    assert not system(world)['clock_synchronised']
    assert served(world) == (False, False)

    with TimeServer(world.outside, clinic.TIME_SERVER, HOLDS):
        wait_synchronised(world)
        assert served(world) == (True, True)
        # a year back at boot, until the time server is heard
    reboot(world, '2026-03-29T00:00:00')
    assert served(world) == (False, False)

    with TimeServer(world.outside, clinic.TIME_SERVER, EXPIRED):
        wait_synchronised(world)
        assert served(world) == (False, False)

    # what has expired stays expired, whatever a clock says afterwards
    reboot(world, '2026-12-29T00:00:00')
    with TimeServer(world.outside, clinic.TIME_SERVER, A_YEAR_BACK):
        wait_synchronised(world)
        assert system(world)['clock_behind_record']
        assert served(world) == (False, False)

    # a year ahead and back again changes nothing either
    reboot(world, '2028-04-02T00:00:00')
    with TimeServer(world.outside, clinic.TIME_SERVER, HOLDS):
        wait_synchronised(world)
        assert served(world) == (False, False)


def test_entries_without_expiry_serve_with_a_clock_of_1970(new_world):
    world = new_world()
    world.start_web_servers()
    world.machine.start(rtc='1970-01-01T00:00:00')
    world.machine.wait_enforcing()
    apply(world, DEMO)
    assert not system(world)['clock_synchronised']
    assert served(world) == (True, True)
