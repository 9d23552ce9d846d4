"""`fastdiag expand`, as a user types it."""


from click.testing import CliRunner

import fastdiag as fd
from fastdiag.cli import main


def test_expand():
    run = lambda *arguments: CliRunner().invoke(main, ["expand", *arguments])
    assert run().output == fd.expand().text() + "\n"
    done = run("generalization_gap", "--order", "3", "--at-minimum", "--time", "E", "--basis", "moment", "--sampling", "cyclic")
    assert done.output == fd.expand("generalization_gap", 3, at_minimum=True, time="E", basis="moment", sampling="cyclic").text() + "\n"
    done = run("displacement", "--order", "3", "--resummed", "--sampling", "one epoch", "--latex")
    assert done.output == fd.expand("displacement", 3, resummed=True, sampling="one epoch").latex(aligned=True) + "\n"
    assert run("--double").output == fd.expand(arrange="double").text() + "\n"
    done = run("loss")
    assert done.exit_code == 2
    assert "unknown observable" in done.output
