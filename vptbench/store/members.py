"""What is in a clip file, and whether it is in there: HDF5 can show another file's bytes as its own.

A hard link is the usual kind, the only one whose object is in the file itself. A soft or external link names
a place instead; external storage and virtual datasets take their values from other files, of any format.
Whoever opens a file that somebody else made would read from his own disk whatever that file names.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath

import h5py

from vptbench.errors import StoreError
from vptbench.store import schema

LINKED = (schema.FRAMES, schema.MASK)
"""What may lie in another clip file: a store with noisy poses has the clean one's, by relative path."""

GROUPS = ("mesh", schema.BODY)
"""Groups of a clip file; what stands deeper is never read."""

DATASETS = {schema.FRAMES, *schema.PACK_PARTS} - {*GROUPS}
"""Members that are no groups; below ``body`` there are others."""

LINKS: Mapping[type, str] = {
    h5py.SoftLink: "a soft link",
    h5py.ExternalLink: "a link to another file",
}
"""Kinds of links beside the hard one, in words."""


def check_members(file: h5py.File, path: Path) -> None:
    """Refuse a store's clip file of which something lies elsewhere; what it names there is not opened.

    Raises:
        StoreError: Something does that is neither frames nor mask, or these do by an absolute path or under
            another name.
    """
    outside = [
        f"{name} ({what})"
        for name, what in file_to_members(file).items()
        if what and not (name in LINKED and _is_own(name, file.get(name, getlink=True)))
    ]
    if outside:
        raise StoreError(
            f"{path}: expected all in the clip file itself, but for frames and mask by relative path, found "
            f"{', '.join(outside)}; delete it and prepare again"
        )


def check_pack_members(file: h5py.File, path: Path) -> None:
    """Refuse a pack's clip file that holds more than a pack may, or of which something lies elsewhere.

    Raises:
        StoreError: It is so.
    """
    others = []
    for name, what in file_to_members(file).items():
        below_body = name.startswith(f"{schema.BODY}/")
        if not below_body and name not in schema.PACK_PARTS:
            others.append(name)
        elif what:
            others.append(f"{name} ({what})")
        elif below_body and file[name].dtype.kind != "f":
            others.append(name)
    if others:
        raise StoreError(
            f"{path}: expected keypoints, mask, mesh and body of floats, all in the file itself, and these "
            f"alone in a pose pack, found {', '.join(sorted(others))}; export the store again, or fetch "
            "another pack"
        )


def file_to_members(file: h5py.File) -> dict[str, str]:
    """What stands in a clip file and in its groups, by name: "" if it is in there, else what it is."""
    return dict(_members(file, ""))


def storage_to_text(part: object) -> str:
    """How an opened dataset takes its values from elsewhere, in words; "" if it does not."""
    if not isinstance(part, h5py.Dataset):
        return ""
    if part.external is not None:
        return "bytes of another file"
    return "a virtual dataset" if part.is_virtual else ""


def link_to_path(path: Path, link: object) -> Path | None:
    """Where a link leads, seen from the clip file at `path`; None if it is no external one."""
    return (path.parent / link.filename).resolve() if isinstance(link, h5py.ExternalLink) else None


def linked_to_text(file: h5py.File, name: str) -> str:
    """What is wrong with `name` in a file that a clip file links to, in words; "" if it is there."""
    link = file.get(name, getlink=True) if name in {*file} else None
    if link is None:
        return f"no {name}"
    if not isinstance(link, h5py.HardLink):
        return LINKS.get(type(link), "a link")
    part = file[name]
    return storage_to_text(part) if isinstance(part, h5py.Dataset) else "no dataset"


def _members(group: h5py.Group, before: str) -> Iterator[tuple[str, str]]:
    for key in group:
        name, link = before + key, group.get(key, getlink=True)
        if not isinstance(link, h5py.HardLink):
            yield name, LINKS.get(type(link), "a link")
            continue
        part = group[key]
        if name in GROUPS and isinstance(part, h5py.Group):
            yield name, ""
            yield from _members(part, f"{name}/")
        elif name in GROUPS:
            yield name, "no group"
        elif (name in DATASETS or before) and not isinstance(part, h5py.Dataset):
            yield name, "no dataset"
        else:
            yield name, storage_to_text(part)


def _is_own(name: str, link: object) -> bool:
    """Whether a link leads to `name` of another file, by relative path."""
    if not isinstance(link, h5py.ExternalLink) or PurePath(link.filename).is_absolute():
        return False
    return str(link.path).strip("/") == name
