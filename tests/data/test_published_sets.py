"""Real annotation campaigns, replayed: the figures that their vendors and authors published come out."""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, islice
from pathlib import Path
from typing import Any, Final

import krippendorff
import msgspec
import numpy as np
import pytest

from detectors.config import TaskConfig
from detectors.summary import TaskStatistics
from streams.document import Document
from streams.parsing import DeadLetter, Parser
from streams.replay import replay
from streams.settings import Settings, load_settings
from streams.show import load_document
from streams.store import open_store
from streams.store.tables import TASKS
from tests.benchmarks.core import fresh_monitor
from tests.benchmarks.recompute import fold as fold_events
from tests.streams.by_the_contract import figures
from tests.streams.folding import default_task, fold, projects

pytestmark = pytest.mark.shared

SHARED: Final = Path(__file__).resolve().parents[3] / "shared" / "data"


@dataclass(frozen=True, slots=True)
class Published:
    """What a set is known to hold: events; of each project annotations, items, annotators and label type."""

    events: int
    projects: Mapping[str, tuple[int, int, int, str]]
    dead_letters: int = 0


SETS: Final = {
    "ai2d_rst": Published(
        4205,
        {
            "ai2d-grouping": (1280, 256, 5, "nominal"),
            "ai2d-macro": (595, 119, 5, "nominal"),
            "ai2d-connectivity": (1195, 239, 5, "nominal"),
            "ai2d-rst": (1135, 227, 5, "nominal"),
        },
    ),
    "convabuse": Published(12_768, {"convabuse": (12_768, 4185, 8, "interval")}),
    "mqm_wmt23_ende": Published(
        3120 + 245 + 220,
        {"mqm-wmt23-ende": (3120, 1040, 10, "spans"), "mqm-wmt23-ende-hotw": (245, 220, 10, "nominal")},
    ),
    "sulab_cdr_771159": Published(4630 + 495, {"sulab-cdr-771159": (4630, 1144, 91, "nominal")}),
    "ukpconvarg1": Published(84_445, {"ukpconvarg1": (84_445, 16_927, 3815, "preference")}),
    "w241_boxes_single": Published(2629, {"w241-boxes-single": (2611, 20, 1564, "boxes")}, dead_letters=18),
}

SLOW: Final = "ukpconvarg1"


def lines(name: str) -> Iterator[bytes]:
    with gzip.open(SHARED / f"{name}.jsonl.gz") as file:
        yield from file


@lru_cache
def truth(name: str) -> dict[str, Any]:
    with gzip.open(SHARED / f"{name}.truth.json.gz") as file:
        found: dict[str, Any] = json.load(file)
        return found


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Settings, Document]]:
    """The document of a set's replay, and settings of the store in which it was kept."""
    folder = tmp_path_factory.mktemp("sets")

    @lru_cache
    def of(name: str) -> tuple[Settings, Document]:
        settings = load_settings(None, {"KAPPAWATCH_STORE__URL": f"sqlite:///{folder}/{name}.db"})
        store = open_store(settings.store.url)
        found = replay(settings, [str(SHARED / f"{name}.jsonl.gz")], store)
        store.close()
        return settings, found

    return of


Kept = Callable[[str], tuple[Settings, Document]]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.integration if name == SLOW else ()) for name in SETS]
)
def test_a_set_replays_whole_and_shows_the_same(kept: Kept, name: str) -> None:
    settings, found = kept(name)
    published = SETS[name]
    events = dict(found["events"])
    assert events.pop("received") == sum(events.values()) == published.events
    assert events["dead_letters"] == published.dead_letters
    assert {
        project: tuple(held["tasks"]["label"][key] for key in ("annotations", "items", "annotators", "label_type"))
        for project, held in found["projects"].items()
    } == published.projects
    assert all(list(held["tasks"]) == ["label"] for held in found["projects"].values())
    shown = load_document(settings)
    for part in ("events", "projects", "alarms"):
        assert msgspec.json.encode(shown[part]) == msgspec.json.encode(found[part])


