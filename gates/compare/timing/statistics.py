"""The formulas behind a comparison of times, each with its source. Pure; samples in, numbers out.

Here, a difference is the log ratio of one pair of measurements, head over base: 0 is no change, and swapping the sides
only turns its sign.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import combinations_with_replacement
from statistics import NormalDist, median
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EXACT_UP_TO = 100
"""Maximum number of differences for the exact distribution of signed ranks; beyond it, the normal one is close enough."""

RESOLUTION = 1e-6
"""Seconds: a shorter time counts as this long, because a coarse clock returns 0, and 0 has no ratio."""

_DIGITS = 9  # far below the resolution of any clock; without it, rounding would break real ties
_CHUNK = 4_000_000  # cells of one table of the bootstrap: about 50 MB


class Bootstrapped(NamedTuple):
    """The result of resampling a shift: the ends of its interval, and its standard error."""

    low: float
    high: float
    error: float


def finite_pairs(base: Sequence[float], head: Sequence[float]) -> list[tuple[float, float]]:
    """The n-th values of both sides, in order, if both are numbers; extra values on one side are ignored."""
    return [pair for pair in zip(base, head, strict=False) if all(map(math.isfinite, pair))]


def log_ratios(pairs: Sequence[tuple[float, float]]) -> list[float]:
    """The differences of pairs of base and head.

    Noise multiplies times, rather than adding to them: on the log scale a test of 10 ms and one of 10 s have the same noise,
    and +10% and its reverse are the same distance.
    """
    return [round(math.log(max(after, RESOLUTION) / max(before, RESOLUTION)), _DIGITS) for before, after in pairs]


def signed_rank(differences: Sequence[float]) -> float:
    """Two-sided p of Wilcoxon's signed-rank test: how rarely chance alone makes the signs as uneven as here.

    Ranks of tied sizes are averaged; zeros take part in the ranking and then leave (Pratt, "Remarks on zeros and ties in
    the Wilcoxon signed rank procedures", JASA 54, 1959), so that many unchanged pairs speak against a change. Given the
    sizes, each sign is a fair coin if nothing changed: all 2^n ways are counted (Wilcoxon, "Individual comparisons by
    ranking methods", Biometrics Bulletin 1, 1945), with the ties as they are. Above `EXACT_UP_TO` differences the normal
    approximation is used: variance Σr²/4 (which holds the correction for ties), continuity correction of half a rank
    (Hollander, Wolfe & Chicken, "Nonparametric Statistical Methods", 3rd ed., 2014, section 3.1).
    """
    ranks = _doubled_ranks([abs(difference) for difference in differences])
    signed = [(rank, difference) for rank, difference in zip(ranks, differences, strict=True) if difference]
    if not signed:
        return 1.0
    total = sum(rank for rank, _ in signed)
    positive = sum(rank for rank, difference in signed if difference > 0)
    smaller = min(positive, total - positive)
    if len(signed) > EXACT_UP_TO:
        spread = math.sqrt(sum(rank * rank for rank, _ in signed)) / 2
        # Ranks are doubled here, and so is the half that corrects for continuity.
        return math.erfc(max(0.0, total / 2 - smaller - 1) / spread / math.sqrt(2))
    ways = _ways_up_to(tuple(sorted(rank for rank, _ in signed)), smaller)
    return min(1.0, 2 * ways / (1 << len(signed)))


def _doubled_ranks(sizes: Sequence[float]) -> list[int]:
    """Twice the mean rank of each size: whole numbers even if sizes are tied."""
    counts = Counter(sizes)
    ranks = {}
    below = 0
    for size in sorted(counts):
        ranks[size] = 2 * below + counts[size] + 1
        below += counts[size]
    return [ranks[size] for size in sizes]


def _ways_up_to(ranks: tuple[int, ...], limit: int) -> int:
    """How many subsets of the ranks have a sum up to the limit."""
    width = len(ranks) + 1
    lowest = _subset_sums(ranks) & ((1 << (limit + 1) * width) - 1)
    # As with casting out nines: the sum of the digits is the rest modulo (base - 1), and it is at most 2^n.
    return lowest % ((1 << width) - 1)


@lru_cache(maxsize=16)
def _subset_sums(ranks: tuple[int, ...]) -> int:
    """The polynomial Π(1 + x^rank) as one integer; n + 1 bits hold each coefficient, which is at most 2^n."""
    width = len(ranks) + 1
    ways = 1
    for rank in ranks:
        ways += ways << (rank * width)
    return ways


def holm(values: Mapping[str, float]) -> dict[str, float]:
    """Each p, adjusted for their number, so that any false positive among them is as rare as the level.

    The k-th smallest of m is multiplied by m - k + 1, and none is smaller than the one before it. Holds however the
    tests depend on each other (Holm, "A simple sequentially rejective multiple test procedure", Scandinavian
    Journal of Statistics 6, 1979): tests that were timed in the same turn share the noise of that turn.
    """
    adjusted = {}
    highest = 0.0
    for rank, name in enumerate(sorted(values, key=values.__getitem__)):
        highest = max(highest, min(1.0, (len(values) - rank) * values[name]))
        adjusted[name] = highest
    return {name: adjusted[name] for name in values}


def shift(differences: Sequence[float]) -> float:
    """The median of the means of all pairs of differences, including each with itself.

    The estimate that matches the signed-rank test (Hodges & Lehmann, "Estimates of location based on rank tests",
    Annals of Mathematical Statistics 34, 1963). It withstands up to 29% outliers, and needs 5% more pairs than the mean
    if noise is normal; the median of the differences needs 57% more.
    """
    return median((one + other) / 2 for one, other in combinations_with_replacement(differences, 2))


def bootstrap(differences: Sequence[float], confidence: float, resamples: int) -> Bootstrapped:
    """Interval and standard error of `shift`, by resampling the differences with replacement.

    The percentile interval (Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13): the correction
    of BCa has nothing to correct in an estimate that is symmetric in its sides. The variance is widened by n / (n - 1),
    as for any sample variance: without it, intervals of few pairs are too narrow. The seed depends only on the number of
    differences: equal data give equal intervals, and swapped sides give the mirror image.
    """
    import numpy as np

    size = len(differences)
    values = np.asarray(differences, dtype=float)
    one, other = np.triu_indices(size)
    means = (values[one] + values[other]) / 2
    order = np.argsort(means, kind="stable")
    means, one, other = means[order], one[order], other[order]
    counts = _taken(size, resamples)
    rows = max(1, _CHUNK // len(means))
    shifts = np.concatenate(
        [_medians(means, one, other, counts[row : row + rows]) for row in range(0, resamples, rows)]
    )
    middle = shift(differences)
    widened = middle + (shifts - middle) * math.sqrt(size / (size - 1)) if size > 1 else shifts
    tail = (1 - confidence) / 2
    low, high = np.quantile(widened, [tail, 1 - tail])
    return Bootstrapped(float(low), float(high), float(np.std(widened)))


@lru_cache(maxsize=8)
def _taken(size: int, resamples: int) -> NDArray[np.int32]:
    """How often each difference is in each resample. Uses RandomState, because its numbers never change."""
    import numpy as np

    chosen = np.random.RandomState(size).randint(size, size=(resamples, size))
    rows = np.arange(resamples)[:, None] * size
    return np.bincount((chosen + rows).ravel(), minlength=resamples * size).reshape(resamples, size).astype(np.int32)


def _medians(
    means: NDArray[np.float64], one: NDArray[np.intp], other: NDArray[np.intp], counts: NDArray[np.int32]
) -> NDArray[np.float64]:
    """The shift of each resample: its median of means, each mean weighted by how often its two differences were drawn together."""
    import numpy as np

    together = counts[:, one] * counts[:, other]
    itself = np.flatnonzero(one == other)
    own = counts[:, one[itself]]
    together[:, itself] = own * (own + 1) // 2
    below = np.cumsum(together, axis=1, out=together)
    # As many means as in any sample of this size; the mean of the two in the middle, if there are two.
    lower = np.argmax(2 * below >= len(means), axis=1)
    upper = np.argmax(2 * below > len(means), axis=1)
    found: NDArray[np.float64] = (means[lower] + means[upper]) / 2
    return found


def fewest_pairs(level: float) -> int:
    """The minimum number of pairs with which a signed-rank test can reach the level: if all signs are equal, p is 2 / 2^n."""
    return math.ceil(math.log2(2 / level))


def detectable(error: float, level: float, power: float, threshold: float) -> float:
    """The smallest true shift found with this power: its test reaches the level, and its estimate the threshold.

    (z(1 - level/2) + z(power)) · standard error (Bloom, "Minimum detectable effects", Evaluation Review 19, 1995), but
    at least threshold + z(power) · standard error. From the noise alone, not from the observed shift: power at the
    observed effect only repeats p (Hoenig & Heisey, "The abuse of power", The American Statistician 55, 2001).
    """
    normal = NormalDist()
    found = normal.inv_cdf(1 - level / 2) + normal.inv_cdf(power)
    return max(found * error, threshold + normal.inv_cdf(power) * error)


def pairs_for(
    error: float, pairs: int, *, effect: float, threshold: float, level: float, power: float, confidence: float
) -> int:
    """Pairs that give a clear answer with this power: a real effect is found, and no effect is shown to be none.

    The first is `detectable` solved for the pairs. For the second the whole interval must lie within the threshold, on
    both sides: (z((1 + confidence) / 2) + z((1 + power) / 2)) · standard error (Julious, "Sample sizes for clinical trials
    with normal data", Statistics in Medicine 23, 2004, section 5: equivalence). The standard error shrinks with the
    root of the pairs.

    Args:
        error: the standard error with `pairs` pairs.
        pairs: that number.
        effect: the shift to find; more than the threshold.
        threshold: shifts up to this count as no change.
        level: of the test.
        power: how often each of the two answers is given if it is true.
        confidence: of the interval.
    """
    z = NormalDist().inv_cdf
    largest_error = min(
        effect / (z(1 - level / 2) + z(power)),
        (effect - threshold) / z(power),
        threshold / (z((1 + confidence) / 2) + z((1 + power) / 2)),
    )
    return max(fewest_pairs(level), math.ceil(pairs * (error / largest_error) ** 2))
