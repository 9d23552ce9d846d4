"""The command line against hostile texts, streams, folders and disks."""

import csv
import errno
import io
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import fastdiag as fd
from fastdiag import files
from fastdiag.cli import main
from fastdiag.cli.console import PlainConsole
from fastdiag.terminal import is_terminal, legible, spelled_out

ESCAPE = "\x1b]0;X\a"
FEW = ("--data", "../few.npz")
QUICK = ("--eta", "0.01,0.02", "--updates", "5", "--runs", "50", "--order", "1")


def run(*arguments, **options):
    return CliRunner(**options).invoke(main, list(map(str, arguments)), env={"COLUMNS": "200"})


def shell(*arguments, **options):
    environment = os.environ | options.pop("env", {})
    command = [sys.executable, "-m", "fastdiag", *map(os.fsencode, map(str, arguments))]
    return subprocess.run(command, check=False, timeout=100, env=environment, **{"capture_output": True} | options)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home of one's own, and a folder to work in."""
    for folder in ("home", "work"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("FASTDIAG_DATA_DIR", raising=False)
    monkeypatch.chdir(tmp_path / "work")
    np.savez(tmp_path / "few.npz", X=np.random.default_rng(0).normal(size=(30, 2)), y=[0, 1] * 15)
    return tmp_path / "home"


@pytest.fixture
def points(tmp_path):
    """Points under a name that is markup, an emoji, a formula and an escape at once."""
    rng = np.random.default_rng(0)
    file = tmp_path / f"a[b]:smile:$^${ESCAPE}.npz"
    np.savez(file, X=rng.normal(size=(30, 2)), y=rng.integers(0, 2, 30))
    return file


@pytest.mark.parametrize(
    "arguments",
    [("draw", f"[a]{ESCAPE}"), ("build", "--order", "1", "--scheduler", f"x{ESCAPE}"), (f"x{ESCAPE}",), ("draw", f"--x{ESCAPE}"),
     ("expand", f"x{ESCAPE}"), ("formula", f"[{ESCAPE}"), ("table", f"1{ESCAPE}"), ("table", "1", "-o", f"no{ESCAPE}/x.csv"),
     ("predict", "--eta", ESCAPE), ("predict", "--data", ESCAPE), ("predict", "--plot", f"{ESCAPE}.x"), ("draw", "[a]", "-o", f"{ESCAPE}.x"),
     ("bench", "--folder", f"no{ESCAPE}"), ("build", "--order", "1", "--directory", f"/dev/null/{ESCAPE}"), ("--\u202egnp.exe",)],
)
def test_no_control_character_reaches_the_terminal(arguments, home):
    done = run(*arguments)
    assert done.exit_code == 2
    assert spelled_out(done.output) == done.output
    assert "Traceback" not in done.output
    assert isinstance(done.exception, SystemExit)


def test_errors_hold_no_control_characters():
    with pytest.raises(fd.FastdiagError) as caught:
        fd.Diagram.parse(f"[a]{ESCAPE}")
    assert "\\x1b]0;X\\x07\n       ^\n" in str(caught.value)
    assert spelled_out(str(caught.value)) == str(caught.value)
    with pytest.raises(fd.FastdiagError) as caught:
        fd.table(1, path=f"no{ESCAPE}")
    assert spelled_out(str(caught.value)) == str(caught.value)
    with pytest.raises(fd.FastdiagError) as caught:
        fd.Diagram.parse("[" + "a " * 10**6 + "?]")
    assert len(str(caught.value)) < 600


def test_names_are_no_markup(points, home):
    picture = Path("d") / "[" / f"b]{ESCAPE}:smile:.png"
    picture.parent.mkdir(parents=True)
    for command in (("predict", *QUICK), ("noise", "--runs", "10"), ("stationary", "--runs", "10", "--updates", "5", "--batch", "4")):
        done = run(*command, "--data", points, "--plot", picture)
        assert done.exit_code == 0, done.output
        assert spelled_out(done.output) == done.output
        assert f"picture: {spelled_out(str(picture))}\n" in done.output
        assert done.output.startswith(spelled_out(points.stem))
        assert picture.read_bytes().startswith(b"\x89PNG")
    assert run("predict", *QUICK, "--plot", "d/[/b].png").exit_code == 0


@pytest.mark.parametrize("charset", ["latin-1", "cp1252", "ascii", "cp437", "utf-8"])
@pytest.mark.parametrize(
    "arguments",
    [("draw", "[a b[a]]"), ("draw", "[a b[a]]", "-N", "4", "-T", "8"), ("draw", "-N", "99", "-T", "99"), ("expand",),
     ("expand", "displacement", "--latex"), ("table", "2", "-N", "5"), ("formula", "[a b]"), ("errata",), ("noise", *FEW),
     ("predict", *QUICK, *FEW), ("completion", "bash"), ("cache", "list")],
)
def test_every_encoding_can_say_it(charset, arguments, home):
    done = run(*arguments, charset=charset)
    assert done.exit_code == 0, (done.output, done.exception)
    text = done.stdout_bytes.decode(charset)
    assert legible(text, charset) == text
    assert "\\u" not in text


def test_a_diagram_in_ascii_keeps_its_columns():
    assert run("draw", "[a b[a]]", charset="ascii").output == "    a-+-o\na---b-+\n"
    assert run("draw", "[a b[a]]").output == "    a─┬─●\na───b─╯\n"
    assert legible("η±\udcff名", "latin-1") == "eta±\\xff\\u540d"


@pytest.mark.parametrize("encoding", ["ascii", *(pytest.param(name, marks=pytest.mark.long) for name in ("utf-8", "latin-1"))])
def test_a_home_that_is_no_utf8(encoding, tmp_path):
    place = os.fsencode(tmp_path) + b"/h\xff\xe9"
    for arguments in (("build", "--order", "1"), ("cache", "verify"), ("cache", "list")):
        done = shell(*arguments, env={"HOME": os.fsdecode(place), "PYTHONIOENCODING": encoding, "XDG_CACHE_HOME": ""})
        assert done.returncode == 0, done.stderr
    assert rb"h\xff\xe9" in done.stdout


NOWHERE = """
import os, sys
sys.stdout = sys.stderr = None
from fastdiag.cli import main
import fastdiag as fd
for arguments, right in ((["draw", "[a]"], 0), (["draw", "[a"], 2), (["table", "2"], 0), (["--help"], 0), (["noise", "--runs", "10"], 0), (["nope"], 2)):
    try:
        main(arguments)
    except SystemExit as done:
        assert done.code == right, arguments
sum(len(shard) for shard in fd.stream_diagrams(6, shard=1000))
for progress in (None, True):
    fd.simulate(fd.landscapes.breast_cancer(), fd.Spacetime(5, T=5), 0.01, runs=600, progress=progress)
sys.stderr = open(os.devnull, "w")
sys.stderr.close()
sum(len(shard) for shard in fd.stream_diagrams(6, shard=1000))
os.write(1, b"done")
"""


def test_streams_that_are_missing():
    done = subprocess.run([sys.executable, "-c", NOWHERE], capture_output=True, check=False, timeout=100)
    assert done.stdout == b"done"
    assert not is_terminal(None)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_output_that_cannot_be_written():
    with open("/dev/full", "wb") as full:
        for arguments in (("draw", "[a]"), ("table", "5", "--all")):  # at the end, and before
            done = shell(*arguments, stdout=full, stderr=subprocess.PIPE, capture_output=False)
            assert done.returncode in (1, 2)
            assert b"No space left" in done.stderr
            assert b"Traceback" not in done.stderr
            assert b"Exception ignored" not in done.stderr
        assert shell("draw", "[a", stdout=subprocess.PIPE, stderr=full, capture_output=False).returncode == 2
    done = subprocess.run(f"{sys.executable} -m fastdiag table 4 --all | head -1", shell=True, capture_output=True, check=True, timeout=100)
    assert done.stderr == b""


WRITES = {
    "table.csv": ("table", "3", "-o"), "diagram.svg": ("draw", "[a b]", "-o"), "noise.png": ("noise", *FEW, "--plot"),
    "prediction.pdf": ("predict", *QUICK, *FEW, "--plot"),
}


@pytest.mark.parametrize("name", WRITES)
def test_a_full_disk_leaves_the_old_file(name, home, monkeypatch):
    Path(name).write_bytes(b"old")
    Path(name).chmod(0o640)

    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        done = run(*WRITES[name], name)
    assert done.exit_code == 2
    assert f"cannot write {name}: No space left on device; nothing was changed" in " ".join(done.output.split())
    assert [(path.name, path.read_bytes()) for path in Path().iterdir()] == [(name, b"old")]
    Path(f"link-{name}").symlink_to(name)
    assert run(*WRITES[name], f"link-{name}").exit_code == 0
    assert Path(name).stat().st_size > 40
    assert Path(name).stat().st_mode & 0o777 == 0o640
    assert Path(f"link-{name}").is_symlink()


def test_a_pipe_is_written_to(home):
    done = shell("table", "1", "-o", "/dev/stdout")
    assert done.stdout.startswith(b"diagram,order")
    Path("folder.png").mkdir()
    assert run("noise", "--plot", "folder.png").exit_code == 2


def test_the_home_folder(home, monkeypatch):
    for arguments, made in ((("table", "1", "-o", "~/t.csv"), "t.csv"), (("draw", "[a]", "-o", "~/d.svg"), "d.svg"),
                            (("noise", *FEW, "--plot", "~/n.png"), "n.png"), (("build", "--order", "1", "--directory", "~/tables"), "tables")):
        assert run(*arguments).exit_code == 0
        assert (home / made).exists()
    fd.build(0, directory="~/more")
    assert (home / "more" / "reshuffle-00.npz").is_file()
    monkeypatch.setenv("FASTDIAG_DATA_DIR", "~/tables")
    assert home / "tables" in files.folders()
    assert len(fd.table(1, path="~/tables")) == 2
    np.savez(home / "mine.npz", X=np.eye(4), y=[0, 1, 0, 1])
    assert run("noise", "--data", "~/mine.npz", "--sharp", "1").exit_code == 0
    assert list(Path().iterdir()) == []
    assert run("draw", "[a]", "-o", "~nobody-has-this-name.svg").exit_code == 0  # a name like any other
    assert Path("~nobody-has-this-name.svg").is_file()


def test_clearing_goes_past_links(home, tmp_path):
    folder = files.cache_folder()
    (folder / "d.npz").mkdir(parents=True)
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    (folder / ".reshuffle-07.npz.1-4096.shards").symlink_to(tmp_path / "kept")
    (folder / "broken.npz").symlink_to("nowhere")
    os.mkfifo(folder / "pipe.npz")
    assert len(run("cache", "list").output.splitlines()) == 5
    assert "0 of 3 are right" in run("cache", "verify").output
    assert run("cache", "clear", "--yes").output == f"deleted 4 from {folder}\n"
    assert list(folder.iterdir()) == []
    assert (tmp_path / "kept" / "file").exists()


def test_numbers_of_any_size(home):
    N = 10**2200
    done = run("table", "2", "-N", N)
    assert done.exit_code == 0, done.exception
    assert "-1000000000...(2,201 digits)" in done.output
    assert run("table", "2", "-N", N, "-o", "big.csv").exit_code == 0
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        with open("big.csv", newline="") as file:
            for row in list(csv.reader(file))[1:]:
                assert Fraction(row[-1]) == fd.coefficient(row[0], fd.Spacetime(N, E=1))
    finally:
        sys.set_int_max_str_digits(limit)
    for arguments in (("draw", "[a]", "-N", 4, "--embedding", 10**20), ("table", "2", "-N", "1" + "0" * 6000), ("draw", "[a]", "-N", N)):
        done = run(*arguments)
        assert done.exit_code == 2
        assert len(done.output) < 6000


@pytest.mark.parametrize("asked", [{}, {"NO_COLOR": ""}, {"NO_COLOR": "1"}])
def test_no_color_is_plain(asked, monkeypatch):
    """Nor bold; an empty value asks for nothing, as the convention has it."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in asked.items():
        monkeypatch.setenv(name, value)
    console = PlainConsole(force_terminal=True, file=io.StringIO())
    console.print("text", style="bold red")
    assert ("\x1b[" in console.file.getvalue()) == (asked != {"NO_COLOR": "1"})
