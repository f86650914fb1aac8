# SPDX-License-Identifier: GPL-2.0-or-later
"""A program on a pseudo-terminal of its own, as init starts the login on the serial line and sshd a shell.

    with Terminal('/usr/bin/sekisho', 'login') as terminal:
        terminal.wait_for('login: ')
        terminal.type('admin\\r')
"""

import contextlib
import fcntl
import os
import pty
import select
import signal
import subprocess
import termios
import time
from pathlib import Path


class Terminal:
    """`name` is what the program is called as (argv[0]); `users` are the user and group ids to start as. It ends with the block."""

    def __init__(self, program: Path | str, *arguments: str, name: str | None = None, user: int | None = None, group: int | None = None,
                 environment: dict[str, str] | None = None):
        self.transcript = ''
        self._person, self._device = pty.openpty()

        def take_terminal():
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen([name or str(program), *arguments], executable=str(program), stdin=self._device, stdout=self._device, stderr=self._device,
                                        start_new_session=True, preexec_fn=take_terminal, env={'PATH': os.environ['PATH'], **(environment or {})},
                                        user=user, group=group, extra_groups=[] if user is not None else None)

    def __enter__(self) -> 'Terminal':
        return self

    def __exit__(self, *_) -> None:
        self.hang_up()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def type(self, keys: str | bytes) -> None:
        data = keys.encode() if isinstance(keys, str) else keys
        end = time.monotonic() + 60
        while data:
            # what is shown meanwhile is taken: a terminal that nobody reads takes no keys
            readable, writable, _ = select.select([self._person], [self._person], [], 1)
            if readable:
                self._take()
            if writable:
                data = data[os.write(self._person, data[:256]):]
            assert time.monotonic() < end, f'the terminal takes no keys; it last showed:\n{self.transcript[-2000:]}'

    def wait_for(self, text: str, seconds: float = 30) -> str:
        """Reads until the text is shown; returns what was shown up to its end, and forgets it."""
        end = time.monotonic() + seconds
        while text not in self.transcript[self._seen:]:
            left = end - time.monotonic()
            assert left > 0, f'no {text!r} within {seconds:.0f} s; shown was:\n{self.transcript[-2000:]}'
            if select.select([self._person], [], [], min(left, 0.5))[0]:
                assert self._take(), f'no {text!r}, the program ended; shown was:\n{self.transcript[-2000:]}'
        start, self._seen = self._seen, self.transcript.index(text, self._seen) + len(text)
        return self.transcript[start:self._seen]

    def ask(self, line: str, prompt: str = 'sekisho> ') -> str:
        """Types a line and returns what is shown up to the next prompt."""
        self.type(line + '\r')
        return self.wait_for(prompt).partition('\n')[2].removesuffix(prompt)

    def hang_up(self) -> None:
        """Closes the terminal, as a connection that breaks does."""
        for descriptor in ('_person', '_device'):
            if getattr(self, descriptor) is not None:
                os.close(getattr(self, descriptor))
                setattr(self, descriptor, None)

    def wait_end(self, seconds: float = 20) -> int:
        """The status of the program, which ends by itself; what it still shows is in the transcript."""
        end = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < end:
            if self._person is not None and select.select([self._person], [], [], 0.1)[0]:
                self._take()
        assert self.process.poll() is not None, f'the program goes on; shown was:\n{self.transcript[-2000:]}'
        while self._person is not None and select.select([self._person], [], [], 0.1)[0] and self._take():
            pass
        return self.process.returncode

    def echoes(self) -> bool:
        """Whether the terminal itself shows what is typed."""
        return bool(termios.tcgetattr(self._device)[3] & termios.ECHO)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    _seen = 0

    def _take(self) -> bool:
        try:
            data = os.read(self._person, 65536)
        except OSError:
            return False
        self.transcript += data.decode(errors='replace')
        return bool(data)
