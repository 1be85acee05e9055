"""What the demo's server answers, and to whom."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tfkd.demo.server import DemoServer, Resource
from tfkd.errors import InputError

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def server() -> Iterator[DemoServer]:
    with DemoServer(0) as made:
        made.resources = {
            "/": Resource("text/html; charset=utf-8", "<p>é</p>".encode()),
            "/run.wasm": Resource("application/wasm", b"\0asm"),
        }
        made.teacher = lambda text: {"heard": text}
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def ask(server, method, path, body=None, headers=()):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
    try:
        connection.request(method, path, body, dict(headers))
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def test_what_stands_at_a_path(server):
    status, headers, content = ask(server, "GET", "/")
    assert (status, content) == (200, "<p>é</p>".encode())
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["X-Content-Type-Options"] == "nosniff"
    status, headers, content = ask(server, "GET", "/run.wasm?v=1")
    assert (status, headers["Content-Type"], content) == (200, "application/wasm", b"\0asm")
    status, headers, content = ask(server, "HEAD", "/run.wasm")
    assert (status, headers["Content-Length"], content) == (200, "4", b"")


def test_policy_allows_nothing_from_outside(server):
    policy = ask(server, "GET", "/")[1]["Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules.pop("default-src") == "'none'"
    assert rules["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert {source for rule in rules.values() for source in rule.split()} == {"'self'", "'none'", "'wasm-unsafe-eval'"}


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "/../../etc/passwd",
        "/..%2f..%2fetc/passwd",
        "//etc/passwd",
        "/%2e%2e/setup.py",
        "/.",
        "/Run.wasm",
    ],
)
def test_nothing_else_stands_anywhere(server, path):
    status, _, content = ask(server, "GET", path)
    assert (status, json.loads(content)) == (404, {"error": "nothing stands at this path"})


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS"])
def test_other_methods(server, method):
    assert ask(server, method, "/")[0] == 501


def test_names_of_other_sites_that_lead_here(server):
    port = server.server_port
    for host in (f"127.0.0.1:{port}", f"localhost:{port}"):
        assert ask(server, "GET", "/", headers={"Host": host})[0] == 200
        assert ask(server, "GET", "/", headers={"Host": host, "Origin": f"http://{host}"})[0] == 200
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", f"127.0.0.1:{port + 1}", ""):
        assert ask(server, "GET", "/", headers={"Host": host})[0] == 403
    for origin in ("http://evil.example", "null", f"https://127.0.0.1:{port}"):
        assert ask(server, "POST", "/teacher", "{}", {**JSON, "Origin": origin})[0] == 403


def test_the_teacher_is_asked(server):
    for text in ("", "café 映画 🙂", "<b>&amp;", '"\\'):
        status, headers, content = ask(server, "POST", "/teacher", json.dumps({"text": text}), JSON)
        assert (status, headers["Content-Type"], json.loads(content)) == (200, "application/json", {"heard": text})
    content = ask(server, "POST", "/teacher", '{"text": "half \\ud83d"}', JSON)[2]
    assert json.loads(content) == {"heard": "half \ufffd"}


@pytest.mark.parametrize(
    "body", ["", "{", "[]", '"text"', "null", "{}", '{"text": 1}', '{"text": null}', b"\xff", "[" * 100_000]
)
def test_bodies_that_ask_nothing(server, body):
    status, _, content = ask(server, "POST", "/teacher", body, JSON)
    assert (status, json.loads(content)) == (400, {"error": 'expected {"text": "..."}'})


def test_requests_that_are_not_read(server):
    assert ask(server, "POST", "/teacher", '{"text": ""}')[0] == 415
    assert ask(server, "POST", "/teacher", '{"text": ""}', {"Content-Type": "text/plain"})[0] == 415
    assert ask(server, "POST", "/teacher", None, {**JSON, "Content-Length": "1000001"})[0] == 413
    for length in ("-1", "many", "9" * 30):
        assert ask(server, "POST", "/teacher", None, {**JSON, "Content-Length": length})[0] == 411
    assert ask(server, "POST", "/teacher", iter([b"{}"]), {**JSON, "Transfer-Encoding": "chunked"})[0] == 411
    assert ask(server, "POST", "/other", '{"text": ""}', JSON)[0] == 404


def test_there_may_be_no_teacher(server):
    server.teacher = None
    status, _, content = ask(server, "POST", "/teacher", '{"text": ""}', JSON)
    assert (status, json.loads(content)) == (404, {"error": "there is no teacher here"})


def test_one_text_is_asked_at_a_time(server):
    inside, most = 0, []
    gate = threading.Barrier(2)

    def teacher(text):
        nonlocal inside
        inside += 1
        most.append(inside)
        time.sleep(0.005)  # in which another would come in
        inside -= 1
        return {}

    def one():
        gate.wait()
        for _ in range(20):
            ask(server, "POST", "/teacher", '{"text": ""}', JSON)

    server.teacher = teacher
    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 40


def test_a_browser_that_goes_away_leaves_no_word(server, capfd):
    for sent in (b"", b"GET /", b"POST /teacher HTTP/1.1\r\nContent-Length: 9\r\n\r\n{"):
        with socket.create_connection(("127.0.0.1", server.server_port)) as s:
            s.sendall(sent)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # closed by a reset
    assert ask(server, "GET", "/")[0] == 200
    assert capfd.readouterr() == ("", "")


def test_it_listens_to_this_machine_alone(server):
    assert server.server_address[0] == "127.0.0.1"
    assert server.address == f"http://127.0.0.1:{server.server_port}/"


def test_port_in_use(server):
    with pytest.raises(InputError, match=rf"--port={server.server_port}: can't be listened on: .*in use; name another"):
        DemoServer(server.server_port)
