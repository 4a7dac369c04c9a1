"""What users copy into their CI: the action, the hook and the recipes of the docs, all of them linted and run."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from alembic_review.cli import outputs
from alembic_review.cli.commands import DEFAULT, cli
from alembic_review.reports import REPORTS

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = REPOSITORY / "docs" / "how-to"
TOOLS = Path(sys.executable).parent

GITHUB_REVIEW, GITHUB_COMMENT, GITHUB_ACTION = "github-0", "github-1", "github-2"
GITLAB, FORGEJO, PRE_COMMIT, README = "gitlab-0", "forgejo-0", "pre-commit-0", "README-0"
SCHEMAS = {
    GITHUB_REVIEW: "vendor.github-workflows",
    GITHUB_COMMENT: "vendor.github-workflows",
    GITHUB_ACTION: "vendor.github-workflows",
    FORGEJO: "vendor.github-workflows",
    README: "vendor.github-workflows",
    GITLAB: "vendor.gitlab-ci",
}


def recipes() -> dict[str, str]:
    """The YAML blocks of the pages, by page and place, with what the reader fills in filled in."""
    return {
        f"{page.stem}-{number}": block.replace("OWNER", "acme").replace("COMMIT", "0" * 40)
        for page in (REPOSITORY / "README.md", *sorted(PAGES.glob("*.md")))
        for number, block in enumerate(re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL))
    }


def read(text: str) -> Any:
    # BaseLoader: `on` is no truth value, and 3.10 no number.
    return yaml.load(text, Loader=yaml.BaseLoader)


def action() -> Any:
    return read((REPOSITORY / "action.yml").read_text())


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Every recipe in a file of its own."""
    written = {name: tmp_path / f"{name}.yml" for name in recipes()}
    for name, text in recipes().items():
        written[name].write_text(text)
    return written


def test_every_recipe_is_known_to_these_tests() -> None:
    assert set(recipes()) == {*SCHEMAS, PRE_COMMIT}


