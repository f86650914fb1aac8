# SPDX-License-Identifier: GPL-2.0-or-later
"""Boots the image between a made-up Internet and a made-up clinic, puts traffic through it and prints what the router says of it.

Called by board/qemu-virt/run inside the build environment.
"""

import argparse
import os
import select
import sys
import termios
import time
import tty
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT))

from tests.harness import capture, clinic, recording  # noqa: E402
from tests.harness.clinic import Clinic  # noqa: E402
from tests.harness.console import ACCOUNT, PASSWORD, Console, ConsoleError  # noqa: E402
from tests.harness.namespaces import NetworkError  # noqa: E402
from tests.harness.pcapfile import CaptureError  # noqa: E402
from tests.harness.vm import MAC_ADDRESSES, MachineError  # noqa: E402

LEAVE = b'\x1d'  # Ctrl-]
_began = time.monotonic()


def step(text: str) -> None:
    print(f'{time.monotonic() - _began:4.0f} s  {text}', file=sys.stderr, flush=True)


def table(rows: list[dict], columns: dict[str, str]) -> str:
    """Rows as aligned text; columns maps keys to titles."""
    lines = [list(columns.values())] + [['-' if row.get(key) is None else str(row[key]) for key in columns] for row in rows]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    return '\n'.join('  '.join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)


def apply(console: Console, configuration: Path) -> dict:
    """Applies a configuration over the serial console; returns `show system --json`."""
    answer = console.paste('apply -', configuration.read_text())
    state = console.json('show system --json')
    if state['policy_source'] != 'committed':
        raise ConsoleError(f'{configuration.name} was not applied; the router says:\n{answer}')
    print(answer.strip())
    return state


def try_connections(world: Clinic) -> None:
    """Real clients on all sides; prints what each of them saw."""
    attempts = [
        ('the vendor (IPv4)', world.outside, clinic.WAN.ipv4, clinic.ALLOWED_V4),
        ('the vendor (IPv6)', world.outside, clinic.SERVER_V6, clinic.ALLOWED_V6),
        *(('a stranger (IPv4)', world.outside, clinic.WAN.ipv4, address) for address in clinic.DENIED_V4),
        *(('a stranger (IPv6)', world.outside, clinic.SERVER_V6, address) for address in clinic.DENIED_V6),
        ('a workstation of the clinic (IPv4)', world.client, clinic.WEB_V4, None),
        ('a workstation of the clinic (IPv6)', world.client, clinic.WEB_V6, None),
    ]
    rows = []
    for who, namespace, target, source in attempts:
        answer = world.fetch(namespace, str(target), source=source, seconds=3)
        own = clinic.CLIENT_V6 if ':' in str(target) else clinic.CLIENT_V4
        rows.append({'who': who, 'source': source or own, 'target': target, 'answer': answer.strip() if answer else 'no answer'})
    print('\nWhat clients saw\n' + table(rows, {'who': 'Client', 'source': 'Source', 'target': 'Asked', 'answer': 'Answer'}))


def replay(world: Clinic, path: Path, name: str) -> None:
    prepared = capture.prepare(path, clinic.WAN)
    print(f'\nCapture {name}\n{prepared.report()}')
    step(f'sending {len(prepared.frames)} captured packets to the WAN port')
    capture.send(prepared, world.outside, 'router', MAC_ADDRESSES['wan0'])
    time.sleep(2)  # the daemon reads its log group at its own pace


def report(world: Clinic) -> None:
    """What the router itself says, and what the image weighs."""
    console = world.machine.console
    sources = console.json('show log --last 100000 --by-source --json')['sources']
    print('\nWhat the router says of it (show log --by-source)')
    print(table(sources, {'source': 'Source', 'country': 'Country', 'verdict': 'Verdict', 'count': 'Count', 'rule': 'Rule', 'reason': 'Reason', 'addressed': 'Addressed'}))
    state = console.json('show system --json')
    sizes = world.machine.image.facts['sizes']
    total = {kind: sum(size[kind] for size in sizes.values()) / 1e6 for kind in ('compressed', 'unpacked')}
    used = (state['memory_total_bytes'] - state['memory_available_bytes']) / 1e6
    print(f'\nKernel start to enforcing: {state["enforcing_after_milliseconds"] / 1000:.1f} s'
          f'\nMemory in use: {used:.0f} MB of {state["memory_total_bytes"] / 1e6:.0f} MB, the daemon {state["daemon_resident_bytes"] / 1e6:.1f} MB'
          f'\nClock synchronised: {"yes" if state["clock_synchronised"] else "no"}'
          f'\nImage: {total["compressed"]:.1f} MB compressed, {total["unpacked"]:.1f} MB unpacked ('
          + ', '.join(f'{part} {size["compressed"] / 1e6:.1f}/{size["unpacked"] / 1e6:.1f}' for part, size in sizes.items()) + ')', flush=True)


def relay(console: Console) -> None:
    """The router's serial console on this terminal until Ctrl-] or the end of the router."""
    print(f"\nThe router's serial console follows, logged in as {ACCOUNT} (password {PASSWORD}); Ctrl-] leaves it and stops the router.", flush=True)
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setraw(sys.stdin)
        console.send('\r')
        while True:
            ready, _, _ = select.select([sys.stdin, console], [], [])
            if console in ready:
                os.write(sys.stdout.fileno(), console.read_some(0).encode())
            if sys.stdin in ready:
                typed = os.read(sys.stdin.fileno(), 4096)
                if not typed or LEAVE in typed:
                    return
                console.send(typed.decode('utf-8', 'replace'))
                os.write(sys.stdout.fileno(), console.read_some(0).encode())  # what came while it was sent
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
        print()


def run(options: argparse.Namespace) -> None:
    folder = CHECKOUT / 'build/run'
    folder.mkdir(parents=True, exist_ok=True)
    path = options.capture
    if path is None:
        path = folder / 'scan.pcap'
        step('recording a port scan between namespaces of its own')
        recording.record_scans(path)
    else:
        capture.prepare(path, clinic.WAN)  # a file that can't be used is refused before anything boots
    with Clinic(CHECKOUT / 'build/image/qemu-virt', folder / 'world') as world:
        world.start_servers()
        step('booting')
        world.machine.start()
        state = world.machine.wait_enforcing()
        step(f'the router asked for its first password before the WAN came up; account {ACCOUNT}, password {PASSWORD}')
        step(f'enforcing ({state["policy_source"]}); applying board/qemu-virt/demo.conf over the serial console')
        apply(world.machine.console, CHECKOUT / 'board/qemu-virt/demo.conf')
        time.sleep(2)  # new IPv6 addresses are used once nobody else was found to have them (RFC 4862)
        step('connections')
        try_connections(world)
        replay(world, path, options.capture_name or 'recorded: port scans of three sources')
        report(world)
        if not options.exit and sys.stdin.isatty() and sys.stdout.isatty():
            relay(world.machine.console)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--capture', type=Path)
    parser.add_argument('--capture-name')
    parser.add_argument('--exit', action='store_true')
    options = parser.parse_args()
    try:
        run(options)
    except (CaptureError, ConsoleError, MachineError, NetworkError) as problem:
        text = str(problem)
        if isinstance(problem, CaptureError) and options.capture_name:
            text = text.replace(str(options.capture), options.capture_name)  # the name that the user knows it by
        print(f'run: {text}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
