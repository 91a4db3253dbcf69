"""Where the state lives: one small interface, one file a database. A store is a file here and a line in `open_store`."""

from __future__ import annotations

from pathlib import Path

from streams.errors import Refused
from streams.store.base import Batch, Conflict, Row, Store, StoreFailed

__all__ = ["Batch", "Conflict", "Row", "Store", "StoreFailed", "open_store"]


def open_store(url: str, *, read_only: bool = False) -> Store:
    """The store of a URL: `sqlite:///relative.db`, `sqlite:////absolute.db`, `sqlite://` (memory) or `postgresql://...`."""
    if url == "sqlite://":
        from streams.store.sqlite import SqliteStore

        return SqliteStore(":memory:")
    if url.startswith("sqlite:///"):
        from streams.store.sqlite import SqliteStore

        return SqliteStore(Path(url.removeprefix("sqlite:///")), read_only=read_only)
    if url.startswith(("postgresql://", "postgres://")):
        from streams.store.postgres import PostgresStore

        return PostgresStore(url, read_only=read_only)
    raise Refused(f"store.url: expected sqlite:///FILE or postgresql://..., found {url.partition(':')[0]!r}")
