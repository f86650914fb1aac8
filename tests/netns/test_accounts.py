# SPDX-License-Identifier: GPL-2.0-or-later
"""Accounts at the control socket: the kernel says who asks, an id is one name's for good, and who was removed is refused from the next command on."""

import subprocess

import pytest

from tests.harness import daemon
from tests.harness.daemon import CLIENT, field

KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBzrWmAVHw4OqQkJ0LNURtQK8lijA1Ah2YE6Mus+SLtQ'
FINGERPRINT = 'SHA256:HAyIvKVkPF2mqGmrzIlxS2BYdXfXpotw6qPhZEZjyLw'  # by ssh-keygen
ADMIN, GROUP = 2000, 2000


def configuration(*names: str) -> str:
    return daemon.NETWORKS + daemon.LOG_EVERYTHING + ''.join(f'account {name} {{ description "Account of {name}"; }}\n' for name in names)


CONFIGURATION = configuration('tanaka', 'suzuki')


def as_user(lab, user: int, *words: str, group: int = GROUP, contents: str | None = None) -> subprocess.CompletedProcess:
    """`sekisho WORDS` as the kernel knows an account that logged in."""
    return lab.command(*words, contents=contents, prefix=('setpriv', f'--reuid={user}', f'--regid={group}', '--clear-groups', '--inh-caps=-all', '--no-new-privs', '--'))


def ids(lab) -> dict[str, int | None]:
    return {row['name']: row['user_id'] for row in lab.asked('show', 'accounts')['accounts']}


def served(lab, user: int) -> bool:
    run = as_user(lab, user, 'show', 'version')
    assert run.returncode in (0, 1), run
    if run.returncode == 1:
        assert 'may not administer' in run.stderr
    return run.returncode == 0


@pytest.fixture
def started(new_lab):
    lab = new_lab(CONFIGURATION)
    # what the tests run as somebody else must be within their reach
    assert subprocess.run(['setpriv', '--reuid=2001', '--regid=2000', '--clear-groups', '--', 'test', '-x', str(CLIENT)], check=False).returncode == 0
    lab.start()
    return lab


def test_accounts_are_served_under_their_names(started):
    lab = started
    assert ids(lab) == {'admin': 2000, 'tanaka': 2001, 'suzuki': 2002}
    for user, name in ((ADMIN, 'admin'), (2001, 'tanaka'), (2002, 'suzuki')):
        assert served(lab, user)
        since = len(lab.log())
        run = as_user(lab, user, 'apply', '-', contents=CONFIGURATION + f'# by {name}\n')
        assert run.returncode == 0, run
        assert field(lab.event(since, event__action='apply'), 'user.name') == name
    assert as_user(lab, 2001, 'session', 'begin').returncode == 0
    assert lab.event(event__action='login', event__outcome='success', user__name='tanaka')
    rows = {row['name']: row for row in lab.asked('show', 'accounts')['accounts']}
    assert rows['tanaka']['last_login'] and not rows['suzuki']['last_login']
    assert rows['admin']['password'] and not rows['tanaka']['password']
    assert rows['suzuki']['description'] == 'Account of suzuki'


def test_nobody_else_is_served(started):
    lab = started
    # outside the group the socket does not even open
    for user, group in ((2001, 2001), (65534, 65534), (1000, 100)):
        run = as_user(lab, user, 'show', 'version', group=group)
        assert run.returncode == 1 and 'ermission denied' in run.stderr
    since = len(lab.log())
    for user in (1, 1999, 2003, 65534):
        assert not served(lab, user)
    refused = lab.logged({'event.action': 'login', 'event.outcome': 'failure', 'event.reason': 'not-authorised'}, since)
    assert len(refused) == 4 and all(field(event, 'event.kind') == 'alert' for event in refused)
    assert field(refused[2], 'user.name') == '2003'


def test_commands_of_the_own_programs_are_refused_to_accounts(started):
    lab = started
    for words in (('lease-event', 'bound', 'interface=wan0', 'ip=198.51.100.9', 'mask=255.255.255.0'), ('authenticate', 'state'), ('authenticate', 'password', 'admin')):
        since = len(lab.log())
        run = as_user(lab, ADMIN, *words)
        assert run.returncode == 1 and 'own programs' in run.stderr and run.stdout == ''
        event = lab.event(since, event__outcome='failure', event__reason='not-authorised')
        assert field(event, 'user.name') == 'admin' and words[0] in field(event, 'message')
    assert lab.command('authenticate', 'state').stdout == 'state ready\n'


