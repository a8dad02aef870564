"""Feature networks: where their weights come from, and the only doors through which they are loaded.

Published weights are pinned by SHA-256 and never loaded with another hash. Where there are none,
``random`` mode fills networks of the same kind with fixed numbers drawn from the names of their
tensors: figures made so are good for tests and for comparing a run with itself, and for nothing
else, which is why they carry ``@random`` in their names.
"""

import hashlib
import io
import math
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from vptbench.errors import WeightsError
from vptbench.manifest import file_to_sha256, make_folder
from vptbench.progress import track
from vptbench.registry import check_known

if TYPE_CHECKING:
    import torch

DIRECTORY_VARIABLE = "VPTBENCH_WEIGHTS"
"""Environment variable that names the folder of weights."""

RANDOM_RULE = "vptbench-random-v1"
"""Name of the rule of `random_state`; it changes when any of its numbers does."""

TIMEOUT = 30
"""Seconds without an answer after which a download is given up."""

PIECE = 2**20
"""Bytes that a download writes at a time."""

Mode = Literal["pinned", "random"]


@dataclass(frozen=True)
class Network:
    """A published file of weights.

    Attributes:
        file: Its name in the folder of weights.
        url: Where it is published.
        sha256: Hash of its bytes, in hex.
        licence: Under what it may be used, as far as its authors say.
        serves: What it is for, in a few words.
    """

    file: str
    url: str
    sha256: str
    licence: str
    serves: str


NETWORKS: dict[str, Network] = {
    "alexnet": Network(
        file="alexnet-owt-7be5be79.pth",
        url="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
        sha256="7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
        licence="BSD-3-Clause (torchvision); trained on ImageNet",
        serves="trunk of LPIPS",
    ),
    "inception-fid": Network(
        file="pt_inception-2015-12-05-6726825d.pth",
        url="https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
        "pt_inception-2015-12-05-6726825d.pth",
        sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
        licence="Apache-2.0 (pytorch-fid, from TensorFlow); trained on ImageNet",
        serves="features of FID",
    ),
    "i3d-kinetics400": Network(
        file="i3d_torchscript.pt",
        url="https://www.dropbox.com/s/ge9e5ujwgetktms/i3d_torchscript.pt?dl=1",
        sha256="bec6519f66ea534e953026b4ae2c65553c17bf105611c746d904657e5860a5e2",
        licence="Apache-2.0 (kinetics-i3d; TorchScript by StyleGAN-V's authors); trained on Kinetics-400",
        serves="features of FVD",
    ),
}
"""The networks that metrics use; hashes are of what these addresses gave in 2026-08."""


@dataclass(frozen=True)
class Networks:
    """Which weights to use and where to run them.

    Attributes:
        mode: "pinned" (published weights) or "random" (drawn from names).
        directory: Folder of the pinned files; None stands for `default_directory()`.
        device: A torch device, such as "cpu" or "cuda".
    """

    mode: Mode = "pinned"
    directory: Path | None = None
    device: str = "cpu"


def default_directory() -> Path:
    """The folder of weights: $VPTBENCH_WEIGHTS, or else one in the user's cache."""
    import pooch  # noqa: PLC0415 - only where weights are asked for

    named = os.environ.get(DIRECTORY_VARIABLE)
    return Path(named) if named else Path(pooch.os_cache("vptbench")) / "weights"


def network_sha256(name: str, mode: Mode) -> str:
    """What stands in the provenance of a figure for network `name`.

    Returns:
        The SHA-256 of the pinned file; in random mode that of the rule's name and the network's.

    Raises:
        RegistryError: The network is unknown.
    """
    network = NETWORKS[check_known(name, NETWORKS, "network")]
    if mode == "pinned":
        return network.sha256
    return hashlib.sha256(f"{RANDOM_RULE}/{name}".encode()).hexdigest()


def weights_to_problem(name: str, directory: Path | None = None) -> str | None:
    """What is wrong with the file of network `name`, in words; None if it is the pinned one.

    Raises:
        RegistryError: The network is unknown.
    """
    path = _path(name, directory)
    if not path.is_file():
        return _missing(name, path)
    return _hash_to_problem(name, path, file_to_sha256(path))


def resolve_weights(name: str, directory: Path | None = None) -> Path:
    """The file of network `name`, its hash checked.

    Raises:
        WeightsError: It is missing, or is not the pinned one.
    """
    problem = weights_to_problem(name, directory)
    if problem is not None:
        raise WeightsError(problem)
    return _path(name, directory)


