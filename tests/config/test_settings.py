"""Settings: where they come from, which file wins, and what is refused."""

from __future__ import annotations

import os
import re
import stat
import sys
import textwrap
from datetime import date
from pathlib import Path

import dotenv
import pytest

from alembic_review.config import CommandLine, load
from alembic_review.config.dotenv import read_variables
from alembic_review.config.project_root import distribution_name, find_root, in_environment
from alembic_review.config.settings_files import KEYS
from alembic_review.model.accepting import Accept
from alembic_review.model.errors import UsageError
from alembic_review.model.keys import Place, Rename
from alembic_review.model.settings import AcceptNew, Environment, FailOn, Level, Settings

INI = "[alembic]\nscript_location = migrations\n"


def _write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def _project(root: Path, settings: str = "", *, ini: str = "", name: str = "Poser-App") -> Path:
    table = f"[tool.alembic-review]\n{textwrap.dedent(settings)}" if settings else ""
    _write(root / "pyproject.toml", f'[project]\nname = "{name}"\n{table}')
    _write(root / "alembic.ini", INI + (f"[alembic-review]\n{textwrap.dedent(ini)}" if ini else ""))
    return root


def _refused(line: CommandLine, cwd: Path, **environ: str) -> tuple[str, str]:
    with pytest.raises(UsageError) as caught:
        load(line, cwd=cwd, environ=environ)
    return caught.value.message, caught.value.hint


def test_defaults(tmp_path: Path) -> None:
    settings = load(CommandLine(), cwd=_project(tmp_path), environ={})
    assert settings == Settings(config=tmp_path / "alembic.ini", root=tmp_path, distribution="Poser-App")


def test_every_key_of_pyproject(tmp_path: Path) -> None:
    _write(tmp_path / "app" / "rattail.conf", "[poser]\nscript_location = x\n")
    _write(tmp_path / "ci" / "test.env", "APP_SETTINGS=file\nSECRET_KEY=x\n")
    _project(
        tmp_path,
        f"""
        config = "app/rattail.conf"
        context = "poser.review:context"
        preload = ["poser.models", "poser_extra"]
        env = {{ APP_SETTINGS = "test", DATABASE_URL = "postgresql://h/%" }}
        env-file = "ci/test.env"
        section = "poser"
        x = ["tenant=a b"]
        custom = ["poser", "poser_extra"]
        owners = {{ "shared_log" = "poser" }}
        core = ["rattail", "rattail_corepos"]
        prefix = "poser_"
        fail-on = ["blocked", "pending"]
        severity = {{ AR512 = "error", AR902 = "off" }}
        accept-new = "after-merge"
        server = "postgresql://localhost/x"
        server-version = 16
        python = "{sys.executable}"
        timeout = 30
        before = "db/before.sql"
        rename = ["poser_widget.colour=color"]
        cache = false

        [[tool.alembic-review.accept]]
        code = "AR201"
        table = "legacy"
        column = "note"
        name = "note"
        revision = "a1b2"
        fingerprint = "0123456789abcdef"
        reason = "read by  nobody"
        until = 2030-12-31
        """,
    )
    _write(tmp_path / "db" / "before.sql", "CREATE TABLE a (b int);")
    assert load(CommandLine(), cwd=tmp_path, environ={}) == Settings(
        config=tmp_path / "app" / "rattail.conf",
        context="poser.review:context",
        preload=("poser.models", "poser_extra"),
        env={"SECRET_KEY": "x", "APP_SETTINGS": "test", "DATABASE_URL": "postgresql://h/%"},
        section="poser",
        x=("tenant=a b",),
        root=tmp_path,
        distribution="Poser-App",
        custom=("poser", "poser_extra"),
        owners={"shared_log": "poser"},
        core=("rattail", "rattail_corepos"),
        prefix="poser_",
        fail_on=(FailOn.BLOCKED, FailOn.PENDING),
        severity={"AR512": Level.ERROR, "AR902": Level.OFF},
        accept_new=AcceptNew.AFTER_MERGE,
        accept=(
            Accept(
                code="AR201",
                table="legacy",
                column="note",
                name="note",
                revision="a1b2",
                fingerprint="0123456789abcdef",
                reason="read by nobody",
                until=date(2030, 12, 31),
                place=Place(str(tmp_path / "pyproject.toml"), 27),
            ),
        ),
        server="postgresql://localhost/x",
        server_version=16,
        python=sys.executable,
        timeout=30.0,
        before=str(tmp_path / "db" / "before.sql"),
        renames=(
            Rename(
                "poser_widget.colour=color",
                ("poser_widget", "colour"),
                "color",
                f"[tool.alembic-review] of {tmp_path / 'pyproject.toml'}",
            ),
        ),
        cache=False,
        source=tmp_path / "pyproject.toml",
    )


