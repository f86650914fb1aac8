# SPDX-License-Identifier: GPL-2.0-or-later
"""Port access as tests of it see it: who is in force, and what reaches the router."""

from .daemon import until


def pings(host, address: str, seconds: int = 1) -> bool:
    """Whether an answer comes to one request."""
    return host.run('ping', '-c', '1', '-W', str(seconds), address, check=False, timeout=seconds + 10).returncode == 0


def reaches(host, address: str) -> bool:
    """Whether answers come before long: who asked in vain asks again only after a while (neighbour discovery)."""
    return until(lambda: pings(host, address), f'an answer of {address}', 10)


def sessions(lab) -> dict:
    """Rows of `show access sessions` by port and MAC address."""
    return {(row['port'], row['mac']): row for row in lab.asked('show', 'access', 'sessions')['access_sessions']}


def comes_on(lab, port: str, mac: str, seconds: float = 20) -> dict:
    return until(lambda: sessions(lab).get((port, mac)), lambda: f'a session of {mac} on {port}; {lab.log()[-5:]}', seconds, 0.1)


def wait_for_authenticators(lab) -> None:
    def ready() -> bool:
        return all(row['authenticator'] != 'absent' for row in lab.asked('show', 'access', 'ports')['access_ports'])
    until(ready, lambda: f'authenticators: {lab.asked("show", "access", "ports")}', 30, 0.1)
