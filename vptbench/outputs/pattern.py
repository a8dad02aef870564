"""Name patterns such as ``{clip}/frame_{frame:05d}.png``: parsed once, matched to paths, and filled again.

==================  ================================================================================
``{clip}``          The clip's name; it may hold ``/``.
``{frame}``         The frame's number, as wide as it comes; ``{frame:05d}`` has five digits or more.
``{height:d}``      Any other name with ``d`` is a number, ``:08d`` one of eight digits or more.
``{any}``           Any other name is free text within one folder, also none; ``any`` may be repeated.
``**/``             At the start: any folders, or none.
==================  ================================================================================

Everything else stands for itself; only the suffix may be in capitals.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from vptbench.errors import OutputError

CLIP, FRAME, ANY = "clip", "frame", "any"
DEEP = "**/"

FIELD = re.compile(r"\{([a-z_]+)(?::(?:0([1-9][0-9]?))?(d))?\}")


@dataclass(frozen=True)
class Field:
    """A part of a pattern that varies.

    Attributes:
        name: "clip", "frame" or another.
        digits: Whether it is a number.
        width: How many digits that number has at least; 1 for any.
    """

    name: str
    digits: bool
    width: int


@dataclass(frozen=True)
class Pattern:
    """A parsed pattern; equal texts give equal patterns.

    Attributes:
        text: As it was written.
        parts: Texts that stand for themselves, and fields.
        deep: Whether it began with ``**/``.
    """

    text: str
    parts: tuple[str | Field, ...]
    deep: bool

    @cached_property
    def fields(self) -> frozenset[str]:
        """Names of the parts that vary."""
        return frozenset(part.name for part in self.parts if isinstance(part, Field))

    @property
    def suffix(self) -> str:
        """The suffix in lower case, with its dot; empty where it varies."""
        last = self.parts[-1]
        return "." + last.rpartition(".")[2].lower() if isinstance(last, str) and "." in last else ""

    @cached_property
    def expression(self) -> "re.Pattern[str]":
        """What paths must match as a whole."""
        return re.compile(_to_expression(self))

    def format(self, values: Mapping[str, str | int]) -> str:
        """The path of given values; `match` gives the values again.

        Raises:
            OutputError: A value is missing, or the path does not mean these values.
        """
        missing = sorted(self.fields - set(values))
        if missing:
            raise OutputError(f"expected values for {', '.join(missing)} of {self.text!r}, got none")
        path = "".join(part if isinstance(part, str) else _fill(part, values) for part in self.parts)
        found = self.match(path)
        if found is None or any(str(found[name]) != str(values[name]) for name in found):
            raise OutputError(f"expected values that {self.text!r} can tell apart, got {dict(values)!r:.200}")
        return path

    def match(self, path: str) -> dict[str, str | int] | None:
        """Values of the named fields of a path with forward slashes; None where it does not match."""
        found = self.expression.fullmatch(path)
        if found is None:
            return None
        return {
            name: int(text) if name in self._numbers else text for name, text in found.groupdict().items()
        }

    @cached_property
    def _numbers(self) -> frozenset[str]:
        """Names of the fields that are numbers."""
        return frozenset(part.name for part in self.parts if isinstance(part, Field) and part.digits)


def parse_pattern(text: str) -> Pattern:
    """Parse a pattern.

    Raises:
        OutputError: It is malformed, or leads out of the folder.

    Example:
        ``parse_pattern("{clip}/{frame:05d}.png").match("a/b/00012.png")``
        is ``{"clip": "a/b", "frame": 12}``
    """
    deep = text.startswith(DEEP)
    rest = text.removeprefix(DEEP)
    parts: list[str | Field] = []
    at = 0
    for found in FIELD.finditer(rest):
        parts.append(rest[at : found.start()])
        name, width, digits = found.groups()
        parts.append(Field(name, name == FRAME or digits is not None, int(width or 1)))
        at = found.end()
    parts.append(rest[at:])
    problem = _parts_to_problem(rest, parts)
    if problem:
        raise OutputError(
            f"expected a pattern such as '{{clip}}/frame_{{frame:05d}}.png', got {text!r:.200}: {problem}"
        )
    return Pattern(text, tuple(part for part in parts if part), deep)


def pattern_to_variants(pattern: Pattern) -> list[tuple[tuple[Pattern, ...], Pattern]]:
    """A pattern, and what is left of it in a folder further down.

    Returns:
        Patterns of the folders that were left out, and the rest, the whole one first. Where a folder that
        is named after the clip was left out, the rest has one clip without a name. A folder whose name
        holds a frame's number, or more than the clip, is never left out.
    """
    folders = pattern.text.removeprefix(DEEP).split("/")
    variants: list[tuple[tuple[Pattern, ...], Pattern]] = [((), pattern)]
    for count in range(1, len(folders)):
        head = folders[:count]
        last = parse_pattern(head[-1]).fields
        if FRAME in last or (CLIP in last and len(last) > 1):
            break
        variants.append((tuple(map(parse_pattern, head)), parse_pattern("/".join(folders[count:]))))
    return variants


def _to_expression(pattern: Pattern) -> str:
    pieces = ["(?s:(?:.*/)?" if pattern.deep else "(?s:"]
    pieces += [
        _field_to_expression(part) if isinstance(part, Field) else re.escape(part) for part in pattern.parts
    ]
    if pattern.suffix:
        last = str(pattern.parts[-1])
        stem, _, suffix = last.rpartition(".")
        pieces[-1] = re.escape(stem + ".") + f"(?i:{re.escape(suffix)})"
    return "".join(pieces) + ")"


def _field_to_expression(field: Field) -> str:
    if not field.digits:
        body = ".+?" if field.name == CLIP else "[^/]*?"
    elif field.width == 1:
        body = "(?<![0-9])[0-9]+(?![0-9])" if field.name == FRAME else "[0-9]+"
    else:
        body = rf"(?<![0-9])(?:[0-9]{{{field.width}}}|[1-9][0-9]{{{field.width},}})(?![0-9])"
    return f"(?:{body})" if field.name == ANY else f"(?P<{field.name}>{body})"


def _fill(field: Field, values: Mapping[str, str | int]) -> str:
    value = values[field.name]
    return str(value).zfill(field.width) if field.digits else str(value)


def _parts_to_problem(text: str, parts: list[str | Field]) -> str:
    """What is wrong with a pattern, in words; empty if nothing is."""
    fields = [part for part in parts if isinstance(part, Field)]
    names = [field.name for field in fields if field.name != ANY]
    odd = [part for part in parts if isinstance(part, str) and ("{" in part or "}" in part)]
    folders = text.split("/")
    problem = ""
    if not text or any(folder in {"", ".", ".."} for folder in folders) or "\\" in text or "\0" in text:
        problem = "it must be a relative path with forward slashes that stays in the folder"
    elif odd:
        problem = f"{odd[0]!r:.60} has a brace that belongs to no field"
    elif any(field.name == CLIP and field.digits for field in fields):
        problem = "{clip} is a name, not a number"
    elif len(set(names)) < len(names):
        problem = "a field stands twice; only {any} may"
    return problem