def test_removed_account_is_refused_from_its_next_command_on(started):
    lab = started
    assert served(lab, 2001)
    run = as_user(lab, 2001, 'apply', '-', contents=configuration('suzuki'))  # even its own doing
    assert run.returncode == 0, run
    since = len(lab.log())
    assert not served(lab, 2001)
    assert field(lab.event(since, event__reason='not-authorised'), 'user.name') == 'tanaka'
    run = as_user(lab, 2001, 'apply', '-', contents=CONFIGURATION)
    assert run.returncode == 1 and served(lab, 2002) and ids(lab) == {'admin': 2000, 'suzuki': 2002}


def test_refused_apply_changes_no_account(started):
    lab = started
    run = lab.command('apply', '-', contents=configuration('suzuki') + 'nonsense;\n')
    assert run.returncode == 1
    assert served(lab, 2001)


def test_id_is_never_another_name_s(started):
    lab = started
    lab.apply(configuration('abe'))
    assert ids(lab) == {'admin': 2000, 'abe': 2003}
    assert not served(lab, 2001) and not served(lab, 2002) and served(lab, 2003)
    lab.apply(configuration())
    for _ in range(2):  # a start forgets nothing, however it came
        lab.kill()
        lab.start()
        assert ids(lab) == {'admin': 2000} and served(lab, ADMIN)
    lab.apply(configuration('sato', 'suzuki', 'tanaka'))
    assert ids(lab) == {'admin': 2000, 'sato': 2004, 'suzuki': 2002, 'tanaka': 2001}
    lab.kill()
    lab.start()
    assert ids(lab) == {'admin': 2000, 'sato': 2004, 'suzuki': 2002, 'tanaka': 2001}
    assert served(lab, 2004) and not served(lab, 2003)


def test_keys_are_shown_as_openssh_shows_them(started):
    lab = started
    lab.apply(configuration('suzuki') + f'account tanaka {{ ssh-key "{KEY} tanaka@desk"; }}\naccount admin {{ description "The clinic"; }}\n')
    rows = {row['name']: row for row in lab.asked('show', 'accounts')['accounts']}
    assert rows['tanaka']['ssh_keys'] == [{'type': 'ssh-ed25519', 'fingerprint': FINGERPRINT}]
    assert rows['admin']['description'] == 'The clinic' and rows['admin']['user_id'] == 2000
    shown = lab.command('show', 'accounts').stdout
    assert f'ssh-ed25519 {FINGERPRINT}' in shown and shown.rstrip().splitlines()[-1].startswith('3 accounts')


# ---- damage ------------------------------------------------------------------------------------------------------------------------------------------------


def test_copy_stands_in_for_a_damaged_file_of_ids(started):
    lab = started
    lab.apply(configuration('abe'))
    lab.kill()
    (lab.data / 'state' / 'accounts').write_bytes(b'\0' * 512)
    lab.start()
    lab.apply(configuration('sato', 'tanaka'))
    assert ids(lab) == {'admin': 2000, 'sato': 2004, 'tanaka': 2001}
    assert any('its copy is used' in (field(event, 'message') or '') for event in lab.logged({'event.action': 'accounts'}))


def test_damaged_ids_close_logins_rather_than_being_handed_out_anew(started):
    lab = started
    lab.kill()
    for name in ('accounts', 'accounts-copy'):
        path = lab.data / 'state' / name
        path.write_bytes(path.read_bytes().replace(b'suzuki', b'suzuka'))
    lab.start()
    assert served(lab, ADMIN) and not served(lab, 2001) and not served(lab, 2002)
    lab.apply(configuration('abe', 'suzuki'))
    assert ids(lab) == {'admin': 2000, 'abe': None, 'suzuki': None}
    assert not any(served(lab, user) for user in range(2001, 2005))
    shown = lab.asked('show', 'accounts')
    assert 'digest' in shown['problem'] and [row['may_log_in'] for row in shown['accounts']] == [True, False, False]
    assert any('digest' in field(event, 'message') for event in lab.logged({'event.action': 'accounts', 'event.kind': 'alert'}))


def test_account_whose_id_can_not_be_stored_may_not_log_in(started):
    lab = started
    # what is in the way of the file's replacement
    for name in ('accounts-copy', 'accounts'):
        (lab.data / 'state' / name).unlink()
        (lab.data / 'state' / name).mkdir()
        (lab.data / 'state' / name / 'x').touch()
    lab.apply(configuration('tanaka', 'abe'))
    assert ids(lab) == {'admin': 2000, 'tanaka': 2001, 'abe': None}
    assert served(lab, 2001) and not served(lab, 2003)
    assert 'accounts' in lab.asked('show', 'accounts')['problem']
    for name in ('accounts-copy', 'accounts'):
        (lab.data / 'state' / name / 'x').unlink()
        (lab.data / 'state' / name).rmdir()
    lab.apply(configuration('tanaka', 'abe') + '# again\n')
    assert ids(lab)['abe'] == 2003 and served(lab, 2003)
