# SPDX-License-Identifier: GPL-2.0-or-later
"""The way in over the serial line: the first boot to a set password, with the WAN down until then, and every login after it."""

import ipaddress

from router import DEMO, apply, events, field, system, wait_events

from tests.harness import clinic, packets, pcapfile
from tests.harness.console import ACCOUNT, LOGIN, NEW_PASSWORD, NEW_PASSWORD_AGAIN, PASSWORD, PASSWORD_PROMPT, PROMPT
from tests.harness.vm import MAC_ADDRESSES

WAN_MAC = MAC_ADDRESSES['wan0']
# what each is refused for, as the router says it
WEAK = {'Short-1': 'at least 13', 'sekisho-Gate-2026': 'name', '1qaz2wsx3edcX!': 'key'}


def ask_first(console, password: str, again: str | None = None) -> tuple[str, str]:
    """Answers the question for the first password that stands, and returns the next question and what was said before it."""
    console.send(password + '\r')
    console.wait_for_one((NEW_PASSWORD_AGAIN,), 60)
    console.send((password if again is None else again) + '\r')
    return console.wait_for_one((NEW_PASSWORD, PROMPT), 60)


def answer(console, account: str, password: str) -> tuple[str, str]:
    """Answers a login prompt that stands; the same."""
    console.send(account + '\r')
    console.wait_for_one((PASSWORD_PROMPT,), 60)
    console.send(password + '\r')
    return console.wait_for_one((LOGIN, PROMPT), 90)


def sent_by_wan(recording) -> list[bytes]:
    """Frames that the router sent from its WAN port."""
    own = bytes.fromhex(WAN_MAC.replace(':', ''))
    return [record.data for record in pcapfile.read(recording.path) if record.data[6:12] == own]


def stored(world) -> bytes:
    """Every byte of the data disk, as it is when the plug is pulled."""
    return world.machine.data.read_bytes()


def test_first_boot_sets_a_password_before_the_wan_comes_up(new_world):
    world = new_world()
    world.start_servers()
    gateway = ipaddress.ip_address('198.51.100.1')
    with world.record(world.outside, 'router', 'before-password') as silence:
        world.machine.start()
        console = world.machine.console
        _, greeting = console.wait_for_one((NEW_PASSWORD,), 120)
        assert 'WAN port stays down' in greeting and 'WAN 側は停止したまま' in greeting
        assert 'sekisho> ' not in console.transcript and LOGIN not in console.transcript
        # the inside works already
        assert world.client.run('ping', '-n', '-c1', '-W10', '10.0.1.1').returncode == 0
        for password, reason in WEAK.items():
            question, said = ask_first(console, password)
            assert question == NEW_PASSWORD and reason in said, said
        question, said = ask_first(console, PASSWORD, PASSWORD + 'x')
        assert question == NEW_PASSWORD and 'The two differ' in said
        # whoever is next door gets no answer, not even from the address that the provider would give
        world.outside.run('ping', '-n', '-c2', '-W1', '-I', str(gateway), str(clinic.WAN.ipv4), check=False)
    assert sent_by_wan(silence) == []

    with world.record(world.outside, 'router', 'after-password', f'ether src {WAN_MAC}') as alive:
        question, said = ask_first(console, PASSWORD)
        assert question == PROMPT and 'password of admin is set' in said
        wan = next(row for row in console.json('show interfaces --json')['interfaces'] if row['name'] == 'wan0')
        assert wan['state'] == 'up'
        apply(world, DEMO)
        assert world.fetch(world.outside, str(clinic.WAN.ipv4), source=clinic.ALLOWED_V4) == clinic.PAGE + '\n'
    assert sent_by_wan(alive) != []
    assert console.json('show system --json')['uptime_seconds'] > 0  # the same boot: nobody rebooted
    for action in ('password-set', 'login'):
        event = wait_events(world, {'event.action': action, 'event.outcome': 'success'})[0]
        assert (field(event, 'user.name'), field(event, 'sekisho.session.origin')) == (ACCOUNT, 'console')
    assert field(wait_events(world, {'event.action': 'apply'})[0], 'user.name') == ACCOUNT

    # no password is anywhere but in its hash
    log = console.command('show log --last 1000 --json')
    for secret in (PASSWORD, *WEAK):
        assert secret not in console.transcript and secret not in log
    world.machine.power_cut()
    disk = stored(world)
    assert not any(secret.encode() in disk for secret in (PASSWORD, *WEAK))


