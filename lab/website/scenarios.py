"""Businesses that use voice callback, as data: one page each, all served by the same code.

A scenario says who is called and how the person at the page chooses whom to talk to: `one` contact, a `list` to click
on, or a `scan` of an order's barcode. No page shows the contact's number: not before, during or after the call. Numbers
are fictional; on the laptop's network their last two digits determine what their phones do.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

Entry = Literal["one", "list", "scan"]


@dataclass(frozen=True)
class Contact:
    """The person whom the second leg calls. `ref`: an order, a trip or a lead, by which the page refers to it."""

    ref: str
    name: str
    number: str
    note: str = ""
    when: str = ""

    @property
    def initials(self) -> str:
        return "".join(word[0] for word in self.name.split())

    def hide_number(self, text: str) -> str:
        """The text with this contact's number replaced, however it is separated into groups."""
        return re.sub(r"\+?" + r"[\s().-]*".join(self.number.removeprefix("+")), "hidden", text)


@dataclass(frozen=True)
class Scenario:
    """One page. `own_number` is filled in already: for staff at their own telephone."""

    slug: str
    name: str
    tagline: str
    """Beside the name: what the business is, or for whom its page is."""
    heading: str
    pitch: str
    button: str
    form_heading: str
    contacts: tuple[Contact, ...]
    entry: Entry = "one"
    own_number: str = ""
    about_number: str = "With + and the country code. We call it at once."
    may_record: bool = False
    shows_outcomes: bool = False
    ring_back: tuple[str, str] = ("", "")
    """Heading and text of how the other party rings back; `{number}` is the display number."""
    courses: tuple[tuple[str, str, str], ...] = ()
    """What else the page offers: title, text, price."""

    @property
    def short(self) -> str:
        """The name in the list of businesses, where there is little room."""
        return self.name.removesuffix(" Training Institute")

    @property
    def key(self) -> str:
        """The class of its colours in the style sheet, and the name of its scene."""
        return self.slug or "training"

    def contact(self, ref: str) -> Contact | None:
        return next((contact for contact in self.contacts if contact.ref == ref), None)


TO_TRY = (
    ("+12025550111", "answers"),
    ("+12025550140", "is busy"),
    ("+12025550150", "never answers"),
)
"""Telephones of the laptop's network that can be called back."""


def to_try(answer_at: Callable[[str], str] | None) -> tuple[tuple[str, str], ...]:
    """TO_TRY, with a link for the number that answers. `answer_at(number)`: a page where one can answer it oneself."""
    number, does = TO_TRY[0]
    if answer_at is None:
        return TO_TRY
    link = Markup('{}, or <a href="{}" target="_blank" rel="noopener">answer it yourself</a> in a page')
    return ((number, link.format(does, answer_at(number))), *TO_TRY[1:])


SOPHIA = Contact("advice", "Sophia", "+12025550122", "course advice")

TRAINING = Scenario(
    slug="",
    name="Lindenhof Training Institute",
    tagline="evening courses since 1961",
    heading="Questions about a course? We call you back.",
    pitch="Leave your number. Your phone rings first, then Sophia’s; neither of you sees the other’s number.",
    button="Call me back",
    form_heading="Where do we reach you?",
    contacts=(SOPHIA,),
    may_record=True,
    ring_back=(
        "Sophia can ring you back",
        "If the line was busy or we were cut off, Sophia dials {number}, the number that her phone showed, and"
        " reaches you. Your number stays hidden.",
    ),
    courses=(
        ("Bookkeeping from the start", "Twelve evenings, certificate at the end.", "from 14 January"),
        ("First aid at work", "Two days, with practice on dummies.", "every month"),
        ("Spoken English B1", "Small groups, three levels of speed.", "from 3 February"),
        ("Welding, basic course", "Four Saturdays in our workshop.", "from 21 January"),
    ),
)

RIDES = Scenario(
    slug="rides",
    name="Kite Rides",
    tagline="for drivers",
    heading="Call your passenger",
    pitch="One tap. Your phone rings, then the passenger’s. You do not see their number, and they do not see yours.",
    button="Call",
    form_heading="Your next trips",
    contacts=(
        Contact("trip-4711", "Amara", "+12025550136", "Harbour Street 8 → Central Station", "10:20"),
        Contact("trip-4712", "Bruno", "+12025550141", "Airport, arrivals → Mill Lane 3", "11:05"),
        Contact("trip-4715", "Chen", "+12025550151", "Opera → Park Hotel", "11:40"),
    ),
    entry="list",
    own_number="+12025550112",
    about_number="The phone in your car.",
    ring_back=(
        "Passengers ring back",
        "A passenger who missed you dials {number} and reaches the driver who called last. Neither sees the other’s"
        " number.",
    ),
)

COURIER = Scenario(
    slug="courier",
    name="Swift Parcels",
    tagline="for couriers",
    heading="Scan, and the recipient is called",
    pitch="The code on the parcel finds the order: no number to type, no wrong number, one click.",
    button="Call the recipient",
    form_heading="Nobody opens? Call them.",
    contacts=(
        Contact("4006381333931", "Dana Ortiz", "+12025550135", "Elm Road 12, second floor"),
        Contact("4012345678901", "Edgar Holm", "+12025550142", "Quay 4, warehouse B"),
        Contact("9780306406157", "Fumiko Abe", "+12025550152", "Garden Close 1"),
    ),
    entry="scan",
    own_number="+12025550113",
    about_number="Your company phone.",
    ring_back=(
        "Not at the door?",
        "The recipient dials {number} and reaches you: no card in the letter box, no call centre between.",
    ),
)

HOMES = Scenario(
    slug="homes",
    name="Gable & Eaves",
    tagline="lettings and sales",
    heading="Today’s follow-up",
    pitch="Click to call a lead. The outcome is filled in from the call’s record, so that nobody is called twice.",
    button="Call",
    form_heading="Four leads to call",
    contacts=(
        Contact("lead-301", "Grace Bell", "+12025550139", "asked about Maple Court 7, three rooms"),
        Contact("lead-302", "Hugo Lang", "+12025550143", "viewing of Station Road 19 on Tuesday?"),
        Contact("lead-303", "Ines Prado", "+12025550153", "wants to sell Brook Cottage"),
        Contact("lead-304", "Jonas Weir", "+12025550163", "offer for Maple Court 2"),
    ),
    entry="list",
    own_number="+12025550114",
    about_number="The phone on your desk.",
    may_record=True,
    shows_outcomes=True,
    ring_back=(
        "Leads ring back",
        "A lead who dials {number} reaches this desk, and the call takes its place in the list.",
    ),
)

SCENARIOS = (TRAINING, RIDES, COURIER, HOMES)
