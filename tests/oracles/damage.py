"""Files that were damaged: bits flipped, cut short, bytes appended; and a folder of compiled kernels with some of them."""

import pickle


def flipped(rng, data, *_):
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 5])):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def truncated(rng, data, *_):
    return data[: rng.randrange(len(data))]


def appended(rng, data, *_):
    return data + rng.randbytes(rng.randint(1, 200))


def emptied(rng, data):
    return b""


def numbers(rng, data):
    return pickle.dumps(rng.randrange(99))


DAMAGES = [flipped, flipped, truncated, truncated, appended, emptied, numbers]


def damaged(folder, rng):
    """One file, or all of one kind, or all."""
    found = sorted(path for path in folder.rglob("*") if path.suffix in (".nbi", ".nbc"))
    chosen = rng.choice([[rng.choice(found)], [p for p in found if p.suffix == ".nbi"], [p for p in found if p.suffix == ".nbc"], found])
    attack = rng.choice(DAMAGES)
    for path in chosen:
        path.write_bytes(attack(rng, path.read_bytes()))