def test_every_key_of_an_ini(tmp_path: Path) -> None:
    _write(tmp_path / "test.env", "SECRET_KEY=x\n")
    _project(
        tmp_path,
        ini=f"""
        config-from = poser.db:alembic_config
        context = poser.review:context
        preload = poser.models, poser_extra
        env =
            APP_SETTINGS = a,b = c
            DATABASE_URL = postgresql://h/%%
            EMPTY =
        env-file = test.env
        section = alembic
        x =
            tenant=a b
            colour=red
        custom = poser poser_extra
        owners =
            shared_log = poser
            sales.log = poser_extra
        core = rattail,
            rattail_corepos
        prefix = poser_
        fail-on = blocked, pending
        severity =
            AR512 = error
            AR902 = off
        accept-new = after-merge
        server = postgresql://localhost/x%%20y
        server-version = 16
        python = {sys.executable}
        timeout = 1.5
        rename =
            poser_widget.colour=color
            poser_tool = poser_kit
        before = poser.legacy:create
        cache = no
        """,
    )
    settings = load(CommandLine(), cwd=tmp_path, environ={})
    place = f"[alembic-review] of {tmp_path / 'alembic.ini'}"
    assert settings == Settings(
        config=tmp_path / "alembic.ini",
        config_from="poser.db:alembic_config",
        context="poser.review:context",
        preload=("poser.models", "poser_extra"),
        env={"SECRET_KEY": "x", "APP_SETTINGS": "a,b = c", "DATABASE_URL": "postgresql://h/%", "EMPTY": ""},
        x=("tenant=a b", "colour=red"),
        root=tmp_path,
        distribution="Poser-App",
        custom=("poser", "poser_extra"),
        owners={"shared_log": "poser", "sales.log": "poser_extra"},
        core=("rattail", "rattail_corepos"),
        prefix="poser_",
        fail_on=(FailOn.BLOCKED, FailOn.PENDING),
        severity={"AR512": Level.ERROR, "AR902": Level.OFF},
        accept_new=AcceptNew.AFTER_MERGE,
        server="postgresql://localhost/x%20y",
        server_version=16,
        python=sys.executable,
        timeout=1.5,
        before="poser.legacy:create",
        renames=(
            Rename("poser_widget.colour=color", ("poser_widget", "colour"), "color", place),
            Rename("poser_tool=poser_kit", ("poser_tool",), "poser_kit", place),
        ),
        cache=False,
        source=tmp_path / "alembic.ini",
    )


def test_the_tests_above_name_every_key() -> None:
    names = {"config", "section", "x", "custom", "owners", "core", "prefix", "fail-on", "server", "python", "timeout"}
    others = {
        "config-from",
        "context",
        "preload",
        "before",
        "env",
        "env-file",
        "environments",
        "severity",
        "accept",
        "accept-new",
        "server-version",
        "rename",
        "cache",
    }
    assert set(KEYS) == names | others


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("0", "`server-version` is 0, but must be a major version, such as 16."),
        ("160004", "`server-version` is 160004, but must be a major version, such as 16."),
        ('"16"', "`server-version`: expected a whole number, got a string."),
        ("16.4", "`server-version`: expected a whole number, got a number."),
    ],
)
def test_versions_that_are_no_major_version(tmp_path: Path, value: str, message: str) -> None:
    told, _hint = _refused(CommandLine(), _project(tmp_path, f"server-version = {value}"))
    assert told.endswith(message)


def test_a_version_in_an_ini_is_a_number(tmp_path: Path) -> None:
    told, _hint = _refused(CommandLine(), _project(tmp_path, ini="server-version = 16.4\n"))
    assert told.endswith("`server-version` is not a major version, such as 16.")


def test_renames_of_the_command_line(tmp_path: Path) -> None:
    _project(tmp_path, 'rename = ["a.b=c"]')
    line = CommandLine(rename=("a=b", "s.a.b=c", "s.a.b=c"))
    assert load(line, cwd=tmp_path, environ={}).renames == (
        Rename("a=b", ("a",), "b"),
        Rename("s.a.b=c", ("s", "a", "b"), "c"),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.b", "'a.b' is not `TABLE.OLD=NEW`"),
        ("a.b=", "'a.b=' is not `TABLE.OLD=NEW`"),
        ("=b", "'=b' is not `TABLE.OLD=NEW`"),
        ("a..b=c", "'a..b=c' is not `TABLE.OLD=NEW`"),
        ("d.s.a.b=c", "'d.s.a.b=c' is not `TABLE.OLD=NEW`"),
        ("a.b=c=d", "'a.b=c=d' is not `TABLE.OLD=NEW`"),
        ("a.b=a.c", "'a.b=a.c': the new name is given without its table"),
        ("a.b=b", "'a.b=b': both names are the same"),
    ],
)
def test_renames_that_are_none(tmp_path: Path, text: str, message: str) -> None:
    _project(tmp_path, f'rename = ["{text}"]')
    with pytest.raises(UsageError, match=re.escape(f"`rename`: {message}")):
        load(CommandLine(), cwd=tmp_path, environ={})
    with pytest.raises(UsageError, match=re.escape(f"--rename: {message}")):
        load(CommandLine(rename=(text,)), cwd=tmp_path, environ={})


@pytest.mark.parametrize("texts", [("a.b=c", "a.b=d"), ("a.b=d", "a.c=d")])
def test_renames_that_contradict_each_other(tmp_path: Path, texts: tuple[str, ...]) -> None:
    _project(tmp_path)
    with pytest.raises(UsageError, match=r"a\.b="):
        load(CommandLine(rename=texts), cwd=tmp_path, environ={})


def test_command_line_beats_ini_beats_pyproject(tmp_path: Path) -> None:
    _project(tmp_path, 'prefix = "a_"\ncustom = ["a"]\nfail-on = ["never"]', ini="prefix = b_\ncustom = b c")
    settings = load(CommandLine(custom=("d",)), cwd=tmp_path, environ={})
    assert (settings.prefix, settings.custom, settings.fail_on) == ("b_", ("d",), (FailOn.NEVER,))
    assert load(CommandLine(), cwd=tmp_path, environ={}).custom == ("b", "c")
    assert load(CommandLine(fail_on=(FailOn.ERROR,)), cwd=tmp_path, environ={}).fail_on == (FailOn.ERROR,)
    assert settings.source == tmp_path / "alembic.ini"


