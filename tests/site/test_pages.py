"""The site over HTTP, as a browser without scripts uses it."""

import http.client
import json
import re
from urllib.parse import urlencode, urlsplit

import pytest

from lab.sp.client import CALL_STOP, CLICK2CALL
from lab.website.backend import STATUS_PATH
from lab.website.barcode import modules
from lab.website.cdr_table import record_table
from lab.website.scenarios import SCENARIOS, TO_TRY, to_try
from tests.site.platform import (
    BACK,
    CALLEE,
    CALLER,
    RECORDED,
    RETURN_CALL,
    RETURN_FEE,
    SESSION,
    TALK,
    fee,
    said,
    signed,
    status,
)


@pytest.fixture
def ask(site):
    """One request: status, headers, body."""

    def ask(method: str, path: str, form: dict | bytes | None = None, **headers: str):
        line = http.client.HTTPConnection(urlsplit(site.url).netloc, timeout=10)
        body = urlencode(form).encode() if isinstance(form, dict) else form
        try:
            line.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = line.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            line.close()

    return ask


@pytest.fixture
def place(ask):
    """The path of a new call's page."""

    def place(**form: str) -> str:
        status, headers, _ = ask("POST", "/calls", {"scenario": "", "number": CALLER, **form})
        assert status == 303
        return headers["Location"]

    return place


def text_of(page: bytes) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.decode()))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.slug or "training")
def test_each_business_has_its_page(ask, scenario):
    status, headers, page = ask("GET", f"/{scenario.slug}")
    assert status == 200
    assert scenario.heading in page.decode().replace("&#39;", "'")
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert not re.search(rb'(src|href)="(https?:)?//', page), "everything comes from the site itself"
    assert set(re.findall(rb'<label for="(\w+)"', page)) >= {b"number"}


@pytest.mark.parametrize(
    ("code", "bars"),
    [
        (
            "4006381333931",
            "101 0001101 0100111 0101111 0111101 0001001 0110011 01010"
            " 1000010 1000010 1000010 1110100 1000010 1100110 101",
        ),
        (
            "9780306406157",
            "101 0111011 0001001 0100111 0111101 0100111 0101111 01010"
            " 1011100 1110010 1010000 1100110 1001110 1000100 101",
        ),
    ],
)
def test_the_bars_of_a_parcel_are_those_of_its_code(code, bars):
    assert modules(code) == bars.replace(" ", "")


def test_every_page_links_what_else_runs_on_the_machine(ask, site, place):
    """Nothing, where the site runs by itself."""
    paths = ("/", "/rides", place(), "/nothing")
    assert [path for path in paths if b"This laptop" in ask("GET", path)[2]] == []
    site.links = (("The lab", "http://127.0.0.1:8088"), ("API", "http://127.0.0.1:8088/api?x=1&y"))
    for path in paths:
        page = ask("GET", path)[2]
        assert b'<a href="http://127.0.0.1:8088">The lab</a>' in page
        assert b'<a href="http://127.0.0.1:8088/api?x=1&amp;y">API</a>' in page


def test_the_notice_stands_beside_the_button_and_nothing_is_ticked(ask):
    page = ask("GET", "/")[2].decode()
    assert "hear a notice first" in page
    assert "checked" not in page


def test_numbers_to_try_are_offered_where_there_are_such(ask, site):
    assert [what for what in ("answers", "is busy", "never answers") if what in text_of(ask("GET", "/")[2])] == [
        "answers",
        "is busy",
        "never answers",
    ]
    site.backend.to_try = to_try(lambda number: f"http://127.0.0.1:8091/?number={number}&x=1")
    page = ask("GET", "/")[2].decode()
    assert '<a href="http://127.0.0.1:8091/?number=+12025550111&amp;x=1"' in page
    assert page.count("answer it yourself") == 1
    assert to_try(None) == TO_TRY
    site.backend.to_try = ()
    assert "never answers" not in text_of(ask("GET", "/")[2])


def test_a_call_is_placed_and_its_page_is_there(ask, place, platform):
    path = place(record="yes")
    status, _, page = ask("GET", path)
    assert status == 200
    assert "We have asked the platform to call you." in page.decode()
    assert 'aria-live="polite"' in page.decode()
    assert platform.of(CLICK2CALL)[0]["statusUrl"]


