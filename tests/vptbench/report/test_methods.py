"""The paragraph must carry what readers of published tables had to ask for (facts/field.md, section 5)."""

import dataclasses

import pytest

from vptbench.metrics.table import METRICS, metric_facts
from vptbench.report.methods import section_to_methods
from vptbench.report.phrases import PHRASES
from vptbench.report.table import scores_to_sections
from vptbench.scorefile import write_scores


@pytest.fixture
def paragraph(tmp_path, make_scores):
    def make(*given, **fields):
        names = given or ("mesh_warp",)
        for name in names:
            write_scores(tmp_path / "s" / name, make_scores(name, **fields))
        (section,) = scores_to_sections([tmp_path / "s" / name for name in names])
        return section_to_methods(section)

    return make


def test_everything_that_decides_a_figure_is_said(paragraph):
    benchmark = {
        "id": "fashionvideo-bdmm-v1", "sha256": "ab" * 32, "dataset": "fashionvideo", "split": "test",
        "crop": "bdmm-crop-v1", "source": {"random_first": 20, "seed": 3}, "targets": "all", "stride": 2,
        "reference": "train", "pooling": "clip", "metrics": [],
    }  # fmt: skip
    text = paragraph(
        "mine", "copy_source", benchmark=benchmark, layout="frames", resize={"method": "area"},
        data={"dataset": "fashionvideo", "videos": {"split": "test", "prepared": 97, "listed": 100}},
        intervals={"confidence": 0.95, "frame_metrics": {"method": "percentile bootstrap over clips",
                                                         "resamples": 10000, "seed": 0}},
        libraries={"vptbench": "0.1.0", "torch": "2.15.0", "numpy": "2.4.6"}, infinite=[("a", 2)],
    )  # fmt: skip
    for part in (
        "We evaluated mine and copy_source with vptbench 0.1.0 under the benchmark fashionvideo-bdmm-v1",
        "SHA-256 abababababab…",
        "2 clips and 8 frames of the test split of fashionvideo (97 of 100 videos of the test split)",
        "64 × 64 pixels (height × width), cropped by bdmm-crop-v1",
        "The source frame is drawn from the first 20 frames of each clip with seed 3.",
        "All frames are targets, the source frame among them, with stride 2.",
        "Generated frames were read as frames, resized by area.",
        "averaged over the frames of a clip, then over clips",
        "10 log10(255² / MSE)",
        "psnr-v1; 1 frames left out",
        "11 × 11 Gaussian window",
        "fid-v1@random; 8 generated samples; 8 true samples; against the train split; with random weights",
        "Intervals are 95 % by percentile bootstrap over clips (10000 resamples, seed 0).",
        "inception-fid (random, SHA-256 ffff",
        "Software: torch 2.15.0, numpy 2.4.6, on cpu.",
    ):
        assert part in text


def test_what_differs_between_rows_is_told_of_each(tmp_path, make_scores):
    torch = {"vptbench": "0.1.0", "torch": "2.15.0"}
    given = {
        "one": {"libraries": torch}, "two": {"libraries": torch | {"vptbench": "0.2.0"}, "device": "cuda"},
        "three": {"libraries": torch},
    }  # fmt: skip
    for name, fields in given.items():
        write_scores(tmp_path / name, make_scores(name, **fields))
    (section,) = scores_to_sections([tmp_path / name for name in given])
    text = section_to_methods(section)
    assert "with vptbench 0.1.0 (one and three) and 0.2.0 (two) under the benchmark" in text
    assert "Software: torch 2.15.0, on cpu (one and three); torch 2.15.0, on cuda (two)." in text


def test_fvd_says_its_windows_runs_and_seed(paragraph, make_scores):
    scores = make_scores()
    settings = {"frames": 16, "stride": 8, "runs": 50, "seed": 2307, "reference_clips": 500}
    fvd = dataclasses.replace(scores.metrics["fid-v1@random"], label="FVD", samples=100, settings=settings)
    text = paragraph(metrics={**scores.metrics, "fvd-bdmm-train-128f-s8-v1": fvd})
    assert (
        "(fvd-bdmm-train-128f-s8-v1; 100 generated samples; frames a window: 16; stride 8; mean over 50 "
        "runs; seed 2307; 500 true clips; against the train split)" in text
    )


def test_cross_driving_and_lists_and_plain_folders(paragraph):
    assert "no target" in paragraph("a", benchmark={"id": "x-v1", "sha256": "b" * 64, "dataset": "iper",
                                                    "driving": "cross", "source": {}})  # fmt: skip
    text = paragraph("b", benchmark={"id": "x-v1", "sha256": "b" * 64, "dataset": "iper",
                                     "source": {"list": "frames.json"}})  # fmt: skip
    assert "The source frame of each clip is named by the list frames.json." in text
    text = paragraph(
        "c", benchmark=None, official=False, inputs={"outputs": "o", "store": None, "targets": "t"}
    )
    assert text.startswith("We compared c with a folder of true frames")
    assert "under no benchmark" in text


def test_marks_that_turn_the_direction_of_writing_do_not_reach_it(paragraph):
    assert "evil\ufffdname" in paragraph("evil\u202ename")


def test_there_is_a_phrase_for_every_metric_that_names_what_tables_call_it():
    assert set(PHRASES) == set(METRICS)
    for name, phrase in PHRASES.items():
        assert phrase.lower().startswith(metric_facts(name).label.lower())
        assert not phrase.endswith(".")
