# SPDX-License-Identifier: GPL-2.0-or-later
"""A strict reader of syslog messages, written from the ABNF of RFC 5424 (section 6) and from what it says of its own elements (section 7). It shares nothing with the
router's encoder. What the RFC lets a receiver put up with (a backslash before any character, leading zeros) is an error here: a sender must not do it."""

import dataclasses
import re
from collections.abc import Iterator
from datetime import datetime

BOM = b'\xef\xbb\xbf'
EVENT = 'event@32473'  # the router's own element

_TIMESTAMP = re.compile(r'(\d{4}-\d{2}-\d{2})T(\d{2}:[0-5]\d:[0-5]\d)(\.\d{1,6})?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)')
_IANA_ELEMENTS = {'timeQuality': {'tzKnown', 'isSynced', 'syncAccuracy'}, 'origin': {'ip', 'enterpriseId', 'software', 'swVersion'},
                  'meta': {'sequenceId', 'sysUpTime', 'language'}}


class Malformed(ValueError):
    """What is wrong, and at which byte."""

    def __init__(self, what: str, place: int):
        super().__init__(f'{what} (byte {place})')


@dataclasses.dataclass
class Message:
    facility: int
    severity: int
    version: int
    timestamp: datetime | None
    host_name: str | None
    app_name: str | None
    process_id: str | None
    message_id: str | None
    data: dict[str, list[tuple[str, str]]]  # by SD-ID, in order
    text: str | None  # MSG in UTF-8 (behind a BOM)
    raw_text: bytes | None  # MSG without a BOM: of no known encoding

    def parameters(self, element: str) -> dict[str, str]:
        """The parameters of an element, which must not repeat; empty where the element is absent."""
        pairs = self.data.get(element, [])
        assert len(dict(pairs)) == len(pairs), f'{element} repeats a parameter: {pairs}'
        return dict(pairs)

    @property
    def event(self) -> dict[str, str]:
        return self.parameters(EVENT)


class _Reader:
    def __init__(self, message: bytes):
        self.message, self.place = message, 0

    def fail(self, what: str):
        raise Malformed(what, self.place)

    def rest(self) -> bytes:
        return self.message[self.place:]

    def at(self, byte: bytes) -> bool:
        return self.message.startswith(byte, self.place)

    def expect(self, byte: bytes, what: str) -> None:
        if not self.at(byte):
            self.fail(f'{what} is missing')
        self.place += len(byte)

    def printable(self, what: str, most: int, but: bytes = b'') -> str:
        """PRINTUSASCII, one to `most` of them."""
        begin = self.place
        while self.place < len(self.message) and 33 <= self.message[self.place] <= 126 and self.message[self.place] not in but:
            self.place += 1
        if not 1 <= self.place - begin <= most:
            self.fail(f'{what} has {self.place - begin} characters')
        return self.message[begin:self.place].decode('ascii')

    def field(self, what: str, most: int) -> str | None:
        value = self.printable(what, most)
        return None if value == '-' else value


def _priority(reader: _Reader) -> tuple[int, int]:
    reader.expect(b'<', 'PRI')
    digits = reader.printable('PRIVAL', 3, but=b'>')
    if not re.fullmatch(r'0|[1-9][0-9]{0,2}', digits) or int(digits) > 191:
        reader.fail(f'PRIVAL is {digits!r}')
    reader.expect(b'>', 'the end of PRI')
    return divmod(int(digits), 8)


def _timestamp(reader: _Reader) -> datetime | None:
    text = reader.field('TIMESTAMP', 32)
    if text is None:
        return None
    match = _TIMESTAMP.fullmatch(text)
    if not match:
        reader.fail(f'TIMESTAMP is {text!r}')
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise Malformed(f'TIMESTAMP is {text!r}: {error}', reader.place) from error


def _parameter_value(reader: _Reader) -> str:
    value = bytearray()
    while True:
        if reader.place == len(reader.message):
            reader.fail('a PARAM-VALUE does not end')
        byte = reader.message[reader.place:reader.place + 1]
        if byte == b'"':
            break
        if byte == b']':
            reader.fail('] in a PARAM-VALUE without a backslash')
        if byte == b'\\':
            reader.place += 1
            byte = reader.message[reader.place:reader.place + 1]
            if byte not in (b'"', b'\\', b']'):
                reader.fail(f'a backslash before {byte!r}')
        value += byte
        reader.place += 1
    return _utf8(reader, bytes(value), 'PARAM-VALUE')


