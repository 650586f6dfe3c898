# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures of the system tests: README.md beside this file tells how to use them."""
import copy
import os
import signal
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parent.parent.parent / "scripts"
sys.path.insert(0, str(SCRIPTS))

from twlab.box import program  # noqa: E402
from twlab.config import add_ipv6  # noqa: E402
from twlab.measure import Servers  # noqa: E402
from twlab.netns import Lab  # noqa: E402
from twlab.rounds import WholePair  # noqa: E402
from twlab.wait import wait_until  # noqa: E402

HELLO_MS = 100
DEAD_MS = 3 * HELLO_MS  # D: the peer is dead after this silence


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="the slow cases as well")
    parser.addoption("--prefix", default="twsys", help="name of the lab")


def pytest_configure(config):
    config.addinivalue_line("markers", "long: minutes instead of seconds; only with --long")
    # SIGTERM must clean up as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))


def pytest_collection_modifyitems(config, items):
    if config.getoption("--long"):
        return
    long_ones = [i for i in items if i.get_closest_marker("long")]
    config.hook.pytest_deselected(items=long_ones)
    items[:] = [i for i in items if i not in long_ones]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed case shows the end of the boxes' logs."""
    outcome = yield
    report = outcome.get_result()
    if report.when == "call" and report.failed:
        pair = item.funcargs.get("pair") or item.funcargs.get("boxes")
        for box in pair or ():
            report.sections.append((f"log of {box.name}", box.log_tail(30)))


@pytest.hookimpl(trylast=True)
def pytest_runtest_call(item):
    """Behind every case that has passed: no box has lost count of a packet."""
    for box in item.funcargs.get("boxes") or ():
        if box.answering():
            box.wait_accounted()


@pytest.fixture(scope="session")
def _session_lab(request):
    lab = Lab(request.config.getoption("--prefix"))
    lab.lock()
    try:
        yield lab
    finally:
        lab.down()
        lab.unlock()


@pytest.fixture(scope="module")
def lab(_session_lab):
    """A fresh lab for the cases of one file; no box runs yet."""
    if os.geteuid() != 0:
        pytest.fail("the system tests make network namespaces: run them as root")
    program("twinwalld")
    _session_lab.down()
    _session_lab.up()
    yield _session_lab
    _session_lab.down()


@pytest.fixture(scope="module")
def servers(lab):
    """The server's programs: flows.PORT, download.PORT."""
    s = Servers(lab)
    yield s
    s.close()


@pytest.fixture(scope="module")
def module_config():
    """Override in a file: a function that changes the configuration (a dict) of both boxes."""
    return lambda config: None


@pytest.fixture(scope="module")
def boxes(lab, module_config):
    """Both boxes, configured but not started."""
    pair = WholePair(lab, HELLO_MS)
    pair.configure(module_config)
    yield pair
    try:
        pair.wait_empty()
    finally:
        pair.end()


@pytest.fixture
def pair(boxes):
    """A whole pair: FW1 active, FW2 standby, synchronised."""
    boxes.whole()
    return boxes


@pytest.fixture
def one_box(lab, boxes):
    """FW1, not running, alone: for cases about one daemon's start and end."""
    for box in boxes:
        box.end()
    box = boxes.fw1
    saved = box.config
    box.config = copy.deepcopy(saved)
    yield box
    try:
        if box.answering():
            box.wait_empty()
    finally:
        box.end()
        box.config = saved


def start6(lab, box):
    """FW1 alone, with IPv6 beside what its configuration has, its addresses checked and in use."""
    add_ipv6(box.config, "fw1")
    lab.ipv6("fw1")
    box.start()
    box.wait_role("active")
    wait_until(lambda: [r["state"] for r in box.rows("ipv6_interface")] == ["valid"] * 4, 5,
               "the addresses are in use")
    return box


@pytest.fixture
def box6(lab, one_box):
    return start6(lab, one_box)
