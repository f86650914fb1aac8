# SPDX-License-Identifier: GPL-2.0-or-later
"""How long port access keeps a device waiting: from the success of its 802.1X to its first forwarded frame, and from the first frame of a registered device without 802.1X to its first forwarded one."""

import contextlib
import re
import socket
import statistics
import subprocess
import threading
import time
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.port_access import BRIDGED
from tests.bench.router import CLIENT, GATEWAY, Router
from tests.harness.daemon import until
from tests.harness.namespaces import Network
from tests.harness.supplicant import Supplicant, peap

RUNS = 7
PASSWORD = 'a quiet lamp in room 2'
PORT = 9000


def configuration(devices: str = '') -> str:
    return BRIDGED + f'port-access {{ role office {{ }} port lan1 {{ mode dot1x-then-mab; role office; }} user tanaka {{ }} {devices} }}\n'


@contextlib.contextmanager
def chatter(router: Router):
    """The inside host sends a datagram every millisecond; yields a function that waits for the first that comes out of the router and gives its time."""
    receiver = router.outside.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind((GATEWAY, PORT))
    sender = router.inside.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ends = threading.Event()

    def send() -> None:
        while not ends.wait(0.001):
            with contextlib.suppress(OSError):  # no neighbour yet
                sender.sendto(b'x', (GATEWAY, PORT))

    def first() -> float:
        receiver.settimeout(30)
        receiver.recv(16)
        return time.time()

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield first
    finally:
        ends.set()
        thread.join()
        sender.close()
        receiver.close()


def fresh_link(router: Router) -> None:
    """Nobody is in force any more, and the inside host knows the router's address: finding it is not what is measured."""
    router.inside.ip('link', 'set', 'eth0', 'down')
    until(lambda: '"access_sessions": []' in router.ask('show', 'access', 'sessions', '--json').replace('"access_sessions":[]', '"access_sessions": []'), 'no session', 20)
    router.inside.ip('link', 'set', 'eth0', 'up')
    router.inside.route('default', '10.0.1.1')
    router.inside.ip('neigh', 'replace', '10.0.1.1', 'lladdr', router.router.mac('br-clinic'), 'dev', 'eth0', 'nud', 'permanent')


def after_success(router: Router, folder: Path, certificate: Path) -> float:
    """Milliseconds."""
    fresh_link(router)
    with chatter(router) as first, Supplicant(router.inside, folder, peap('tanaka', PASSWORD, certificate)) as supplicant:
        came = first()
        said = until(lambda: re.findall(r'^(\d+\.\d+): \S+ CTRL-EVENT-EAP-SUCCESS', supplicant.log(), re.MULTILINE), 'a success', 20)
        supplicant._log.unlink()
        return (came - float(said[-1])) * 1000


def of_registered(router: Router) -> float:
    """Milliseconds."""
    fresh_link(router)
    began = time.time()
    with chatter(router) as first:
        return (first() - began) * 1000


def measure_access_delay(folder: Path) -> list[Figure]:
    with Network() as network:
        router = Router(network, folder)
        router.start_daemon(configuration())
        store = subprocess.run(['ip', 'netns', 'exec', router.router.name, str(CLIENT), '--socket', str(router.socket), 'access', 'password', 'tanaka'], input=PASSWORD + '\n', text=True,
                               capture_output=True)
        if store.returncode != 0:
            raise SystemExit(f'bench: the password could not be stored: {store.stderr}')
        until(lambda: 'present' in router.ask('show', 'access', 'ports'), 'an authenticator', 30)
        certificate = folder / 'eap-server.pem'
        certificate.write_text(router.ask('show', 'access', 'eap-server').split('\n', 1)[1])
        proved = [after_success(router, folder, certificate) for _ in range(RUNS)]
        mac = router.inside.mac('eth0')
        file = folder / 'registered.conf'
        # an address that has done 802.1X does not count by itself until the daemon's state is gone: another one
        other = mac[:-2] + ('01' if mac[-2:] != '01' else '02')
        router.inside.ip('link', 'set', 'eth0', 'address', other)
        file.write_text(configuration(f'device {other} {{ name "inside host"; }}'))
        router.ask('apply', str(file))
        registered = [of_registered(router) for _ in range(RUNS)]
    return [Figure('from success in 802.1X to the first forwarded frame', statistics.median(proved), 'ms',
                   note=f'PEAP-MSCHAPv2, the success as the supplicant has it; from {min(proved):.1f} to {max(proved):.1f} ms. Below zero: the router let it on before the supplicant knew'),
            Figure('from the first frame of a registered device to its first forwarded one', statistics.median(registered), 'ms', target=2000,
                   note=f'MAC authentication behind 802.1X, whose chance is one second; from {min(registered):.0f} to {max(registered):.0f} ms')]
