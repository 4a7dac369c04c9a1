"""Which config file is used when nobody names one, and what is said when there is none."""

from __future__ import annotations

import os
import shlex
import textwrap
from pathlib import Path
from typing import Any

import pytest
from alembic.config import CommandLine as AlembicCommandLine

from alembic_review.config import CommandLine, config_file_search, load
from alembic_review.model.errors import UsageError

INI = "[alembic]\nscript_location = %(here)s/migrations\n"
TOML = '[tool.alembic]\nscript_location = "migrations"\n'


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def flask_migrate(folder: Path) -> Path:
    """What `flask db init` leaves: a config file without `script_location` in the folder of env.py."""
    write(folder / "env.py")
    return write(folder / "alembic.ini", "[alembic]\n# file_template = %%(rev)s_%%(slug)s\n\n[loggers]\nkeys = root\n")


def used(cwd: Path, line: CommandLine | None = None, **environ: str) -> Path | None:
    return load(line or CommandLine(), cwd=cwd, environ=environ).config


def refused(cwd: Path, line: CommandLine | None = None, **environ: str) -> tuple[str, str]:
    with pytest.raises(UsageError) as caught:
        load(line or CommandLine(), cwd=cwd, environ=environ)
    return caught.value.message, caught.value.hint


def offered(cwd: Path, line: CommandLine | None = None) -> list[str]:
    """The files that the commands of the hint name."""
    words = [shlex.split(text) for text in refused(cwd, line)[1].splitlines()]
    return [found[found.index("-c") + 1] for found in words if found[:2] == ["alembic-review", "-c"]]


# What `alembic` itself reads


@pytest.mark.parametrize("there", [("alembic.ini",), ("pyproject.toml",), ("alembic.ini", "pyproject.toml")])
@pytest.mark.parametrize("variable", ["", "other.ini", "conf/pyproject.toml"])
def test_without_c_the_files_are_those_of_alembic(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: tuple[str, ...], variable: str
) -> None:
    for name in {*there, *([variable] if variable else [])}:
        write(tmp_path / name, TOML if name.endswith(".toml") else INI)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALEMBIC_CONFIG", variable)
    line = AlembicCommandLine()
    expected = line._inis_from_config(line.parser.parse_args(["check"]))
    config = used(tmp_path, ALEMBIC_CONFIG=variable)

    assert config is not None
    named = line._inis_from_config(line.parser.parse_args(["-c", str(config), "check"]))

    existing = [Path(file).resolve() for file in expected if Path(file).is_file()]
    assert [Path(file).resolve() for file in named if Path(file).is_file()] == existing


def test_c_and_the_settings_beat_the_environment_variable(tmp_path: Path) -> None:
    for name in ("a.ini", "b.ini", "c.ini"):
        write(tmp_path / name, INI)
    assert used(tmp_path, ALEMBIC_CONFIG="a.ini") == tmp_path / "a.ini"
    write(tmp_path / "pyproject.toml", '[tool.alembic-review]\nconfig = "b.ini"\n')
    assert used(tmp_path, ALEMBIC_CONFIG="a.ini") == tmp_path / "b.ini"
    assert used(tmp_path, CommandLine(config="c.ini"), ALEMBIC_CONFIG="a.ini") == tmp_path / "c.ini"


def test_an_environment_variable_that_names_no_file_is_an_error(tmp_path: Path) -> None:
    write(tmp_path / "alembic.ini", INI)
    message, _hint = refused(tmp_path, ALEMBIC_CONFIG="gone.ini")
    named = f"{tmp_path / 'gone.ini'} (the environment variable ALEMBIC_CONFIG)"
    assert message == f"The config file {named} does not exist."


def test_the_section_may_stand_in_the_file_of_the_environment_variable(tmp_path: Path) -> None:
    write(tmp_path / "bare.ini", "[loggers]\nkeys = root\n")
    toml = write(tmp_path / "conf" / "pyproject.toml", TOML)
    ini = write(tmp_path / "other.ini", "[poser]\nscript_location = m\n")
    write(tmp_path / "sub" / "pyproject.toml", "[project]\nname = 'x'\n")
    line = CommandLine(config="bare.ini")
    assert "no [alembic] section" in refused(tmp_path, line)[0]
    assert used(tmp_path, line, ALEMBIC_CONFIG=str(toml)) == tmp_path / "bare.ini"
    line = CommandLine(config="sub/pyproject.toml", section="poser")
    assert "no [tool.alembic] table" in refused(tmp_path, line)[0]
    assert used(tmp_path, line, ALEMBIC_CONFIG=str(ini)) == tmp_path / "sub" / "pyproject.toml"


# Flask-Migrate's


def test_migrations_alembic_ini_is_used_with_env_py_beside_it(tmp_path: Path) -> None:
    ini = flask_migrate(tmp_path / "migrations")
    assert used(tmp_path) == ini
    (tmp_path / "migrations" / "env.py").unlink()
    assert offered(tmp_path) == ["migrations/alembic.ini"]


def test_what_alembic_reads_comes_before_migrations(tmp_path: Path) -> None:
    flask_migrate(tmp_path / "migrations")
    toml = write(tmp_path / "pyproject.toml", TOML)
    assert used(tmp_path) == toml
    ini = write(tmp_path / "alembic.ini", INI)
    assert used(tmp_path) == ini


def test_the_working_directory_comes_before_the_root(tmp_path: Path) -> None:
    write(tmp_path / "setup.py")
    outer = flask_migrate(tmp_path / "migrations")
    (tmp_path / "service").mkdir()
    assert used(tmp_path / "service") == outer
    write(tmp_path / "alembic.ini", INI)
    assert used(tmp_path / "service") == tmp_path / "alembic.ini"
    inner = flask_migrate(tmp_path / "service" / "migrations")
    assert used(tmp_path / "service") == inner


