"""Every report of every sample review, compared whole with a file.

The samples are themselves JSON reports, so they pin the JSON contract. After a wanted change, look at what
REWRITE_GOLDEN=1 pytest tests/reports/test_golden.py
makes of the files.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from alembic_review.reports import REPORTS, Format, Options
from alembic_review.reports.formats.json import read

GOLDEN = Path(__file__).parent.parent / "golden"
SAMPLES = sorted(path.stem for path in GOLDEN.glob("*.json"))
NAMES = [report.name for report in REPORTS]
VARIANTS = {
    "200": Options(width=200),
    "sql": Options(sql=True),
    "verbose": Options(verbose=True),
}


def _report(name: str) -> Format:
    return next(report for report in REPORTS if report.name == name)


def _golden(sample: str, name: str) -> Path:
    return GOLDEN / (f"{sample}.json" if name == "json" else f"{sample}.{name}.txt")


def _compare(text: str, golden: Path) -> None:
    if os.environ.get("REWRITE_GOLDEN") and golden.suffix != ".json":
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def _sample(name: str) -> str:
    return (GOLDEN / f"{name}.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("name", NAMES)
def test_report_is_the_golden_file(sample: str, name: str) -> None:
    _compare(_report(name).render(read(_sample(sample)), Options()), _golden(sample, name))


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_terminal_report_in_other_shapes(sample: str, variant: str) -> None:
    text = _report("terminal").render(read(_sample(sample)), VARIANTS[variant])
    _compare(text, _golden(sample, f"terminal-{variant}"))


def test_every_report_has_golden_files_and_every_golden_file_a_report() -> None:
    known = {_golden(sample, name).name for sample in SAMPLES for name in NAMES}
    known |= {_golden(sample, f"terminal-{variant}").name for sample in SAMPLES for variant in VARIANTS}
    assert {path.name for path in GOLDEN.iterdir() if path.is_file()} == known
    assert {"poser", "clean", "failed", "hostile"} <= set(SAMPLES)
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("name", [report.name for report in REPORTS if report.for_people])
def test_colours_change_nothing_but_colours(sample: str, name: str) -> None:
    review = read(_sample(sample))
    coloured = _report(name).render(review, Options(colour=True, sql=True))
    plain = _report(name).render(review, Options(sql=True))
    assert "\x1b[" in coloured or sample == "clean"
    stripped = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in stripped.splitlines()] == plain.splitlines()


@pytest.mark.parametrize("name", [report.name for report in REPORTS if report.for_people])
@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_hostile_names_neither_steer_the_terminal_nor_widen_the_page(name: str, width: int) -> None:
    review = read(_sample("hostile"))
    coloured = _report(name).render(review, Options(width=width, colour=True))
    text = _report(name).render(review, Options(width=width))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", text)
    assert not re.search(r"\x1b(?!\[[0-9;]*m)", coloured)
    assert max(map(len, text.splitlines())) <= width


def test_no_hyperlinks() -> None:
    for report in REPORTS:
        assert "\x1b]8" not in report.render(read(_sample("hostile")), Options(colour=True, sql=True))
