"""`trunks.yaml`: one row for each rule; what a row sends on the wire is tested with the line and with the edge."""

from pathlib import Path

import pytest
import yaml

from pstn.trunks.failover import Then, then
from pstn.trunks.headers import from_uri, identity_headers
from pstn.trunks.trunk_file import TrunkFileError, read

NUMBER = "+12025550100"
SECRET = "correct horse"  # nothing real


def _file(tmp_path, trunk=None, **rows):
    one = {"name": "main", "hosts": ["sip.example.net"], "display_numbers": [NUMBER], **(trunk or {})}
    path = tmp_path / "trunks.yaml"
    path.write_text(yaml.safe_dump({"interface": "127.0.0.1", "trunks": [one], **rows}))
    return path


@pytest.fixture
def trunk(tmp_path):
    return lambda **rows: read(_file(tmp_path, rows), {"TRUNK_SECRET": SECRET}).trunks[0]


def test_the_least_file(trunk):
    least = trunk()
    assert (str(least.hosts[0]), least.transport, least.srtp) == ("sip.example.net:5060", "udp", "off")
    assert (least.codecs, least.calls, least.calls_per_second, least.edge) == (("pcmu", "pcma"), 30, 5, True)


@pytest.mark.parametrize(
    ("trunk", "rows", "told"),
    [
        ({"name": "Main trunk"}, {}, "trunks[0].name"),
        ({"hosts": []}, {}, "trunks[0].hosts"),
        ({"hosts": ["a b"]}, {}, "'a b' is not a name"),
        ({"hosts": ["sip.example.net:70000"]}, {}, "is not a name or an IPv4 address"),
        ({"transport": "sctp"}, {}, "trunks[0].transport"),
        ({"srtp": "mandatory"}, {}, "srtp needs transport tls"),
        ({"tls": {"verify": False}}, {}, "transport tls only"),
        ({"transport": "tls", "tls": {"key": "k.pem"}}, {}, "certificate and key"),
        ({"digest": {"user": "acme", "secret": SECRET}}, {}, "a secret is not written here"),
        ({"digest": {"user": "acme", "secret": {"env": "NOT_SET"}}}, {}, "NOT_SET is not set"),
        ({"digest": {"user": "acme", "secret": {"file": "no-such"}}}, {}, "no-such cannot be read"),
        ({"digest": {"user": "a b", "secret": {"env": "TRUNK_SECRET"}}}, {}, "trunks[0].digest.user"),
        ({"registration": {}}, {}, "registration needs digest"),
        ({"registration": {"expires": 5}}, {}, "trunks[0].registration.expires"),
        (
            {"signing": {"certificate": "c", "key": "k", "x5u": "http://a.example", "attestation": "A"}},
            {},
            "signing.x5u",
        ),
        ({"signing": {"certificate": "c", "key": "k", "x5u": "https://a.example"}}, {}, "signing.attestation"),
        ({"from": {"domain": "a_b"}}, {}, "trunks[0].from.domain"),
        ({"identity": {"diversion": "100"}}, {}, "trunks[0].identity.diversion"),
        ({"codecs": ["gsm"]}, {}, "trunks[0].codecs[0]"),
        ({"display_numbers": ["12025550100"]}, {}, "trunks[0].display_numbers[0]"),
        ({"display_numbers": [NUMBER, NUMBER]}, {}, "written twice"),
        ({"calls": 0}, {}, "trunks[0].calls"),
        ({"calls_per_second": 0}, {}, "trunks[0].calls_per_second"),
        ({"numbers": {"outbound": [{"match": "(", "replace": ""}]}}, {}, "not a regular expression"),
        ({"numbers": {"outbound": [{"match": "x", "replace": "\\1"}]}}, {}, "not a regular expression"),
        *(
            ({"numbers": {"outbound": [{"match": r"(\d+)", "replace": replace}]}}, {}, "characters of a SIP user")
            for replace in ("", "$rU", "a b", "\\1;x", "\\1@a.example", "<\\1>")
        ),
        ({"inbound_from": ["anywhere"]}, {}, "trunks[0].inbound_from[0]"),
        ({"profile": "telco"}, {}, "no profile 'telco'"),
        ({"colour": "red"}, {}, "trunks[0].colour"),
        ({}, {"interface": ""}, "interface"),
        ({}, {"stun": "a.example", "public_address": "203.0.113.5"}, "either public_address or stun"),
        ({}, {"rtp_ports": "30000-20000"}, "rtp_ports"),
        ({}, {"trunks": []}, "trunks"),
        ({}, {"trunks": [{"name": "a", "hosts": ["a.example"], "display_numbers": [NUMBER]}] * 2}, "one name"),
    ],
)
def test_a_fault_names_its_place_and_its_rule(tmp_path, trunk, rows, told):
    with pytest.raises(TrunkFileError) as refused:
        read(_file(tmp_path, trunk, **rows), {"TRUNK_SECRET": SECRET})
    assert told in str(refused.value)
    assert SECRET not in str(refused.value)


