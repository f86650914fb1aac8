# SPDX-License-Identifier: GPL-2.0-or-later
"""BPF programs that do nothing, on the links of a namespace: what a router has to find."""

import ctypes
import os
import platform
import socket
import struct

from .namespaces import Namespace, NetworkError, inside

_NUMBER = {'x86_64': 321, 'aarch64': 280}[platform.machine()]
_PROG_LOAD, _PROG_ATTACH = 5, 8
SCHED_CLS, XDP = 3, 6  # program types
TCX_INGRESS = 46
_RTM_SETLINK, _NLM_F_REQUEST, _NLM_F_ACK = 19, 1, 4
_IFLA_XDP, _XDP_FD, _XDP_FLAGS, _SKB_MODE = 43, 1, 3, 2
_libc = ctypes.CDLL(None, use_errno=True)


def _bpf(command: int, attributes: bytes) -> int:
    buffer = ctypes.create_string_buffer(attributes, 144)
    result = _libc.syscall(_NUMBER, command, buffer, 144)
    if result < 0:
        raise NetworkError(f'bpf({command}): {os.strerror(ctypes.get_errno())}')
    return result


def program(kind: int, verdict: int) -> int:
    """A descriptor of a program that answers with a verdict."""
    code = struct.pack('<BBhi', 0xb7, 0, 0, verdict) + struct.pack('<BBhi', 0x95, 0, 0, 0)  # r0 = verdict; exit
    instructions, licence = ctypes.create_string_buffer(code, len(code)), ctypes.create_string_buffer(b'GPL')
    return _bpf(_PROG_LOAD, struct.pack('<IIQQ', kind, 2, ctypes.addressof(instructions), ctypes.addressof(licence)))


def _index(namespace: Namespace, link: str) -> int:
    with inside(namespace.path):
        return socket.if_nametoindex(link)


def attach_xdp(namespace: Namespace, link: str) -> None:
    """A program that lets everything pass, in generic mode."""
    descriptor = program(XDP, 2)
    nest = struct.pack('=HHi', 8, _XDP_FD, descriptor) + struct.pack('=HHI', 8, _XDP_FLAGS, _SKB_MODE)
    body = struct.pack('=BxHiII', 0, 0, _index(namespace, link), 0, 0) + struct.pack('=HH', 4 + len(nest), _IFLA_XDP | 0x8000) + nest
    with inside(namespace.path):
        netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    with netlink:
        netlink.send(struct.pack('=IHHII', 16 + len(body), _RTM_SETLINK, _NLM_F_REQUEST | _NLM_F_ACK, 1, 0) + body)
        status = struct.unpack_from('=i', netlink.recv(4096), 16)[0]
    os.close(descriptor)
    if status != 0:
        raise NetworkError(f'XDP on {link}: {os.strerror(-status)}')


def attach_tcx(namespace: Namespace, link: str) -> None:
    descriptor = program(SCHED_CLS, -1)  # TCX_NEXT
    with inside(namespace.path):
        _bpf(_PROG_ATTACH, struct.pack('<IIII', _index(namespace, link), descriptor, TCX_INGRESS, 0))
    os.close(descriptor)
