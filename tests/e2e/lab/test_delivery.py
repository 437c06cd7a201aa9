"""Notifications that an SP refuses at first, over HTTP and with permissions checked: retries, the list, the cursor."""

import json
from typing import Any

from pstn.lines.behaviours import busy
from pstn.lines.phone_state import Phone
from tests.e2e.waiting import until

CALLER, CALLEE = "+12025550106", "+12025550107"


def test_a_ping_reaches_the_server_and_its_outcome_is_answered(lab, new_sp):
    sp = new_sp("pings")
    told: list[tuple[str, bool]] = []

    def answer(notification) -> int:
        told.append((notification.url, notification.signed))
        return 200 if notification.url.endswith("/status") else 503

    sp.receiver.answer = answer
    proof = {"app_key": sp.account.app_key, "access_token": sp.client.access_token}
    urls = {"statusUrl": sp.receiver.status_url, "feeUrl": sp.receiver.fee_url}
    body = sp.client.send("/duologue/v1/ping", proof, json.dumps(urls).encode()).body
    assert sorted(told) == [(sp.receiver.fee_url, True), (sp.receiver.status_url, True)]
    assert [(ping["acknowledged"], ping["httpStatus"]) for ping in body["pings"]] == [(True, 200), (False, 503)]
    inside = json.dumps({"statusUrl": "http://10.0.0.1/"}).encode()
    [ping] = sp.client.send("/duologue/v1/ping", proof, inside).body["pings"]
    assert "httpStatus" not in ping and ping["note"].startswith("the URL resolves to")


def test_what_was_refused_comes_again_and_all_can_be_fetched_in_order(lab, new_sp):
    """The CDR is refused once: it comes again after 5 s with the same id, then one that was sent is asked for again."""
    sp = new_sp("refuses")
    refused: list[str] = []

    def answer(notification) -> int:
        if notification.kind == "fee" and not refused:
            refused.append(notification.kind)
            return 503
        return 200

    sp.receiver.answer = answer
    lab.pstn.exchange.phones[CALLER] = Phone(busy())
    session = sp.place(CALLER, CALLEE).body["sessionId"]
    assert sp.receiver.wait_for_fee(session, 60)
    told = [notification.kind for notification in sp.receiver.about(session)]
    assert all(notification.signed for notification in sp.receiver.about(session))

    proof = {"app_key": sp.account.app_key, "access_token": sp.client.access_token}

    def get(path: str) -> Any:
        return sp.client.send(path, proof, method="GET").body

    def settled() -> Any:
        """The list once all is acknowledged, which is stored a moment after the SP has done so."""
        body = get(f"/duologue/v1/callbacks/{session}/notifications")
        return body if {each["state"] for each in body["notifications"]} == {"acknowledged"} else None

    listed = until(settled)
    assert [each["eventType"] for each in listed["notifications"]] == told
    fee = listed["notifications"][-1]
    assert [attempt.get("httpStatus") for attempt in fee["attempts"]] == [503, 200]
    assert sp.client.send("/duologue/v1/notifications", proof, method="GET").body["notifications"] == []

    until(lambda: len(get("/duologue/v1/events")["events"]) >= len(told))
    events = get("/duologue/v1/events")["events"]
    assert [event["notification"]["eventType"] for event in events] == told
    assert [event["id"] for event in events] == [each["id"] for each in listed["notifications"]]

    again = sp.client.send("/duologue/v1/notifications/replay", {**proof, "id": fee["id"]}, method="POST").body
    assert again["replayed"] == 1
    waiting = sp.client.send("/duologue/v1/notifications", proof, method="GET").body["notifications"]
    assert [each["id"] for each in waiting] in ([fee["id"]], []), "the sweeper may have come already"
    assert sp.receiver.wait_until(
        lambda: [each.kind for each in sp.receiver.about(session)] == [*told, "fee"], seconds=200
    )
