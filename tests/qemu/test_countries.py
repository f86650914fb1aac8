# SPDX-License-Identifier: GPL-2.0-or-later
"""Countries on the router itself: the image's own database in 512 MB, captured traffic that comes from other countries, a WAN device that comes and goes on the image's
kernel, reboots, and another database that comes over SSH."""

import time
from pathlib import Path

import pytest
from people import ROUTER, SECONDS, People
from router import CAPTURES, CHECKOUT, GATED, apply, arrived, by_source, changed_image, events, system, wait_events

from tests.harness import capture, clinic, mmdb
from tests.harness.vm import MAC_ADDRESSES

AT_HOME, ABROAD = clinic.DENIED_V4[3], clinic.DENIED_V4[0]  # Japan, the United States
PORTAL_PORT = 8080
PORTAL = '''service portal {
    from wan;
    protocol tcp;
    port 8080;
    forward-to 10.0.1.20;
    forward-port 80;
    source { geo-list domestic; }
}
'''
# a second list, of nearly the whole world: the most that a configuration can ask for
ABROAD_TOO = '''geo-list not-at-home { country US; country CN; country DE; country FR; country GB; country BR; country IN; country AU; country CA; country NL; country RU; country ID; }
block { geo-list not-at-home; }
'''
DBIP = CHECKOUT.parent / 'shared/geo/dbip-country.mmdb'


def portal(world, source: str) -> bool:
    return world.fetch(world.outside, str(clinic.WAN.ipv4), port=PORTAL_PORT, source=source, seconds=5) == clinic.PAGE + '\n'


def lookup(world, address: str) -> dict:
    return world.machine.console.json(f'show geo lookup {address} --json')


def geo(world) -> dict:
    return world.machine.console.json('show geo --json')


