"""The HTML report in a real Chromium."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from alembic_review.model.review import Review, Severity
from alembic_review.reports import Options, Rule
from tests.looks.browser import Opened
from tests.reports.formats.html.test_page import ATTACKED, request
from tests.reports.samples import NAMES, sample

NARROW, WIDE = 380, 1400
REVIEWS = {name: sample(name) for name in NAMES} | {
    "request": request(sample("poser")),
    "attacked": ATTACKED,
}
ARTICLES = "main article"

# Text whose contrast with what is behind it is less than WCAG 2 asks of normal text (AA).
FAINT = """() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    const box = element.closest("g.table");
    if (box) return rgb(getComputedStyle(box.querySelector("rect")).fill);
    for (let at = element; at; at = at.parentElement) {
      const colour = rgb(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    throw new Error("nothing behind");
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const [one, other] = [rgb(element.closest("text") ? style.fill : style.color), behind(element)].map(light);
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < 4.5) faint.push(`${ratio.toFixed(2)} ${walker.currentNode.data.trim().slice(0, 40)}`);
  }
  return faint;
}"""
# What sticks out of the page on the right, except where it may be scrolled.
STICKING_OUT = """() => [...document.querySelectorAll("body *")]
  .filter((element) => !element.closest(".scroll > *, .skip, [hidden], script"))
  .filter((element) => element.getBoundingClientRect().right > innerWidth + 0.5)
  .map((element) => element.outerHTML.slice(0, 120))"""
OPEN_ALL = "() => { for (const details of document.querySelectorAll('details')) details.open = true; }"


def visible(page: Page, selector: str) -> list[str]:
    """The first lines of what is shown of ``selector``."""
    return [entry.inner_text().splitlines()[0] for entry in page.locator(selector).all() if entry.is_visible()]


@pytest.mark.parametrize("review", REVIEWS.values(), ids=REVIEWS)
def test_a_page_asks_nothing_of_anybody_and_has_nothing_to_complain_of(
    review: Review, opened: Opened, served: tuple[str, list[str]]
) -> None:
    here = opened(review)
    assert here.requests == [here.address]
    assert here.complaints == []
    base, asked = served
    there = opened(review, base=base)
    there.page.wait_for_timeout(200)  # a browser looks for an icon in its own time
    assert there.requests == [there.address]
    assert asked == ["/review.html"]
    assert there.complaints == []


def test_the_policy_stops_what_does_not_belong_here(opened: Opened, served: tuple[str, list[str]]) -> None:
    base, asked = served
    watched = opened(sample("poser"), base=base)
    watched.page.evaluate("""() => {
      document.body.insertAdjacentHTML("beforeend", "<img src='/there.png' onerror='document.title = 1'>");
      const script = document.createElement("script");
      script.textContent = "document.title = 'run'";
      document.body.append(script);
    }""")
    watched.page.wait_for_timeout(200)
    assert watched.page.title() == "alembic-review: check failed - poser"
    assert asked == ["/review.html"]
    assert len(watched.complaints) == 3
    assert all("Content Security Policy" in complaint for complaint in watched.complaints)


@pytest.mark.parametrize("width", [NARROW, WIDE])
@pytest.mark.parametrize("review", REVIEWS.values(), ids=REVIEWS)
def test_nothing_sticks_out_of_the_page(review: Review, width: int, opened: Opened) -> None:
    page = opened(review, width=width, options=Options(verbose=True, sql=True)).page
    page.evaluate(OPEN_ALL)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(STICKING_OUT) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["poser", "hostile", "failed", "clean", "request"])
def test_all_text_can_be_read_in_light_and_in_dark(name: str, scheme: str, opened: Opened) -> None:
    page = opened(REVIEWS[name], color_scheme=scheme).page
    page.evaluate(OPEN_ALL)
    assert page.evaluate(FAINT) == []
    background = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (sum(background) > 600) == (scheme == "light")


def test_filters_are_switched_off_one_by_one(opened: Opened) -> None:
    page = opened(sample("poser")).page
    everything = visible(page, ARTICLES)
    assert len(everything) == 5
    assert page.locator("#filters input[type=checkbox]:not(:checked)").count() == 0
    for verdict in ("safe", "upstream"):
        page.get_by_label(verdict, exact=True).uncheck()
    assert [card.split(" ")[0] for card in visible(page, ARTICLES)] == ["add_column", "error"]
    assert page.get_by_role("status").inner_text() == "2 of 5 entries shown"
    assert visible(page, "#safe .nothing") == ["None of these match the filter."]
    page.get_by_label("safe", exact=True).check()
    assert len(visible(page, ARTICLES)) == 4
    page.get_by_label("AR201", exact=True).uncheck()
    assert len(visible(page, ARTICLES)) == 3
    page.get_by_role("button", name="Show everything").click()
    assert visible(page, ARTICLES) == everything
    assert page.get_by_role("status").inner_text() == ""
    page.get_by_label("poser", exact=True).uncheck()
    page.locator("#tables summary").click()
    assert "poser" not in {row.split("\t")[1] for row in visible(page, "#tables tbody tr")}


def test_search_looks_into_what_is_folded(opened: Opened) -> None:
    page = opened(sample("poser")).page
    page.get_by_label("Name or text").fill("VENDOR_version_pk_validity")
    assert visible(page, ARTICLES) == ["add_index 90 changes"]
    page.get_by_label("Name or text").press("Enter")
    assert page.url.endswith("review.html")
    page.get_by_label("Name or text").fill("no such name")
    assert visible(page, ARTICLES) == []


def test_a_code_leads_to_the_page_of_its_check(opened: Opened) -> None:
    rule = Rule("AR201", "Destructive change", Severity.WARNING, "# AR201: x\n\n## What it means\n\nData is lost.\n")
    page = opened(sample("poser"), options=Options(rules=(rule,))).page
    meaning = page.get_by_text("Data is lost.", exact=True)
    assert not meaning.is_visible()
    page.get_by_role("link", name="AR201").first.click()
    assert meaning.is_visible()


def test_the_page_works_by_keyboard(opened: Opened) -> None:
    page = opened(sample("poser")).page
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the report")
    assert skip.evaluate("link => link === document.activeElement && link.getBoundingClientRect().left >= 0")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(outline) == "solid"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.parentElement.open")
    page.get_by_label("blocked", exact=True).focus()
    page.keyboard.press("Space")
    assert len(visible(page, ARTICLES)) == 3


def test_code_is_copied_as_it_is(opened: Opened, served: tuple[str, list[str]]) -> None:
    review = request(sample("poser"))
    page = opened(review, base=served[0], permissions=["clipboard-read", "clipboard-write"]).page
    button = page.locator("#blocked-1 .copy").first
    button.click()
    page.wait_for_function("button => button.textContent === 'Copied'", arg=button.element_handle())
    assert page.evaluate("navigator.clipboard.readText()") == review.suggestions[0].code.strip()


def test_code_is_selected_where_it_may_not_be_copied(opened: Opened) -> None:
    page = opened(request(sample("poser"))).page
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")
    page.locator("#blocked-1 .copy").first.click()
    page.wait_for_function("getSelection().toString().startsWith('class Mine(Base):')")
    assert page.locator("#blocked-1 .copy").first.inner_text() == "Selected"


def test_everything_is_shown_without_script(opened: Opened) -> None:
    page = opened(sample("poser"), java_script_enabled=False).page
    assert len(visible(page, ARTICLES)) == 5
    assert visible(page, "#filters") == []
    assert visible(page, ".copy") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_print_has_everything_on_white(scheme: str, opened: Opened) -> None:
    page = opened(sample("poser"), color_scheme=scheme, width=700).page
    page.emulate_media(media="print")
    assert visible(page, "aside") == []
    folded = page.locator("#upstream .entries li")
    assert folded.count() == 90
    assert folded.last.is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 700
    assert page.evaluate(FAINT) == []
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_the_diagram_is_an_image_with_words(opened: Opened) -> None:
    page = opened(sample("poser")).page
    assert page.get_by_role("img").count() == 1
    assert page.get_by_role("img", name="poser_customer (custom, poser) extends customer (core, rattail).").is_visible()
    boxes = [box.bounding_box() for box in page.locator("g.table").all()]
    assert all(box and box["width"] > 100 and box["height"] > 30 for box in boxes)
