"""Publishing to a Grafana: the requests as they arrive, and what is said when it goes wrong."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from dashboards import __main__ as program
from dashboards.errors import Refused, Unavailable
from dashboards.generate import dashboards
from dashboards.publisher import LONGEST_QUOTE, TIMEOUT, TOKEN_VARIABLE, WAITS, GrafanaPublisher, read_token
from tests.servers.process import free_port

TOKEN = "glsa_a-token-that-nobody-may-see_1b2c"
MOMENT = datetime(2026, 1, 5, 8, tzinfo=UTC)
ROOT = Path(__file__).parents[2]


@dataclass
class Stub:
    """A Grafana that answers by method and path: each answer of a list in turn, the last for ever; bytes as they are."""

    url: str = ""
    answers: dict[str, list[tuple[int, Any]]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, Any]] = field(default_factory=list)
    tokens: set[str | None] = field(default_factory=set)

    @property
    def asked(self) -> list[str]:
        return [line for line, _ in self.requests]

    def answer(self, line: str) -> tuple[int, Any]:
        known = self.answers.get(line, [(404, {"message": "Not found"})])
        return known.pop(0) if len(known) > 1 else known[0]


HEALTHY = {
    "GET /api/folders/kappawatch": [(200, {"id": 7, "uid": "kappawatch", "title": "kappawatch"})],
    "POST /api/dashboards/db": [(200, {"id": 1, "uid": "kappawatch-overview", "status": "success", "version": 2})],
    "GET /api/health": [(200, {"database": "ok", "version": "12.2.0"})],
    "POST /api/annotations": [(200, {"message": "Annotation added", "id": 3})],
}


@pytest.fixture
def stub() -> Iterator[Stub]:
    grafana = Stub(answers={line: list(answers) for line, answers in HEALTHY.items()})

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            line = f"{self.command} {self.path}"
            grafana.requests.append((line, json.loads(body) if body else None))
            grafana.tokens.add(self.headers["Authorization"])
            status, said = grafana.answer(line)
            content = said if isinstance(said, bytes) else json.dumps(said).encode()
            if status == 0:
                self.close_connection = True  # the connection ends without an answer
                return
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **grafana.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _answer  # noqa: N815 - as http.server calls them

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        grafana.url = f"http://127.0.0.1:{server.server_port}"
        yield grafana
        server.shutdown()
        thread.join()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What would have been waited, by the command too; the version is one that is installed everywhere."""
    waited: list[float] = []
    monkeypatch.setitem(GrafanaPublisher.__init__.__kwdefaults__, "pause", waited.append)
    monkeypatch.setattr("dashboards.publisher.version", lambda _: "9.8")
    return waited


@pytest.fixture
def publisher(stub: Stub, pauses: list[float]) -> GrafanaPublisher:
    return GrafanaPublisher(stub.url, TOKEN)


@pytest.fixture
def publish(
    stub: Stub,
    pauses: list[float],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Callable[..., tuple[int, str, str]]:
    """The command: its exit code, standard output and standard error."""
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")

    def call(*options: str, url: str = stub.url) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["dashboards", "publish", "--url", url, "--token-file", str(file), *options])
        code = program.main()
        output, errors = capfd.readouterr()
        assert "glsa" not in output + errors
        return code, output, errors

    return call


# ----------------------------------------------------------------------------------------------------------- requests


def test_the_command_sends_exactly_these_requests(stub: Stub, publish: Any, pauses: list[float]):
    before = datetime.now(UTC).timestamp()
    code, output, errors = publish()
    assert (code, errors) == (0, "")
    assert output == f"{stub.url}/d/kappawatch-overview/\n"
    [overview] = dashboards()
    [*first, (line, mark)] = stub.requests
    assert first == [
        ("GET /api/folders/kappawatch", None),
        (
            "POST /api/dashboards/db",
            {
                "dashboard": {**overview, "id": None},
                "folderUid": "kappawatch",
                "overwrite": True,
                "message": "kappawatch 9.8",
            },
        ),
        ("GET /api/health", None),
    ]
    assert line == "POST /api/annotations"
    assert before - 1 <= mark.pop("time") / 1000 <= datetime.now(UTC).timestamp() + 1
    assert mark == {
        "dashboardId": None,
        "panelId": None,
        "timeEnd": None,
        "tags": ["kappawatch"],
        "text": "kappawatch 9.8: dashboards published",
    }
    assert stub.tokens == {f"Bearer {TOKEN}"}
    assert pauses == []


