# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon on the host's kernel, with hosts in namespaces around it. A module's tests share one lab; its module-level CONFIGURATION is in force at the start,
with its COUNTRIES as the image's country database."""

import pytest

from tests.harness import daemon


def pytest_collection_modifyitems(items):
    # drivers/ has needs of its own
    reason = None
    checked = False
    for item in items:
        if 'lab' in getattr(item, 'fixturenames', ()) or 'new_lab' in getattr(item, 'fixturenames', ()):
            if not checked:
                reason, checked = daemon.missing_features(), True
            if reason:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope='module')
def module_lab(request):
    countries = getattr(request.module, 'COUNTRIES', None)
    with daemon.Lab(request.module.CONFIGURATION, countries=countries() if callable(countries) else countries) as made:
        prepare = getattr(request.module, 'prepare', None)
        if prepare:
            prepare(made)
        made.start()
        yield made
        made.assert_healthy()
        if made.process is not None:
            made.stop()


@pytest.fixture
def lab(module_lab):
    """The module's lab, with a daemon that answers."""
    yield module_lab
    module_lab.assert_healthy()


@pytest.fixture
def new_lab():
    """Makes labs whose daemon is not started yet; they end with the test."""
    labs = []

    def make(configuration: str = daemon.NETWORKS, factory: bool = True, **options) -> daemon.Lab:
        made = daemon.Lab(configuration, factory, **options)
        labs.append(made)
        made.__enter__()
        return made

    yield make
    for made in labs:
        try:
            made.assert_healthy()
        finally:
            made.close()