def test_zizmor_finds_nothing(files: dict[str, Path]) -> None:
    looked_at = [REPOSITORY / "action.yml", *(files[name] for name in (GITHUB_REVIEW, GITHUB_COMMENT, GITHUB_ACTION))]

    done = subprocess.run(
        [TOOLS / "zizmor", "--offline", "--no-progress", "--persona=pedantic", "--format=plain", *looked_at],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "No findings to report" in done.stdout
    assert done.stderr.count("completed") >= len(looked_at)


@pytest.mark.parametrize("name", [*SCHEMAS, "action"])
def test_the_published_schemas_are_kept(files: dict[str, Path], name: str) -> None:
    path = files.get(name, REPOSITORY / "action.yml")
    schema = SCHEMAS.get(name, "vendor.github-actions")

    done = subprocess.run(
        [TOOLS / "check-jsonschema", "--builtin-schema", schema, path],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 0, done.stdout


def test_every_action_is_pinned_with_its_version_and_the_same_everywhere() -> None:
    texts = [(REPOSITORY / "action.yml").read_text(), *(recipes()[name] for name in (*SCHEMAS, PRE_COMMIT))]
    uses = [line for text in texts for line in re.findall(r"uses: (.*)", text) if "acme/alembic-review" not in line]

    assert uses
    assert [line for line in uses if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []
    versions: dict[str, set[str]] = {}
    for line in uses:
        versions.setdefault(line.rpartition(" ")[2] + line.partition("@")[0], set()).add(line)
    assert {name: lines for name, lines in versions.items() if len(lines) > 1} == {}


def test_the_workflow_that_runs_strangers_code_can_do_nothing() -> None:
    workflow = read(recipes()[GITHUB_REVIEW])
    (job,) = workflow["jobs"].values()

    assert workflow["on"] == "pull_request"
    assert workflow["permissions"] == {}
    assert job["permissions"] == {"contents": "read"}
    assert "secrets." not in recipes()[GITHUB_REVIEW]
    assert "token" not in recipes()[GITHUB_REVIEW].lower()
    checkout, *_, upload = job["steps"]
    assert checkout["with"]["persist-credentials"] == "false"
    assert upload["with"]["path"] == "review.json"


def test_the_workflow_that_comments_runs_no_strangers_code() -> None:
    workflow = read(recipes()[GITHUB_COMMENT])
    review = read(recipes()[GITHUB_REVIEW])
    (job,) = workflow["jobs"].values()
    used = [step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step]
    ran = [step["run"] for step in job["steps"] if "run" in step]

    assert workflow["on"]["workflow_run"]["workflows"] == [review["name"]]
    assert workflow["permissions"] == {}
    assert job["permissions"] == {"actions": "read", "pull-requests": "write"}
    assert used == ["actions/setup-python", "actions/download-artifact"]
    assert ran[1:] == ['alembic-review publish "$RUNNER_TEMP/report/review.json"']
    assert "${{" not in "".join(ran)
    # The tool is there before the stranger's file is, and the file is kept apart from it.
    steps = [step.get("uses", step.get("run", "")) for step in job["steps"]]
    assert "pip install" in steps[1]
    assert "download-artifact" in steps[2]
    assert job["steps"][2]["with"]["path"] == "${{ runner.temp }}/report"
    assert [step for step in job["steps"][:-1] if "env" in step] == []


def test_no_recipe_shows_the_token_to_the_review() -> None:
    gitlab = read(recipes()[GITLAB])
    assert gitlab["alembic-review-comment"]["variables"] == {"GIT_STRATEGY": "none"}
    assert "environment" not in gitlab["alembic-review"]
    (forgejo,) = read(recipes()[FORGEJO])["jobs"].values()
    *others, comment = forgejo["steps"]
    assert "FORGEJO_TOKEN" in comment["env"]
    assert "env" not in forgejo
    assert [step for step in others if "env" in step or "token" in str(step).lower()] == []
    steps = action()["runs"]["steps"]
    assert [step["name"] for step in steps if "inputs.token" in str(step)] == ["Comment on the pull request"]


def commands() -> list[tuple[str, list[str]]]:
    """Every call of alembic-review in a recipe, with its arguments."""
    found = []
    for name, text in recipes().items():
        lines = re.findall(r"(?:^|[\s/])alembic-review((?: (?:publish|-).*)?)$", text, re.MULTILINE)
        found += [(name, shlex.split(line)) for line in lines if line.strip()]
    (hook,) = read(recipes()[PRE_COMMIT])["repos"][0]["hooks"]
    return [*found, (PRE_COMMIT, list(hook["args"]))]


def left_over(command: str, arguments: list[str]) -> list[str]:
    """What the command does not understand; an option that it does not know raises."""
    # With its group, as always: click remembers the first names of the help option.
    with click.Context(cli, **cli.context_settings) as group:
        return cli.commands[command].make_context(command, list(arguments), parent=group).args


@pytest.mark.parametrize(("name", "arguments"), commands(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_command_of_a_recipe_is_understood(name: str, arguments: list[str]) -> None:
    publish = arguments[0] == "publish"

    assert left_over("publish" if publish else DEFAULT, arguments[publish:]) == [], name


@pytest.mark.parametrize(("name", "arguments"), commands(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_report_of_a_recipe_is_one(name: str, arguments: list[str]) -> None:
    named = [arguments[place + 1] for place, word in enumerate(arguments) if word == "-o"]

    assert len(outputs.parse(named)) == len(named), name


def test_every_recipe_fails_on_pending_changes() -> None:
    reviews = [arguments for _name, arguments in commands() if arguments[0] != "publish"]
    (hook,) = read((REPOSITORY / ".pre-commit-hooks.yaml").read_text())

    assert len(reviews) == 4
    for arguments in (*reviews, hook["args"]):
        assert arguments[arguments.index("--fail-on") + 1] == "pending", arguments
    page = (PAGES / "nox.md").read_text()
    (session,) = re.findall(r"session\.run\(.*?^```", page, re.MULTILINE | re.DOTALL)
    assert '"--fail-on", "pending"' in session
    assert action()["inputs"]["fail-on"]["default"] == "pending"


def test_gitlab_reads_the_code_quality_that_the_job_writes() -> None:
    job = read(recipes()[GITLAB])["alembic-review"]

    assert job["artifacts"]["when"] == "always"
    quality = job["artifacts"]["reports"]["codequality"]
    assert f"-o gitlab={quality}" in job["script"][-1]


def test_code_scanning_gets_no_report_of_a_run_that_could_not_review() -> None:
    (step,) = [step for step in action()["runs"]["steps"] if "upload-sarif" in step.get("uses", "")]

    statuses = re.findall(r"status == '(\d)'", step["if"])
    assert statuses == ["0", "1"]
    assert step["with"]["sarif_file"].endswith("/review.sarif")
    (job,) = read(recipes()[GITHUB_ACTION])["jobs"].values()
    assert job["permissions"] == {"contents": "read", "security-events": "write"}


def test_every_recipe_calls_the_tool() -> None:
    called = [name for name, _arguments in commands()]

    assert sorted(called) == sorted([GITHUB_REVIEW, GITHUB_COMMENT, GITLAB, GITLAB, FORGEJO, FORGEJO, PRE_COMMIT])


def test_the_page_lists_every_input_of_the_action() -> None:
    page = (PAGES / "github.md").read_text()

    assert [name for name in action()["inputs"] if f"| `{name}` |" not in page] == []
    assert [name for name in action()["outputs"] if f"`{name}`" not in page] == []
    for name in (GITHUB_ACTION, README):
        (job,) = read(recipes()[name])["jobs"].values()
        assert set(job["steps"][-1]["with"]) <= set(action()["inputs"])


def test_no_expression_is_pasted_into_a_script() -> None:
    scripts = [step["run"] for step in action()["runs"]["steps"] if "run" in step]

    assert len(scripts) == 4
    assert [script for script in scripts if "${{" in script] == []


def test_the_pages_are_linked() -> None:
    page = (PAGES / "index.md").read_text()

    assert [path.name for path in PAGES.glob("*.md") if path.name != "index.md" and f"({path.name})" not in page] == []


def test_the_hook_names_the_command_and_the_extra() -> None:
    import tomllib

    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    (hook,) = read((REPOSITORY / ".pre-commit-hooks.yaml").read_text())

    assert hook["id"] == read(recipes()[PRE_COMMIT])["repos"][0]["hooks"][0]["id"]
    assert hook["entry"] in project["scripts"]
    assert hook["additional_dependencies"] == project["optional-dependencies"]["postgres"]
    assert hook["pass_filenames"] == "false"


# The action's scripts, run as the runner does, with a tool that only takes note

STUB = """\
#!/bin/bash
printf '%s\\n' "$@" > "$NOTES"
env > "$NOTES.env"
for argument in "$@"; do
  case "$argument" in
    json=*|markdown=*|html=*|sarif=*|github=*) [ "$STATUS" = 2 ] || echo "${argument%%=*}" > "${argument#*=}";;
  esac
done
exit "$STATUS"
"""


def script(name: str) -> str:
    (found,) = [step["run"] for step in action()["runs"]["steps"] if step["name"] == name]
    return str(found)


def bash(script: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """As the runner does: `bash --noprofile --norc -eo pipefail`, with files for outputs and summary."""
    files = {"GITHUB_OUTPUT": str(folder / "output"), "GITHUB_STEP_SUMMARY": str(folder / "summary")}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        env={"PATH": os.environ["PATH"], "RUNNER_TEMP": str(folder), "NOTES": str(folder / "notes"), **files, **env},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as the first step leaves it, with the stub in place of the tool."""
    tool = tmp_path / "with space" / "venv" / "bin" / "alembic-review"
    tool.parent.mkdir(parents=True)
    tool.write_text(STUB)
    tool.chmod(0o755)
    return tmp_path / "with space"


def run_review(folder: Path, status: int, **env: str) -> subprocess.CompletedProcess[str]:
    given = {"FOLDER": str(folder), "CONFIG": "", "APPLICATION_PYTHON": "python", "ARGUMENTS": "", **env}
    return bash(script("Review"), folder, STATUS=str(status), **given)


@pytest.mark.parametrize("status", [0, 1, 2, 3])
def test_the_action_keeps_the_exit_status_until_all_is_written(folder: Path, status: int) -> None:
    done = run_review(folder, status)

    assert done.returncode == 0, done.stderr
    outputs = (folder / "output").read_text().splitlines()
    assert outputs == ["written=true"] * (status != 2) + [f"status={status}", f"reports={folder}/reports"]
    assert (folder / "summary").exists() == (status != 2)
    assert done.stdout == "github\n" * (status != 2)
    last = script("Pass on the exit status")
    assert bash(last, folder, STATUS=str(status)).returncode == status
    assert bash(last, folder, STATUS="").returncode == 3


def test_the_action_passes_arguments_on_as_they_are(folder: Path) -> None:
    hostile = '--root\n/a b\n\n-x\n$(touch pwned) `id` "quoted" *\n--fail-on\npending\n'

    assert run_review(folder, 0, CONFIG="my app/$x.conf", ARGUMENTS=hostile).returncode == 0

    told = (folder / "notes").read_text().splitlines()
    kept = (("json", "json"), ("markdown", "md"), ("html", "html"), ("sarif", "sarif"))
    outputs = [f"github={folder}/annotations", *(f"{kind}={folder}/reports/review.{end}" for kind, end in kept)]
    assert told[:6] == ["review", "--python", "python", "--full", "-o", "terminal"]
    assert told[6:16] == [word for output in outputs for word in ("-o", output)]
    assert told[16:] == ["-c", "my app/$x.conf", "--root", "/a b", "-x", hostile.split("\n")[4], "--fail-on", "pending"]
    assert not (folder / "pwned").exists()
    assert (folder / "summary").read_text() == "markdown\n"


@pytest.mark.parametrize(
    ("kinds", "options"),
    [
        ("pending", ["--fail-on=pending"]),
        ("pending  upstream\nwarning\n", ["--fail-on=pending", "--fail-on=upstream", "--fail-on=warning"]),
        ("never", ["--fail-on=never"]),
        ("", []),
        ("$(touch pwned) *", ["--fail-on=$(touch", "--fail-on=pwned)", "--fail-on=*"]),
    ],
)
def test_the_action_names_the_kinds_that_fail_the_check(folder: Path, kinds: str, options: list[str]) -> None:
    assert run_review(folder, 0, FAIL_ON=kinds).returncode == 0
    told = (folder / "notes").read_text().splitlines()
    assert [word for word in told if word.startswith("--fail-on")] == options
    assert not (folder / "pwned").exists()


def test_the_action_publishes_with_its_key(folder: Path) -> None:
    done = bash(
        script("Comment on the pull request"), folder, FOLDER=str(folder), KEY="a b", GITHUB_TOKEN="t", STATUS="0"
    )

    assert done.returncode == 0, done.stderr
    told = (folder / "notes").read_text().splitlines()
    assert told == ["publish", f"{folder}/reports/review.json", "--key", "a b"]


def test_the_action_asks_for_options_that_there_are(folder: Path) -> None:
    run_review(folder, 0)
    told = (folder / "notes").read_text().splitlines()

    assert left_over("review", told[1:]) == []
    formats = {told[place + 1].partition("=")[0] for place, word in enumerate(told) if word == "-o"}
    assert formats == {"json", "markdown", "html", "terminal", "sarif", "github"}
    assert formats <= {report.name for report in REPORTS}
