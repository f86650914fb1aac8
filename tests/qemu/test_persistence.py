# SPDX-License-Identifier: GPL-2.0-or-later
"""What survives a power cut, a full data partition and a destroyed one."""

import os
import subprocess

from router import DEMO, apply, arrived, system

from tests.harness import clinic

WITHOUT_SERVICE = DEMO[:DEMO.index('service image-viewer')] + DEMO[DEMO.index('policy clinic-out'):]


def assert_demo_policy(world) -> None:
    """The demo's policy decides, in both families."""
    assert world.fetch(world.outside, str(clinic.WAN.ipv4), source=clinic.ALLOWED_V4) == clinic.PAGE + '\n'
    assert world.fetch(world.outside, clinic.SERVER_V6, source=clinic.ALLOWED_V6) == clinic.PAGE + '\n'
    assert world.fetch(world.outside, str(clinic.WAN.ipv4), source=clinic.DENIED_V4[0], seconds=2) is None
    assert world.fetch(world.outside, clinic.SERVER_V6, source=clinic.DENIED_V6[0], seconds=2) is None
    assert world.fetch(world.client, clinic.WEB_V4) == f'you are {clinic.WAN.ipv4}\n'


def booted(new_world):
    world = new_world()
    world.start_servers()
    world.machine.start()
    world.machine.wait_enforcing()
    return world


def test_power_cut_after_apply_brings_back_the_same_policy(new_world):
    world = booted(new_world)
    apply(world, DEMO)
    before = system(world)['policy_digest']
    rules = [row['id'] for row in world.machine.console.json('show rules --json')['rules']]
    world.machine.power_cut()

    world.machine.start()
    state = world.machine.wait_enforcing()
    assert (state['policy_source'], state['policy_digest']) == ('committed', before)
    assert [row['id'] for row in world.machine.console.json('show rules --json')['rules']] == rules
    assert_demo_policy(world)


def fill(world) -> None:
    """Fills the data partition of a stopped machine to its last block."""
    disk = str(world.machine.data)
    assert subprocess.run(['e2fsck', '-fy', disk], capture_output=True).returncode in (0, 1)
    filler = world.folder / 'filler'
    size = 64 << 20
    while size >= 1024:
        filler.write_bytes(b'x' * size)
        # what does not fit is refused or cut: smaller pieces take the rest
        subprocess.run(['debugfs', '-w', '-R', f'write {filler} filler-{size}', disk], capture_output=True)
        size //= 2
    filler.unlink()
    subprocess.run(['e2fsck', '-fy', disk], capture_output=True)


def test_full_data_partition_keeps_the_policy_and_refuses_an_apply(new_world):
    world = booted(new_world)
    apply(world, DEMO)
    world.machine.power_cut()
    fill(world)

    world.machine.start()
    state = world.machine.wait_enforcing()
    assert state['policy_source'] == 'committed'
    assert state['data_free_bytes'] < 65536
    assert_demo_policy(world)
    answer = world.machine.console.paste('apply -', WITHOUT_SERVICE.replace('log {', f'# {"x" * 500}\n' * 60 + 'log {'))
    assert 'Applied:' not in answer
    assert 'No space left' in answer or 'full' in answer, answer
    assert system(world)['policy_digest'] == state['policy_digest']
    assert_demo_policy(world)


def test_destroyed_data_partition_is_closed_and_says_why(new_world):
    world = booted(new_world)
    apply(world, DEMO)
    world.machine.power_cut()
    with world.machine.data.open('r+b') as disk:
        size = disk.seek(0, os.SEEK_END)
        disk.seek(0)
        for _ in range(0, size, 1 << 20):
            disk.write(os.urandom(1 << 20))

    world.machine.start()
    said = world.machine.console.log_in()
    assert 'data partition' in said
    assert_closed(world)


def test_missing_data_disk_is_closed_and_says_why(new_world):
    world = new_world()
    world.start_servers()
    world.machine.start(data=False)
    assert 'no data disk was found' in world.machine.console.log_in()
    assert_closed(world)


def assert_closed(world) -> None:
    state = system(world)
    assert state['policy_source'] == 'none'
    assert state['policy_note']
    with world.record(world.server, 'router', 'closed') as inside:
        assert world.fetch(world.outside, str(clinic.WAN.ipv4), source=clinic.ALLOWED_V4, seconds=2) is None
        assert world.fetch(world.outside, clinic.SERVER_V6, source=clinic.ALLOWED_V6, seconds=2) is None
        assert world.fetch(world.client, clinic.WEB_V4, seconds=2) is None
    assert arrived(inside, clinic.ALLOWED_V4) == arrived(inside, clinic.ALLOWED_V6) == []
