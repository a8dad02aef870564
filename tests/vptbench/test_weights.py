import hashlib
import io
import json
import os
import pickle
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler

import pytest
import torch
from click.testing import CliRunner
from local_server import serve

from vptbench import weights
from vptbench.cli import main
from vptbench.errors import DownloadError, RegistryError, WeightsError
from vptbench.weights import (
    NETWORKS,
    Network,
    Networks,
    default_directory,
    exact_inference,
    fetch_weights,
    load_state,
    load_torchscript,
    network_sha256,
    random_state,
    resolve_weights,
    weights_to_problem,
)

ADVICE = "run `vptbench weights fetch`, or use `--weights random`"


class Doubler(torch.nn.Module):
    """A network small enough for a test."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * self.layer(x)


def saved(value):
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


@pytest.fixture
def pin(monkeypatch):
    """A function: makes `name` a network whose pinned file has the bytes `data`, published at `url`.

    Its hash is pinned by the first `digits`.
    """

    def make(data, url="http://127.0.0.1:9/tiny.pth", *, name="tiny", digits=64):
        digest = hashlib.sha256(data).hexdigest()[:digits]
        network = Network(file=f"{name}.pth", url=url, sha256=digest, licence="none", serves="this test")
        monkeypatch.setitem(NETWORKS, name, network)

    return make


@pytest.fixture
def only_ours(monkeypatch):
    """No networks but those that the test pins."""
    for name in list(NETWORKS):
        monkeypatch.delitem(NETWORKS, name)


@contextmanager
def serving(body):
    """Serve `body` at every path of a local address, but nothing below /gone; yields address and hits."""
    hits = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            hits.append(self.path)
            self.send_response(404 if self.path.startswith("/gone") else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words):
            """Keep quiet."""

    with serve(Handler, lambda url: url) as url:
        yield f"{url}/tiny.pth", hits


def run(*words):
    return CliRunner().invoke(main, ["weights", *map(str, words)])


def test_published_networks_are_pinned():
    assert list(NETWORKS) == [
        "alexnet", "vgg16", "inception-fid", "inception-torchvision", "i3d-kinetics400", "vgg19",
    ]  # fmt: skip
    for name, network in NETWORKS.items():
        assert len(network.sha256) in {8, 64}
        assert int(network.sha256, 16)
        assert network.url.startswith("https://")
        assert network.file in network.url
        assert network.licence
        if name != "i3d-kinetics400":  # the other files carry the beginning of their hash in their names
            assert network.file.endswith(f"-{network.sha256[:8]}.pth")
    assert [name for name in NETWORKS if len(NETWORKS[name].sha256) < 64] == ["inception-torchvision"]


def test_directory_comes_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("VPTBENCH_WEIGHTS", str(tmp_path))
    assert default_directory() == tmp_path
    monkeypatch.delenv("VPTBENCH_WEIGHTS")
    assert default_directory().parts[-2:] == ("vptbench", "weights")


def test_provenance_tells_pinned_from_random():
    full = [name for name, network in NETWORKS.items() if len(network.sha256) == 64]
    for name in full:
        assert network_sha256(name, Networks()) == NETWORKS[name].sha256
    drawn = {network_sha256(name, Networks("random")) for name in NETWORKS}
    assert {len(digest) for digest in drawn} == {64}
    assert len(drawn | {NETWORKS[name].sha256 for name in full}) == len(NETWORKS) + len(full)
    # Origin: sha256 of "vptbench-random-v1/alexnet", by sha256sum, 2026-11: stored scores carry it.
    golden = "8f6853dbf2356d2e5eb2799326b8d07733328512b24a93af9ed442c47b7491a1"
    assert network_sha256("alexnet", Networks("random")) == golden
    with pytest.raises(
        RegistryError, match="expected a known network, got 'alexnett'; did you mean 'alexnet'"
    ):
        network_sha256("alexnett", Networks())


def test_provenance_of_a_hash_known_in_part_is_the_files(pin, tmp_path, monkeypatch):
    networks, path = Networks(directory=tmp_path), tmp_path / "tiny.pth"
    pin(b"weights", digits=8)
    with pytest.raises(WeightsError, match="found no file"):
        network_sha256("tiny", networks)
    path.write_bytes(b"weights")
    read = []
    real = weights.file_to_sha256
    monkeypatch.setattr(weights, "file_to_sha256", lambda path: read.append(path) or real(path))
    for _ in range(3):
        assert network_sha256("tiny", networks) == hashlib.sha256(b"weights").hexdigest()
    assert read == [path]
    path.write_bytes(b"another")  # as long
    os.utime(path, ns=(0, 0))
    with pytest.raises(
        WeightsError, match=r"tiny: expected SHA-256 starting with \w{8} at .*, found \w{64};"
    ):
        network_sha256("tiny", networks)
    assert len(network_sha256("tiny", Networks("random", tmp_path))) == 64


def test_missing_file(pin, tmp_path):
    pin(b"weights")
    with pytest.raises(
        WeightsError, match=rf"tiny: expected its weights at .*tiny.pth, found no file; {ADVICE}"
    ):
        resolve_weights("tiny", tmp_path)
    with pytest.raises(WeightsError, match="found no file"):
        load_state("tiny", Networks(directory=tmp_path), {})


@pytest.mark.parametrize("digits", [8, 64])
def test_pinned_file(pin, tmp_path, digits):
    state = {"layer.weight": torch.arange(6.0).reshape(2, 3), "layer.bias": torch.tensor([1.0, 2.0])}
    data = saved(state)
    pin(data, digits=digits)
    (tmp_path / "tiny.pth").write_bytes(data)
    assert weights_to_problem("tiny", tmp_path) is None
    assert resolve_weights("tiny", tmp_path) == tmp_path / "tiny.pth"
    loaded = load_state("tiny", Networks(directory=tmp_path), {})
    assert loaded.keys() == state.keys()
    for key, value in state.items():
        torch.testing.assert_close(loaded[key], value, rtol=0, atol=0)


class Trap:
    def __reduce__(self):
        return pytest.fail, ("a file with a wrong hash was unpickled",)


@pytest.mark.parametrize("digits", [8, 64])
@pytest.mark.parametrize("kind", ["state", "torchscript"])
def test_a_wrong_hash_is_never_loaded(pin, tmp_path, kind, digits):
    pin(b"weights", digits=digits)
    (tmp_path / "tiny.pth").write_bytes(pickle.dumps(Trap()))
    networks = Networks(directory=tmp_path)
    with pytest.raises(
        WeightsError, match=rf"expected SHA-256 [a-z0-9 ]+ at .*, found \w+; delete that file, then {ADVICE}"
    ):
        load_state("tiny", networks, {}) if kind == "state" else load_torchscript("tiny", networks, Doubler)
    assert "found" in weights_to_problem("tiny", tmp_path)


def test_a_full_pin_is_compared_in_full(pin, tmp_path, monkeypatch):
    """Another file whose hash begins as the pinned one does, in 8 or in 63 digits, is not the pinned file."""
    pin(b"weights")
    (tmp_path / "tiny.pth").write_bytes(b"weights")
    found = hashlib.sha256(b"weights").hexdigest()
    for digits in (8, 63):
        other = found[:digits] + "".join("0" if digit != "0" else "1" for digit in found[digits:])
        monkeypatch.setitem(NETWORKS, "tiny", replace(NETWORKS["tiny"], sha256=other))
        assert f"expected SHA-256 {other} at" in weights_to_problem("tiny", tmp_path)
        with pytest.raises(WeightsError, match=f"expected SHA-256 {other} at .*, found {found};"):
            load_state("tiny", Networks(directory=tmp_path), {})


def test_pinned_torchscript_and_random_go_through_one_loader(pin, tmp_path):
    scripted = load_torchscript("tiny", Networks("random"), Doubler)
    assert isinstance(scripted, torch.jit.ScriptModule)
    buffer = io.BytesIO()
    with pytest.warns(FutureWarning, match="deprecated"):
        torch.jit.save(scripted, buffer)
    pin(buffer.getvalue())
    (tmp_path / "tiny.pth").write_bytes(buffer.getvalue())
    pinned = load_torchscript("tiny", Networks(directory=tmp_path), Doubler)
    x = torch.ones(1, 3)
    torch.testing.assert_close(pinned(x), scripted(x), rtol=0, atol=0)
    assert not pinned.training
    state = random_state("tiny", Doubler().state_dict())
    torch.testing.assert_close(scripted(x), 2 * x @ state["layer.weight"].T)


def test_random_weights_leave_the_global_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    load_torchscript("tiny", Networks("random"), Doubler)
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)


def test_exact_inference_needs_no_gradients():
    with exact_inference():
        assert not (torch.ones(2, requires_grad=True) * 2).requires_grad


def test_fetch_brings_the_file_once(pin, tmp_path):
    with serving(b"weights") as (url, hits):
        pin(b"weights", url)
        folder = tmp_path / "not" / "there"
        assert fetch_weights("tiny", folder).read_bytes() == b"weights"
        assert resolve_weights("tiny", folder).name == "tiny.pth"
        fetch_weights("tiny", folder)
        assert len(hits) == 1
        (folder / "tiny.pth").write_bytes(b"damaged")
        assert fetch_weights("tiny", folder).read_bytes() == b"weights"


@pytest.mark.parametrize("digits", [8, 64])
def test_what_is_not_the_pinned_file_leaves_nothing(pin, tmp_path, digits):
    with serving(b"other bytes") as (url, hits):
        pin(b"weights", url, digits=digits)
        with pytest.raises(WeightsError, match=f"tiny: expected {url}, got another file in place of SHA-256"):
            fetch_weights("tiny", tmp_path)
        assert list(tmp_path.iterdir()) == []
        pin(b"other bytes", url, digits=digits)
        assert fetch_weights("tiny", tmp_path).read_bytes() == b"other bytes"
        assert len(hits) == 2


def test_offline_is_one_line(pin, tmp_path):
    with serving(b"weights") as (url, _):
        pass  # nobody listens there any more
    pin(b"weights", url)
    with pytest.raises(
        WeightsError, match=r"tiny: expected .*, got .*; run again .*, or put the file at .*tiny.pth by hand"
    ) as info:
        fetch_weights("tiny", tmp_path)
    assert "\n" not in str(info.value)


def test_a_pin_too_short_to_tell_files_apart_is_refused(pin, tmp_path):
    pin(b"weights", digits=7)
    (tmp_path / "tiny.pth").write_bytes(b"weights")
    with pytest.raises(DownloadError, match="8 to 64 lower-case hex digits"):
        resolve_weights("tiny", tmp_path)


@pytest.mark.usefixtures("only_ours")
def test_command_fetches_all_and_names_what_failed(pin, tmp_path):
    with serving(b"weights") as (url, hits):
        pin(b"weights", url.replace("tiny", "gone"), name="first")
        pin(b"weights", url, name="second", digits=8)
        pin(b"weights", name="third")
        result = run("fetch", "--weights-dir", tmp_path)
        assert result.exit_code == 2
        first, second, third, last = result.output.splitlines()
        assert first.startswith(f"first: expected {NETWORKS['first'].url}, got status 404 (Not Found); ")
        assert second == f"second: {tmp_path / 'second.pth'}"
        assert third.startswith("third: expected http://127.0.0.1:9/tiny.pth, got Connection refused; ")
        assert last == "Error: expected all 3 networks, could not have first, third; see above"
        assert len(hits) == 2
        result = run("fetch", "second", "--weights-dir", tmp_path)
        assert (result.exit_code, result.output) == (0, f"second: {tmp_path / 'second.pth'}\n")
        assert len(hits) == 2


@pytest.mark.usefixtures("only_ours")
def test_command_verifies_the_named_ones(pin, tmp_path):
    pin(b"weights", name="first")
    pin(b"weights", name="second", digits=8)
    (tmp_path / "first.pth").write_bytes(b"weights")
    (tmp_path / "second.pth").write_bytes(b"spoiled")
    result = run("verify", "first", "first", "--weights-dir", tmp_path)
    assert (result.exit_code, result.output) == (0, f"first: {tmp_path / 'first.pth'}\n")
    result = run("verify", "second", "first", "--weights-dir", tmp_path)
    assert result.exit_code == 2
    assert "second: expected SHA-256 starting with" in result.output
    assert result.output.endswith("Error: expected second, first, could not have second; see above\n")


@pytest.mark.parametrize("command", ["fetch", "verify"])
def test_a_misspelt_network_stops_before_anything_is_done(tmp_path, command):
    result = run(command, "alexnet", "vgg", "--weights-dir", tmp_path)
    assert result.exit_code == 2
    assert result.output == "Error: expected a known network, got 'vgg'; did you mean 'vgg19' or 'vgg16'?\n"


def test_command_lists_sizes_and_metrics(pin, tmp_path):
    data = bytes(3 * 2**20)
    pin(data, digits=8)
    (tmp_path / "tiny.pth").write_bytes(data)
    (tmp_path / "i3d_torchscript.pt").write_bytes(b"another file")
    rows = {
        row["network"]: row for row in json.loads(run("list", "--json", "--weights-dir", tmp_path).output)
    }
    assert list(rows) == list(NETWORKS)
    assert {name: (row["state"], row["mib"]) for name, row in rows.items()} == {
        "alexnet": ("missing", 233), "vgg16": ("missing", 528), "inception-fid": ("missing", None),
        "inception-torchvision": ("missing", 104), "i3d-kinetics400": ("damaged", 49),
        "vgg19": ("missing", 548), "tiny": ("verified", 3),
    }  # fmt: skip
    serve = {
        "alexnet": "lpips-v1", "vgg16": "lpips-vgg-v1", "inception-fid": "fid-v1",
        "inception-torchvision": "fid-bdmm-v1", "i3d-kinetics400": "fvd-v1",
    }  # fmt: skip
    for name, metric in serve.items():
        assert metric in rows[name]["metrics"].split(", ")
    assert rows["vgg19"]["metrics"] == rows["tiny"]["metrics"] == ""
    assert rows["inception-torchvision"]["sha256"] == "0cc3c7bd"
    table = run("list", "--weights-dir", tmp_path).output.splitlines()
    assert table[0].split() == ["network", "serves", "state", "mib"]
    assert table[1].split() == ["alexnet", "trunk", "of", "LPIPS", "missing", "233"]
    assert table[3].split()[-2:] == ["missing", "?"]  # the size of inception-fid
    assert max(map(len, table)) < 120


def test_torch_is_not_imported_before_a_network_is_loaded():
    assert not hasattr(weights, "torch")