# Others are only named


def test_other_config_files_are_not_used_but_named(tmp_path: Path) -> None:
    write(tmp_path / "development.ini", INI)
    write(tmp_path / "backend" / "alembic.ini", INI)
    write(tmp_path / "app" / "rattail.conf", "[rattail]\nx = 1\n" + INI)
    write(tmp_path / "services" / "a" / "pyproject.toml", TOML)
    write(tmp_path / "with space" / "alembic.ini", INI)
    message, hint = refused(tmp_path)
    assert message == (
        f"No Alembic config file found: neither alembic.ini nor a pyproject.toml with [tool.alembic] in {tmp_path}."
    )
    assert hint.splitlines() == [
        f"Config files below {tmp_path}:",
        "  alembic-review -c development.ini",
        "  alembic-review -c app/rattail.conf",
        "  alembic-review -c backend/alembic.ini",
        "  alembic-review -c 'with space/alembic.ini'",
        "  alembic-review -c services/a/pyproject.toml",
        "    or, if its relative paths start at its own folder: cd services/a && alembic-review",
    ]
    for name in offered(tmp_path):
        assert used(tmp_path, CommandLine(config=name)) == tmp_path / name


def test_files_are_named_as_seen_from_the_working_directory(tmp_path: Path) -> None:
    write(tmp_path / "setup.cfg", "[metadata]\nname = poser\n")
    write(tmp_path / "backend" / "dev.ini", "[alembic]\nscript_location = %(here)s/m\nprepend_sys_path = .\n")
    (tmp_path / "docs").mkdir()
    assert refused(tmp_path / "docs")[1].splitlines()[1:] == [
        "  alembic-review -c ../backend/dev.ini",
        "    or, if its relative paths start at its own folder: cd ../backend && alembic-review -c dev.ini",
    ]


@pytest.mark.parametrize(
    ("paths", "relative"),
    [
        ("script_location = %(here)s/alembic\nprepend_sys_path = .", True),
        ("script_location = migrations", True),
        ("script_location = %(here)s/alembic", False),
        ("script_location = %(here)s/a\nprepend_sys_path = %(here)s:%(here)s/../libs", False),
        ("script_location = %(here)s/a\nprepend_sys_path = %(here)s src", True),
        ("script_location = /srv/alembic\nversion_locations = %(here)s/a\n  more", True),
    ],
)
def test_a_file_with_relative_paths_is_offered_from_its_own_folder_too(
    tmp_path: Path, paths: str, relative: bool
) -> None:
    write(tmp_path / "backend" / "alembic.ini", f"[alembic]\n{paths}\n")
    assert ("cd backend && alembic-review" in refused(tmp_path)[1]) is relative


def test_only_files_with_the_section_count(tmp_path: Path) -> None:
    write(tmp_path / "pytest.ini", "[pytest]\n")
    write(tmp_path / "a" / "alembic.ini", "[loggers]\nkeys = alembic\n")
    write(tmp_path / "b" / "alembic.ini", "# [alembic]\n")
    write(tmp_path / "c" / "alembic.ini", "not an ini\n[alembic]\n")
    write(tmp_path / "d" / "pyproject.toml", "[tool.alembic-review]\nprefix = 'x'\n")
    write(tmp_path / "e" / "pyproject.toml", "[tool.alembic\n")
    write(tmp_path / "f" / "alembic.txt", INI)
    write(tmp_path / "g" / "alembic.ini", f"{INI}# {'x' * (1 << 20)}\n")
    (tmp_path / "h").mkdir()
    (tmp_path / "h" / "alembic.ini").write_bytes(b"[alembic]\nx = \xff\n")
    (tmp_path / "i" / "alembic.ini").mkdir(parents=True)
    assert "-c FILE" in refused(tmp_path)[1]
    write(tmp_path / "j" / "alembic.ini", "[poser]\nscript_location = %(here)s/m\n")
    assert offered(tmp_path, CommandLine(section="poser")) == ["j/alembic.ini"]


@pytest.mark.parametrize(
    "folder",
    [".git", ".venv", "node_modules/x", "lib/site-packages/x", "env", "env/share/x", "conda", "__pycache__", "linked"],
)
def test_folders_that_are_not_the_projects_are_left_out(tmp_path: Path, folder: str) -> None:
    write(tmp_path / "project" / "env" / "pyvenv.cfg")
    write(tmp_path / "project" / "conda" / "conda-meta" / "history")
    write(tmp_path / "elsewhere" / "alembic.ini", INI)
    (tmp_path / "project" / "linked").symlink_to(tmp_path / "elsewhere")
    if folder != "linked":
        write(tmp_path / "project" / folder / "alembic.ini", INI)
    assert offered(tmp_path / "project") == []


def test_the_search_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        write(tmp_path / f"{number:02}" / "alembic.ini", INI)
    write(tmp_path / "00" / "deep" / "alembic.ini", INI)
    assert offered(tmp_path) == [f"{number:02}/alembic.ini" for number in range(20)]
    monkeypatch.setattr(config_file_search, "_MOST_FOLDERS", 3)
    assert offered(tmp_path) == ["00/alembic.ini", "01/alembic.ini"]


def test_a_folder_that_cannot_be_read_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "b" / "alembic.ini", INI)
    (tmp_path / "a").mkdir()
    listed = os.scandir

    def scandir(folder: Path) -> Any:
        if Path(folder).name == "a":
            raise PermissionError
        return listed(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    assert offered(tmp_path) == ["b/alembic.ini"]
