"""What the platform promised for each callback, counted from what its SPs have, from the network and from the store.

Nothing is taken from the platform's own view where somebody else has one: acknowledgements are those in the SPs'
journals, dials those that reached a phone.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.cruel.calls import PlayedCallback, Sp
from lab.cruel.settling import Settled, running_executions
from lab.cruel.sp_process import NO_STATUS, Post
from lab.lab import Lab
from lab.sp.recordings import open_recording

_FINAL = ("disconnect", "fee")
_DONE = {"acknowledged", "overtaken"}
_SHOWN = 5


@dataclass
class Promise:
    """`kept` of `cases`; `broken` says of some of the others what was found."""

    what: str
    cases: int = 0
    broken: list[str] = field(default_factory=list)

    def check(self, is_kept: bool, else_found: str) -> None:
        self.cases += 1
        if not is_kept:
            self.broken.append(else_found)


@dataclass(frozen=True)
class SpView:
    """What one SP has in the end: `events` fetched from the cursor, `posts` in its journal, `deliveries` listed."""

    sp: Sp
    events: list[dict[str, Any]]
    posts: list[Post]
    deliveries: Mapping[str, list[dict[str, Any]]]
    """By session."""

    @property
    def sequences(self) -> Mapping[str, list[int]]:
        found = defaultdict(list)
        for event in self.events:
            found[session_of(event)].append(int(event["sequence"]))
        return found


def view_of(sp: Sp, posts: list[Post]) -> SpView:
    """Ask the platform, as the SP, for everything that it keeps for it."""
    sp.asked(sp.client.log_in)
    proof = {"app_key": sp.client.account.app_key, "access_token": sp.client.access_token}

    def get(path: str, **query: str) -> dict[str, Any]:
        return sp.asked(lambda: sp.client.send(path, {**proof, **query}, method="GET")).body

    page = get("/duologue/v1/events", limit="50")
    events = list(page["events"])
    while page["more"]:
        page = get("/duologue/v1/events", limit="50", after=page["next"])
        events += page["events"]
    sessions = dict.fromkeys(map(session_of, events))
    deliveries = {each: get(f"/duologue/v1/callbacks/{each}/notifications")["notifications"] for each in sessions}
    return SpView(sp, events, posts, deliveries)


def session_of(event: Mapping[str, Any]) -> str:
    body = event["notification"]
    return str((body["feeLst"][0] if body["eventType"] == "fee" else body["statusInfo"])["sessionId"])


def promises(lab: Lab, played: list[PlayedCallback], views: list[SpView], settled: Settled) -> list[Promise]:
    """Each with its figure."""
    return [*of_calls(lab, played, views), *_nothing_left(lab, settled)]


def of_calls(lab: Lab, played: list[PlayedCallback], views: list[SpView]) -> list[Promise]:
    """Those that are counted by call, by event or by request."""
    return [
        _accepted(played),
        _one_end(played, views),
        _complete(played, views),
        _final_ones(views),
        _all_told(views),
        _once_by_id(views),
        _in_order(views),
        _signed(views),
        _dialled_once(lab, played),
        _recordings(views),
    ]


def _accepted(played: list[PlayedCallback]) -> Promise:
    promise = Promise("every request is accepted, once, however often it is repeated with its key")
    sessions = Counter(each.session for each in played)
    for each in played:
        promise.check(bool(each.session) and sessions[each.session] == 1, f"{each.planned.key}: {each.refusal}")
    return promise


def _one_end(played: list[PlayedCallback], views: list[SpView]) -> Promise:
    promise = Promise("every call has one end and one CDR, de-duplicated by id")
    ends: dict[str, Counter[str]] = defaultdict(Counter)
    for view in views:
        for event in view.events:
            ends[session_of(event)][event["notification"]["eventType"]] += 1
    for session in {each.session for each in played if each.session} | set(ends):
        found = {kind: ends[session][kind] for kind in _FINAL}
        promise.check(set(found.values()) == {1}, f"{session}: {found}")
    return promise


def _complete(played: list[PlayedCallback], views: list[SpView]) -> Promise:
    promise = Promise("an SP that was down can fetch every event of every call, without a gap")
    placed = {each.session for each in played}
    for view in views:
        for session, sequences in view.sequences.items():
            first = 2 if session in placed else 1  # the first fact of a callback is its acceptance, which is not told
            whole = list(range(first, first + len(sequences)))
            promise.check(sorted(sequences) == whole, f"{session}: {sequences}")
    return promise


def _final_ones(views: list[SpView]) -> Promise:
    promise = Promise("every end and every CDR is delivered at least once")
    for view in views:
        taken = {post.id for post in view.posts if post.acknowledged}
        for event in view.events:
            if event["notification"]["eventType"] in _FINAL:
                promise.check(event["id"] in taken, f"{view.sp.name}: {event['id']}")
    return promise


def _all_told(views: list[SpView]) -> Promise:
    """A step of a leg is not repeated once the SP has acknowledged a later one, or the call is over (R11)."""
    promise = Promise("every event is delivered, or it is a step of a leg that a delivered one includes")
    for view in views:
        taken = {post.id for post in view.posts if post.acknowledged}
        for session, deliveries in view.deliveries.items():
            later = False
            for each in reversed(deliveries):
                later = later or each["id"] in taken
                kept = each["state"] in _DONE and later and (each["id"] in taken) >= (each["state"] == "acknowledged")
                promise.check(kept, f"{view.sp.name} {session}: {each['id']} is {each['state']}")
    return promise


def _once_by_id(views: list[SpView]) -> Promise:
    promise = Promise("nothing is delivered that is not an event of the SP's own calls, and no event has two ids")
    for view in views:
        known = Counter(event["id"] for event in view.events)
        same = {(session_of(event), event["sequence"]) for event in view.events}
        for post in view.posts:
            promise.check(known[post.id] == 1, f"{view.sp.name}: {post.id}")
        promise.check(len(same) == len(view.events), f"{view.sp.name}: {len(view.events)} events, {len(same)} facts")
    return promise


def _in_order(views: list[SpView]) -> Promise:
    """Of those that reached the server at their first attempt; what it was down for comes later, as a retry."""
    promise = Promise("first attempts come in the order of each call's sequence")
    for view in views:
        came: dict[str, list[Post]] = defaultdict(list)
        for post in view.posts:
            came[post.id].append(post)
        for session, deliveries in view.deliveries.items():
            firsts = [came[each["id"]][0] for each in deliveries if _reached(each, came[each["id"]])]
            times = [post.at for post in firsts]
            found = [(post.sequence, round(post.at - times[0], 2)) for post in firsts]
            promise.check(times == sorted(times), f"{view.sp.name} {session}: {found}")
    return promise


def _reached(delivery: Mapping[str, Any], posts: list[Post]) -> bool:
    """Whether its first attempt is the first of these posts: none that was recorded found the server down before it."""
    without_status = sum("httpStatus" not in attempt for attempt in delivery["attempts"])
    return bool(posts) and without_status <= sum(post.outcome in NO_STATUS for post in posts)


def _signed(views: list[SpView]) -> Promise:
    promise = Promise("every notification is signed")
    for view in views:
        for post in view.posts:
            promise.check(post.signed, f"{view.sp.name}: {post.id}")
    return promise


def _dialled_once(lab: Lab, played: list[PlayedCallback]) -> Promise:
    promise = Promise("nobody is called twice for one callback")
    phones = lab.pstn.exchange.phones
    for each in played:
        most = 2 if each.returned else 1
        for number, limit in ((each.planned.caller, most), (each.planned.callee, 1)):
            calls = sum(call.incoming for call in phones[number].calls)
            promise.check(calls <= limit, f"{each.planned.key} ({each.planned.story.name}): {number} {calls} times")
    return promise


def _recordings(views: list[SpView]) -> Promise:
    promise = Promise("every recording in a CDR can be downloaded")
    for view in views:
        for event in view.events:
            body = event["notification"]
            link = body["feeLst"][0].get("recordFileDownloadUrl") if body["eventType"] == "fee" else None
            if link:
                opened = open_recording(str(link))
                promise.check(opened.status == 200, f"{session_of(event)}: HTTP {opened.status}")
                opened.close()
    return promise


def _nothing_left(lab: Lab, settled: Settled) -> Iterable[Promise]:
    exchange = lab.pstn.exchange
    with exchange.lock:
        legs = exchange.legs_up() + exchange.legs_ringing()
    left = settled.left
    for what, found in (
        ("no execution is left", running_executions(lab)),
        ("no leg is up or rings", [f"{call} {leg}" for call, leg in legs]),
        ("no slot is held", slots_held(lab)),
        ("no call is open", ["open"] * left.open_calls),
        ("no notification waits", ["waiting"] * left.deliveries),
        ("no message is in a queue", ["queued"] * left.messages),
        ("no message is in a dead-letter queue", _dead_letters(lab)),
        ("no execution failed", _failed_executions(lab)),
    ):
        yield Promise(what, max(1, len(found)), list(found))


def slots_held(lab: Lab) -> list[str]:
    """The calls that hold slots of their apps, or pairs of numbers."""
    table = lab.client("dynamodb").get_paginator("scan")
    pages = table.paginate(TableName=lab.outputs["AccountsTable"], ConsistentRead=True)
    rows = (row for page in pages for row in page["Items"])
    return [row["call"]["S"] for row in rows if row["pk"]["S"].startswith(("SLOTS#", "PAIR#")) and "call" in row]


def _dead_letters(lab: Lab) -> list[str]:
    sqs, found = lab.client("sqs"), []
    for url in sqs.list_queues().get("QueueUrls", []):
        if "GaveUp" in url:
            got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages", [])
            found += [f"{url.rpartition('/')[2]}: {json.dumps(message['Body'])[:200]}" for message in got]
    return found


def _failed_executions(lab: Lab) -> list[str]:
    flows, found = lab.client("stepfunctions"), []
    for status in ("FAILED", "TIMED_OUT", "ABORTED"):
        listed = flows.list_executions(stateMachineArn=lab.outputs["CallbackFlow"], statusFilter=status)["executions"]
        found += [f"{each['name']}: {status}" for each in listed]
    return found


def shown(promise: Promise) -> list[str]:
    """The promise's figure, and some of what broke it."""
    kept = promise.cases - len(promise.broken)
    lines = [f"{'✓' if not promise.broken else '✗'} {promise.what}: {kept} of {promise.cases}"]
    return [*lines, *(f"    {found}" for found in promise.broken[:_SHOWN])]