def test_the_same_form_twice(ask, platform):
    token = re.search(rb'name="token" value="([^"]+)"', ask("GET", "/")[2])[1].decode()
    form = {"scenario": "", "number": CALLER, "token": token}
    assert ask("POST", "/calls", form)[1]["Location"] == ask("POST", "/calls", form)[1]["Location"]
    assert len(platform.of(CLICK2CALL)) == 1


def test_wrong_input_is_told_beside_its_field_and_kept_in_it(ask, platform):
    status, _, page = ask("POST", "/calls", {"scenario": "", "number": '202"><script>x', "record": "yes"})
    assert status == 422
    assert b'aria-invalid="true"' in page
    assert b'id="number-wrong">Only digits' in page
    assert b"<script>x" not in page
    assert b"&lt;script&gt;x" in page
    assert b'value="yes" checked' in page
    assert platform.asked == []


def test_a_page_of_another_site_is_refused(ask, platform):
    form = {"scenario": "", "number": CALLER}
    assert ask("POST", "/calls", form, Origin="http://evil.example")[0] == 403
    assert platform.asked == []


class TestNotifications:
    def post(self, ask, site, body, secret="secret-of-the-app"):
        headers = signed(site.url + STATUS_PATH, secret)
        return ask(
            "POST", STATUS_PATH, json.dumps(body).encode(), **{k.replace("-", "_"): v for k, v in headers.items()}
        )

    def test_taken_and_shown(self, ask, site, place):
        path = place()
        status, _, body = self.post(ask, site, TALK[0])
        assert (status, json.loads(body)) == (200, {"resultcode": "0"})
        assert "Your phone is being dialled." in ask("GET", path)[2].decode()

    def test_one_that_is_too_large_is_not_read(self, ask):
        assert ask("POST", STATUS_PATH, b"", Content_Length=str(1024 * 1024 + 1))[0] == 413


