"""Writing a model's outputs: a clip's pictures whole or not at all, then the manifest."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from vptbench.image import Frame, write_image
from vptbench.manifest import Json, check_relative, write_manifest, written_beside
from vptbench.outputs import schema


def output_path(outputs: Path, clip: str) -> Path:
    """Folder of a clip's pictures.

    Raises:
        ManifestError: The id is no plain relative name.
    """
    return outputs / schema.FRAMES_FOLDER / check_relative(clip, "clip id")


def frames_to_output(frames: Iterable[Frame], folder: Path, *, first: int = 0) -> None:
    """Write pictures as PNG; the folder stands there only when it is whole, and replaces one of its name.

    Args:
        frames: RGB, uint8 (H, W, 3) each; an array (T, H, W, 3) will do.
        folder: Where to, see `output_path`.
        first: The clip's frame number of the first picture; the others follow.

    Raises:
        ShapeError: A frame is no picture.
        OSError: The system refused, for want of room perhaps; it names `folder`.
    """
    try:
        with written_beside(folder) as part:
            part.mkdir()
            for number, frame in enumerate(frames, first):
                write_image(part / schema.number_to_name(number), frame)
    except OSError as error:  # a failed write names no file, and the temporary one means nothing to anybody
        raise OSError(error.errno, error.strerror, str(folder)) from error


def write_outputs_manifest(outputs: Path, body: Mapping[str, Json]) -> None:
    """Write ``outputs.json``; `schema` says what `body` must hold."""
    write_manifest(outputs / schema.MANIFEST, kind=schema.FORMAT, version_number=schema.VERSION, body=body)