def test_the_beginning_of_the_largest_set_follows_the_words_of_the_contract() -> None:
    """All of it takes a quarter of a minute to replay and show twice, and is with the integration tests."""
    sent = list(islice(lines(SLOW), 1500))
    parser = Parser()
    events = [event for message in sent for event in parser.parse(message) if not isinstance(event, DeadLetter)]
    assert len(events) == 1500
    expected = figures(events)[SLOW]["label"]
    found = projects(fold(sent))[SLOW]["tasks"]["label"]
    for key in ("label_type", "annotations", "items", "annotators", "unfit", "pairable_items"):
        assert found[key] == expected[key], key
    assert len(found["by"]["annotator"]) == len(expected["by_annotator"])


# -- sulab_cdr_771159: a CrowdFlower job with test questions --------------------------------------------------------------


@pytest.fixture(scope="module")
def sulab(kept: Kept) -> dict[str, Any]:
    task: dict[str, Any] = kept("sulab_cdr_771159")[1]["projects"]["sulab-cdr-771159"]["tasks"]["label"]
    return task


def test_each_annotators_share_of_right_answers_is_the_vendors_trust(sulab: dict[str, Any]) -> None:
    compared = 0
    trust = {name: held["vendor_trust"] for name, held in truth("sulab_cdr_771159")["annotators"].items()}
    assert sulab["by"]["annotator"].keys() == trust.keys()
    for name, scope in sulab["by"]["annotator"].items():
        assert round(scope["gold"]["accuracy"]["value"], 4) == trust[name], name
        compared += 1
    assert compared == 91


def test_test_questions_in_quiz_and_work(sulab: dict[str, Any]) -> None:
    gold = sulab["gold"]
    assert gold["answers"] == 1230
    assert gold["accuracy"]["value"] == pytest.approx(0.823, abs=5e-4)
    phases = {name: scope["gold"]["accuracy"]["value"] for name, scope in sulab["by"]["slice.phase"].items()}
    assert phases == {"quiz": pytest.approx(0.756, abs=5e-4), "work": pytest.approx(0.876, abs=5e-4)}


def test_agreement_on_work_items(sulab: dict[str, Any]) -> None:
    work = sulab["by"]["gold_item"]["false"]["agreement"]
    assert work["alpha"]["value"] == pytest.approx(0.507, abs=5e-4)
    assert work["percent"]["value"] == pytest.approx(0.749, abs=5e-4)


def test_agreement_without_the_tainted_workers() -> None:
    tainted = {n for n, held in truth("sulab_cdr_771159")["annotators"].items() if held["vendor_tainted"]}
    assert len(tainted) == 45
    sent = [line for line in lines("sulab_cdr_771159") if json.loads(line).get("annotator") not in tainted]
    task = projects(fold(sent))["sulab-cdr-771159"]["tasks"]["label"]
    work = task["by"]["gold_item"]["false"]
    assert (work["annotations"], work["agreement"]["alpha"]["n"]) == (3245, 649)
    assert work["agreement"]["alpha"]["value"] == pytest.approx(0.526, abs=5e-4)
    assert work["agreement"]["percent"]["value"] == pytest.approx(0.758, abs=5e-4)


def test_every_alarm_is_about_a_worker_below_the_others(kept: Kept) -> None:
    """Nobody with 90 % right or more is accused of having become worse."""
    trust = truth("sulab_cdr_771159")["annotators"]
    alarms = [alarm for alarm in kept("sulab_cdr_771159")[1]["alarms"] if alarm["kind"] == "gold_errors"]
    assert alarms
    assert max(trust[alarm["subject"]]["vendor_trust"] for alarm in alarms) < 0.9


