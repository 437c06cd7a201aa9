"""The site's pages: of each business, of one call, and messages. Their HTML is in `templates`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from lab.pages import templates
from lab.website.backend import CallForm, FormRefused, new_token
from lab.website.barcode import bars
from lab.website.call_log import SpCall
from lab.website.live import outcome, parts, title
from lab.website.numbers import formatted
from lab.website.scenarios import SCENARIOS, Scenario

Links = Sequence[tuple[str, str]]
"""Text and URL of what else this machine serves."""
_TEMPLATES = templates(Path(__file__).parent / "templates")
_TEMPLATES.globals |= {
    "scenarios": SCENARIOS,
    "formatted": formatted,
    "outcome": outcome,
    "title_of": title,
    "bars": bars,
}


def scenario_page(
    scenario: Scenario,
    calls: Mapping[str, SpCall],
    own: Sequence[SpCall] = (),
    *,
    numbers: tuple[str, str],
    to_try: Sequence[tuple[str, str]] = (),
    form: CallForm | None = None,
    refused: FormRefused | None = None,
    links: Links = (),
) -> str:
    """`calls`: the last one to each contact; `own`: the last ones that this browser placed here, the newest first.

    `form`: as it was submitted; `refused`: what was wrong with it.

    `to_try`: numbers for visitors without a telephone, and what each does.
    """
    sent = form or CallForm(number=formatted(scenario.own_number))
    listed = [call for placed in own for call in (*reversed(placed.returns), placed)]
    return _TEMPLATES.get_template("business.html").render(
        business=scenario,
        calls=calls,
        own=listed,
        own_in_progress=any(not call.is_over for call in listed),
        numbers=numbers,
        to_try=to_try,
        form=replace(sent, token=sent.token or new_token()),
        wrong=defaultdict(str, {refused.about: refused.text} if refused else {}),
        links=links,
    )


def call_page(call: SpCall, now: datetime, links: Links = ()) -> str:
    """The live page of a call. Without scripts, the browser reloads it until all is there."""
    return _TEMPLATES.get_template("call.html").render(
        call=call, business=call.scenario, title=title(call), parts=parts(call, now), links=links
    )


def plain_page(title: str, text: str, links: Links = ()) -> str:
    return _TEMPLATES.get_template("message.html").render(title=title, text=text, links=links)
