# SPDX-License-Identifier: GPL-2.0-or-later
"""The router's image in QEMU: virt machine, two Cortex-A53, 512 MB, WAN and LAN ports on TAP devices, serial console on a socket.

    machine = Machine(network, image, folder)
    machine.connect('wan0', outside, 'router')      # a TAP device `router` in the namespace `outside`
    machine.start()
    machine.wait_enforcing()                        # logged in; on the first boot with a password that it set
    machine.power_cut()                             # as if the plug was pulled; start() again boots from the same data
"""

import json
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from .console import Console, ConsoleError
from .namespaces import Namespace, Network, command

# Slots on the bus: board/qemu-virt/interfaces names the ports by them.
PORTS = {'wan0': 2, 'lan1': 3, 'lan2': 4}
MAC_ADDRESSES = {'wan0': '52:54:00:5e:c1:00', 'lan1': '52:54:00:5e:c1:01', 'lan2': '52:54:00:5e:c1:02'}


class MachineError(Exception):
    """QEMU did not start or the image is not there."""


@dataclass
class Image:
    """What board/build-image made."""
    folder: Path

    def __post_init__(self):
        record = self.folder / 'manifest.json'
        if not record.exists():
            raise MachineError(f'{record}: no image was made (toolchain/run board/build-image qemu-virt)')
        self.facts = json.loads(record.read_text())


class Machine:
    """One router. `folder` (a test's own) gets its data disk, its serial socket and the transcript of its console."""

    def __init__(self, network: Network, image: Image, folder: Path):
        self.network = network
        self.image = image
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.data = folder / 'data.img'
        self._control = folder / 'qmp.sock'
        self.console: Console | None = None
        self._descriptors: dict[str, int] = {}
        self._process: subprocess.Popen | None = None
        self.fresh_data()

    def fresh_data(self) -> None:
        """Puts a new data partition in: the router was never configured."""
        command('cp', '--sparse=always', str(self.image.folder / 'data.img'), str(self.data))

    def connect(self, port: str, namespace: Namespace, device: str) -> None:
        """Connects a port (wan0, lan1, lan2) to a TAP device that is made in the namespace."""
        self._descriptors[port] = namespace.tap(device)
        namespace.up(device)

    def disconnect(self, port: str | None = None) -> None:
        """Takes a port's cable and the port itself away, or all of them."""
        for name in [port] if port else list(self._descriptors):
            del self._descriptors[name]

    def start(self, rtc: str = 'utc', data: bool = True) -> None:
        """Boots. `rtc` is QEMU's -rtc base (a date like 1970-01-01T00:00:00); without `data` the data disk is not plugged in."""
        serial = self.folder / 'serial.sock'
        serial.unlink(missing_ok=True)
        self._control.unlink(missing_ok=True)
        image = self.image.folder
        arguments = [
            'qemu-system-aarch64', '-machine', 'virt', '-cpu', 'cortex-a53', '-smp', '2', '-m', '512', '-accel', 'tcg,thread=multi',
            '-nodefaults', '-display', 'none', '-monitor', 'none', '-no-user-config', '-qmp', f'unix:{self._control},server=on,wait=off',
            '-kernel', str(image / 'kernel'), '-initrd', str(image / 'initramfs.cpio.zst'), '-append', self.image.facts['command_line'],
            '-rtc', f'base={rtc}', '-chardev', f'socket,id=serial,path={serial},server=on,wait=off', '-serial', 'chardev:serial',
            '-drive', f'if=none,id=root,file={image / "root.squashfs"},format=raw,readonly=on',
            '-device', 'virtio-blk-pci,drive=root,serial=sekisho-root,addr=5']
        if data:
            arguments += ['-drive', f'if=none,id=data,file={self.data},format=raw,cache=writeback',
                          '-device', 'virtio-blk-pci,drive=data,serial=sekisho-data,addr=6']
        for port, descriptor in self._descriptors.items():
            arguments += ['-netdev', f'tap,id={port},fd={descriptor}',
                          '-device', f'virtio-net-pci,netdev={port},mac={MAC_ADDRESSES[port]},addr={PORTS[port]},romfile=']
        with (self.folder / 'qemu.log').open('wb') as log:
            self._process = self.network.start(*arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                               pass_fds=list(self._descriptors.values()))
        end = time.monotonic() + 20
        while self.console is None:
            try:
                self.console = Console(serial, self.folder / 'console.log')
            except OSError:
                if self._process.poll() is not None or time.monotonic() > end:
                    raise MachineError(f'QEMU did not start: {(self.folder / "qemu.log").read_text()}') from None
                time.sleep(0.05)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def power_cut(self) -> None:
        """Ends the machine at once; its data disk keeps what had reached it."""
        if self._process is not None:
            self.network.end(self._process, signal.SIGKILL)
            self._process = None
        if self.console is not None:
            self.console.close()
            self.console = None

    stop = power_cut

    def send_break(self) -> None:
        """A break on the serial line."""
        self._ask('chardev-send-break', id='serial')

    def set_cable(self, port: str, plugged: bool) -> None:
        """Takes a port's cable out or puts it in: the port itself stays."""
        self._ask('set_link', name=port, up=plugged)

    def _ask(self, request: str, **arguments) -> None:
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(10)
            control.connect(str(self._control))
            lines = control.makefile('rw')
            for asked in ({'execute': 'qmp_capabilities'}, {'execute': request, 'arguments': arguments}):
                lines.write(json.dumps(asked) + '\n')
                lines.flush()
                while 'return' not in (answer := json.loads(lines.readline())):
                    if 'error' in answer:
                        raise MachineError(f'{asked["execute"]}: {answer["error"]}')

    def wait_enforcing(self, timeout: float = 120) -> dict:
        """Logs in and waits until the router says that it enforces a policy; returns `show system --json`. Raises ConsoleError when it says that it is closed.

        On the first boot this sets the password that the WAN waits for."""
        end = time.monotonic() + timeout
        self.console.log_in(timeout)
        while True:
            answer = self.console.command('show system --json', 30)
            # right after boot the daemon may not answer yet
            state = json.loads(answer) if answer.startswith('{') else None
            if state and state['enforcing_after_milliseconds'] is not None:
                return state
            if state and state['policy_note']:
                raise ConsoleError(f'the router is closed: {state["policy_note"]}')
            if time.monotonic() > end:
                raise ConsoleError(f'the router does not enforce after {timeout:.0f} s; it said last: {answer}')
            time.sleep(0.3)
