"""Pages and Markdown made of the templates that lie beside this module."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from tfkd.progress import duration
from tfkd.report.markdown import markdown_table, without_html
from tfkd.report.tables import megabytes, percent

_SHOWN_DIGEST = 16
_FLAG = re.compile(r"--\w+(?:=[\w.]+)?")
_BEFORE_UNIT = re.compile(r"(?:(?<=[\d±])|(?<=\dx)) (?=[%\w])")


def render_page(template: str, **values: Any) -> str:
    """Returns an HTML page; what its values hold of markup is escaped, unless it is Markup."""
    environment = _environment(autoescape=True, finalize=None)
    environment.filters |= {"unbroken": unbroken, "with_whole_flags": with_whole_flags} | {
        name: _then_unbroken(environment.filters[name]) for name in ("duration", "mb", "ms", "percent")
    }
    return environment.get_template(template).render(**values)


def render_markdown(template: str, **values: Any) -> str:
    """Returns a Markdown page; what its values hold of HTML, which Markdown would let through, is escaped."""
    return _environment(autoescape=False, finalize=_as_markdown).get_template(template).render(**values)


def milliseconds(us: float | None) -> str:
    """Returns a time in microseconds as people read it: "0.46 ms", "12.8 ms"."""
    if us is None:
        return "-"
    return f"{us / 1e3:.2f} ms" if us < 1e4 else f"{us / 1e3:.1f} ms"


def unbroken(text: str) -> str:
    """Returns a text of figures whose numbers stay in one line with their units."""
    return _BEFORE_UNIT.sub("\u00a0", text)


def with_whole_flags(text: str) -> Markup:
    """Returns a text as HTML whose flags aren't broken at their hyphens."""
    return Markup(_FLAG.sub(r'<span class="whole">\g<0></span>', str(escape(text))))


def _then_unbroken(written: Callable[[Any], str]) -> Callable[[Any], str]:
    return lambda value: unbroken(written(value))


def _environment(autoescape: bool, finalize: Callable[[Any], Any] | None) -> Environment:
    environment = Environment(
        loader=PackageLoader("tfkd.report"),
        autoescape=autoescape,
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "duration": duration,
        "markdown_table": _markdown_table,
        "mb": megabytes,
        "ms": milliseconds,
        "percent": percent,
        "short": lambda digest: digest[:_SHOWN_DIGEST],
    }
    return environment


def _markdown_table(rows: Sequence[tuple[str, ...]]) -> Markup:
    return Markup(markdown_table([tuple(map(without_html, row)) for row in rows]))


def _as_markdown(value: Any) -> Any:
    return value if isinstance(value, Markup) else without_html(str(value))
