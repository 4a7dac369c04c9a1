"""AR610 to AR628: what the models have and the database lacks, or the reverse."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alembic_review.model.proofs import BLIND_SPOTS, ROLLING, BlindSpot, BlindSpots, Proofs, Proved
from alembic_review.model.review import ProofState, Severity
from tests.judge.checks import proved
from tests.judge.checks.proved import SPOTS, WIDGET, spots
from tests.judge.world import APP_REVISION, basics, key


@pytest.mark.parametrize("code", SPOTS)
def test_what_is_and_what_is_wanted_are_the_databases_own_text(code: str) -> None:
    world = basics()
    spots(world, SPOTS[code])
    (finding,) = world.review().findings
    assert (finding.code, finding.proof, finding.table) == (code, BLIND_SPOTS, "poser_widget")
    assert finding.observed == {"is": SPOTS[code].existing or None, "wanted": SPOTS[code].wanted or None}
    assert not finding.blocks
    assert [one.state for one in world.review().proofs] == [ProofState.FOUND]


@pytest.mark.parametrize("code", SPOTS)
def test_a_database_that_has_more_is_info(code: str) -> None:
    world = basics()
    spots(world, replace(SPOTS[code], existing="something", wanted="", weaker=False))
    (finding,) = world.review().findings
    assert (finding.code, finding.severity) == (code, Severity.INFO)
    assert finding.message.startswith("The database has ")
    assert finding.hint == "Declare it in the models, or drop it in a revision."


@pytest.mark.parametrize("code", SPOTS)
def test_on_a_core_table_it_is_info_unless_the_application_causes_it(code: str) -> None:
    product = key("product")
    spot = replace(SPOTS[code], key=product, users=(product,) if SPOTS[code].users else ())
    world = basics()
    spots(world, spot)
    (finding,) = world.review().findings
    assert (finding.code, finding.severity) == (code, Severity.INFO)


def test_where_nothing_is_custom_the_framework_itself_is_reviewed() -> None:
    world = basics()
    world.settings = replace(world.settings, custom=())
    spots(world, replace(SPOTS["AR611"], key=key("product")))
    (finding,) = [one for one in world.review().findings if one.code == "AR611"]
    assert finding.severity is Severity.WARNING


def test_a_core_table_that_a_revision_of_the_application_altered_counts() -> None:
    world = basics()
    world.alter(APP_REVISION, "product", "column", "altered", "name")
    spots(world, BlindSpot("server_default", key("product"), "name", existing="", wanted="'x'::text"))
    findings = [one for one in world.review().findings if one.code == "AR612"]
    assert [one.severity for one in findings] == [Severity.WARNING]


def test_a_type_of_several_tables_counts_where_one_is_the_applications() -> None:
    world = basics()
    spots(world, replace(SPOTS["AR610"], key=key("product"), users=(key("product"), WIDGET)))
    (finding,) = world.review().findings
    assert finding.severity is Severity.WARNING


@pytest.mark.parametrize(
    ("spot", "message"),
    [
        (
            SPOTS["AR611"],
            "The database lacks the CHECK `ck_size` of `poser_widget` that the models declare: CHECK ((size > 0)).",
        ),
        (
            SPOTS["AR610"],
            "The enum type `size_kind` of `poser_widget.size` differs: a in the database, a, b in the models.",
        ),
        (
            replace(SPOTS["AR611"], renamed=True, existing="a", wanted="b", weaker=False),
            "The CHECK of `poser_widget` is named `a` in the database, `b` in the models.",
        ),
        (
            replace(SPOTS["AR622"], key=None),
            "The database lacks the sequence `size_no` that the models declare: AS bigint INCREMENT BY 1.",
        ),
    ],
)
def test_the_message_names_both(spot: BlindSpot, message: str) -> None:
    world = basics()
    spots(world, spot)
    (finding,) = world.review().findings
    assert finding.message == message


def test_the_fingerprint_is_that_of_what_is_wanted() -> None:
    def fingerprint(spot: BlindSpot) -> str:
        world = basics()
        spots(world, spot)
        (finding,) = world.review().findings
        return finding.fingerprint

    spot = SPOTS["AR617"]
    assert fingerprint(spot) == fingerprint(replace(spot, existing="USING btree (name)", revised=True))
    assert fingerprint(spot) != fingerprint(replace(spot, wanted="USING gin (size)"))


def test_what_could_not_be_built_is_not_checked() -> None:
    world = basics()
    spots(world, not_checked=("blind spots of poser_widget (type geometry does not exist)",))
    review = world.review()
    assert [(one.state, one.reason) for one in review.proofs] == [
        (ProofState.NOT_DONE, "blind spots of poser_widget (type geometry does not exist)")
    ]
    assert "blind spots of poser_widget (type geometry does not exist)" in review.provenance.not_checked


def test_what_was_compared_is_not_listed_as_not_checked() -> None:
    world = basics()
    world.databases[0].not_checked, world.databases[0].unseen = ["enum values", "views"], ["views"]
    assert {"enum values", "views"} <= set(world.review().provenance.not_checked)
    spots(world)
    assert world.review().provenance.not_checked == ("views",)
    proved.proved(world, Proved(BLIND_SPOTS, 0, reason="somebody is connected"))
    assert "enum values" in world.review().provenance.not_checked


def test_proofs_without_anything_to_do_held() -> None:
    world = basics()
    world.proofs = Proofs((Proved(BLIND_SPOTS, 0),), names=("rows", BLIND_SPOTS), idle=("rows",))
    review = world.review()
    assert [(one.proof, one.state) for one in review.proofs] == [
        ("rows", ProofState.HELD),
        (BLIND_SPOTS, ProofState.HELD),
    ]
    assert not any("proof" in line for line in review.provenance.not_checked)


def with_base(*now: BlindSpot, base: tuple[BlindSpot, ...]) -> list[tuple[str, str]]:
    """Code and message of what is found in a pull request."""
    world = basics()
    found = (
        Proved(BLIND_SPOTS, 0, blind_spots=BlindSpots((WIDGET,), now)),
        Proved(ROLLING, 0, blind_spots=BlindSpots((WIDGET,), base)),
    )
    world.proofs = Proofs(found, names=(BLIND_SPOTS, ROLLING))
    return [(one.code, one.message) for one in world.review().findings]


OLD, OTHER, NEW = SPOTS["AR611"], SPOTS["AR612"], SPOTS["AR617"]


def test_what_the_base_has_already_is_one_line_for_each_owner() -> None:
    folded = "2 differences between the tables of poser and the models that this pull request did not cause: "
    assert with_base(OLD, OTHER, base=(OTHER, OLD)) == [("AR611", f"{folded}`poser_widget`.")]
    codes = [code for code, _ in with_base(OLD, OTHER, NEW, base=(OTHER, OLD))]
    assert codes == ["AR611", "AR617"]


def test_what_the_pull_request_causes_is_reported_each() -> None:
    other = replace(OLD, wanted="CHECK ((size > 5))")
    assert [code for code, _ in with_base(OLD, base=(other,))] == ["AR611"]
    (one,) = with_base(replace(OLD, revised=True), base=(OLD,))
    assert one[1].startswith("The database lacks the CHECK ")
