"""Markdown pages laid out on a terminal."""

from __future__ import annotations

from typing import ClassVar

from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import Heading, Markdown, MarkdownElement
from rich.theme import Theme

_THEME = Theme(
    {
        "markdown.h1": "bold",
        "markdown.h2": "bold",
        "markdown.h3": "bold",
        "markdown.code": "cyan",
        "markdown.item.bullet": "dim",
        "markdown.link_url": "underline",
    }
)


class _LeftHeading(Heading):
    """A heading at the left; a page of a few short parts has no need of a centre."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        self.text.justify = "left"
        yield self.text


class _Page(Markdown):
    elements: ClassVar[dict[str, type[MarkdownElement]]] = {**Markdown.elements, "heading_open": _LeftHeading}


def show_markdown(page: str, *, width: int, colour: bool) -> None:
    """Print a page of Markdown to standard output, `width` columns wide."""
    console = Console(width=width, color_system="standard" if colour else None, highlight=False, theme=_THEME)
    console.print(_Page(page, code_theme="ansi_dark", hyperlinks=False))
