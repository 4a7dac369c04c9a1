"""Two pull requests that each add a revision after the same one: AR515, and ``revision --rebase`` for the second."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .edits import HEAD, VERSIONS, Edit, Replace, Write, revision
from .harness import LIMIT_SECONDS, Application, run_alembic, run_tool
from .pull_request import branched, commit, git
from .scenario import review_of, tree
from .test_revision import CONF, Ran

pytestmark = pytest.mark.one_stack

MERGED, OURS, NEXT = "aa11aa11aa11", "bb22bb22bb22", "cc33cc33cc33"
COLUMN = "op.add_column('poser_widget', sa.Column('{}', sa.Integer()))"
FILE = f"{VERSIONS}/{OURS}_step.py"
HEADER = Replace(
    FILE, '"""a further step"""', f'"""a further step\n\nRevision ID: {OURS}\nRevises: {HEAD}\n\n"""  # ours'
)


def ours(*more: Edit, column: str = "more") -> tuple[Edit, ...]:
    return (*revision(COLUMN.format(column), id=OURS), HEADER, *more)


def pull_request(folder: Path, edits: tuple[Edit, ...]) -> Application:
    """A pull request, while ``main`` has got a revision of another one."""
    application = branched(folder, edits)
    git(application.project, "checkout", "--quiet", "main")
    for edit in revision(COLUMN.format("other"), id=MERGED):
        edit.apply(application.locate)
    commit(application, "another pull request")
    git(application.project, "checkout", "--quiet", "topic")
    return application


def rebase(application: Application, *arguments: str) -> Ran:
    command = [sys.executable, "-m", "alembic_review", "revision", "-c", CONF, "--rebase", *arguments]
    done = subprocess.run(
        [*command, "--python", str(application.environment.python)],
        cwd=application.project,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    ran = Ran(done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in ran.stdout + ran.stderr, ran.explain()
    return ran


def heads(application: Application) -> list[str]:
    lines = run_alembic(application, "-c", CONF, "heads").stdout.splitlines()
    return [line.split()[0] for line in lines if "(head)" in line]


def behind(application: Application) -> list[str]:
    found = review_of(run_tool(application, "--since", "main"))["findings"]
    return [finding["message"] for finding in found if finding["code"] == "AR515"]


def test_the_second_pull_request_is_told_and_moved_before_it_is_merged(tmp_path: Path) -> None:
    application = pull_request(tmp_path, (*ours(), *revision("pass", id=NEXT, down=OURS)))
    run = run_tool(application, "--since", "main")
    (finding,) = [one for one in review_of(run)["findings"] if one["code"] == "AR515"]
    assert finding["message"] == (
        f"Revision {OURS} follows {HEAD}, but the head of main is {MERGED}: a merge leaves several heads."
    )
    assert (finding["severity"], finding["blocks"], run.status) == ("warning", False, 0)
    assert finding["location"]["path"] == FILE
    before, text = tree(application.project), (application.project / FILE).read_text()
    shown = rebase(application, "--dry-run")
    assert shown.status == 0, shown.explain()
    assert f"-Revises: {HEAD}\n+Revises: {MERGED}\n" in shown.stdout
    assert f'-down_revision = "{HEAD}"\n+down_revision = "{MERGED}"\n' in shown.stdout
    assert f"Would move revision {OURS} behind {MERGED} of main: {FILE}" in shown.stderr
    assert tree(application.project) == before
    ran = rebase(application)
    assert ran.status == 0, ran.explain()
    assert (
        f"Moved revision {OURS} behind {MERGED} of main: {FILE}\n  {MERGED} is not in this checkout yet" in ran.stdout
    )
    after = tree(application.project)
    assert [name for name, digest in after.items() if before[name] != digest] == [FILE]
    assert (application.project / FILE).read_text() == text.replace(HEAD, MERGED)
    commit(application, "moved")
    git(application.project, "merge", "--quiet", "--no-edit", "main")
    assert heads(application).count(NEXT) == 1
    assert OURS not in heads(application)
    assert MERGED not in heads(application)
    assert behind(application) == []


def test_a_pull_request_that_has_merged_main(tmp_path: Path) -> None:
    application = pull_request(tmp_path, ours())
    git(application.project, "merge", "--quiet", "--no-edit", "main")
    assert len(behind(application)) == 1
    ran = rebase(application, "--since", "main")
    assert (ran.status, ran.stdout) == (0, f"Moved revision {OURS} behind {MERGED} of main: {FILE}\n"), ran.explain()
    assert heads(application).count(OURS) == 1
    assert MERGED not in heads(application)
    again = rebase(application, MERGED)
    assert (again.status, again.stdout) == (0, "")
    assert again.stderr == f"Nothing to move: revision {OURS} follows {MERGED} already.\n"


def test_revisions_that_do_not_work_in_the_new_order_stay_as_they_are(tmp_path: Path) -> None:
    application = pull_request(tmp_path, ours(column="other"))
    before = tree(application.project)
    ran = rebase(application)
    assert ran.status == 1, ran.explain()
    assert "The revisions do not work in the new order." in ran.stderr
    assert f"{application.project}/{FILE}" in ran.stderr.replace("\n", "")
    assert "Nothing was written. Merge main into this branch and repeat the command." in ran.stderr
    assert tree(application.project) == before


@pytest.mark.parametrize(
    ("edits", "arguments", "said"),
    [
        (
            (*ours(), *revision("pass", id=NEXT)),
            (),
            f"2 new revisions follow merged ones: {OURS}, {NEXT}.",
        ),
        (
            (
                *ours(),
                *revision("pass", id=NEXT, down=OURS),
                *revision("pass", id="dd44dd44dd44", down=OURS),
                Write(
                    f"{VERSIONS}/merge.py",
                    f'revision = "ee55ee55ee55"\ndown_revision = ("{NEXT}", "dd44dd44dd44")\n'
                    "branch_labels = None\ndepends_on = None\n\n\ndef upgrade():\n    pass\n",
                ),
            ),
            (),
            "ee55ee55ee55 is a merge revision, which --rebase does not move.",
        ),
        (ours(), ("nowhere",), "--rebase: There is no revision nowhere."),
        (
            ours(Replace(FILE, "down_revision =", "down_revision = parent =")),
            (),
            f"{FILE} can't be edited: its `down_revision` is not assigned by a statement of its own.",
        ),
    ],
)
def test_what_is_refused(tmp_path: Path, edits: tuple[Edit, ...], arguments: tuple[str, ...], said: str) -> None:
    application = pull_request(tmp_path, edits)
    before = tree(application.project)
    ran = rebase(application, *arguments)
    assert ran.status == 2, ran.explain()
    assert said in ran.stderr, ran.explain()
    assert "Hint: " in ran.stderr
    assert tree(application.project) == before


def test_a_revision_of_main_that_only_running_would_tell(tmp_path: Path) -> None:
    application = pull_request(tmp_path, ours())
    git(application.project, "checkout", "--quiet", "main")
    path = application.project / f"{VERSIONS}/{MERGED}_step.py"
    path.write_text(path.read_text().replace(f'down_revision = "{HEAD}"', f'down_revision = "".join(["{HEAD}"])'))
    commit(application, "computed")
    git(application.project, "checkout", "--quiet", "topic")
    review = review_of(run_tool(application, "--since", "main"))
    assert not [finding for finding in review["findings"] if finding["code"] == "AR515"]
    (line,) = [line for line in review["provenance"]["not_checked"] if "follow the head of main" in line]
    assert line.endswith(f" ({VERSIONS}/{MERGED}_step.py: its `down_revision` is not a literal)")
    ran = rebase(application)
    assert ran.status == 3, ran.explain()
    assert f"A revision of main can't be read: {VERSIONS}/{MERGED}_step.py" in ran.stderr
