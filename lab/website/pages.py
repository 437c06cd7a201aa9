"""The site's pages except the live one: the shell around all of them, the scenario pages, and error pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from lab.website.backend import CallForm, FormRefused, new_token
from lab.website.call_log import SpCall
from lab.website.live import outcome, title
from lab.website.numbers import formatted
from lab.website.scenarios import SCENARIOS, TRAINING, Contact, Scenario

_CONSENT = (
    "Record this call. Both of us then hear a notice first, and the recording begins only after it. "
    "Without this tick nothing is recorded."
)


def shell(title: str, main: Markup, *, business: Scenario | None = None, refresh: bool = False) -> str:
    """A complete page, in the colours of its business. `refresh`: without scripts, the browser reloads it
    periodically."""
    links = Markup("").join(
        Markup('<li><a href="/{}"{}><i class="mark {}" aria-hidden="true"></i>{}</a></li>').format(
            each.slug, Markup(' aria-current="page"') if each is business else "", name_of(each), each.name
        )
        for each in SCENARIOS
    )
    reload = Markup('<noscript><meta http-equiv="refresh" content="3"></noscript>') if refresh else Markup("")
    page = Markup(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">'
        '<link rel="stylesheet" href="/static/style.css"><script src="/static/site.js" defer></script>{reload}</head>'
        '<body class="{name}"><a class="skip" href="#main">Skip to the content</a>'
        '<header><nav aria-label="Businesses"><ul>{links}</ul></nav></header>'
        '<main id="main" tabindex="-1">{main}</main></body></html>'
    )
    name = name_of(business) if business else ""
    return str(page.format(title=title, reload=reload, links=links, main=main, name=name))


def name_of(scenario: Scenario) -> str:
    """The class of its colours in the style sheet, and its scene in `static`."""
    return scenario.slug or "training"


def scenario_page(
    scenario: Scenario,
    calls: Mapping[str, SpCall],
    own: Sequence[SpCall] = (),
    *,
    numbers: tuple[str, str],
    to_try: Sequence[tuple[str, str]] = (),
    form: CallForm | None = None,
    refused: FormRefused | None = None,
) -> str:
    """`calls`: the last one to each contact; `own`: the last ones that this browser placed here, the newest first.

    `form`: as it was submitted; `refused`: what was wrong with it.

    `to_try`: numbers for visitors without a telephone, and what each does.
    """
    sent = form or CallForm(number=formatted(scenario.own_number), token=new_token())
    wrong = {refused.about: refused.text} if refused else {}
    whole = Markup('<p class="wrong" role="alert">{}</p>').format(wrong[""]) if "" in wrong else Markup("")
    fields = {"one": _one, "list": _list, "scan": _scan}[scenario.entry](scenario, calls, sent, wrong)
    main = Markup(
        '<div class="intro"><div><p class="crumb">{business}</p><h1>{heading}</h1><p class="pitch">{pitch}</p></div>'
        '<img class="scene" src="/static/{name}.svg" alt="" width="320" height="200"></div>{own_calls}'
        '<form class="card ask" method="post" action="/calls" novalidate>{whole}'
        '<input type="hidden" name="scenario" value="{slug}"><input type="hidden" name="token" value="{token}">'
        '{fields}<p class="aside">Your phone shows {own}, the other phone {other}.</p></form>'
        "{ring_back}{try_}{courses}"
    ).format(
        business=scenario.business,
        name=name_of(scenario),
        own_calls=_own(own),
        heading=scenario.heading,
        pitch=scenario.pitch,
        whole=whole,
        slug=scenario.slug,
        token=sent.token or new_token(),
        fields=fields,
        own=formatted(numbers[0]),
        other=formatted(numbers[1]),
        ring_back=_ring_back(scenario, numbers[1]),
        try_=Markup("") if scenario.own_number else _try(to_try),
        courses=_courses(scenario),
    )
    name = f"{'Error – ' if refused else ''}{scenario.heading} – {scenario.business}"
    return shell(name, main, business=scenario)


def plain_page(title: str, text: str) -> str:
    main = Markup('<h1>{}</h1><p class="pitch">{}</p><p><a class="button" href="/">To the home page</a></p>')
    return shell(title, main.format(title, text))


def _field(name: str, label: str, value: str, about: str, wrong: Mapping[str, str], more: Markup) -> Markup:
    """A labelled input, with an error message beside it."""
    fault = wrong.get(name, "")
    return Markup(
        '<div class="field"><label for="{name}">{label}</label><p class="hint" id="{name}-hint">{about}</p>'
        '<input id="{name}" name="{name}" value="{value}" {more} aria-describedby="{name}-hint {name}-wrong"{invalid}>'
        '<p class="wrong" id="{name}-wrong">{fault}</p></div>'
    ).format(
        name=name,
        label=label,
        about=about,
        value=value,
        more=more,
        fault=fault,
        invalid=Markup(' aria-invalid="true" autofocus') if fault else "",
    )


def _number(scenario: Scenario, form: CallForm, wrong: Mapping[str, str]) -> Markup:
    kind = Markup('type="tel" inputmode="tel" autocomplete="tel" maxlength="40" placeholder="+1 202 555 0111"')
    return _field("number", "Your phone number", form.number, scenario.about_number, wrong, kind)


def _consent(scenario: Scenario, form: CallForm) -> Markup:
    if not scenario.may_record:
        return Markup('<p class="aside">This call is not recorded.</p>')
    checked = Markup(" checked") if form.record else ""
    return Markup(
        '<label class="consent"><input type="checkbox" name="record" value="yes"{}><span>{}</span></label>'
    ).format(checked, _CONSENT)


def _one(scenario: Scenario, _: Mapping[str, SpCall], form: CallForm, wrong: Mapping[str, str]) -> Markup:
    return Markup("{}{}<button>{}</button>").format(
        _number(scenario, form, wrong), _consent(scenario, form), scenario.button
    )


def _scan(scenario: Scenario, _: Mapping[str, SpCall], form: CallForm, wrong: Mapping[str, str]) -> Markup:
    kind = Markup('inputmode="numeric" autocomplete="off" maxlength="40" placeholder="4006381333931"')
    focus = Markup("") if wrong else Markup(" autofocus")
    code = _field("ref", "Code on the parcel", form.ref, "A scanner types it and sends it off.", wrong, kind + focus)
    samples = Markup("").join(
        Markup('<li><button type="button" class="quiet" data-fill="{}">{}</button> {}, {}</li>').format(
            contact.ref, contact.ref, contact.name, contact.note
        )
        for contact in scenario.contacts
    )
    return Markup(
        '{}<button>{}</button><div class="hint"><p>Parcels to try:</p><ul class="samples">{}</ul></div>{}{}'
    ).format(code, scenario.button, samples, _number(scenario, form, wrong), _consent(scenario, form))


def _list(scenario: Scenario, calls: Mapping[str, SpCall], form: CallForm, wrong: Mapping[str, str]) -> Markup:
    rows = Markup("").join(_row(scenario, contact, calls.get(contact.ref)) for contact in scenario.contacts)
    fault = Markup('<p class="wrong" role="alert">{}</p>').format(wrong["ref"]) if "ref" in wrong else Markup("")
    # A disabled first button: Enter in the number field must not call the first contact.
    return Markup('<button disabled hidden></button>{}{}{}<ul class="contacts">{}</ul>').format(
        _number(scenario, form, wrong), _consent(scenario, form), fault, rows
    )


def _own(calls: Sequence[SpCall]) -> Markup:
    """A way back to a call whose page was left."""
    items = Markup("").join(
        Markup('<li class="{}"><a href="/calls/{}">{}</a> <span>{}, {} UTC</span></li>').format(
            "over" if call.is_over else "running", call.id, title(call), outcome(call), f"{call.asked_at:%H:%M}"
        )
        for placed in calls
        for call in (*reversed(placed.returns), placed)
    )
    going_on = any(not call.is_over for placed in calls for call in (placed, *placed.returns))
    heading = "A call is in progress" if going_on else "Your last calls"
    return (
        Markup('<nav class="own" aria-label="Your calls"><b>{}</b><ul>{}</ul></nav>').format(heading, items)
        if items
        else items
    )


def _row(scenario: Scenario, contact: Contact, call: SpCall | None) -> Markup:
    """An earlier call makes the button say "Call again"; one that reached the contact also makes it less prominent."""
    last = Markup("")
    button = f"{scenario.button} again" if call else scenario.button
    reached = Markup(' class="quiet"') if call and (call.talk or not call.is_over) else ""
    if scenario.shows_outcomes:
        last = Markup('<span class="outcome">{}</span>').format(
            "not called yet"
            if call is None
            else Markup('<a href="/calls/{}">{}</a>, {} UTC').format(call.id, outcome(call), f"{call.asked_at:%H:%M}")
        )
    return Markup(
        '<li><div><b>{}</b><span class="note">{}</span>{}</div>'
        '<button name="ref" value="{}" aria-label="{}: {}"{}>{}</button></li>'
    ).format(contact.name, contact.note, last, contact.ref, button, contact.name, reached, button)


def _ring_back(scenario: Scenario, number: str) -> Markup:
    """How the other party reaches the person at this page."""
    heading, text = scenario.ring_back
    before, _, after = text.partition("{number}")
    return Markup('<aside class="card ring-back"><h2>{}</h2><p>{}<b>{}</b>{}</p></aside>').format(
        heading, before, formatted(number), after
    )


def _try(to_try: Sequence[tuple[str, str]]) -> Markup:
    """On the laptop's own network there are telephones that can be called back."""
    if not to_try:
        return Markup("")
    items = Markup("").join(
        Markup('<li><button type="button" class="quiet" data-fill-number="{}">{}</button> {}</li>').format(
            formatted(number), formatted(number), what
        )
        for number, what in to_try
    )
    return Markup(
        '<aside class="card hint"><p>No phone at hand? On the laptop’s own telephone network, try one of these:</p>'
        '<ul class="samples">{}</ul></aside>'
    ).format(items)


def _courses(scenario: Scenario) -> Markup:
    if not scenario.courses:
        return Markup("")
    items = Markup("").join(
        Markup("<li><h3>{}</h3><p>{}</p><p class='when'>{}</p></li>").format(*course) for course in scenario.courses
    )
    heading = Markup("<h2>Courses</h2>") if scenario is TRAINING else Markup("")
    return Markup('<section>{}<ul class="courses">{}</ul></section>').format(heading, items)
