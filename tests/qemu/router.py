# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of the image share."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
if str(CHECKOUT) not in sys.path:
    sys.path.insert(0, str(CHECKOUT))

from tests.harness import packets, pcapfile  # noqa: E402
from tests.harness.clinic import Clinic, Recording  # noqa: E402

IMAGE = Path(os.environ.get('SEKISHO_IMAGE', CHECKOUT / 'build/image/qemu-virt'))
WORK = Path(os.environ.get('SEKISHO_QEMU_WORK', CHECKOUT / 'build/qemu-tests'))
CAPTURES = CHECKOUT.parent / 'shared/captures/ndpi'
GATED = (CHECKOUT / 'board/qemu-virt/demo.conf').read_text()
# without the gate every source gets as far as the services, which most tests are about
DEMO = GATED.replace('gate { geo-list domestic; }\n', '')
assert DEMO != GATED


def apply(world: Clinic, text: str) -> str:
    """Applies over the serial console and returns the answer; asserts that it is in force afterwards."""
    answer = world.machine.console.paste('apply -', text)
    assert 'Applied:' in answer, answer
    assert world.machine.console.json('show system --json')['policy_source'] == 'committed'
    return answer


def system(world: Clinic) -> dict:
    return world.machine.console.json('show system --json')


def by_source(world: Clinic, source: str) -> list[dict]:
    """The router's log of one source: verdict, count, rule and reason of each kind of event."""
    rows = world.machine.console.json('show log --last 100000 --by-source --json')['sources']
    return [row for row in rows if row['source'] == source]


def field(event: dict, path: str):
    """The value of a field of an event by its name with dots; None where it is absent."""
    for part in path.split('.'):
        if not isinstance(event, dict) or part not in event:
            return None
        event = event[part]
    return event


def events(world: Clinic, wanted: dict) -> list[dict]:
    """The latest events of the router's log that have these fields."""
    lines = world.machine.console.command('show log --last 100 --json').splitlines()
    assert all(line.startswith('{') for line in lines), lines
    return [event for event in map(json.loads, lines) if all(field(event, path) == value for path, value in wanted.items())]


def wait_events(world: Clinic, wanted: dict, seconds: float = 60) -> list[dict]:
    """The same, as soon as there are any."""
    end = time.monotonic() + seconds
    while not (found := events(world, wanted)):
        assert time.monotonic() < end, f'no event with {wanted} within {seconds:.0f} s'
        time.sleep(1)
    return found


def arrived(recording: Recording, source: str) -> list[packets.Packet]:
    """Packets of a source in a recording."""
    found = []
    for record in pcapfile.read(recording.path):
        try:
            packet = packets.parse(packets.network_layer(record))
        except packets.Unusable:
            continue
        if str(packet.source) == source:
            found.append(packet)
    return found


def changed_image(folder: Path, change: Callable[[Path], None]) -> Path:
    """A copy of the image whose root file system `change` has altered."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in ('kernel', 'initramfs.cpio.zst', 'data.img', 'manifest.json'):
        (folder / name).symlink_to(IMAGE / name)
    root = folder / 'root'
    shutil.copytree(IMAGE / 'root', root, symlinks=True)
    change(root)
    subprocess.run(['mksquashfs', str(root), str(folder / 'root.squashfs'), '-quiet', '-no-progress', '-noappend', '-comp', 'zstd',
                    '-Xcompression-level', '1', '-all-root'], check=True, capture_output=True)
    return folder
