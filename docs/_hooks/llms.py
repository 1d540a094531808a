"""Completes llms.txt, the summary for assistants (llmstxt.org), with a link to each page."""

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page

_pages: list[Page] = []


def on_nav(nav: Navigation, **_: object) -> None:
    """Remember the pages in the order of the navigation."""
    _pages[:] = nav.pages


def on_post_build(config: MkDocsConfig) -> None:
    """Write the links behind the text that stands in docs/llms.txt."""
    parts: dict[str, list[str]] = {}
    for page in _pages:
        section = page.parent.title if page.parent else "Start"
        parts.setdefault(section, []).append(f"- [{page.title}]({page.url or '.'})")
    links = [f"## {section}\n\n" + "\n".join(lines) for section, lines in parts.items()]
    path = Path(config["site_dir"], "llms.txt")
    path.write_text(path.read_text(encoding="utf-8") + "\n\n".join(links) + "\n", encoding="utf-8")
