"""A ratio of sums over items, from the sums of what they add and of its products."""

from __future__ import annotations

import math
from collections.abc import Mapping

from detectors.agreement.coefficient import Estimate

PART = "\t"
"""Between the parts of a sum's name: no label has a control character."""


def add_ratio(sums: dict[str, int], name: str, u: int, v: int) -> None:
    """What an item with this numerator and denominator adds; a sum that is zero has no name."""
    if v:
        sums[f"{name}{PART}v"] = v
        sums[f"{name}{PART}vv"] = v * v
    if u:
        sums[f"{name}{PART}u"] = u
        sums[f"{name}{PART}uu"] = u * u
        sums[f"{name}{PART}uv"] = u * v


def ratio(sums: Mapping[str, int], name: str, n: int) -> Estimate | None:
    r"""The ratio of the sums over n items, with its standard error; None where the denominator is zero.

    $$ R = \frac{\sum u_i}{\sum v_i}, \qquad x_i = R + (u_i - R v_i) \frac{n}{\sum v_i}, \qquad
       s^2 = \frac{\sum (x_i - R)^2}{n (n - 1)} $$

    The linearisation over items: $\sum (u_i - R v_i)^2$ needs the sums of $u^2$, $u v$ and $v^2$ alone. All is exact,
    and rounded at the end.

    >>> sums = {}
    >>> for u, v in ((1, 2), (3, 4), (0, 2)):
    ...     item = {}
    ...     add_ratio(item, "f", u, v)
    ...     for key, x in item.items():
    ...         sums[key] = sums.get(key, 0) + x
    >>> ratio(sums, "f", 3)  # doctest: +ELLIPSIS
    Estimate(value=0.5, error=0.21650..., degrees=2)

    References
    ----------
    Cochran, W. G. (1977). Sampling Techniques, 3rd edition, 6.3. Wiley. ISBN 978-0471162409.
    """
    u, v, uu, uv, vv = (sums.get(f"{name}{PART}{moment}", 0) for moment in ("u", "v", "uu", "uv", "vv"))
    if not v:
        return None
    squares = v * v * uu - 2 * u * v * uv + u * u * vv
    error = math.sqrt(n * squares / ((n - 1) * v**4)) if n > 1 else math.nan
    return Estimate(u / v, error, n - 1)
