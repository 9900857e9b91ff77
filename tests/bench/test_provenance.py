import platform
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path

import pytest

import fakes
from bench.profile import provenance as module
from bench.profile.provenance import provenance
from bench.result import PROTOCOL


def test_it_says_what_ran_where_and_when() -> None:
    found = provenance(fakes.HARDWARE, command="csmae-bench run")
    assert found.tool_version == metadata.version("csmae-advisor")
    assert found.machine == fakes.HARDWARE.id
    assert found.protocol == PROTOCOL
    assert found.versions["python"] == platform.python_version()
    for package in ("torch", "timm", "faiss-cpu", "numpy", "duckdb", "scipy"):
        assert found.versions[package] == metadata.version(package)
    moment = datetime.fromisoformat(found.started_at)
    assert moment.utcoffset() == timedelta(0)
    assert datetime.now(UTC) - moment < timedelta(minutes=1)


def test_a_package_that_is_not_installed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: str) -> str:
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(metadata, "version", none)
    found = provenance(fakes.HARDWARE, command="")
    assert found.tool_version == "unknown"
    assert list(found.versions) == ["python"]


def test_no_package_is_loaded_for_its_version() -> None:
    code = (
        "import sys\nfrom bench.profile.hardware import probe\nfrom bench.profile.provenance import provenance\n"
        "provenance(probe(), command='')\nprint(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "timm", "faiss", "numpy", "duckdb", "scipy"} & set(done.stdout.split())


@pytest.mark.parametrize(
    ("command", "stored"),
    [
        ("csmae-bench run --data synthetic", "csmae-bench run --data synthetic"),
        ("run --db /home/ann/results.duckdb", "run --db ~/results.duckdb"),
        ("run --db=/home/ann/a.duckdb --data '/home/ann/b'", "run --db=~/a.duckdb --data '~/b'"),
        ("/home/ann", "~"),
        ("run --data /home/anna/b", "run --data /home/anna/b"),
        ("run --data /mnt/home/ann/b", "run --data /mnt/home/ann/b"),
        ("run --data /home/ann.old/b", "run --data /home/ann.old/b"),
    ],
)
def test_the_home_folder_is_taken_out(monkeypatch: pytest.MonkeyPatch, command: str, stored: str) -> None:
    monkeypatch.setattr(Path, "home", lambda: Path("/home/ann"))
    assert provenance(fakes.HARDWARE, command=command).command == stored


def test_a_user_without_a_home_has_nothing_to_hide(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", homeless)
    assert provenance(fakes.HARDWARE, command="run --data /a").command == "run --data /a"
    monkeypatch.setattr(Path, "home", lambda: Path("/"))
    assert provenance(fakes.HARDWARE, command="run --data /a").command == "run --data /a"


def git(folder: Path, *words: str) -> str:
    author = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    done = subprocess.run(["git", *author, *words], cwd=folder, capture_output=True, text=True, check=True)  # noqa: S607
    return done.stdout.strip()


@pytest.mark.skipif(not shutil.which("git"), reason="no git here")
def test_the_commit_is_that_of_the_checkout_and_marked_when_changed(tmp_path: Path) -> None:
    code = tmp_path / "package" / "module.py"
    code.parent.mkdir()
    code.write_text("a = 1\n")
    assert module._commit(code) is None
    git(tmp_path, "init")
    assert module._commit(code) is None
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    commit = git(tmp_path, "rev-parse", "HEAD")
    assert module._commit(code) == commit[:12]
    git(tmp_path, "tag", "v1")
    assert module._commit(code) == commit[:12]
    code.write_text("a = 2\n")
    assert module._commit(code) == commit[:12] + "+"


@pytest.mark.skipif(not shutil.which("git"), reason="no git here")
def test_a_copy_inside_somebody_elses_checkout_has_no_commit(tmp_path: Path) -> None:
    (tmp_path / "theirs.py").write_text("a = 1\n")
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    (tmp_path / "ours.py").write_text("a = 1\n")
    assert module._commit(tmp_path / "ours.py") is None


def test_a_machine_without_git_has_no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert provenance(fakes.HARDWARE, command="").commit is None
