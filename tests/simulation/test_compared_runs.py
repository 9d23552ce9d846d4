"""Ways of training on common training sets: differences run by run, in number and in error; executors and interrupted runs."""

import copy
import math
import pickle
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.errors import DataError, InputError
from fastdiag.expansion import OBSERVABLES
from fastdiag.simulation import checkpoint as kept
from oracles.enumerated_runs import KINDS, enumerated, landscape
from oracles.executors import Elsewhere
from oracles.plain_sgd import logistic, samples

ST = fd.Spacetime(N=3, E=2)
ONE = fd.Spacetime(N=3, E=1)
RULE = fd.updates.momentum(0.5)
ETA = {"logistic": 0.5, "samples": 0.1, "symbolic": 0.1}


@pytest.mark.parametrize("kind", KINDS)
def test_each_is_what_simulate_says_and_differences_are_enumerated(kind):
    """GD and SGD enumerated side by side: the mean and the deviation of their difference, run by run."""
    eta, land, runs = ETA[kind], landscape(kind), 20_000
    found = fd.compare([("SGD", ONE, eta), ("GD", ONE, eta, "gd"), ("fast", ONE, eta, RULE)], land, runs, seed=3)
    chances, ours, *_ = enumerated(kind, ONE, eta)
    _, theirs, *_ = enumerated(kind, ONE, eta, lambda oracle, batches, eta: oracle.descended([[b[0] for b in batches]] * 3, eta))
    exact = chances @ (ours - theirs)
    deviation = math.sqrt(chances @ (ours - theirs - exact) ** 2 / runs)
    mean, error = found.difference("SGD", "GD")
    assert abs(mean - exact) < 4 * deviation
    assert error == pytest.approx(deviation, rel=0.05)
    assert error < found["SGD"].stderr / 2
    assert mean == pytest.approx(found["SGD"].mean - found["GD"].mean, abs=1e-14)
    assert found["GD"] == fd.simulate(land, ONE, eta, runs, 3, "gd")
    assert found["fast"].update == RULE


def test_variances_differ_run_by_run():
    """Against a bootstrap's worth of repetitions: the spread of differences over seeds is what their errors say."""
    for name in ("test_loss_variance", "covariance", "displacement"):
        kinds = [("SGD", ST, 0.5), ("GD", ST, 0.5, "gd"), ("again", ST, 0.5)]
        many = [fd.compare(kinds, logistic(), 256, seed, name) for seed in range(60)]
        spread = np.std([m.difference("SGD", "GD")[0] for m in many], axis=0, ddof=1)
        errors = np.mean([m.difference("SGD", "GD")[1] for m in many], axis=0)
        np.testing.assert_allclose(errors, spread, rtol=0.4)
        assert np.all(np.asarray(many[0].difference("SGD", "again")) == 0)
        assert np.all(errors < np.hypot(many[0]["SGD"].stderr, many[0]["GD"].stderr))
        means = many[0]["SGD"].mean - many[0]["GD"].mean
        np.testing.assert_allclose(many[0].difference("SGD", "GD")[0], means, rtol=1e-9, atol=1e-15)


def test_gdc_follows_sgd_to_a_higher_power_of_eta():
    """[A], [B]: the test losses differ by eta^2 for GD and by o(eta^2) for GDC: slopes with their 95 % intervals."""
    etas, steps = np.array([0.05, 0.2]), fd.Spacetime(N=4, E=2)
    kinds = [("SGD", steps, etas), ("GD", steps, etas, "gd"), ("GDC", steps, etas, "gdc")]
    found, slopes = fd.compare(kinds, fd.landscapes.gauss(1), 100_000), {}
    for label in ("GD", "GDC"):
        mean, error = found.difference(label, "SGD")
        halfwidth = 1.96 * np.linalg.norm(error / mean) / np.log(4)
        slopes[label] = np.log(mean[1] / mean[0]) / np.log(4) + np.array([-1, 1]) * halfwidth
    low, high = slopes["GD"]
    assert 1.8 < low < high < 2.1
    low, high = slopes["GDC"]
    assert 2.5 < low < high < 3.5


def test_other_sizes_and_processes():
    land = logistic()
    found = fd.compare(
        [("4", fd.Spacetime(N=4, E=1), 0.1), ("8", fd.Spacetime(N=8, B=2, E=1), 0.1, fd.updates.adam()), ("SDE", ST, 0.1, "sde"),
         ("ODE", ST, [[0.1, 0.0], [0.0, 0.2]], fd.updates.ode()), ("fresh", fd.Spacetime(N=math.inf, T=3), 0.1)], land, 600,
    )
    assert found["SDE"] == fd.simulate(land, ST, 0.1, 600, method="sde")
    assert found["ODE"].stderr < 1e-15
    assert (found.errors[np.triu_indices(5, 1)] > 0).all()
    assert np.array_equal(found.differences, -found.differences.T)


