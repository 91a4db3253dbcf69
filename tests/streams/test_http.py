"""The worker's HTTP side: the metrics page, health and readiness, on loopback."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import aiohttp
import pytest

from streams.chunks import Chunk
from streams.errors import Unavailable
from streams.homes import Home
from streams.http import Served, serve
from streams.metrics import WorkerCollector, WorkerMetrics
from streams.owner import Owner
from streams.settings import HttpSettings, load_settings
from streams.store import open_store
from tests.made_events import annotation, messages
from tests.streams.folding import TOPIC, Record, rules

Answer = tuple[int, dict[str, str], bytes]
Get = Callable[..., Awaitable[Answer]]


def http(listen: str = "127.0.0.1:0") -> HttpSettings:
    host, _, port = listen.rpartition(":")
    return load_settings(None, {"KAPPAWATCH_HTTP__LISTEN": f"{host}:{port}"}).http


def served(
    work: Callable[[Get, Served], Awaitable[Any]],
    metrics: WorkerMetrics | None = None,
    not_ready: Callable[[], Sequence[str]] = tuple,
) -> Any:
    async def run() -> Any:
        server = await serve(http(), metrics or WorkerMetrics(), not_ready)
        async with aiohttp.ClientSession(auto_decompress=False) as session:

            async def get(path: str, method: str = "GET", **headers: str) -> Answer:
                wanted = {name.replace("_", "-"): value for name, value in headers.items()}
                async with session.request(method, f"http://{server.address}{path}", headers=wanted) as response:
                    return response.status, dict(response.headers), await response.read()

            try:
                return await work(get, server)
            finally:
                await server.close()

    return asyncio.run(run())


def test_metrics_are_a_page_in_the_format_that_is_asked_for() -> None:
    metrics = WorkerMetrics()
    metrics.add("kappawatch_conflicts_total", amount=3)

    async def work(get: Get, _: Served) -> list[Answer]:
        return [
            await get("/metrics", Accept_Encoding="identity"),
            await get("/metrics", Accept="application/openmetrics-text; version=1.0.0", Accept_Encoding="identity"),
            await get("/metrics", Accept_Encoding="gzip"),
        ]

    plain, open_metrics, packed = served(work, metrics)
    assert all(answer[0] == 200 for answer in (plain, open_metrics, packed))
    assert plain[1]["Content-Type"].startswith("text/plain; version=")
    assert b"\nkappawatch_conflicts_total 3.0\n" in plain[2]
    assert open_metrics[1]["Content-Type"].startswith("application/openmetrics-text")
    assert open_metrics[2].endswith(b"# EOF\n")
    assert packed[1]["Content-Encoding"] == "gzip"
    assert b"\nkappawatch_conflicts_total 3.0\n" in gzip.decompress(packed[2])


def test_a_page_that_cannot_be_gathered_is_counted_and_the_next_is_there() -> None:
    metrics = WorkerMetrics()

    async def work(get: Get, _: Served) -> list[Answer]:
        metrics.homes[0] = "no readings"  # type: ignore[assignment]
        broken = await get("/metrics", Accept_Encoding="identity")
        del metrics.homes[0]
        return [broken, await get("/metrics", Accept_Encoding="identity")]

    broken, mended = served(work, metrics)
    assert broken[0] == 500
    assert b"readings" not in broken[2], "what went wrong is not for readers of the page"
    assert mended[0] == 200
    assert b"\nkappawatch_collect_errors_total 1.0\n" in mended[2]


def test_a_page_is_rendered_off_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """While one is in the works, everything else is answered."""
    begun, may_end = threading.Event(), threading.Event()
    real = WorkerCollector.collect

    def slow(self: WorkerCollector) -> Any:
        begun.set()
        assert may_end.wait(30)
        return real(self)

    monkeypatch.setattr(WorkerCollector, "collect", slow)

    async def work(get: Get, _: Served) -> tuple[int, bool, Answer]:
        page = asyncio.ensure_future(get("/metrics", Accept_Encoding="gzip"))
        assert await asyncio.to_thread(begun.wait, 30)
        status, _, _ = await get("/healthz")
        early = page.done()
        may_end.set()
        return status, early, await page

    status, early, page = served(work)
    assert (status, early) == (200, False)
    assert (page[0], page[1]["Content-Encoding"]) == (200, "gzip")


def test_a_page_is_there_while_a_chunk_is_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is that of the last commit: a scrape waits for no fold."""
    metrics = WorkerMetrics()
    owner = Owner(lambda: open_store("sqlite://"), lambda _: rules(), metrics)
    sent = messages([annotation("ann", "i1", "yes"), annotation("bob", "i1", "no")])
    owner.take_in(Chunk(TOPIC, 0, 1, 0, [Record(0, sent[0])]))
    owner.show(0)
    begun, may_end = threading.Event(), threading.Event()
    real = Home.process

    def slow(self: Home, *args: Any) -> Any:
        for outcome in real(self, *args):
            begun.set()
            assert may_end.wait(30)
            yield outcome

    monkeypatch.setattr(Home, "process", slow)

    async def work(get: Get, _: Served) -> tuple[Answer, Answer]:
        async def page() -> Answer:
            return await get("/metrics", Accept_Encoding="identity")

        folding = asyncio.ensure_future(asyncio.to_thread(owner.take_in, Chunk(TOPIC, 0, 1, 1, [Record(1, sent[1])])))
        assert await asyncio.to_thread(begun.wait, 30)
        during = await page()
        assert not folding.done()
        may_end.set()
        await folding
        await asyncio.to_thread(owner.show, 0)
        return during, await page()

    during, after = served(work, metrics)
    name = b'\nkappawatch_annotations{project="news",task="label"} '
    assert name + b"1.0" in during[2]
    assert name + b"2.0" in after[2]


def test_ready_says_why_not() -> None:
    reasons: list[str] = []

    async def work(get: Get, _: Served) -> list[Answer]:
        found = [await get("/readyz")]
        reasons.extend(["store away: locked", "home 3 is being rebuilt"])
        found += [await get("/readyz"), await get("/healthz")]
        return found

    ready, unready, alive = served(work, not_ready=lambda: reasons)
    assert (ready[0], ready[2]) == (200, b"ready\n")
    assert (unready[0], unready[2]) == (503, b"store away: locked\nhome 3 is being rebuilt\n")
    assert (alive[0], alive[2]) == (200, b"alive\n"), "a worker that waits for its store is alive"


@pytest.mark.parametrize("path", ["/", "/table/", "/metrics/x", "/router/", "/../etc/passwd"])
def test_there_is_nothing_else(path: str) -> None:
    status, _, _ = served(lambda get, _: get(path))
    assert status == 404


def test_nothing_can_be_written() -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert served(lambda get, _, method=method: get("/metrics", method))[0] == 405


def test_it_listens_on_loopback_unless_told_otherwise() -> None:
    assert load_settings(None, {}).http.host == "127.0.0.1"

    async def work(_: Get, server: Served) -> str:
        return server.address

    host, _, port = served(work).rpartition(":")
    assert host == "127.0.0.1"
    assert int(port) > 0


def test_an_address_that_is_taken_is_said_and_nothing_is_left_behind() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        listen = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(Unavailable) as unavailable:
            asyncio.run(serve(http(listen), WorkerMetrics(), tuple))
        assert f"http.listen: {listen} cannot be listened on" in str(unavailable.value)
        assert "choose another address" in str(unavailable.value)


def test_it_stops() -> None:
    async def work(_: Get, server: Served) -> tuple[str, int]:
        host, _, port = server.address.rpartition(":")
        return host, int(port)

    address = served(work)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=5)
