"""The demo's server: a fixed set of files, and the teacher's answers, to this machine alone."""

from __future__ import annotations

import json
import re
import socketserver
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tfkd.errors import InputError

HOST = "127.0.0.1"
_MAX_BODY_BYTES = 1_000_000
_IDLE_SECONDS = 60  # after which a silent connection is closed
_JSON = "application/json"
_HEADERS = {
    # Everything from here, nothing inline; WebAssembly has to be allowed by name.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    # A page that no other site can share memory with gets a clock of microseconds, for times of one keystroke.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",  # another student may be here the next time
}


@dataclass(frozen=True)
class Resource:
    """What stands at one path.

    Attributes:
      media_type: what a browser is to take it for.
      content: its bytes.
    """

    media_type: str
    content: bytes


class DemoServer(ThreadingHTTPServer):
    """A server on 127.0.0.1 of what stands in `resources`, and of POST /teacher.

    Args:
      port: where it listens; 0 for any port that is free.

    Attributes:
      resources: path -> what stands there. Nothing else can be had.
      teacher: a text -> what POST /teacher answers; None if there is no teacher. One text is asked at a time.

    Raises:
      InputError: the port is taken, or may not be taken.
    """

    daemon_threads = True

    def __init__(self, port: int):
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as e:
            raise InputError(
                f"--port={port}: can't be listened on: {e.strerror}; name another, or 0 for any that is free"
            ) from e
        self.resources: Mapping[str, Resource] = {}
        self.teacher: Callable[[str], dict[str, Any]] | None = None
        self.asking = threading.Lock()

    @property
    def address(self) -> str:
        """Where a browser finds the page."""
        return f"http://{HOST}:{self.server_port}/"

    def server_bind(self) -> None:
        """Binds without asking for the host's name, which HTTPServer does and which may take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Passes over browsers that went away."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    server: DemoServer

    def do_GET(self) -> None:
        """Answers with what stands at the path."""
        if not self._is_ours():
            return
        found = self.server.resources.get(urlsplit(self.path).path)
        if found is None:
            self._refuse(HTTPStatus.NOT_FOUND, "nothing stands at this path")
        else:
            self._answer(HTTPStatus.OK, found.media_type, found.content)

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        """Answers with what the teacher says of a text."""
        if not self._is_ours():
            return
        text = self._text_asked()
        if text is None:
            self.close_connection = True  # its body wasn't read
            return
        teacher = self.server.teacher
        if self.path != "/teacher" or teacher is None:
            self._refuse(HTTPStatus.NOT_FOUND, "there is no teacher here")
            return
        with self.server.asking:
            answer = teacher(text)
        self._answer(HTTPStatus.OK, _JSON, json.dumps(answer).encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing of what was asked."""

    def _is_ours(self) -> bool:
        """Whether the page, or its reader, asks; another site whose name leads here does not."""
        port = "" if self.server.server_port == 80 else f":{self.server.server_port}"
        hosts = (f"{HOST}{port}", f"localhost{port}")
        origin = self.headers.get("Origin")
        if self.headers.get("Host") not in hosts or (origin and origin not in [f"http://{host}" for host in hosts]):
            self.close_connection = True
            self._refuse(HTTPStatus.FORBIDDEN, f"the demo answers to {self.server.address} alone")
            return False
        return True

    def _text_asked(self) -> str | None:
        """The text in the request's body; None after an answer that says what is wrong with it."""
        length = self.headers.get("Content-Length", "")
        if self.headers.get_content_type() != _JSON:  # what forms of other sites send isn't
            self._refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"expected {_JSON}")
        elif not re.fullmatch("[0-9]{1,9}", length):
            self._refuse(HTTPStatus.LENGTH_REQUIRED, "expected a Content-Length")
        elif int(length) > _MAX_BODY_BYTES:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"expected at most {_MAX_BODY_BYTES} bytes")
        else:
            try:
                asked = json.loads(self.rfile.read(int(length)))
            except (ValueError, RecursionError):
                asked = None
            if isinstance(asked, dict) and isinstance(text := asked.get("text"), str):
                return re.sub("[\ud800-\udfff]", "\ufffd", text)  # half a character, as JSON may hold
            self._refuse(HTTPStatus.BAD_REQUEST, 'expected {"text": "..."}')
        return None

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        self._answer(status, _JSON, json.dumps({"error": why}).encode())

    def _answer(self, status: HTTPStatus, media_type: str, content: bytes) -> None:
        self.send_response_only(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
