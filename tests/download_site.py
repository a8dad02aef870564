"""A server of one file, which cuts, refuses and lies as it is told."""

import hashlib
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

import numpy as np
from local_server import serve

from vptbench.download import PIECE

BODY = np.random.default_rng(5).bytes(5 * PIECE + 1234)
CUT = 2 * PIECE


def sha256(body):
    return hashlib.sha256(body).hexdigest()


@dataclass
class Site:
    """What the server does, and what it was asked for.

    Attributes:
        body: The file.
        cuts: After how many bytes to hang up, for each coming request in turn; None is not at all.
        ranges: Whether it can send the rest of a file.
        early: By how many bytes a rest begins earlier than it was asked for.
        status: Of every answer where it is no file.
        asked: The ``Range`` of every request so far.
        sent: How many bytes each got.
        packed: Whether any request would have taken packed bytes.
        edition: The file's ``ETag``; "" is none.
        headers: More headers of every answer; None takes one away.
        busy: Statuses with ``Retry-After`` of the coming requests, before anything else.
        agents: Who asked.
        most: Bytes of a rest that it sends at a time; 0 is all.
        hang: Seconds for which a cut answer keeps the connection, silently.
    """

    body: bytes = BODY
    cuts: list[int | None] = field(default_factory=list)
    ranges: bool = True
    early: int = 0
    status: int | None = None
    asked: list[str | None] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    packed: bool = False
    url: str = ""
    edition: str = '"1"'
    headers: dict[str, str | None] = field(default_factory=dict)
    busy: list[tuple[int, str]] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    most: int = 0
    hang: float = 0

    def forget(self):
        self.asked.clear()
        self.sent.clear()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        site = self.server.site
        wanted = self.headers["Range"]
        site.asked.append(wanted)
        site.packed |= self.headers["Accept-Encoding"] != "identity"
        site.agents.add(self.headers["User-Agent"])
        if site.busy:
            status, pause = site.busy.pop(0)
            self.send_response(status)
            self.send_header("Retry-After", pause)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if self.headers.get("If-Range", site.edition) != site.edition:
            wanted = None
        begin = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and site.ranges else 0
        begin -= min(site.early, begin)
        rest = site.body[begin:]
        if site.status is not None:
            status, rest = site.status, b"<html>no file</html>"
        elif begin and not rest:
            status = 416
        else:
            status = 206 if begin else 200
        rest = rest[: site.most or None] if status == 206 else rest
        self.send_response(status)
        headers = {"Content-Length": str(len(rest)), "ETag": site.edition or None}
        if status == 206:
            headers["Content-Range"] = f"bytes {begin}-{len(site.body) - 1}/{len(site.body)}"
        for name, value in (headers | site.headers).items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        cut = site.cuts.pop(0) if site.cuts else None
        site.sent.append(len(rest[:cut]))  # first: who has all the bytes may look at once
        self.wfile.write(rest[:cut])
        if cut is not None and site.hang:
            self.wfile.flush()
            time.sleep(site.hang)

    def log_message(self, *words):
        """Keep quiet."""


def serving(**facts):
    """A `Site` of these facts behind a server."""
    return serve(Handler, lambda url: Site(url=f"{url}/net.pth", **facts))
