"""Tasks of this project: `nox -l` lists them. Nothing but Python, pip and Git has to be installed."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nox

nox.needs_version = ">=2026.10.20"  # for sessions side by side
nox.options.sessions = ["lint", "tests", "realapps", "docs"]
nox.options.error_on_missing_interpreters = True

PROJECT = nox.project.load_toml("pyproject.toml")
HERE = Path(__file__).resolve().parent
SAMPLE_REVIEW = HERE / "tests" / "golden" / "since.json"
APPLICATIONS = HERE / ".nox" / "applications"

# Files in memory, and how much room the tests of one session may need there.
MEMORY = Path("/dev/shm")  # noqa: S108 - the tests get a folder of their own in it
ROOM = 4 << 30

# The last Flask-SQLAlchemy for SQLAlchemy 1.4, and what works with it.
FLASK_14 = ("flask<2.3", "flask-migrate==4.0.7", "flask-sqlalchemy==2.5.1", "python-dotenv", "werkzeug<2.4")

# An application that can't leave SQLAlchemy 1.4 yet, with everything that the fixtures use.
SQLALCHEMY_14 = (
    "alembic-postgresql-enum",
    "alembic==1.19.2",
    "asyncpg",
    "greenlet",
    "pg8000",
    "psycopg2-binary",
    "sqlalchemy==1.4.54",
    *FLASK_14,
)

# The tests that start no application, and one whole run.
QUICK = (
    *(f"tests/{folder}" for folder in ("judge", "model", "reports", "worker")),
    "tests/apps/test_table.py::test_run[shipped-state-postgresql]",
)


def group(name: str) -> tuple[str, ...]:
    """The requirements of a dependency group of pyproject.toml."""
    return nox.project.dependency_groups(PROJECT, name)


def made(session: nox.Session) -> Path:
    """A folder for what a session makes. nox's own would become TMPDIR, and tests must not run below the checkout."""
    folder = Path(session.virtualenv.location).resolve() / "made"
    folder.mkdir(exist_ok=True)
    return folder


def wheel(session: nox.Session) -> Path:
    """Build what would be published, so that the tests see that and not the source folder."""
    folder = made(session) / "wheel"
    shutil.rmtree(folder, ignore_errors=True)
    session.run("python", "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), ".", silent=True)
    (built,) = folder.glob("*.whl")
    return built


def install_tool(session: nox.Session, *requirements: str, runs: bool = True) -> Path:
    """Install the wheel with its extra and ``requirements``; a wheel of the same version is replaced.

    What ``runs`` is compiled now, whatever the settings of pip are: the worker writes no bytecode and would compile it
    in each run. For tools that read source files this would be a third of the time of installing them.
    """
    built = wheel(session)
    compiled = "--compile" if runs else "--no-compile"
    session.install(compiled, f"{built}[postgres]", *requirements)
    session.install(compiled, "--force-reinstall", "--no-deps", str(built))
    return built


def sample_review(session: nox.Session, *arguments: str) -> Path:
    """Review the sample application, with every report that a job would keep; the JSON one."""
    fixtures = HERE / "fixtures"
    session.install(str(fixtures / "acme"), str(fixtures / "chronicle"), "--editable", str(fixtures / "poser"))
    reports = made(session)
    files = {"json": "review.json", "markdown": "review.md", "html": "review.html", "sarif": "review.sarif"}
    named = [part for form, file in files.items() for part in ("-o", f"{form}={reports / file}")]
    with session.chdir(fixtures / "poser"):
        session.run(
            *("alembic-review", "-c", "app/acme.conf", "--full", "-o", "terminal", *named, *arguments),
            # An application leaves this out: there a failed check fails the job. Here one that passes does.
            success_codes=[1],
        )
    return reports / "review.json"


def files_in_memory() -> bool:
    """Whether there is a file system in memory, large enough, where programs may run too."""
    if not MEMORY.is_dir() or not os.access(MEMORY, os.W_OK):
        return False
    status = os.statvfs(MEMORY)
    return status.f_bavail * status.f_frsize > ROOM and not status.f_flag & getattr(os, "ST_NOEXEC", 0)


@contextmanager
def temporary_files() -> Iterator[dict[str, str]]:
    """The variables for a session's temporary files, in memory where that is possible.

    Each whole run creates and deletes the thousand small files of a PostgreSQL data folder, which costs a quarter of
    its time on a disk. Nothing is left afterwards.
    """
    if not files_in_memory():
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="review-tests-", dir=MEMORY, ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o1777)  # as /tmp: root starts the scratch server from another account
        yield {"TMPDIR": folder}


