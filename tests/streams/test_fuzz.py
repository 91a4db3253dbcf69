"""The fuzz command on few inputs, and that it would notice a parser that breaks its promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from streams.parsing import DeadLetter, Parser
from tests.benchmarks import fuzz
from tests.strategies import PROJECTS


def test_few_thousand_inputs_break_nothing() -> None:
    tally = fuzz.fuzz(5_000, seed=3)
    assert tally.failures == []
    assert tally.inputs.total() == 5_000
    assert tally.outcomes.total() > 5_000, "pages give an outcome an element"
    assert set(tally.inputs) == {"hypothesis", "bytes", "structure", "array", "valid"}
    accepted = {name for name in tally.outcomes if name.startswith("accepted ")}
    refused = set(tally.outcomes) - accepted
    assert len(accepted) == 6
    assert refused == {
        "array_size", "bad_time", "control_character", "empty", "invalid_json", "missing_field", "out_of_range", "too_long",
        "unknown_contract", "unknown_type", "unknown_value", "unparsable", "wrong_shape", "wrong_type",
    }  # fmt: skip
    assert sum(tally.outcomes[name] for name in accepted) > 500
    assert sum(tally.outcomes[name] for name in refused) > 2_000


def test_same_seed_same_inputs() -> None:
    assert fuzz.fuzz(200, seed=5) == fuzz.fuzz(200, seed=5)
    assert fuzz.fuzz(200, seed=5) != fuzz.fuzz(200, seed=6)


def raises(value: bytes) -> Iterator[object]:
    raise RecursionError(len(value))


def drops(value: bytes) -> Iterator[object]:
    return iter(())


def invents_a_reason(value: bytes) -> Iterator[object]:
    yield DeadLetter.of(value, "bad_luck", "$")


def quotes(value: bytes) -> Iterator[object]:
    yield DeadLetter.of(value, "wrong_type", "$.slice.secret")


def returns_nothing_of_ours(value: bytes) -> Iterator[object]:
    yield {"id": "e"}


@pytest.mark.parametrize("broken", [raises, drops, invents_a_reason, quotes, returns_nothing_of_ours])
def test_broken_parser_is_noticed(broken: Callable[[bytes], Iterator[object]]) -> None:
    tally = fuzz.Tally()
    tally.take("valid", b"{}", Parser().parse)
    assert tally.failures == []
    tally.take("valid", b"{}", broken)
    assert len(tally.failures) == 1
    assert tally.inputs == {"valid": 2}


def test_command_fails_where_an_input_does(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(Parser, "parse", lambda _, value: raises(value))
    assert fuzz.main(["--count", "60", "--seed", "9"]) == 1
    printed = capsys.readouterr()
    assert "seed 9: " in printed.out
    assert "FAILED bytes: b" in printed.err
    assert "RecursionError" in printed.err


def test_command_prints_count_rate_and_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert fuzz.main(["--count", "100", "--seed", "4"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("seed 4: 100 inputs, ")
    assert "inputs/s" in printed
    assert "accepted annotation" in printed
    assert PROJECTS[0] not in printed
