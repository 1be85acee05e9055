"""What the browser is given: the page itself, and MediaPipe's text tasks as JavaScript and WebAssembly."""

from __future__ import annotations

from importlib.resources import files

from tfkd.assets import Asset, cache_folder, folder_of
from tfkd.errors import InputError

_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
}
_PAGE_FILES = ("index.html", "demo.css", "demo.js", "icon.svg")
_MEDIAPIPE_FILES = ("text_bundle.mjs", "text_wasm_internal.js", "text_wasm_internal.wasm")

# 0.10.35 is the last release that keeps to itself: 1.0 posts what it measures to a server of Google's.
MEDIAPIPE_WEB = Asset(
    name="mediapipe_web",
    kind="web",
    package="@mediapipe/tasks-text",
    version="0.10.35",
    sha256="c12de088be9b099b32ad29d6bf1ba92ddfb3fe133787d58e14bb262c35663342",
    size_bytes=6_660_017,
    source_archive=False,
    licence="Apache-2.0",
    members={
        "package/text_bundle.mjs": "text_bundle.mjs",
        "package/wasm/text_wasm_internal.js": "text_wasm_internal.js",
        "package/wasm/text_wasm_internal.wasm": "text_wasm_internal.wasm",
        "package/package.json": "package.json",  # which states the licence
    },
    index="npm",
)


def media_type(name: str) -> str:
    """Returns what a browser is to take a file for, by the end of its name."""
    return _MEDIA_TYPES[name[name.rindex(".") :]]


def page_files() -> dict[str, bytes]:
    """Returns the page's own files, from name to content.

    Raises:
      InputError: the installed tfkd lacks one.
    """
    folder = files("tfkd") / "device" / "web"
    try:
        return {name: (folder / name).read_bytes() for name in _PAGE_FILES}
    except OSError as e:
        raise InputError(f"{folder}: the page isn't there whole ({e.strerror}); install tfkd again") from e


def mediapipe_files() -> dict[str, bytes]:
    """Returns MediaPipe's files, from name to content, fetched first if they aren't in the cache.

    Raises:
      InputError: npm isn't there, can't download them, or what it downloaded isn't them.
    """
    folder = folder_of(MEDIAPIPE_WEB, cache_folder())
    return {name: (folder / name).read_bytes() for name in _MEDIAPIPE_FILES}
