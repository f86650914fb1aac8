# SPDX-License-Identifier: GPL-2.0-or-later
"""`test packet` says what the kernel then does."""

import json

import pytest

from tests.harness import daemon, hosts
from tests.harness.daemon import SERVER_V4, WAN_V4, field

LISTED, OTHER = '203.0.113.5', '203.0.113.99'
CONFIGURATION = daemon.NETWORKS + daemon.LOG_EVERYTHING + f'''
address-list vendor {{ address {LISTED}; }}
service web {{ protocol tcp; port 8080; forward-to {SERVER_V4}; forward-port 80; source {{ address-list vendor; }} }}
policy out {{ from clinic; to wan; protocol tcp; port 443; action allow; }}
'''


@pytest.fixture
def lab(new_lab):
    made = new_lab(CONFIGURATION)
    made.start()
    made.apply(CONFIGURATION)
    made.public(LISTED, OTHER)
    return made


def asked(lab, *words: str) -> tuple[int, dict]:
    run = lab.command('test', 'packet', *words, '--json')
    assert run.returncode in (0, 3), run.stderr
    return run.returncode, json.loads(run.stdout)


def test_what_it_says_of_a_service_is_what_happens(lab):
    status, said = asked(lab, 'from', LISTED, 'to', WAN_V4, 'port', '8080')
    assert status == 0 and said['rule'] == 'service.web.allow' and said['arrives'] == f'{SERVER_V4} port 80' and said['leaves'] == 'br-clinic'
    assert any(step['hook'] == 'translate' for step in said['steps'])
    with hosts.listener(lab.server, SERVER_V4, 80):
        hosts.connection(lab.outside, WAN_V4, 8080, LISTED).close()
        status, said = asked(lab, 'from', OTHER, 'to', WAN_V4, 'port', '8080')
        assert status == 3
        since = len(lab.log())
        assert hosts.refusal(lab.outside, WAN_V4, 8080, OTHER)
    event = lab.event(since, event__action='connection-denied', source__ip=OTHER)
    assert (said['rule'], said['reason'], said['line']) == (field(event, 'rule.id'), field(event, 'event.reason'), field(event, 'sekisho.rule.line'))


def test_what_it_says_of_the_inside_is_what_happens(lab):
    for port, passes in ((443, True), (80, False)):
        status, said = asked(lab, 'from', daemon.DESK_V4, 'to', LISTED, 'port', str(port))
        assert (status == 0) == passes and said['zone'] == 'clinic'
        with hosts.listener(lab.outside, LISTED, port):
            assert (hosts.refusal(lab.desk, LISTED, port) is None) == passes
