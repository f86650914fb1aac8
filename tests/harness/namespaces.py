# SPDX-License-Identifier: GPL-2.0-or-later
"""Network namespaces of a test's own, without a way out, and the processes and TAP devices in them.

    with Network() as network:
        outside = network.namespace('outside')
        inside = network.namespace('inside')
        network.veth(outside, 'wan0', inside, 'eth0')
        outside.address('wan0', '198.51.100.1/24')
        inside.run('ping', '-c1', '198.51.100.1')

Leaving the block ends every process started in it and removes the namespaces, also when the test fails or is ended by SIGTERM or SIGINT.
"""

import atexit
import contextlib
import ctypes
import fcntl
import json
import os
import secrets
import signal
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

_TUNSETIFF = 0x400454CA
_IFF_TAP, _IFF_NO_PI, _IFF_VNET_HDR = 0x0002, 0x1000, 0x4000
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_BRIDGE_SETTINGS = ('bridge-nf-call-iptables', 'bridge-nf-call-ip6tables', 'bridge-nf-call-arptables')


class NetworkError(Exception):
    """The kernel or a tool refused something that a test's network needs."""


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def command(*arguments: str) -> str:
    """Runs a tool and returns what it printed; raises NetworkError with its message."""
    run = subprocess.run(arguments, capture_output=True, text=True)
    if run.returncode != 0:
        raise NetworkError(f'{" ".join(arguments)}: {run.stderr.strip() or run.stdout.strip()}')
    return run.stdout


@contextlib.contextmanager
def inside(path: Path):
    """Puts the calling thread into a network namespace for the length of the block."""
    with open('/proc/thread-self/ns/net') as before, open(path) as there:
        os.setns(there.fileno(), os.CLONE_NEWNET)
        try:
            yield
        finally:
            os.setns(before.fileno(), os.CLONE_NEWNET)


class Namespace:
    """One host of a test network. `name` is the full name that `ip netns` knows."""

    def __init__(self, network: 'Network', name: str):
        self.network = network
        self.name = name
        self.path = Path('/run/netns') / name
        self._holders: list[int] = []
        command('ip', 'netns', 'add', name)
        try:
            with inside(self.path):
                # on hosts with br_netfilter the host's rules would judge bridged frames and an open bridge would look closed
                for setting in _BRIDGE_SETTINGS:
                    file = Path('/proc/sys/net/bridge') / setting
                    if file.exists():
                        file.write_text('0')
                        if file.read_text().strip() != '0':
                            raise NetworkError(f'{file} could not be set to 0')
            self.ip('link', 'set', 'lo', 'up')
        except BaseException:
            command('ip', 'netns', 'del', name)
            raise

    def ip(self, *arguments: str) -> str:
        return command('ip', '-n', self.name, *arguments)

    def sysctl(self, name: str, value: str) -> None:
        with inside(self.path):
            Path('/proc/sys', name.replace('.', '/')).write_text(value)

    def up(self, device: str) -> None:
        self.ip('link', 'set', device, 'up')

    def address(self, device: str, *addresses: str) -> None:
        """Adds addresses (with prefix length) and raises the device; IPv6 ones are usable at once."""
        for address in addresses:
            self.ip('address', 'add', address, 'dev', device, *(['nodad'] if ':' in address else []))
        self.up(device)

    def mac(self, device: str) -> str:
        return json.loads(self.ip('-j', 'link', 'show', device))[0]['address']

    def route(self, destination: str, via: str) -> None:
        self.ip('route', 'add', destination, 'via', via)

    def tap(self, device: str) -> int:
        """Makes a TAP device here and returns a descriptor for it (to be passed to QEMU), owned by the network."""
        with inside(self.path):
            descriptor = os.open('/dev/net/tun', os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack('16sH22x', device.encode(), _IFF_TAP | _IFF_NO_PI | _IFF_VNET_HDR))
            except OSError:
                os.close(descriptor)
                raise
        self.network.descriptors.append(descriptor)
        self.sysctl(f'net.ipv6.conf.{device}.accept_dad', '0')
        self.sysctl(f'net.ipv6.conf.{device}.accept_ra', '0')
        return descriptor

    def socket(self, family: int, kind: int, protocol: int = 0) -> socket.socket:
        """A socket that lives in this namespace, whoever uses it."""
        with inside(self.path):
            return socket.socket(family, kind, protocol)

    def run(self, *arguments: str, timeout: float = 30, check: bool = True, **options) -> subprocess.CompletedProcess:
        """Runs a command here to its end; text output is captured. With check, a status other than 0 raises NetworkError."""
        run = subprocess.run(['ip', 'netns', 'exec', self.name, *arguments], timeout=timeout, text=True, capture_output=True,
                             preexec_fn=_die_with_parent, **options)
        if check and run.returncode != 0:
            raise NetworkError(f'{self.name}: {" ".join(arguments)}: status {run.returncode}: {run.stderr.strip() or run.stdout.strip()}')
        return run

    def start(self, *arguments: str, **options) -> subprocess.Popen:
        """Starts a command here that runs on; it ends with the network at the latest."""
        return self.network.start('ip', 'netns', 'exec', self.name, *arguments, **options)


class Network:
    """Namespaces under one prefix that nobody else uses. A context manager; `close` may be called more than once."""

    def __init__(self):
        self.prefix = f'sekisho-{secrets.token_hex(3)}'
        self.namespaces: dict[str, Namespace] = {}
        self.processes: list[subprocess.Popen] = []
        self.descriptors: list[int] = []
        self._closed = False

    def __enter__(self) -> 'Network':
        atexit.register(self.close)
        # SystemExit unwinds the test's own blocks as well; SIGINT already does
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def namespace(self, name: str) -> Namespace:
        self.namespaces[name] = Namespace(self, f'{self.prefix}-{name}')
        return self.namespaces[name]

    def veth(self, left: Namespace, left_device: str, right: Namespace, right_device: str) -> None:
        """A cable between two namespaces; both ends are still down."""
        command('ip', '-n', left.name, 'link', 'add', left_device, 'type', 'veth', 'peer', 'name', right_device, 'netns', right.name)

    def start(self, *arguments: str, **options) -> subprocess.Popen:
        """Starts a process that is ended with the network."""
        process = subprocess.Popen(arguments, preexec_fn=_die_with_parent, **options)
        self.processes.append(process)
        return process

    def end(self, process: subprocess.Popen, how: int = signal.SIGTERM) -> int:
        """Ends a process (SIGKILL after 5 s) and returns its status."""
        if process.poll() is None:
            process.send_signal(how)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process in self.processes:
            self.processes.remove(process)
        return process.returncode

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        for process in reversed(list(self.processes)):
            self.end(process)
        for descriptor in self.descriptors:
            with contextlib.suppress(OSError):
                os.close(descriptor)
        for namespace in self.namespaces.values():
            subprocess.run(['ip', 'netns', 'del', namespace.name], capture_output=True)
        atexit.unregister(self.close)