def test_login_after_a_power_cut(new_world):
    world = new_world()
    world.machine.start()
    world.machine.wait_enforcing()
    apply(world, DEMO)
    world.machine.power_cut()

    world.machine.start()
    console = world.machine.console
    console.wait_for_one((LOGIN,), 120)
    assert NEW_PASSWORD not in console.transcript
    version = world.machine.image.facts['identity']['version']
    assert version not in console.transcript and 'Sekisho' not in console.transcript
    for number, (account, password) in enumerate(((ACCOUNT, 'wrong-Password-1'), ('nobody', 'wrong-Password-2'), (PASSWORD, 'wrong-Password-3'))):
        question, said = answer(console, account, password)
        assert question == LOGIN and 'wrong' in said and f'Please wait {2 ** number} second' in said, said
    question, said = answer(console, ACCOUNT, PASSWORD)
    assert question == PROMPT and version in said
    assert system(world)['policy_source'] == 'committed'
    apply(world, DEMO + '# once more\n')

    failures = events(world, {'event.action': 'login', 'event.outcome': 'failure'})
    assert [field(event, 'user.name') for event in failures] == [ACCOUNT, 'nobody', '(no account name)']
    assert {field(event, 'sekisho.session.origin') for event in failures} == {'console'}
    assert {field(event, 'event.kind') for event in failures} == {'alert'}
    for action in ('login', 'apply'):
        event = events(world, {'event.action': action, 'event.outcome': 'success'})[-1]
        assert (field(event, 'user.name'), field(event, 'sekisho.session.origin')) == (ACCOUNT, 'console')
    log = console.command('show log --last 1000 --json')
    assert 'wrong-Password' not in log and PASSWORD not in log
    # typed as a name it was shown, as every name
    assert 'wrong-Password' not in console.transcript and console.transcript.count(PASSWORD) == 1


def assert_no_shell(text: str) -> None:
    assert not any(trace in text for trace in ('# ', '$ ', 'BusyBox', '/ #', 'sysrq', 'SysRq')), text


def test_no_key_leads_to_a_shell(new_world):
    world = new_world()
    world.machine.disconnect()
    world.machine.start()
    world.machine.wait_enforcing()
    console = world.machine.console

    for keys in ('\x03', '\x1a', '\x1c', '\x1a\x03', '\x00', '\x1b', '\x11', '\x13', '\x1d'):
        console.send(keys)
        console.send('\x15\r')
        assert_no_shell(console.wait_prompt())
    for _ in range(3):
        world.machine.send_break()
        console.send('h\x15\r')  # with a break in front: a request to the kernel, if it took any
        assert_no_shell(console.wait_prompt())
    assert console.json('show version --json')['product'] == 'Sekisho'

    # each way to end the session leads to the login
    for end in ('quit\r', '\x04', 'show version\rquit\r'):
        console.send(end)
        _, said = console.wait_for_one((LOGIN,), 60)
        assert_no_shell(said)
        question, said = answer(console, ACCOUNT, PASSWORD)
        assert question == PROMPT
        assert_no_shell(said)
    console.send('quit\r')
    console.wait_for_one((LOGIN,), 60)

    before = len(console.transcript)
    for keys in ('\x03', '\x04', '\x15\r', '\r\r\r'):
        console.send(keys)
        console.wait_for_one((LOGIN,), 60)
    for keys in ('\x1a', '\x1c', '\x00', '\x1a\x1c'):
        console.send(keys + '\r')
        console.wait_for_one((PASSWORD_PROMPT,), 60)
        console.send('\x03')
        console.wait_for_one((LOGIN,), 60)
    console.send(ACCOUNT + '\r')
    console.wait_for_one((PASSWORD_PROMPT,), 60)
    for keys in (b'secret\x1a', b'secret\x1c', b'\xff\xfe\x80secret'):
        console.send(keys)
    world.machine.send_break()
    console.send('\x03')
    console.wait_for_one((LOGIN,), 60)
    for _ in range(3):
        world.machine.send_break()
        console.send('h\x15\r')
        console.wait_for_one((LOGIN,), 60)
    text = console.transcript[before:]
    assert_no_shell(text)
    assert 'secret' not in text
    assert answer(console, ACCOUNT, PASSWORD)[0] == PROMPT


def test_noise_on_the_line_is_survived(new_world):
    world = new_world()
    world.machine.disconnect()
    world.machine.start()
    console = world.machine.console
    # a few keys while nothing listens: more than its buffer holds, and QEMU's serial port never tells the kernel of any again
    console.send(b'\xfftyped-early\r')
    console.wait_for_one((NEW_PASSWORD,), 120)
    assert 'typed-early' not in console.transcript
    noise = bytes(byte for byte in range(256) if byte not in (3, 4, 8, 10, 13, 21, 23, 27, 127)) * 64
    console.send(noise + b'\r')
    assert 'too long' in console.wait_for_one((NEW_PASSWORD,), 60)[1]
    assert ask_first(console, PASSWORD)[0] == PROMPT
    assert 'too long' in console.command('x' * 65536, 120)
    console.send(noise + b'\x15')
    assert console.json('show version --json')['product'] == 'Sekisho'
    console.send('quit\r')
    console.wait_for_one((LOGIN,), 60)
    console.send(b'\xff' * 16384 + b'\r')
    console.wait_for_one((PASSWORD_PROMPT,), 60)
    console.send('x' * 65536 + '\r')
    assert 'too long' in console.wait_for_one((LOGIN,), 60)[1]
    assert answer(console, ACCOUNT, PASSWORD)[0] == PROMPT
    assert events(world, {'event.action': 'login', 'event.outcome': 'failure'}) == []  # nothing of it was an attempt
