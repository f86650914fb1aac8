#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes the seeds of the fuzz targets: small well-formed inputs, so that fuzzing begins behind the first check of each parser.

    tests/fuzz/make_seeds.py        writes tests/fuzz/seeds; the result is committed"""

import ipaddress
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.harness import mmdb  # noqa: E402

SEEDS = Path(__file__).resolve().parent / 'seeds'
HEAD = '''system { host-name clinic; time-zone Asia/Tokyo; }
interfaces {
    interface wan0 { dhcp; }
    bridge br0 { port lan1; port lan2; address 10.0.1.1/24; address fd00:1::1/64; }
}
zones { wan { interface wan0; } clinic { interface br0; } }
'''


def ipv4(source, destination, protocol, payload, flags=0, options=b''):
    header = struct.pack('>BBHHHBBH4s4s', 0x45 + len(options) // 4, 0, 20 + len(options) + len(payload), 1, flags, 64, protocol, 0,
                         ipaddress.ip_address(source).packed, ipaddress.ip_address(destination).packed)
    return header + options + payload


def ipv6(source, destination, protocol, payload):
    return struct.pack('>IHBB16s16s', 6 << 28, len(payload), protocol, 64, ipaddress.ip_address(source).packed, ipaddress.ip_address(destination).packed) + payload


def tcp(source, destination, flags):
    return struct.pack('>HHIIBBHHH', source, destination, 1, 0, 5 << 4, flags, 65535, 0, 0)


def dhcp_leases():
    mac = bytes.fromhex('00163e000050')
    address = ipaddress.ip_address('10.0.1.150').packed
    target = ipaddress.ip_address('fd00:1::20').packed
    return {'leases': '1764129834 00:16:3e:00:00:50 10.0.1.150 * *\n0 00:16:3e:00:00:20 10.0.1.20 * 01:00:16:3e:00:00:20\nduid 00:01:00:01:2c\n',
            'arp': struct.pack('>HHBBH6s4s6s4s', 1, 0x0800, 6, 4, 2, mac, address, mac, address),
            'advertisement': ipv6('fe80::50', 'ff02::1', 58, struct.pack('>BBHI', 136, 0, 0, 0) + target),
            'solicitation': ipv6('::', 'ff02::1:ff00:20', 58, struct.pack('>BBHI', 135, 0, 0, 0) + target)}


def udp(source, destination, payload=b''):
    return struct.pack('>HHHH', source, destination, 8 + len(payload), 0) + payload


SYN = ipv4('203.0.113.5', '198.51.100.2', 6, tcp(40000, 443, 2))
SYN6 = ipv6('2001:db8:200::5', '2001:db8:10::20', 6, tcp(40000, 80, 2))
PACKETS = {
    'tcp-syn': SYN,
    'tcp6-syn': SYN6,
    'udp': ipv4('203.0.113.5', '198.51.100.2', 17, udp(5353, 53, b'query')),
    'icmp-echo': ipv4('203.0.113.5', '198.51.100.2', 1, struct.pack('>BBHHH', 8, 0, 0, 1, 1)),
    'icmp-too-big': ipv4('203.0.113.9', '198.51.100.2', 1, struct.pack('>BBHHH', 3, 4, 0, 0, 1400) + SYN[:28]),
    'first-fragment': ipv4('203.0.113.5', '198.51.100.2', 17, udp(1, 2, b'x' * 16), flags=0x2000),
    'later-fragment': ipv4('203.0.113.5', '198.51.100.2', 17, b'x' * 24, flags=0x0003),
    'options': ipv4('203.0.113.5', '198.51.100.2', 6, tcp(1, 2, 0x12), options=bytes([7, 7, 4, 0, 0, 0, 0, 0])),
    'ipv6-neighbour': ipv6('fe80::1', 'ff02::1:ff00:2', 58, struct.pack('>BBHI16s', 135, 0, 0, 0, ipaddress.ip_address('fe80::2').packed)),
    'ipv6-extensions': ipv6('2001:db8::1', '2001:db8::2', 0, bytes([60, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4, 0, 0, 0, 0]) + udp(5, 6)),
    'ipv6-fragment': ipv6('2001:db8::1', '2001:db8::2', 44, bytes([17, 0, 0, 9, 0, 0, 0, 1]) + b'x' * 16),
}


def attribute(kind, value):
    return struct.pack('=HH', 4 + len(value), kind) + value + bytes(-len(value) % 4)


def nested(kind, *attributes):
    return attribute(kind | 0x8000, b''.join(attributes))


def tuple_of(kind, source, destination, protocol, source_port, destination_port):
    numbers = (1, 2) if ipaddress.ip_address(source).version == 4 else (3, 4)
    return nested(kind,
                  nested(1, attribute(numbers[0], ipaddress.ip_address(source).packed), attribute(numbers[1], ipaddress.ip_address(destination).packed)),
                  nested(2, attribute(1, bytes([protocol])), attribute(2, struct.pack('>H', source_port)), attribute(3, struct.pack('>H', destination_port))))


def nflog(prefix, packet, *more):
    """nfgenmsg and the attributes that the kernel sends: packet header, mark, time, interfaces, hardware address, payload, prefix."""
    version = packet[0] >> 4
    return b''.join([
        struct.pack('>BBH', 2 if version == 4 else 10, 0, 1),
        attribute(1, struct.pack('>HBB', 0x0800 if version == 4 else 0x86dd, 1, 0)),
        attribute(3, struct.pack('>QQ', 1_800_000_000, 5)),
        attribute(4, struct.pack('>I', 2)),
        attribute(8, struct.pack('>HH8s', 6, 0, bytes([2, 0, 0, 0, 0, 1, 0, 0]))),
        *more,
        attribute(10, prefix.encode() + b'\0'),
        attribute(9, packet),
    ])


NFLOG = {
    'denied': nflog('wan.end', SYN),
    'denied6-sequence': nflog('service.web.deny', SYN6, attribute(12, struct.pack('>I', 7))),
    'overflow': nflog('wan.end~', PACKETS['udp']),
    'accepted-translated': nflog('accepted', SYN, nested(
        18, tuple_of(1, '203.0.113.5', '198.51.100.2', 6, 40000, 443), tuple_of(2, '10.0.1.20', '203.0.113.5', 6, 443, 40000), attribute(8, struct.pack('>I', 0x0101)))),
    'egress': nflog('wan.out', PACKETS['icmp-echo'], attribute(5, struct.pack('>I', 3))),
    'no-time': struct.pack('>BBH', 2, 0, 1) + attribute(10, b'x\0') + attribute(9, SYN),
}


def text(value):
    return struct.pack('<I', len(value)) + value.encode()


def request(origin, words, payload=''):
    return b'SKQ1' + text(origin) + struct.pack('<I', len(words)) + b''.join(map(text, words)) + text(payload)


FRAMES = {
    'show': request('local', ['show', 'rules', '--json']),
    'apply': request('console', ['apply', '-'], HEAD),
    'empty': request('', []),
    'response': b'SKR1' + struct.pack('<I', 0) + text('rule hits\n') + text(''),
    'refusal': b'SKR1' + struct.pack('<I', 1) + text('') + text('configuration: refused\n'),
    'header': struct.pack('<I', 70_000_000) + b'SKQ1',
}

# Public halves of what ssh-keygen and openssl made for these seeds.
SSH_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKaidEtwpI3WVzashuJbtLjKd/oZoMFQZsIoggDlVfCO'
CERTIFICATE = '''-----BEGIN CERTIFICATE-----
MIIBMjCB5aADAgECAhQGUfGmsaa35H6WnNNNoRESQ08ouDAFBgMrZXAwDjEMMAoG
A1UEAwwDbG9nMCAXDTI2MTEyNDExMTczM1oYDzIxMjYxMDMxMTExNzMzWjAOMQww
CgYDVQQDDANsb2cwKjAFBgMrZXADIQDLzUgCza6lc1deAowJY4T1BMtUxvgvKre1
gqGtzKs2NaNTMFEwHQYDVR0OBBYEFBLbDw8aYl2lKigspqQIdxKW03/KMB8GA1Ud
IwQYMBaAFBLbDw8aYl2lKigspqQIdxKW03/KMA8GA1UdEwEB/wQFMAMBAf8wBQYD
K2VwA0EAk8b/26ZLu8L5CYbV5sjeWYA5xSotp5yAQR3nsSz3K6N0VtsN2cUNmFJW
oEZjsSO+ZDiF6vgonsLTu7gNPJwtCw==
-----END CERTIFICATE-----'''
CONFIGS = {
    'minimal': HEAD,
    'service': HEAD + '''address-list vendor { description "Vendor \\"A\\""; address 203.0.113.0/28; address 2001:db8:200::/48; address 192.0.2.64-192.0.2.70 { expires 2027-03-31; } }
service web { from wan; protocol tcp; port 8443; forward-to 10.0.1.20; forward-port 443; source { address-list vendor; } }
''',
    'router-service': HEAD + 'address-list v { address 203.0.113.4; expires 2027-01-01; }\nservice vpn { from wan; protocol udp; port 500; port 4500; source { address-list v; } log none; }\n',
    'policies': HEAD + '''nat { masquerade clinic; }
policy dns { from clinic; to wan; protocol udp; port 53; action allow; log none; }
policy admin { from clinic; to router; protocol tcp; port 22; action allow; }
policy rest { from clinic; to wan; action deny; }
''',
    'block': HEAD + 'address-list bad { address 198.18.0.0/15; }\nblock { address-list bad; }\nlog { file-size 64K; files 2; per-minute 1; burst 1; ipv4-prefix 16; ipv6-prefix 48; }\ntime { server 192.0.2.1; }\n',
    'countries': HEAD + '''address-list v { address 203.0.113.4; }
geo-list home { country JP; country XK; except address-list v; unknown deny; }
geo-list far { country CN; unknown allow; }
gate { geo-list home; }
block { geo-list far; }
geo { warn-age 30; }
service web { from wan; protocol tcp; port 8443; forward-to 10.0.1.20; source { geo-list home; address-list v; } }
policy out { from clinic; to wan; destination { geo-list far; } action deny; }
''',
    'management': HEAD + f'account tanaka {{ description "T"; ssh-key "{SSH_KEY} tanaka@pc"; }}\naccount sato {{ }}\nmanagement {{ ssh {{ from clinic; port 2222; }} }}\n'
                         'address-list v { address 203.0.113.4; }\nservice remote { protocol tcp; port 2222; source { address-list v; } }\n'
                         'policy no-ssh { from clinic; to router; protocol tcp; action deny; source { address-list v; } }\n',
    'log-servers': HEAD + f'log {{ server a {{ host 10.0.1.20; certificate "{CERTIFICATE}"; }} server b {{ host log.example; server-name a.example; port 1; certificate "\n{CERTIFICATE}\n"; }}\n'
                          'server c { host fd00:1::20; transport udp; } server d { host 10.0.1.21; transport tcp; } }\n',
    'private-key': HEAD + 'account a { ssh-key "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----"; description "-----BEGIN x\\"; }\n',
    'comments': '# one\n/* two\n three */ system { host-name a; } # four\r\n',
    'unknown-key': 'sistem { host-name x; }\n',
    'bad-prefix': HEAD + 'address-list a { address 10.0.0.1/24; address 1.2.3.4-1.2.3.3; address ::g; }\n',
    'duplicate': HEAD + HEAD,
    'open': 'zones { wan { interface wan0;',
    'deep': 'a { ' * 20 + '}' * 20,
    'wide-source': HEAD + 'address-list all { address 0.0.0.0/1; address 128.0.0.0/1; }\nservice web { from wan; protocol tcp; port 443; source { address-list all; } }\n',
}
ADDRESSES = ['192.0.2.1', '10.0.1.1/24', '2001:db8::1', '2001:db8::/32', '::ffff:192.0.2.1', '192.0.2.1-192.0.2.9', 'fe80::1-fe80::ff', '00:11:22:aa:bb:cc', '2027-02-28',
             '2026-11-23T04:05:06.000007+09:00', '443', '8000-8010', '64K', '::', '1:2:3:4:5:6:7::', '0.0.0.0/0']
LEASES = [
    ['event=bound', 'interface=wan0', 'address=198.51.100.7', 'mask=255.255.255.0', 'router=198.51.100.1 198.51.100.2', 'name-servers=192.0.2.53'],
    ['event=renew', 'interface=wan0', 'address=10.0.1.77', 'mask=255.255.255.0', 'router=10.0.1.1', 'name-servers='],
    ['event=deconfig', 'interface=wan0'],
    ['event=bound', 'interface=wan0', 'address=100.64.0.9', 'mask=255.192.0.0', 'router=100.64.0.1'],
]
EVENTS = {
    'denied': '{"@timestamp":"2026-11-23T04:05:06.000007Z","event":{"kind":"event","category":"network","action":"connection-denied","reason":"not-allowed","sequence":7},'
              '"rule":{"id":"service.web.deny"},"source":{"ip":"203.0.113.5","port":40000,"mac":"02:00:00:00:00:01"},"sekisho":{"clock":{"synchronised":true},"tcp":{"flags":"S"}}}\n',
    'apply': '{"event":{"action":"apply","outcome":"success"},"user":{"name":"root"},"message":"applied \\u202e \\\\ \\" \\n"}\n',
    'unknown': '{"other":{"deep":[1,2.5,null,true]},"event":{"sequence":-9223372036854775808}}\n',
    'wrong-kind': '{"event":{"sequence":"7"}}\n',
}
COMMANDS = ['show version', 'show rules --json', 'show log --json --lines 20', 'check clinic.conf', 'render "clinic 1.conf"', 'apply -', 'help', 'shwo rules', 'show interfaces "',
            'lease-event event=bound interface=wan0']

CORE = '"$schema":"https://docs.oasis-open.org/openeox/v1.0/schema/core.json","end_of_security_support":"2033-03-31T14:59:59Z","end_of_life":"2033-03-31T14:59:59Z","last_updated":"2026-11-23T00:00:00Z"'
PROMISE = '"promised_by":"Example K.K.","source":"https://www.example.com/","product":"Sekisho","version":"0.1"'
SUPPORT_RECORDS = {
    'minimal': '{' + PROMISE + ',"core":{' + CORE + '}}',
    'maximal': '{' + PROMISE + ',"end_of_full_support":"2031-03-31T23:59:59.5+09:00","core":{"general_availability":"2026-04-01T00:00:00Z","end_of_sales":"tba",' + CORE + '}}',
    'tba': '{' + PROMISE + ',"core":{' + CORE.replace('2033-03-31T14:59:59Z', 'tba') + '}}',
    'twice': '{' + PROMISE + ',"core":{"end_of_lif\\u0065":"tba",' + CORE + '}}',
    'nobody': '{' + PROMISE.replace('Example K.K.', '\u3000') + ',"core":{' + CORE + '}}',
    'order': '{' + PROMISE + ',"end_of_full_support":"2034-01-01T00:00:00Z","core":{' + CORE + '}}',
}
COMPONENT_LISTS = {
    'one': '[{"package":"libc6","version":"2.41-12","architecture":"arm64","source":"glibc","source_version":"2.41-12","files":["/usr/lib/libc.so.6"]}]',
    'empty': '[]',
    'wrong-kind': '[{"package":7}]',
}
PRINT = 'SHA256:plPwhDFmV0BFJPZQjsFWrB8Xn1pQWAcaI6quQCVQ/Jw'
# the first letter says who wrote the line: the monitor of a connection, the child with the account's id, the listener
SSHD = {
    'wrong-key': f'mFailed publickey for tanaka from 10.0.1.5 port 34790 ssh2: ED25519 {PRINT}',
    'invalid-user': 'mInvalid user bob from 10.0.1.5 port 34790',
    'name-with-address': 'mInvalid user bob from 1.2.3.4 port 5 ssh2 from 10.0.1.5 port 34790',
    'name-with-reason': 'mUser x from 1.2.3.4 not allowed because 5 from 10.0.1.5 not allowed because not in any group',
    'name-with-key': f'mFailed publickey for invalid user a from 1.2.3.4 port 5 ssh2: ED25519 {PRINT} from 10.0.1.5 port 34790 ssh2: RSA {PRINT}',
    'name-with-escapes': 'mInvalid user \\033[2J\x1b[2J from 10.0.1.5 port 34790',
    'certificate': f'mFailed publickey for t from 10.0.1.5 port 34790 ssh2: ED25519-CERT {PRINT} ID x from 1.2.3.4 port 5 ssh2 (serial 0) CA ED25519 {PRINT}',
    'accepted': f'mAccepted publickey for tanaka from 10.0.1.5 port 34790 ssh2: ED25519 {PRINT}',
    'accepted-before-login': f'mAccepted publickey for admin from 1.2.3.4 port 5 ssh2: ED25519 {PRINT} [preauth]',
    'accepted-by-child': f'cAccepted publickey for admin from 1.2.3.4 port 5 ssh2: ED25519 {PRINT}',
    'closed': 'mConnection closed by authenticating user tanaka 10.0.1.5 port 34790 [preauth]',
    'closed-name': 'mConnection closed by authenticating user a 1.2.3.4 port 5 10.0.1.5 port 34790 [preauth]',
    'disconnecting': 'mDisconnecting invalid user a 10.0.1.5 port 34790: Change of username or service not allowed: (a,b) -> (c from 1.2.3.4 port 5,d) [preauth]',
    'offer': 'mUnable to negotiate with 10.0.1.5 port 34790: no matching key exchange method found. Their offer: x 1.2.3.4 port 5 [preauth]',
    'banner': 'mbanner exchange: Connection from 10.0.1.5 port 34790: invalid format',
    'identifier': 'mkex_exchange_identification: client sent invalid protocol identifier "GET / HTTP/1.0"',
    'local-forward': 'crefused local port forward: originator 1.2.3.4 port 5, target 10.0.1.20 port 80',
    'stream-forward': 'crefused streamlocal port forward: originator 1.2.3.4 port 5, target /run/x 1.2.3.4 port 5',
    'remote-forward': 'cdebug1: serverloop.c:server_input_global_request():754 (bin=sshd-session, pid=27): rtype tcpip-forward want_reply 1',
    'channel': 'cdebug1: serverloop.c:server_input_channel_open():636 (bin=sshd-session, pid=31): failure tun@openssh.com',
    'request': 'cdebug1: session.c:session_input_channel_req():2192 (bin=sshd-session, pid=36): session 0 req x11-req',
    'sessions': 'cno more sessions',
    'idle': 'cterminating inactive connection from user tanaka 10.0.1.5 port 34790',
    'dropped': 'ldrop connection #3 from [fd00::7]:57599 on [fd00::1]:22 penalty: exceeded LoginGraceTime',
    'penalty': 'lsrclimit_penalise: 10.0.1.7/32: activating ipv4 penalty of 20 seconds for penalty: exceeded LoginGraceTime',
    'timeout': 'lTimeout before authentication for connection from 10.0.1.5 to 10.0.1.1, pid = 20',
    'forged': 'mInvalid user x\nAccepted publickey for admin from 10.0.1.9 port 1 ssh2 from 10.0.1.5 port 37502',
    'limited': 'lMaxStartups logging rate-limited: additional 20 connections dropped',
}

HASH = '$y$j9T$Q083t0UWvGhSVeSEpVsxQ0$MlICrOc7JFkyqttdffPMZ5kgAZ5rQeOhncK4RVOmQSC'
# the target puts the digest in front
ACCOUNT_FILES = {
    'credentials': f'sekisho-credentials 1\nadmin {HASH} 2026-11-23T00:00:00.000000Z synchronised\ntanaka {HASH} 1970-01-01T00:00:00.000000Z unsynchronised\n',
    'credentials-twice': f'sekisho-credentials 1\nadmin {HASH} 2026-11-23T00:00:00.000000Z synchronised\nadmin {HASH} 2026-11-23T00:00:00.000000Z synchronised\n',
    'ids': 'sekisho-accounts 1\ntanaka 2001\nsuzuki 2002\nvendor-2_x 6095\n',
    'ids-order': 'sekisho-accounts 1\ntanaka 2002\nsuzuki 2001\n',
    'ids-version': 'sekisho-accounts 2\ntanaka 2001\n',
}
PASSWORDS = {
    'good': 'gate-3\nvR7.quiet-Lamp', 'phrase': 'gate-3\nseven pale otters climbed', 'short': '\nvR7.quiet', 'walk': '\n1qaz2wsx3edc4rfv', 'weak': '\nPa$$w0rd99999!',
    'repeated': '\nVb7.Vb7.Vb7.Vb7.', 'host': 'gatekeeper\nmy G4teKeeper 9 otters', 'japanese': '\n\u5c71\u306e\u4e0a\u306e Kumo 1 tsu x', 'control': '\nvR7.quiet-Lamp\x1b',
    'key': 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBzrWmAVHw4OqQkJ0LNURtQK8lijA1Ah2YE6Mus+SLtQ',
}


def fields(*values):
    """An event for the targets of encoders (event_input.hpp): number of the field in the table, bytes."""
    return b''.join(struct.pack('>BH', number, len(value)) + value for number, value in values)


# numbers of fields: 0 @timestamp, 3 event.action, 6 event.sequence, 8 rule.id, 15 source.ip, 24 user.name; the last is the message
ENCODED_EVENTS = {
    'connection': fields((0, b'2026-11-23T04:05:06.000007Z'), (2, b'network'), (3, b'connection-denied'), (6, b'\x07'), (8, b'zone.wan.deny'), (15, b'203.0.113.9')),
    'quotes': fields((8, b'a"b\\c]d'), (24, b'x"][event@32473 user.name="root"]')),
    'lines': fields((8, b'a\r\nb\tc\0d\x1b\x7f'), (24, '\u0085\u2028\u202e\ufeff'.encode())),
    'formulas': fields((5, b'=1+1'), (7, ' \u3000"=1'.encode()), (8, b'+1'), (24, '＝1'.encode()), (15, b'\t=1')),
    'typed-escapes': fields((8, b'\\x0a\\u{202e}\\'), (24, b'\\x0\n')),
    'no-utf8': fields((8, b'\xff\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80'), (24, b'\xe9\x96')),
    'long': fields((8, '関'.encode() * 600), (24, b'"' * 2000), (15, b'\x01' * 1000)),
    'header': fields((0, b'2026-11-23T04:05:60Z'), (3, b'-')),
}


# what a line is for (0 command, 1 text, 2 secret, 3 stream), and what is typed
KEYS = {
    'commands': b'\0show version\rshow log --json\r\nquit\n',
    'editing': '\0show 関所\x7f\x7flog x\x17y\x15help\x08\x08\r'.encode(),
    'keys': b'\0ab\x1b[A\x1b[1;5C\x1bOP\x1bx\x1b[200~c\rshow\x03\x04',
    'noise': b'\0\xff\xfe\x80\xe9\x96\x9b2J\xe2\x80\xae\0\x1a\x1c\r',
    'cut-character-and-back': b'\0\xe9\x7f\x96\xa2\xf0\x9f\x7f\x92\xa9\x7f\r',
    'too-long': b'\0' + b'x' * 100 + b'\x7f\x15y\r',
    'paste': b'\1system {\r\n\thost-name a;\x1b[A\r\n}\r\n.\r\n',
    'secret': '\2Kettle.Möth-4\x7f4-blue\r\x03x\r'.encode(),
    'stream': b'\3apply -\nsystem {\x03\x15\x1b[A\x7f\r\n}\n',
}


# ---- certificates (RFC 5280): the target's first byte says how to judge, the next eight at what time --------------------------------------------------------


def der(tag, *parts):
    value = b''.join(parts)
    length = bytes([len(value)]) if len(value) < 128 else bytes([0x82]) + struct.pack('>H', len(value))
    return bytes([tag]) + length + value


def oid(*numbers):
    encoded = bytes([numbers[0] * 40 + numbers[1]])
    for number in numbers[2:]:
        groups = [number & 127]
        while number := number >> 7:
            groups.insert(0, number & 127 | 128)
        encoded += bytes(groups)
    return der(6, encoded)


def certificate(names, issuer='Log authority', common_name='server', begin=b'200101000000Z', end=b'450101000000Z', usage=(1, 3, 6, 1, 5, 5, 7, 3, 1)):
    # the generator of P-256 (FIPS 186-4 D.1.2.3) is a public key too; nobody asks for the signature
    point = bytes.fromhex('046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5')
    key = der(0x30, der(0x30, oid(1, 2, 840, 10045, 2, 1), oid(1, 2, 840, 10045, 3, 1, 7)), der(3, b'\0', point))
    algorithm = der(0x30, oid(1, 2, 840, 10045, 4, 3, 2))

    def name(value):
        return der(0x30, der(0x31, der(0x30, oid(2, 5, 4, 3), der(12, value.encode()))))

    extensions = [der(0x30, oid(2, 5, 29, 37), der(4, der(0x30, oid(*usage))))]
    if names:
        extensions.append(der(0x30, oid(2, 5, 29, 17), der(4, der(0x30, *(der(0x80 | kind, value) for kind, value in names)))))
    body = der(0x30, der(0xa0, der(2, b'\2')), der(2, b'\1'), algorithm, name(issuer), der(0x30, der(0x17, begin), der(0x17, end)), name(common_name), key,
               der(0xa3, der(0x30, *extensions)))
    return der(0x30, body, algorithm, der(3, b'\0' + der(0x30, der(2, b'\1'), der(2, b'\1'))))


DNS, ADDRESS = 2, 7  # kinds of GeneralName
LOG, AT = (DNS, b'log.clinic.example'), struct.pack('>q', 1795435200)
CERTIFICATES = {
    'name': b'\0' + AT + certificate([LOG]),
    'address': b'\1' + AT + certificate([(ADDRESS, bytes([10, 0, 1, 20])), (ADDRESS, bytes(15) + b'\1')]),
    'none': b'\0' + AT + certificate([]),
    'others': b'\2' + AT + certificate([(DNS, b'a.example'), (DNS, b'*.example'), (DNS, b'log.clinic.example\0.example'), (ADDRESS, b'\x0a\0\1'), (1, b'a@b.example')]),
    'terminal': b'\3' + AT + certificate([(DNS, b'\x1b[31m\xff')], common_name='\x1b]0;x\x07\u202e'),
    'past': b'\0' + AT + certificate([LOG], end=b'250101000000Z'),
    'future': b'\0' + AT + certificate([LOG], begin=b'400101000000Z'),
    'client': b'\0' + AT + certificate([LOG], usage=(1, 3, 6, 1, 5, 5, 7, 3, 2)),
}


# ---- country databases -----------------------------------------------------------------------------------------------------------------------------------------

V4 = {'1.0.0.0/24': 'JP', '1.0.1.128/25': 'US', '10.0.0.0/8': 'JP', '133.0.0.0/8': 'JP', '150.0.0.0/16': 'ZZ', '255.255.255.255/32': 'JP'}
V6 = {'2400::/12': 'JP', '2001:200::1/128': 'JP', '2600::/16': 'US'}
GEO_DATABASES = {
    f'{name}-{size}-{version}': mmdb.database({network: shape(code) for network, code in (V4 if version == 4 else V4 | V6).items()}, record_size=size, ip_version=version)
    for name, shape, size, version in (('nested', mmdb.nested, 24, 6), ('flat', mmdb.flat, 28, 6), ('country', mmdb.flat_country, 32, 4), ('flat', mmdb.flat, 24, 4))
} | {
    'aliases': mmdb.database({'133.0.0.0/8': mmdb.nested('JP'), '2400::/12': mmdb.nested('JP')}, aliases=mmdb.ALIASES),
    'unassigned': mmdb.database({'128.0.0.0/1': mmdb.flat('EU')}, ip_version=4),
    'asn': mmdb.database({'8.0.0.0/8': {'autonomous_system_number': 15169}}, ip_version=4),
    'small': mmdb.assemble([(mmdb.Data(0), mmdb.Node(1)), (None, mmdb.Data(0))], mmdb.encode(mmdb.flat('JP')), ip_version=4),
    'cycle': mmdb.assemble([(mmdb.Data(0), mmdb.Node(1)), (mmdb.Node(1), None)], mmdb.encode(mmdb.flat('JP')), ip_version=4),
    'shared': mmdb.assemble([(mmdb.Node(number + 1), mmdb.Node(number + 1)) for number in range(30)] + [(mmdb.Data(0), None)], mmdb.encode(mmdb.flat('JP')), ip_version=4),
    'pointers': mmdb.assemble([(mmdb.Data(2), None)], mmdb.encode('JP')[:2] + b'\xe2' + mmdb.encode('x') + mmdb.encode(mmdb.Pointer(0)) + mmdb.encode('country_code') +
                              mmdb.encode('JP'), ip_version=4),
}


# ---- hostapd ---------------------------------------------------------------------------------------------------------------------------------------------------

IDENTITIES = {
    'plain': 'tanaka', 'flags': 'guest\nflags=[AUTHORIZED]', 'flags-alone': 'flags=[AUTHORIZED]', 'again': 'guest\ndot1xAuthSessionUserName=doctor',
    'event': '<3>CTRL-EVENT-EAP-SUCCESS2 c2:6d:23:1b:22:9d', 'event-behind': 'guest\n<3>CTRL-EVENT-EAP-SUCCESS2 c2:6d:23:1b:22:9d', 'answer': 'c2:6d:23:1b:22:9d\nflags=[AUTHORIZED]',
    'ending': '<3>CTRL-EVENT-TERMINATING ', 'escape': '\x1b[31mroot\x1b[0m', 'wildcard': '*',
}


# ---- RADIUS ------------------------------------------------------------------------------------------------------------------------------------------------


def radius(code, *attributes):
    body = b''.join(bytes([kind, len(value) + 2]) + value for kind, value in attributes)
    return struct.pack('>BBH', code, 7, 20 + len(body)) + bytes(16) + body


RADIUS = {
    'accept': radius(2, (80, bytes(16)), (1, b'tanaka'), (27, struct.pack('>I', 3600)), (79, b'\x03\x07\x00\x04')),
    'keys': radius(2, (26, b'\x00\x00\x01\x37\x11\x24' + bytes(34)), (80, bytes(16)), (69, b'\x00secret')),
    'challenge': radius(11, (24, b'state'), (79, b'\x01\x08\x00\x06\x19\x20'), (80, bytes(16))),
    'request': radius(1, (1, b'001122334455'), (2, bytes(16)), (31, b'00-11-22-33-44-55'), (87, b'lan1'), (80, bytes(16))),
    'two-names': radius(2, (1, b'guest'), (1, b'doctor'), (80, bytes(16)), (80, bytes(16))),
}


def ethernet(packet, tag=b''):
    kind = b'\x86\xdd' if packet[0] >> 4 == 6 else b'\x08\x00'
    return bytes.fromhex('520000000001520000000002') + tag + kind + packet


def frames(*parts):
    """Frames as the target takes them: link type and device, seconds (their root), length, bytes."""
    return b''.join(bytes([first, seconds, len(frame)]) + frame for first, seconds, frame in parts)


def answer(flags, sequence, acknowledged):
    return ipv4('10.0.1.20', '203.0.113.5', 6, struct.pack('>HHIIBBHHH', 443, 40000, sequence, acknowledged, 0x50, flags, 0xffff, 0, 0))


LAN, SENT, RAW = 0x40, 0x80, 1
FRAMED = {
    'ethernet': frames((0, 0, ethernet(SYN))),
    'tagged': frames((0, 0, ethernet(SYN, bytes.fromhex('88a80007') + bytes.fromhex('81000008')))),
    'handshake': frames((RAW, 0, SYN), (LAN | RAW, 0, answer(0x12, 900, 1)), (RAW, 1, ipv4('203.0.113.5', '198.51.100.2', 6, tcp(40000, 443, 0x10)))),
    'masqueraded': frames((LAN | RAW, 0, ipv4('10.0.1.50', '203.0.113.5', 17, udp(5000, 53, b'q'))), (RAW, 2, ipv4('203.0.113.5', '198.51.100.2', 17, udp(53, 5000, b'a')))),
    'error': frames((LAN | RAW, 0, ipv4('10.0.1.50', '203.0.113.5', 17, udp(5000, 53))),
                    (RAW, 0, ipv4('203.0.113.9', '198.51.100.2', 1, struct.pack('>BBHHH', 3, 1, 0, 0, 0) + ipv4('198.51.100.2', '203.0.113.5', 17, udp(5000, 53))))),
    'fragments': frames((RAW, 0, PACKETS['first-fragment']), (RAW, 0, PACKETS['later-fragment'])),
    'sent': frames((SENT | RAW, 0, ipv4('198.51.100.2', '203.0.113.5', 17, udp(5000, 123))), (RAW, 0, ipv4('203.0.113.5', '198.51.100.2', 17, udp(123, 5000)))),
    'ipv6': frames((RAW, 0, SYN6), (RAW, 0, PACKETS['ipv6-fragment']), (RAW, 0, PACKETS['ipv6-extensions']), (RAW, 0, PACKETS['ipv6-neighbour'])),
    'null': frames((2, 0, b'\x02\0\0\0' + SYN)),
    'cooked': frames((4, 0, bytes.fromhex('0000000100065200000000020000') + b'\x08\x00' + SYN)),
    'nflog': frames((6, 0, b'\x02\0\0\x01' + struct.pack('<HH', 4 + len(SYN), 9) + SYN)),
}


def pcap(link_type, *records, order='<', magic=0xA1B2C3D4):
    header = struct.pack(order + 'IHHiIII', magic, 2, 4, 0, 0, 65535, link_type)
    return header + b''.join(struct.pack(order + 'IIII', 100 + number, 7, len(record), len(record)) + record for number, record in enumerate(records))


def block(kind, body):
    size = 12 + len(body) + -len(body) % 4
    return struct.pack('<II', kind, size) + body + bytes(-len(body) % 4) + struct.pack('<I', size)


SECTION = block(0x0A0D0D0A, struct.pack('<IHHq', 0x1A2B3C4D, 1, 0, -1))
CAPTURES = {
    'empty': pcap(1),
    'ethernet': pcap(1, ethernet(SYN), ethernet(SYN6)),
    'big-endian': pcap(1, ethernet(SYN), order='>'),
    'nanoseconds': pcap(101, SYN, magic=0xA1B23C4D),
    'cut': pcap(1, ethernet(SYN))[:-5],
    'unknown-link': pcap(9, SYN),
    'nflog': pcap(239, b'\x02\0\0\x01' + struct.pack('<HH', 4 + len(SYN), 9) + SYN),
    'pcapng': SECTION + block(1, struct.pack('<HHI', 1, 0, 65535)) + block(6, struct.pack('<IIIII', 0, 0, 5, len(ethernet(SYN)), 1500) + ethernet(SYN)),
    'pcapng-two-links': SECTION + block(1, struct.pack('<HHI', 1, 0, 65535)) + block(1, struct.pack('<HHI', 101, 0, 65535)) + block(6, struct.pack('<IIIII', 1, 0, 5, len(SYN), len(SYN)) + SYN),
}


def main():
    seeds = {
        'hostapd': IDENTITIES,
        'radius': RADIUS,
        'geo_database': GEO_DATABASES,
        'certificate': CERTIFICATES,
        'packet': PACKETS, 'frame': FRAMED, 'capture': CAPTURES, 'nflog': NFLOG, 'control_frame': FRAMES, 'config': CONFIGS, 'event_json': EVENTS,
        'csv': ENCODED_EVENTS, 'rfc5424': ENCODED_EVENTS,
        'support_record': SUPPORT_RECORDS, 'component_list': COMPONENT_LISTS,
        'address': {f'{number:02}': value for number, value in enumerate(ADDRESSES)},
        'sshd': SSHD, 'account_files': ACCOUNT_FILES, 'password': PASSWORDS,
        'dhcp_leases': dhcp_leases(),
        'lease': {f'{number:02}': '\n'.join(words) for number, words in enumerate(LEASES)},
        'command': {f'{number:02}': value for number, value in enumerate(COMMANDS)},
        'line_editor': KEYS,
    }
    for target, inputs in seeds.items():
        folder = SEEDS / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, value in inputs.items():
            (folder / name).write_bytes(value if isinstance(value, bytes) else value.encode())


if __name__ == '__main__':
    main()
