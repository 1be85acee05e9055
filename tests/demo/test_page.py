"""The page in a real browser: what it says is what tfkd says, and it asks nobody else."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.commands.conftest import ROOT
from tests.demo.conftest import demo
from tests.export.conftest import DEV, MAX_TOKENS, TEXTS, small_student
from tfkd.config import ExportConfig
from tfkd.demo.examples import EXAMPLES
from tfkd.export.exporter import export_student
from tfkd.export.litert_classifier import LiteRtClassifier
from tfkd.report.evaluation import open_classifier

pytestmark = pytest.mark.real

NOTICE = "INFO: Created TensorFlow Lite XNNPACK delegate for CPU."  # WebAssembly has but one way to say things
HOSTILE = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"
TOLERANCE = 1e-3  # of probabilities, which are shown in tenths of a percent


@dataclasses.dataclass
class Watched:
    """A page, and what must not have happened on it."""

    page: Page
    errors: list[str]
    strangers: list[str]


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    context = browser.new_context(viewport={"width": 1024, "height": 768})
    found = Watched(context.new_page(), [], [])
    page = found.page
    page.on("console", lambda m: found.errors.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: found.errors.append(str(e)))
    page.on("dialog", lambda d: found.errors.append(f"dialog: {d.message}"))
    page.on("response", lambda r: found.errors.append(f"{r.status} {r.url}") if r.status != 200 else None)
    page.on("request", lambda r: None if r.url.startswith("http://127.0.0.1:") else found.strangers.append(r.url))
    yield found
    context.close()
    assert found.strangers == []
    assert [error for error in found.errors if error != NOTICE] == []


@pytest.fixture(scope="module", params=["exported", "piece_export"])
def shown(request: pytest.FixtureRequest, browser: Browser) -> Iterator[tuple[str, LiteRtClassifier]]:
    """The address of a demo, of words and of word pieces, and what `tfkd predict` would classify with."""
    path = request.getfixturevalue(request.param).path
    with demo(path) as address:
        yield address, LiteRtClassifier.from_file(path)


def opened(page: Page, address: str) -> Page:
    page.goto(address)
    expect(page.locator("#label")).to_have_text("–", timeout=60_000)  # it was "Loading…"
    return page


def scores(page: Page, of: str = "") -> dict[str, float]:
    """The probabilities that the page shows, by label."""
    items = page.locator(f"#{of}scores li")
    names, percents = items.locator(".name").all_inner_texts(), items.locator(".percent").all_inner_texts()
    return {name: float(p.removesuffix(" %")) / 100 for name, p in zip(names, percents, strict=True)}


def assert_says(page: Page, label_names, probabilities: np.ndarray, of: str = "") -> None:
    found = scores(page, of)
    assert list(found) == list(label_names)
    np.testing.assert_allclose(list(found.values()), probabilities, rtol=0, atol=TOLERANCE)
    if np.ptp(probabilities) > TOLERANCE:
        assert page.inner_text(f"#{of}label") == label_names[int(probabilities.argmax())]


def test_each_keystroke_is_classified(shown, watched):
    address, classifier = shown
    page = opened(watched.page, address)
    typed = "A good film, isn't it"
    for i in range(len(typed)):
        page.locator("#text").press_sequentially(typed[i])
        if typed[: i + 1].strip():
            assert_says(page, classifier.label_names, classifier.predict([typed[: i + 1]])[0])
    assert page.inner_text("#count") == str(len(typed))
    assert re.fullmatch(r"\d+(\.\d\d)? ms", page.inner_text("#milliseconds"))
    assert re.fullmatch(r"\d+(\.\d\d)? ms", page.inner_text("#median"))


def test_texts_of_many_kinds(shown, watched):
    address, classifier = shown
    page = opened(watched.page, address)
    texts = ["it’s 映画 café", "bad " * 50, "👍🏽 ??? …", "naïve\nfilm\tи", HOSTILE, "<UNKNOWN> [CLS] ##s", "GOOD Film"]
    for text in texts:
        page.fill("#text", text)
        assert_says(page, classifier.label_names, classifier.predict([text])[0])
    assert len({json.dumps(classifier.predict([text]).tolist()) for text in texts}) > 3  # or they would test nothing


def test_what_is_known_of_the_file(shown, watched, request):
    address, classifier = shown
    page = opened(watched.page, address)
    assert page.title() == "student.tflite · tfkd demo"
    assert page.inner_text("h1") == "student.tflite"
    size = len(watched.page.request.get(f"{address}student.tflite").body())
    assert page.inner_text("#size") == page.inner_text("#file-size") == f"{size / 1e6:.2f} MB"
    assert page.inner_text("#max-tokens") == str(classifier.max_tokens)
    assert not page.is_visible("#teacher")


def test_examples_are_clicked(shown, watched):
    address, classifier = shown
    page = opened(watched.page, address)
    assert page.locator(".example").all_inner_texts() == list(EXAMPLES)
    for example in EXAMPLES:
        page.click(f"text={example}")
        assert page.input_value("#text") == example
        assert_says(page, classifier.label_names, classifier.predict([example])[0])


def test_no_text_has_no_label(shown, watched):
    page = opened(watched.page, shown[0])
    page.fill("#text", "good")
    page.fill("#text", " \n ")
    assert page.inner_text("#label") == "–"
    assert scores(page) == {}


def test_the_sample_to_copy(shown, watched):
    address, classifier = shown
    page = opened(watched.page, address)
    code = (ROOT / "tflite" / "samples" / "classify.js").read_text("utf-8")
    named = re.search(r"import \{(.*?)\} from \"@mediapipe/tasks-text\";", code)
    assert named
    # A page names modules by address.
    body = code.replace(named[0], f'const {{{named[1]}}} = await import("/mediapipe/text_bundle.mjs");')
    body = body.replace('"node_modules/@mediapipe/tasks-text/wasm"', '"mediapipe"')
    best = page.evaluate(f"(async () => {{ {body}\nreturn best; }})()")
    (probabilities,) = classifier.predict(["what a lovely film"])
    assert best["categoryName"] == classifier.label_names[int(probabilities.argmax())]
    assert best["score"] == pytest.approx(float(probabilities.max()), abs=TOLERANCE)


@pytest.fixture(scope="module")
def hostile(student, tokenizer, tmp_path_factory) -> tuple[Path, Path]:
    """A student whose name and labels are HTML, and examples that are."""
    folder = tmp_path_factory.mktemp("hostile")
    path = folder / "<img src=x onerror=alert(1)>.tflite"
    labels = (HOSTILE, "</li><b>bold</b>")
    export_student(student, tokenizer, labels, DEV, TEXTS, path, ExportConfig(max_tokens=MAX_TOKENS))
    (folder / "examples").write_text(f"{HOSTILE}\n<b>good</b> film\n", "utf-8")
    return path, folder / "examples"


def test_html_is_shown_as_text(hostile, watched):
    path, examples = hostile
    page = watched.page
    with demo(path, f"--examples={examples}") as address:
        opened(page, address)
        page.locator("#text").press_sequentially(HOSTILE)
        (probabilities,) = LiteRtClassifier.from_file(path).predict([HOSTILE])
        assert list(scores(page)) == [HOSTILE, "</li><b>bold</b>"]
        assert page.inner_text("#label") == (HOSTILE, "</li><b>bold</b>")[int(probabilities.argmax())]
        page.click("text=<b>good</b> film")
        assert page.inner_text("h1") == path.name
        assert page.locator(".example").all_inner_texts() == [HOSTILE, "<b>good</b> film"]
        assert page.locator("img, b").count() == 0
        # The page's own, and the one that loads MediaPipe.
        assert page.locator("script:not([src])").count() == 0
        assert page.title() == f"{path.name} · tfkd demo"


def test_of_many_labels_the_likeliest_are_shown(tokenizer, tmp_path, watched):
    labels, path = [f"label {i}" for i in range(12)], tmp_path / "many.tflite"
    config = ExportConfig(max_tokens=MAX_TOKENS)
    export_student(small_student(tokenizer, len(labels)), tokenizer, labels, DEV, TEXTS, path, config)
    (probabilities,) = LiteRtClassifier.from_file(path).predict(["a good film"])
    with demo(path) as address:
        page = opened(watched.page, address)
        page.fill("#text", "a good film")
        kept = sorted(np.argsort(probabilities)[-8:])
        # In the labels' own order, so that they keep their places as one types.
        assert page.locator("#scores .name").all_inner_texts() == [labels[i] for i in kept]
        assert page.inner_text("#scores .further") == "and 4 less likely labels"
        assert page.inner_text("#label") == page.inner_text(".likeliest .name") == labels[int(probabilities.argmax())]


def test_the_teacher_is_asked(exported, teacher_folder, watched):
    page, teacher = watched.page, open_classifier(teacher_folder)
    with demo(exported.path, f"--teacher={teacher_folder}") as address:
        opened(page, address)
        ask = page.locator("#ask")
        expect(ask).to_be_disabled()  # there is no text yet
        for text in ("the film is good", "a very dull story", HOSTILE):
            page.fill("#text", text)
            assert page.inner_text("#teacher-label") == "–"
            assert scores(page, "teacher-") == {}
            ask.click()
            page.wait_for_selector("#teacher-scores li")
            assert_says(page, teacher.label_names, teacher.predict([text])[0], "teacher-")
            assert re.fullmatch(r"\d+(\.\d\d)? ms", page.inner_text("#teacher-milliseconds"))
            expect(ask).to_be_disabled()
        size = sum(file.stat().st_size for file in teacher_folder.rglob("*") if file.is_file())
        assert page.inner_text("#teacher-size") == f"{size / 1e6:.2f} MB"


def test_a_teacher_that_is_gone_is_told_and_the_student_goes_on(exported, teacher_folder, browser):
    page = browser.new_page()
    with demo(exported.path, f"--teacher={teacher_folder}") as address:
        opened(page, address)
    page.fill("#text", "a good film")
    page.click("#ask")
    expect(page.locator("#problem")).to_contain_text("The teacher doesn't answer")
    classifier = LiteRtClassifier.from_file(exported.path)
    assert_says(page, classifier.label_names, classifier.predict(["a good film"])[0])
    page.fill("#text", "a bad film")
    expect(page.locator("#problem")).to_be_hidden()
    assert_says(page, classifier.label_names, classifier.predict(["a bad film"])[0])
    page.close()


@pytest.mark.parametrize("name", ["about.json", "student.tflite", "*.mjs", "*.js", "*.wasm"])
def test_what_does_not_come_is_told(name, exported, browser):
    page = browser.new_page()
    with demo(exported.path) as address:
        page.route(
            re.compile(rf"{re.escape(address)}(mediapipe/)?{name.replace('*', '[a-z_]+')}$"), lambda r: r.abort()
        )
        if name == "*.js":
            page.route(f"{address}demo.js", lambda r: r.continue_())  # the page's own
        page.goto(address)
        expect(page.locator("#problem")).to_contain_text("The model can't be loaded: ")
        assert "undefined" not in page.inner_text("#problem")
        assert page.inner_text("#label") == "–"
    page.close()


def luminance(colour: str) -> float:
    """The relative luminance of `rgb(r, g, b)`, by WCAG 2.2."""
    channels = np.array([int(c) for c in re.findall(r"\d+", colour)[:3]]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def contrast(page: Page, selector: str, colour: str = "color") -> float:
    """The contrast of an element's colour with what lies behind it."""
    pair = page.locator(selector).first.evaluate(
        """(element, colour) => {
          let behind = colour === "color" ? element : element.parentElement;
          while (getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
          return [getComputedStyle(element)[colour], getComputedStyle(behind).backgroundColor];
        }""",
        colour,
    )
    dark, light = sorted(map(luminance, pair))
    return (light + 0.05) / (dark + 0.05)


