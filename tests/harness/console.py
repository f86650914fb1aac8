# SPDX-License-Identifier: GPL-2.0-or-later
"""The router's serial console, driven over the UNIX socket that QEMU offers: the login, and the command prompt behind it.

    console = Console('/run/serial.sock')
    console.log_in(timeout=60)      # on the first boot this sets the first password
    print(console.command('show version'))
"""

import json
import re
import select
import socket
import time
from pathlib import Path

PROMPT = 'sekisho> '
LOGIN, PASSWORD_PROMPT = 'login: ', 'Password: '
NEW_PASSWORD, NEW_PASSWORD_AGAIN = 'New password for admin: ', 'Once more: '
# The account that every router has, and the password that tests and the demonstration set on the first boot.
ACCOUNT, PASSWORD = 'admin', 'Cedar-47-Lantern'
# Colour and cursor sequences of a line editor; nothing in what the router prints depends on them.
_ESCAPES = re.compile(r'\x1b(\[[0-?]*[ -/]*[@-~]|[()][0-9A-Za-z]|[=>78MDEc])')


class ConsoleError(Exception):
    """The console did not answer as expected; carries the last of what it printed."""


class Console:
    """`log` gets every byte that the router printed."""

    def __init__(self, path: str | Path, log: Path | None = None):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(str(path))
        self._log = log.open('ab') if log else None
        self._arrived = b''  # came while something was sent
        self._pending = b''
        self.transcript = ''

    def close(self) -> None:
        self._socket.close()
        if self._log:
            self._log.close()

    def fileno(self) -> int:
        return self._socket.fileno()

    def read_some(self, timeout: float) -> str:
        """What arrived within timeout seconds ('' if nothing); raises ConsoleError when the machine is gone."""
        data, self._arrived = self._arrived, b''
        if not data:
            self._socket.settimeout(max(timeout, 0.001))
            try:
                data = self._socket.recv(65536)
            except TimeoutError:
                return ''
        if not data:
            raise ConsoleError(f'the console was closed; it last said:\n{self.transcript[-2000:]}')
        if self._log:
            self._log.write(data)
            self._log.flush()
        # a character may be cut in two
        data = self._pending + data
        cut = len(data)
        for back in range(1, min(4, len(data)) + 1):
            byte = data[-back]
            if byte & 0xC0 == 0x80:
                continue
            length = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
            cut = len(data) - back if length > back else len(data)
            break
        self._pending = data[cut:]
        text = data[:cut].decode('utf-8', 'replace')
        self.transcript += text
        return text

    def wait_for(self, text: str, timeout: float) -> str:
        """Reads until the plain text (escape sequences and \\r removed) contains `text`; returns all that came."""
        end = time.monotonic() + timeout
        raw = ''
        while True:
            plain = _plain(raw)
            if text in plain:
                return plain
            left = end - time.monotonic()
            if left <= 0:
                raise ConsoleError(f'no {text!r} on the console within {timeout:.0f} s; it last said:\n{_plain(self.transcript)[-2000:]}')
            raw += self.read_some(min(left, 1))

    def send(self, text: str | bytes) -> None:
        """Sends, and reads what comes meanwhile: QEMU stands still while nobody takes its serial output, and the echo of what is sent is such output."""
        data = text.encode() if isinstance(text, str) else text
        while data:
            readable, writable, _ = select.select([self._socket], [self._socket], [], 60)
            if not readable and not writable:
                raise ConsoleError(f'the console took no input for 60 s; it last said:\n{_plain(self.transcript)[-2000:]}')
            if readable:
                arrived = self._socket.recv(65536)
                if not arrived:
                    raise ConsoleError(f'the console was closed; it last said:\n{self.transcript[-2000:]}')
                self._arrived += arrived
            if writable:
                try:
                    data = data[self._socket.send(data[:1024], socket.MSG_DONTWAIT):]
                except BlockingIOError:
                    pass  # less room than a piece needs

    def wait_for_one(self, questions: tuple[str, ...], timeout: float) -> tuple[str, str]:
        """Reads until one of the questions stands alone on the last line; returns it and what came before it."""
        end = time.monotonic() + timeout
        raw = ''
        while True:
            raw += self.read_some(min(1.0, max(end - time.monotonic(), 0.001)))
            plain = _plain(raw)
            last = plain.rpartition('\n')[2]
            # a console that was ended and began anew may show its prompt twice on one line
            found = next((question for question in questions if last and last.replace(question, '') == ''), None)
            if found:
                # a line editor may redraw the prompt: take what follows at once
                more = self.read_some(0.05)
                if not more:
                    return found, plain[:-len(found)]
                raw += more
            elif time.monotonic() > end:
                wanted = ' or '.join(repr(question) for question in questions)
                raise ConsoleError(f'no {wanted} on the console within {timeout:.0f} s; it last said:\n{_plain(self.transcript)[-2000:]}')

    def wait_prompt(self, timeout: float = 60) -> str:
        """Reads until the prompt stands alone on the last line; returns what came before it."""
        return self.wait_for_one((PROMPT,), timeout)[1]

    def log_in(self, timeout: float = 120, account: str = ACCOUNT, password: str = PASSWORD) -> str:
        """Answers what the console asks until the prompt stands, beginning with its next question; a router without a password gets this one. Returns what it said before."""
        answers = {LOGIN: account, PASSWORD_PROMPT: password, NEW_PASSWORD: password, NEW_PASSWORD_AGAIN: password}
        end = time.monotonic() + timeout
        said, asked = '', []
        while True:
            question, before = self.wait_for_one((PROMPT, *answers), max(end - time.monotonic(), 1))
            said += before
            if question == PROMPT:
                return said
            if question in asked:
                raise ConsoleError(f'the login was refused: {before.strip()}')
            asked.append(question)
            self.send(answers[question] + '\r')

    def command(self, line: str, timeout: float = 60) -> str:
        """Sends one command at the prompt and returns what it printed, without the echo of the command."""
        self.send(line + '\r')
        return self.wait_prompt(timeout).partition('\n')[2]

    def json(self, line: str, timeout: float = 60):
        """Runs a command whose output is one JSON value; raises ConsoleError when it is not."""
        text = self.command(line, timeout)
        try:
            return json.loads(text)
        except ValueError as problem:
            raise ConsoleError(f'{line}: not JSON ({problem}):\n{text}') from problem

    def paste(self, line: str, text: str, timeout: float = 120) -> str:
        """Sends a command that reads lines up to a single dot (`apply -`), then the text; returns what it printed after the dot."""
        self.send(line + '\r')
        # what follows is for the command, not for the prompt's line editor: wait for the echo of the end of the line
        self.wait_for('\n', 10)
        for part in [*text.rstrip('\n').split('\n'), '.']:
            self.send(part + '\r')
        before, dot, after = ('\n' + self.wait_prompt(timeout)).rpartition('\n.\n')
        return after if dot else before


def _plain(raw: str) -> str:
    """The text that a person would see: no escape sequences, lines that were redrawn only as last drawn."""
    text = _ESCAPES.sub('', raw).replace('\r\n', '\n').replace('\x07', '')
    return '\n'.join(line.rstrip('\r').rpartition('\r')[2] for line in text.split('\n'))
