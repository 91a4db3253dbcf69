import gzip
import json
from collections import defaultdict

import pytest

from detectors.drift import IntegerCusum


@pytest.mark.shared
def test_of_ten_translators_the_two_who_miss_planted_errors_are_found(shared_data):
    """Raters 4 and 9 miss 10 of 32 and 7 of 19; the other eight, 8 of 194."""
    answers = defaultdict(list)
    with gzip.open(shared_data / "mqm_wmt23_ende.jsonl.gz") as lines:
        for event in map(json.loads, lines):
            if event["type"] == "annotation" and event["project"] == "mqm-wmt23-ende-hotw":
                answers[event["annotator"]].append((event["time"], event["id"], event["label"] != "found"))
    alarms = {}
    for annotator, given in answers.items():
        detector = IntegerCusum()
        for time, _, error in sorted(given):
            detector.update(error)
            if detector.drift_detected:
                alarms[annotator] = time[:10]
    assert sum(map(len, answers.values())) == 245
    assert alarms == {"rater4": "2024-08-28", "rater9": "2024-09-09"}