def test_a_secret_comes_from_the_environment_or_a_file_and_is_never_printed(tmp_path):
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    for source in ({"env": "TRUNK_SECRET"}, {"file": "secret"}):
        known = read(_file(tmp_path, {"digest": {"user": "acme", "secret": source}}), {"TRUNK_SECRET": SECRET})
        digest = known.trunks[0].digest
        assert digest and digest.secret.get_secret_value() == SECRET
        assert SECRET not in f"{known!r}{known}{known.model_dump_json()}"


@pytest.mark.parametrize("text", ["[", "\0", "a: b: c", "- 1", ""])
def test_what_is_no_such_file_is_refused(tmp_path, text):
    path = tmp_path / "trunks.yaml"
    path.write_text(text)
    with pytest.raises(TrunkFileError):
        read(path)
    with pytest.raises(TrunkFileError):
        read(tmp_path / "none.yaml")


def test_a_profile_gives_what_the_trunk_does_not_write(trunk):
    assert trunk(profile="secure").srtp == "mandatory"
    assert str(trunk(profile="secure").hosts[0]).endswith(":5061")
    assert trunk(profile="secure", srtp="off").srtp == "off"


def test_paths_are_beside_the_file(tmp_path, trunk):
    tls = trunk(transport="tls", tls={"ca": "ca.pem", "certificate": "c.pem", "key": "/k.pem"}).tls
    assert (tls.ca, tls.certificate, tls.key) == (tmp_path / "ca.pem", tmp_path / "c.pem", Path("/k.pem"))


def test_numbers_are_rewritten_in_both_directions(trunk):
    numbers = trunk(
        numbers={
            "outbound": [{"match": r"\+1(\d{10})", "replace": r"\1"}, {"match": r"\+(\d+)", "replace": r"011\1"}],
            "inbound": [{"match": r"(\d{10})", "replace": r"+1\1"}],
        }
    ).numbers
    assert [numbers.to_trunk(each) for each in (NUMBER, "+442079460100")] == ["2025550100", "011442079460100"]
    assert [numbers.from_trunk(each) for each in ("2025550100", "anonymous")] == [NUMBER, "anonymous"]


def test_the_caller_is_named_as_the_rows_say(trunk):
    assert from_uri(trunk(), NUMBER) == f"sip:{NUMBER}@sip.example.net"
    named = trunk(**{"from": {"user": "acme", "domain": "acme.example"}})
    assert from_uri(named, NUMBER) == "sip:acme@acme.example"
    assert identity_headers(trunk(), NUMBER) == {}
    rows = {"pai": True, "ppi": True, "rpid": True, "privacy": True, "diversion": "+12025550101"}
    uri = f"<sip:{NUMBER}@sip.example.net>"
    assert identity_headers(trunk(identity=rows), NUMBER) == {
        "P-Asserted-Identity": uri,
        "P-Preferred-Identity": uri,
        "Remote-Party-ID": f"{uri};party=calling;privacy=full;screen=no",
        "Privacy": "id",
        "Diversion": "<sip:+12025550101@sip.example.net>;reason=unconditional",
    }


def test_the_trunks_of_a_number_in_their_order(tmp_path):
    rows = [
        {"name": f"t{each}", "hosts": [f"t{each}.example"], "display_numbers": numbers}
        for each, numbers in ((2, [NUMBER, "+12025550101"]), (1, [NUMBER]))
    ]
    known = read(_file(tmp_path, trunks=rows))
    assert [trunk.name for trunk in known.trunks_for(NUMBER)] == ["t2", "t1"]
    assert [trunk.name for trunk in known.trunks_for("+12025550101")] == ["t2"]
    assert known.display_numbers == (NUMBER, "+12025550101")


@pytest.mark.parametrize("code", [408, 500, 502, 503, 504, 401, 403, 407, 404, 480, 486, 487, 488, 501, 600, 603])
def test_a_call_goes_to_the_next_trunk_only_before_a_telephone_rang(code):
    assert then(code, rang=True) is Then.END
    nexts = {
        **dict.fromkeys((408, 500, 502, 503, 504), Then.NEXT),
        **dict.fromkeys((401, 403, 407), Then.NEXT_AND_ALARM),
    }
    assert then(code, rang=False) is nexts.get(code, Then.END)
