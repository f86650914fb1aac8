# SPDX-License-Identifier: GPL-2.0-or-later
"""The world around the router: the Internet side on its WAN port, a clinic's server and a clinic's workstation on its LAN ports.

    outside (wan0)   gateway 198.51.100.1, public addresses of the vendor, of strangers, a web server that tells callers their address, a time server
    server  (lan1)   10.0.1.20, the web server behind the forwarded service
    client  (lan2)   10.0.1.50, a workstation

board/qemu-virt/demo.conf is the configuration that fits.
"""

import ipaddress
import subprocess
import time
from pathlib import Path

from .capture import Router
from .namespaces import Network
from .vm import Image, Machine

WAN = Router(ipaddress.IPv4Address('198.51.100.2'), ipaddress.IPv6Address('2001:db8:100::2'))
ALLOWED_V4, ALLOWED_V6 = '203.0.113.5', '2001:db8:200::5'
# Real public addresses, of the United States, Germany, nobody (beside the vendor's) and Japan; nothing leaves the namespaces.
DENIED_V4 = ('45.33.32.156', '185.220.101.4', '203.0.113.17', '133.242.0.3')
DENIED_V6 = ('2600:3c01::f03c:91ff:fe18:bb2f',)
TIME_SERVER = '198.51.100.123'
WEB_V4, WEB_V6 = '93.184.215.14', '2606:2800:21f:cb07::1'
SERVER_V4, SERVER_V6 = '10.0.1.20', '2001:db8:10::20'
CLIENT_V4, CLIENT_V6 = '10.0.1.50', '2001:db8:10::50'
SERVICE_PORT = 80
PAGE = 'image viewer of the clinic'

_NGINX = '''daemon off; worker_processes 1; pid {folder}/{name}.pid; error_log {folder}/{name}.error.log;
events {{ worker_connections 256; }}
http {{
    log_format plain '$remote_addr $remote_port "$request" $status';
    access_log {folder}/{name}.access.log plain;
    client_body_temp_path {folder}/{name}.body; proxy_temp_path {folder}/{name}.proxy; fastcgi_temp_path {folder}/{name}.fastcgi;
    uwsgi_temp_path {folder}/{name}.uwsgi; scgi_temp_path {folder}/{name}.scgi;
    server {{ {listen} location / {{ default_type text/plain; return 200 "{answer}\\n"; }} }}
}}
'''
# local: it serves the host's time as it is; with -x it can't touch the host's clock
_CHRONY = '''local stratum 2
allow all
port 123
cmdport 0
bindcmdaddress /
pidfile {folder}/chronyd.pid
'''


class Clinic:
    """Namespaces, servers and the machine. A context manager; everything ends with the block. `folder` gets logs and recordings."""

    def __init__(self, image_folder: Path, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.network = Network()
        self._image_folder = image_folder

    def __enter__(self) -> 'Clinic':
        self.network.__enter__()
        try:
            self._build()
        except BaseException:
            self.network.close()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.machine.power_cut()
        self.network.close()
        self.machine.data.unlink(missing_ok=True)

    def _build(self) -> None:
        self.machine = Machine(self.network, Image(self._image_folder), self.folder)
        self.outside = self.network.namespace('outside')
        self.server = self.network.namespace('server')
        self.client = self.network.namespace('client')
        for port, namespace in (('wan0', self.outside), ('lan1', self.server), ('lan2', self.client)):
            self.machine.connect(port, namespace, 'router')
        self.outside.address('router', '198.51.100.1/24', '2001:db8:100::1/64', f'{TIME_SERVER}/24')
        self.outside.address('lo', *(f'{address}/32' for address in (ALLOWED_V4, *DENIED_V4, WEB_V4)),
                             *(f'{address}/128' for address in (ALLOWED_V6, *DENIED_V6, WEB_V6)))
        # a host with the IPv6 service is reached at its own address, through the router
        self.outside.route('2001:db8:10::/64', '2001:db8:100::2')
        for namespace, v4, v6 in ((self.server, SERVER_V4, SERVER_V6), (self.client, CLIENT_V4, CLIENT_V6)):
            namespace.address('router', f'{v4}/24', f'{v6}/64')
            namespace.route('default', '10.0.1.1')
            namespace.ip('-6', 'route', 'add', 'default', 'via', '2001:db8:10::1')

    def start_servers(self) -> None:
        """Starts the web servers and the time server, which serves the host's time."""
        self.start_web_servers()
        self.start_time_server()

    def start_web_servers(self) -> None:
        """Starts the clinic's web server and the Internet's, which tells callers their address."""
        self._nginx(self.server, 'server', f'listen {SERVICE_PORT}; listen [::]:{SERVICE_PORT};', PAGE)
        self._nginx(self.outside, 'web', f'listen {WEB_V4}:80; listen [{WEB_V6}]:80;', 'you are $remote_addr')

    def start_time_server(self) -> subprocess.Popen:
        configuration = self.folder / 'chrony.conf'
        configuration.write_text(_CHRONY.format(folder=self.folder))
        return self._log(self.outside, 'chronyd', '-x', '-d', '-u', 'root', '-f', str(configuration))

    def _nginx(self, namespace, name: str, listen: str, answer: str) -> None:
        configuration = self.folder / f'{name}.nginx.conf'
        configuration.write_text(_NGINX.format(folder=self.folder, name=name, listen=listen, answer=answer))
        self._log(namespace, 'nginx', '-c', str(configuration), '-e', str(self.folder / f'{name}.error.log'))
        end = time.monotonic() + 10
        while f':{SERVICE_PORT}' not in namespace.run('ss', '-Hltn').stdout:
            if time.monotonic() > end:
                raise RuntimeError(f'nginx did not start: {(self.folder / "nginx.log").read_text()}')
            time.sleep(0.05)

    def _log(self, namespace, *arguments: str) -> subprocess.Popen:
        with (self.folder / f'{arguments[0]}.log').open('ab') as log:
            return namespace.start(*arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def fetch(self, namespace, address: str, port: int = SERVICE_PORT, source: str | None = None, seconds: float = 6) -> str | None:
        """The page behind http://address:port/, asked for from a source address; None when nobody answered in time."""
        host = f'[{address}]' if ':' in address else address
        run = namespace.run('curl', '-sS', '--noproxy', '*', '--max-time', str(seconds), *(['--interface', source] if source else []),
                            f'http://{host}:{port}/', check=False, timeout=seconds + 10)
        return run.stdout if run.returncode == 0 else None

    def record(self, namespace, device: str, name: str, expression: str = '') -> 'Recording':
        return Recording(self, namespace, device, self.folder / f'{name}.pcap', expression)


class Recording:
    """tcpdump on a device for the length of a block; `path` is the capture afterwards."""

    def __init__(self, clinic: 'Clinic', namespace, device: str, path: Path, expression: str):
        self._clinic, self._namespace, self._device, self.path, self._expression = clinic, namespace, device, path, expression

    def __enter__(self) -> 'Recording':
        self._process = self._namespace.start('tcpdump', '-U', '--immediate-mode', '-n', '-i', self._device, '-w', str(self.path), '-Z', 'root',
                                              *self._expression.split(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        line = self._process.stderr.readline()
        while line and b'listening on' not in line:
            line = self._process.stderr.readline()
        if not line:
            raise RuntimeError(f'tcpdump on {self._device} did not start')
        return self

    def __exit__(self, *_) -> None:
        # what is on the wire at this moment still has to reach the file
        time.sleep(0.3)
        self._clinic.network.end(self._process)
        self._process.stderr.close()
