"""A recorded callback over HTTP: announced, accounted for, published, and fetched by its SP alone."""

import hashlib
import http.client
import io
import json
import os
import struct
import subprocess
import sys
import time
import wave
from urllib.parse import urlencode, urlsplit

import pytest

from lab.lab import AUDIO
from pstn.lines.behaviours import answers, busy
from pstn.lines.phone_state import Phone

LONGEST_S = 60


@pytest.fixture(scope="module")
def operate(lab):
    """The operator's command."""

    def run(*words):
        command = [sys.executable, "-m", "duologue.operator", *map(str, words)]
        subprocess.run(command, env={**os.environ, **lab.environment}, check=True, stdout=subprocess.DEVNULL)

    return run


@pytest.fixture(scope="module")
def recorder(new_sp, operate):
    """An SP that may record, keeps what it records for three days, and has a notice of its own."""
    sp = new_sp("recorder")
    operate("app", "set", app_of(sp), "--recording", "--keep-recordings-days", 3)
    operate("prompt", "put", app_of(sp), AUDIO / "recording-notice.wav", "--name", "ours.wav", "--recording-notice")
    return sp


@pytest.fixture(scope="module")
def call(recorder, lab, case_player):
    """Plays a call that shall be recorded; its CDR, and under `heard` what each party heard."""

    def play(callee, **wanted):
        sp = recorder
        with case_player.pair() as pair:
            phones = lab.pstn.exchange.phones
            caller_phone, callee_phone = phones[pair.caller], phones[pair.callee] = Phone(answers(1)), Phone(callee)
            urls = {"status_url": sp.receiver.status_url, "fee_url": sp.receiver.fee_url}
            numbers = {"callerNbr": pair.caller, "calleeNbr": pair.callee}
            placed = sp.client.place(**numbers, recordFlag="true", **urls, **wanted)
            assert placed.body["resultcode"] == "0", placed
            session = placed.body["sessionId"]
            assert sp.receiver.wait_for_fee(session, LONGEST_S)
            [fee] = [
                notification.body["feeLst"][0]
                for notification in sp.receiver.about(session)
                if notification.kind == "fee"
            ]
            return {**fee, "heard": [[key for _, key in phone.heard] for phone in (caller_phone, callee_phone)]}

    return play


@pytest.fixture(scope="module")
def record(call):
    """The CDR of one recorded call of some seconds."""
    return call(answers(1, talks=20.0))


def app_of(sp):
    return sp.client.account.app_key


def ask(lab, sp, name, domain, method="GET"):
    """The raw answer to a request for a record: status, headers, body."""
    query = {
        "fileName": name,
        "recordDomain": domain,
        "app_key": sp.client.account.app_key,
        "access_token": sp.client.access_token,
    }
    return get(f"{lab.api_url}/rest/provision/voice/record/v1.0?{urlencode(query)}", method)


def get(url, method="GET", **headers):
    """Without following anything, and without Accept, as Node's `https.get` asks."""
    parts = urlsplit(url)
    line = http.client.HTTPConnection(parts.netloc, timeout=30)
    try:
        line.request(method, f"{parts.path}?{parts.query}", headers=headers)
        answer = line.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        line.close()


def refused(answer, status, code) -> bool:
    """In the envelope, with a status of its own."""
    said = json.loads(answer[2])
    assert (answer[0], said["resultcode"]) == (status, code), said
    return bool(said["resultdesc"])


def is_unrecorded(lab, sp, fee) -> bool:
    """The CDR says so, and a request for the record that would be has a clear answer."""
    told = {name: value for name, value in fee.items() if name.startswith("record")}
    assert told == {"recordFlag": 0}
    name = f"{fee['sessionId'].partition('@')[0]}.wav"
    return refused(ask(lab, sp, name, fee["hostName"]), 403, "1012007")


def sound_at(link: str) -> bytes:
    """Of a link of the platform, once it is there."""
    deadline = time.monotonic() + LONGEST_S
    while (answer := get(link))[0] != 200:
        assert b"not ready" in answer[2].lower(), answer
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert answer[1]["Content-Type"] == "audio/wav"
    return answer[2]


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
    _, headers, body = answer
    assert body == b""
    assert len(headers["Location"]) <= 512
    sound = sound_at(headers["Location"])
    assert sound[20:22] == b"\x06\x00", "A-law"
    assert len(sound) > 8000 * 2