def pytest(session: nox.Session, *arguments: str, **env: str) -> None:
    """Run pytest on every core; what stands after `--` on the command line of nox goes to it too."""
    command = ("python", "-m", "pytest", "-n", "auto", "--dist", "worksteal", *arguments, *session.posargs)
    with temporary_files() as variables:
        session.run(*command, env={**variables, **env})


@nox.session(allow_parallel=True)
def lint(session: nox.Session) -> None:
    """Style, types, and which room may import which."""
    install_tool(session, *group("lint"), *group("test"), *group("looks"), runs=False)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    # The two folders that run inside the application's interpreter, which may be older than ours; what only the types
    # of the public names lead to stays on our side.
    folders = ("src/alembic_review/worker", "src/alembic_review/model")
    session.run("mypy", "--python-version", "3.10", "--follow-imports", "silent", *folders)
    session.run("lint-imports", "--no-logo", env={"PYTHONPATH": "src"})


def stack_of_14(session: nox.Session) -> Path:
    """The interpreter of an environment with SQLAlchemy 1.4, for the applications of the tests."""
    stack = made(session) / "sqlalchemy-1.4"
    session.run("python", "-m", "venv", "--clear", str(stack), silent=True)
    python = stack / "bin" / "python"
    session.run(str(python), "-m", "pip", "install", "--quiet", "--compile", *SQLALCHEMY_14, external=True, silent=True)
    return python


@nox.session(allow_parallel=True)
def tests(session: nox.Session) -> None:
    """All tests but those on real applications; the worker and some sample applications on SQLAlchemy 1.4 too."""
    install_tool(session, *group("test"))
    python = stack_of_14(session)
    pytest(session)
    if not session.posargs:  # who picks tests by hand gets those, once
        pytest(session, "tests/apps", "-m", "both_stacks", ALEMBIC_REVIEW_APP_PYTHON=str(python))
        (older,) = python.parents[1].glob("lib/python*/site-packages")  # first on the path, it hides SQLAlchemy 2
        older_stack = {"PYTHONPATH": str(older), "SQLALCHEMY_SILENCE_UBER_WARNING": "1"}
        pytest(session, "tests/worker", "-m", "not one_stack", **older_stack)


@nox.session(name="tests-large")
def tests_large(session: nox.Session) -> None:
    """Also the tests marked `large`, with proofs in every run, and all of the sample applications on SQLAlchemy 1.4."""
    install_tool(session, *group("test"))
    python = stack_of_14(session)
    pytest(session, "-m", "large or not large", ALEMBIC_REVIEW_TESTS_PROVE="1")
    older = {"ALEMBIC_REVIEW_TESTS_PROVE": "1", "ALEMBIC_REVIEW_APP_PYTHON": str(python)}
    pytest(session, "tests/apps", "-m", "not one_stack and (large or not large)", **older)


