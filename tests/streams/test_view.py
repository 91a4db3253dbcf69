"""The view shows any document, in any width, and of it only what it may."""

from __future__ import annotations

import io
import random
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from streams.view import COEFFICIENT_NAMES, alarm_headline, alarm_numbers, events_line, render_document, render_overview

WIDTHS = (20, 40, 60, 80, 100, 160)
RENDERERS = (render_document, render_overview)


def reading(value: float | None, spread: float = 0.02, n: int = 100, why: str = "no pairable item") -> dict[str, Any]:
    if value is None:
        return {"value": None, "low": None, "high": None, "n": 0, "why": why}
    return {"value": value, "low": max(-1, value - spread), "high": min(1, value + spread), "n": n}


def scope(alpha: float | None, gold: float | None, n: int = 100) -> dict[str, Any]:
    answers = 0 if gold is None else n
    return {
        "annotations": 3 * n,
        "agreement": {name: reading(alpha, n=n) for name in COEFFICIENT_NAMES},
        "gold": {
            "answers": answers,
            "correct": round(answers * (gold or 0)),
            "accuracy": reading(gold, n=n, why="no answer"),
        },
    }


def alarm(subject: str = "tomas", **changes: Any) -> dict[str, Any]:
    return {
        "id": "8a05327c8c087dbd",
        "kind": "gold_errors",
        "project": "street-scenes",
        "task": "weather",
        "subject": subject,
        "severity": "warning",
        "raised_at": "2026-01-05T08:00:23.483333Z",
        "cleared_at": None,
        "evidence": {
            "since": "2026-01-05T08:00:15Z",
            "before": 0.968,
            "before_low": 0.838,
            "before_high": 0.994,
            "before_n": 31,
            "after": 0.667,
            "after_low": 0.437,
            "after_high": 0.837,
            "after_n": 18,
            "action": "Look at the annotator's wrong gold answers.",
        },
        **changes,
    }


