"""Random dense cumulants, symmetric as those of a landscape are."""

from itertools import permutations, product

import numpy as np

import fastdiag as fd


def symmetric_tensors(n, diagrams, seed):
    """Random dense cumulants of every kind that the diagrams need; a diagonal Hessian, with an indefinite spectrum."""
    rng = np.random.default_rng(seed)
    kinds = {tuple(sorted(D.degrees[v] for v in part)) for D in diagrams for part in D.parts} - {(0,)}
    cumulants = {degrees: symmetrised(rng.normal(size=(n,) * sum(degrees)), degrees) for degrees in sorted(kinds)}
    cumulants[2,] = np.diag(np.sort(rng.uniform(-0.5, 2.5, n)))
    if (1, 1) in cumulants:  # a covariance
        cumulants[1, 1] = cumulants[1, 1] @ cumulants[1, 1]
    return fd.landscapes.tensors(cumulants, loss=1.0)


def symmetrised(tensor, degrees):
    starts, total, count = [sum(degrees[:i]) for i in range(len(degrees))], 0.0, 0
    for nodes in permutations(range(len(degrees))):
        if [degrees[i] for i in nodes] == list(degrees):
            for inner in product(*(list(permutations(range(starts[i], starts[i] + degrees[i]))) for i in nodes)):
                total, count = total + tensor.transpose(sum(inner, ())), count + 1
    return total / count