@pytest.mark.parametrize(
    ("line", "ini", "pyproject", "kinds"),
    [
        ("", "", "", ""),
        ("pending", "", "", "pending"),
        ("pending", "upstream", "warning", "pending upstream warning"),
        ("blocked error", "", "pending", "blocked error pending"),
        ("pending", "pending, upstream", "", "pending upstream"),
        # `never` only reports, unless a source that comes before it names a kind.
        ("never", "upstream", "warning", "never"),
        ("", "never", "warning", "never"),
        ("", "", "never", "never"),
        ("pending", "never", "warning", "pending"),
        ("pending", "upstream", "never", "pending upstream"),
    ],
)
def test_kinds_that_fail_the_check_add_up(tmp_path: Path, line: str, ini: str, pyproject: str, kinds: str) -> None:
    named = [f'"{kind}"' for kind in pyproject.split()]
    _project(
        tmp_path,
        f"fail-on = [{', '.join(named)}]" if named else "",
        ini=f"fail-on = {ini}" if ini else "",
    )
    settings = load(CommandLine(fail_on=tuple(map(FailOn, line.split()))), cwd=tmp_path, environ={})
    assert " ".join(kind.value for kind in settings.fail_on) == kinds


def test_never_contradicts_another_kind_of_the_same_source(tmp_path: Path) -> None:
    root = _project(tmp_path)
    message, _ = _refused(CommandLine(fail_on=(FailOn.PENDING, FailOn.NEVER)), root)
    assert message == "the command line: `fail-on`: `never` can't be combined with another kind."
    _project(tmp_path, 'fail-on = ["never", "pending"]')
    assert "pyproject.toml: `fail-on`: `never`" in _refused(CommandLine(fail_on=(FailOn.PENDING,)), root)[0]


def test_a_callable_takes_the_place_of_the_conf_file(tmp_path: Path) -> None:
    """Neither a conf file nor a section of one is needed; -c names the conf file all the same."""
    _write(tmp_path / "pyproject.toml", '[tool.alembic-review]\nconfig-from = "poser.db:Commands.config"\n')
    settings = load(CommandLine(), cwd=tmp_path, environ={})
    assert (settings.config, settings.config_from) == (None, "poser.db:Commands.config")
    _write(tmp_path / "alembic.ini", INI)
    assert load(CommandLine(), cwd=tmp_path, environ={}).config is None
    settings = load(CommandLine(config="alembic.ini"), cwd=tmp_path, environ={})
    assert (settings.config, settings.config_from) == (tmp_path / "alembic.ini", None)


def test_a_callable_that_the_named_conf_file_names(tmp_path: Path) -> None:
    _write(tmp_path / "pyproject.toml", '[tool.alembic-review]\nconfig-from = "a:b"\n')
    _write(tmp_path / "app.conf", "[alembic-review]\nconfig-from = c:d\n")
    settings = load(CommandLine(config="app.conf"), cwd=tmp_path, environ={})
    assert (settings.config, settings.config_from) == (tmp_path / "app.conf", "c:d")
    assert load(CommandLine(config="pyproject.toml"), cwd=tmp_path, environ={}).config_from == "a:b"


def test_variables_of_a_file_replace_none_and_those_of_the_settings_do(tmp_path: Path) -> None:
    _project(tmp_path, 'env = { A = "settings", B = "settings" }\nenv-file = ".env"')
    _write(tmp_path / ".env", "B=file\nC=file\nD=file\n")
    settings = load(CommandLine(), cwd=tmp_path, environ={"A": "shell", "D": "shell"})
    assert settings.env == {"A": "settings", "B": "settings", "C": "file"}


# What python-dotenv makes of it.
DOTENV = """
# a comment
PLAIN=value
export EXPORTED = spaced value  # comment
QUOTED="two\\nlines \\"q\\" \\\\ $x" # comment
SINGLE='raw \\n # \\'q\\''
MULTI="first
  second"
EMPTY=
BLANK=   # comment
HASH=a#b
ALONE
'odd name'=x
URL=postgresql://u:${PASSWORD:-none}@${HOST}/${PLAIN}${MISSING}?a=b
UMLAUT=ä
LAST='x'"""


def test_a_file_of_variables_is_read_as_python_dotenv_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _project(tmp_path, 'env-file = ".env"')
    (tmp_path / ".env").write_text(DOTENV, encoding="utf-8")
    monkeypatch.setattr(os, "environ", {"HOST": "shell", "PLAIN": "shell"})
    theirs = dotenv.main.DotEnv(tmp_path / ".env", override=False, encoding="utf-8").dict()
    expected = {name: value for name, value in theirs.items() if value is not None}
    found = load(CommandLine(), cwd=tmp_path, environ={"HOST": "shell"}).env
    assert found["URL"] == "postgresql://u:none@shell/value?a=b"
    assert read_variables(tmp_path / ".env", os.environ) == expected


@pytest.mark.parametrize("text", ["A=1\n\n=2\n", "A=1\nB=2\nC='s3cret\n", 'A=1\n\n  B="s3cret" s3cret'])
def test_a_file_of_variables_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    _project(tmp_path, 'env-file = ".env"')
    (tmp_path / ".env").write_text(text, encoding="utf-8")
    assert _refused(CommandLine(), tmp_path)[0] == f"{tmp_path / '.env'}, line 3: not a `NAME=value`."


@pytest.mark.parametrize("settings", ["custom = []", 'custom = ["none"]'])
def test_nothing_custom_in_pyproject(tmp_path: Path, settings: str) -> None:
    assert load(CommandLine(), cwd=_project(tmp_path, settings), environ={}).custom == ()


@pytest.mark.parametrize("settings", ["custom =", "custom = none"])
def test_nothing_custom_in_an_ini(tmp_path: Path, settings: str) -> None:
    assert load(CommandLine(), cwd=_project(tmp_path, ini=settings), environ={}).custom == ()


