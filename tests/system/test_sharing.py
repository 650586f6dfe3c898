# SPDX-License-Identifier: BSD-3-Clause
"""Load sharing with ways that differ: requests pass FW1, answers FW2 (X39), and either dies (X40)."""
import pytest

from twlab import sharing
from twlab.measure import Traffic


@pytest.fixture(scope="module")
def module_config():
    return sharing.share


@pytest.fixture
def crossed(lab, boxes, servers):
    """Both active; what the client sends passes FW1, what the server sends FW2."""
    sharing.cross(lab)
    for box in boxes:
        box.end()
    sharing.start(boxes)
    return boxes


def forwarded(pair):
    return [box.rows("statistics")[0]["forwarded"] for box in pair]


@pytest.mark.parametrize("dies", ["fw2", pytest.param("fw1", marks=pytest.mark.long)])
def test_X39_X40_connections_by_one_box_each_way_outlive_either(lab, crossed, dies):
    before = forwarded(crossed)
    with Traffic(lab, connections=100, download_bytes=4_000_000, download_rate=1_000_000) as traffic:
        traffic.flow(0.5)
        # Each box has had its direction, and no connection opened without the other's copy.
        assert all(now - then > 200 for now, then in zip(forwarded(crossed), before))
        waited = crossed.fw1.rows("statistics")[0]
        assert waited["deferred_acked"] >= 100 and waited["held"] == 0, waited
        translated = crossed.fw2.sessions(protocol="tcp", destination_port=7080)
        assert [s["nat_source"] for s in translated] == [sharing.PUBLIC] and translated[0]["shared"]
        box = crossed.boxes[dies]
        box.kill()
        traffic.flow(0.7)
        box.start()
        sharing.wait_shared(crossed)
        traffic.flow(0.3)
        report = traffic.finish()
    assert report["flows"]["kept"] == 100, report["flows"]
    assert report["download"]["ok"], report["download"]