def test_a_folder_that_is_not_there_is_created_under_a_uid_that_stays(stub: Stub, publish: Any):
    stub.answers["GET /api/folders"] = [(200, [{"uid": "other", "title": "Others"}])]
    stub.answers["POST /api/folders"] = [(200, {"uid": "kappawatch-74a3aa51ee", "title": "Annotation QA"})]
    assert publish("--folder", "Annotation QA", "--annotation", "worker 0.2 deployed")[0] == 0
    assert stub.requests[:3] == [
        ("GET /api/folders/kappawatch-74a3aa51ee", None),
        ("GET /api/folders", None),
        ("POST /api/folders", {"title": "Annotation QA", "uid": "kappawatch-74a3aa51ee"}),
    ]
    assert stub.requests[3][1]["folderUid"] == "kappawatch-74a3aa51ee"
    assert stub.requests[-1][1]["text"] == "worker 0.2 deployed"


def test_a_folder_of_this_title_that_somebody_else_made_is_used(stub: Stub, publisher: GrafanaPublisher):
    stub.answers["GET /api/folders"] = [(200, [{"uid": "theirs", "title": "QA"}])]
    assert publisher.ensure_folder("QA") == "theirs"
    assert not [line for line in stub.asked if line.startswith("POST")]


@pytest.mark.parametrize("status", [409, 412])
def test_a_folder_that_appears_meanwhile_is_used(stub: Stub, publisher: GrafanaPublisher, status: int):
    ours = (200, {"uid": "kappawatch", "title": "kappawatch"})
    stub.answers["GET /api/folders/kappawatch"] = [(404, {"message": "folder not found"}), ours]
    stub.answers["GET /api/folders"] = [(200, [])]
    stub.answers["POST /api/folders"] = [(status, {"message": "a folder with the same name already exists"})]
    assert publisher.ensure_folder() == "kappawatch"


@pytest.mark.parametrize("status", [409, 412])
def test_a_folder_that_cannot_be_seen_is_not_taken_for_a_wrong_address(stub: Stub, publish: Any, status: int):
    stub.answers = {"GET /api/folders": [(200, [])], "POST /api/folders": [(status, {"message": "name exists"})]}
    code, _, errors = publish()
    assert code == 2
    assert "creating folder 'kappawatch': expected what may be replaced, found 409: rename or delete in Graf" in errors


def test_a_mark_has_a_time_and_tags(stub: Stub, publisher: GrafanaPublisher):
    publisher.annotate("drift of tomas", MOMENT, tags=["kappawatch", "drift"])
    assert stub.requests[-1] == (
        "POST /api/annotations",
        {
            "dashboardId": None,
            "panelId": None,
            "time": 1767600000000,
            "timeEnd": None,
            "tags": ["kappawatch", "drift"],
            "text": "drift of tomas",
        },
    )


def test_a_grafana_below_a_path(stub: Stub, publish: Any):
    stub.answers = {line.replace("/api", "/grafana/api"): answers for line, answers in stub.answers.items()}
    code, output, _ = publish(url=f"{stub.url}/grafana/")
    assert (code, output) == (0, f"{stub.url}/grafana/d/kappawatch-overview/\n")
    assert all(" /grafana/api/" in line for line in stub.asked)


def test_an_empty_answer_to_a_write_is_success(stub: Stub, publish: Any):
    stub.answers["POST /api/dashboards/db"] = stub.answers["POST /api/annotations"] = [(202, b"")]
    assert publish()[0] == 0
    assert len(stub.requests) == 4


