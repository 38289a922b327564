# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false, reportAny=false
"""XML trees: the only module that touches lxml, which brings no type information of its own."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Protocol, cast, final

import lxml.etree as etree

_COMPILING: Final = threading.Lock()


class Element(Protocol):
    """What the rest uses of an lxml element."""

    tag: str
    text: str | None

    def __iter__(self) -> Iterator[Element]: ...

    def __len__(self) -> int: ...

    def get(self, key: str, default: str | None = None) -> str | None:
        """An attribute."""
        ...

    def set(self, key: str, value: str) -> None:
        """Sets an attribute."""
        ...

    def find(self, path: str) -> Element | None:
        """The first match below."""
        ...

    def findall(self, path: str) -> list[Element]:
        """All matches below."""
        ...

    def iter(self, tag: str) -> Iterator[Element]:
        """All elements of that name in the tree; `*` is any name."""
        ...

    def items(self) -> list[tuple[str, str]]:
        """All attributes."""
        ...


# What lxml raises inside a library that was handed a tree of ours.
LIBRARY_ERRORS: Final[tuple[type[Exception], ...]] = (etree.LxmlError,)


class NotXmlError(Exception):
    """The bytes are no XML document this service reads; the text says why, without quoting it."""


def parse(data: bytes) -> Element:
    """Parses a document from outside: no entity, no DTD, no network, comments dropped.

    Raises:
        NotXmlError: not well-formed, or it has a document type.
    """
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as problem:
        line = problem.lineno
        raise NotXmlError(f"not well-formed XML near line {line}") from None
    if root.getroottree().docinfo.doctype:
        raise NotXmlError("a document type is not accepted")
    return cast("Element", root)


def load(path: Path) -> Element:
    """Parses a file of our own."""
    return cast("Element", etree.parse(str(path)).getroot())


def new(namespace: str, name: str, prefixes: dict[str, str]) -> Element:
    """A new document's root element."""
    return cast("Element", etree.Element(f"{{{namespace}}}{name}", nsmap=prefixes))


def add(parent: Element, namespace: str, name: str, text: str | None = None) -> Element:
    """Appends a new element; an empty namespace means none."""
    tag = f"{{{namespace}}}{name}" if namespace else name
    element = etree.SubElement(parent, tag)
    element.text = text
    return cast("Element", element)


def add_copies(parent: Element, elements: Element) -> None:
    """Appends a deep copy of each child of `elements`."""
    for child in elements:
        cast("list[Element]", parent).append(copy.deepcopy(child))
    etree.cleanup_namespaces(parent)


def arrange(parent: Element, children: Sequence[object]) -> None:
    """Gives an element these children, in this order; one that is named again is copied."""
    listed = cast("list[object]", parent)
    for child in list(listed):
        listed.remove(child)
    for position, child in enumerate(children):
        listed.append(copy.deepcopy(child) if child in children[:position] else child)


def adopt(parent: Element, element: Element) -> None:
    """Appends an element that was built on its own."""
    cast("list[Element]", parent).append(element)


def fragment(element: Element) -> bytes:
    """The element alone as UTF-8, with the namespaces it stands in and without what follows it."""
    return cast("bytes", etree.tostring(element, encoding="UTF-8", with_tail=False))


def serialise(root: Element) -> bytes:
    """The document as UTF-8 with its declaration."""
    return cast("bytes", etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


@final
class Schema:
    """A compiled XML Schema, safe to share between threads.

    Args:
        path: the main file; its imports lie beside it.
    """

    def __init__(self, path: Path) -> None:
        # Two schemas compiled at once may leave libxml2's built-in types broken for good.
        with _COMPILING:
            self._schema = etree.XMLSchema(etree.parse(str(path)))
        # The error log belongs to the compiled schema, not to one validation.
        self._lock = threading.Lock()

    def first_error(self, element: Element) -> str | None:
        """The first reason why the element does not fit, None when it does."""
        with self._lock:
            try:
                self._schema.assertValid(element)
            except etree.DocumentInvalid as invalid:
                return str(invalid.error_log[0].message)
            return None
