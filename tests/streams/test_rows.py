"""Scopes as a store has them."""

from __future__ import annotations

from detectors.keys import ScopeKey
from detectors.scope import Scope, Tally
from streams.store import rows

KEY = ScopeKey("p", "t", "vendor", "acme")


def test_sums_of_any_size_come_back() -> None:
    tallies = {
        "nominal": Tally(3, 1, 2, 1, {"a\x1fb": 1, "a": 1}),
        "boxes": Tally(2, 1, 0, 0, None, {"squares": 2**200 + 1, "below": -(2**70), "one": 1}),
    }
    row = rows.scope_row(0, KEY, Scope(5, 2, 1, tallies))
    assert row[-1] == (
        '{"boxes":[2,1,0,0,{},{"below":"-1180591620717411303424","one":"1",'
        '"squares":"1606938044258990275541962092341162602522202993782792835301377"}],'
        '"nominal":[3,1,2,1,{"a":1,"a\\u001fb":1},{}]}'
    )
    assert rows.scope(row) == (KEY, Scope(5, 2, 1, tallies))