class TestCallPage:
    def test_the_record_in_words_and_as_sent(self, ask, site, place, clock):
        path = place()
        [site.backend.notify(each) for each in (*TALK, fee())]
        page = ask("GET", path)[2]
        for words in ("0: talked", "Who hung up Sophia", "20 s", "fwdAnswerTime"):
            assert words in text_of(page)
        assert "Happened" in text_of(page)

    @pytest.mark.parametrize(
        ("code", "callee_dialled", "expected"),
        [
            (8000, False, "network refused the call to your phone, so nobody was called (ForbiddenException)"),
            (8000, True, "network refused the call to Sophia (ForbiddenException)"),
            (7109, True, "network had no capacity for the call to Sophia (ForbiddenException)"),
        ],
    )
    def test_a_dial_that_the_network_refused_is_told_with_its_code(
        self, ask, site, place, code, callee_dialled, expected
    ):
        path = place()
        record = fee(networkError="ForbiddenException")
        absent = ("fwdStartTime", "fwdAnswerTime") + (() if callee_dialled else ("callOutStartTime",))
        for name in absent:
            del record["feeLst"][0][name]
        site.backend.notify(status("disconnect", CALLER, 5, stateCode=code))
        site.backend.notify(record)
        page = text_of(ask("GET", path)[2])
        assert expected in page
        assert "the network refused: ForbiddenException networkError" in page

    @pytest.mark.parametrize(
        ("told", "phones"),
        [
            ((), "You Sophia"),
            (TALK[:1], "You is dialled Sophia"),
            (TALK[:2], "You rings Sophia"),
            (TALK[:3], "You waits Sophia"),
            (TALK[:4], "You waits Sophia is called"),
            ((*TALK[:4], status("alerting", CALLEE, 4)), "You waits Sophia rings"),
            (TALK[:5], "You talks Sophia talks"),
            (TALK, "You talked Sophia talked"),
            ((*TALK, fee()), "You talked 20 s Sophia talked 20 s"),
            ((*TALK[:4], status("disconnect", CALLER, 9, stateCode=8102)), "You Sophia busy"),
            ((*TALK[:2], status("disconnect", CALLER, 9, stateCode=8107)), "You no answer Sophia"),
            ((*TALK[:2], status("disconnect", CALLER, 9, stateCode=8017)), "You Sophia"),
        ],
    )
    def test_the_picture_of_the_phones_says_what_each_does(self, ask, site, place, told, phones):
        path = place()
        [site.backend.notify(each) for each in told]
        picture = json.loads(ask("GET", f"{path}/parts")[2])["parts"]["phones"]
        assert text_of(picture.encode()).split() == phones.split()

    @pytest.mark.parametrize("leg", ["callOut", "fwd"])
    @pytest.mark.parametrize(
        ("absent", "code", "expected"),
        [
            ((), 0, "none: it answered"),
            (("AnswerTime",), 0, "0: the network gave no cause"),
            (("AnswerTime",), 17, "17: busy"),
            (("AnswerTime", "StartTime"), 0, "none: it was not dialled"),
        ],
    )
    def test_why_a_phone_did_not_answer(self, site, place, leg, absent, code, expected):
        call = site.backend.call_log.get(place().rpartition("/")[2])
        record = fee(**{f"{leg}UnaswRsn": code})
        for name in absent:
            del record["feeLst"][0][leg + name]
        site.backend.notify(record)
        assert f"<td>{expected}</td><td><code>{leg}UnaswRsn" in record_table(call)

    @pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
    def test_no_page_shows_a_contacts_number(self, ask, site, platform, place, scenario):
        """In no phase and in no spelling, wherever the platform mentions it."""
        for contact in scenario.contacts:
            number = contact.number
            spelled = f"{number[:2]} ({number[2:5]}) {number[5:8]}-{number[8:]}"
            path = place(scenario=scenario.slug, ref=contact.ref)
            session = site.backend.call_log.get(path.rpartition("/")[2]).session_id
            pages = []
            for each in (*TALK, fee(**RECORDED, userData=f"for {spelled}", icid=f"x{number}")):
                sent = json.dumps(each).replace(CALLEE, number).replace(SESSION, session)
                assert site.backend.notify(json.loads(sent)) == 200
                pages += [ask("GET", shown)[2] for shown in (f"/{scenario.slug}", path, f"{path}/parts")]
            assert b"for hidden" in pages[-1]
            platform.answers[CLICK2CALL] = lambda text=f"Invalid request.calleeNbr {number} {spelled}": said(
                "1010002", 403, text
            )
            pages.append(ask("POST", "/calls", {"scenario": scenario.slug, "number": CALLER, "ref": contact.ref})[2])
            assert b"the other number hidden hidden" in pages[-1]
            del platform.answers[CLICK2CALL]
            assert [page for page in pages if number[1:] in re.sub(r"[^\w]", "", page.decode())] == []

    def test_the_parts_are_those_of_the_page(self, ask, place):
        path = place()
        parts = json.loads(ask("GET", f"{path}/parts")[2])
        assert set(parts["parts"]) == {"phones", "state", "stop", "line", "sound", "steps", "record"}
        page = ask("GET", path)[2].decode()
        assert all(f'id="{name}"' in page for name in parts["parts"])
        assert parts["complete"] is False

    def test_the_stream_tells_what_changed_and_ends_with_the_call(self, site, place, clock):
        path = place()
        line = http.client.HTTPConnection(urlsplit(site.url).netloc, timeout=10)
        line.request("GET", f"{path}/stream")
        answer = line.getresponse()
        assert answer.getheader("Content-Type") == "text/event-stream"

        def read() -> dict:
            assert answer.readline() == b"retry: 500\n"
            data = answer.readline()
            assert answer.readline() == b"\n"
            return json.loads(data.removeprefix(b"data: "))

        assert len(read()["parts"]) == 7
        site.backend.notify(TALK[0])
        news = read()["parts"]
        assert set(news) == {"phones", "state", "line", "steps"}
        assert "being dialled" in news["state"]
        [site.backend.notify(each) for each in (*TALK[1:], fee())]
        clock.move(1)
        while not read()["complete"]:
            pass
        assert answer.read() == b""
        line.close()

    def test_stopped_by_the_button(self, ask, place, platform):
        path = place()
        status, headers, _ = ask("POST", f"{path}/stop")
        assert (status, headers["Location"]) == (303, path)
        assert len(platform.of(CALL_STOP)) == 1
        page = ask("GET", path)[2].decode()
        assert "The call is being ended." in page
        assert 'aria-disabled="true"' in page

    def test_it_loads_again_by_itself_without_scripts_until_all_is_there(self, ask, site, place, clock):
        path = place()
        assert b'http-equiv="refresh"' in ask("GET", path)[2]
        [site.backend.notify(each) for each in (*TALK, fee())]
        clock.move(1)
        assert b'http-equiv="refresh"' not in ask("GET", path)[2]


