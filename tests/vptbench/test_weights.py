import hashlib
import io
import pickle
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch

from vptbench import weights
from vptbench.errors import RegistryError, WeightsError
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
    """A function: makes ``tiny`` a network whose pinned file has the bytes `data`, published at `url`."""

    def make(data, url="http://127.0.0.1:9/tiny.pth"):
        digest = hashlib.sha256(data).hexdigest()
        network = Network(file="tiny.pth", url=url, sha256=digest, licence="none", serves="this test")
        monkeypatch.setitem(NETWORKS, "tiny", network)

    return make


@contextmanager
def serving(body, *, status=200, length=None):
    """Serve `body` at every path of a local address, claiming `length` bytes; yields address and hits."""
    hits = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            hits.append(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body) if length is None else length))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words):
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/tiny.pth", hits
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_published_networks_are_pinned_in_full():
    assert set(NETWORKS) == {"alexnet", "inception-fid", "i3d-kinetics400"}
    for network in NETWORKS.values():
        assert len(network.sha256) == 64
        assert int(network.sha256, 16)
        assert network.url.startswith("https://")
        assert network.file in network.url
        assert network.licence
    assert NETWORKS["alexnet"].file == f"alexnet-owt-{NETWORKS['alexnet'].sha256[:8]}.pth"
    assert NETWORKS["inception-fid"].sha256[:8] in NETWORKS["inception-fid"].file


def test_directory_comes_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("VPTBENCH_WEIGHTS", str(tmp_path))
    assert default_directory() == tmp_path
    monkeypatch.delenv("VPTBENCH_WEIGHTS")
    assert default_directory().parts[-2:] == ("vptbench", "weights")


def test_provenance_tells_pinned_from_random():
    assert network_sha256("alexnet", "pinned") == NETWORKS["alexnet"].sha256
    hashes = {network_sha256(name, mode) for name in NETWORKS for mode in ("pinned", "random")}
    assert len(hashes) == 2 * len(NETWORKS)
    with pytest.raises(
        RegistryError, match="expected a known network, got 'alexnett'; did you mean 'alexnet'"
    ):
        network_sha256("alexnett", "pinned")


def test_missing_file(pin, tmp_path):
    pin(b"weights")
    with pytest.raises(
        WeightsError, match=rf"tiny: expected its weights at .*tiny.pth, found no file; {ADVICE}"
    ):
        resolve_weights("tiny", tmp_path)
    with pytest.raises(WeightsError, match="found no file"):
        load_state("tiny", Networks(directory=tmp_path), {})


def test_pinned_file(pin, tmp_path):
    state = {"layer.weight": torch.arange(6.0).reshape(2, 3), "layer.bias": torch.tensor([1.0, 2.0])}
    data = saved(state)
    pin(data)
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


@pytest.mark.parametrize("kind", ["state", "torchscript"])
def test_a_wrong_hash_is_never_loaded(pin, tmp_path, kind):
    pin(b"weights")
    (tmp_path / "tiny.pth").write_bytes(pickle.dumps(Trap()))
    networks = Networks(directory=tmp_path)
    with pytest.raises(
        WeightsError, match=rf"expected SHA-256 \w+ at .*, found \w+; delete that file, then {ADVICE}"
    ):
        load_state("tiny", networks, {}) if kind == "state" else load_torchscript("tiny", networks, Doubler)
    assert "found" in weights_to_problem("tiny", tmp_path)


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


def test_random_weights_follow_their_names_and_nothing_else():
    shapes = {
        "a.weight": torch.empty(64, 32, 3, 3), "b.weight": torch.empty(64, 32, 3, 3),
        "a.bias": torch.empty(64), "n.weight": torch.empty(5), "n.running_mean": torch.empty(5),
        "n.running_var": torch.empty(5), "n.num_batches_tracked": torch.tensor(9),
    }  # fmt: skip
    torch.manual_seed(0)
    state = random_state("one", shapes)
    torch.manual_seed(1)
    again = random_state("one", dict(reversed(shapes.items())))
    for key, value in state.items():
        torch.testing.assert_close(again[key], value, rtol=0, atol=0)
        assert value.shape == shapes[key].shape
    drawn = state["a.weight"]
    np.testing.assert_allclose(
        [drawn.mean(), drawn.var() * 32 * 9 / 2], [0, 1], atol=0.02
    )  # variance 2 / fan-in
    others = state["b.weight"], random_state("two", shapes)["a.weight"]
    for other in others:
        assert abs(np.corrcoef(drawn.ravel(), other.ravel())[0, 1]) < 0.03
    assert (state["a.bias"] == 0).all()
    assert (state["n.weight"] == 1).all()
    assert (state["n.running_mean"] == 0).all()
    assert (state["n.running_var"] == 1).all()
    assert state["n.num_batches_tracked"] == 0
    assert state["n.num_batches_tracked"].dtype == torch.int64


def test_random_weights_golden():
    # Origin: this rule when it was written (NumPy 2.4.6, PCG64, 2026-08). Other values are another rule's.
    drawn = random_state("alexnet", {"features.0.weight": torch.empty(64, 3, 11, 11)})["features.0.weight"]
    expected = [0.0015560123138129711, -0.046568043529987335, 0.12314847111701965]
    np.testing.assert_allclose(drawn[0, 0, 0, :3], expected, rtol=1e-5)


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


@pytest.mark.parametrize(
    ("body", "status", "length", "reason"),
    [
        (b"other bytes", 200, None, "hash"),
        (b"gone", 404, None, "404"),
        (b"weig", 200, 7, "3 more expected"),  # the connection ends too soon
    ],
)
def test_what_is_not_the_pinned_file_leaves_nothing(pin, tmp_path, body, status, length, reason):
    with serving(body, status=status, length=length) as (url, _):
        pin(b"weights", url)
        with pytest.raises(
            WeightsError, match=f"tiny: expected {url} with SHA-256 .*{reason}.*; try again, or"
        ) as info:
            fetch_weights("tiny", tmp_path)
    assert "\n" not in str(info.value)
    assert list(tmp_path.iterdir()) == []


def test_offline_is_one_line(pin, tmp_path):
    with serving(b"weights") as (url, _):
        pass  # nobody listens there any more
    pin(b"weights", url)
    with pytest.raises(
        WeightsError, match=r"got: .*; try again, or put the file at .*tiny.pth by hand"
    ) as info:
        fetch_weights("tiny", tmp_path)
    assert "\n" not in str(info.value)


def test_torch_is_not_imported_before_a_network_is_loaded():
    assert not hasattr(weights, "torch")