# -- ai2d_rst: four published kappas --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("project", "kappa", "published"),
    [
        ("ai2d-grouping", 0.8356, 0.836),
        ("ai2d-macro", 0.7840, 0.784),
        ("ai2d-connectivity", 0.8783, 0.878),
        ("ai2d-rst", 0.7327, 0.733),
    ],
)
def test_fleiss_kappa_is_the_authors(kept: Kept, project: str, kappa: float, published: float) -> None:
    found = kept("ai2d_rst")[1]["projects"][project]["tasks"]["label"]["agreement"]["fleiss_kappa"]
    assert round(found["value"], 4) == kappa
    assert round(found["value"], 3) == published


# -- mqm_wmt23_ende: planted errors ---------------------------------------------------------------------------------------

MISSED: Final = {1: (1, 20), 2: (0, 29), 3: (1, 31), 4: (10, 32), 5: (1, 18), 6: (0, 27), 7: (1, 16), 8: (2, 28), 9: (7, 19),
                 10: (2, 25)}  # fmt: skip


def test_planted_errors_as_they_were_found(kept: Kept) -> None:
    """As counters say it: 245 answers, of which 25 wrong. Of an item seen again the latest answer counts at the end."""
    settings, found = kept("mqm_wmt23_ende")
    store = open_store(settings.store.url, read_only=True)
    counts = {row[1]: row[4:8] for row in store.scan(TASKS, 0)}
    store.close()
    passed, failed, passed_retracted, failed_retracted = counts["mqm-wmt23-ende-hotw"]
    assert (passed, failed) == (220, 25)
    task = found["projects"]["mqm-wmt23-ende-hotw"]["tasks"]["label"]
    assert task["gold"]["answers"] == 245 - int(passed_retracted) - int(failed_retracted)  # type: ignore[arg-type]
    assert (task["gold"]["correct"], task["gold"]["answers"]) == (214, 239)


def test_planted_errors_missed_by_rater() -> None:
    """Each answer by itself, so that none replaces another: the published count of every rater."""
    events = [json.loads(line) for line in lines("mqm_wmt23_ende")]
    gold = {event["item"]: event for event in events if event["type"] == "gold"}
    sent: list[bytes] = []
    for number, event in enumerate(events):
        if event["type"] == "annotation" and event["project"].endswith("-hotw"):
            own = {"item": f"{event['item']}/{number}"}
            sent += [json.dumps({**gold[event["item"]], **own}).encode(), json.dumps({**event, **own}).encode()]
    by = projects(fold(sent))["mqm-wmt23-ende-hotw"]["tasks"]["label"]["by"]["annotator"]
    missed = {
        name: (scope["gold"]["answers"] - scope["gold"]["correct"], scope["gold"]["answers"])
        for name, scope in by.items()
    }
    assert missed == {f"rater{number}": counts for number, counts in MISSED.items()}


def test_the_two_raters_who_miss_errors_have_alarms(kept: Kept) -> None:
    alarms = kept("mqm_wmt23_ende")[1]["alarms"]
    assert {alarm["subject"] for alarm in alarms if alarm["kind"] == "gold_errors"} == {"rater4", "rater9"}