def fetch_weights(name: str, directory: Path | None = None) -> Path:
    """Bring the file of network `name`, unless it is there already; it appears whole or not at all.

    Raises:
        WeightsError: It could not be brought, or what came is not the pinned file.
    """
    import pooch  # noqa: PLC0415 - only where weights are asked for
    import requests  # noqa: PLC0415

    place = _path(name, directory)
    network = NETWORKS[name]
    make_folder(place.parent)
    try:
        path = pooch.retrieve(
            network.url,
            known_hash=f"sha256:{network.sha256}",
            fname=network.file,
            path=place.parent,
            downloader=_download,
        )
    except (requests.RequestException, OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise WeightsError(
            f"{name}: expected {network.url} with SHA-256 {network.sha256}, got: {reason}; "
            f"try again, or put the file at {place} by hand"
        ) from error
    return Path(path)


def load_state(
    name: str, networks: Networks, shapes: Mapping[str, "torch.Tensor"]
) -> dict[str, "torch.Tensor"]:
    """The state dict of network `name`: the pinned file's, or one drawn from names.

    Args:
        name: A key of `NETWORKS` whose file holds a state dict.
        networks: Which weights.
        shapes: Tensors (on the meta device, say) of the keys and shapes for random mode.

    Raises:
        WeightsError: The pinned file is missing or is not the pinned one.
    """
    import torch  # noqa: PLC0415 - heavy, and `weights list` does without

    if networks.mode == "random":
        return random_state(name, shapes)
    state: dict[str, torch.Tensor] = torch.load(
        io.BytesIO(_read_pinned(name, networks)), map_location="cpu", weights_only=True
    )
    return state


def load_torchscript(
    name: str, networks: Networks, make: Callable[[], "torch.nn.Module"]
) -> "torch.jit.ScriptModule":
    """Network `name` from its pinned TorchScript file, or `make()` filled from names and read back as such.

    Args:
        name: A key of `NETWORKS` whose file is TorchScript.
        networks: Which weights, and the device to load them to.
        make: Makes a module of the same kind, for random mode; it must be scriptable.

    Raises:
        WeightsError: The pinned file is missing or is not the pinned one.
    """
    import torch  # noqa: PLC0415 - heavy, and `weights list` does without

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"`torch\.jit\.\w+` is deprecated", category=FutureWarning)
        if networks.mode == "random":
            with torch.device("meta"):
                module = make()
            module.load_state_dict(random_state(name, module.state_dict()), assign=True)
            buffer = io.BytesIO()
            torch.jit.save(torch.jit.script(module.eval()), buffer)
            buffer.seek(0)
        else:
            buffer = io.BytesIO(_read_pinned(name, networks))
        loaded: torch.jit.ScriptModule = torch.jit.load(buffer, map_location=networks.device)  # type: ignore[no-untyped-call]
    loaded.eval()
    return loaded


def random_state(name: str, shapes: Mapping[str, "torch.Tensor"]) -> dict[str, "torch.Tensor"]:
    """Weights for network `name` that depend on nothing but the names and shapes of its tensors.

    Convolutions and matrices are normal with variance 2 / fan-in, drawn by PCG64 seeded with the
    SHA-256 of ``name/key``; biases and running means are 0, the other scales and variances 1.

    Args:
        name: Of the network.
        shapes: Its state dict, or one on the meta device.

    Source:
        He et al. 2015, "Delving Deep into Rectifiers", equation 10.
    """
    import torch  # noqa: PLC0415 - heavy, and `weights list` does without

    state = {}
    for key, like in shapes.items():
        if like.ndim >= 2:
            seed = int.from_bytes(hashlib.sha256(f"{name}/{key}".encode()).digest()[:16])
            drawn = np.random.Generator(np.random.PCG64(seed)).standard_normal(tuple(like.shape), np.float32)
            drawn *= np.float32(math.sqrt(2 / math.prod(like.shape[1:])))
            state[key] = torch.from_numpy(drawn)
        else:
            ones = key.endswith((".weight", ".running_var"))
            state[key] = torch.full(tuple(like.shape), int(ones), dtype=like.dtype)
    return state


def _download(url: str, place: str, _pooch: object) -> None:
    """Write what `url` gives to the file `place`, as pooch asks it of a downloader."""
    import requests  # noqa: PLC0415 - only where weights are asked for

    with requests.get(url, stream=True, timeout=TIMEOUT) as answer, Path(place).open("wb") as file:
        answer.raise_for_status()
        size = int(answer.headers.get("Content-Length", 0))
        pieces = answer.iter_content(PIECE)
        for piece in track(pieces, total=-(-size // PIECE), label=Path(place).name, unit="MiB"):
            file.write(piece)


@contextmanager
def exact_inference() -> Iterator[None]:
    """Run networks without gradients and, on a GPU, in full float32 and the same way every time."""
    import torch  # noqa: PLC0415 - heavy, and `weights list` does without

    exact = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
    with torch.inference_mode(), exact:
        yield


def _read_pinned(name: str, networks: Networks) -> bytes:
    """The bytes of the pinned file; the very bytes that are loaded are hashed.

    Raises:
        WeightsError: The file is missing or is not the pinned one.
    """
    path = _path(name, networks.directory)
    if not path.is_file():
        raise WeightsError(_missing(name, path))
    data = path.read_bytes()
    problem = _hash_to_problem(name, path, hashlib.sha256(data).hexdigest())
    if problem is not None:
        raise WeightsError(problem)
    return data


def _path(name: str, directory: Path | None) -> Path:
    network = NETWORKS[check_known(name, NETWORKS, "network")]
    return (default_directory() if directory is None else directory) / network.file


def _missing(name: str, path: Path) -> str:
    return f"{name}: expected its weights at {path}, found no file; {_ADVICE}"


def _hash_to_problem(name: str, path: Path, found: str) -> str | None:
    if found == NETWORKS[name].sha256:
        return None
    return (
        f"{name}: expected SHA-256 {NETWORKS[name].sha256} at {path}, found {found}; "
        f"delete that file, then {_ADVICE}"
    )


_ADVICE = "run `vptbench weights fetch`, or use `--weights random` for figures that must not be compared"
