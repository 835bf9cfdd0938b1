"""Do the commands of the page for the department's developer work as they are written? All of them, in order."""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import AsyncIterator
from functools import partial
from typing import NamedTuple

import pytest
import pytest_asyncio

from deploy.schemas import CONTRACT
from services.dispatch.domain.edges import EDGES, OVER
from services.dispatch.door import UPDATES
from shared.messages import REGISTRY
from tests.support.city import ROOT
from tests.support.foreign import needs
from tests.support.story import Story
from tests.support.waiting import eventually

PAGE = (CONTRACT / "README.md").read_text(encoding="utf-8")
LOCAL = "127.0.0.1:9092"


class Step(NamedTuple):
    """A command, and what it shall print: parts that stand in that order."""

    command: str
    printed: str


def steps() -> list[Step]:
    """Give the commands of the page, with what stands below each."""
    found = []
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            lines = part.splitlines(keepends=True)
            count = next(n for n, line in enumerate(lines, 1) if not line.rstrip().endswith(("|", "\\")))
            found.append(Step("".join(lines[:count]).strip(), "".join(lines[count:]).strip()))
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def city(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Story]:
    """Give a city in which nothing has happened yet."""
    needs("kcat")
    async with Story(tmp_path_factory.mktemp("page")) as story:
        yield story


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.timeout(400)
async def test_the_page_leads_from_nothing_to_a_closed_ticket(city: Story) -> None:
    """Copied line by line into a shell, each command prints what the page says."""
    known = ""

    async def run(command: str) -> str:
        script = f"{known}{command}".replace(LOCAL, city.kafka.address)
        process = await asyncio.create_subprocess_exec("bash", "-c", script, stdout=-1, stderr=-2)
        return (await process.communicate())[0].decode()

    async def as_written(step: Step) -> bool:
        pattern = ".*".join(re.escape(part) for part in step.printed.split("…"))
        return re.search(pattern, await run(step.command), re.DOTALL) is not None

    async def value(command: str, name: str) -> str:
        return (await run(f'{command}\nprintf %s "${name}"')).strip()

    done = steps()
    assert [step.printed for step in done].count("") < len(done)
    for step in done:
        if assigned := re.match(r"([A-Z]+)=", step.command):
            name = assigned[1]
            given = await eventually(partial(value, step.command, name), timeout_s=90, what=step.command)
            known += f"{name}={shlex.quote(given)}\n"
        elif step.printed:
            await eventually(partial(as_written, step), timeout_s=90, what=step.command)
        else:
            assert await run(step.command) == ""


def test_the_page_names_every_message_and_every_reason() -> None:
    """What a department may read, write, or be told when it is refused, stands on its page."""
    for name, body in REGISTRY.items():
        short = name.removeprefix("gridcall.")
        if body.kind in {"order", "update"} or (body.kind == "answer" and short.startswith("update.")):
            assert f"`{short}`" in PAGE, short
    assert all(f"`{name.removeprefix('gridcall.')}`" in PAGE for name in UPDATES)
    told = {reason[0] for acts in EDGES.values() for reason in acts.values() if reason}
    door = (ROOT / "services" / "dispatch" / "door.py").read_text(encoding="utf-8")
    asked = (
        (ROOT / "services" / "dispatch" / "domain" / "revisions.py").read_text(encoding="utf-8").partition("deciding")
    )
    told |= set(re.findall(r'DeadLetter\(\s*"([a-z-]+)"', door)) | set(re.findall(r'Refused\(\s*"([a-z-]+)"', asked[0]))
    assert OVER
    assert {reason for reason in told | {"not-yours", "order-over", "id-reused"} if f"`{reason}`" not in PAGE} == set()