def test_agreement_on_whether_there_is_an_error_and_on_how_bad_a_translation_is() -> None:
    """Labels made of the marked spans.

    The source's own score has alpha 0.533. It is not in the events, and higher than what their spans add up to: the means
    of annotators are published as 2.6 to 9.7, and those of the spans are 2.4 to 9.4.
    """
    events = [json.loads(line) for line in lines("mqm_wmt23_ende")]
    marked = [event for event in events if (event["project"], event["type"]) == ("mqm-wmt23-ende", "annotation")]

    def agreement(label: Callable[[list[str]], object]) -> dict[str, Any]:
        sent = [
            json.dumps({**event, "label": label([span["type"] for span in event["label"]["spans"]])}).encode()
            for event in marked
        ]
        found: dict[str, Any] = projects(fold(sent))["mqm-wmt23-ende"]["tasks"]["label"]["agreement"]
        return found

    error = agreement(bool)
    assert (error["percent"]["value"], error["alpha"]["value"]) == (at(0.798), at(0.465))
    major = agreement(lambda types: any(name.endswith(":Major") for name in types))
    assert (major["percent"]["value"], major["alpha"]["value"]) == (at(0.729), at(0.407))
    # Tenths add up to longer decimals than a label may have.
    score = agreement(lambda types: round(sum(map(_severity, types)), 6))
    expected = _alpha(
        {
            (event["annotator"], event["item"]): sum(_severity(span["type"]) for span in event["label"]["spans"])
            for event in marked
        },
        "interval",
    )
    assert score["alpha"]["value"] == pytest.approx(expected, abs=1e-9)
    assert score["alpha"]["value"] == at(0.507)


def test_spans_agree_as_published(kept: Kept) -> None:
    agreement = kept("mqm_wmt23_ende")[1]["projects"]["mqm-wmt23-ende"]["tasks"]["label"]["agreement"]
    assert agreement["character_f1"]["value"] == at(0.327)
    assert agreement["span_f1_untyped"]["value"] == at(0.328)
    assert agreement["span_f1"]["value"] == at(0.254)
    assert agreement["overlap_f1"]["value"] == at(0.272)
    assert agreement["boundary_similarity"]["value"] == at(0.370)
    assert agreement["alpha"]["value"] == at(0.198)
    assert {agreement[name]["n"] for name in ("character_f1", "overlap_f1", "boundary_similarity", "alpha")} == {1040}


def test_alpha_of_characters_that_are_marked_or_not() -> None:
    """Published is 0.274, of texts whose length is known; of the text up to the last mark it is lower."""
    sent = []
    for line in lines("mqm_wmt23_ende"):
        event = json.loads(line)
        if (event["project"], event["type"]) == ("mqm-wmt23-ende", "annotation"):
            spans = [{"start": span["start"], "end": span["end"]} for span in event["label"]["spans"]]
            sent.append(json.dumps({**event, "label": {"spans": spans}}).encode())
    agreement = projects(fold(sent))["mqm-wmt23-ende"]["tasks"]["label"]["agreement"]
    assert agreement["alpha"]["value"] == at(0.263)
    assert agreement["span_f1"]["value"] == agreement["span_f1_untyped"]["value"] == at(0.328)


def at(published: float) -> Any:
    """A figure that is published with three digits."""
    return pytest.approx(published, abs=5.01e-4)


def _severity(name: str) -> float:
    if name.startswith("Non-translation"):
        return 25
    if name.endswith(":Major"):
        return 5
    return 0.1 if name == "Fluency/Punctuation:Minor" else 1


# -- convabuse: eight experts on five levels, against another implementation ----------------------------------------------


def levels(sent: Iterable[bytes]) -> dict[str, Any]:
    """The task with its levels declared in order."""
    configure: Callable[[str, str], TaskConfig] = lambda *_: TaskConfig(  # noqa: E731
        label_type="ordinal", labels=(-3, -2, -1, 0, 1)
    )
    task: dict[str, Any] = projects(fold(sent, configure=configure), configure)["convabuse"]["tasks"]["label"]
    return task


def first_labels() -> list[bytes]:
    """The lines of each annotator's first label of an item: what a user sends who does not let later labels replace it."""
    first: dict[tuple[str, str], bytes] = {}
    for line in lines("convabuse"):
        event = json.loads(line)
        first.setdefault((event["annotator"], event["item"]), line)
    return list(first.values())


