"""The experiments of bench/figures, each computed once, quickly, for all tests that ask."""

import pytest

from fastdiag.cli.figures import collection


@pytest.fixture(scope="session")
def frame():
    return collection()


@pytest.fixture(scope="session")
def quick(frame, tmp_path_factory):
    """The quick pieces of an experiment; of those named alone if some are."""
    folder, known = tmp_path_factory.mktemp("kept"), {}

    def found(name, *pieces):
        if (name, pieces) not in known:
            experiment = frame.script(name)
            every = experiment.pieces(True)
            chosen = {piece: every[piece] for piece in pieces or every}
            known[name, pieces] = {piece: got for piece, got, *_ in frame.results(experiment, folder, True, only=chosen)}
        return known[name, pieces]

    return found


@pytest.fixture(scope="session")
def rows(frame, quick):
    return lambda name, *pieces: frame.script(name).rows(quick(name, *pieces))