# ------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("line", "status", "message", "code", "said"),
    [
        (
            "GET /api/folders/kappawatch",
            401,
            "Invalid API key",
            2,
            "expected a token that it knows, found 401 (Invalid",
        ),
        ("GET /api/folders/kappawatch", 403, "Forbidden", 2, "give its service account the role Editor"),
        ("GET /api/folders", 404, "Not found", 2, "expected Grafana's API there, found 404 (Not found): give the addr"),
        ("POST /api/dashboards/db", 400, "Cannot save provisioned dashboard", 2, "found 400 (Cannot save provisioned"),
        (
            "POST /api/dashboards/db",
            412,
            "The dashboard has been changed",
            2,
            "pushing dashboard kappawatch-overview: ",
        ),
        (
            "POST /api/dashboards/db",
            500,
            "database is locked",
            3,
            "an error in Grafana, 500 (database is locked): look",
        ),
        ("POST /api/annotations", 403, "Access denied", 2, "posting an annotation: expected a token that may write"),
    ],
)
def test_an_answer_that_ends_it(
    stub: Stub, publish: Any, pauses: list[float], line: str, status: int, message: str, code: int, said: str
):
    if line == "GET /api/folders":
        stub.answers.pop("GET /api/folders/kappawatch")
    stub.answers[line] = [(status, {"message": message})]
    ended, _, errors = publish()
    assert ended == code
    assert errors.startswith(f"dashboards: Grafana at {stub.url}, ")
    assert said in errors
    assert errors.count("\n") == 1
    assert stub.asked[-1] == line
    assert stub.asked.count(line) == 1
    assert pauses == []


@pytest.mark.parametrize(
    "page", [b"<html>the message is: no</html>", b'"a message"', b"null", b"[1]", b"7", b"", b"\xff"]
)
@pytest.mark.parametrize("status", [404, 500])
def test_an_error_page_of_whatever_kind_keeps_its_status(
    stub: Stub, publisher: GrafanaPublisher, page: bytes, status: int
):
    stub.answers["POST /api/dashboards/db"] = [(status, page)]
    with pytest.raises(Refused if status == 404 else Unavailable, match=str(status)):
        publisher.push(dashboards()[0], "kappawatch")


@pytest.mark.parametrize("page", [b"<html>welcome</html>", b"", b"[]", b"{}", b'{"uid": 7}'])
def test_a_page_that_is_not_grafana_is_told_from_it(stub: Stub, publish: Any, page: bytes):
    stub.answers = {f"GET /api/folders{path}": [(200, page)] for path in ("", "/kappawatch")}
    code, _, errors = publish()
    assert code == 2
    assert "expected Grafana's API there, found another page: give the address of Grafana's start page" in errors


def test_a_list_of_folders_is_a_list(stub: Stub, publisher: GrafanaPublisher):
    stub.answers = {"GET /api/folders": [(200, {"uid": "kappawatch"})]}
    with pytest.raises(Refused, match="listing its folders: expected Grafana's API"):
        publisher.ensure_folder()


def test_a_redirect_is_named_and_the_token_does_not_follow_it(stub: Stub, publish: Any):
    stub.headers["Location"] = "https://me:password@grafana.example/login?next=secret"
    stub.answers["GET /api/folders/kappawatch"] = [(302, b"")]
    code, _, errors = publish()
    assert code == 2
    assert "found a redirect, 302 to https://grafana.example/login: if your Grafana is there" in errors
    assert "password" not in errors
    assert stub.asked == ["GET /api/folders/kappawatch"]


def test_what_a_server_says_is_short_and_does_not_give_the_token_away(stub: Stub, publish: Any):
    stub.answers["GET /api/folders/kappawatch"] = [(401, {"message": f"\x1b[2Jno {TOKEN}\n{'x' * 9999}"})]
    code, _, errors = publish()
    assert code == 2
    assert "no [token] xxx" in errors
    assert "\x1b" not in errors
    assert len(errors) < 400 + LONGEST_QUOTE