def test_alpha_of_levels_is_the_published_one() -> None:
    """The second of two figures where there are two: of each annotator's latest label."""
    task = levels(lines("convabuse"))
    assert task["agreement"]["alpha_ordinal"]["value"] == at(0.659)
    assert task["agreement"]["alpha_interval"]["value"] == at(0.734)
    assert task["agreement"]["alpha_nominal"]["value"] == at(0.438)
    assert task["agreement"]["percent"]["value"] == at(0.794)
    bots = {name: scope["agreement"] for name, scope in task["by"]["batch"].items()}
    assert {name: found["alpha"]["value"] for name, found in bots.items()} == {
        "E.L.I.Z.A.": at(0.655),
        "CarbonBot": at(0.624),
    }
    assert {name: found["percent"]["value"] for name, found in bots.items()} == {
        "E.L.I.Z.A.": at(0.733),
        "CarbonBot": at(0.901),
    }
    undeclared = projects(fold(lines("convabuse")))["convabuse"]["tasks"]["label"]
    for bound in ("value", "low", "high"):
        assert undeclared["agreement"]["alpha"][bound] == pytest.approx(
            task["agreement"]["alpha_interval"][bound], abs=1e-12
        )


def test_alpha_of_first_labels_is_the_published_one() -> None:
    """The first of the two figures."""
    sent = first_labels()
    assert len(sent) == 12_768 - 357
    agreement = levels(sent)["agreement"]
    assert agreement["alpha_ordinal"]["value"] == at(0.660)
    assert agreement["alpha_interval"]["value"] == at(0.734)
    assert agreement["alpha_nominal"]["value"] == at(0.437)


def test_alpha_of_abuse_or_none_is_the_published_one() -> None:
    events = map(json.loads, lines("convabuse"))
    sent = [json.dumps({**event, "label": event["label"] < 0}).encode() for event in events]
    agreement = projects(fold(sent))["convabuse"]["tasks"]["label"]["agreement"]
    assert agreement["alpha"]["value"] == at(0.652)


def test_the_experts_on_abuse_are_as_consistent_as_published(kept: Kept) -> None:
    """357 labels beside the one before; published is 0.920, by its definition of the same labels."""
    repeats = kept("convabuse")[1]["projects"]["convabuse"]["tasks"]["label"]["repeats"]
    assert (repeats["pairs"], round(repeats["equal"]["value"], 3)) == (357, 0.922)
    given: defaultdict[tuple[str, str], list[object]] = defaultdict(list)
    for line in lines("convabuse"):
        event = json.loads(line)
        given[event["annotator"], event["item"]].append(event["label"])
    shares = [
        np.mean([one == other for one, other in combinations(labels, 2)])
        for labels in given.values()
        if len(labels) > 1
    ]
    assert (len(shares), np.mean(shares)) == (345, at(0.920))


def test_alpha_of_eight_experts_equals_another_implementation() -> None:
    sent = list(lines("convabuse"))
    configure = _nominal
    task = projects(fold(sent, configure=configure), configure)["convabuse"]["tasks"]["label"]
    events = [json.loads(line) for line in sent]
    latest: dict[tuple[str, str], Any] = {}
    for event in sorted(events, key=lambda event: (event["time"], event["id"])):
        latest[event["annotator"], event["item"]] = event["label"]
    everything = task["agreement"]["alpha"]["value"]
    assert everything == pytest.approx(_alpha(latest), abs=1e-9)
    compared = 0
    batches = {event["item"]: event["batch"] for event in events}
    for batch, scope in task["by"]["batch"].items():
        own = {place: label for place, label in latest.items() if batches[place[1]] == batch}
        assert scope["agreement"]["alpha"]["value"] == pytest.approx(_alpha(own), abs=1e-9)
        compared += 1
    assert compared == 2


def _nominal(project: str, task: str) -> TaskConfig:
    return (
        TaskConfig(label_type="nominal") if (project, task) == ("convabuse", "label") else default_task(project, task)
    )


