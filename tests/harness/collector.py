# SPDX-License-Identifier: GPL-2.0-or-later
"""A syslog server in the test itself: it keeps what every connection brought as it came, and stands still when it is told to.

Threads of this process, sockets of the namespace; TLS is Python's (OpenSSL)."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable

from .certificates import Certificate
from .namespaces import Namespace


class Connection:
    """What one client sent. `ended` when it is over; `error` says why TLS failed."""

    def __init__(self):
        self.bytes = bytearray()
        self.arrivals: list[tuple[float, int]] = []  # time, bytes up to then
        self.ended = False
        self.error: str | None = None
        self.protection: tuple | None = None

    def messages(self) -> list[bytes]:
        """The frames of octet counting (RFC 5425 section 4.3); an unfinished last one is left out, anything malformed fails."""
        found, data, place = [], bytes(self.bytes), 0
        while place < len(data):
            blank = data.find(b' ', place)
            if blank < 0:
                assert data[place:].isdigit() and len(data) - place < 6, data[place:place + 40]
                break
            length = data[place:blank]
            assert length.isdigit() and not length.startswith(b'0') and len(length) < 6, data[place:place + 40]
            end = blank + 1 + int(length)
            if end > len(data):
                break
            found.append(data[blank + 1:end])
            place = end
        return found


class Collector:
    """A context manager. `certificate` makes it a TLS server; `before` and `configure` change its settings, before and after the certificate is loaded.

    With `stands_still_after` it clears `reading` by itself once it has read so many bytes."""

    def __init__(self, namespace: Namespace, address: str, port: int, certificate: Certificate | None = None, configure: Callable[[ssl.SSLContext], None] | None = None,
                 before: Callable[[ssl.SSLContext], None] | None = None, greeting: bytes = b'', silent: bool = False,
                 stands_still_after: int | None = None):
        self.connections: list[Connection] = []
        self.reading = threading.Event()
        self.reading.set()
        self._context = None
        if certificate is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            if before:
                before(self._context)
            self._context.load_cert_chain(certificate.chain, certificate.key)
            if configure:
                configure(self._context)
        self._greeting, self._silent, self._stands_still_after = greeting, silent, stands_still_after
        self._stopped = False
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self._listener = namespace.socket(socket.AF_INET6 if ':' in address else socket.AF_INET, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((address, port))

    def __enter__(self) -> 'Collector':
        self._listener.listen(16)
        self._listener.settimeout(0.1)
        self._start(self._accept)
        return self

    def __exit__(self, *_) -> None:
        self._stopped = True
        self.reading.set()
        self.drop()
        for thread in list(self._threads):
            thread.join(10)
        self._listener.close()

    def drop(self) -> None:
        """Ends every connection at once, without a word (RST)."""
        for peer in self._sockets:
            with contextlib.suppress(OSError):
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
                peer.shutdown(socket.SHUT_RD)
                peer.close()
        self._sockets.clear()

    def messages(self) -> list[bytes]:
        """Of all connections, in their order."""
        return [message for connection in self.connections for message in connection.messages()]

    def _start(self, work, *arguments) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopped:
            try:
                peer, _ = self._listener.accept()
            except TimeoutError:
                continue
            connection = Connection()
            self.connections.append(connection)
            self._start(self._serve, peer, connection)

    def _serve(self, peer: socket.socket, connection: Connection) -> None:
        try:
            peer.settimeout(0.2)
            self._sockets.append(peer)
            if self._silent:
                while not self._stopped:
                    time.sleep(0.05)
                return
            peer.sendall(self._greeting)
            if self._context is not None:
                peer.settimeout(10)
                peer = self._context.wrap_socket(peer, server_side=True)
                peer.settimeout(0.2)
                self._sockets.append(peer)
                connection.protection = (peer.version(), peer.cipher()[0])
            self._read(peer, connection)
        except OSError as error:
            connection.error = str(error)
        finally:
            connection.ended = True
            peer.close()

    def _read(self, peer: socket.socket, connection: Connection) -> None:
        while not self._stopped:
            self.reading.wait()
            try:
                data = peer.recv(65536)
            except TimeoutError:
                continue
            if not data:
                return
            connection.bytes += data
            connection.arrivals.append((time.monotonic(), len(connection.bytes)))
            if self._stands_still_after is not None and len(connection.bytes) >= self._stands_still_after:
                self._stands_still_after = None
                self.reading.clear()