# --------------------------------------------------------------------------------------------------- a Grafana that is away


def test_a_grafana_that_comes_back_is_waited_for(stub: Stub, publish: Any, pauses: list[float]):
    for line, statuses in {
        "GET /api/folders/kappawatch": (0, 502),
        "POST /api/dashboards/db": (429, 503, 504),
        "GET /api/health": (503, 0),
    }.items():
        stub.answers[line] = [*((status, b"<html>a message</html>") for status in statuses), *stub.answers[line]]
    code, output, errors = publish()
    assert (code, errors) == (0, "")
    assert output.endswith("/d/kappawatch-overview/\n")
    assert stub.asked == (
        ["GET /api/folders/kappawatch"] * 3
        + ["POST /api/dashboards/db"] * 4
        + ["GET /api/health"] * 3
        + ["POST /api/annotations"]
    )
    assert pauses == [*WAITS[:2], *WAITS[:3], *WAITS[:2]]


def test_one_that_stays_away_is_given_up(stub: Stub, publish: Any, pauses: list[float]):
    stub.answers["GET /api/folders/kappawatch"] = [(503, {"message": "starting"})]
    code, _, errors = publish()
    assert code == 3
    assert "reading folder 'kappawatch': expected an answer, found the answer 503 (starting) at each of 5 att" in errors
    assert len(stub.requests) == 5
    assert pauses == list(WAITS)
    assert list(WAITS) == sorted(WAITS)
    assert sum(WAITS) < 10


def test_nobody_listens(publish: Any, pauses: list[float]):
    url = f"http://127.0.0.1:{free_port()}"
    code, output, errors = publish(url=url)
    assert (code, output) == (3, "")
    assert errors == (
        f"dashboards: Grafana at {url}, reading folder 'kappawatch': expected an answer, found connection refused at "
        "each of 5 attempts: start Grafana, or correct its address (--url)\n"
    )
    assert pauses == list(WAITS)


@pytest.mark.parametrize("status", [0, 504])
def test_a_mark_whose_answer_is_lost_is_not_posted_twice(stub: Stub, publisher: GrafanaPublisher, status: int):
    stub.answers["POST /api/annotations"] = [(status, b"")]
    with pytest.raises(Unavailable, match="it may have arrived all the same"):
        publisher.annotate("deployed", MOMENT)
    assert stub.asked.count("POST /api/annotations") == 1