def _alpha(labels: Mapping[tuple[str, str], Any], level: str = "nominal") -> float:
    names, items = (sorted({place[part] for place in labels}) for part in (0, 1))
    rows, columns = ({name: number for number, name in enumerate(found)} for found in (names, items))
    table = np.full((len(names), len(items)), np.nan)
    for (name, item), label in labels.items():
        table[rows[name], columns[item]] = label
    return float(krippendorff.alpha(reliability_data=table, level_of_measurement=level))


# -- ukpconvarg1: which of two arguments is more convincing ---------------------------------------------------------------


def test_agreement_on_preferences_is_the_published_one() -> None:
    """First, second or tie by the arguments' ids, in whatever order a worker saw them; of the core alone, without a store."""
    parser, monitor = Parser(), fresh_monitor()
    fold_events(monitor, [event for line in lines(SLOW) for event in parser.parse(line)])  # type: ignore[misc]
    scopes = {(key.dimension, key.value): scope for key, scope in monitor.scopes.rows.items()}
    statistics = TaskStatistics(TaskConfig(), scopes)
    agreement = statistics.task().whole.agreement
    assert agreement["percent"].value == at(0.524)
    assert agreement["alpha"].value == at(0.267)
    assert agreement["alpha"] == agreement["alpha_nominal"]
    classes = statistics.by()[0]["class"]
    assert set(classes) == {"first", "second", "tie"}
    assert sum(part.annotations for part in classes.values()) == 84_445


@pytest.mark.integration
def test_agreement_on_preferences_is_the_published_one_when_it_is_replayed(kept: Kept) -> None:
    agreement = kept(SLOW)[1]["projects"][SLOW]["tasks"]["label"]["agreement"]
    assert (agreement["percent"]["value"], agreement["alpha"]["value"]) == (at(0.524), at(0.267))


# -- w241_boxes_single ----------------------------------------------------------------------------------------------------


def test_submissions_without_a_box_are_dead_letters(kept: Kept) -> None:
    letters = kept("w241_boxes_single")[1]["dead_letters"]
    assert len(letters) == 18
    assert Counter((letter["reason"], letter["path"]) for letter in letters) == {
        ("wrong_type", "$.label.boxes[0].bbox"): 18
    }
    numbers = [number for number, line in enumerate(lines("w241_boxes_single"), 1) if b'"bbox":null' in line]
    path = SHARED / "w241_boxes_single.jsonl.gz"
    assert [letter["where"] for letter in letters] == [f"{path}:{number}" for number in numbers]


def test_boxes_of_one_submission_are_repeats(kept: Kept) -> None:
    """Several boxes are several events of one annotator on one item: all are in force, one label counts."""
    events = [json.loads(line) for line in lines("w241_boxes_single")]
    drawn = [event for event in events if event["label"]["boxes"][0]["bbox"] is not None]
    pairs = {(event["annotator"], event["item"]) for event in drawn}
    task = kept("w241_boxes_single")[1]["projects"]["w241-boxes-single"]["tasks"]["label"]
    assert task["annotations"] == len(drawn) == 2611
    assert len(pairs) < len(drawn)
    assert task["pairable_items"] == len({item for _, item in pairs}) == 20


def test_mean_overlap_of_boxes(kept: Kept) -> None:
    """Latest boxes, matched from an IoU of 0.5 on, a miss 0; of one item with 1,519 annotators the first 200."""
    task = kept("w241_boxes_single")[1]["projects"]["w241-boxes-single"]["tasks"]["label"]
    agreement = task["agreement"]
    assert (round(agreement["mean_iou"]["value"], 3), agreement["mean_iou"]["n"]) == (0.807, 20)
    assert agreement["mean_iou"]["low"] < 0.807 < agreement["mean_iou"]["high"]
    assert agreement["percent"]["why"] == "not available for this label type"
    assert task["by"]["class"]["Car"]["agreement"]["iou_mean"]["n"] == 20
    assert {"match_rate", "mean_iou", "iou_alpha"} <= task["by"]["batch"]["amt-3853897"]["agreement"].keys()
