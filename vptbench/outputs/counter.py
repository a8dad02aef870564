"""One counter over the frames of all videos, in the order of a protocol, as his_evaluators writes them."""

from collections.abc import Mapping

from vptbench.errors import OutputError
from vptbench.outputs.listing import Listing
from vptbench.outputs.media import Media, Pictures
from vptbench.outputs.names import Wanted


def listing_to_counted(listing: Listing, wanted: Wanted | None) -> Mapping[str, Media] | None:
    """Frame k of an item is the driving frame ``first + k``.

    Args:
        listing: Of the pictures ``pred_00000000.jpg`` alone.
        wanted: Items whose order is the protocol's own.

    Raises:
        OutputError: There is no such protocol, or there are more or fewer pictures than it has frames.
    """
    if wanted is None or not wanted.ordered:
        raise OutputError(
            "expected a benchmark that spells out its videos in order, since one counter runs over them all, "
            "got none; make it with `vptbench benchmarks import`, and give --benchmark FILE"
        )
    numbered = {int(picture.stem.rpartition("_")[2]): listing.path / picture for picture in listing.pictures}
    total = sum(clip.count for clip in wanted.clips)
    missing = next((number for number in range(total) if number not in numbered), None)
    if missing is not None or len(numbered) != total:
        named = "" if missing is None else f"the first missing is pred_{missing:08d}.jpg; "
        raise OutputError(
            f"expected {total} pictures, as many as the {len(wanted.clips)} videos of the protocol have "
            f"frames, found {len(numbered)}; {named}with the two counters of the README's example swapped, "
            "later videos overwrite earlier files: write them again as evaluate.py does"
        )
    clips: dict[str, Media] = {}
    start = 0
    for clip in wanted.clips:
        clips[clip.id] = Pictures({clip.first + k: numbered[start + k] for k in range(clip.count)})
        start += clip.count
    return clips