@nox.session(reuse_venv=True)
def quick(session: nox.Session) -> None:
    """The fast checks of lint, the tests that start no application, and one whole run: under 90 seconds."""
    install_tool(session, *group("lint"), *group("test"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports", "--no-logo", env={"PYTHONPATH": "src"})
    pytest(session, *QUICK)


@nox.session
def properties(session: nox.Session) -> None:
    """The tests with random examples, with many more of them than `nox -s tests` draws."""
    install_tool(session, *group("test"))
    pytest(session, "-m", "hypothesis and (trust or not trust)", "--hypothesis-profile=thorough")


@nox.session
def trust(session: nox.Session) -> None:
    """Every way in tests/trust, and docs/trust.md from their outcomes; fails when one of them breaks its promise."""
    install_tool(session, *group("test"))
    outcomes = made(session) / "trust.xml"
    outcomes.unlink(missing_ok=True)
    with temporary_files() as variables:
        session.run(
            *("python", "-m", "pytest", "-n", "auto", "--dist", "worksteal"),
            # The default family of pytest has no properties of a single test.
            *("-o", "junit_family=xunit1", f"--junitxml={outcomes}"),
            *("tests/trust", "-m", "trust or not trust", *session.posargs),
            env=variables,
            success_codes=[0, 1],  # a way that failed is on the page, and fails the session after that
        )
    page = made(session) / "trust.md" if session.posargs else HERE / "docs" / "trust.md"  # part of the ways: no page
    session.run("python", "-m", "tests.trust.listing", str(outcomes), str(page))


@nox.session(allow_parallel=True)
def realapps(session: nox.Session) -> None:
    """Applications from the package index, unmodified, against what plain Alembic is known to find in them."""
    built = install_tool(session, *group("runner"))
    env = {"ALEMBIC_REVIEW_APPLICATIONS": str(APPLICATIONS)}
    session.run("python", "-m", "tests.realapps.environments", "--tool", str(built), env=env)
    pytest(session, "tests/realapps", "--ignore=tests/realapps/large", **env)


@nox.session(name="realapps-large")
def realapps_large(session: nox.Session) -> None:
    """Larger applications, with settings, contexts and several histories, against what plain Alembic finds in them."""
    built = install_tool(session, *group("runner"))
    env = {"ALEMBIC_REVIEW_APPLICATIONS": str(APPLICATIONS)}
    session.run("python", "-m", "tests.realapps.environments", "--session", session.name, "--tool", str(built), env=env)
    pytest(session, "tests/realapps/large", **env)


@nox.session
def lowest(session: nox.Session) -> None:
    """The tests with the lowest versions that pyproject.toml claims to work with."""
    requirements = [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["postgres"]]
    pins = [re.sub(r">=", "==", requirement, count=1) for requirement in requirements]
    constraints = made(session) / "lowest.txt"
    constraints.write_text("\n".join(pins) + "\n", encoding="utf-8")
    # These want a newer rich and click than we do, and what they check in our files depends on no version.
    checkers = ("check-jsonschema", "import-linter", "zizmor")
    others = [requirement for requirement in group("test") if not requirement.startswith((*checkers, "flask"))]
    install_tool(session, "--constraint", str(constraints), *others, *FLASK_14)
    ignored = ("--ignore=tests/test_architecture.py", "--ignore=tests/test_ci.py")
    # SQLAlchemy 1.4 would tell everybody that there is a 2.0.
    pytest(session, *ignored, SQLALCHEMY_SILENCE_UBER_WARNING="1")


@nox.session
def review(session: nox.Session) -> None:
    """Review the sample application the way its own CI would; it ships with a blocked change, so the check fails."""
    install_tool(session)
    sample_review(session, *session.posargs)


@nox.session
def looks(session: nox.Session) -> None:
    """The HTML report in a real Chromium: filters, keyboard, contrast, print, and nothing that leaves the page."""
    install_tool(session, *group("test"), *group("looks"))
    # One browser is enough: no `-n auto` here.
    session.run("python", "-m", "pytest", "tests/looks", *session.posargs)


@nox.session(allow_parallel=True)
def docs(session: nox.Session) -> None:
    """Build the documentation; a dead link, or a page that describes what is not there, fails."""
    session.install("--no-compile", ".", *group("docs"))
    site = made(session) / "site"
    # Material prints a notice about the next major version of MkDocs.
    session.run("mkdocs", "build", "--strict", "--site-dir", str(site), env={"NO_MKDOCS_2_WARNING": "1"})
    session.log(f"The documentation is in {site / 'index.html'}")


@nox.session
def captures(session: nox.Session) -> None:
    """Make the pictures in docs/captures anew, from a review of the sample application."""
    install_tool(session, *group("test"), *group("looks"))
    review = sample_review(session)
    session.run(
        "python", "-m", "tests.looks.captures", str(review), str(SAMPLE_REVIEW), str(HERE / "docs" / "captures")
    )


@nox.session
def speed(session: nox.Session) -> None:
    """Time and memory of one review of rattail beside `alembic upgrade heads` and `alembic check`; cost of reports."""
    built = install_tool(session, *group("test"))
    env = {"ALEMBIC_REVIEW_APPLICATIONS": str(APPLICATIONS)}
    session.run("python", "-m", "tests.realapps.environments", "--tool", str(built), env=env)
    session.run("python", "-m", "benchmarks.compare_with_alembic", *session.posargs, env=env)
    session.run("python", "-m", "benchmarks.many_reports")
    page = HERE / "docs" / "performance.md"
    session.run("python", "-m", "benchmarks.speed", "--page", str(page), *session.posargs)