def test_nothing_custom_on_the_command_line(tmp_path: Path) -> None:
    root = _project(tmp_path, 'custom = ["poser"]')
    assert load(CommandLine(custom=("none",)), cwd=root, environ={}).custom == ()
    assert "can't be combined" in _refused(CommandLine(custom=("none", "poser")), root)[0]


def test_here_means_the_folder_of_the_ini(tmp_path: Path) -> None:
    _project(tmp_path, ini="server = sqlite:///%(here)s/scratch.db")
    assert load(CommandLine(), cwd=tmp_path, environ={}).server == f"sqlite:///{tmp_path}/scratch.db"


def test_keys_of_the_default_section_are_not_ours(tmp_path: Path) -> None:
    _project(tmp_path, ini="prefix = %(app)s_")
    ini = tmp_path / "alembic.ini"
    ini.write_text("[DEFAULT]\napp = poser\n" + ini.read_text())
    assert load(CommandLine(), cwd=tmp_path, environ={}).prefix == "poser_"


def test_server_from_the_environment(tmp_path: Path) -> None:
    root = _project(tmp_path, 'server = "env:SCRATCH"')
    assert load(CommandLine(), cwd=root, environ={"SCRATCH": "postgresql://h/"}).server == "postgresql://h/"
    assert load(CommandLine(server="env:O"), cwd=root, environ={"O": "sqlite://"}).server == "sqlite://"
    assert load(CommandLine(server="sqlite://"), cwd=root, environ={}).server == "sqlite://"
    message, hint = _refused(CommandLine(), root)
    assert "SCRATCH is not set" in message
    assert "SCRATCH" in hint


@pytest.mark.parametrize(
    ("settings", "said", "hinted"),
    [
        ('custm = ["poser"]', "unknown key `custm`", "`custom`"),
        ('[tool.alembic_review]\nprefix = "x"', "settings in [tool.alembic_review]", "[tool.alembic-review]"),
        ('fail_on = ["never"]', "unknown key `fail_on`", "`fail-on`"),
        ("zzzz = 1", "unknown key `zzzz`", "fail-on"),
        ('custom = "poser"', "`custom`: expected a list, got a string.", ""),
        ("owners = { a = 1 }", "`owners", ""),
        ('timeout = "soon"', "`timeout`: expected a number, got a string.", ""),
        ("timeout = 0", "`timeout` is 0, but must be", ""),
        ("timeout = inf", "`timeout` is inf, but must be", ""),
        ("timeout = 1e300", "`timeout` is 1e+300, but can be at most 604800 seconds (one week).", ""),
        ('fail-on = ["blocked", "blokced"]', "`fail-on[1]`: invalid enum value 'blokced'", "blocked, pending"),
        ("fail-on = []", "`fail-on` is empty", "never"),
        ('severity = { AR512 = "warn" }', "`severity`: 'warn' of AR512 is not a severity", "error, warning, info, off"),
        ('severity = { ar512 = "info" }', "`severity`: 'ar512' is not the code of a check", "AR512"),
        ('severity = "off"', "`severity`: expected a table", ""),
        ('fail-on = ["never", "blocked"]', "`never` can't be combined", ""),
        ('custom = ["poser-app"]', "'poser-app' is not the name of an import package", "import statement"),
        ('custom = ["poser"]\ncore = ["poser"]', "poser: both `custom` and `core`", ""),
        ('python = "no/such/python"', "is not a program that can be run", ".venv/bin/python"),
        ('before = "db/none.sql"', "db/none.sql can't be read: No such file", "module:callable"),
        ('before = "1poser:create"', "1poser:create can't be read: No such file", "module:callable"),
        ('config = "app/none.conf"', "app/none.conf (`config` in [tool.alembic-review] of ", "-c FILE"),
        ('[tool.alembic-review.owners]\na = ["b"]', "`owners", ""),
        ('config-from = "poser.db"', "'poser.db' is not `module:callable`", 'config-from = "myapp.review:config_from"'),
        ('context = "poser/db:x"', "`context`: 'poser/db:x' is not", "myapp.review:context"),
        ('preload = ["poser-app"]', "`preload`: 'poser-app' is not the name of a module", "import statement"),
        ('config = "alembic.ini"\nconfig-from = "a:b"', "both `config` and `config-from`", "remove one"),
        ("env = { A = 1 }", "`env[...]`: expected a string, got a number.", ""),
        ('env = { "A=" = "x" }', "`env`: 'A=' can't be set", ""),
        ('env-file = ".env"', "`env-file`: there is no file", "every checkout"),
    ],
)
def test_wrong_settings_in_pyproject_are_refused(tmp_path: Path, settings: str, said: str, hinted: str) -> None:
    message, hint = _refused(CommandLine(), _project(tmp_path, settings))
    assert said in message
    assert hinted in hint
    assert str(tmp_path / "pyproject.toml") in message or "both" in message


@pytest.mark.parametrize(
    ("content", "said"), [(b"PGDMP\x01\xff", "is an archive of pg_dump"), (b"-- caf\xe9", "is not UTF-8 text")]
)
def test_before_is_a_file_of_sql(tmp_path: Path, content: bytes, said: str) -> None:
    root = _project(tmp_path, 'before = "before.sql"')
    (root / "before.sql").write_bytes(content)
    message, hint = _refused(CommandLine(), root)
    assert said in message
    assert "plain format" in hint


