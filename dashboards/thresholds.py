"""The numbers that rules alert on and dashboards colour by: one place, so that the two never differ.

Those of gold accuracy stand in `streams.catalogue`: the worker puts annotators into bands by them.
"""

from dataclasses import dataclass
from typing import Final, Literal

Severity = Literal["critical", "warning", "info"]
"""Critical: somebody acts now; warning: today; info: for dashboards and inhibition only."""

# Krippendorff (2004), doi:10.1111/j.1468-2958.2004.tb00738.x: below 0.667 discard, from 0.8 rely on.
# The rule compares the upper bound of a 95 % interval: a task exactly at the limit crosses it in 2.5 % of
# independent looks. The interval is not valid under continuous looking, hence the rule's long `for`.
AGREEMENT_TENTATIVE: Final = 0.667
AGREEMENT_GOOD: Final = 0.8
# The smallest number of items for which the interval's coverage was simulated near its nominal 95 %.
AGREEMENT_MINIMUM_ITEMS: Final = 30

# The rule compares a one-sided 95 % Wilson bound of gold accuracy, so a project exactly on target crosses it in 5 % of looks.
NORMAL_QUANTILE_95: Final = 1.645

IDLE_SECONDS: Final = 15 * 60
# At least one event a minute in the hour before the silence: a trickle may pause without anybody being told.
IDLE_MINIMUM_EVENTS: Final = 60

UNFIT_SHARE: Final = 0.05

HEARTBEAT_SLOW_SECONDS: Final = 60
HEARTBEAT_STALE_SECONDS: Final = 300
DELAY_SLOW_SECONDS: Final = 30
DELAY_BAD_SECONDS: Final = 120
CATCH_UP_SECONDS: Final = 60
COMMIT_SLOW_SECONDS: Final = 1
COLLECT_SLOW_SECONDS: Final = 1

# Prometheus drops a whole scrape above its sample limit, so the worker must be seen to approach it.
SAMPLE_LIMIT: Final = 60_000
SAMPLES_MANY: Final = 48_000


@dataclass(frozen=True, slots=True)
class Burn:
    """The error budget is spent ``factor`` times too fast, over a long window and still over a short one.

    The fastest possible burn is 1 / (1 - objective): a factor beyond it could never fire.
    """

    factor: float
    long: str
    short: str
    sustained: str
    severity: Severity


DEAD_LETTER_OBJECTIVE: Final = 0.999
# A producer that sends ten events, one of them bad, is no incident.
DEAD_LETTER_MINIMUM: Final = 10
# Windows and factors of the SRE workbook, chapter 5: 2 %, 5 %, 10 % and 10 % of a 30-day budget.
BURNS: Final = (
    Burn(14.4, "1h", "5m", "2m", "critical"),
    Burn(6, "6h", "30m", "15m", "critical"),
    Burn(3, "1d", "2h", "1h", "warning"),
    Burn(1, "3d", "6h", "3h", "warning"),
)
