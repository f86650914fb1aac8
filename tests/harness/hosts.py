# SPDX-License-Identifier: GPL-2.0-or-later
"""Ordinary programs' sockets in a test's namespaces: servers that listen, and connections from a chosen source to them."""

import contextlib
import socket
import subprocess
from pathlib import Path

from .daemon import until
from .namespaces import Namespace

_NGINX = '''daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.error.log;
events {{ worker_connections 128; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{ {listen} location / {{ default_type text/plain; return 200 "$remote_addr"; }} }}
}}
'''


def family_of(address: str) -> int:
    return socket.AF_INET6 if ':' in address else socket.AF_INET


def web_server(host: Namespace, folder: Path, *ports: int) -> None:
    """nginx on these ports of both families; its page is the address that the request came from."""
    folder.mkdir()
    configuration = folder / 'nginx.conf'
    configuration.write_text(_NGINX.format(folder=folder, listen=' '.join(f'listen {port}; listen [::]:{port};' for port in ports)))
    host.start('nginx', '-c', str(configuration), '-e', str(folder / 'nginx.error.log'), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
               stderr=subprocess.DEVNULL)
    until(lambda: all(f':{port} ' in host.run('ss', '-Hltn').stdout for port in ports), 'a web server that listens')


def page(host: Namespace, address: str, port: int, source: str, seconds: float = 10) -> str:
    """What the web server at address:port answers a request from `source`; raises OSError when there is no connection."""
    with connection(host, address, port, source, seconds=seconds) as peer:
        peer.sendall(b'GET / HTTP/1.0\r\n\r\n')
        answer = b''
        while received := peer.recv(65536):
            answer += received
    return answer.split(b'\r\n\r\n', 1)[1].decode()


@contextlib.contextmanager
def listener(host: Namespace, address: str, port: int, kind: int = socket.SOCK_STREAM):
    """A server's socket. The kernel completes TCP connections to it by itself."""
    with host.socket(family_of(address), kind) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((address, port))
        if kind == socket.SOCK_STREAM:
            server.listen(1024)
        server.settimeout(10)
        yield server


def connection(host: Namespace, address: str, port: int, source: str | None = None, source_port: int = 0, seconds: float = 10) -> socket.socket:
    """A TCP connection; raises OSError (TimeoutError where nobody answers)."""
    peer = host.socket(family_of(address), socket.SOCK_STREAM)
    try:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        peer.settimeout(seconds)
        if source or source_port:
            peer.bind((source or ('::' if ':' in address else '0.0.0.0'), source_port))
        peer.connect((address, port))
    except BaseException:
        peer.close()
        raise
    return peer


def refusal(host: Namespace, address: str, port: int, source: str | None = None, source_port: int = 0) -> OSError | None:
    """How a connection was refused by an answer (RST, ICMP); None when it was not."""
    try:
        connection(host, address, port, source, source_port).close()
    except OSError as error:
        return error
    return None


class DhcpServer:
    """dnsmasq on the outside host of a lab; `log` is what it says."""

    def __init__(self, lab, first: str, last: str, gateway: str, *options: str):
        log = lab.folder / 'dnsmasq.log'
        self._lab, self.log = lab, log
        with log.open('ab') as file:
            self.process = lab.outside.start('dnsmasq', '--no-daemon', '--conf-file=/dev/null', '--port=0', '--interface=eth0', '--bind-interfaces', '--user=root',
                                             '--group=root', '--log-dhcp', '--dhcp-authoritative', '--no-ping', f'--dhcp-leasefile={lab.folder}/dnsmasq.leases',
                                             f'--dhcp-range={first},{last},255.255.255.0,1h', f'--dhcp-option=option:router,{gateway}', *options,
                                             stdin=subprocess.DEVNULL, stdout=file, stderr=file)

    def stop(self) -> None:
        self._lab.network.end(self.process)
