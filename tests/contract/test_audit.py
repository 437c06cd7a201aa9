"""The audit in moto's DynamoDB and the local cloud's."""

from dataclasses import replace
from datetime import timedelta

import pytest

from duologue.adapters.access.dynamo_audit import DynamoAudit
from duologue.domain.access.audit import AuditEntry, AuditFilter
from tests.journeys.tables import make_tables
from tests.samples import NOW

FETCHED = AuditEntry(NOW, "recording.fetch", "requested link", "app-1", "call-1", "192.0.2.1")
STOPPED = replace(FETCHED, at=NOW - timedelta(days=2), kind="call.stop", who="app-1")
SUSPENDED = AuditEntry(
    NOW - timedelta(days=3), "app suspend", "arn:aws:iam::1:user/jack", "app-2", "call-2 call-3", detail="key"
)
OLDEST_FIRST = (SUSPENDED, STOPPED, FETCHED)


@pytest.fixture
def audit(aws):
    client, _, table = make_tables(aws("dynamodb"))
    made = DynamoAudit(client, table, timedelta(days=400))
    for entry in OLDEST_FIRST:
        made.add(entry)
        made.add(entry)  # the same again, as a repeat of the action
    return made


@pytest.mark.parametrize(
    ("wanted", "days", "limit", "found"),
    [
        (AuditFilter(), 30, 100, [FETCHED, FETCHED, STOPPED, STOPPED, SUSPENDED, SUSPENDED]),
        (AuditFilter(), 30, 3, [FETCHED, FETCHED, STOPPED]),
        (AuditFilter(), 2, 100, [FETCHED, FETCHED, STOPPED, STOPPED]),
        (AuditFilter(app="app-1", call="call-1", kind="call."), 30, 100, [STOPPED, STOPPED]),
        (AuditFilter(kind="app "), 30, 1, [SUSPENDED]),
        (AuditFilter(call="call-2"), 30, 100, [SUSPENDED, SUSPENDED]),
        (AuditFilter(call="call"), 30, 100, []),
    ],
)
def test_entries_are_found_newest_first(audit, wanted, days, limit, found):
    assert list(audit.entries(wanted, NOW - timedelta(days=days), NOW, limit)) == found


def test_an_entry_that_the_client_writes_again_because_an_answer_was_lost_is_there_once(audit, monkeypatch):
    monkeypatch.setattr("duologue.adapters.access.dynamo_audit.secrets.token_hex", lambda _bytes: "00000000")
    later = replace(FETCHED, at=NOW + timedelta(seconds=1))
    audit.add(later)
    audit.add(later)
    found = audit.entries(AuditFilter(), NOW, NOW + timedelta(seconds=2), 100)
    assert [entry.at for entry in found].count(later.at) == 1
