# SPDX-License-Identifier: GPL-2.0-or-later
"""The driver of the serial console, against a prompt made of a socket."""

import socket
import threading

import pytest

from tests.harness.console import PASSWORD, Console, ConsoleError


@pytest.fixture
def router(tmp_path):
    """Gives (console, other end): what is sent on the other end is what the router prints."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(tmp_path / 'serial'))
    listening.listen()
    console = Console(tmp_path / 'serial', tmp_path / 'log')
    other, _ = listening.accept()
    yield console, other
    console.close()
    other.close()
    listening.close()


def answer(other: socket.socket, *texts: str, typed: list[str] | None = None) -> None:
    """Waits for a line each, echoes it like a terminal, and prints the text; with `typed`, keeps the lines there and echoes nothing of them."""
    def serve():
        for text in texts:
            line = b''
            while not line.endswith(b'\r'):
                line += other.recv(1)
            if typed is not None:
                typed.append(line[:-1].decode())
            other.sendall((b'' if typed is not None else line[:-1]) + b'\r\n' + text.encode().replace(b'\n', b'\r\n'))
    threading.Thread(target=serve, daemon=True).start()


def test_command_returns_what_is_between_echo_and_prompt(router):
    console, other = router
    other.sendall(b'booting\r\nsekisho> ')
    assert console.wait_prompt(2) == 'booting\n'
    answer(other, 'one\ntwo\nsekisho> ')
    assert console.command('show log', 2) == 'one\ntwo\n'


def test_prompt_inside_a_line_is_not_the_prompt(router):
    console, other = router
    other.sendall(b'sekisho> ')
    console.wait_prompt(2)
    answer(other, 'quoted sekisho> and more\nsekisho> more\nend\nsekisho> ')
    assert console.command('x', 2) == 'quoted sekisho> and more\nsekisho> more\nend\n'


def test_escape_sequences_and_redrawn_lines_are_taken_out(router):
    console, other = router
    other.sendall('\x1b[1mready\x1b[0m\r\nsek\rsekisho> '.encode())
    assert console.wait_prompt(2) == 'ready\n'


def test_character_cut_in_two_is_put_together(router):
    console, other = router
    text = '関所\r\nsekisho> '.encode()
    for byte in text:
        other.sendall(bytes([byte]))
    assert console.wait_prompt(2) == '関所\n'


def test_paste_returns_what_follows_the_dot(router):
    console, other = router
    other.sendall(b'sekisho> ')
    console.wait_prompt(2)
    answer(other, 'Paste the configuration.\n', '', '', 'Applied: 2 lines\nsekisho> ')
    assert console.paste('apply -', 'a {\n}\n', 2) == 'Applied: 2 lines\n'


def test_login_answers_what_is_asked(router):
    console, other = router
    other.sendall(b'booting\r\n\r\nlogin: ')
    typed = []
    answer(other, 'Password: ', 'Welcome\nsekisho> ', typed=typed)
    assert console.log_in(2) == 'booting\n\n\n\nWelcome\n'
    assert typed == ['admin', PASSWORD]


def test_login_sets_the_first_password(router):
    console, other = router
    other.sendall(b'No password yet.\r\n\r\nNew password for admin: ')
    typed = []
    answer(other, 'Once more: ', 'Set.\nsekisho> ', typed=typed)
    assert console.log_in(2).startswith('No password yet.\n')
    assert typed == [PASSWORD, PASSWORD]


def test_login_that_is_refused_is_an_error_with_the_reason(router):
    console, other = router
    other.sendall(b'login: ')
    answer(other, 'Password: ', 'the account or the password is wrong\nlogin: ', typed=[])
    with pytest.raises(ConsoleError, match='password is wrong'):
        console.log_in(2)


def test_silence_is_an_error_that_shows_what_was_said(router):
    console, other = router
    other.sendall(b'hung here\r\n')
    with pytest.raises(ConsoleError, match='hung here'):
        console.wait_prompt(0.3)


def test_end_of_the_machine_is_an_error(router):
    console, other = router
    other.sendall(b'last words')
    other.close()
    with pytest.raises(ConsoleError, match='last words'):
        console.wait_prompt(2)


def test_answer_that_is_not_json_is_an_error_with_the_answer(router):
    console, other = router
    other.sendall(b'sekisho> ')
    console.wait_prompt(2)
    answer(other, 'no daemon\nsekisho> ')
    with pytest.raises(ConsoleError, match='no daemon'):
        console.json('show system --json', 2)
