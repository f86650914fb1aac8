# SPDX-License-Identifier: GPL-2.0-or-later
"""The router's image in QEMU. `world` is one booted router that a whole module shares; `new_world` makes routers that a test may hurt."""

import shutil

import pytest
from router import DEMO, IMAGE, WORK, apply

from tests.harness.clinic import Clinic


@pytest.fixture(scope='module')
def world(request):
    """A router with the demo's configuration, real servers and a time server around it."""
    folder = WORK / request.module.__name__
    shutil.rmtree(folder, ignore_errors=True)
    with Clinic(IMAGE, folder) as made:
        made.start_servers()
        made.machine.start()
        made.machine.wait_enforcing()
        apply(made, DEMO)
        yield made


@pytest.fixture
def new_world(request):
    """Makes worlds whose machine is not started yet; they end with the test."""
    worlds = []

    def make(image=IMAGE) -> Clinic:
        folder = WORK / f'{request.node.name}-{len(worlds)}'
        shutil.rmtree(folder, ignore_errors=True)
        made = Clinic(image, folder)
        made.__enter__()
        worlds.append(made)
        return made

    yield make
    for made in worlds:
        made.__exit__(None, None, None)
