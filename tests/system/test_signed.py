# SPDX-License-Identifier: BSD-3-Clause
"""A pair whose messages are encrypted (HAC-01, HAC-02): it forms, mirrors, takes over; secrets stay hidden."""
import os

import pytest

from twlab.faults import TABLE
from twlab.wait import wait_until

SECRET = "a secret of the two boxes of the lab"


def write_key(path, text):
    path.touch(mode=0o600)
    path.write_text(text + "\n")
    return str(path)


@pytest.fixture(scope="module")
def module_config(lab):
    path = write_key(lab.dir / "hrp.key", SECRET)

    def change(config):
        config["hrp_security"] = {"keys": [{"id": 7, "file": path}]}
    return change


def refused(box):
    return {r["counter"]: r["value"] for r in box.rows("hrp-statistics") if r["group"] == "refused"}


def test_HAC_01_a_signed_pair_takes_over(pair, servers):
    for box in pair:
        assert "Signature: aes-256-gcm, key 7, enforce" in box.show("display hrp state verbose")
        assert not [line for line in box.log().split("\n") if "not signed" in line]
    r = TABLE["X01"].round(pair, active="fw1")
    assert not r.wrong, f"{r.wrong} {r.row}"
    # The life before is known no more; nothing else was refused but what came twice.
    for box in pair:
        counted = {k: v for k, v in refused(box).items() if v > 0}
        assert set(counted) <= {"life", "replayed", "late", "source"}, counted


def test_HAC_02_the_secret_is_shown_nowhere(pair):
    for box in pair:
        assert SECRET not in box.log() + box.show("display configuration")


def test_HAC_02_a_box_with_another_secret_is_not_heard(boxes, lab):
    """It is no peer; what it says is counted, and the box that has the role keeps it."""
    boxes.whole()
    fw1, fw2 = boxes.fw1, boxes.fw2
    before = fw1.rows("hrp-state")[0]["takeovers"]
    fw2.terminate()
    lab.plug("fw2", "in", False)
    lab.plug("fw2", "out", False)  # alone it would take over: two secrets are as good as no cable
    saved = fw2.config["hrp_security"]
    fw2.config["hrp_security"] = {"keys": [
        {"id": 7, "file": write_key(lab.dir / "other.key", SECRET[::-1])}]}
    try:
        fw2.start()
        wait_until(lambda: refused(fw1)["tag"] >= 3 and refused(fw2)["tag"] >= 3, 10,
                   lambda: f"refused: {refused(fw1)} {refused(fw2)}")
        assert fw1.role() == "active" and fw1.rows("hrp-state")[0]["takeovers"] == before
        assert fw1.rows("hrp-state")[0]["peer"] == "unknown"
    finally:
        fw2.terminate()
        fw2.config["hrp_security"] = saved
        os.unlink(lab.dir / "other.key")
        lab.plug("fw2", "in", True)
        lab.plug("fw2", "out", True)