@pytest.mark.parametrize(
    ("settings", "said", "hinted"),
    [
        ("custm = poser", "unknown key `custm`", "`custom`"),
        (
            "prefix = a\n[Alembic_Review]\nprefix = b",
            "settings in [Alembic_Review], which nothing reads",
            "[alembic-review]",
        ),
        ("timeout = soon", "`timeout` is not a number", ""),
        ("fail-on = blokced", "`fail-on[0]`", "blocked, pending"),
        ("cache = perhaps", "`cache` is neither true nor false", ""),
        ("severity = AR512", "a line of `severity` is not `CODE = LEVEL`", ""),
        ("owners = shared_log", "`owners` is not `table = package`", ""),
        ("env =\n    FLASK_APP", "a line of `env` is not `NAME = value`", ""),
        ("config = other.ini", "`config` can't be set in the config file itself", "pyproject.toml"),
        ("prefix = 50%", "`prefix` can't be interpolated", "%%"),
        ("prefix = a\nprefix = b", "prefix is defined twice", ""),
    ],
)
def test_wrong_settings_in_an_ini_are_refused(tmp_path: Path, settings: str, said: str, hinted: str) -> None:
    message, hint = _refused(CommandLine(), _project(tmp_path, ini=settings))
    assert said in message
    assert hinted in hint
    assert str(tmp_path / "alembic.ini") in message


@pytest.mark.parametrize(
    "ini",
    [
        f"{INI}[alembic-review]\nserver = postgresql://me:s3cret%@h/\n",
        f"{INI}the password is s3cret\n",
        "url: postgresql://me:s3cret@h/\n" + INI,
        f"{INI}[alembic-review]\nserver = a\nserver = postgresql://me:s3cret@h/\n",
        f"{INI}[alembic-review]\ntimeout = postgresql://me:s3cret@h/\n",
        f"{INI}[alembic-review]\nowners = postgresql://me:s3cret@h/\n",
    ],
)
def test_no_error_repeats_a_line_that_may_hold_a_password(tmp_path: Path, ini: str) -> None:
    _write(tmp_path / "alembic.ini", ini)
    message, hint = _refused(CommandLine(), tmp_path)
    assert str(tmp_path / "alembic.ini") in message
    assert "s3cret" not in message + hint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[project\n", "is not valid TOML"),
        ('[tool]\nalembic-review = "x"\n', "is not a table"),
        ("tool = 1\n", ""),
        ("[tool.poetry]\nname = 1\n", ""),
    ],
)
def test_a_broken_pyproject(tmp_path: Path, text: str, said: str) -> None:
    _project(tmp_path)
    _write(tmp_path / "pyproject.toml", text)
    if said:
        assert said in _refused(CommandLine(), tmp_path)[0]
    else:
        assert load(CommandLine(), cwd=tmp_path, environ={}).distribution is None


def test_files_that_are_no_text(tmp_path: Path) -> None:
    _project(tmp_path)
    (tmp_path / "alembic.ini").write_bytes(b"[alembic]\nx = \xff\xfe\n")
    assert "is not text" in _refused(CommandLine(), tmp_path)[0]
    (tmp_path / "pyproject.toml").write_bytes(b"x = '\xff'")
    assert "is not UTF-8" in _refused(CommandLine(), tmp_path)[0]


# Which conf file


def test_named_conf_is_seen_from_the_working_directory_and_stays_as_it_is_named(tmp_path: Path) -> None:
    _write(tmp_path / "real" / "rattail.conf", INI)
    (tmp_path / "app").symlink_to(tmp_path / "real")
    assert (
        load(CommandLine(config="app/rattail.conf"), cwd=tmp_path, environ={}).config == tmp_path / "app/rattail.conf"
    )


def test_alembic_ini_of_the_working_directory_comes_before_that_of_the_root(tmp_path: Path) -> None:
    root = _project(tmp_path / "p")
    inner = _write(root / "sub" / "alembic.ini", INI)
    (root / "bare").mkdir()
    assert load(CommandLine(), cwd=inner.parent, environ={}).config == inner
    assert load(CommandLine(), cwd=root / "bare", environ={}).config == root / "alembic.ini"


def test_pyproject_alone_is_a_conf_when_alembic_is_set_up_there(tmp_path: Path) -> None:
    _write(tmp_path / "pyproject.toml", '[tool.alembic]\nscript_location = "m"\n[tool.alembic-review]\nprefix = "p_"')
    for line in (CommandLine(), CommandLine(config="pyproject.toml")):
        settings = load(line, cwd=tmp_path, environ={})
        assert (settings.config, settings.prefix) == (tmp_path / "pyproject.toml", "p_")
        assert settings.source == tmp_path / "pyproject.toml"


def test_settings_of_a_pyproject_that_c_names_beat_those_of_the_root(tmp_path: Path) -> None:
    _project(tmp_path, 'prefix = "root_"\ncustom = ["poser"]')
    _write(tmp_path / "b" / "pyproject.toml", '[tool.alembic]\nx = "m"\n[tool.alembic-review]\nprefix = "b_"')
    settings = load(CommandLine(config="b/pyproject.toml"), cwd=tmp_path, environ={})
    assert (settings.prefix, settings.custom, settings.root) == ("b_", ("poser",), tmp_path)


def test_no_conf_at_all(tmp_path: Path) -> None:
    message, hint = _refused(CommandLine(), tmp_path)
    assert str(tmp_path) in message
    assert "-c FILE" in hint


@pytest.mark.parametrize(("name", "said"), [("none.ini", "does not exist"), (".", "is a folder")])
def test_named_conf_that_is_no_file(tmp_path: Path, name: str, said: str) -> None:
    message, hint = _refused(CommandLine(config=name), _project(tmp_path))
    assert said in message
    assert "(-c)" in message
    assert "-c FILE" in hint