def test_luminance_by_hand():
    assert luminance("rgb(255, 255, 255)") == pytest.approx(1)
    assert luminance("rgb(0, 0, 0)") == 0
    assert luminance("rgb(255, 0, 0)") == pytest.approx(0.2126)
    assert luminance("rgb(119, 119, 119)") == pytest.approx(0.1845, abs=1e-4)  # #777: 4.48 on white, as is well known


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_can_be_read_at_every_width(scheme, exported, teacher_folder, browser):
    with demo(exported.path, f"--teacher={teacher_folder}") as address:
        for width in (320, 360, 768, 1280):
            page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
            opened(page, address)
            page.fill("#text", "a good film")
            for selector in (
                "h1",
                "header p",
                "label",
                "#text",
                ".example",
                "h2",
                "#label",
                ".name",
                "dt",
                "dd",
                ".note",
            ):
                assert contrast(page, selector) >= 4.5, selector
            assert contrast(page, "#ask") >= 4.5
            assert contrast(page, ".likeliest .bar", "backgroundColor") >= 3
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            page.close()


def test_names_and_roles(exported, teacher_folder, watched):
    page = watched.page
    with demo(exported.path, f"--teacher={teacher_folder}") as address:
        opened(page, address)
        page.get_by_label("Your text").fill("a good film")
        assert page.get_by_role("list", name="Probabilities of the student").locator("li").count() == 2
        page.get_by_role("button", name="Ask the teacher").click()
        expect(page.get_by_role("list", name="Probabilities of the teacher").locator("li")).to_have_count(2)
        assert page.get_by_role("group", name="Examples").get_by_role("button").count() == len(EXAMPLES)
        for selector in ("#label", "#teacher-label"):
            assert page.locator(selector).get_attribute("aria-live") == "polite"
        # By keyboard alone: from the text to the first example.
        page.focus("#text")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.input_value("#text") == EXAMPLES[0]
