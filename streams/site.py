"""What a store remembers of itself, beside its homes: the key of its pseudonyms, its partition count, its configuration."""

from __future__ import annotations

import secrets
from pathlib import Path

from streams.errors import Refused
from streams.privacy import Privacy
from streams.settings import Settings
from streams.store.base import Batch, Store
from streams.store.tables import META

PRIVACY_KEY = "privacy_key"
PARTITIONS = "partitions"
PROJECTS = "projects"


def check_key(settings: Settings) -> None:
    """Refuse a configured key that cannot be read, before a store is touched."""
    if settings.privacy.key_file is not None:
        _read_key(settings)


def privacy(store: Store, settings: Settings) -> Privacy:
    """The pseudonyms of a store: under the configured key, or under one that the store made for itself."""
    return _held(store, settings) or Privacy(bytes.fromhex(store.settle(PRIVACY_KEY, secrets.token_hex(32))))


def privacy_to_read(store: Store, settings: Settings) -> Privacy:
    """The pseudonyms of a store that is only read; `Refused` if we do not know its key."""
    found = _held(store, settings)
    if found is None:
        raise Refused(
            f"{settings.origin}: privacy.key_file: expected the key file of the workers that fill {settings.store.shown}, for "
            "the store holds no key of its own, found none named; run this command with their configuration"
        )
    return found


def _held(store: Store, settings: Settings) -> Privacy | None:
    if settings.privacy.key_file is not None:
        return Privacy(_read_key(settings))
    key = store.meta(PRIVACY_KEY)
    return None if key is None else Privacy(bytes.fromhex(key))


def _read_key(settings: Settings) -> bytes:
    path = Path(settings.privacy.key_file or "")
    try:
        key = path.read_bytes().strip()
    except OSError as error:
        raise Refused(
            f"{settings.origin}: privacy.key_file: expected a file with a secret key, found none that can be read "
            f"({error.strerror}); write 32 random bytes to it once, and keep it"
        ) from None
    if len(key) < 16:
        raise Refused(
            f"{settings.origin}: privacy.key_file: expected at least 16 bytes, found {len(key)}; "
            "write 32 random bytes to it once, and keep it"
        )
    return key


def remember(store: Store, name: str, value: str) -> None:
    """Keep a setting of the store."""
    batch = Batch()
    batch.put(META, (name, value))
    store.amend(batch)


def check_partitions(store: Store, counts: dict[str, int]) -> int:
    """The partition count that all consumed topics share and that the store remembers, or `Refused`."""
    shown = ", ".join(f"{topic} {count}" for topic, count in sorted(counts.items()))
    if len(set(counts.values())) != 1:
        raise Refused(
            f"expected the consumed topics to have equal partition counts, found {shown}: a project's events must meet "
            "in one partition number; create the topics anew with equal counts (kappawatch topics create)"
        )
    count = next(iter(counts.values()))
    held = store.settle(PARTITIONS, str(count))
    if held != str(count):
        raise Refused(
            f"expected {held} partitions in every consumed topic, as when this store was begun, found {shown}: projects "
            "would change their homes; restore the count, or begin a new store and let it read the log from its start"
        )
    return count


def check_configuration(store: Store, settings: Settings, *, adopt: bool) -> None:
    """Keep the [projects] configuration with the store; refuse another one unless told to adopt it."""
    present = settings.projects_canonical()
    held = store.meta(PROJECTS)
    if held is not None and held != present and not adopt:
        raise Refused(
            f"{settings.origin}: [projects] is not the configuration that this store's statistics follow: give every "
            "worker the same one, or start one worker with --adopt to take this one over and rebuild the changed tasks; "
            "nothing was changed"
        )
    if held != present:
        remember(store, PROJECTS, present)