def test_missing_section_names_those_that_there_are(tmp_path: Path) -> None:
    _write(tmp_path / "a.conf", "[poser]\nx = 1\n[loggers]\nkeys = root\n")
    message, hint = _refused(CommandLine(config="a.conf"), tmp_path)
    assert "no [alembic] section" in message
    assert "[poser], [loggers]" in hint
    assert load(CommandLine(config="a.conf", section="poser"), cwd=tmp_path, environ={}).section == "poser"
    assert "no [devdb] section" in _refused(CommandLine(section="devdb", config="a.conf"), tmp_path)[0]
    _write(tmp_path / "empty.conf")
    assert "none at all" in _refused(CommandLine(config="empty.conf"), tmp_path)[1]


def test_the_ini_may_leave_it_to_the_pyproject_beside_it_as_alembic_does(tmp_path: Path) -> None:
    _write(tmp_path / "pyproject.toml", '[tool.alembic]\nscript_location = "m"\n')
    _write(tmp_path / "a.conf", "[poser]\nx = 1\n")
    assert load(CommandLine(config="a.conf"), cwd=tmp_path, environ={}).config == tmp_path / "a.conf"


def test_pyproject_without_alembic_is_no_conf(tmp_path: Path) -> None:
    _write(tmp_path / "pyproject.toml", "[project]\nname = 'x'\n")
    assert "no [tool.alembic] table" in _refused(CommandLine(config="pyproject.toml"), tmp_path)[0]


# Whose project


@pytest.mark.parametrize("marker", ["pyproject.toml", "setup.cfg", "setup.py"])
def test_the_nearest_project_file_marks_the_root(tmp_path: Path, marker: str) -> None:
    _write(tmp_path / "pyproject.toml")
    _write(tmp_path / "a" / marker)
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    assert find_root(tmp_path / "a" / "b" / "c") == tmp_path / "a"
    assert find_root(tmp_path) == tmp_path


def test_without_one_above_the_working_directory_the_conf_file_decides(tmp_path: Path) -> None:
    root = _project(tmp_path / "src" / "poser", 'prefix = "poser_"')
    _write(root / "app" / "rattail.conf", INI)
    (tmp_path / "elsewhere").mkdir()
    settings = load(CommandLine(config=str(root / "app" / "rattail.conf")), cwd=tmp_path / "elsewhere", environ={})
    assert (settings.root, settings.distribution, settings.prefix) == (root, "Poser-App", "poser_")


def test_no_project_file_anywhere_is_no_root(tmp_path: Path) -> None:
    _write(tmp_path / "a.conf", INI)
    settings = load(CommandLine(config="a.conf"), cwd=tmp_path, environ={})
    assert (settings.root, settings.project_file) == (tmp_path, False)
    assert (settings.distribution, settings.source) == (None, None)


@pytest.mark.parametrize(
    ("cwd", "conf", "root"),
    [
        ("app", "app/alembic.ini", "app"),
        (".", "app/alembic.ini", "."),
        ("app/src", "app/alembic.ini", "app"),
        ("other", "app/alembic.ini", "app"),
        ("env/app", "env/app/alembic.ini", None),
        ("env", "app/alembic.ini", "app"),
        ("app", "env/app/alembic.ini", None),
    ],
)
def test_without_a_project_file_the_root_is_the_folder_that_holds_both(
    tmp_path: Path, cwd: str, conf: str, root: str | None
) -> None:
    for folder in ("app/src", "other", "env/app"):
        (tmp_path / folder).mkdir(parents=True)
    _write(tmp_path / "env" / "pyvenv.cfg")
    _write(tmp_path / conf, INI)
    named = os.path.relpath(tmp_path / conf, tmp_path / cwd)
    settings = load(CommandLine(config=named), cwd=tmp_path / cwd, environ={})
    assert settings.root == (tmp_path / root if root is not None else None)
    assert not settings.project_file


def test_root_option_overrides(tmp_path: Path) -> None:
    other = _project(tmp_path / "other", 'prefix = "o_"', name="other")
    cwd = _project(tmp_path / "here")
    settings = load(CommandLine(root="../other"), cwd=cwd, environ={})
    assert (settings.root, settings.prefix, settings.distribution) == (other, "o_", "other")
    assert "is not a folder" in _refused(CommandLine(root="nowhere"), cwd)[0]


@pytest.mark.parametrize("mark", ["pyvenv.cfg", "conda-meta/history"])
def test_nothing_inside_an_environment_is_a_root(tmp_path: Path, mark: str) -> None:
    environment = tmp_path / "env"
    _write(environment / mark)
    _write(environment / "src" / "poser" / "setup.py")
    assert find_root(environment / "src" / "poser") is None
    _write(tmp_path / "setup.py")
    assert find_root(environment / "src" / "poser") == tmp_path


def test_nothing_below_site_packages_or_the_running_prefix_is_a_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(tmp_path / "lib" / "site-packages" / "poser" / "pyproject.toml")
    assert find_root(tmp_path / "lib" / "site-packages" / "poser") is None
    _write(tmp_path / "prefix" / "poser" / "pyproject.toml")
    assert find_root(tmp_path / "prefix" / "poser") is not None
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "prefix"))
    assert find_root(tmp_path / "prefix" / "poser") is None


def test_a_prefix_that_holds_more_than_python_is_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", "/usr")
    assert not in_environment(Path("/usr/src/app"))


