"""Reading rendered pages in tests."""

from html.parser import HTMLParser
from typing import Any

_VOID = {"meta", "link", "input", "br", "img", "hr"}


class Element:
    def __init__(self, tag: str, attributes: dict[str, str | None], parent: "Element | None") -> None:
        self.tag = tag
        self.attributes = attributes
        self.parent = parent
        self.children: list[Element | str] = []

    @property
    def text(self) -> str:
        """All text inside, with single spaces."""
        return " ".join(" ".join(c if isinstance(c, str) else c.text for c in self.children).split())

    def descendants(self) -> "list[Element]":
        inside = [child for child in self.children if isinstance(child, Element)]
        return inside + [one for child in inside for one in child.descendants()]

    def all(self, tag: str | None = None, **attributes: str) -> "list[Element]":
        """Elements inside of this tag with these attributes (``for_`` and ``class_`` mean ``for`` and ``class``)."""
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [
            one
            for one in self.descendants()
            if (tag is None or one.tag == tag) and all(one.attributes.get(k) == v for k, v in wanted.items())
        ]

    def one(self, tag: str | None = None, **attributes: str) -> "Element":
        found = self.all(tag, **attributes)
        assert len(found) == 1, f"{len(found)} elements <{tag}> with {attributes}"
        return found[0]


class _Tree(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = self.at = Element("", {}, None)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs), self.at)
        self.at.children.append(element)
        if tag not in _VOID:
            self.at = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.at.children.append(Element(tag, dict(attrs), self.at))

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        assert tag == self.at.tag, f"</{tag}> closes <{self.at.tag}>"
        assert self.at.parent
        self.at = self.at.parent

    def handle_data(self, data: str) -> None:
        self.at.children.append(data)


def parse(response: Any) -> Element:
    """The answer's elements. Fails on tags that do not close each other properly."""
    tree = _Tree()
    tree.feed(response.content.decode())
    tree.close()
    assert tree.at is tree.root, f"<{tree.at.tag}> is not closed"
    return tree.root
