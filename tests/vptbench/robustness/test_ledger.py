"""What stands in a sweep's folder while it grows: damage, and what an interruption leaves."""

import json
import shutil

import pytest

from vptbench.errors import ManifestError, ScoreError
from vptbench.robustness.ledger import open_ledger, read_ledger
from vptbench.robustness.sweep import run_sweep


@pytest.mark.usefixtures("swept")
def test_a_damaged_ledger_is_refused(settings, again):
    shutil.copytree(settings.out, again.out)
    path = again.out / "sweep.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "disturbance": None}))
    with pytest.raises(
        ScoreError, match="expected the fields disturbance and store, found none; sweep again"
    ):
        run_sweep(again)
    path.write_text(json.dumps({**document, "version": 2}))
    with pytest.raises(ManifestError, match="expected version 1 of vptbench-sweep, found 2"):
        run_sweep(again)


@pytest.mark.usefixtures("swept")
def test_what_an_interruption_left_half_written_is_deleted(settings, again):
    shutil.copytree(settings.out, again.out)
    part = again.out / "scores" / ".jitter-1-0.0123abcd.part"
    part.mkdir()
    (part / "scores.json").write_text("{}")
    open_ledger(again.out, read_ledger(again.out).facts)
    assert not part.exists()
    assert (again.out / "scores" / "jitter-1-0").is_dir()