@pytest.mark.parametrize(
    ("file", "text", "name"),
    [
        ("pyproject.toml", '[project]\nname = "poser-app"', "poser-app"),
        ("pyproject.toml", '[tool.poetry]\nname = "poser-app"', "poser-app"),
        ("pyproject.toml", "[build-system]\nrequires = []", None),
        ("setup.cfg", "[metadata]\nname = poser-app", "poser-app"),
        ("setup.cfg", "[metadata]\nname = %(x", "%(x"),
        ("setup.cfg", "no section", None),
        ("setup.py", "from setuptools import setup\nsetup(version='1', name='poser-app')", "poser-app"),
        ("setup.py", "import setuptools\nNAME = 'poser-app'\nsetuptools.setup(name=NAME)", "poser-app"),
        ("setup.py", "from setuptools import setup\nsetup(name=compute())", None),
        ("setup.py", "setup(", None),
    ],
)
def test_the_name_of_the_distribution_is_read_never_executed(
    tmp_path: Path, file: str, text: str, name: str | None
) -> None:
    _write(tmp_path / file, text)
    assert distribution_name(tmp_path) == name


def test_a_pyproject_without_a_name_leaves_it_to_setup_py(tmp_path: Path) -> None:
    _write(tmp_path / "pyproject.toml", "[build-system]\nrequires = []")
    _write(tmp_path / "setup.py", "setup(name='poser')")
    assert distribution_name(tmp_path) == "poser"


# The interpreter


def test_the_interpreter_is_never_resolved(tmp_path: Path) -> None:
    root = _project(tmp_path, 'python = ".venv/bin/python"')
    link = root / ".venv" / "bin" / "python"
    link.parent.mkdir(parents=True)
    link.symlink_to(sys.executable)
    assert load(CommandLine(), cwd=root, environ={}).python == str(link)
    (root / "sub").mkdir()
    assert load(CommandLine(), cwd=root / "sub", environ={}).python == str(link)
    assert load(CommandLine(python="../.venv/bin/python"), cwd=root / "sub", environ={}).python is not None


def test_an_interpreter_that_cannot_be_run_is_refused(tmp_path: Path) -> None:
    script = _write(tmp_path / "python", "#!/bin/sh\n")
    script.chmod(stat.S_IRUSR)
    message, hint = _refused(CommandLine(python="./python"), _project(tmp_path))
    assert "the command line: `python`" in message
    assert ".venv/bin/python" in hint


ENVIRONMENTS = """
[[tool.alembic-review.environments]]
config = "core/alembic.ini"
x = ["a=1"]

[[tool.alembic-review.environments]]
config = "alembic.ini"

[[tool.alembic-review.environments]]
config = "alembic.ini"
section = "more"

[[tool.alembic-review.environments]]
config-from = "poser.db:config"
"""


def _environments(root: Path, more: str = "") -> Path:
    _project(root, f'prefix = "a_"\n{ENVIRONMENTS}')
    _write(root / "core" / "alembic.ini", INI)
    (root / "alembic.ini").write_text(f"{INI}[more]\nscript_location = more\n{more}")
    return root


def test_several_environments(tmp_path: Path) -> None:
    root = _environments(tmp_path)
    settings = load(CommandLine(x=("b=2",)), cwd=root, environ={"ALEMBIC_CONFIG": "other.ini"})
    assert settings.environments == (
        Environment("core/alembic.ini", root / "core/alembic.ini", "alembic", ("a=1",)),
        Environment("alembic.ini", root / "alembic.ini", "alembic", ("b=2",)),
        Environment("alembic.ini:more", root / "alembic.ini", "more", ("b=2",)),
        Environment("poser.db:config", None, "alembic", ("b=2",), "poser.db:config"),
    )
    assert (settings.config, settings.section, settings.x) == (root / "core/alembic.ini", "alembic", ("a=1",))


@pytest.mark.parametrize(
    ("line", "reviewed"),
    [
        (CommandLine(config="core/alembic.ini"), ["core/alembic.ini"]),
        (CommandLine(config="alembic.ini", section="more"), ["alembic.ini:more"]),
        (CommandLine(config="alembic.ini"), ["alembic.ini", "alembic.ini:more"]),
        (CommandLine(config="poser.db:config"), ["poser.db:config"]),
        (CommandLine(config="other.ini"), []),
    ],
)
def test_the_command_line_chooses_environments(tmp_path: Path, line: CommandLine, reviewed: list[str]) -> None:
    root = _environments(tmp_path)
    _write(root / "other.ini", INI)
    settings = load(line, cwd=root, environ={})
    assert [one.name for one in settings.environments if one.reviewed] == reviewed
    assert len(settings.environments) == (4 if reviewed else 0)
    (config_from,) = {one.config_from for one in settings.environments if one.reviewed} or {None}
    assert (settings.config is None, settings.config_from) == (config_from is not None, config_from)


def test_one_environment_is_a_config(tmp_path: Path) -> None:
    root = _project(tmp_path, '[[tool.alembic-review.environments]]\nconfig = "core/alembic.ini"\nsection = "core"')
    _write(root / "core" / "alembic.ini", "[core]\nscript_location = x\n")
    settings = load(CommandLine(), cwd=root, environ={})
    assert (settings.environments, settings.config, settings.section) == ((), root / "core/alembic.ini", "core")


_ONE = "[[tool.alembic-review.environments]]\nconfig = 'alembic.ini'\n"


@pytest.mark.parametrize(
    ("settings", "said", "hinted"),
    [
        (_ONE + _ONE, "`environments` lists alembic.ini twice", ""),
        (f"config = 'alembic.ini'\n{_ONE}", "both `config` and `environments`", "-c chooses"),
        ("environments = []", "`environments` is empty", "Leave it out"),
        ("environments = ['alembic.ini']", "`environments[0]`: expected a table, got a string", ""),
        ("[[tool.alembic-review.environments]]", "each needs either `config` or `config-from`", "core/alembic.ini"),
        (f"{_ONE}config-from = 'a:b'", "each needs either `config` or `config-from`", ""),
        ("[[tool.alembic-review.environments]]\nconfig-from = 'a'", "'a' is not `module:callable`", "myapp.review"),
        (f"config-from = 'a:b'\n{_ONE}", "both `config-from` and `environments`", "-c chooses"),
        (f"{_ONE}cofnig = 'x'", "`environments`: unknown key `cofnig`", "`config`"),
        (f"{_ONE}[[tool.alembic-review.environments]]\nconfig = 'none.ini'", "none.ini (`environments` in ", "-c FILE"),
    ],
)
def test_wrong_environments_are_refused(tmp_path: Path, settings: str, said: str, hinted: str) -> None:
    message, hint = _refused(CommandLine(), _project(tmp_path, settings))
    assert said in message
    assert hinted in message + hint