def test_the_link_in_the_cdr_leads_to_the_sound(record):
    link = record["recordFileDownloadUrl"]
    assert len(link) <= 1024
    kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", sound_at(link), 20)
    assert (kind, channels, rate, bits) == (6, 1, 8000, 8), "A-law (RFC 2361 §A.8), mono, 8 kHz"
    assert sound_at(link) == sound_at(link), "as often as one likes"


def test_players_and_link_checkers_ask_for_the_head_and_for_parts(record, recorder, lab):
    sound, asked = sound_at(record["recordFileDownloadUrl"]), (record["recordObjectName"], record["recordDomain"])
    head = ask(lab, recorder, *asked, "HEAD")
    assert (head[0], head[2]) == (301, b"")
    for link in (head[1]["Location"], record["recordFileDownloadUrl"]):
        status, headers, body = get(link, "HEAD")
        assert (status, headers["Content-Length"], headers["Accept-Ranges"], body) == (
            200,
            str(len(sound)),
            "bytes",
            b"",
        )
        status, headers, body = get(link, Range="bytes=10-19")
        assert (status, headers["Content-Range"], body) == (206, f"bytes 10-19/{len(sound)}", sound[10:20])
        status, headers, _ = get(link, Range=f"bytes={len(sound)}-")
        assert (status, headers["Content-Range"]) == (416, f"bytes */{len(sound)}")


def test_a_recording_that_is_too_large_for_a_response_is_fetched_from_the_storage(record, lab):
    """As `curl -L` does: the same method and range, at the URL of a 302."""
    link = record["recordFileDownloadUrl"]
    sound, s3, bucket = sound_at(link), lab.client("s3"), lab.outputs["RecordingsBucket"]
    call_id = record["recordObjectName"].removesuffix(".wav")
    listed = s3.list_objects_v2(Bucket=bucket, Prefix="published/")["Contents"]
    [key] = [each["Key"] for each in listed if call_id in each["Key"]]
    tags = s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
    large = sound + bytes(4_500_000)
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=large, ContentType="audio/wav")
        for method, headers, status in (("GET", {}, 200), ("HEAD", {}, 200), ("GET", {"Range": "bytes=5-"}, 206)):
            moved = get(link, method, **headers)
            assert moved[0] == 302
            answer = get(moved[1]["Location"], method, **headers)
            assert (answer[0], answer[1]["Content-Type"]) == (status, "audio/wav")
            assert answer[2] == (b"" if method == "HEAD" else large[5 if headers else 0 :])
        assert get(link, Range="bytes=-9")[::2] == (206, large[-9:])
    finally:
        s3.put_object(Bucket=bucket, Key=key, Body=sound, ContentType="audio/wav")
        s3.put_object_tagging(Bucket=bucket, Key=key, Tagging={"TagSet": tags})


def test_nobody_else_fetches_it(record, new_sp, lab):
    name, domain = record["recordObjectName"], record["recordDomain"]
    assert refused(ask(lab, new_sp("stranger"), name, domain), 403, "1012007")
    unproven = get(f"{lab.api_url}/rest/provision/voice/record/v1.0?fileName={name}&recordDomain={domain}")
    assert refused(unproven, 400, "1023006")


def test_a_guess_leads_nowhere(record, recorder, lab):
    name, link = record["recordObjectName"], record["recordFileDownloadUrl"]
    token = link.split("/")[-2]
    for guess in ("A" * 43, token[:-1], token[::-1]):
        assert refused(get(f"{lab.api_url}/r/{guess}/{name}"), 404, "1012007")
        assert refused(get(f"{lab.api_url}/r/{guess}"), 404, "1012007")
    assert refused(get(f"{lab.api_url}/r/{token}"), 404, "1012007"), "a token of the other kind"
    another = f"1_2_3_{name[-18:]}"
    assert refused(get(f"{lab.api_url}/r/{token}/{another}"), 404, "1012007")
    assert refused(ask(lab, recorder, another, record["recordDomain"]), 403, "1012007")


