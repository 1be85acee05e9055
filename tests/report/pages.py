"""A page as a browser's parser sees it: for tests of what it holds and of what it asks for."""

from __future__ import annotations

from html.parser import HTMLParser

_APART = {"td", "th", "dt", "dd", "p", "li", "span", "strong"}
_VOID = {"meta", "br", "img", "link", "hr", "input"}


class Page(HTMLParser):
    """A page read tag by tag; raises AssertionError where one isn't closed by its own end.

    Attributes:
      tags: every tag and its attributes.
      text: what stands between them.
    """

    def __init__(self, html: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self._texts: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    @property
    def text(self) -> str:
        return " ".join("".join(self._texts).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open
        assert self._open.pop() == tag
        if tag in _APART:
            self._texts.append(" ")

    def handle_data(self, data):
        if self._open[-1:] != ["style"]:
            self._texts.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        """Returns the attributes of each such tag."""
        return [attributes for name, attributes in self.tags if name == tag]


def assert_stands_alone(html: str) -> Page:
    """Asserts that a page asks for nothing, runs nothing, and has a text for each picture; returns it read."""
    page = Page(html)
    assert not {"script", "link", "img", "iframe", "object", "base", "form"} & {tag for tag, _ in page.tags}
    for tag, attributes in page.tags:
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            if name in ("href", "src", "srcset", "action", "data"):
                assert (value or "").startswith("#"), (tag, name, value)
            assert "url(" not in (value or "").replace("url(#", ""), (tag, name, value)
    style = html.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style
    svgs = page.named("svg")
    assert svgs
    assert len(svgs) == len(page.named("figure")) == len(page.named("figcaption"))
    for svg in svgs:
        assert svg["role"] == "img"
        assert len(svg["aria-label"] or "") > 20
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    references = {value[1:] for _, a in page.tags for name, value in a.items() if name == "href" and value}
    assert references <= set(ids)
    return page
