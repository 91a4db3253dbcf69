"""Fuzz the parser: `python -m tests.benchmarks.fuzz --count 1000000 --seed 1`.

A share of the inputs is drawn by hypothesis (valid events in any spelling, events with an arbitrary JSON value in any
place, arbitrary JSON, arbitrary bytes). The rest are mutations of valid events: of their bytes (flips, cuts, splices,
tokens put in), of their structure (fields taken out, types swapped, nesting, huge numbers, surrogates, keys twice), and
arrays of those. Each input must give at least one outcome and never an exception; a refusal must have a known reason
and a path of the contract's own names; an accepted event must come back the same from its canonical spelling.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import re
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as with_seed
from hypothesis import strategies as st

from streams.events import EVENT_TYPES, Answer, Box, Event, Prelabel, Shape, Span
from streams.parsing import REASONS, DeadLetter, Parser
from tests.strategies import SPELLINGS, Fields, events, spell

DRAWN_SHARE = 20  # one input of so many is drawn by hypothesis, which takes some fifty times as long
CORPUS = 2_000  # valid events that are mutated over and over
MOST_FAILURES = 10

T = TypeVar("T")

_RAW = "@raw@"  # stands where a token goes that json.dumps cannot write
_TOKENS = (
    "NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e-999", "01", "1.", ".5", "0x1F", "1_000", "tru", "nul",
    "undefined", "'x'", "9" * 30, "-" + "9" * 30, "9" * 400, "0." + "3" * 60, "9223372036854775808",
    '"\\ud800"', '"\\udc00x"', '"\\ud800\\u0041"', '"\\ud83d\\ude00"', '"\\u0000"', '"\\x"', '"\x7f"', '"\x01"',
    "[" * 100, "[" * 70 + "]" * 70, '{"a":' * 70 + "1" + "}" * 70, '{"id": 1, "id": 2}', "", ",", "}", "/*c*/ 1", "\ufeff",
)  # fmt: skip
_VALUES: tuple[object, ...] = (
    None, True, False, 0, 1, -1, 1.5, -0.0, 1e308, 5e-324, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 10**30, "", "x", "x" * 256,
    "x" * 257, "x" * 1025, "é" * 1024, "a\x00b", "a\nb", "\x7f", "\x85", "\ufffe", "\U0001f600", "annotation", "gold", "1", "2",
    [], {}, [None], ["x"], ["x", 1], ["x"] * 1001, [[["x"]]], {"": 1}, {"k" * 300: 1}, {"k\x1f": 1}, {"k": {"k": 1}},
    {f"k{number}": number for number in range(40)}, {"boxes": [{"bbox": [1, 2, 3]}]}, {"boxes": [{"bbox": [1, 2, -3, 4]}]},
    {"boxes": [{"bbox": [0, 0, 10**30, 1], "class": 7}]}, {"boxes": None}, {"spans": [{"start": 9, "end": 2}]},
    {"spans": [{"start": -1, "end": 2}]}, {"spans": [], "boxes": []}, {"chosen": "A"}, {"chosen": "A", "rejected": "A"},
    {"tie": False}, {"tie": True, "chosen": "A"}, {"label": {"tie": 1}}, [{"label": "x", "weight": -1}], [{"weight": 1}],
    "2024-01-01", "2024-01-01T00:00:00", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.9999999Z", "1989-12-31T23:59:59Z",
    "2100-01-01T00:00:00Z", "2099-12-31T23:59:59-12:00", "2016-12-31T23:59:60Z", "now", 1_700_000_000, 30 * 86_400_000 + 1,
)  # fmt: skip
_BYTES = (
    b"\x00", b"\x7f", b"\xc2\x85", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xef\xbf\xbe", b"\xf0\x9f", b'"', b"\\", b"{",
    b"}", b"[", b"]", b",", b":", b"\\u0000", b"\\ud800", b"\\u007f", b"\n", b"\t", b"null", b"1e999", b"9" * 40, b"[" * 200,
)  # fmt: skip
_NAMES = {
    name
    for kind in (*EVENT_TYPES.values(), Answer, Box, Prelabel, Shape, Span)
    for name in (*kind.__struct_encode_fields__, "type")
}
_PATH = re.compile(r"\$(?:\[\d+\]|\[\.\.\.\]|\.(\w+))*")


@dataclass
class Tally:
    """What came of the inputs; `failures` says input by input what must not happen."""

    inputs: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def take(self, origin: str, value: bytes, parse: Callable[[bytes], Iterator[object]]) -> None:
        """Parse one input and count what it gives."""
        self.inputs[origin] += 1
        try:
            outcomes = list(parse(value))
            self.outcomes.update(_name(outcome) for outcome in outcomes)
            if not outcomes:
                raise AssertionError("expected at least one outcome, found none: a silent drop")
            if Parser().parse_plain([value]) not in (None, outcomes):
                raise AssertionError("expected of many at once what each gives, or nothing")
        except KeyboardInterrupt:
            raise
        except BaseException:  # noqa: BLE001 - an input that breaks the parser is the finding, whatever it raises
            self.failures.append(f"{origin}: {value[:2000]!r}\n{traceback.format_exc()}")


def _name(outcome: object) -> str:
    """The outcome's row in the table; raises where it breaks a promise."""
    if isinstance(outcome, DeadLetter):
        names = set(re.findall(r"\.(\w+)", outcome.path))
        if outcome.reason not in REASONS or not _PATH.fullmatch(outcome.path) or not names <= _NAMES:
            raise AssertionError(
                f"expected a reason of the list and a path of names, found {outcome.reason} {outcome.path}"
            )
        return outcome.reason
    if not isinstance(outcome, Event):
        raise TypeError(f"expected an event or a dead letter, found {type(outcome)}")
    spelled = outcome.canonical()
    again = Parser().parse_event(spelled)
    if (
        isinstance(again, DeadLetter)
        or again.canonical() != spelled
        or (again.at, again.id) != (outcome.at, outcome.id)
    ):
        raise AssertionError(f"expected the same event again from its canonical spelling, found {again}")
    return f"accepted {type(outcome).__name__.lower()}"


