"""Pages and Markdown made of the templates that lie beside this module."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tfkd.report.markdown import markdown_table
from tfkd.report.tables import megabytes, percent

_SHOWN_DIGEST = 16


def render_page(template: str, **values: Any) -> str:
    """Returns an HTML page; what its values hold of markup is escaped, unless it is Markup."""
    return _environment(autoescape=True, finalize=None).get_template(template).render(**values)


def render_markdown(template: str, **values: Any) -> str:
    """Returns a Markdown page; what its values hold of HTML, which Markdown would let through, is escaped."""
    return _environment(autoescape=False, finalize=_as_markdown).get_template(template).render(**values)


def milliseconds(us: float | None) -> str:
    """Returns a time in microseconds as people read it: "0.46 ms", "12.8 ms"."""
    if us is None:
        return "-"
    return f"{us / 1e3:.2f} ms" if us < 1e4 else f"{us / 1e3:.1f} ms"


def duration(seconds: float) -> str:
    """Returns seconds as people read them: "9 s", "27 min", "3 h 20 min"."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02} min"


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
    return Markup(markdown_table([tuple(map(_without_html, row)) for row in rows]))


def _as_markdown(value: Any) -> Any:
    return value if isinstance(value, Markup) else _without_html(str(value))


def _without_html(text: str) -> str:
    return text.replace("<", "&lt;")
