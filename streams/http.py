"""The worker's HTTP side: /metrics, /healthz and /readyz; on loopback unless told otherwise."""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from streams.errors import Unavailable
from streams.metrics import WorkerMetrics, registry
from streams.settings import HttpSettings


@dataclass(frozen=True, slots=True)
class Served:
    """The running server."""

    address: str
    runner: web.AppRunner
    renderer: ThreadPoolExecutor

    async def close(self) -> None:
        """Stop listening."""
        await self.runner.cleanup()
        self.renderer.shutdown(wait=False)


async def serve(settings: HttpSettings, metrics: WorkerMetrics, not_ready: Callable[[], Sequence[str]]) -> Served:
    """Listen; raises `Unavailable` where the address is taken."""
    renderer = ThreadPoolExecutor(1, thread_name_prefix="metrics")
    own = registry(metrics)

    async def render(request: web.Request) -> web.Response:
        loop = asyncio.get_running_loop()
        headers = request.headers
        try:
            body, kind, encoding = await loop.run_in_executor(
                renderer, _render, own, headers.get("Accept", ""), headers.get("Accept-Encoding", "")
            )
        except Exception:
            metrics.add("kappawatch_collect_errors_total")
            raise
        response = web.Response(body=body, headers={"Content-Type": kind})
        if encoding:
            response.headers["Content-Encoding"] = encoding
        return response

    async def alive(_: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def ready(_: web.Request) -> web.Response:
        reasons = not_ready()
        if reasons:
            return web.Response(status=503, text="".join(f"{reason}\n" for reason in reasons))
        return web.Response(text="ready\n")

    app = web.Application()
    app.add_routes([web.get("/metrics", render), web.get("/healthz", alive), web.get("/readyz", ready)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, settings.host, settings.port)
    try:
        await site.start()
    except OSError as error:
        await runner.cleanup()
        raise Unavailable(
            f"http.listen: {settings.listen} cannot be listened on ({error.strerror}); choose another address, or end "
            "what listens there"
        ) from None
    return Served(_address(runner), runner, renderer)


def _address(runner: web.AppRunner) -> str:
    host, port = runner.addresses[0][:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _render(own: CollectorRegistry, accept: str, encodings: str) -> tuple[bytes, str, str]:
    encoder, kind = choose_encoder(accept)
    body: Any = encoder(own)
    if "gzip" in encodings:
        return gzip.compress(body, 1), kind, "gzip"
    return body, kind, ""


logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
