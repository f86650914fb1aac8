# SPDX-License-Identifier: GPL-2.0-or-later
"""Port access with 10,000 devices in the list and 1,000 on one port: time until all are authorised, memory, and what a forwarded frame costs against the same policy on an open bridge."""

import json
import struct
import time
from pathlib import Path

from tests.bench.countries import ESTABLISHED, PROGRAMS, establish, interleave, paired, send, write_frames
from tests.bench.figures import Figure
from tests.bench.router import GATEWAY, NETWORKS, SERVER, Router
from tests.harness import frames
from tests.harness.namespaces import Network

LISTED, ON_THE_PORT = 10_000, 1_000
MOST_SECONDS = 120
BRIDGED = NETWORKS.replace('interface lan1 { address', 'bridge br-clinic { port lan1; address').replace('clinic { interface lan1; }', 'clinic { interface br-clinic; }')


def mac_of(number: int) -> str:
    return f'00:16:3e:{number >> 16:02x}:{number >> 8 & 255:02x}:{number & 255:02x}'


def configuration(inside: str, address: str = '') -> str:
    devices = ''.join(f'device {mac_of(number)} {{ name "device {number}"; }}\n' for number in range(1, LISTED))
    return BRIDGED + f'''port-access {{
    role office {{ }}
    port lan1 {{ mode mab; role office; maximum-devices {ON_THE_PORT}; inactivity 3600; }}
    device {inside} {{ name "inside host"; {address} }}
    {devices}
}}
'''


def in_force(router: Router) -> int:
    return len(json.loads(router.ask('show', 'access', 'sessions', '--json'))['access_sessions'])


def resident_megabytes(router: Router) -> float:
    return json.loads(router.ask('show', 'system', '--json'))['daemon_resident_bytes'] / 1e6


def authorise_all(router: Router, folder: Path) -> float:
    """Seconds from the first frame until all are in force; every device sends twice a second until then."""
    packet = frames.ip(SERVER, GATEWAY, frames.udp(9001, 9000, b'x' * 18))
    path = folder / 'devices'
    to = frames.mac_bytes(router.router.mac('br-clinic'))
    whole = [to + frames.mac_bytes(mac_of(number)) + struct.pack('!H', 0x0800) + packet for number in range(1, ON_THE_PORT)]
    whole.append(to + frames.mac_bytes(router.inside.mac('eth0')) + struct.pack('!H', 0x0800) + packet)
    path.write_bytes(b''.join(struct.pack('=H', len(frame)) + frame for frame in whole))
    started = time.perf_counter()
    while True:
        sent = time.perf_counter()
        router.inside.run(str(PROGRAMS / 'flood'), 'eth0', str(path), str(ON_THE_PORT), timeout=60)
        while time.perf_counter() - sent < 0.5:
            if in_force(router) == ON_THE_PORT:
                return time.perf_counter() - started
            time.sleep(0.02)
        if time.perf_counter() - started > MOST_SECONDS:
            raise SystemExit(f'bench: only {in_force(router)} of {ON_THE_PORT} devices are in force after {MOST_SECONDS} s')


def measure_port_access(folder: Path) -> list[Figure]:
    with Network() as network:
        places = {name: folder / name for name in ('ours', 'peer')}
        for place in places.values():
            place.mkdir()
        ours, peer = Router(network, places['ours']), Router(network, places['peer'], 'peer')
        ours.start_daemon(configuration(ours.inside.mac('eth0')))
        peer.start_daemon(BRIDGED)
        seconds = authorise_all(ours, folder)
        memory, memory_without = resident_megabytes(ours), resident_megabytes(peer)
        for router, name in ((ours, 'ours'), (peer, 'peer')):
            establish(router, 9001)
            packet = frames.ip(SERVER, GATEWAY, frames.udp(9001, 9000, b'x' * 18))
            write_frames(folder / f'{name}.frames', [packet] * 64, router.router.mac('br-clinic'), router.inside.mac('eth0'))
        pairs = {}
        bound = places['ours'] / 'bound.conf'
        bound.write_text(configuration(ours.inside.mac('eth0'), f'address {SERVER};'))
        for binding in ('without address or lease', 'with the address of its entry'):
            if pairs:
                ours.ask('apply', str(bound))
            pairs[binding] = interleave(lambda: send(ours.inside, folder / 'ours.frames', ESTABLISHED), lambda: send(peer.inside, folder / 'peer.frames', ESTABLISHED))
        if (left := in_force(ours)) != ON_THE_PORT:
            raise SystemExit(f'bench: {left} of {ON_THE_PORT} devices are in force at the end')
    return [Figure(f'{ON_THE_PORT} devices of {LISTED} come on at one port', seconds, 's', note='from the first frame until all are shown as in force; each sends twice a second'),
            Figure(f'memory of the daemon, {LISTED} devices, {ON_THE_PORT} in force', memory, 'MB', 'no port access', memory_without),
            *(paired(f'established forwarding, 64-byte packets, {ON_THE_PORT} on the port, device {binding}', 'kpps', 'the same policy, open bridge', 0.97, rounds)
              for binding, rounds in pairs.items())]
