"""What a page of HTML consists of, and what holds of every page that mlkit writes."""

import re
from html.parser import HTMLParser

_VOID = {"meta", "link", "br", "img", "use", "path", "input"}


class Page(HTMLParser):
    """Collects what a page consists of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        """Keep an element that is opened."""
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        """Keep an element that holds nothing."""
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        """Fail if it is not the last that was opened."""
        if tag not in _VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        """Keep text."""
        self.texts.append(data)

    def values(self, *names: str) -> list[str]:
        """Return all values of some attributes."""
        return [value or "" for _, attrs in self.tags for n, value in attrs.items() if n in names]

    def ids(self, tag: str) -> list[str | None]:
        """Return the ids of one kind of element."""
        return [attrs.get("id") for name, attrs in self.tags if name == tag]


def check_alone(html: str) -> None:
    """Fail unless a page loads nothing, runs nothing, and its links and drawings hold together."""
    page = Page(html)
    assert page.open == []
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "iframe", "object", "img", "base"})
    loaded = page.values("src", "href", "xlink:href", "data", "action", "poster", "srcset")
    assert {value[:1] for value in loaded} <= {"#", "d"}
    assert all(value == "data:," for value in loaded if not value.startswith("#"))
    assert set(re.findall(r"url\((.)", html)) <= {"#"}
    assert "@import" not in html
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]+)\)", html)) <= set(ids)


def check_sections(page: Page, found: list[str | None]) -> None:
    """Fail unless each section has a heading and a link that leads to it."""
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels == [1] + [2] * len(found)
    links = [value for value in page.values("href") if value.startswith("#")]
    assert {f"#{name}" for name in found} <= set(links)
    assert {link[1:] for link in links} <= set(page.values("id"))
    assert page.tags[0] == ("html", {"lang": "en"})


def check_plots(html: str, least: int) -> None:
    """Fail unless plots take the page's colours and letters, and say what they show."""
    plots = re.findall(r"<svg.*?</svg>", html, re.S)
    assert len(plots) >= least
    for plot in plots:
        assert re.search(r'^<svg viewBox="[^"]+" role="img" aria-label="[^"]+"><title>', plot)
        assert not re.search(r"#[0-9a-fA-F]{6}\b|http|DejaVu|<style", plot)
        assert "var(--model)" in plot or "var(--c0)" in plot
