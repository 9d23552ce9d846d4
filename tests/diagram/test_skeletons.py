"""Skeletons: against all diagrams sifted, and against a mass formula."""

import copy
import pickle
from fractions import Fraction
from functools import cache
from math import comb, factorial

import pytest

import fastdiag as fd


def is_skeleton(D):
    return not any(len(part) == 1 and part[0] > 0 and D.degrees[part[0]] <= 2 for part in D.parts)


def noise_of(D):
    return D.order + 1 - len(D.parts)


@cache
def partitions_without_singles(items, parts):
    """Set partitions into parts of two and more."""
    if items <= 0 or parts <= 0:
        return int(items == parts == 0)
    return sum(comb(items - 1, k) * partitions_without_singles(items - 1 - k, parts - 1) for k in range(1, items))


def product(a, b, most):
    return [sum(a[i] * b[k - i] for i in range(k + 1)) for k in range(most + 1)]


def labelled_skeletons(d, noise):
    """Trees with out-degrees c number (d-1)!/((c_0-1)! c_1! ...): tied nodes have any, those alone two or more."""
    total = Fraction(int(d == noise == 0))
    for tied in range(1, d + 1):
        series = [Fraction(1)] + [Fraction(0)] * (d - 1)
        for _ in range(d - tied):
            series = product(series, [Fraction(int(k > 1), factorial(k)) for k in range(d)], d - 1)
        series = product(series, [Fraction((1 + tied) ** k, factorial(k)) for k in range(d)], d - 1)
        total += comb(d, tied) * partitions_without_singles(tied, tied - noise) * factorial(d - 1) * series[d - 1]
    return total


@pytest.mark.parametrize("noise", [0, 1, 2, 3])
def test_mass_formula_over_all_numbers_of_edges(noise):
    found = fd.skeletons(noise)
    for d in range(4 * noise + 3):
        mass = sum(Fraction(factorial(d), D.automorphisms) for D in found if D.order == d)
        assert mass == labelled_skeletons(d, noise), d


@pytest.mark.every(3)
@pytest.mark.parametrize("root_shares", [False, True])
@pytest.mark.parametrize("noise", [0, 1, 2, 3])
def test_all_diagrams_sifted(noise, root_shares):
    most = 7 if noise < 3 else 6
    sifted = [
        D for d in range(most + 1) for D in fd.diagrams(d, root_shares=root_shares) if noise_of(D) == noise and is_skeleton(D)
    ]
    found = fd.skeletons(noise, root_shares=root_shares)
    assert [D for D in found if D.order <= most] == sifted
    assert [D.automorphisms for D in found if D.order <= most] == [D.automorphisms for D in sifted]
    inside = fd.skeletons(noise, root_shares=root_shares, path_condition=True)
    assert list(inside) == [D for D in found if D.satisfies_path_condition]


def test_numbers_of_the_theory():
    assert [len(fd.skeletons(p)) for p in range(4)] == [1, 3, 78, 4584]
    assert [len(fd.skeletons(p, path_condition=True)) for p in range(3)] == [1, 2, 36]
    assert {D.order for D in fd.skeletons(3)} == set(range(4, 12))  # p + 1 to 4p - 1 edges


@pytest.mark.long
def test_noise_order_four():
    found = fd.skeletons(4)
    assert sum(Fraction(factorial(9), D.automorphisms) for D in found[found.orders == 9]) == labelled_skeletons(9, 4)
    assert len(found) == 475804


def test_a_list_of_skeletons_is_a_list_of_diagrams():
    found = fd.skeletons(2)
    assert isinstance(found, fd.Diagrams)
    assert list(found) == sorted(found) == [found[i] for i in range(len(found))]
    assert found.noise == 2
    assert found.orders.tolist() == [D.order for D in found]
    assert found.irreducible.all()
    assert found[found.satisfies_path_condition] == fd.skeletons(2, path_condition=True)
    assert pickle.loads(pickle.dumps(found)) == copy.deepcopy(found) == found != fd.skeletons(1)
    assert found._repr_html_().count("<svg") == 60
    assert [str(D) for D in found[-2:]] == [str(found[76]), str(found[77])]


@pytest.mark.parametrize("noise", [-1, 1.5, "2", None, True])
def test_what_is_no_noise_order(noise):
    with pytest.raises(fd.FastdiagError, match="noise"):
        fd.skeletons(noise)


def test_too_many_to_list():
    with pytest.raises(fd.errors.TooLargeError, match="noise order 4"):
        fd.skeletons(5)
