"""What docs/experiments.md claims, at reduced size."""

from pathlib import Path

import numpy as np
import pytest

import fastdiag as fd

PAGE = (Path(__file__).parents[2] / "docs" / "experiments.md").read_text()
FAR = 4.0  # standard errors: one in 16,000 by chance
pytestmark = pytest.mark.filterwarnings("ignore::fastdiag.errors.TaylorWarning")


def far(rows):
    return [(row.case, round(row.z, 1)) for row in rows if abs(row.z) > FAR]


def cells(line):
    return [cell.strip() for cell in line.split("|")[1:-1]]


def test_the_pages_table_adds_up(frame):
    """In the interval, outside, within it and its own error: sums over experiments, and both ways to split them agree."""
    table = [cells(line) for line in PAGE.splitlines() if line.startswith(("| `", "| all "))]
    assert [row[0].strip("`") for row in table] == [*frame.NAMES, "all"]
    counts = np.array([[[int(n) for n in cell.split(" / ")] if cell else [0, 0, 0] for cell in row[1:]] for row in table])
    assert (counts[:-1].sum(axis=0) == counts[-1]).all()
    assert (counts[:, 0] + counts[:, 1] == counts[:, 2] + counts[:, 3]).all()
    assert (counts[..., 2] <= counts[..., 0] + counts[..., 1]).all()


def test_the_pages_velocities():
    velocities = [cells(line) for line in PAGE.splitlines() if line.startswith(("| 0.0", "| 0.1"))]
    assert len(velocities) == 4
    for eta, predicted, simulated in velocities:
        drift = fd.stationary.valley_drift(fd.landscapes.archimedes(), float(eta))[2] / float(eta) ** 2
        assert float(predicted) == pytest.approx(drift, abs=5e-5)
        assert float(simulated.split(" ± ")[0]) == pytest.approx(drift, rel=0.05)


@pytest.mark.parametrize("name", ["stationary", "preconditioned", "escape"])
def test_laws_at_large_learning_rates_are_those_of_the_runs(rows, name):
    found = rows(name)
    assert len(found) > 5
    assert not far(found)


def test_small_learning_rates_foretell_another_law(quick):
    """Half of the variance at a curvature times learning rate of 1, a seventh beside the limit."""
    found = quick("stationary")
    for piece, ratio in (("one0_2", 0.9), ("one1_0", 0.5), ("one1_7", 0.15)):
        assert found[piece]["slow"] / found[piece]["mean"][0, 0] == pytest.approx(ratio, rel=0.15)
    excess = quick("preconditioned")["regression0_7"]
    assert excess["frozen"] < excess["mean"] - 5 * excess["stderr"]


def test_sgd_escapes_into_flat_directions_and_gd_does_not(quick, rows):
    assert not [row for row in rows("spectra") if abs(row.z) > 4.5]  # the tails are heavy
    for name, found in quick("spectra").items():
        assert found["exact"][-1] > 0.9 * found["limit"], name
        assert found["gd"][-1] < 1e-3 * found["exact"][-1], name


def test_archimedes_turns_at_its_velocity_to_five_percent(quick, rows):
    pieces = "eta0_05", "eta0_1", "tilted"
    for row in rows("archimedes", *pieces):
        assert row.simulated == pytest.approx(row.prediction, rel=0.05)
    found = quick("archimedes", *pieces)
    assert found["eta0_1"]["z"][-1] > 5 * np.pi  # five periods
    assert found["tilted"]["tilt"] * found["tilted"]["z"][-1] > 0.05  # upwards
    assert fd.stationary.valley_drift(fd.landscapes.archimedes(), 0.01)[2] == pytest.approx(0.1678e-4, rel=1e-3)
    assert fd.stationary.valley_drift(fd.landscapes.archimedes(), 0.1)[2] == pytest.approx(0.1786e-2, rel=1e-3)


def test_sand_gathers_where_the_plate_is_still(quick, rows):
    assert not far(rows("chladni", "settled"))
    found = quick("chladni", "settled")["settled"]
    loud = np.abs(found["edges"][:-1] + found["edges"][1:]) < np.pi / 2
    assert found["counts"][loud].mean() < 0.3 * found["counts"].mean()


@pytest.mark.long
def test_sgd_is_driven_to_little_noise_more_than_gd(quick):
    for piece in ("start2", "start6"):
        found = quick("chladni")[piece]
        assert found["mean"] == pytest.approx(found["corollary"], rel=0.1)
        assert abs(found["mean"]) > 50 * found["stderr"]


@pytest.mark.long
def test_the_path_holds_where_it_is_trusted_and_the_start_parts(rows):
    found = rows("cancer")
    path = [row for row in found if "path" in row.case and row.believable]
    assert path
    assert all(row.within_error for row in path)
    series = [row for row in found if "plain" in row.case and not row.believable]
    assert series
    assert not any(row.inside for row in series)


@pytest.mark.long
@pytest.mark.parametrize("name", ["gap", "gdc", "epochs", "sde", "rules", "cyclic", "digits"])
def test_what_is_trusted_is_within_its_own_error(rows, name):
    found = rows(name)
    assert found
    assert not [row.case for row in found if row.believable and not row.within_error]


@pytest.mark.long
def test_epochs_cost_what_is_predicted(quick):
    """E = 8 at eta = 0.003: 7.36e-4, nearer than the 9.6e-4 of Corollary 4."""
    found = quick("epochs")["E8"]
    assert found["start_prediction"][0] == pytest.approx(7.36e-4, rel=0.01)
    assert found["path_mean"][0] == pytest.approx(7.36e-4, abs=3 * found["path_stderr"][0])
    assert found["corollary"][0] > found["path_mean"][0] + 5 * found["path_stderr"][0]


@pytest.mark.long
def test_gdc_is_nearer_to_sgd_than_gd_is(quick):
    for piece, found in quick("gdc").items():
        small = found["etas"] <= 0.05
        assert (np.abs(found["led"]) < 0.4 * np.abs(found["mean"]))[small].all(), piece


@pytest.mark.long
def test_the_gap_formula_holds_where_tic_has_no_end(quick, rows):
    assert not far(rows("mean_estimation"))
    found = quick("mean_estimation")["gap0_01"]
    assert found["mean"] == pytest.approx(found["formula"], rel=0.15)
    assert 1 / (10 * 0.01) > 9 * found["mean"]  # TIC


@pytest.mark.long
def test_alignment_is_of_size_one_at_every_width(quick):
    found = quick("alignment")
    for piece, each in found.items():
        mu, low, high = each["mu"].T
        assert ((low <= mu) & (mu <= high)).all(), piece
        if "-5" not in piece:
            assert (0.7 < mu).all(), piece
            assert (mu < 1.6).all(), piece


@pytest.mark.long
def test_cyclic_rates_go_further_along_the_valley(quick):
    found = quick("cyclic")
    apart = found["cyclic"]["mean"] - found["constant"]["mean"]
    assert (apart > 5 * np.hypot(found["cyclic"]["stderr"], found["constant"]["stderr"])).all()
    assert found["cyclic"]["noise"][-1] > 1.2 * found["cyclic"]["mean"][-1]  # noise 1 about a path that stands still
