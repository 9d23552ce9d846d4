"""Tables and shards with a right sha256 and wrong contents, as somebody who can write files can make them."""

import numpy as np

HUGE = [2**62, 2**63, 2**64 - 1, 2**32, 2**31, 255, 65535]


def forged(rng, arrays, others=()):
    """A changed copy; `others`: tables to take arrays from."""
    arrays = {name: np.array(array) for name, array in arrays.items()}
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        kind = rng.choice(KINDS)
        if any(array.size for array in arrays.values()):
            kind(rng, arrays, others)
    return arrays


def _some(rng, arrays):
    """A name of an array with numbers in it."""
    return rng.choice([name for name, array in arrays.items() if array.size] or list(arrays))


def a_number(rng, arrays, others):
    """One more, one less, another one."""
    array = arrays[name := _some(rng, arrays)]
    flat = array.reshape(-1)
    place = rng.randrange(flat.size)
    value = rng.choice([int(flat[place]) + 1, int(flat[place]) - 1, 0, 1, rng.randrange(12)])
    wide = array.astype(np.int64).reshape(-1)
    wide[place] = value
    info = np.iinfo(array.dtype)
    arrays[name] = wide.reshape(array.shape).astype(array.dtype if info.min <= value <= info.max else np.int64)


def a_huge_number(rng, arrays, others):
    name = _some(rng, arrays)
    wide = arrays[name].astype(np.int64).astype(np.uint64)
    wide.reshape(-1)[rng.randrange(wide.size)] = rng.choice(HUGE)
    arrays[name] = wide if rng.random() < 0.7 else wide.astype(np.int64)


def a_sum_that_wraps(rng, arrays, others):
    """Four times 2^62 is nothing."""
    names = ("lengths", "coarser_lengths", "counts", "coarser_times")
    name = rng.choice([name for name in names if name in arrays and arrays[name].size >= 4] or [_some(rng, arrays)])
    wide = arrays[name].astype(np.uint64)
    places = rng.sample(range(wide.size), min(4, wide.size))
    wide.reshape(-1)[places] += np.uint64(2**62)
    arrays[name] = wide


def lengths_shifted(rng, arrays, others):
    """An entry of one row becomes another row's; the sum is right."""
    names = [name for name in ("lengths", "coarser_lengths") if name in arrays and arrays[name].size >= 2]
    if names:
        name = rng.choice(names)
        wide = arrays[name].astype(np.int64)
        one, two = rng.sample(range(wide.size), 2)
        step = rng.choice([1, 2, 10**6, 2**40])
        wide.flat[one] += step
        wide.flat[two] -= step
        arrays[name] = wide if wide.min() < 0 else wide.astype(np.min_scalar_type(int(wide.max())))


def swapped(rng, arrays, others):
    array = arrays[_some(rng, arrays)]
    if array.ndim and len(array) > 1:
        one, two = rng.sample(range(len(array)), 2)
        array[[one, two]] = array[[two, one]]


def shuffled(rng, arrays, others):
    array = arrays[_some(rng, arrays)]
    if array.ndim:
        array[:] = array[rng.sample(range(len(array)), len(array))]


def shaped(rng, arrays, others):
    name = _some(rng, arrays)
    arrays[name] = rng.choice([
        lambda a: a[:-1] if a.ndim else a, lambda a: a.reshape(-1), lambda a: np.array(1), lambda a: a[:0] if a.ndim else a,
        lambda a: a[None], lambda a: np.concatenate([a, a]) if a.ndim else a, lambda a: a.T.copy(),
    ])(arrays[name])


def typed(rng, arrays, others):
    name = _some(rng, arrays)
    arrays[name] = arrays[name].astype(rng.choice([np.int8, np.int16, np.uint64, np.int64, np.uint8]))


def more(rng, arrays, others):
    arrays[rng.choice(["more", "dtype", "arrays", "shape"])] = rng.choice([np.array(7), np.arange(3), np.zeros((2, 0), np.int8)])


def less(rng, arrays, others):
    del arrays[rng.choice(list(arrays))]
    if not arrays:
        arrays["a"] = np.arange(3)


def of_another(rng, arrays, others):
    if others:
        other = rng.choice(others)
        for name in rng.sample(list(other), rng.choice([1, 2, len(other)])):
            arrays[name] = np.array(other[name])


KINDS = [a_number, a_number, a_number, a_huge_number, a_sum_that_wraps, lengths_shifted, swapped, shuffled, shaped, typed, more, less, of_another]