def wait_for(condition, what: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f'{what}: not within {seconds:.0f} s'
        time.sleep(1)


@pytest.fixture(scope='module')
def guarded(world):
    """The demo's router with its gate and a service for a country."""
    apply(world, GATED + PORTAL)
    return world


def test_the_image_s_own_database_is_in_force_and_small(guarded):
    shown = geo(guarded)
    assert shown['origin'] == 'built-in' and 'IPFire' in shown['description']
    assert (shown['early_drop_devices'], shown['early_drop_trouble']) == ('wan0', None)
    elements = {row['family']: row['elements'] for row in shown['sets']}
    assert elements['ipv4'] > 1000 and elements['ipv6'] > 100
    apply(guarded, GATED + PORTAL + ABROAD_TOO)
    assert sum(row['elements'] for row in geo(guarded)['sets']) > 100_000
    memory = system(guarded)
    assert memory['daemon_peak_bytes'] < 32 << 20 and memory['memory_available_bytes'] > 256 << 20
    apply(guarded, GATED + PORTAL)


def test_the_country_decides_and_is_logged(guarded):
    assert portal(guarded, AT_HOME)
    assert not portal(guarded, ABROAD)
    assert {(row['verdict'], row['rule'], row['country']) for row in by_source(guarded, ABROAD)} == {('denied', 'gate.country', 'US')}
    assert ('allowed', 'service.portal.allow', 'JP') in {(row['verdict'], row['rule'], row['country']) for row in by_source(guarded, AT_HOME)}
    for address, verdict in ((AT_HOME, 'admitted'), (ABROAD, 'denied')):
        shown = lookup(guarded, address)
        assert {row['name']: row['verdict'] for row in shown['services']}['portal'] == verdict


# each from addresses of its own: tests share one router and its log
@pytest.mark.parametrize('name, first_octets, country, reason', [
    ('synscan.pcap', '45.33.33', 'US', 'country'), ('tcp_scan.pcapng', '45.33.34', 'US', 'country'), ('rdp2.pcap', '133.242.1', 'JP', 'no-service'),
    ('ssh.pcap', '133.242.2', 'JP', 'no-service')])
def test_captured_strangers_are_refused_for_their_country_or_for_what_they_ask(guarded, name, first_octets, country, reason):
    path = CAPTURES / name
    if not path.exists():
        pytest.skip(f'{path} is not there')
    own = {str(old): f'{first_octets}.{index}' for index, old in enumerate(capture.prepare(path, clinic.WAN).sources, 1) if old.version == 4}
    replay = capture.prepare(path, clinic.WAN, own)
    assert own and all(lookup(guarded, address)['country'] == country for address in own.values())
    with guarded.record(guarded.server, 'router', f'countries-{name}') as inside:
        capture.send(replay, guarded.outside, 'router', MAC_ADDRESSES['wan0'])
        wait_for(lambda: all(by_source(guarded, address) for address in own.values()), 'every source in the log')
    for address in own.values():
        assert arrived(inside, address) == []
        rows = by_source(guarded, address)
        assert {(row['verdict'], row['country']) for row in rows} == {('denied', country)}, rows
        # segments of connections that never began are invalid, wherever they come from
        assert reason in {row['reason'] for row in rows} <= {reason, 'invalid'}, rows


def test_a_reboot_brings_the_same_sets_and_verdicts(new_world):
    world = new_world()
    world.start_web_servers()
    world.machine.start()
    world.machine.wait_enforcing()
    apply(world, GATED + PORTAL)

    def state() -> tuple:
        shown = geo(world)
        return ([row['id'] for row in world.machine.console.json('show rules --json')['rules']],
                shown['sha256'], sorted((row['name'], row['elements']) for row in shown['sets']), shown['early_drop_devices'],
                [lookup(world, address)['services'] for address in (AT_HOME, ABROAD, clinic.ALLOWED_V4)])

    before = state()
    assert portal(world, AT_HOME) and not portal(world, ABROAD)
    world.machine.power_cut()
    world.machine.start()
    assert world.machine.wait_enforcing()['policy_source'] == 'committed'
    wait_for(lambda: geo(world)['early_drop_devices'] == 'wan0', 'early drop')
    assert state() == before
    assert portal(world, AT_HOME) and not portal(world, ABROAD)

    # without its WAN port the router starts and enforces as well, and says what it lacks
    world.machine.power_cut()
    world.machine.disconnect('wan0')
    world.machine.start()
    assert world.machine.wait_enforcing()['policy_source'] == 'committed'
    shown = geo(world)
    assert shown['early_drop_wanted'] is True and shown['early_drop_devices'] is None and 'wan0' in shown['early_drop_trouble']
    assert sorted((row['name'], row['elements']) for row in shown['sets']) == before[2]


# while lan2's cable is out, the WAN device does not exist; afterwards it is made anew, as by a redial
WATCHER = '''
(
    while sleep 1; do
        [ "$(cat /sys/class/net/lan2/carrier 2>/dev/null)" = 0 ] || continue
        device=$(basename "$(readlink -f /sys/class/net/wan0/device)")
        echo "$device" > /sys/bus/virtio/drivers/virtio_net/unbind
        while [ "$(cat /sys/class/net/lan2/carrier)" = 0 ]; do sleep 1; done
        echo "$device" > /sys/bus/virtio/drivers/virtio_net/bind
        sleep 1
        name_interfaces
    done
) < /dev/null > /dev/null 2>&1 &
'''


def test_a_wan_device_that_comes_and_goes_keeps_no_policy_from_loading(new_world):
    def with_watcher(root: Path) -> None:
        script = root / 'etc/init.d/rcS'
        script.write_text(script.read_text() + WATCHER)

    image = changed_image(CHECKOUT / 'build/qemu-tests/image-watcher', with_watcher)
    world = new_world(image)
    world.start_web_servers()
    world.machine.start()
    world.machine.wait_enforcing()
    apply(world, GATED + PORTAL)
    assert geo(world)['early_drop_devices'] == 'wan0'
    assert portal(world, AT_HOME)

    world.machine.set_cable('lan2', False)
    wait_events(world, {'event.action': 'early-drop', 'event.outcome': 'failure'})
    wait_for(lambda: 'not there' in (geo(world)['early_drop_trouble'] or ''), 'the missing device is told of')
    # a change while the device is away is put in force whole
    answer = apply(world, GATED + PORTAL.replace('portal', 'patients'))
    assert 'Applied' in answer and 'service.patients.allow' in [row['id'] for row in world.machine.console.json('show rules --json')['rules']]

    world.machine.set_cable('lan2', True)
    wait_for(lambda: geo(world)['early_drop_devices'] == 'wan0', 'early drop on the device that came back')
    assert geo(world)['early_drop_trouble'] is None
    assert events(world, {'event.action': 'early-drop', 'event.outcome': 'success'})
    wait_for(lambda: portal(world, AT_HOME), 'the service by the device that came back')
    assert not portal(world, ABROAD)
    assert {row['rule'] for row in by_source(world, ABROAD)} == {'gate.country'}
    assert {row['rule'] for row in by_source(world, AT_HOME) if row['verdict'] == 'allowed'} == {'service.portal.allow', 'service.patients.allow'}


def test_another_database_comes_over_ssh_and_goes_again(guarded):
    people = People(guarded)
    account = f'account tanaka {{ ssh-key "{people.keys.public("tanaka")}"; }}\nmanagement {{ ssh {{ from clinic; }} }}\n'
    apply(guarded, GATED + PORTAL + account)
    people.wait_answering()
    built_in = geo(guarded)['sha256']

    def send(path: Path):
        words = [*people.words(), f'tanaka@{ROUTER}', 'geo', 'import', '-', '--force']
        return guarded.server.run('sh', '-c', 'file=$1; shift; exec "$@" < "$file"', 'send', str(path), *words, check=False, timeout=3 * SECONDS)

    # one in which the two addresses have changed places
    swapped = guarded.folder / 'swapped.mmdb'
    swapped.write_bytes(mmdb.database({'45.33.0.0/16': mmdb.nested('JP'), '133.242.0.0/16': mmdb.nested('US'), '2001:200::/23': mmdb.nested('JP')},
                                      build_epoch=int(time.time())))
    run = send(swapped)
    assert run.returncode == 0 and run.stdout.startswith('imported: '), run.stdout + run.stderr
    assert (geo(guarded)['origin'], geo(guarded)['last_change_account']) == ('imported', 'tanaka')
    assert portal(guarded, ABROAD) and not portal(guarded, AT_HOME)

    broken = guarded.folder / 'broken.mmdb'
    broken.write_bytes(swapped.read_bytes()[:-40])
    run = send(broken)
    assert run.returncode == 1 and 'unchanged' in run.stderr, run.stdout + run.stderr
    assert portal(guarded, ABROAD)

    if DBIP.exists():
        run = send(DBIP)
        assert run.returncode == 0, run.stdout + run.stderr
        assert portal(guarded, AT_HOME) and not portal(guarded, ABROAD)
        assert system(guarded)['daemon_peak_bytes'] < 32 << 20
        assert people.ssh('geo', 'rollback').returncode == 0
    assert people.ssh('geo', 'rollback').returncode == 0
    assert (geo(guarded)['origin'], geo(guarded)['sha256']) == ('built-in', built_in)
    assert portal(guarded, AT_HOME) and not portal(guarded, ABROAD)