class TestPlayer:
    @pytest.fixture
    def recorded(self, site, place, platform, clock, storage) -> str:
        platform.link = f"{storage.url}/r/new"
        path = place(record="yes")
        [site.backend.notify(each) for each in (*TALK, fee(**RECORDED))]
        clock.move(1)
        return path

    def test_it_is_on_the_page_and_gives_the_bytes(self, ask, recorded, storage):
        assert f'src="{recorded}/recording"' in ask("GET", recorded)[2].decode()
        status, headers, sound = ask("GET", f"{recorded}/recording")
        assert (status, headers["Content-Type"], sound) == (200, "audio/wav", storage.sound)
        assert "Location" not in headers, "the link is the site's own secret"

    def test_the_link_in_the_record_is_not_on_the_page(self, ask, recorded):
        """Neither in the table, nor in the record as it was sent, nor in what the page is told later."""
        for path in (recorded, f"{recorded}/parts"):
            shown = ask("GET", path)[2].decode()
            assert "recordFileDownloadUrl" in shown
            assert "/r/secret" not in shown

    def test_a_part(self, ask, recorded, storage):
        status, headers, sound = ask("GET", f"{recorded}/recording", Range="bytes=100-199")
        assert (status, sound) == (206, storage.sound[100:200])
        assert headers["Content-Range"] == f"bytes 100-199/{len(storage.sound)}"

    def test_its_head(self, ask, recorded, storage):
        status, headers, body = ask("HEAD", f"{recorded}/recording")
        assert (status, headers["Content-Length"], body) == (200, str(len(storage.sound)), b"")


@pytest.mark.parametrize(
    "path", ["/nothing", "/calls/unknown", "/static/../server.py", "/static/%2e%2e/server.py", "/calls/x/recording"]
)
def test_what_is_not_there(ask, path):
    status, _, page = ask("GET", path)
    assert status == 404
    assert b"no such page" in page


@pytest.mark.parametrize(
    ("name", "kind"), [("style.css", "text/css"), ("site.js", "text/javascript"), ("training.svg", "image/svg+xml")]
)
def test_what_stands_still(ask, name, kind):
    status, headers, body = ask("GET", f"/static/{name}")
    assert (status, headers["Content-Type"].partition(";")[0]) == (200, kind)
    assert b"//cdn" not in body


def test_the_outcome_of_each_lead_comes_from_its_record(ask, site, place):
    path = place(scenario="homes", ref="lead-301")
    told = [json.loads(json.dumps(each).replace(CALLEE, "+12025550139")) for each in (*TALK, fee())]
    assert "in progress" in text_of(ask("GET", "/homes")[2])
    [site.backend.notify(each) for each in told]
    page = ask("GET", "/homes")[2]
    assert "talked for 20 s" in text_of(page)
    assert f'href="{path}"'.encode() in page
    assert text_of(page).count("not called yet") == 3


@pytest.mark.parametrize(
    ("told", "button"),
    [
        (None, '"Call: Grace Bell">Call<'),
        ((), '"Call again: Grace Bell" class="quiet">Call again<'),
        ((status("disconnect", CALLER, 5, stateCode=8101),), '"Call again: Grace Bell">Call again<'),
        (
            (*TALK, fee(fwdDstNum="+12025550139")),
            '"Call again: Grace Bell" class="quiet">Call again<',
        ),
    ],
    ids=["never called", "in progress", "did not answer", "talked"],
)
def test_a_lead_that_was_called_is_called_again(ask, site, place, told, button):
    """It is prominent as long as the contact was not reached."""
    if told is not None:
        place(scenario="homes", ref="lead-301")
        [site.backend.notify(each) for each in told]
    assert button in ask("GET", "/homes")[2].decode()


