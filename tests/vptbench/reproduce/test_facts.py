"""Whose checkpoint it is, told by what lies around it."""

from vptbench.reproduce.facts import _is_own_run


def test_a_checkpoint_of_a_run_is_known_by_the_run(tmp_path):
    run, file = tmp_path / "run", tmp_path / "run" / "checkpoints" / "000012.pt"
    file.parent.mkdir(parents=True)
    file.touch()
    assert not _is_own_run(file)
    assert not _is_own_run(run)
    (run / "run.json").write_text("{}")
    assert _is_own_run(file)
    assert _is_own_run(run)
    (tmp_path / "latest_net_G.pth").touch()
    assert not _is_own_run(tmp_path / "latest_net_G.pth")


def test_what_was_replaced_is_what_differs(make_facts):
    assert make_facts().replaced == {}
    facts = make_facts(used_crop="full-v1", used_dataset="synthetic", used_id="mine-v1")
    assert facts.replaced == {
        "dataset": ("fashionvideo", "synthetic"), "crop": ("bdmm-crop-v1", "full-v1"),
    }  # fmt: skip
