# SPDX-License-Identifier: GPL-2.0-or-later
"""A time server (RFC 5905, server mode) that says whatever time a test wants: clocks that step a year need one that is wrong on purpose."""

import datetime
import socket
import struct
import threading
import time

from .namespaces import Namespace

_SECONDS_1900_TO_1970 = 2208988800


class TimeServer:
    """Answers on UDP 123 in a namespace as if it were `now` at the moment of its start. A context manager."""

    def __init__(self, namespace: Namespace, address: str, now: datetime.datetime):
        self._offset = now.timestamp() - time.time()
        self._socket = namespace.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 123))
        self._socket.settimeout(0.2)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> 'TimeServer':
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._ending.set()
        self._thread.join()
        self._socket.close()

    def _stamp(self) -> bytes:
        seconds = time.time() + self._offset + _SECONDS_1900_TO_1970
        return struct.pack('!II', int(seconds) & 0xFFFFFFFF, int(seconds % 1 * (1 << 32)))

    def _serve(self) -> None:
        while not self._ending.is_set():
            try:
                request, sender = self._socket.recvfrom(512)
            except TimeoutError:
                continue
            received = self._stamp()
            if len(request) < 48 or request[0] & 7 != 3:
                continue
            version = request[0] >> 3 & 7
            # no leap second announced, stratum 1, precision 2^-20, reference "TEST"
            head = struct.pack('!BBbbII4s', version << 3 | 4, 1, request[2] & 0x7F, -20, 0, 1 << 8, b'TEST')
            self._socket.sendto(head + received + request[40:48] + received + self._stamp(), sender)