def test_a_call_whose_page_was_left_is_found_again(ask, site, place, platform):
    """By the browser that placed it, on the page of its business, the last three of them."""
    cookie, paths = "theme=dark", []
    for _ in range(4):
        _, headers, _ = ask("POST", "/calls", {"scenario": "", "number": CALLER}, Cookie=cookie)
        paths.append(headers["Location"])
        kept, *attributes = headers["Set-Cookie"].split("; ")
        assert {"HttpOnly", "SameSite=Strict"} <= set(attributes)
        cookie = f"theme=dark; {kept}"
    page = ask("GET", "/", Cookie=cookie)[2].decode()
    assert re.findall(r'<a href="(/calls/[^"]+)">Call with Sophia', page) == paths[:0:-1]
    assert "A call is in progress" in page
    for number in range(1, 5):
        session = SESSION.replace("1_", f"{number}_", 1)
        site.backend.notify(status("disconnect", CALLER, 5, session=session, stateCode=8108))
    assert "you were busy" in text_of(ask("GET", "/", Cookie=cookie)[2])
    for other in ({"path": "/rides", "Cookie": cookie}, {"path": "/"}, {"path": "/", "Cookie": 'calls="x.y'}):
        assert b'href="/calls/' not in ask("GET", other.pop("path"), **other)[2]


class TestReturnCall:
    """The contact dials the number that its phone showed, and the phone of the person at the page rings."""

    def told(self, site, *events):
        return [site.backend.notify(each) for each in events]

    @pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
    def test_each_business_says_how_to_ring_back(self, ask, scenario):
        page = text_of(ask("GET", f"/{scenario.slug}")[2])
        assert scenario.ring_back[0] in page
        assert "+1 202 555 0101" in page.partition(scenario.ring_back[0])[2]

    def test_after_a_call_the_page_says_how_the_contact_rings_back(self, ask, site, place):
        path = place()
        assert "ring you back" not in text_of(ask("GET", path)[2])
        self.told(site, *TALK)
        assert "Sophia can ring you back by dialling" in text_of(ask("GET", path)[2])

    def test_it_has_a_page_that_names_who_dials(self, ask, site, place):
        """Its chart has the dialler's phone from its dial on, and its CDR the dialler; no page has the number."""
        _, headers, _ = ask("POST", "/calls", {"scenario": "", "number": CALLER})
        cookie = headers["Set-Cookie"].partition(";")[0]
        self.told(site, *TALK, fee(), *RETURN_CALL[:2])
        first = ask("GET", headers["Location"])[2].decode()
        (path,) = re.findall(r'<a href="(/calls/[^"]+)">Sophia called back</a>: in progress', first)
        page = text_of(ask("GET", path)[2])
        for words in (
            "Sophia calls back",
            "your phone is being called",
            "Sophia’s phone waits",
            "Your phone is called",
        ):
            assert words in page
        home = ask("GET", "/", Cookie=cookie)[2]
        assert "A call is in progress Sophia calls back" in text_of(home)
        self.told(site, *RETURN_CALL[2:], fee(BACK, **RETURN_FEE))
        page = ask("GET", path)[2]
        for words in ("talked with Sophia for 12 s", "Hung up by Sophia", "Sophia, who called back", "callInTime"):
            assert words in text_of(page)
        assert CALLEE[1:] not in re.sub(r"[^\w]", "", page.decode())

    @pytest.mark.parametrize("caller", ["anonymous", "+12025550199"])
    def test_a_stranger_who_dials_the_number_is_on_no_page(self, ask, site, place, caller):
        path = place()
        self.told(site, *TALK, RETURN_CALL[0] | {"statusInfo": RETURN_CALL[0]["statusInfo"] | {"caller": caller}})
        assert "called back" not in text_of(ask("GET", path)[2])

    @pytest.mark.parametrize(
        ("code", "words"),
        [
            (8009, "hung up before you answered"),
            (8101, "your phone was not answered"),
            (8102, "you were on another call"),
        ],
    )
    def test_why_it_failed(self, ask, site, place, code, words):
        path = place()
        self.told(
            site,
            *TALK,
            RETURN_CALL[0],
            RETURN_CALL[3] | {"statusInfo": RETURN_CALL[3]["statusInfo"] | {"stateCode": code}},
        )
        (back,) = re.findall(r'<a href="(/calls/[^"]+)">Sophia called back', ask("GET", path)[2].decode())
        page = ask("GET", back)[2]
        assert words in text_of(page)
        assert [
            name
            for name, state in re.findall(rb'end \w+"><i class="handset"></i><b>(\w+)</b><span>(.*?)<', page)
            if state
        ] == ([] if code == 8009 else [b"You"])


def test_enter_in_the_number_calls_nobody_from_a_list(ask):
    """A form's first button is what Enter presses."""
    form = re.search(rb"<form.*?</form>", ask("GET", "/homes")[2], re.DOTALL)[0]
    assert re.search(rb"<button[^>]*>", form)[0] == b"<button disabled hidden>"
