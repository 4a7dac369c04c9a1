"""An unusual environment does not change the result, or the run ends with one short message; nothing is left."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.trust.adverse import NOBODY, Place, Way, as_nobody, check, make_place
from tests.trust.plain import POSTGRESQL, SQLITE, TOOL, environ, make_project, remove, short_folder

pytestmark = [
    pytest.mark.one_stack,
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds processes through /proc"),
]

DATABASES = (SQLITE, POSTGRESQL)
PYTHONPATH = os.environ.get("PYTHONPATH", "")
NOISE = "for _ in range(3000): print('x' * 100)\nraise SystemExit(7)"


def variables(prefix: str, database: str, given: Mapping[str, str | None]) -> Iterator[Way]:
    """A way for each variable of the environment that is set or taken away, and changes nothing."""
    for assigned, value in given.items():
        name, _, text = assigned.partition("=")
        yield Way(f"{prefix}_{assigned}", database=database, variables={name: text if value is None else value})


def redirected(name: str, shell: str, status: int = 0, said: str = "", **options: Any) -> Way:
    """The streams of the tool lead somewhere else."""
    return Way(f"stream_{name}", status, said, shell=shell, **options)


def head(what: str) -> str:
    """A reader that leaves early; the status is that of the tool."""
    return f'{{ "$@" {what}; echo $? >"$WAY_STATUS"; }} | head -n 1'


def noisy(name: str, shell: str) -> Way:
    """env.py prints more than a pipe holds, and ends the process."""
    return redirected(
        f"{name}_with_much_output",
        shell,
        3,
        variables={"WAY_PHASE": "env", "WAY_MARK": "{folder}/mark", "WAY_CODE": NOISE},
    )


def write_to(path: str, content: str) -> Callable[[Place], None]:
    """Write a file below the folder of the way."""

    def prepare(place: Place) -> None:
        file = place.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)

    return prepare


def streams() -> Iterator[Way]:
    full = "No space left on device"
    yield redirected("stdin_closed", 'exec "$@" <&-')
    yield redirected("stdin_full", 'exec "$@" </dev/full')
    yield redirected("stdout_closed", 'exec "$@" >&-', quick=True)
    yield redirected("stderr_closed", 'exec "$@" 2>&-')
    yield redirected("stdout_and_stderr_closed", 'exec "$@" >&- 2>&-')
    yield redirected("all_closed", 'exec "$@" <&- >&- 2>&-')
    yield redirected("all_closed", 'exec "$@" <&- >&- 2>&-', database=POSTGRESQL)
    yield redirected("stdout_full", 'exec "$@" >/dev/full', 3, full, quick=True)
    yield redirected("stderr_full", 'exec "$@" 2>/dev/full')
    yield redirected("both_full", 'exec "$@" >/dev/full 2>&1', 3)
    yield redirected("stdout_for_reading", 'exec "$@" 1</dev/null', 3, "Bad file descriptor")
    yield redirected("stderr_for_reading", 'exec "$@" 2</dev/null')
    yield redirected("stdout_head", head(""), quick=True)
    yield redirected("both_head", head("2>&1"))
    yield redirected("stderr_head", '{ "$@" 2>&1 >/dev/null; echo $? >"$WAY_STATUS"; } | head -n 1')
    yield redirected("stdout_nobody_reads", '{ "$@"; echo $? >"$WAY_STATUS"; } | :')
    for command in ("--help", "--version"):
        yield redirected(f"{command[2:]}_full", 'exec "$@" >/dev/full', 3, full, argv=(command,), reports=False)
        yield redirected(f"{command[2:]}_closed", 'exec "$@" >&-', argv=(command,), reports=False)
        yield redirected(f"{command[2:]}_head", head(""), argv=(command,), reports=False)
    for name, shell in {
        "stdout_closed": 'exec "$@" >&-',
        "stderr_closed": 'exec "$@" 2>&-',
        "stderr_full": 'exec "$@" 2>/dev/full',
        "both_full": 'exec "$@" >/dev/full 2>&1',
    }.items():
        yield noisy(name, shell)
    yield noisy("stderr_head", '{ "$@" 2>&1; echo $? >"$WAY_STATUS"; } | head -n 1')


def outputs() -> Iterator[Way]:
    def json_to(name: str, file: str, status: int, said: str, **options: Any) -> Way:
        return Way(f"output_{name}", status, said, argv=("-o", f"json={file}"), reports=False, **options)

    yield json_to("full", "/dev/full", 3, "No space left on device")
    yield json_to("in_proc", "/proc/self/nothing", 2, "permission denied")
    yield json_to("a_version_of_the_kernel", "/proc/version", 3, "could not be written")
    yield json_to("below_a_file", "alembic.ini/report.json", 2, "no folder")
    yield json_to("null", "/dev/null", 0, "")
    yield Way("output_twice_the_same", argv=("-o", "json", "-o", "json"), reports=False)
    yield Way(
        "output_link_to_nowhere",
        3,
        "No such file",
        argv=("-o", "sarif=link"),
        prepare=lambda place: (place.project.folder / "link").symlink_to("/nowhere/at/all"),
    )
    yield Way(
        "output_link_to_itself",
        3,
        "symbolic links",
        argv=("-o", "sarif=link"),
        prepare=lambda place: (place.project.folder / "link").symlink_to("link"),
    )


def temporary() -> Iterator[Way]:
    odd = {
        "relative": "below",
        "dot": ".",
        "backslash": "{folder}/t/a\\b",
        "comma": "{folder}/t/a,b",
        "newline": "{folder}/t/a\nb",
        "carriage_return": "{folder}/t/a\rb",
        "spaces": "{folder}/t/a b  c ",
        "single_quote": "{folder}/t/it's",
        "double_quote": '{folder}/t/"a"',
        "percent": "{folder}/t/50%(here)s",
        "dollar": "{folder}/t/$HOME${HOME}",
        "braces": "{folder}/t/{a}",
        "umlauts": "{folder}/t/Größe",
        "not_utf8": "{folder}/t/" + os.fsdecode(b"caf\xe9"),
        "escapes": "{folder}/t/\x1b[2J",
        "leading_dash": "-c",
        "long": "{folder}/t/" + "l" * 200,
        "slashes": "{folder}/t//.//../t/",
        "colon_and_at": "{folder}/t/a:b@c",
        "question_mark_and_hash": "{folder}/t/a?b#c",
    }

    def made(path: str) -> Callable[[Place], None]:
        def prepare(place: Place) -> None:
            (place.project.folder / path.replace("{folder}", str(place.folder))).mkdir(parents=True, exist_ok=True)

        return prepare

    for database in DATABASES:
        for name, path in odd.items():
            quick = (name, database) == ("comma", POSTGRESQL)
            yield Way(f"TMPDIR_{name}", database=database, variables={"TMPDIR": path}, prepare=made(path), quick=quick)
        for name, value in {
            "empty": "",
            "missing": "{folder}/nowhere",
            "a_file": "/etc/passwd",
            "a_device": "/dev/null",
        }.items():
            yield Way(f"TMPDIR_{name}", database=database, variables={"TMPDIR": value})
        yield Way("TMPDIR_unset", database=database, variables={"TMPDIR": None})
        yield Way(
            "TMPDIR_TEMP_and_TMP", database=database, variables={"TMPDIR": None, "TEMP": "/nowhere", "TMP": "relative"}
        )
        yield Way(
            "TMPDIR_a_link",
            database=database,
            variables={"TMPDIR": "{folder}/link"},
            prepare=lambda place: (place.folder / "link").symlink_to(place.temporary),
        )


def homes() -> Iterator[Way]:
    for name, value in {
        "unset": None,
        "empty": "",
        "dot": ".",
        "relative": "a/b",
        "missing": "{folder}/nowhere",
        "a_file": "/etc/passwd",
        "the_root": "/proc",
        "the_project": "{folder}/project",
        "newline": "{folder}/a\nb",
        "not_utf8": "{folder}/" + os.fsdecode(b"caf\xe9"),
    }.items():
        given = {"HOME": value, "XDG_CACHE_HOME": None}
        yield Way(f"HOME_{name}", database=POSTGRESQL, variables=given, quick=name == "dot")
    for name, value in {
        "empty": "",
        "relative": "cache",
        "missing": "{folder}/nowhere/at/all",
        "a_file": "/etc/passwd",
        "proc": "/proc",
        "the_project": "{folder}/project",
        "newline": "{folder}/a\nb",
        "not_utf8": "{folder}/" + os.fsdecode(b"caf\xe9"),
        "open_to_all": "{folder}/t/..",
    }.items():
        yield Way(f"XDG_CACHE_HOME_{name}", database=POSTGRESQL, variables={"XDG_CACHE_HOME": value})


def programs() -> Iterator[Way]:
    for database in DATABASES:
        for name, value in {
            "unset": None,
            "empty": "",
            "nowhere": "/nowhere",
            "dot": ".",
            "long": "/x:" * 5000,
        }.items():
            yield Way(f"PATH_{name}", database=database, variables={"PATH": value})

    def program(name: str, text: str) -> Callable[[Place], None]:
        def prepare(place: Place) -> None:
            write_to(f"bin/{name}", f"#!/bin/sh\n{text}\n")(place)
            (place.folder / "bin" / name).chmod(0o755)

        return prepare

    path = {"PATH": f"{{folder}}/bin:{os.environ['PATH']}"}
    for name, text in {
        "that_fails": "exit 9",
        "that_is_killed": "kill -9 $$",
        "that_talks": "yes | head -c 300000",
    }.items():
        yield Way(f"git_{name}", variables=path, prepare=program("git", text))
        yield Way(f"pg_config_{name}", database=POSTGRESQL, variables=path, prepare=program("pg_config", text))
        yield Way(f"postgres_{name}", database=POSTGRESQL, variables=path, prepare=program("postgres", text))
    yield Way("pg_config_no_program", database=POSTGRESQL, variables=path, prepare=program("pg_config", "\0"))


def locales() -> Iterator[Way]:
    unset = dict.fromkeys(("LANG", "LC_ALL", "LC_CTYPE", "LANGUAGE"))
    for name, given in {
        "LANG_C": {"LANG": "C"},
        "LC_ALL_C": {"LC_ALL": "C"},
        "LC_ALL_POSIX": {"LC_ALL": "POSIX"},
        "LC_ALL_missing": {"LC_ALL": "xx_YY.nonsense"},
        "LC_ALL_latin1": {"LC_ALL": "de_DE.ISO-8859-1"},
        "LC_ALL_empty": {"LC_ALL": ""},
        "LANG_unset": {},
        "LANGUAGE": {"LANGUAGE": "de:fr:zz"},
        "LC_ALL_C_without_UTF8": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        "ascii_streams": {"PYTHONIOENCODING": "ascii:strict"},
        "utf16_streams": {"PYTHONIOENCODING": "utf-16"},
    }.items():
        yield Way(f"locale_{name}", variables={**unset, **given})
        if name.startswith("LC_ALL"):
            yield Way(f"locale_{name}", database=POSTGRESQL, variables={**unset, **given})


OUR_NAMES = ("model", "worker", "cli", "config", "git", "judge", "observe", "processes", "service", "private", "errors")


def junk(place: Place) -> None:
    for name in OUR_NAMES:
        write_to(f"junk/{name}.py", "raise RuntimeError('this is the wrong module')\n")(place)


def junk_of_the_project(place: Place) -> None:
    for name in OUR_NAMES:
        write_to(f"project/{name}.py", "raise RuntimeError('this is the wrong module')\n")(place)


def pythons() -> Iterator[Way]:
    for assigned in (
        "PYTHONSAFEPATH=1",
        "PYTHONOPTIMIZE=1",
        "PYTHONOPTIMIZE=2",
        "PYTHONWARNINGS=ignore",
        "PYTHONUTF8=0",
        "PYTHONUTF8=1",
        "PYTHONDONTWRITEBYTECODE=1",
        "PYTHONHASHSEED=0",
        "PYTHONHASHSEED=4294967295",
        "PYTHONSTARTUP=/nowhere",
        "PYTHONBREAKPOINT=nowhere.at_all",
        "PYTHONFAULTHANDLER=1",
        "PYTHONTRACEMALLOC=5",
        "PYTHONNOUSERSITE=1",
        "PYTHONUSERBASE=/nowhere",
        "PYTHONUNBUFFERED=1",
        "PYTHONPYCACHEPREFIX=/proc",
        "PYTHONMALLOC=debug",
        "PYTHONINTMAXSTRDIGITS=640",
        "PYTHONNODEBUGRANGES=1",
        "PYTHONCASEOK=1",
        "PYTHONASYNCIODEBUG=1",
    ):
        name, _, value = assigned.partition("=")
        where = {"PYTHONPATH": f"{PYTHONPATH}:{{folder}}/project"} if name == "PYTHONSAFEPATH" else {}
        quick = assigned == "PYTHONOPTIMIZE=2"
        yield Way(f"python_{assigned}", variables={name: value, **where}, quick=quick)
    # Alembic itself warns about this config.
    yield Way("python_PYTHONWARNINGS=error", 3, "DeprecationWarning", variables={"PYTHONWARNINGS": "error"})
    path = {"PYTHONPATH": f"{{folder}}/junk:{PYTHONPATH}"}
    for database in DATABASES:
        yield Way("python_modules_named_like_ours", database=database, variables=path, prepare=junk)
        yield Way("python_project_named_like_ours", database=database, prepare=junk_of_the_project)
    yield Way("python_PYTHONPATH_nowhere", variables={"PYTHONPATH": f"/nowhere::{PYTHONPATH}:/etc/passwd"})
    text = "import sys\nsys.stdout.write('hello\\n')\n"
    yield Way("python_sitecustomize", 0, "^hello$", variables=path, prepare=write_to("junk/sitecustomize.py", text))


def servers() -> Iterator[Way]:
    yield from variables(
        "libpq",
        POSTGRESQL,
        {
            "PGHOST=db.invalid": None,
            "PGHOSTADDR=192.0.2.1": None,
            "PGPORT=1": None,
            "PGPORT=nonsense": None,
            "PGUSER=somebody": None,
            "PGPASSWORD=wrong": None,
            "PGDATABASE=nowhere": None,
            "PGSERVICE=nowhere": None,
            "PGSERVICEFILE=/nowhere": None,
            "PGSYSCONFDIR=/nowhere": None,
            "PGPASSFILE=/etc/passwd": None,
            "PGOPTIONS=-c search_path=nowhere": None,
            "PGOPTIONS=-c default_transaction_read_only=on": None,
            "PGOPTIONS=--nonsense": None,
            "PGSSLMODE=verify-full": None,
            "PGSSLMODE=nonsense": None,
            "PGSSLROOTCERT=/nowhere": None,
            "PGGSSENCMODE=require": None,
            "PGCHANNELBINDING=require": None,
            "PGREQUIREAUTH=password": None,
            "PGREQUIREPEER=somebody": None,
            "PGTARGETSESSIONATTRS=standby": None,
            "PGCONNECT_TIMEOUT=nonsense": None,
            "PGCLIENTENCODING=LATIN1": None,
            "PGCLIENTENCODING=nonsense": None,
            "PGTZ=Asia/Tokyo": None,
            "PGDATESTYLE=German": None,
            "PGGEQO=off": None,
            "PGAPPNAME=x": "x" * 500,
            "PGDATA=/nowhere": None,
            "PGLOCALEDIR=/nowhere": None,
        },
    )


def limits() -> Iterator[Way]:
    def limited(name: str, limit: str, database: str = SQLITE) -> Way:
        return Way(f"limit_{name}", database=database, shell=f'ulimit {limit} && exec "$@"')

    for database in DATABASES:
        yield limited("open_files_64", "-n 64", database)
        yield limited("no_core", "-c 0", database)
        yield limited("memory_2_GB", "-v 2000000", database)
        yield limited("locked_memory_0", "-l 0", database)
        yield limited("stack_1_MB", "-s 1024", database)
    yield limited("open_files_24", "-n 24")
    yield limited("file_size_1_MB", "-f 2048", POSTGRESQL)
    # The limit is for files, not for the pipe that standard error is here.
    shell = '{ (ulimit -f 0; exec "$@") 2>&1 >/dev/null; echo $? >"$WAY_STATUS"; } | cat >&2'
    for database in DATABASES:
        yield Way("limit_file_size_0", 3, "File too large|scratch", database, shell=shell)


SIGNALS = ("HUP", "INT", "QUIT", "PIPE", "ALRM", "TERM", "CHLD", "USR1", "TTIN", "TTOU", "WINCH")
BLOCKED = (
    "import os, signal, sys\nsignal.pthread_sigmask(signal.SIG_BLOCK, {names})\nos.execvp(sys.argv[1], sys.argv[1:])"
)


def signals() -> Iterator[Way]:
    for name in SIGNALS:
        yield Way(f"ignored_{name}", shell=f'trap "" {name}; exec "$@"')
    for database in DATABASES:
        quick = database == SQLITE
        yield Way("ignored_all", database=database, shell=f'trap "" {" ".join(SIGNALS)}; exec "$@"', quick=quick)
        for names in ("[signal.SIGCHLD]", "[signal.SIGINT, signal.SIGTERM, signal.SIGQUIT]", "signal.valid_signals()"):
            code = BLOCKED.replace("{names}", names)
            name = names.strip("[]").replace("signal.", "").replace(", ", "_")
            yield Way(f"blocked_{name}", database=database, shell=f"exec {TOOL[0]} -c '{code}' \"$@\"")
    yield Way("ignored_CHLD", database=POSTGRESQL, shell='trap "" CHLD; exec "$@"')
    for database in DATABASES:
        yield Way("no_terminal", database=database, shell='exec setsid -w "$@"')
    yield Way("background", shell='"$@" & wait $!')
    yield Way("nohup", shell='exec nohup "$@"')
    yield Way("nice", shell='exec nice -n 19 "$@"')
    yield Way("time_limit", shell='exec timeout 100 "$@"')


def masks() -> Iterator[Way]:
    for mask in ("0777", "0277", "0077", "0000", "0111"):
        for database in DATABASES:
            yield Way(f"umask_{mask}", database=database, shell=f'umask {mask}; exec "$@"')


def caches() -> Iterator[Way]:
    def damaged(name: str, damage: Callable[[Path], object]) -> Way:
        def prepare(place: Place) -> None:
            damage(place.own_cache())

        return Way(f"cache_{name}", database=POSTGRESQL, prepare=prepare, quick=name == "truncated")

    def changed(file: Path, where: int) -> None:
        content = bytearray(file.read_bytes())
        content[where] ^= 0xFF
        file.write_bytes(content)

    def instead(make: Callable[[Path], object]) -> Callable[[Path], None]:
        def replace(file: Path) -> None:
            file.unlink()
            make(file)

        return replace

    def link_to_another(file: Path) -> None:
        other = file.with_name("elsewhere")
        file.rename(other)
        file.symlink_to(other)

    def folder_a_file(file: Path) -> None:
        shutil.rmtree(file.parent)
        file.parent.write_text("x")

    def folder_a_link(file: Path) -> None:
        other = file.parent.with_name("elsewhere")
        file.parent.rename(other)
        file.parent.symlink_to(other)

    yield damaged("truncated", lambda file: os.truncate(file, file.stat().st_size // 2))
    yield damaged("without_its_end", lambda file: os.truncate(file, file.stat().st_size - 1))
    yield damaged("empty", lambda file: os.truncate(file, 0))
    yield damaged("longer", lambda file: file.write_bytes(file.read_bytes() + b"x"))
    yield damaged("one_bit_at_the_beginning", lambda file: changed(file, 10))
    yield damaged("one_bit_in_the_middle", lambda file: changed(file, file.stat().st_size // 2))
    yield damaged("one_bit_at_the_end", lambda file: changed(file, -40))
    yield damaged("zeros", lambda file: file.write_bytes(bytes(file.stat().st_size)))
    yield damaged("text", lambda file: file.write_text("hello\n" * 10_000))
    yield damaged("of_another_owner", lambda file: os.chown(file, NOBODY, NOBODY))
    yield damaged("open_to_all", lambda file: file.chmod(0o666))
    yield damaged("closed", lambda file: file.chmod(0))
    yield damaged("of_the_future", lambda file: os.utime(file, (4e9, 4e9)))
    yield damaged("of_1970", lambda file: os.utime(file, (0, 0)))
    yield damaged("a_folder", instead(lambda file: (file / "x").mkdir(parents=True)))
    yield damaged("a_pipe", instead(os.mkfifo))
    yield damaged("a_link_to_the_file", link_to_another)
    yield damaged("a_link_to_nowhere", instead(lambda file: file.symlink_to("/nowhere/at/all")))
    yield damaged("a_link_to_a_file", instead(lambda file: file.symlink_to("/etc/passwd")))
    yield damaged("gone", lambda file: file.unlink())
    yield damaged("a_file_for_its_folder", folder_a_file)
    yield damaged("a_link_for_its_folder", folder_a_link)
    yield damaged("folder_open_to_all", lambda file: file.parent.chmod(0o777))
    yield damaged("folder_of_another_owner", lambda file: os.chown(file.parent, NOBODY, NOBODY))


def long_path(place: Place) -> None:
    target = place.folder
    while len(str(target)) < 3000:
        target /= "d" * 200
    target.parent.mkdir(parents=True)
    place.project.folder.rename(target)
    place.project.folder.symlink_to(target)


def linked(place: Place) -> None:
    real = place.folder / "real"
    place.project.folder.rename(real)
    place.project.folder.symlink_to(real)


def link_inside(name: str) -> Callable[[Place], None]:
    def prepare(place: Place) -> None:
        path = place.project.folder / name
        real = place.folder / "real"
        path.rename(real)
        path.symlink_to(real)

    return prepare


def dated(time: float) -> Callable[[Place], None]:
    def prepare(place: Place) -> None:
        for path in place.project.folder.rglob("*"):
            os.utime(path, (time, time))

    return prepare


def many_files(place: Place) -> None:
    for number in range(3000):
        write_to(f"project/data/{number}.py", "")(place)


def places() -> Iterator[Way]:
    for database in DATABASES:
        inside = 'cd -P . && exec "$@"'
        yield Way("project_path_of_3000_characters", database=database, prepare=long_path, shell=inside)
        yield Way("project_a_link", database=database, prepare=linked)
    yield Way("project_config_a_link", prepare=link_inside("alembic.ini"))
    # Nobody knows the owner of revisions outside the root: what they created is not safe to change.
    yield Way("project_versions_a_link", 1, prepare=link_inside("migrations/versions"))
    yield Way("project_of_1970", prepare=dated(0))
    yield Way("project_of_the_future", prepare=dated(4e9))
    yield Way("project_with_many_files", prepare=many_files)
    gone = 'mkdir gone && cd gone && rmdir "$PWD" && exec "$@"'
    for database in DATABASES:
        yield Way("cwd_deleted", 2, "does not exist any more", database, shell=gone)
    yield Way(
        "cwd_deleted_with_config", 2, "does not exist any more", shell=gone, argv=("-c", "{folder}/project/alembic.ini")
    )
    yield Way(
        "cwd_in_the_project",
        shell='cd migrations/versions && exec "$@"',
        argv=("-c", "../../alembic.ini"),
        status=3,
        said="Path doesn't exist: migrations",
    )
    yield Way("cwd_is_the_root", 2, "config", shell='cd / && exec "$@"')


def terminals() -> Iterator[Way]:
    yield from variables(
        "terminal",
        SQLITE,
        {
            "COLUMNS=1": None,
            "COLUMNS=0": None,
            "COLUMNS=-5": None,
            "COLUMNS=nonsense": None,
            "COLUMNS=100000": None,
            "LINES=0": None,
            "TERM=dumb": None,
            "TERM=nonsense": None,
            "TERM=": None,
            "NO_COLOR=1": None,
            "FORCE_COLOR=1": None,
            "CLICOLOR_FORCE=1": None,
            "PAGER=/nowhere": None,
        },
    )
    yield Way("terminal_TERM_unset", variables={"TERM": None})
    for name, given in {"plain": "TERM=xterm", "dumb": "TERM=dumb", "narrow": "COLUMNS=1"}.items():
        yield Way(f"terminal_real_{name}", shell=terminal(given), said="")


def terminal(assigned: str) -> str:
    """Run the tool on a terminal of its own, whose screen is thrown away."""
    end = "sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:], read)))"
    code = f"import os, pty, sys\nread = lambda fd: os.read(fd, 4096) and bytes(1)\n{end}"
    return f"{assigned} exec {TOOL[0]} -c '{code}' \"$@\" >/dev/null"


def jobs() -> Iterator[Way]:
    yield from variables(
        "ci",
        SQLITE,
        {
            "CI=true": None,
            "CI=nonsense": None,
            "GITHUB_ACTIONS=true": None,
            "GITHUB_STEP_SUMMARY=/nowhere/summary": None,
            "GITHUB_OUTPUT=/nowhere/output": None,
            "GITHUB_WORKSPACE=/nowhere": None,
            "GITHUB_EVENT_PATH=/nowhere": None,
            "GITHUB_EVENT_PATH=/etc/passwd": None,
            "GITHUB_BASE_REF=nowhere": None,
            "GITHUB_SERVER_URL=nonsense": None,
            "GITEA_ACTIONS=true": None,
            "GITLAB_CI=true": None,
            "CI_PROJECT_DIR=/nowhere": None,
            "CI_MERGE_REQUEST_IID=nonsense": None,
            "TEAMCITY_VERSION=1": None,
            "JENKINS_URL=nonsense": None,
        },
    )
    everything = {"GITHUB_ACTIONS": "true", "GITLAB_CI": "true", "CI": "true", "FORGEJO_ACTIONS": "true"}
    yield Way(
        "ci_all_at_once",
        variables=everything,
        argv=("-o", "github={folder}/out/github", "-o", "gitlab={folder}/out/gitlab.json"),
    )


def others() -> Iterator[Way]:
    yield from variables(
        "variable",
        SQLITE,
        {
            "VIRTUAL_ENV=/nowhere": None,
            "VIRTUAL_ENV=/etc/passwd": None,
            "VIRTUAL_ENV=": None,
            "CONDA_PREFIX=/nowhere": None,
            "FLASK_APP=nonsense": None,
            "DATABASE_URL=nonsense": None,
            "SQLALCHEMY_WARN_20=1": None,
            "GIT_DIR=/nowhere": None,
            "GIT_CONFIG_GLOBAL=/etc/passwd": None,
            "GIT_TRACE=2": None,
            "TZ=nonsense": None,
            "TZ=Pacific/Kiritimati": None,
            "SOURCE_DATE_EPOCH=0": None,
            "LD_LIBRARY_PATH=/nowhere": None,
            "MALLOC_PERTURB_=165": None,
            "SHELL=/nowhere": None,
            "ENV=/nowhere": None,
            "BASH_ENV=/nowhere": None,
            "IFS=/": None,
            "POSIXLY_CORRECT=1": None,
            "http_proxy=nonsense": None,
            "ODD=value": os.fsdecode(b"caf\xe9"),
            "LONG=value": "x" * 100_000,
            "NEWLINE=value": "a\nb\n",
            "ALEMBIC_REVIEW_NONSENSE=1": None,
        },
    )
    yield from variables("variable", POSTGRESQL, {"LD_LIBRARY_PATH=/nowhere": None, "TZ=nonsense": None})
    yield Way("variable_ALEMBIC_CONFIG", 2, "/nowhere", variables={"ALEMBIC_CONFIG": "/nowhere"})
    yield Way("variables_many", variables={f"V{number}": "x" * 50 for number in range(5000)})
    for database in DATABASES:
        yield Way(
            "no_variables",
            database=database,
            shell='exec env -i PYTHONPATH="$PYTHONPATH" "$@"',
            quick=database == SQLITE,
        )


CHANGES: dict[str, tuple[int, str, str, int]] = {
    "env_py_closed": (3, "Permission denied", "migrations/env.py", 0),
    "models_closed": (3, "Permission denied|models", "models.py", 0),
    "revision_closed": (3, "Permission denied", "migrations/versions/a1_book.py", 0),
    "versions_closed": (3, "versions", "migrations/versions", 0),
    "migrations_closed": (3, "migrations", "migrations", 0),
    "config_closed": (2, "can't be read", "alembic.ini", 0),
    "pyproject_closed": (2, "can't be read", "pyproject.toml", 0),
    "template_closed": (0, "", "migrations/script.py.mako", 0),
    "project_read_only": (0, "", ".", 0o555),
    "project_not_listable": (3, "no module stops", ".", 0o311),
}


# The rights of root are lost with the second program only.
ACCOUNT = f"setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups"


def unprivileged() -> Iterator[Way]:
    start = f'exec {ACCOUNT} /bin/sh -c \'"$@"\' sh "$@"'

    def closed(path: str, mode: int) -> Callable[[Place], None]:
        def prepare(place: Place) -> None:
            as_nobody(place)
            (place.project.folder / path).chmod(mode)

        return prepare

    for database in DATABASES:
        yield Way("nobody", database=database, prepare=as_nobody, shell=start)
        yield Way(
            "nobody_without_home",
            database=database,
            variables={"HOME": None, "XDG_CACHE_HOME": None},
            prepare=as_nobody,
            shell=start,
        )
        for mask in ("0777", "0277"):
            # The user's own new files can't be read: nothing can work, and the reason has to be named.
            shell = f"umask {mask}; {start}"
            yield Way(f"nobody_umask_{mask}", 3, "Permission denied", database=database, prepare=as_nobody, shell=shell)
        yield Way(
            "nobody_TMPDIR_read_only",
            database=database,
            variables={"TMPDIR": "{folder}/project"},
            prepare=closed(".", 0o555),
            shell=start,
        )
    for name, (status, said, path, mode) in CHANGES.items():
        yield Way(f"nobody_{name}", status, said, prepare=closed(path, mode), shell=start)
    yield Way(
        "nobody_output_closed",
        2,
        "permission denied",
        argv=("-o", "sarif=alembic.ini"),
        prepare=closed("alembic.ini", 0o444),
        shell=start,
    )
    yield Way(
        "nobody_in_a_folder_of_root", argv=("-o", "sarif=x.sarif"), status=2, said="permission denied", shell=start
    )
    yield Way("nobody_cache_of_root", database=POSTGRESQL, shell=start)


WAYS = [
    *streams(),
    *outputs(),
    *temporary(),
    *homes(),
    *programs(),
    *locales(),
    *pythons(),
    *servers(),
    *limits(),
    *signals(),
    *masks(),
    *caches(),
    *places(),
    *terminals(),
    *jobs(),
    *others(),
    *unprivileged(),
]


def _parameters() -> list[object]:
    names = [way.id for way in WAYS]
    assert len(set(names)) == len(names), sorted(name for name in names if names.count(name) > 1)
    return [pytest.param(way, id=way.id, marks=() if way.quick else pytest.mark.trust) for way in WAYS]


@pytest.fixture(scope="module")
def cache() -> Iterator[Path]:
    """A cache that an earlier run filled."""
    folder = short_folder("ac")
    project = make_project(folder / "project", POSTGRESQL)
    subprocess.run(
        TOOL, cwd=project.folder, env=environ(XDG_CACHE_HOME=str(folder / "cache")), check=True, capture_output=True
    )
    yield folder / "cache"
    remove(folder)


@pytest.fixture(scope="module")
def expected(cache: Path) -> dict[str, dict[str, Any]]:
    """What a run in a usual environment finds, for either database."""
    found = {}
    for database in DATABASES:
        place = make_place(database, cache)
        assert place.run(Way("usual")) == 0, place.stderr
        found[database] = place.result()
        place.end()
    return found


@pytest.fixture
def place(request: pytest.FixtureRequest, cache: Path) -> Iterator[Place]:
    """The place of one way."""
    made = make_place(request.node.callspec.params["way"].database, cache)
    yield made
    made.end()


@pytest.fixture(scope="module")
def nobody() -> None:
    """Skip where an account without rights can't be taken on, or can't read the interpreter."""
    command = [*ACCOUNT.split(), "/bin/sh", "-c", '"$@"', "sh", *TOOL, "--version"]
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root and setpriv")
    if subprocess.run(command, cwd="/", capture_output=True, check=False).returncode:
        pytest.skip("the account nobody can't read this interpreter")


@pytest.mark.parametrize("way", _parameters())
def test_environment(
    way: Way,
    place: Place,
    expected: dict[str, dict[str, Any]],
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> None:
    if way.name.startswith("nobody"):
        request.getfixturevalue("nobody")
    place.prepare(way)
    before = place.project.files()
    status = place.run(way)
    record_property("outcome", f"exit {status}")
    check(way, place, status, expected[way.database])
    assert place.project.files() == before