def test_settings_of_several_environments_stand_in_pyproject(tmp_path: Path) -> None:
    root = _environments(tmp_path, more="[alembic-review]\nprefix = b_\n")
    message, hint = _refused(CommandLine(), root)
    assert "settings are read from pyproject.toml only" in message
    assert "pyproject.toml" in hint
    assert load(CommandLine(config="alembic.ini", section="more"), cwd=root, environ={}).prefix == "b_"
    message, _ = _refused(CommandLine(), _project(tmp_path / "ini", ini="environments = alembic.ini"))
    assert "`environments` can only be set in pyproject.toml" in message
    main = _project(tmp_path / "main")
    _environments(main / "inner")
    message, hint = _refused(CommandLine(config="inner/pyproject.toml"), main)
    assert "can only be set in the pyproject.toml of the project" in message
    assert "--root" in hint


def test_several_environments_have_no_base_yet(tmp_path: Path) -> None:
    message, hint = _refused(CommandLine(since="main"), _environments(tmp_path))
    assert "--since can't be combined with several `environments`" in message
    assert "Leave --since out" in hint


@pytest.mark.parametrize("value", ["env:postgresql://poser:s3cr3t@db/poser", "env:", "env:A B", "env:s3cr3t-x"])
def test_what_is_no_name_of_a_variable_is_not_shown(tmp_path: Path, value: str) -> None:
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = m\n")
    with pytest.raises(UsageError) as caught:
        load(CommandLine(server=value), cwd=tmp_path, environ={})
    assert "`server` starts with env:" in caught.value.message
    assert "s3cr3t" not in f"{caught.value.message} {caught.value.hint}"


ENTRY = 'code = "AR201"\ntable = "legacy"\nreason = "read by nobody"\n'


@pytest.mark.parametrize(
    ("entry", "message", "hint"),
    [
        (ENTRY.replace("AR201", "ar201"), "'ar201' is not the code of a check", "AR512"),
        (ENTRY.replace("AR201", "AR101"), "AR101 can be accepted by `fingerprint` only", "alembic-review accept"),
        (ENTRY.replace("read by nobody", " "), "`reason` is empty", ""),
        (ENTRY.replace("reason", "reasons"), "`accept`: unknown key `reasons`", "`reason`"),
        (ENTRY.replace("table", "tabel"), "`accept`: unknown key `tabel`", "`table`"),
        (ENTRY.replace('"legacy"', '""'), "`table` is empty", "Remove `table`"),
        ('code = "AR201"\nreason = "x"\n', "no key selects the findings of AR201", "`fingerprint`"),
        ('code = "AR201"\ntable = "legacy"\n', "`accept[0]`: missing key `reason`", ""),
        (ENTRY + "until = 2030-12-31T10:00:00\n", "`accept[0].until`: expected a date such as 2030-12-31", ""),
        (ENTRY + 'until = "soon"\n', "`accept[0].until`: expected a date such as 2030-12-31", ""),
        (ENTRY.replace('"legacy"', "1"), "`accept[0].table`: expected a string", ""),
    ],
)
def test_an_entry_that_could_accept_more_than_was_meant_is_refused(
    tmp_path: Path, entry: str, message: str, hint: str
) -> None:
    _project(tmp_path, f"[[tool.alembic-review.accept]]\n{entry}")
    told = _refused(CommandLine(), tmp_path)
    assert message in told[0]
    assert hint in told[1]


def test_each_entry_has_its_line(tmp_path: Path) -> None:
    _project(tmp_path, f"[[tool.alembic-review.accept]]\n{ENTRY}\n# why\n[[ tool.alembic-review.accept ]]\n{ENTRY}")
    found = load(CommandLine(), cwd=tmp_path, environ={}).accept
    assert [one.place.line for one in found if one.place is not None] == [4, 10]
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "x"\n[tool.alembic-review]\n'
        'accept = [{ code = "AR201", table = "a", reason = "b" }, { code = "AR201", table = "c", reason = "d" }]\n'
    )
    found = load(CommandLine(), cwd=tmp_path, environ={}).accept
    assert [one.place.line for one in found if one.place is not None] == [3, 3]


@pytest.mark.parametrize("key", ["accept", "environments"])
def test_tables_are_in_the_pyproject_of_the_project_only(tmp_path: Path, key: str) -> None:
    root = _project(tmp_path, ini=f"{key} = x")
    assert f"`{key}` can only be set in pyproject.toml" in _refused(CommandLine(), root)[0]
    other = _write(
        tmp_path / "other" / "pyproject.toml",
        f"""
        [tool.alembic]
        script_location = "m"
        [[tool.alembic-review.{key}]]
        config = "alembic.ini"
        """
        if key == "environments"
        else f"[tool.alembic]\nscript_location = 'm'\n[[tool.alembic-review.accept]]\n{ENTRY}",
    )
    line = CommandLine(config=str(other), root=str(_project(tmp_path / "root")))
    assert f"`{key}` can only be set in the pyproject.toml of the project" in _refused(line, tmp_path)[0]
