"""A ratio of sums over items, from the sums of what they add and of its products."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache

from detectors.agreement.coefficient import Estimate
from detectors.agreement.measures import of_class


def add_ratio(sums: dict[str, int], name: str, u: int, v: int, label_class: str | None = None) -> None:
    """What an item with this numerator and denominator adds, of the whole or of a class; what is 0 is left out."""
    n_name, u_name, v_name, uu_name, uv_name, vv_name = _names(name, label_class)
    sums[n_name] = 1
    if v:
        sums[v_name] = v
        sums[vv_name] = v * v
    if u:
        sums[u_name] = u
        sums[uu_name] = u * u
        sums[uv_name] = u * v


@lru_cache(maxsize=4096)
def _names(name: str, label_class: str | None) -> tuple[str, ...]:
    """Most items add to the same sums."""
    names = [f"{name} {moment}" for moment in ("n", "u", "v", "uu", "uv", "vv")]
    return tuple(names if label_class is None else [of_class(quantity, label_class) for quantity in names])


def ratio(sums: Mapping[str, int], name: str) -> Estimate | None:
    r"""The ratio of the sums over the n items, with its standard error; None where the denominator is zero.

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
    >>> ratio(sums, "f")  # doctest: +ELLIPSIS
    Estimate(value=0.5, error=0.21650..., degrees=2)

    References
    ----------
    Cochran, W. G. (1977). Sampling Techniques, 3rd edition, 6.3. Wiley. ISBN 978-0471162409.
    """
    n, u, v, uu, uv, vv = (sums.get(quantity, 0) for quantity in _names(name, None))
    if not v:
        return None
    squares = v * v * uu - 2 * u * v * uv + u * u * vv
    error = math.sqrt(n * squares / ((n - 1) * v**4)) if n > 1 else math.nan
    return Estimate(u / v, error, n - 1)