@pytest.mark.parametrize("name", ["test_loss", "train_loss", "test_loss_variance", "covariance"])
def test_curves(name, tmp_path):
    """Each time as if it were asked for alone, out of order and twice; two rates beside."""
    kinds = [("SGD", ST, [0.1, 0.4]), ("GD", ST, [0.1, 0.4], "gd"), ("fast", ONE, [0.1, 0.4], RULE)]
    found = fd.compare(kinds, logistic(), 300, observable=name, T=[4, 1, 4])
    for place, T in enumerate([4, 1, 4]):
        alone = fd.compare(kinds, logistic(), 300, observable=name, T=T)
        for ours, theirs in ((found.differences, alone.differences), (found.errors, alone.errors)):
            np.testing.assert_allclose(ours[:, :, :, place], theirs, rtol=1e-9, atol=1e-16)
        assert found["fast"].T == (4, 1, 4)
        np.testing.assert_allclose(found["GD"].mean[:, place], alone["GD"].mean, rtol=1e-12)
    if name == "test_loss":
        with pytest.raises(InputError, match="learning rates or updates"):
            found.plot(tmp_path / "both.svg")
        one = fd.compare([("SGD", ST, 0.1), ("GD", ST, 0.1, "gd")], logistic(), 300, T=[1, 4])
        one.plot(tmp_path / "curves.svg")
        assert one.difference("SGD", "GD")[0].shape == (2,)


def test_it_shows_itself_and_pickles(tmp_path):
    kinds = [("SGD", ST, [0.1, 0.2]), ("GD $x$", ST, [0.1, 0.2], "gd")]
    several, one = fd.compare(kinds, logistic(), 300), fd.compare([("a", ST, 0.1), ("<b>", ST, 0.2)], logistic(), 300)
    assert repr(one).splitlines()[0] == "<Compared: test_loss of 300 runs on common training sets"
    assert "less a" in repr(one)
    assert "&lt;b&gt;" in one._repr_html_()
    assert "array of shape (2,)" in repr(several)
    for each in (several, one):
        for other in (pickle.loads(pickle.dumps(each)), copy.deepcopy(each)):
            assert other == each
        each.plot(tmp_path / "differences.svg")
        assert (tmp_path / "differences.svg").read_text().startswith("<?xml")
    assert len(one) == 2
    assert one != several
    with pytest.raises(InputError, match="there is no 'c' among 'a', '<b>'"):
        one.difference("a", "c")
    with pytest.raises(InputError, match="there is no array"):
        one.difference(np.array(["a", "<b>"]), "a")
    vectors = fd.compare(kinds, logistic(), 300, observable="displacement")
    with pytest.raises(InputError, match="one number for each kind"):
        vectors.plot(tmp_path / "differences.svg")


def test_what_cannot_be_compared():
    land = logistic()
    for kinds, message in (
        ([], "kinds is empty"), (3, "kinds must be tuples"), ([("a", ST)], "kinds must be tuples"),
        ([("a", ST, 0.1), ("a", ST, 0.1)], "labels must be texts, each another"), ([(1, ST, 0.1)], "labels must be texts"),
        ([("a", ST, 0.1, "adam")], "'a': unknown method 'adam'"), ([("a", ST, 0.1, 3)], "update must be one of"),
        ([("a", ST, 0.1), ("b", ST, [0.1, 0.2])], "arrays of one length"),
    ):
        with pytest.raises(InputError, match=message):
            fd.compare(kinds, land, 300)


class Stopped(Executor):
    """Does the first few shards and then says that somebody pressed Ctrl-C."""

    def __init__(self, most):
        self.left = most

    def submit(self, function, /, *arguments):
        future = Future()
        if self.left:
            self.left -= 1
            future.set_result(function(*arguments))
        else:
            future.set_exception(KeyboardInterrupt())
        return future


@pytest.mark.parametrize("name", OBSERVABLES)
def test_the_same_whatever_the_workers(name):
    for land in (logistic(), samples(), landscape("symbolic")):
        calls = land, ST, [0.05, 0.1], 600
        expected = fd.simulate(*calls, observable=name, keep_runs=True)
        with ThreadPoolExecutor(2) as threads:
            for executor in (threads, Elsewhere()):
                assert fd.simulate(*calls, observable=name, keep_runs=True, executor=executor) == expected
    kinds = [("SGD", ST, 0.1), ("GDC", ST, 0.1, "gdc")]
    assert fd.compare(kinds, land, 600, observable=name, executor=Elsewhere()) == fd.compare(kinds, land, 600, observable=name)


