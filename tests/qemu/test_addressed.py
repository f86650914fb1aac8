# SPDX-License-Identifier: GPL-2.0-or-later
"""What the log says of a forwarded connection: as it was addressed, and where translation led. What a record holds of it depends on the kernel."""

import pytest
from router import DEMO, apply, field, wait_events

from tests.harness import clinic

OUTSIDE_PORT = 8080
# the service at another port outside than inside, so that no port can stand in for the other
FORWARDED = DEMO.replace('    port 80;\n    forward-to 10.0.1.20;\n', f'    port {OUTSIDE_PORT};\n    forward-to 10.0.1.20;\n    forward-port {clinic.SERVICE_PORT};\n')


@pytest.fixture(scope='module')
def forwarding(world):
    assert FORWARDED != DEMO
    apply(world, FORWARDED)
    return world


@pytest.mark.parametrize('source, page, action, rule', [
    (clinic.ALLOWED_V4, clinic.PAGE + '\n', 'connection-accepted', 'service.image-viewer.allow'),
    (clinic.DENIED_V4[0], None, 'connection-denied', 'service.image-viewer.deny')])
def test_forwarded_connection_is_logged_as_it_was_addressed(forwarding, source, page, action, rule):
    assert forwarding.fetch(forwarding.outside, str(clinic.WAN.ipv4), port=OUTSIDE_PORT, source=source, seconds=3) == page
    for event in wait_events(forwarding, {'source.ip': source}):
        names = ('event.action', 'rule.id', 'destination.ip', 'destination.port', 'destination.nat.ip', 'destination.nat.port')
        assert [field(event, name) for name in names] == [action, rule, str(clinic.WAN.ipv4), OUTSIDE_PORT, clinic.SERVER_V4, clinic.SERVICE_PORT], event


def test_service_by_ipv6_is_logged_without_translation(forwarding):
    source = clinic.DENIED_V6[0]
    assert forwarding.fetch(forwarding.outside, clinic.SERVER_V6, source=source, seconds=3) is None
    for event in wait_events(forwarding, {'source.ip': source}):
        assert (field(event, 'destination.ip'), field(event, 'destination.nat')) == (clinic.SERVER_V6, None), event
