"""The benchmarks run, and what they compare is equal; how fast is for the reader of docs/benchmarks.md."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from detectors.config import TaskConfig
from tests.benchmarks import boxes, merging, readings, recompute, shapes, spans, updates


def test_agreement_beside_krippendorff(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recompute, "LEAST", 0.0)
    monkeypatch.setattr(recompute, "EVENTS", 200)
    monkeypatch.setattr(sys, "argv", ["recompute", "--sizes", "1000", "--rounds", "1"])
    recompute.main()
    assert capsys.readouterr().out.splitlines()[-1].startswith("| 1,000 |")


def test_alphas_that_differ_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recompute, "LEAST", 0.0)
    held, more = recompute.campaign(1000, 10)
    monkeypatch.setattr("krippendorff.alpha", lambda **_: 0.5)
    with pytest.raises(ValueError, match="expected equal alphas"):
        recompute.once(held, more)


def test_all_of_a_task_is_read() -> None:
    found = readings.held(1000, TaskConfig(), mixed_vendors=True)
    task, (by, _), (pairs, (vendors, _)), confused = found.read(TaskConfig())
    assert task.annotations == 1000
    assert len(by["annotator"]) == 40
    assert len(pairs) > 100
    assert len(vendors) == 3
    assert len(confused) == 10


def test_every_part_of_the_state_is_updated() -> None:
    assert updates.measure(500, 1).keys() == updates.PARTS.keys()


def test_days_are_merged() -> None:
    assert min(merging.measure(1, 2)) > 0


@pytest.mark.parametrize("module", [boxes, spans])
def test_an_item_is_measured_whole_and_by_vendors(
    module: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shapes, "ITEMS", ((2, 3, False), (12, 1, True)))
    monkeypatch.setattr(shapes, "ROUNDS", 1)
    module.main()
    _, _, two, twelve = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in capsys.readouterr().out.splitlines()
    ]
    assert (two[:3], two[-1], len(two)) == (["2", "3", ""], "", 7)
    assert twelve[:3] == ["12", "1", "one heap"]
    assert all(float(cell) >= 0 for cell in twelve[3:])