def test_schedules_that_are_functions_go_to_workers():
    for rule in (fd.updates.schedule(lambda t: 1 / (1 + t)), fd.updates.clipped(0.8, fd.updates.schedule(lambda t: 1 / (1 + t)))):
        calls = logistic(), ST, 0.1, 300
        found = fd.simulate(*calls, update=rule, executor=Elsewhere())
        assert found == fd.simulate(*calls, update=rule)
        assert pickle.loads(pickle.dumps(found)) == found
        assert len(repr(fd.simulate(logistic(), fd.Spacetime(300, 1, 300), 0.1, 10, update=rule))) < 300
    functions, before = (lambda theta, i: theta[..., 0] ** 2 + 0 * i, lambda theta, i, v: 2 * theta + 0 * i[:, None]), Elsewhere()
    mine = fd.landscapes.directional(*functions, [0.5], 3)
    with pytest.raises(InputError, match=r"these runs cannot be sent to the workers of an executor .* functions are sent by"):
        fd.simulate(mine, *calls[1:], executor=before)
    with pytest.raises(InputError, match="a question cannot be sent"):
        fd.predict_many([(mine, ST, 0.1, 1)], executor=before)
    assert before.done == 0


@pytest.mark.long
def test_the_same_in_other_processes():
    with ProcessPoolExecutor(1, get_context("spawn")) as processes:
        assert fd.simulate(logistic(), ST, 0.1, 600, executor=processes) == fd.simulate(logistic(), ST, 0.1, 600)


@pytest.mark.parametrize("keeps", [False, True])
def test_interrupted_runs_go_on(tmp_path, keeps):
    file = tmp_path / "runs.npz"
    calls = {"landscape": logistic(), "spacetime": ST, "eta": [0.05, 0.1], "runs": 1500, "keep_runs": keeps}
    expected = fd.simulate(**calls)
    for most in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            fd.simulate(**calls, executor=Stopped(most), checkpoint=file)
    with np.load(file) as found:
        assert found["done"] == 3
    counting = Elsewhere()
    assert fd.simulate(**calls, executor=counting, checkpoint=file) == expected
    assert counting.done == 3
    assert fd.simulate(**calls, executor=Stopped(0), checkpoint=file) == expected  # all is there
    for change in (
        {"seed": 1}, {"eta": [0.05, 0.11]}, {"runs": 1501}, {"observable": "train_loss"}, {"observable": "test_loss_variance"},
        {"keep_runs": not keeps}, {"landscape": samples()}, {"method": "gd"}, {"spacetime": ONE}, {"eta": 0.05},
    ):
        with pytest.raises(InputError, match="is another call's checkpoint"):
            fd.simulate(**(calls | change), checkpoint=file)


def test_compared_runs_go_on(tmp_path):
    file, kinds = tmp_path / "runs.npz", [("SGD", ST, 0.1), ("GDC", ST, 0.1, "gdc")]
    with pytest.raises(KeyboardInterrupt):
        fd.compare(kinds, logistic(), 1500, executor=Stopped(2), checkpoint=file)
    counting = Elsewhere()
    found = fd.compare(kinds, logistic(), 1500, executor=counting, checkpoint=file)
    assert (counting.done, found) == (4, fd.compare(kinds, logistic(), 1500))


def test_a_file_that_is_no_checkpoint_is_left_alone(tmp_path, monkeypatch):
    file = tmp_path / "mine.npz"
    np.savez(file, mine=np.arange(3))
    before = file.read_bytes()
    with pytest.raises(DataError, match="is no checkpoint"):
        fd.simulate(logistic(), ST, 0.1, 600, checkpoint=file)
    assert file.read_bytes() == before
    file.unlink()
    fd.simulate(logistic(), ST, 0.1, 600, checkpoint=file)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(DataError, match="damaged"):
        fd.simulate(logistic(), ST, 0.1, 600, checkpoint=file)
    with pytest.raises(InputError, match="checkpoint must be a file"):
        fd.simulate(logistic(), ST, 0.1, 600, checkpoint=tmp_path)
    monkeypatch.setattr(kept, "VERSION", 2)
    file.unlink()
    fd.simulate(logistic(), ST, 0.1, 600, checkpoint=file)
    monkeypatch.undo()
    with pytest.raises(DataError, match="is no checkpoint"):
        fd.simulate(logistic(), ST, 0.1, 600, checkpoint=file)
