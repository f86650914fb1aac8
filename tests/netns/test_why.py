# SPDX-License-Identifier: GPL-2.0-or-later
"""`show why`: what is known of an address that was refused, and an exception for it that works when it is applied."""

import json
import re

import pytest

from tests.harness import countries, daemon, hosts
from tests.harness.daemon import SERVER_V4, WAN_V4

REFUSED, LISTED, BLOCKED = '203.0.113.99', '203.0.113.5', '203.0.113.77'
CONFIGURATION = daemon.NETWORKS + daemon.LOG_EVERYTHING + f'''
address-list vendor {{ address {LISTED}; }}
address-list bad {{ address {BLOCKED}; }}
block {{ address-list bad; }}
service web {{ protocol tcp; port 8080; forward-to {SERVER_V4}; forward-port 80; source {{ address-list vendor; }} }}
service other {{ protocol tcp; port 8081; forward-to {SERVER_V4}; forward-port 81; source {{ address-list vendor; }} }}
'''


@pytest.fixture
def lab(new_lab):
    made = new_lab(CONFIGURATION)
    made.start()
    made.apply(CONFIGURATION)
    made.public(REFUSED, LISTED, BLOCKED)
    return made


def refuse(lab, source: str, port: int = 8080) -> None:
    since = len(lab.log())
    assert hosts.refusal(lab.outside, WAN_V4, port, source)
    lab.event(since, event__action='connection-denied', source__ip=source)


def why(lab, address: str) -> dict:
    return lab.asked('show', 'why', address)


def joined(text: str, lines: list[str]) -> str:
    """The lines in the sections of their names."""
    for line in lines:
        kind, name, body = re.fullmatch(r'(\S+) (\S+) \{ (.*) \}', line).groups()
        section = re.search(rf'{kind} {re.escape(name)} \{{', text)
        if section is None:
            text += f'{line}\n'
        elif body.startswith('source'):
            inner = re.fullmatch(r'source \{ (.*) \}', body)[1]
            text = re.sub(rf'({kind} {re.escape(name)} \{{.*?source \{{)', rf'\1 {inner}', text)
        else:
            text = text[:section.end()] + f' {body}' + text[section.end():]
    return text


def test_the_exception_lets_in_what_was_refused_and_nothing_else(lab):
    refuse(lab, REFUSED)
    said = why(lab, REFUSED)
    assert {event['rule'] for event in said['events']} == {'service.web.deny'}
    lines = [row['line'] for row in said['exception']]
    assert len(lines) == 2 and 'expires' in lines[0] and 'service web' in lines[1]
    with hosts.listener(lab.server, SERVER_V4, 80):
        lab.apply(joined(CONFIGURATION, lines))
        hosts.connection(lab.outside, WAN_V4, 8080, REFUSED).close()
    refuse(lab, REFUSED, 8081)
    lab.event(event__action='log-read', message=f'events of {REFUSED}')


def test_who_was_never_seen_and_who_is_blocked_get_no_exception(lab):
    said = why(lab, '192.0.2.1')
    assert said['events'] == [] and said['exception'] == []
    refuse(lab, BLOCKED)
    said = why(lab, BLOCKED)
    assert {event['reason'] for event in said['events']} == {'blocked-list'} and said['exception'] == []
    assert said['address_lists'] == 'bad'
    assert lab.command('show', 'why', 'x').returncode == 2


def test_a_country_is_excepted_from_the_list_that_refuses_it(new_lab):
    database = countries.built()
    if not database.exists():
        pytest.skip('no country database is built')
    abroad = next(address for address, country in zip(('8.8.8.8', '1.1.1.1', '185.191.171.10'), countries.look_up(database, ['8.8.8.8', '1.1.1.1', '185.191.171.10']), strict=True)
                  if country and country != 'JP')
    text = CONFIGURATION + 'geo-list domestic { country JP; }\ngate { geo-list domestic; }\n'
    lab = new_lab(text)
    lab.start()
    lab.apply(text)
    lab.public(abroad)
    refuse(lab, abroad)
    said = why(lab, abroad)
    assert said['events'][-1]['rule'] == 'gate.country' and said['gate'] == 'refuses'
    lines = [row['line'] for row in said['exception']]
    assert any(line.startswith('geo-list domestic { except') for line in lines)
    lab.apply(joined(text, lines))
    refuse(lab, abroad)  # now by the service
    assert json.dumps(why(lab, abroad)['events'][-1]).count('service.web.deny') == 1
