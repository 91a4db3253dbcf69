"""Every metric kappawatch exports: name, kind, help text, labels.

This list is the contract between the worker, which exports exactly these, and dashboards and rules,
which read nothing else. Labels are bounded: never an item, never an annotator by id.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

Kind = Literal["counter", "gauge", "histogram", "gaugehistogram"]
"""A gauge histogram has buckets that may fall: a histogram of what is, not of what came."""

# The usual pass mark of gold tasks in crowd work, and what a dependable annotator reaches: rules and colours use them too.
GOLD_TARGET: Final = 0.80
GOLD_GOOD: Final = 0.90
# One failed answer has an upper 95 % bound of 0.73, under the target: without a minimum it would condemn alone.
GOLD_MINIMUM_ANSWERS: Final = 20


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric family as Prometheus sees it; a counter's name carries its ``_total``, no histogram's its ``_bucket``."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()


_METRICS: Final = (
    # --- what arrived ---------------------------------------------------------------------------
    Metric(
        "kappawatch_events_total",
        "counter",
        "Events received, by outcome: applied, duplicate, erased, dead_letter (no project) or forwarded.",
        ("project", "outcome", "partition"),
    ),
    Metric(
        "kappawatch_dead_letters_total",
        "counter",
        "Events refused, by reason code.",
        ("reason", "partition"),
    ),
    Metric(
        "kappawatch_event_delay_seconds",
        "histogram",
        "Seconds from an event's own time to its commit.",
        ("project",),
    ),
    Metric(
        "kappawatch_last_event_timestamp_seconds",
        "gauge",
        "Unix time at which a project's last event was committed.",
        ("project",),
    ),
    Metric(
        "kappawatch_annotation_duration_seconds",
        "histogram",
        "Seconds that an annotation took, of those of stage annotate that say so; counted when it is first committed.",
        ("project",),
    ),
    Metric(
        "kappawatch_reviews_total",
        "counter",
        "Reviews committed, new ones and new revisions, by verdict: accept, fix or reject.",
        ("project", "outcome"),
    ),
    # --- agreement and gold ---------------------------------------------------------------------
    Metric(
        "kappawatch_agreement_ratio",
        "gauge",
        "Agreement of a task's annotators, by coefficient; absent where undefined.",
        ("project", "task", "coefficient"),
    ),
    Metric(
        "kappawatch_agreement_lower_ratio",
        "gauge",
        "Lower bound of the agreement's 95 % interval.",
        ("project", "task", "coefficient"),
    ),
    Metric(
        "kappawatch_agreement_upper_ratio",
        "gauge",
        "Upper bound of the agreement's 95 % interval.",
        ("project", "task", "coefficient"),
    ),
    Metric(
        "kappawatch_gold_ratio",
        "gauge",
        "Share of the counted answers to gold items that are correct; absent where there is none.",
        ("project", "task"),
    ),
    Metric(
        "kappawatch_gold_lower_ratio",
        "gauge",
        "Lower bound of the gold accuracy's 95 % Wilson interval.",
        ("project", "task"),
    ),
    Metric(
        "kappawatch_gold_upper_ratio",
        "gauge",
        "Upper bound of the gold accuracy's 95 % Wilson interval.",
        ("project", "task"),
    ),
    Metric(
        "kappawatch_gold_results_total",
        "counter",
        "Gold results added, by outcome: pass or fail.",
        ("project", "task", "outcome"),
    ),
    Metric(
        "kappawatch_gold_results_retracted_total",
        "counter",
        "Gold results that edits, withdrawals and changed keys took back, by the outcome they had.",
        ("project", "task", "outcome"),
    ),
    # --- the evidence behind them ---------------------------------------------------------------
    Metric(
        "kappawatch_annotations",
        "gauge",
        "Annotations in force, repeats included.",
        ("project", "task"),
    ),
    Metric(
        "kappawatch_items",
        "gauge",
        "Items with at least one annotation in force.",
        ("project", "task"),
    ),
    Metric(
        "kappawatch_pairable_items",
        "gauge",
        "Items with two or more counting labels: the n of every agreement coefficient.",
        ("project", "task"),
    ),
    Metric(
        "kappawatch_pairable_labels",
        "gauge",
        "Counting labels on pairable items, by label; absent where a task has more than 10 labels.",
        ("project", "task", "label"),
    ),
    Metric(
        "kappawatch_disagreeing_labels",
        "gauge",
        "Of the labels on pairable items each times the share of the item's others that differ; absent where those are.",
        ("project", "task"),
    ),
    Metric(
        "kappawatch_annotators",
        "gauge",
        "Annotators with an annotation in force, by gold accuracy: good, watch, poor, or too_few (under 20 answers).",
        ("project", "task", "band"),
    ),
    Metric(
        "kappawatch_annotator_gold_accuracy",
        "gaugehistogram",
        "Annotators with 20 or more counted answers to gold items, by the share that is correct.",
        ("project", "task"),
    ),
    Metric(
        "kappawatch_annotator_agreement",
        "gaugehistogram",
        "Annotators with a pairable item, by percent agreement with the others; absent where there is none.",
        ("project", "task"),
    ),
    Metric(
        "kappawatch_confused_pair_ratio",
        "gauge",
        "Of the pairs of labels on an item that have either, the share that are one and the other: the 10 most confused.",
        ("project", "task", "label_a", "label_b"),
    ),
    Metric(
        "kappawatch_gold_answers",
        "gauge",
        "Counted answers to gold items: the n of the gold accuracy.",
        ("project", "task"),
    ),
    Metric(
        "kappawatch_gold_label_answers",
        "gauge",
        "Counted answers to gold items by the key's class, if given or declared, and outcome; absent above 10 classes.",
        ("project", "task", "label", "outcome"),
    ),
    Metric(
        "kappawatch_unfit",
        "gauge",
        "Annotations in force whose label does not fit the task's label type, and which do not count.",
        ("project", "task"),
    ),
    # --- drift, alarms, annotators --------------------------------------------------------------
    Metric(
        "kappawatch_drift_state",
        "gauge",
        "State of a signal's drift detectors: 0 normal, 1 warning, 2 drift.",
        ("project", "task", "signal"),
    ),
    Metric(
        "kappawatch_drift_detections_total",
        "counter",
        "Changes that drift detectors reported.",
        ("project", "task", "signal", "detector"),
    ),
    Metric(
        "kappawatch_alarms",
        "gauge",
        "Alarms that are open.",
        ("project", "task", "kind", "severity"),
    ),
    Metric(
        "kappawatch_alarms_raised_total",
        "counter",
        "Alarms that the monitor has raised, open or cleared.",
        ("project", "task", "kind"),
    ),
    Metric(
        "kappawatch_flagged_annotator_info",
        "gauge",
        "1 for each annotator (a pseudonym) with an open alarm, at most 50 a project.",
        ("project", "task", "annotator", "reason"),
    ),
    Metric(
        "kappawatch_flagged_annotator_gold_ratio",
        "gauge",
        "Share of a flagged annotator's counted answers to gold items that are correct; absent where there is none.",
        ("project", "task", "annotator"),
    ),
    Metric(
        "kappawatch_flagged_annotator_agreement_ratio",
        "gauge",
        "Percent agreement of a flagged annotator with the others; absent where undefined.",
        ("project", "task", "annotator"),
    ),
    Metric(
        "kappawatch_flagged_annotator_items",
        "gauge",
        "Items on which a flagged annotator has an annotation in force.",
        ("project", "task", "annotator"),
    ),
    Metric(
        "kappawatch_flagged_suppressed",
        "gauge",
        "Flagged annotators that are not shown because the project has more than 50, or the page more than 1,000.",
        ("project",),
    ),
    Metric(
        "kappawatch_tasks_suppressed",
        "gauge",
        "Tasks without figures of their own: smaller than the 200 that are shown, or not read yet.",
    ),
    # --- the pipeline itself --------------------------------------------------------------------
    Metric(
        "kappawatch_ready",
        "gauge",
        "1 if the worker is ready: not recovering, and its lag does not grow without progress.",
    ),
    Metric(
        "kappawatch_heartbeat_timestamp_seconds",
        "gauge",
        "Unix time at which a stage of the worker (consumer, commit, snapshot) last finished a round.",
        ("stage",),
    ),
    Metric(
        "kappawatch_partition_end_offset",
        "gauge",
        "Offset that the next record written to the partition will get.",
        ("topic", "partition"),
    ),
    Metric(
        "kappawatch_partition_position",
        "gauge",
        "Offset that the worker reads next; the end offset less this is the lag.",
        ("topic", "partition"),
    ),
    Metric(
        "kappawatch_homes",
        "gauge",
        "Homes (partitions with their state) that the worker holds.",
    ),
    Metric(
        "kappawatch_commit_duration_seconds",
        "histogram",
        "Seconds that the database transaction of a chunk took.",
    ),
    Metric(
        "kappawatch_conflicts_total",
        "counter",
        "Commits that lost the compare-and-set: another worker holds the home.",
    ),
    Metric(
        "kappawatch_rereads_total",
        "counter",
        "Times a partition was read again from the log, by reason: gap (offsets were missing) or stall.",
        ("reason",),
    ),
    Metric(
        "kappawatch_store_errors_total",
        "counter",
        "Store operations that failed and were tried again.",
    ),
    Metric(
        "kappawatch_outbox_pending",
        "gauge",
        "Messages that are committed to the outbox but not yet accepted by the broker.",
    ),
    Metric(
        "kappawatch_outbox_failed_total",
        "counter",
        "Messages that the broker refused for good, by topic.",
        ("topic",),
    ),
    Metric(
        "kappawatch_series_exposed",
        "gauge",
        "Series on this page, by metric family.",
        ("family",),
    ),
    Metric(
        "kappawatch_collect_duration_seconds",
        "gauge",
        "Seconds that gathering the previous metrics page took.",
    ),
    Metric(
        "kappawatch_collect_errors_total",
        "counter",
        "Metrics pages that could not be gathered.",
    ),
    Metric(
        "kappawatch_build_info",
        "gauge",
        "1, labelled with the worker's version.",
        ("version",),
    ),
)

CATALOGUE: Final[Mapping[str, Metric]] = MappingProxyType({metric.name: metric for metric in _METRICS})
"""Every metric by its name, in reading order."""
