"""Write docs/layouts.md from the table of layouts.

    .venv/bin/python tools/make_layouts_page.py

A test fails where the page is not what this script writes.
"""

from pathlib import Path

from vptbench.image import IMAGE_SUFFIXES
from vptbench.outputs.arrays import ARRAY_SUFFIXES
from vptbench.outputs.layouts import LAYOUTS, Layout
from vptbench.video import VIDEO_SUFFIXES

PAGE = Path(__file__).parents[1] / "docs" / "layouts.md"

PICTURES, VIDEOS, ARRAYS = (
    ", ".join(f"`{suffix}`" for suffix in suffixes)
    for suffixes in (IMAGE_SUFFIXES, VIDEO_SUFFIXES, ARRAY_SUFFIXES)
)

HEAD = f"""# Layouts

How a folder of frames that another program wrote is read by `vptbench score`, in the order in which a
layout names a folder that several read alike.

`--layout auto`, the default, takes the one layout whose pattern all pictures and videos of the folder
match, whose panels fit their sizes, and whose names are those of the clips; it prints which and why, and
`scores.json` keeps it under `reading`. Folders of a model that are seen whole go before what anybody may
write, and that before a folder that was renamed or is given from further down. Where two that fit read a
folder differently, it asks for `--layout NAME`; so it does where plain pictures would be a model's strips
if their folder had its name. Anything else is said by a pattern:

    vptbench score made scores/mine --store STORE --benchmark ID \\
        --pattern "{{clip}}/frame_{{frame:05d}}.png" --panel 5/5

- **Pattern**: `{{clip}}` is the clip's name, `{{frame}}` its number, `{{frame:05d}}` one of five digits
  or more; any other name is free text (`{{any}}` may be repeated) or, with `:d`, a number;
  `{{height:d}}` and `{{width:d}}` must be the panel's. `**/` at the start stands for any folders. Names
  that hold `#`, `+` or `-` are taken as they are.
- **Panel**: `5/5` is the fifth of five columns, `5/5:square` the same if they are square, `3/3+2` the
  third in a grid with 2 pixels around each, `right:512` the 512 columns at the right, `right` as many as
  `{{width}}` says.
- **Numbers**: output k stands for the driving frame `--offset` + k × `--stride`; k is the number in the
  name, less `--first`, or the place in a video, an array or a filmstrip, from 0. Where frames are only
  counted, there must be as many as the clip has; nothing is paired by position. Outputs that end earlier
  are said by `--count`. What covers a part of a benchmark is scored on that part, unofficially: no board
  takes it.
- **Names**: a clip `001/9/1` may be called so, or `001-9-1` or `001_9_1`, each also with `.mp4` behind
  it. A name of no clip, or of two, and two names of one clip are refused. *source*: the clip of the
  source picture. *source_driving*: ends in `_` and the driving clip; *driving-source*: begins with the
  driving clip and `-`. The rest of such a name is free, but the name of another clip than the item's
  source is refused there. That two files were swapped, no name can tell.
- **Containers**: pictures are {PICTURES}; videos {VIDEOS}; arrays {ARRAYS}. What a container loses (the
  quality of a JPEG, the codec and pixel format of a video) stands in `scores.json` and below every
  table. Hidden files, `__MACOSX` and GIFs beside better files are left alone.

This page is written by `tools/make_layouts_page.py` from the table of layouts.

| layout | of | frames | panel | names |
|---|---|---|---|---|
"""


def page() -> str:
    """The whole page."""
    read = {name: row for name, row in LAYOUTS.items() if not row.refusal}
    refused = {name: row for name, row in LAYOUTS.items() if row.refusal}
    rows = [
        f"| `{name}` | {row.model or 'anybody'} | {_frames(row)} | {_code(row.panel)} | {row.names} |"
        for name, row in read.items()
    ]
    notes = [f"- `{name}`: {row.note}" for name, row in read.items() if row.note]
    lines = [
        f"| `{name}` | {row.model or 'anybody'} | `{row.pattern}` | {row.refusal} |"
        for name, row in refused.items()
    ]
    sources = sorted({f"- {row.model}: {row.source}" for row in LAYOUTS.values() if row.source})
    return "\n".join(
        [
            HEAD + "\n".join(rows), "", "## Notes", "", *notes, "", "## Not scored", "",
            "| layout | of | files | why, and what instead |", "|---|---|---|---|", *lines, "",
            "## Sources", "",
            *sources, "",
        ]
    )  # fmt: skip


def _frames(row: Layout) -> str:
    return f"`{row.pattern}`" if row.pattern else "see its note"


def _code(text: str) -> str:
    return f"`{text}`" if text else "–"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
