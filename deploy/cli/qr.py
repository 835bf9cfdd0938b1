"""Which codes hang on the walls (码上办)? `gridcall qr` draws them: one SVG each, and a sheet of all for print."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

import segno
import typer

from deploy.cli.output import USAGE, Failure, Json, out, print_json
from deploy.local.settings import LocalSettings
from shared.profile import find_profile, load_profile
from shared.qr import path_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.profile import Profile

SHEET: Final = "codes.html"
ERROR_LEVEL: Final = "q"
"""A quarter of a code may be scratched or covered and it still reads."""
STYLE: Final = """
body{font:12pt/1.4 system-ui,"Noto Sans CJK SC",sans-serif;margin:0}
article{break-inside:avoid;page-break-inside:avoid;border:1px dashed #999;box-sizing:border-box;display:inline-block;
margin:4mm;padding:6mm;text-align:center;vertical-align:top;width:88mm}
svg{height:60mm;width:60mm} h1{font-size:16pt;margin:0} h2{font-size:13pt;margin:0}
p{margin:1mm 0} small{font-size:8pt;overflow-wrap:anywhere}
@page{size:A4;margin:8mm}
"""


@dataclass(frozen=True, slots=True)
class Code:
    """A code, the place that it names, and where it leads."""

    code: str
    unit: str
    zh: str
    en: str
    url: str
    file: str


def qr(
    base_url: Annotated[str, typer.Option(help="How phones reach intake: https://HOST, what stands before /q/CODE.")],
    folder: Annotated[Path, typer.Option("--out", help="Folder for the files; made when it is missing.")] = Path("qr"),
    profile: Annotated[str, typer.Option(help="A profile's path or name; GRIDCALL_PROFILE when left out.")] = "",
    within: Annotated[str, typer.Option("--unit", help="Only codes of this unit and of all below it.")] = "",
    as_json: Json = False,
) -> None:
    """Make the QR codes of a profile ready for print: one SVG each, and codes.html with all of them."""
    city = load_profile(find_profile(profile or LocalSettings().profile))
    if within and city.unit(within) is None:
        raise Failure(f"The profile {city.name} has no unit {within}.", "Give the id of a unit.", USAGE)
    codes = list(codes_of(city, _root(base_url), within))
    if not codes:
        where = f"The unit {within}" if within else f"The profile {city.name}"
        raise Failure(f"{where} has no QR codes.", "Add `qr: [CODE]` to units of the profile.")
    sheet = _written(city, codes, folder)
    if as_json:
        print_json({"sheet": str(sheet), "codes": [asdict(code) for code in codes]})
    else:
        out.print(f"{len(codes)} codes in {folder}, all on {sheet}: print it without scaling.")


def _root(base_url: str) -> str:
    """Give the address without a slash at its end; raises Failure for what is none, or has a path."""
    parts = urlsplit(base_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/") or parts.query:
        raise Failure(f"{base_url!r} is not how a phone reaches intake.", "Write --base-url https://HOST.", USAGE)
    return f"{parts.scheme}://{parts.netloc}"


def codes_of(city: Profile, root: str, within: str = "") -> Iterator[Code]:
    """Give every code of the profile, or of one unit and all below it, in the order of the file."""
    for unit in city.units:
        if within and within not in {above.id for above in city.chain(unit.id)}:
            continue
        for nth, code in enumerate(unit.qr, 1):
            yield Code(code, unit.id, unit.zh, unit.en, root + path_of(code), f"{unit.id}.{nth}.svg")


def _written(city: Profile, codes: list[Code], folder: Path) -> Path:
    """Write the files and give the sheet; raises Failure when the folder cannot be written."""
    sheet = folder / SHEET
    try:
        folder.mkdir(parents=True, exist_ok=True)
        articles = []
        for code in codes:
            drawn = segno.make_qr(code.url, error=ERROR_LEVEL)
            drawn.save(str(folder / code.file), scale=10, title=code.code)
            articles.append(_article(city, code, drawn))
        sheet.write_text(_sheet(city, articles), encoding="utf-8")
    except OSError as error:
        raise Failure(f"The codes cannot be written to {folder}: {error.strerror}.", "Choose another --out.") from error
    return sheet


def _article(city: Profile, code: Code, drawn: segno.QRCode) -> str:
    classes = city.content.qr.classes
    return (
        f"<article><h1>码上办</h1><p>{escape(city.title.zh)} · {escape(city.title.en)}</p>"
        f"{drawn.svg_inline(omitsize=True)}"
        f"<h2>{escape(code.zh)}</h2><p>{escape(code.en)}</p>"
        f"<p>{escape(' · '.join(each.zh for each in classes))}</p>"
        f"<p>{escape(' · '.join(each.en for each in classes))}</p>"
        f"<p><small>{escape(code.code)}<br>{escape(code.url)}</small></p></article>"
    )


def _sheet(city: Profile, articles: list[str]) -> str:
    return (
        f'<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>码上办 · {escape(city.title.zh)}</title>'
        f"<style>{STYLE}</style></head><body>\n" + "\n".join(articles) + "\n</body></html>\n"
    )
