"""A server of videos that fails in all the usual ways."""

import hashlib
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

import numpy as np
from local_server import serve

PAGE = b"<!DOCTYPE html><title>Moved</title>" + b" " * 99


def box(name, content=b"", length=None):
    return (8 + len(content) if length is None else length).to_bytes(4, "big") + name + content


def video(seed, size=70_000):
    """Bytes with the outline of an MP4."""
    noise = np.random.default_rng(seed).bytes(size)
    return box(b"ftyp", b"isom\0\0\2\0") + box(b"moov", noise[:900]) + box(b"mdat", noise)


@dataclass
class Site:
    """A server.

    Attributes:
        files: Path to bytes.
        kinds: Path to ``Content-Type``.
        moved: Path to where it leads.
        cuts: Path to how many bytes its coming answers send before they hang up.
        busy: Path to the ``Retry-After`` of its coming answers, which are 429.
        asked: Paths in the order of the requests, with their ``Range``.
        most: Requests that were served at a time.
    """

    files: dict = field(default_factory=dict)
    kinds: dict = field(default_factory=dict)
    moved: dict = field(default_factory=dict)
    cuts: dict = field(default_factory=dict)
    busy: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)
    url: str = ""
    now: int = 0
    most: int = 0
    pause: float = 0

    def list(self, split, names):
        self.files[f"/lists/fashion_{split}.txt"] = "".join(f"{self.url}/{name}\n" for name in names).encode()

    def paths(self):
        return [path for path, _ in self.asked]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        site = self.server.site
        site.now += 1
        site.most = max(site.most, site.now)
        time.sleep(site.pause)
        try:
            self.serve(site)
        finally:
            site.now -= 1

    def serve(self, site):
        site.asked.append((self.path, self.headers["Range"]))
        if site.busy.get(self.path):
            return self.tell(429, {"Retry-After": site.busy[self.path].pop(0)})
        if self.path in site.moved:
            return self.tell(302, {"Location": site.moved[self.path]})
        body = site.files.get(self.path)
        if body is None:
            return self.tell(404, {"Content-Type": "text/html"}, PAGE)
        edition = hashlib.sha256(body).hexdigest()
        wanted = self.headers["Range"] if self.headers["If-Range"] == f'"{edition}"' else None
        begin = int(wanted[6:-1]) if wanted else 0
        headers = {"ETag": f'"{edition}"', "Content-Type": site.kinds.get(self.path, "video/mp4")}
        if wanted:
            headers["Content-Range"] = f"bytes {begin}-{len(body) - 1}/{len(body)}"
        cuts = site.cuts.get(self.path)
        return self.tell(206 if wanted else 200, headers, body[begin:], cuts.pop(0) if cuts else None)

    def tell(self, status, headers, body=b"", cut=None):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[:cut])

    def log_message(self, *words):
        """Keep quiet."""


def serving():
    """A `Site` behind a server."""
    return serve(Handler, lambda url: Site(url=url))