def _utf8(reader: _Reader, value: bytes, what: str) -> str:
    try:
        return value.decode('utf-8')  # strict: shortest form, no surrogates
    except UnicodeDecodeError as error:
        raise Malformed(f'{what} is no UTF-8: {error}', reader.place) from error


def _structured_data(reader: _Reader) -> dict[str, list[tuple[str, str]]]:
    if reader.at(b'-'):
        reader.place += 1
        return {}
    data: dict[str, list[tuple[str, str]]] = {}
    if not reader.at(b'['):
        reader.fail('STRUCTURED-DATA is missing')
    while reader.at(b'['):
        reader.place += 1
        name = reader.printable('SD-ID', 32, but=b'=]"')
        if name in data:
            reader.fail(f'SD-ID {name} is there twice')
        if '@' not in name and name not in _IANA_ELEMENTS:
            reader.fail(f'SD-ID {name} is registered nowhere')
        if '@' in name and not re.fullmatch(r'[^@]+@[0-9]+(\.[0-9]+)*', name):
            reader.fail(f'SD-ID {name} has no enterprise number')
        parameters = data.setdefault(name, [])
        while reader.at(b' '):
            reader.place += 1
            key = reader.printable('PARAM-NAME', 32, but=b'=]"')
            reader.expect(b'="', 'the value of a parameter')
            parameters.append((key, _parameter_value(reader)))
            reader.expect(b'"', 'the end of a PARAM-VALUE')
        reader.expect(b']', 'the end of an element')
    return data


def _check_elements(reader: _Reader, data: dict[str, list[tuple[str, str]]]) -> None:
    """Section 7."""
    for element, known in _IANA_ELEMENTS.items():
        values = dict(data.get(element, []))
        if set(values) - known:
            reader.fail(f'{element} does not have {set(values) - known}')
        for name in {'tzKnown', 'isSynced'} & set(values):
            if values[name] not in ('0', '1'):
                reader.fail(f'{name} is {values[name]!r}')
        if 'syncAccuracy' in values and values.get('isSynced') == '0':
            reader.fail('syncAccuracy without isSynced')
        if 'sequenceId' in values and not (re.fullmatch(r'[1-9][0-9]{0,9}', values['sequenceId']) and int(values['sequenceId']) <= 2147483647):
            reader.fail(f'sequenceId is {values["sequenceId"]!r}')
        for name, most in (('software', 48), ('swVersion', 32)):
            if len(values.get(name, '')) > most:
                reader.fail(f'{name} has more than {most} characters')


def parse(message: bytes) -> Message:
    """One SYSLOG-MSG, without framing."""
    reader = _Reader(message)
    facility, severity = _priority(reader)
    version = reader.printable('VERSION', 3)
    if version != '1':
        reader.fail(f'VERSION is {version!r}')
    reader.expect(b' ', 'a blank')
    timestamp = _timestamp(reader)
    fields = []
    for what, most in (('HOSTNAME', 255), ('APP-NAME', 48), ('PROCID', 128), ('MSGID', 32)):
        reader.expect(b' ', 'a blank')
        fields.append(reader.field(what, most))
    reader.expect(b' ', 'a blank')
    data = _structured_data(reader)
    _check_elements(reader, data)
    text = raw_text = None
    if reader.rest():
        reader.expect(b' ', 'a blank before MSG')
        if reader.at(BOM):
            text = _utf8(reader, reader.rest()[len(BOM):], 'MSG')
        else:
            raw_text = reader.rest()
    return Message(facility, severity, int(version), timestamp, *fields, data, text, raw_text)


def frames(stream: bytes) -> Iterator[bytes]:
    """The messages of a stream with octet counting (RFC 5425 4.3, RFC 6587 3.4.1); it must end with a whole one."""
    place = 0
    while place < len(stream):
        match = re.compile(rb'([1-9][0-9]{0,9}) ').match(stream, place)
        if not match:
            raise Malformed(f'no MSG-LEN but {stream[place:place + 20]!r}', place)
        end = match.end() + int(match[1])
        if end > len(stream):
            raise Malformed('the stream ends within a message', place)
        yield stream[match.end():end]
        place = end
