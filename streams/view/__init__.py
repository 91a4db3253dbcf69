"""The document for people, in a terminal: all of it, or the overview that the demo refreshes every second.

Worst comes first: by the upper end of the 95 % interval, so that a few unlucky answers do not put anyone on top.
"""

from streams.view.alarms import alarm_headline, alarm_numbers
from streams.view.figures import interval_text, percent
from streams.view.overview import render_overview, worst_annotators
from streams.view.tables import events_line
from streams.view.whole import COEFFICIENT_NAMES, render_document

__all__ = [
    "COEFFICIENT_NAMES",
    "alarm_headline",
    "alarm_numbers",
    "events_line",
    "interval_text",
    "percent",
    "render_document",
    "render_overview",
    "worst_annotators",
]
