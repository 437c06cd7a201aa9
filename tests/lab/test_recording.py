"""A recorded callback over HTTP: announced, accounted for, published, and fetched by its SP alone."""

import http.client
import io
import json
import os
import subprocess
import sys
import time
import wave
from dataclasses import replace
from urllib.parse import urlencode, urlsplit

import pytest

from lab.pstn.lines.behaviours import answers

LONGEST_S = 60


@pytest.fixture(scope="module")
def recorder(new_sp, lab):
    sp = new_sp("recorder")
    command = [sys.executable, "-m", "duologue.operator", "app", "set", sp.client.account.app_key, "--recording"]
    subprocess.run(command, env={**os.environ, **lab.environment}, check=True, stdout=subprocess.DEVNULL)
    return sp


@pytest.fixture(scope="module")
def record(recorder, lab, company):
    """The CDR of one recorded call of some seconds."""
    with company.pair() as pair:
        phones = lab.pstn.exchange.phones
        phones[pair.caller].behaviour = answers(1)
        phones[pair.callee].behaviour = replace(answers(1), talks=14.0)
        sp = recorder
        placed = sp.client.place(
            callerNbr=pair.caller,
            calleeNbr=pair.callee,
            recordFlag="true",
            status_url=sp.receiver.status_url,
            fee_url=sp.receiver.fee_url,
        )
        assert placed.body["resultcode"] == "0", placed
        session = placed.body["sessionId"]
        assert sp.receiver.wait_for_fee(session, LONGEST_S)
        [fee] = [push.body["feeLst"][0] for push in sp.receiver.about(session) if push.kind == "fee"]
        heard = [[key for _, key in phones[number].heard] for number in (pair.caller, pair.callee)]
    return {**fee, "heard": heard}


def ask(lab, sp, name, domain, method="GET"):
    """The raw answer to a request for a record: status, headers, body."""
    query = {
        "fileName": name,
        "recordDomain": domain,
        "app_key": sp.client.account.app_key,
        "access_token": sp.client.access_token,
    }
    return get(f"{lab.api_url}/rest/provision/voice/record/v1.0?{urlencode(query)}", method)


def get(url, method="GET"):
    parts = urlsplit(url)
    line = http.client.HTTPConnection(parts.netloc, timeout=30)
    try:
        line.request(method, f"{parts.path}?{parts.query}")
        answer = line.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        line.close()


def sound_at(link: str) -> bytes:
    """Whatever a link of the platform leads to, once it is there."""
    deadline = time.monotonic() + LONGEST_S
    while (answer := get(link))[0] != 302:
        assert b"not ready" in answer[2].lower(), answer
        assert time.monotonic() < deadline
        time.sleep(0.5)
    status, headers, sound = get(answer[1]["Location"])
    assert status == 200
    assert headers["Content-Type"] == "audio/wav"
    return sound


def test_both_were_told_and_the_account_says_so(record):
    assert record["recordFlag"] == 1
    assert all(any("recording-notice" in key for key in heard) for heard in record["heard"])
    assert record["recordStartTime"] > record["fwdAnswerTime"]
    assert record["recordObjectName"].endswith(".wav")


def test_its_sp_fetches_it_by_the_way_of_the_wire(record, recorder, lab):
    deadline = time.monotonic() + LONGEST_S
    while (answer := ask(lab, recorder, record["recordObjectName"], record["recordDomain"]))[0] != 301:
        assert b"not ready" in answer[2].lower(), answer
        assert time.monotonic() < deadline
        time.sleep(0.5)
    status, headers, body = answer
    assert body == b""
    assert len(headers["Location"]) <= 512
    status, headers, _ = get(headers["Location"])
    assert status == 302
    status, headers, sound = get(headers["Location"])
    assert status == 200
    assert sound[20:22] == b"\x06\x00", "A-law"
    assert len(sound) > 8000 * 2


def test_the_link_in_the_cdr_leads_to_the_sound(record):
    link = record["recordFileDownloadUrl"]
    assert len(link) <= 1024
    assert sound_at(link)[20:22] == b"\x06\x00", "A-law"
    assert sound_at(link) == sound_at(link), "as often as one likes"


def test_nobody_else_fetches_it(record, new_sp, lab):
    status, _, body = ask(lab, new_sp("stranger"), record["recordObjectName"], record["recordDomain"])
    assert status != 301
    assert b"resultcode" in body


def test_the_networks_own_file_is_in_stereo(record, lab):
    s3 = lab.client("s3")
    bucket = record["recordBucketName"]
    call = record["recordObjectName"].removesuffix(".wav")
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket, Prefix="calls/")["Contents"]]
    [key] = [key for key in keys if call in key]
    with wave.open(io.BytesIO(s3.get_object(Bucket=bucket, Key=key)["Body"].read())) as sound:
        assert sound.getnchannels() == 2


def test_its_sp_deletes_it_and_nobody_fetches_it_any_more(record, recorder, new_sp, lab):
    """The last of this file: what was deleted stays so."""
    name, domain = record["recordObjectName"], record["recordDomain"]
    status, _, body = ask(lab, new_sp("deleter"), name, domain, "DELETE")
    assert status == 403, body
    assert ask(lab, recorder, name, domain)[0] == 301
    link = ask(lab, recorder, name, domain)[1]["Location"]
    for _ in ("once", "twice"):
        assert ask(lab, recorder, name, domain, "DELETE")[0] == 200
    assert b"1012007" in ask(lab, recorder, name, domain)[2]
    for gone in (link, record["recordFileDownloadUrl"]):
        status, _, body = get(gone)
        assert (status, json.loads(body)["resultcode"]) == (404, "1012007")
    sounds = lab.client("s3").list_objects_v2(Bucket=record["recordBucketName"]).get("Contents", [])
    assert [each["Key"] for each in sounds if name.removesuffix(".wav") in each["Key"]] == []
