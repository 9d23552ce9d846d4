"""Errors of estimates: from samples that leave groups out, and how often they cover; polykays vary least."""

from fractions import Fraction
from functools import lru_cache
from itertools import product
from math import prod

import numpy as np
import pytest
from scipy import stats

import fastdiag as fd
from fastdiag.values.estimate import estimated_value, replicates
from oracles import oracle
from oracles.finite_samples import distribution, sample, truth, up_to


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("options", [{}, {"groups": 3}, {"groups": 2}, {"method": "disjoint"}], ids=str)
def test_left_out_estimates_are_estimates_without_the_points(n, options):
    tensors = distribution(n, 3, seed=2)
    rng = np.random.default_rng(5)
    chosen = rng.integers(0, 3, 12 if "method" in options else 7).tolist()
    land = fd.landscapes.estimated(sample(tensors, chosen), **options)
    for D in up_to(3, root_shares=n == 1):
        value, left_out = replicates(D, land)
        if "method" in options:
            step = D.order + 1
            cuts = range(0, len(chosen) // step * step + 1, step)
        else:
            groups = options.get("groups", 7)
            cuts = [7 * k // groups for k in range(groups + 1)]
        rests = [chosen[:a] + chosen[b : cuts[-1]] for a, b in zip(cuts[:-1], cuts[1:], strict=True)]
        if options.get("groups") == 2 and D.order == 3:  # three points are left
            assert len(left_out) == 0
            assert np.isnan(fd.estimate(D, land).stderr)
            continue
        again = [fd.landscapes.estimated(sample(tensors, rest), options.get("method", "polykay")) for rest in rests]
        assert left_out.tolist() == [estimated_value(D, small) for small in again]
        centre = sum(left_out) / len(left_out)
        variance = Fraction(len(left_out) - 1, len(left_out)) * sum((x - centre) ** 2 for x in left_out)
        found = fd.estimate(D, land)
        assert found.value == float(value)
        assert found.stderr == pytest.approx(float(variance) ** 0.5, rel=1e-12, abs=1e-12)


COVERED = ["[]", "[a]", "[a a]", "[a[b]]", "[a a b]", "[a a a]"]


@lru_cache
def replications():
    """1000 samples of 200 points from a distribution of three losses, away from its minimum: estimates and errors."""
    losses = [{(k,): Fraction(c) for k, c in enumerate(row)} for row in ((1, 1, 2, 1), (0, 2, 1, -1), (2, 4, 3, 2))]
    tensors = oracle.Tensors(losses, [Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)])
    rng = np.random.default_rng(2024)
    chances = np.array([float(w) for w in tensors.weights])
    table = [np.array(a, float) for a in sample(tensors, range(3)).derivatives]
    found = {D: [] for D in COVERED}
    @lru_cache(None)
    def estimates(*counts):  # polykays do not see the order of the points
        land = fd.landscapes.samples(*(np.repeat(a, counts, axis=0) for a in table))
        return [fd.estimate(D, land) for D in COVERED]

    for counts in rng.multinomial(200, chances, 1000):
        for D, estimate in zip(COVERED, estimates(*counts.tolist()), strict=True):
            found[D].append(estimate)
    return tensors, {D: np.array([(e.value, e.stderr) for e in estimates]).T for D, estimates in found.items()}


@pytest.mark.long
@pytest.mark.parametrize("D", COVERED)
def test_errors_cover_at_the_nominal_rate(D):
    """Estimate +- 1.96 errors holds the truth in 95 % of samples; of 1000, within the binomial 99.99 % interval.

    Where a mean gradient vanishes, G.G is not normal at any size of the sample, and no such rate is nominal.
    """
    tensors, found = replications()
    value, stderr = found[D]
    exact = float(truth(tensors, fd.Diagram.parse(D)))
    covered = int((np.abs(value - exact) < 1.96 * stderr).sum())
    low, high = stats.binom.interval(0.9999, 1000, 0.95)
    assert 920 < low < high < 978
    assert low <= covered <= high
    spread = value.std(ddof=1)
    assert abs(value.mean() - exact) < 4 * spread / 1000**0.5
    assert np.sqrt((stderr**2).mean()) == pytest.approx(spread, rel=0.15)


def test_polykays_vary_least():
    """Over all samples of six points, exactly: the variance is at most that from disjoint batches."""
    tensors = distribution(1, 2, seed=4)
    sequences = list(product(range(2), repeat=6))
    for D in map(fd.Diagram.parse, ["[a]", "[a a]", "[a[b]]", "[a b]"]):
        spread = {}
        for method, batch in (("polykay", 1), ("disjoint", 1), ("disjoint", 2), ("disjoint", 3)):
            if batch * (D.order + 1) > 6:
                continue
            variance = 0
            for chosen in sequences:
                land = fd.landscapes.estimated(sample(tensors, chosen), method, batch=batch)
                chance = prod(tensors.weights[x] for x in chosen)
                variance += chance * (estimated_value(D, land) - truth(tensors, D)) ** 2
            spread[method, batch] = variance
        assert min(spread, key=spread.get) == ("polykay", 1)
        assert all(v > spread["polykay", 1] for key, v in spread.items() if key != ("polykay", 1))
