import json
import math
from pathlib import Path

import pytest

from vptbench import manifest
from vptbench.errors import ManifestError
from vptbench.manifest import (
    check_relative,
    delete_parts,
    file_to_sha256,
    json_to_sha256,
    json_to_text,
    library_versions,
    make_folder,
    number_to_json,
    read_json,
    read_manifest,
    relative_path,
    write_manifest,
    write_text,
    written_beside,
)


def write_half(path):
    with written_beside(path) as part:
        part.write_text("half")
        raise RuntimeError


def test_written_file_is_whole_or_absent(tmp_path):
    path = tmp_path / "deep" / "a.txt"
    with pytest.raises(RuntimeError):
        write_half(path)
    assert list(path.parent.iterdir()) == []
    with written_beside(path) as part:
        part.write_text("whole")
        assert not path.exists()
    assert [entry.name for entry in path.parent.iterdir()] == ["a.txt"]


def test_a_failed_rewrite_keeps_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(RuntimeError):
        write_half(path)
    assert path.read_text() == "old"


def test_a_folder_replaces_a_folder(tmp_path):
    for text in ("old", "new"):
        with written_beside(tmp_path / "clip") as part:
            part.mkdir()
            (part / "frame").write_text(text)
    assert (tmp_path / "clip" / "frame").read_text() == "new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["clip"]


def test_a_file_never_replaces_a_folder(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "precious").write_text("data")
    with pytest.raises(ManifestError, match=r"expected to write the file .*store, found a folder"):
        write_text(tmp_path / "store", "page")
    assert [path.name for path in tmp_path.rglob("*")] == ["store", "precious"]


def test_unfinished_parts_are_deleted(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / ".x.h5.12345678.part").write_text("")
    (tmp_path / ".y.0.part").mkdir()
    (tmp_path / "kept.part").write_text("")
    delete_parts(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "kept.part"]


def test_a_file_where_a_folder_should_be_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ManifestError, match=r"expected a folder at .*out, but .*file is a file"):
        make_folder(tmp_path / "file" / "deep" / "out")
    with pytest.raises(ManifestError, match="is a file"):
        write_text(tmp_path / "file" / "a.json", "")


def test_manifest_round_trip_and_refusals(tmp_path):
    path = tmp_path / "store.json"
    with pytest.raises(ManifestError, match=r"expected a folder with store.json \(kind-a\), found none"):
        read_manifest(path, kind="kind-a", version_number=1)
    write_manifest(path, kind="kind-a", version_number=1, body={"b": [1, "ü"]})
    assert read_manifest(path, kind="kind-a", version_number=1) == {
        "format": "kind-a",
        "version": 1,
        "b": [1, "ü"],
    }
    with pytest.raises(ManifestError, match=r"expected format 'kind-b', found 'kind-a'"):
        read_manifest(path, kind="kind-b", version_number=1)
    with pytest.raises(ManifestError, match="expected version 2 of kind-a, found 1"):
        read_manifest(path, kind="kind-a", version_number=2)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("{", "expected JSON"),
        ("[1]", "expected a JSON object, found a list"),
        ('{"a": [NaN]}', "NaN, which is no number of JSON"),
        ('{"a": Infinity}', "found something else .Infinity, which"),
        ('{"a": -Infinity}', "-Infinity, which is no number"),
        ('{"a": 1e999}', "Out of range float values"),
        (r'{"a": "\ud800"}', "surrogates not allowed"),
        (r'{"a": {"b\udfff": 1}}', "surrogates not allowed"),
        ('{"a": ' + 99999 * "[" + 99999 * "]" + "}", "expected JSON, found something else"),
        ('{"a": ' + 64 * "[" + "0" + 64 * "]" + "}", "objects and lists nested more than 64 deep"),
        ('{"a": ' + 64 * '{"b": ' + "{}" + 64 * "}" + "}", "nested more than 64 deep"),
        ('{"a": ' + 9999 * "9" + "}", "expected JSON"),
    ],
)
def test_json_that_is_none_is_refused(tmp_path, text, match):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ManifestError, match=match) as info:
        read_json(tmp_path / "a.json")
    assert "\n" not in str(info.value)
    str(info.value).encode()


def test_json_that_can_be_written_again_is_read(tmp_path):
    text = r'{"a": "\ud83d\ude00 \u00e9", "b": ' + 62 * "[" + "1.5" + 62 * "]" + "}"
    (tmp_path / "a.json").write_text(text)
    document = read_json(tmp_path / "a.json")
    assert document["a"] == "😀 é"  # two halves that belong together
    write_text(tmp_path / "b.json", json_to_text(document))
    assert read_json(tmp_path / "b.json") == document


@pytest.mark.parametrize("version", [True, 1.0, "1", None])
def test_a_version_is_an_integer(tmp_path, version):
    write_text(tmp_path / "a.json", json_to_text({"format": "kind-a", "version": version}))
    with pytest.raises(ManifestError, match=f"expected version 1 of kind-a, found {version!r}; install"):
        read_manifest(tmp_path / "a.json", kind="kind-a", version_number=1)


def test_json_text_is_canonical():
    assert json_to_text({"b": 1, "a": 2}) == '{\n  "a": 2,\n  "b": 1\n}\n'
    assert json_to_sha256({"b": 1, "a": 2}) == json_to_sha256(json.loads('{"a": 2, "b": 1}'))
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_to_text({"a": math.nan})
    assert [number_to_json(x) for x in (1.5, math.inf, math.nan)] == [1.5, None, None]


def test_sha256_of_known_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")  # FIPS 180-2, appendix B.1
    assert (
        file_to_sha256(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


@pytest.mark.parametrize("name", ["", "/a", "../a", "a//b", "a/../b", ".hidden", "a/.b", "a\\b", "a\0"])
def test_names_that_leave_their_folder_are_refused(name):
    with pytest.raises(ManifestError, match="plain relative name"):
        check_relative(name, "clip id")


@pytest.mark.parametrize("name", ["001/9/1", "91-3003CN5S", "A1+b#c", "naïve"])
def test_plain_names_pass(name):
    assert check_relative(name, "clip id") == name


def test_relative_paths_survive_a_move(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert relative_path(tmp_path / "c", tmp_path / "a" / "b") == "../../c"


def test_versions_are_of_what_is_installed(monkeypatch):
    assert library_versions()["vptbench"] == "0.1.0"
    monkeypatch.setattr(manifest, "LIBRARIES", ("numpy", "no-such-package"))
    assert set(library_versions()) == {"numpy"}


def test_a_path_without_a_name_and_a_link_to_nowhere_are_refused(tmp_path):
    with pytest.raises(ManifestError, match=r"expected a path that ends in a name, got '\.'"):
        write_text(Path(), "text")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ManifestError, match=r"expected a folder at .*link, but .*link is a file"):
        make_folder(tmp_path / "link")
