"""Style sheets and scripts of the package set into a page, and the policy that lets nothing else run."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from markupsafe import Markup


@dataclass(frozen=True)
class Inline:
    """What stands between the tags of a ``style`` or ``script`` element.

    Attributes:
        text: The files, one after another; it is set in as it is.
        source: Its hash, as a content security policy names it.
    """

    text: Markup
    source: str


def inline(*names: str) -> Inline:
    """Read files of the package, such as "leaderboard/style.css", to be set into a page."""
    text = "\n".join((files("vptbench") / name).read_text(encoding="utf-8") for name in names)
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Inline(Markup(text), f"'sha256-{digest}'")  # noqa: S704 - files of this package, no input


def policy(style: Inline, script: Inline) -> str:
    """A content security policy: this style sheet, this script and pictures in the page itself, no more."""
    parts: Sequence[str] = (
        "default-src 'none'",
        f"style-src {style.source}",
        f"script-src {script.source}",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    )
    return "; ".join(parts)
