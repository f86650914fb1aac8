# SPDX-License-Identifier: GPL-2.0-or-later
"""From power on to enforcing, and what the router does when it can't get there."""

import socket
import threading

import pytest
from router import DEMO, WORK, apply, arrived, changed_image

from tests.harness import clinic
from tests.harness.console import ConsoleError


def test_boot_without_network_enforces_the_default_configuration(new_world):
    world = new_world()
    world.machine.disconnect()
    world.machine.start()
    state = world.machine.wait_enforcing()
    assert state['policy_source'] == 'factory-default'
    assert 0 < state['enforcing_after_milliseconds'] < 120_000


def test_boot_before_a_policy_nothing_passes(new_world):
    world = new_world()
    world.machine.start()
    world.machine.wait_enforcing()
    apply(world, DEMO)
    world.start_servers()
    assert world.fetch(world.outside, str(clinic.WAN.ipv4), source=clinic.DENIED_V4[0], seconds=2) is None
    world.machine.power_cut()

    # from the first moment of the next boot a stranger knocks, and an inside host's neighbour tries to go through
    ending = threading.Event()

    def knock():
        with world.outside.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
            wire.bind((clinic.DENIED_V4[0], 0))
            while not ending.wait(0.02):
                for target in (str(clinic.WAN.ipv4), clinic.SERVER_V4):
                    try:
                        wire.sendto(b'knock', (target, 80))
                    except OSError:
                        pass  # the gateway's neighbour table has no answer while the router boots

    world.outside.route('10.0.1.0/24', str(clinic.WAN.ipv4))
    knocking = threading.Thread(target=knock)
    with world.record(world.server, 'router', 'before-policy') as recording:
        knocking.start()
        try:
            world.machine.start()
            world.machine.wait_enforcing()
        finally:
            ending.set()
            knocking.join()
        assert world.fetch(world.outside, str(clinic.WAN.ipv4), source=clinic.ALLOWED_V4) == clinic.PAGE + '\n'
    assert arrived(recording, clinic.DENIED_V4[0]) == []
    assert arrived(recording, clinic.ALLOWED_V4) != []


def test_console_never_leads_to_a_shell(world):
    console = world.machine.console
    for line in ('sh', '/bin/sh', '!sh', 'show version; sh', 'show version | sh', '$(sh)', '`sh`', 'console', 'help\x00sh'):
        answer = console.command(line)
        assert '# ' not in answer and 'BusyBox' not in answer, answer
    assert console.json('show version --json')['product'] == 'Sekisho'


def test_version_names_what_was_built(world):
    identity = world.machine.console.json('show version --json')
    assert {key: identity[key] for key in ('product', 'version', 'board', 'build')} | {'image-hash': identity['image_hash']} == {
        key: world.machine.image.facts['identity'][key] for key in ('product', 'version', 'board', 'build', 'image-hash')}
    assert identity['kernel'] == world.machine.image.facts['kernel_version']


def test_boot_with_a_module_missing_is_closed_and_names_it(new_world):
    module = 'nft_ct'

    def remove(root):
        next(root.rglob(f'{module}.ko')).unlink()

    world = new_world(changed_image(WORK / 'changed-image', remove))
    world.machine.start()
    said = world.machine.console.log_in()
    assert f'kernel module {module} could not be loaded' in said
    assert 'every interface stays down' in said
    world.start_servers()
    with world.record(world.server, 'router', 'closed') as recording:
        assert world.fetch(world.outside, str(clinic.WAN.ipv4), source=clinic.ALLOWED_V4, seconds=2) is None
        assert world.fetch(world.outside, clinic.SERVER_V6, source=clinic.ALLOWED_V6, seconds=2) is None
    assert arrived(recording, clinic.ALLOWED_V4) == arrived(recording, clinic.ALLOWED_V6) == []


def test_boot_without_the_closed_ruleset_is_closed_and_says_so(new_world):
    def remove(root):
        (root / 'usr/sbin/sekishod').unlink()

    world = new_world(changed_image(WORK / 'changed-image', remove))
    world.machine.start()
    # nobody can answer for a login: there is none
    said = world.machine.console.wait_for('does not answer', 120)
    assert 'the closed ruleset could not be loaded' in said
    with pytest.raises(ConsoleError):
        world.machine.wait_enforcing(5)