def fuzz(count: int, seed: int) -> Tally:
    """Parse `count` inputs; the same seed gives the same inputs."""
    tally = Tally()
    parser = Parser()
    drawn = _drawn(count // DRAWN_SHARE, seed)
    for value in drawn:
        tally.take("hypothesis", value, parser.parse)
    corpus = _corpus(min(CORPUS, count // DRAWN_SHARE), seed)
    chance = random.Random(seed)
    for _ in range(count - len(drawn)):
        origin = chance.choice(_ORIGINS)
        tally.take(origin, _MUTATIONS[origin](corpus, chance), parser.parse)
        if len(tally.failures) >= MOST_FAILURES:
            break
    return tally


# Drawn by hypothesis


def _collect(strategy: st.SearchStrategy[T], count: int, seed: int) -> list[T]:
    found: list[T] = []

    @with_seed(seed)
    @settings(
        max_examples=count // 10 + 1,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(strategy, min_size=10, max_size=30))
    def collect(values: list[T]) -> None:
        if len(found) < count:
            found.extend(values)

    collect()
    return found[:count]


def _drawn(count: int, seed: int) -> list[bytes]:
    leaf = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
    anything = st.recursive(
        leaf,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
        max_leaves=8,
    )
    spelled = st.builds(spell, events(), SPELLINGS)
    names = st.sampled_from(sorted(_NAMES))
    broken = st.builds(lambda fields, name, value: _dumps({**fields, name: value}), events(), names, anything)
    page = st.lists(spelled | broken, max_size=4).map(lambda parts: b"[" + b",".join(parts) + b"]")
    return _collect(spelled | broken | broken | page | anything.map(_dumps) | st.binary(max_size=64), count, seed)


def _corpus(count: int, seed: int) -> list[Fields]:
    return _collect(events(), count, seed)


def _dumps(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


# Mutations of valid events


def _mutated_bytes(corpus: list[Fields], chance: random.Random) -> bytes:
    value = bytearray(_dumps(chance.choice(corpus)))
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        at = chance.randrange(len(value) + 1)
        to = min(len(value), at + chance.choice((1, 1, 2, 8, 40)))
        kind = chance.randrange(7)
        if kind == 0:
            value[at:to] = chance.randbytes(to - at)
        elif kind == 1:
            del value[at:to]
        elif kind == 2:
            value[at:at] = chance.choice(_BYTES)
        elif kind == 3:
            value[at:to] = chance.choice(_BYTES)
        elif kind == 4:
            value[at:at] = value[at:to] * chance.choice((1, 2, 50))
        elif kind == 5:
            del value[at:]
        else:
            other = _dumps(chance.choice(corpus))
            value[at:] = other[chance.randrange(len(other)) :]
    return bytes(value)


def _mutated_structure(corpus: list[Fields], chance: random.Random) -> bytes:
    fields = copy.deepcopy(chance.choice(corpus))
    token = None
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        place: Any = fields
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = chance.choice(keys)
            if isinstance(place[key], dict | list) and place[key] and chance.random() < 0.7:
                place = place[key]
                continue
            kind = chance.randrange(8)
            if kind == 0:
                del place[key]
            elif kind == 1:
                place[key] = copy.deepcopy(fields.get(chance.choice(list(fields)))) if fields else None
            elif kind == 2:
                token, place[key] = chance.choice(_TOKENS), _RAW
            elif kind == 3:
                place[key] = [place[key]] * chance.choice((1, 2, 100))
            elif kind == 4:
                place[key] = {chance.choice(("label", "boxes", "x", "id")): place[key]}
            else:
                place[key] = copy.deepcopy(chance.choice(_VALUES))
            break
    text = json.dumps(fields, ensure_ascii=chance.random() < 0.5)
    if token is not None:
        text = text.replace(f'"{_RAW}"', token)
    if chance.random() < 0.1 and len(fields) > 1:  # a key twice, with two values
        text = text[:-1] + f', "{chance.choice(list(fields))}": {json.dumps(chance.choice(_VALUES))}}}'
    return text.encode("utf-8", "surrogatepass")


def _array(corpus: list[Fields], chance: random.Random) -> bytes:
    if chance.random() < 0.001:
        return b"[" + chance.choice((b"1,", b"[],", b'{"id":1},')) * chance.choice((1_000, 100_000)) + b"0]"
    makers = (_valid, _valid, _mutated_structure, _mutated_bytes)
    parts = [
        chance.choice(makers[: chance.choice((3, 4))])(corpus, chance) for _ in range(chance.choice((0, 1, 2, 3, 5)))
    ]
    return (
        chance.choice((b"", b"", b" ")) + b"[" + b",".join(parts) + b"]" + chance.choice((b"", b"", b"", b"\n", b"]"))
    )


def _valid(corpus: list[Fields], chance: random.Random) -> bytes:
    return spell(chance.choice(corpus), chance.randrange(1000))


_MUTATIONS = {"bytes": _mutated_bytes, "structure": _mutated_structure, "array": _array, "valid": _valid}
_ORIGINS = ("bytes",) * 9 + ("structure",) * 9 + ("array",) + ("valid",)


def main(arguments: list[str] | None = None) -> int:
    """The command; 1 when an input broke a promise."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.fuzz", description="Fuzz the event parser.")
    parser.add_argument("--count", type=int, default=1_000_000, help="number of inputs (default 1000000)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same inputs (default 1)")
    given_arguments = parser.parse_args(arguments)
    began = time.perf_counter()
    tally = fuzz(given_arguments.count, given_arguments.seed)
    took = time.perf_counter() - began
    total = tally.inputs.total()
    print(f"seed {given_arguments.seed}: {total:,} inputs, {tally.outcomes.total():,} outcomes, ", end="")
    print(f"{len(tally.failures)} failures, {took:.0f} s, {total / took:,.0f} inputs/s")
    for title, table in (("input", tally.inputs), ("outcome", tally.outcomes)):
        print(f"\n{title:<24}{'count':>12}")
        for name, number in sorted(table.items(), key=lambda row: (-row[1], row[0])):
            print(f"{name:<24}{number:>12,}")
    for failure in tally.failures:
        print(f"\nFAILED {failure}", file=sys.stderr)
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
