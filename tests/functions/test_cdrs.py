"""An SP reads the CDRs of its app from the archive: of a day, in pages, and nobody else's."""

import json
from dataclasses import replace
from datetime import date

import jsonschema_rs
import pytest
import yaml

from duologue.domain.accounting.cdr import cdr_of
from duologue.domain.calls.outcome import EndReason
from duologue.domain.errors import OutsideUnavailable
from duologue.domain.media.recording import Recording
from duologue.wire.huawei.cdrs import HuaweiCdrs
from tests.docs.test_openapi import resolved
from tests.functions.worlds import HOST, Api, sample
from tests.samples import NOW, at, callback
from tools.openapi.document import PAGE

DAY = date(2026, 11, 23)
FETCHED = sample("callback_api", "cdrs_fetched")


def asking(**query):
    return FETCHED | {"queryStringParameters": FETCHED["queryStringParameters"] | query}


def line(number, **changes):
    call = replace(callback(f"1_2_{number}_20261123090000"), ending=EndReason.STOPPED, ended_at=at(30), **changes)
    return HuaweiCdrs(HOST).line(cdr_of(call))


@pytest.fixture
def api():
    return Api()


def sessions(body):
    return [record["sessionId"].partition("@")[0].split("_")[2] for record in body["cdrs"]]


def test_the_cdrs_of_a_day_come_in_pages(api):
    for first in range(1, 7, 2):  # the archive of the tests has two files in a page
        api.archive.store(api.key, DAY, [line(first), line(first + 1)], at(first))
    api.archive.store(api.key, date(2026, 11, 24), [line(9)], NOW)
    status, page = api.say(asking())
    assert (status, sessions(page)) == (200, ["1", "2", "3", "4"])
    last = api.say(asking(cursor=page["cursor"]))[1]
    assert (sessions(last), "cursor" in last) == (["5", "6"], False)
    assert sessions(api.say(asking(day="2026-11-24"))[1]) == ["9"]
    assert sessions(api.say(asking(day="2026-11-25"))[1]) == []


def test_a_cdr_is_as_it_was_sent_but_for_the_link_to_its_recording(api):
    api.archive.store(api.key, DAY, [line(1, recording=Recording("calls/x", at(9))), line(2)], NOW)
    body = api.say(asking())[1]
    record = body["cdrs"][0]
    assert (record["userData"], record["fwdDstNum"], record["recordFlag"]) == ("order-17", "+12025550122", 1)
    assert record["recordObjectName"] == "1_2_1_20261123090000.wav"
    assert "recordFileDownloadUrl" not in record
    document = yaml.safe_load(PAGE.read_text(encoding="utf-8"))
    jsonschema_rs.validate(resolved(document, document["components"]["schemas"]["Cdrs"]), body)


def test_what_was_archived_twice_is_in_a_page_once(api):
    api.archive.store(api.key, DAY, [line(1), line(2)], at(1))
    api.archive.store(api.key, DAY, [line(2), line(3)], at(2))
    assert sessions(api.say(asking())[1]) == ["1", "2", "3"]


def test_another_apps_cdrs_are_in_no_answer(api):
    """Whatever the cursor says."""
    others = ("k7Qm2Xw9Lr4Tz8Vb1Nc6Yd3Hf5Js0Gp2x", "another")
    for other in others:
        for number in range(3):
            api.archive.store(other, DAY, [line(number)], at(number))
    names = [file.name for other in others for file in api.archive.files(other)]
    api.archive.store(api.key, DAY, [line(7)], at(60))
    for cursor in ("", *names):
        assert sessions(api.say(asking(cursor=cursor))[1]) == ["7"]
    for wrong in (f"../../another/20261123/{names[0]}", f"{names[0]}/..", names[0].replace("T", "t"), "x" * 5000):
        status, body = api.say(asking(cursor=wrong))
        assert (status, body["resultcode"]) == (403, "1010002")
        assert body["resultdesc"] == "Invalid request.cursor must be the `cursor` of an earlier answer"


@pytest.mark.parametrize(
    "day", ["", "2026-02-30", "20261123", "2026-11-23T00:00:00Z", "23.11.2026", "２０２６-11-23", "0000-01-01"]
)
def test_a_day_that_is_none_is_refused(api, day):
    status, body = api.say(asking(day=day))
    assert (status, body["resultcode"]) == (403, "1010002")
    assert body["resultdesc"].startswith("Invalid request.day ")


def test_an_archive_that_cannot_be_read_now_is_tried_again_later(api, monkeypatch):
    monkeypatch.setattr(api.archive, "page", lambda *_: (_ for _ in ()).throw(OutsideUnavailable("archive of CDRs")))
    said = api.answer(asking())
    assert (said["statusCode"], said["headers"]["Retry-After"]) == (500, "5")
    assert json.loads(said["body"])["resultcode"] == "1010001"