def test_an_answer_that_takes_too_long(pauses: list[float], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("dashboards.publisher.TIMEOUT", 0.05)
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as silent:
        publisher = GrafanaPublisher(f"http://127.0.0.1:{silent.getsockname()[1]}", TOKEN, waits=(1.0,))
        with pytest.raises(Unavailable, match=r"found no answer within 0\.05 s at each of 2 attempts"):
            publisher.ensure_folder()
    assert pauses == [1.0]


def test_a_certificate_that_cannot_be_verified_is_not_waited_for(stub: Stub, pauses: list[float]):
    publisher = GrafanaPublisher(stub.url.replace("http:", "https:"), TOKEN)
    with pytest.raises(Refused, match="expected a certificate that can be verified"):
        publisher.ensure_folder()
    assert pauses == []
    assert stub.requests == []


# ---------------------------------------------------------------------------------------------------- address and token


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://grafana.example", "the token would cross the network in the clear; use https"),
        ("http://localhost.example", "use https"),
        ("https://me:hunter2@grafana.example", "found a user name or password in it"),
        ("https://grafana.example/?auth_token=hunter2", "found more behind the path"),
        ("https://grafana.example/#hunter2", "found more behind the path"),
        ("https://grafana.example:port", "found an address that cannot be read"),
        ("https://[::1", "found an address that cannot be read"),
        ("grafana.example", "found 'grafana.example'"),
        ("ftp://grafana.example", "found 'ftp://grafana.example'"),
        ("https://", "found 'https://'"),
        ("https://grafana.example/\nx", "found 'https"),
    ],
)
def test_an_address_that_is_refused(url: str, said: str):
    with pytest.raises(Refused) as refused:
        GrafanaPublisher(url, TOKEN)
    assert str(refused.value).startswith("--url: expected https://HOST[:PORT][/PATH], or http:// on this machine, ")
    assert said in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "known_as"),
    [
        ("https://grafana.example", "https://grafana.example"),
        ("https://Grafana.example:3000/a/b/", "https://grafana.example:3000/a/b"),
        ("http://localhost:3000/", "http://localhost:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_an_address_that_is_taken(url: str, known_as: str):
    publisher = GrafanaPublisher(url, TOKEN)
    assert publisher.url == known_as
    assert publisher._grafana.api.url == f"{known_as}/api"
    assert publisher._grafana.api.timeout == TIMEOUT > 5


def test_a_proxy_of_the_environment_never_sees_the_token_in_the_clear(
    stub: Stub, publisher: GrafanaPublisher, monkeypatch: pytest.MonkeyPatch
):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert publisher.ensure_folder() == "kappawatch"


@pytest.mark.parametrize("title", ["", " QA", "Q\nA", "Q" * 190])
def test_a_folder_needs_a_title(stub: Stub, publisher: GrafanaPublisher, title: str):
    with pytest.raises(Refused, match="expected a folder's title of 1 to 189 printable characters, found "):
        publisher.ensure_folder(title)
    assert stub.requests == []


@pytest.mark.parametrize(
    "content", [b"", b"\n \n", b"hunter2 hunter2", b"hunter2\nhunter2", b"hunter2\xff", b"\xc3\xa4"]
)
def test_a_token_that_cannot_be_one_is_not_shown(tmp_path: Path, content: bytes):
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(Refused) as refused:
        read_token(file, {TOKEN_VARIABLE: TOKEN})
    assert f"--token-file {file}: expected one line with a Grafana service account token, found " in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_where_the_token_comes_from(tmp_path: Path):
    file = tmp_path / "token"
    file.write_text(f" {TOKEN}\n")
    assert read_token(file, {TOKEN_VARIABLE: "another"}) == TOKEN
    assert read_token(None, {TOKEN_VARIABLE: TOKEN}) == TOKEN
    with pytest.raises(Refused, match=f"found neither --token-file nor {TOKEN_VARIABLE}: write"):
        read_token(None, {})
    with pytest.raises(Refused, match=f"{TOKEN_VARIABLE}: expected one line with a Grafana .* token, found nothing"):
        read_token(None, {TOKEN_VARIABLE: ""})
    with pytest.raises(Refused, match="absent: expected a file to read, found: no such file or directory"):
        read_token(tmp_path / "absent", {})


# ---------------------------------------------------------------------------------------------------------- packages


def test_generating_and_running_do_without_grafana_api():
    code = (
        "import sys, dashboards.generate, streams.cli, streams.replay, detectors.monitor\n"
        "assert not {'grafana_api', 'requests'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60, check=True)
    sources = [path for package in ("dashboards", "streams", "detectors") for path in (ROOT / package).rglob("*.py")]
    assert len(sources) > 50
    importing = [path.name for path in sources if re.search(r"(import|from) grafana_api", path.read_text())]
    assert importing == ["publisher.py"]


def test_publishing_does_without_what_only_tests_need():
    code = (
        "import sys; sys.modules['yaml'] = None; sys.argv = ['dashboards', 'publish', '--help']\n"
        "import dashboards.__main__ as program; program.main()"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, timeout=60, check=True)


def test_without_publish_files_are_written_as_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(sys, "argv", ["dashboards", "--out", str(tmp_path / "publish")])
    assert program.main() == 0
    written = capsys.readouterr().out.splitlines()
    assert [Path(line).name for line in written] == ["kappawatch-overview.json", "kappawatch.rules.yml"]
    assert all(Path(line).is_file() for line in written)
