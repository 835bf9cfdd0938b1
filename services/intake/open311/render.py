"""How is one answer written in XML and in JSON?

XML is only written here, never read: a body that is XML is refused, so that no entity is ever expanded.
"""

from __future__ import annotations

import re
from typing import Any, Final, Literal
from xml.etree.ElementTree import Element, SubElement, tostring

import orjson
from starlette.responses import Response

Format = Literal["json", "xml"]
MEDIA_TYPES: Final[dict[Format, str]] = {
    "xml": "text/xml; charset=utf-8",
    "json": "application/json; charset=utf-8",
}
ONE_OF: Final = {
    "services": "service",
    "service_requests": "request",
    "attributes": "attribute",
    "values": "value",
    "errors": "error",
    "endpoints": "endpoint",
    "formats": "format",
}
"""What an element of a list is called in XML; in JSON it has no name."""
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def answer(form: Format, root: str, content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Give an answer in a format; the name of the root element stands in XML only."""
    body = as_xml(root, content) if form == "xml" else orjson.dumps(content)
    return Response(body, status, headers, MEDIA_TYPES[form])


def as_xml(root: str, content: Any) -> bytes:
    """Give content as XML; characters that XML cannot hold are left out, the others escaped."""
    element = Element(root)
    _fill(element, content)
    written: bytes = tostring(element, "utf-8", xml_declaration=False)
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + written


def _fill(element: Element, content: Any) -> None:
    if isinstance(content, dict):
        for name, inner in content.items():
            _fill(SubElement(element, name), inner)
    elif isinstance(content, list):
        for inner in content:
            _fill(SubElement(element, ONE_OF[element.tag]), inner)
    elif isinstance(content, bool):
        element.text = "true" if content else "false"
    elif content is not None:
        element.text = _NOT_XML.sub("", str(content))
