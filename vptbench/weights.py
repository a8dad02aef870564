"""Feature networks: where their weights come from, and the only doors through which they are loaded.

Published weights are pinned by SHA-256, or by how it begins where no more is known, and never loaded
with another hash. They are brought by `vptbench.download`. Where there are none,
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
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from vptbench.download import hash_fits, pin_to_words, url_to_file
from vptbench.errors import DownloadError, WeightsError
from vptbench.manifest import file_to_sha256
from vptbench.registry import check_known

if TYPE_CHECKING:
    import torch

DIRECTORY_VARIABLE = "VPTBENCH_WEIGHTS"
"""Environment variable that names the folder of weights."""

RANDOM_RULE = "vptbench-random-v1"
"""Name of the rule of `random_state`; it changes when any of its numbers does."""

Mode = Literal["pinned", "random"]


@dataclass(frozen=True)
class Network:
    """A published file of weights.

    Attributes:
        file: Its name in the folder of weights.
        url: Where it is published.
        sha256: Hash of its bytes in lower-case hex, or how that begins (8 digits or more).
        licence: Under what it may be used, as far as its authors say.
        serves: What it is for, in a few words.
        mib: Its size in MiB, rounded; None where that is not known.
    """

    file: str
    url: str
    sha256: str
    licence: str
    serves: str
    mib: int | None = None


NETWORKS: dict[str, Network] = {
    "alexnet": Network(
        file="alexnet-owt-7be5be79.pth",
        url="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
        sha256="7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
        licence="BSD-3-Clause (torchvision); trained on ImageNet",
        serves="trunk of LPIPS",
        mib=233,
    ),
    "vgg16": Network(
        file="vgg16-397923af.pth",
        url="https://download.pytorch.org/models/vgg16-397923af.pth",
        sha256="397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
        licence="BSD-3-Clause (torchvision); trained on ImageNet",
        serves="trunk of LPIPS's VGG variant",
        mib=528,
    ),
    "inception-fid": Network(
        file="pt_inception-2015-12-05-6726825d.pth",
        url="https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
        "pt_inception-2015-12-05-6726825d.pth",
        sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
        licence="Apache-2.0 (pytorch-fid, from TensorFlow); trained on ImageNet",
        serves="features of FID",
    ),
    "inception-torchvision": Network(
        file="inception_v3_google-0cc3c7bd.pth",
        url="https://download.pytorch.org/models/inception_v3_google-0cc3c7bd.pth",
        sha256="0cc3c7bd",
        licence="BSD-3-Clause (torchvision, from TensorFlow); trained on ImageNet",
        serves="features of BDMM's FID",
        mib=104,
    ),
    "i3d-kinetics400": Network(
        file="i3d_torchscript.pt",
        url="https://www.dropbox.com/s/ge9e5ujwgetktms/i3d_torchscript.pt?dl=1",
        sha256="bec6519f66ea534e953026b4ae2c65553c17bf105611c746d904657e5860a5e2",
        licence="Apache-2.0 (kinetics-i3d; TorchScript by StyleGAN-V's authors); trained on Kinetics-400",
        serves="features of FVD",
        mib=49,
    ),
    "vgg19": Network(
        file="vgg19-dcbb9e9d.pth",
        url="https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
        sha256="dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
        licence="BSD-3-Clause (torchvision); trained on ImageNet",
        serves="content, style and contextual losses of the reference model",
        mib=548,
    ),
}
"""The networks of metrics and of the reference model's losses.

Full hashes are of what these addresses gave in 2026-08. torchvision names its files after the first 8 digits
of their SHA-256: of one of them no more is known.
"""


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
    """The folder of weights: $VPTBENCH_WEIGHTS, or else one in the user's cache, which pooch finds."""
    named = os.environ.get(DIRECTORY_VARIABLE)
    if named:
        return Path(named)
    import pooch  # noqa: PLC0415 - only where no folder is named

    return Path(pooch.os_cache("vptbench")) / "weights"


def network_sha256(name: str, networks: Networks) -> str:
    """What stands in the provenance of a figure for network `name`: always a full SHA-256.

    Returns:
        That of the pinned file, or in random mode that of the rule's name and the network's. Where only the
        beginning is pinned, the file in the folder is hashed, once for as long as its size and time stay.

    Raises:
        RegistryError: The network is unknown.
        WeightsError: Only the beginning is pinned, and the file is missing or another one.
    """
    network = NETWORKS[check_known(name, NETWORKS, "network")]
    if networks.mode == "random":
        return hashlib.sha256(f"{RANDOM_RULE}/{name}".encode()).hexdigest()
    if len(network.sha256) == 64:
        return network.sha256
    path = _path(name, networks.directory).absolute()
    if not path.is_file():
        raise WeightsError(_missing(name, path))
    now = path.stat()
    found = _unchanged_sha256(path, now.st_size, now.st_mtime_ns)
    problem = _hash_to_problem(name, path, found)
    if problem is not None:
        raise WeightsError(problem)
    return found


@lru_cache(maxsize=64)
def _unchanged_sha256(path: Path, size: int, modified_ns: int) -> str:
    del size, modified_ns  # with another of them it is another file
    return file_to_sha256(path)


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

    What an earlier call was cut in is not brought again (`vptbench.download`).

    Raises:
        RegistryError: The network is unknown.
        WeightsError: It could not be brought, or what came is not the pinned file.
        ManifestError: The folder cannot be made, since a file is in its way.
    """
    place = _path(name, directory)
    try:
        return url_to_file(NETWORKS[name].url, place, sha256=NETWORKS[name].sha256)
    except DownloadError as error:
        raise WeightsError(f"{name}: {error}") from error


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
    pinned = NETWORKS[name].sha256
    if hash_fits(found, pinned):
        return None
    return (
        f"{name}: expected {pin_to_words(pinned)} at {path}, found {found}; delete that file, then {_ADVICE}"
    )


_ADVICE = "run `vptbench weights fetch`, or use `--weights random` for figures that must not be compared"