def test_a_link_whose_time_is_over(record, recorder, lab):
    sound_at(record["recordFileDownloadUrl"])
    link = ask(lab, recorder, record["recordObjectName"], record["recordDomain"])[1]["Location"]
    assert get(link)[0] == 200
    hashed = hashlib.sha256(link.rpartition("/")[2].encode()).hexdigest()
    lab.client("dynamodb").update_item(
        TableName=lab.outputs["AccountsTable"],
        Key={"pk": {"S": f"LINK#{hashed}"}, "sk": {"S": "LINK"}},
        UpdateExpression="SET ends_at = :past",
        ExpressionAttributeValues={":past": {"S": "2020-01-01T00:00:00+00:00"}},
    )
    assert refused(get(link), 404, "1012007")


def test_while_its_app_is_suspended_no_link_leads_to_it(record, recorder, operate):
    link = record["recordFileDownloadUrl"]
    sound_at(link)
    operate("app", "suspend", app_of(recorder))
    try:
        assert refused(get(link), 404, "1012007")
    finally:
        operate("app", "resume", app_of(recorder))
    assert get(link)[0] == 200


def test_an_app_may_have_the_parties_apart(record, recorder, operate):
    operate("app", "set", app_of(recorder), "--stereo-recordings")
    try:
        with wave.open(io.BytesIO(sound_at(record["recordFileDownloadUrl"]))) as sound:
            assert (sound.getnchannels(), sound.getframerate()) == (2, 8000)
    finally:
        operate("app", "set", app_of(recorder), "--no-stereo-recordings")


def test_the_storage_knows_how_long_its_app_keeps_it(record, lab):
    sound_at(record["recordFileDownloadUrl"])
    s3, call_id = lab.client("s3"), record["recordObjectName"].removesuffix(".wav")
    held = s3.list_objects_v2(Bucket=lab.outputs["RecordingsBucket"])["Contents"]
    keys = [each["Key"] for each in held if call_id in each["Key"]]
    tags = [s3.get_object_tagging(Bucket=lab.outputs["RecordingsBucket"], Key=key)["TagSet"] for key in keys]
    assert tags == [[{"Key": "keep-days", "Value": "3"}]] * 2, keys


def test_a_callee_who_never_came_and_one_who_left_during_the_notice(call, recorder, lab):
    assert is_unrecorded(lab, recorder, call(busy()))
    short = call(answers(1, talks=1.0), recordHintTone="ours.wav")
    assert short["heard"][0][-1] == f"apps/{app_of(recorder)}/ours.wav", "the notice of its choice"
    assert is_unrecorded(lab, recorder, short)


def test_without_its_notice_a_call_goes_on_unrecorded(call, recorder, lab):
    """The object is gone, and the platform knows nothing of it yet."""
    key = f"apps/{app_of(recorder)}/ours.wav"
    lab.client("s3").delete_object(Bucket=lab.outputs["PromptsBucket"], Key=key)
    fee = call(answers(1, talks=4.0), recordHintTone="ours.wav")
    assert is_unrecorded(lab, recorder, fee)
    assert (fee["ulFailReason"], "fwdAnswerTime" in fee) == (0, True)


def test_the_networks_own_file_is_in_stereo(record, lab):
    sound_at(record["recordFileDownloadUrl"])
    s3 = lab.client("s3")
    bucket = lab.outputs["RecordingsBucket"]
    call = record["recordObjectName"].removesuffix(".wav")
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket, Prefix="calls/")["Contents"]]
    [key] = [key for key in keys if call in key]
    with wave.open(io.BytesIO(s3.get_object(Bucket=bucket, Key=key)["Body"].read())) as sound:
        assert sound.getnchannels() == 2


def test_its_sp_deletes_it_and_nobody_fetches_it_any_more(record, recorder, new_sp, lab):
    """The last of this file: what was deleted stays so."""
    name, domain = record["recordObjectName"], record["recordDomain"]
    sound_at(record["recordFileDownloadUrl"])
    assert refused(ask(lab, new_sp("deleter"), name, domain, "DELETE"), 403, "1012007")
    assert ask(lab, recorder, name, domain)[0] == 301
    link = ask(lab, recorder, name, domain)[1]["Location"]
    for _ in ("once", "twice"):
        assert ask(lab, recorder, name, domain, "DELETE")[0] == 200
    assert refused(ask(lab, recorder, name, domain), 403, "1012007")
    for gone in (link, record["recordFileDownloadUrl"]):
        assert refused(get(gone), 404, "1012007")
    sounds = lab.client("s3").list_objects_v2(Bucket=lab.outputs["RecordingsBucket"]).get("Contents", [])
    assert [each["Key"] for each in sounds if name.removesuffix(".wav") in each["Key"]] == []