def document(tasks: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    events = dict.fromkeys(("received", "applied", "duplicates", "erased", "dead_letters", "forwarded"), 0)
    projects = {} if tasks is None else {"street-scenes": {"tasks": tasks}}
    return {"events": events, "projects": projects, "dead_letters": [], "alarms": [], **changes}


def task(by: dict[str, Any], pairs: list[Any] | None = None, **whole: Any) -> dict[str, Any]:
    figures = scope(0.8, 0.95) | {
        "label_type": "nominal",
        "items": 100,
        "pairable_items": 90,
        "annotators": 5,
        "unfit": 0,
        "by": {"cut": {}, **by},
        "pairs": pairs or [],
    }
    return figures | whole


def show(renderable: Any, width: int = 100, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, errors="replace")
    Console(file=file, width=width, color_system=None, legacy_windows=False).print(renderable)
    file.flush()
    return raw.getvalue().decode(encoding)


def large() -> dict[str, Any]:
    draw = random.Random(1)
    people = {
        f"annotator-{number:04d}": scope(draw.random(), draw.random(), draw.randrange(500)) for number in range(1000)
    }
    pairs = [
        {
            "a": f"annotator-{number:04d}",
            "b": "annotator-9999",
            "items": number,
            "cohen_kappa": reading(draw.uniform(-1, 1)),
        }
        for number in range(1000)
    ]
    dimensions = {
        f"slice.s{n}": {f"value {value} {'x' * 200}": scope(draw.uniform(-1, 1), None) for value in range(50)}
        for n in range(20)
    }
    disputed = [
        {
            "item": f"item-{n}-{'x' * 300}",
            "labels": 1000,
            "entropy": 1.5,
            "counts": {f"label {k}": 7 for k in range(200)},
        }
        for n in range(20)
    ]
    whole = {"disputed": disputed, "disputed_cut": 10**6}
    return document(
        {
            f"task-{n}": task({"annotator": people, **dimensions, "cut": {"annotator": 9000}}, pairs, **whole)
            for n in range(3)
        },
        events={"received": 10**12, "applied": 10**12, "dead_letters": 5000},
        dead_letters=[{"reason": "bad_time", "path": f"$[{n}].time", "where": "annotations/3/17"} for n in range(100)],
        alarms=[alarm(f"annotator-{n:04d}", raised_at=f"2026-01-05T08:{n:02d}:00Z") for n in range(60)],
    )


UNDEFINED = document(
    {
        "weather": task(
            {"annotator": {"ada": scope(None, None, 1)}, "class": {}, "batch": {"b": scope(None, 1.0, 1)}},
            [{"a": "ada", "b": "bo", "items": 1, "cohen_kappa": reading(None, why="no variation")}],
            agreement={"percent": {"value": 1.0, "low": None, "high": None, "n": 1}, "alpha": reading(None), "new": {}},
            gold={"answers": 0, "correct": 0, "accuracy": reading(None, why="no answer")},
            label_type=None,
        )
    },
    alarms=[
        alarm(kind="of the future", evidence={}, severity="grave"),
        alarm(kind="of the future", evidence={"after": 3.25, "since": "long ago"}, raised_at=""),
        alarm(evidence=None, cleared_at="2026-01-05T09:00:00Z"),
    ],
)
DOCUMENTS = {
    "nothing at all": {},
    "empty": document(),
    "tiny": document({"label": task({})}),
    "undefined": UNDEFINED,
    "large": large(),
}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("render", RENDERERS)
def test_any_document_in_any_width(render: Any, name: str, width: int) -> None:
    for encoding in ("utf-8", "ascii"):
        lines = show(render(DOCUMENTS[name]), width, encoding).splitlines()
        assert lines
        assert max(map(len, lines)) <= width
        assert width < 80 or len(lines) < 600


def test_figures_intervals_and_counts_stand_in_columns() -> None:
    figures = task({"annotator": {"ada": scope(0.5, 0.6), "bo": scope(0.9, 0.99)}}, unfit=7)
    text = show(render_document(document({"weather": figures}, events={"received": 1234, "applied": 1234})))
    assert "received 1,234 = applied 1,234 + duplicates 0 + erased 0 + dead letters 0 + forwarded 0" in text
    assert "300 annotations on 100 items, 90 of them pairable, by 5 annotators; nominal; 7 unfit" in text
    [alpha] = [line.split() for line in text.splitlines() if "Krippendorff" in line]
    assert alpha[:5] == ["Krippendorff's", "alpha", "0.800", "[0.780,", "0.820]"]
    assert alpha[-1] == "100"
    [ada] = [line.split() for line in text.splitlines() if " ada " in line]
    assert ada == ["ada", "300", "0.500", "[0.480,", "0.520]", "60.0", "%", "[58.0,", "62.0]", "100"]
    positions = {line.index("[") for line in text.splitlines() if " ada " in line or " bo " in line}
    assert len(positions) == 1


def test_an_interval_is_drawn_to_scale() -> None:
    figures = task({}, agreement={"alpha": reading(0.5, 0.25), "ac1": reading(-0.5, 0.1)})
    lines = show(render_document(document({"weather": figures}))).splitlines()
    [half] = [line for line in lines if "alpha" in line]
    drawn = half[half.index("┈") : half.rindex("┈") + 1]
    assert drawn == "┈" * 6 + "━" * 6 + "●" + "━" * 6 + "┈" * 5
    [below] = [line for line in lines if "AC1" in line]
    assert "◂┈┈" in below


def test_the_worst_come_first_by_what_is_certain() -> None:
    unlucky = scope(0.9, 0.5, 2)
    unlucky["gold"]["accuracy"] = {"value": 0.5, "low": 0.09, "high": 0.91, "n": 2}
    people = {"unlucky": unlucky, "bad": scope(0.4, 0.6), "good": scope(0.9, 0.97), "new": scope(None, None, 1)}
    classes = {"a": scope(0.9, 0.5), "b": scope(0.3, 0.99)}
    for render in RENDERERS:
        text = show(render(document({"weather": task({"annotator": people, "class": classes})})))
        order = [line.split()[0] for line in text.splitlines() if line.split() and line.split()[0] in people]
        assert order == ["bad", "unlucky", "good", "new"]
    text = show(render_document(document({"weather": task({"annotator": people, "class": classes})})))
    assert [line.split()[0] for line in text.splitlines() if line.startswith(("    a ", "    b "))] == ["b", "a"]


def test_alarms_name_the_annotator_the_numbers_and_what_to_do() -> None:
    cleared = alarm("finn", cleared_at="2026-01-05T09:10:11Z", raised_at="2026-01-05T08:30:00Z")
    cleared["evidence"] = {**cleared["evidence"], "cleared": "recovered"}
    shown = document({"weather": task({})}, alarms=[cleared, alarm()])
    text = show(render_document(shown))
    assert "Alarms: 1 open, 1 cleared" in text
    assert text.index("tomas") < text.index("finn"), "open ones first"
    assert "since 2026-01-05 08:00:15, raised 08:00:23 UTC" in text
    assert "gold accuracy 96.8 % [83.8, 99.4] before (31 answers), 66.7 % [43.7, 83.7] since (18)" in text
    assert text.count("Look at the annotator's wrong gold answers.") == 1
    assert "cleared 09:10:11 (recovered) UTC" in text
    assert "tomas" in show(render_overview(shown))


def test_of_evidence_only_the_known_figures_are_shown() -> None:
    told = alarm()
    told["evidence"] = {**told["evidence"], "accepted": "the-gold-answer", "items": ["secret-item"]}
    for render in RENDERERS:
        text = show(render(document({"weather": task({})}, alarms=[told])))
        assert "tomas" in text
        assert "the-gold-answer" not in text
        assert "secret-item" not in text


def test_the_latest_numbers_of_an_open_alarm_are_shown() -> None:
    renewed = alarm()
    renewed["evidence"] = {
        **renewed["evidence"],
        "now": {"after": 0.5, "after_low": 0.4, "after_high": 0.6, "after_n": 99},
    }
    assert alarm_numbers(renewed).endswith("50.0 % [40.0, 60.0] since (99)")
    assert "96.8 % [83.8, 99.4] before (31 answers)" in alarm_numbers(renewed)


def test_names_are_text_and_nothing_else() -> None:
    evil = "[bold red]x[/] \x1b[2J \u202e :smile: \x07"
    shown = document(
        {evil: task({"annotator": {evil: scope(0.5, 0.5)}, evil: {evil: scope(0.1, 0.2), "b": scope(1, 1)}})},
        alarms=[alarm(evil, kind=evil, severity=evil, evidence={"action": evil, "cleared": evil, "since": evil})],
        dead_letters=[{"reason": evil, "path": evil, "where": evil}],
    )
    for render in RENDERERS:
        text = show(render(shown), 160)
        assert "[bold red]x[/]" in text
        assert ":smile:" in text
        assert all(character.isprintable() or character == "\n" for character in text)
    assert "\x1b" not in alarm_headline(shown["alarms"][0]).plain


def test_dead_letters_are_counted_by_reason() -> None:
    letters = [{"reason": "bad_time", "path": "$.time", "where": f"annotations/0/{n}"} for n in range(3)]
    letters.append({"reason": "empty", "path": "$", "where": "gold/1/5"})
    text = show(render_document(document(dead_letters=letters, events={"dead_letters": 900})))
    assert "Dead letters: 900" in text
    [line] = [line for line in text.splitlines() if "bad_time" in line]
    assert line.split()[:3] == ["3", "bad_time", "$.time"]
    assert "a time with its offset" in line, "what would have been right"
    assert line.split()[-1] == "annotations/0/0", "the first of them"
    assert "counted of the 4 that the document holds" in text


# ------------------------------------------------------------------------------------------------ the screen of the demo

SCREENS = ((80, 24), (100, 30), (140, 40))
LONG = "a-very-long-name-of-a-customer-{}-phase-2-of-2026"


def screen(found: dict[str, Any], width: int, height: int) -> list[str]:
    file = io.StringIO()
    console = Console(file=file, width=width, height=height, color_system=None, legacy_windows=False)
    console.print(events_line(found["events"], width), "", render_overview(found), sep="\n")
    return file.getvalue().splitlines()


def campaign(projects: int, people: int, alarms: int, name: str = "{}") -> dict[str, Any]:
    by = {"annotator": {name.format(f"ann{n}"): scope(0.5 + n / 50, 0.6 + n / 50, n=1234) for n in range(people)}}
    held = {
        name.format(f"project{n}"): {"tasks": {"label": task(by, **scope(0.9 - n / 999, 0.95))}}
        for n in range(projects)
    }
    events = {"received": 12_345_678, "applied": 12_345_670, "duplicates": 8}
    raised = [alarm(name.format(f"ann{n}"), project=name.format("project0")) for n in range(alarms)]
    return document(events=events, alarms=raised) | {"projects": held}


@pytest.mark.parametrize(("width", "height"), SCREENS)
@pytest.mark.parametrize("name", ["{}", LONG, "日本語" + LONG])
@pytest.mark.parametrize("size", [(1, 1, 1), (3, 5, 2), (60, 12, 40)])
def test_a_screen_has_projects_gold_and_alarms_whole(
    width: int, height: int, name: str, size: tuple[int, int, int]
) -> None:
    found = campaign(*size, name)
    lines = screen(found, width, height)
    assert len(lines) <= height - 2, "the demo's first line and the cursor need one each"
    assert max(map(cell_len, lines)) <= width
    heading = lines[2]
    for word in ("alpha", "95 % interval", "gold", "answers"):
        assert word in heading
    assert heading.count("95 % interval") == 2
    rows = lines[3 : lines.index("", 3)]
    assert rows, "at least one project"
    assert all(line.count("[") == line.count("]") == 2 for line in rows), "intervals are whole"
    [alarms] = [number for number, line in enumerate(lines) if line.startswith(f"alarms: {size[2]} open")]
    first, second = lines[alarms + 1 : alarms + 3]
    assert first.startswith("warning ")
    assert first.endswith("since 08:00:15 UTC")
    assert "gold_errors" in first
    assert "gold accuracy 96.8 % [83.8, 99.4]" in second
    assert "66.7 % [43.7, 83.7]" in second
    assert second.endswith(("of 18", "since (18)"))


def test_a_long_name_keeps_its_beginning_and_its_end() -> None:
    lines = screen(campaign(2, 1, 1, LONG), 80, 24)
    project, person = (next(line for line in lines if mark in line) for mark in (" / label", "0.500"))
    assert project.startswith("a-very-l")
    assert "2026 / label " in project
    assert person.split()[0].startswith("a-very")
    assert person.split()[0].endswith("2026")
    assert person.split()[1].startswith("a-very")


def test_where_there_is_no_room_for_all_tasks_the_lowest_are_shown() -> None:
    lines = screen(campaign(60, 12, 40), 80, 24)
    assert lines[2].startswith("lowest 5 of 60 tasks ")
    assert [line.split()[0] for line in lines[3:8]] == [f"project{n}" for n in (59, 58, 57, 56, 55)]
    assert "alarms: 40 open, 0 cleared; 3 shown" in lines


def test_outcomes_that_did_not_occur_give_way_first() -> None:
    events = {"received": 30, "applied": 20, "dead_letters": 10}
    assert events_line(events, 80).plain == "received 30 = applied 20 + dead letters 10"
    assert "+ erased 0 +" in events_line(events, 100).plain


def test_a_reason_takes_no_room_from_figures() -> None:
    held = scope(None, 0.95) | {"agreement": {"alpha": reading(None, why="not available for this label type")}}
    text = show(render_document(document({"spans": task({"annotator": {"ada": held, "bo": held}})})), 100)
    assert "gold  95 % interval  answers" in text
    [ada] = [line for line in text.splitlines() if line.startswith("    ada ")]
    assert "-  not available f…   95.0 %  [93.0, 97.0]" in ada
    whole = show(render_document(document({"spans": task({}, agreement=held["agreement"])})), 100)
    [alpha] = [line for line in whole.splitlines() if "Krippendorff" in line]
    assert "not available for this label type" in alpha
    assert alpha.endswith(" 0"), "and n, beside it"


def test_classes_that_have_no_alpha_are_told_apart_by_the_figure_that_they_have() -> None:
    def of_class(value: float) -> dict[str, Any]:
        none = reading(None, why="of all classes together only")
        return scope(None, None) | {"agreement": {"alpha": none, "mean_iou": none, "iou_mean": reading(value)}}

    text = show(render_document(document({"boxes": task({"class": {"car": of_class(0.9), "bus": of_class(0.7)}})})))
    assert "class by IoU" in text
    found = [line.split()[:3] for line in text.splitlines() if line.startswith(("    car ", "    bus "))]
    assert [(name, value) for name, _, value in found] == [("bus", "0.700"), ("car", "0.900")]


def test_coefficients_that_the_labels_have_not_are_left_out_and_so_are_those_that_say_the_same() -> None:
    why = dict.fromkeys(("ac2", "alpha_ratio"), "not available for this label type")
    why |= {"percent_pairs": "labels are not declared", "alpha_ordinal": "no declared order"}
    agreement = {name: reading(None, why=why[name]) if name in why else reading(0.5) for name in COEFFICIENT_NAMES}
    agreement |= {"alpha_nominal": reading(0.25), "fleiss_kappa": reading(0.75)}
    text = show(render_document(document({"stars": task({}, agreement=agreement)})))
    for name, shown in {
        "Krippendorff's alpha": True, "alpha, nominal": True, "alpha, interval": False, "alpha, ratio": False,
        "alpha, ordinal": True, "Scott's pi": True, "Gwet's AC2": False, "percent of pairs": False,
    }.items():  # fmt: skip
        assert (name in text) == shown, name


def test_windows_say_whether_they_are_open_and_how_often_they_were_corrected() -> None:
    windows = [
        {
            "end": f"2026-01-0{day}T00:00:00Z",
            "open": day == 3,
            "corrections": times,
            "annotations": 9,
            "agreement": {"alpha": reading(0.25)},
            "gold": {"accuracy": reading(0.5)},
        }
        for day, times in ((1, 0), (2, 1200), (3, 7))
    ]
    lines = show(render_document(document({"news": task({}, windows=windows)})), 60).splitlines()
    rows = [line.split()[1:4] for line in lines if line.split()[:1] and line.split()[0].startswith("2026-01-0")]
    assert rows == [["00h", "0.250", "50.0"], ["00h", "×1,200", "0.250"], ["00h", "open", "×7"]]
    assert any("×n: corrected n times" in line for line in lines)
    lines = show(render_document(document({"news": task({}, windows=windows[:1])})), 60).splitlines()
    assert not any("corrected" in line for line in lines)


def test_what_decays_stands_below_the_windows_in_their_columns() -> None:
    decayed = {"half_life_hours": 48, "agreement": {"alpha": reading(0.25)}, "gold": {"accuracy": reading(0.5)}}
    lines = show(render_document(document({"news": task({}, decayed=decayed)})), 120).splitlines()
    [row] = [line for line in lines if "half-life 48 h" in line]
    [heading] = [line for line in lines if "up to" in line]
    assert row.index("0.250") + 5 == heading.index("alpha") + 5
    assert "50.0 %" in row


@pytest.mark.parametrize("width", [60, 100])
def test_the_most_disputed_items_are_shown_with_their_labels(width: int) -> None:
    disputed = [
        {"item": f"i{n}", "labels": 3, "entropy": 0.918295834054, "counts": {"yes": 2, "n\u202eo": 1}} for n in range(7)
    ]
    text = show(render_document(document({"weather": task({}, disputed=disputed, disputed_cut=4)})), width)
    (heading,) = (line.split() for line in text.splitlines() if "most disputed" in line)
    assert heading == ["most", "disputed", "entropy", "labels"]
    assert "items  5 of 11" in text
    rows = [line.split() for line in text.splitlines() if line.split()[:1] in [[f"i{n}"] for n in range(7)]]
    assert rows == [[f"i{n}", "yes", "2,", "n\ufffdo", "1", "0.918", "3"] for n in range(5)]
    numbers = [{"item": "i1", "labels": 2, "variance": 12345.5, "counts": {"1": 1, "2": 1}}]
    text = show(render_document(document({"weather": task({}, disputed=numbers, disputed_cut=0)})), width)
    assert "variance" in text
    assert "12,345.500" in text
    parts = [
        {"item": "i1", "labels": 3, "entropy": 1.5, "mean_iou": 0.25, "counts": {"[]": 4, "[null]": 2}},
        {"item": "i2", "labels": 2, "entropy": 1.0, "mean_iou": 0.0, "counts": {'["a","b"]': 1}},
    ]
    text = show(
        render_document(document({"weather": task({}, label_type="boxes", disputed=parts, disputed_cut=0)})), width
    )
    (heading,) = (line.split() for line in text.splitlines() if "most disputed" in line)
    assert heading == ["most", "disputed", "entropy", "mean", "IoU", "labels"]
    assert [line.split() for line in text.splitlines() if line.split()[:1] in (["i1"], ["i2"])] == [
        ["i1", "missed", "4,", "no", "class", "2", "1.500", "0.250", "3"],
        ["i2", "a", "+", "b", "1", "1.000", "0.000", "2"],
    ]
    boxes = task({}, disputed=None, disputed_cut=None, disputed_why="not available for this label type")
    assert "disputed" not in show(render_document(document({"weather": boxes})), width)
