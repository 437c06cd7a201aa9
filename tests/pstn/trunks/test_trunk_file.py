"""`trunks.yaml`: one row for each rule; what a row sends on the wire is tested with the line and with the edge."""

import re
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


SIGNING = {"certificate": "c", "key": "k", "x5u": "https://a.example"}


@pytest.mark.parametrize(
    ("trunk", "rows", "told"),
    [
        ({"name": "Main trunk"}, {}, "trunks[0].name: must be 1 to 20 of a-z, 0-9 and -, and begin with a letter"),
        ({"hosts": []}, {}, "trunks[0].hosts: must have one entry at least"),
        ({"hosts": "sip.example.net"}, {}, "trunks[0].hosts: must be a list: [one, another]"),
        ({"hosts": ["b.example", "sip:a.example"]}, {}, "trunks[0].hosts[1]: must be a name or an IPv4 address"),
        ({"hosts": ["a.example:70000"]}, {}, "trunks[0].hosts[0]: the port must be 1 to 65535, and is 70000"),
        ({"host": "a.example"}, {}, "trunks[0].host: there is no such row here; did you mean hosts?"),
        ({"transport": "sctp"}, {}, "trunks[0].transport: must be udp, tcp or tls"),
        ({"srtp": "mandatory"}, {}, "trunks[0].srtp: needs transport: tls"),
        ({"tls": {"verify": False}}, {}, "trunks[0].tls: has a meaning with transport: tls only"),
        ({"transport": "tls", "tls": {"key": "k.pem"}}, {}, "trunks[0].tls: certificate and key belong together"),
        ({"transport": "tls", "tls": {"verify": "perhaps"}}, {}, "trunks[0].tls.verify: must be true or false"),
        ({"digest": SECRET}, {}, "trunks[0].digest: must have rows of its own"),
        ({"digest": {"user": "acme", "secret": SECRET}}, {}, "trunks[0].digest.secret: the secret is not written here"),
        ({"digest": {"user": "acme", "secret": {"envi": "A"}}}, {}, "where it is: {env: NAME} or {file: PATH}"),
        ({"digest": {"user": "acme", "secret": {"env": "A", "file": "b"}}}, {}, "only where it is"),
        ({"digest": {"user": "acme", "secret": {"env": "NOT_SET"}}}, {}, "NOT_SET is not set: read -rs NOT_SET"),
        ({"digest": {"user": "acme", "secret": {"file": "no-such"}}}, {}, "no-such cannot be read: No such file"),
        ({"digest": {"user": "acme", "secret": {"file": "empty"}}}, {}, "empty is empty: its first line must be"),
        ({"digest": {"user": "acme"}}, {}, "trunks[0].digest.secret: is required"),
        ({"digest": {"user": "a b", "secret": {"env": "TRUNK_SECRET"}}}, {}, "trunks[0].digest.user: must be 1 to 64"),
        ({"digest": {"user": 7, "secret": {"env": "TRUNK_SECRET"}}}, {}, "digest.user: must be text: write it in"),
        ({"registration": {}}, {}, "trunks[0].registration: needs digest"),
        ({"registration": {"expires": 5}}, {}, "trunks[0].registration.expires: must be 60 to 86400"),
        ({"signing": {**SIGNING, "x5u": "http://a.example", "attestation": "A"}}, {}, "signing.x5u: must be a URL"),
        ({"signing": SIGNING}, {}, "trunks[0].signing.attestation: is required"),
        ({"from": {"domain": "a_b"}}, {}, "trunks[0].from.domain: must be a name or an address"),
        ({"from": {"usr": "a"}}, {}, "trunks[0].from.usr: there is no such row here; did you mean user?"),
        ({"identity": {"diversion": "100"}}, {}, "trunks[0].identity.diversion: must be a number in E.164"),
        ({"codecs": ["gsm"]}, {}, "trunks[0].codecs[0]: must be pcmu, pcma, g722 or opus"),
        ({"display_numbers": ["12025550100"]}, {}, "trunks[0].display_numbers[0]: must be a number in E.164"),
        ({"display_numbers": [12025550100]}, {}, 'trunks[0].display_numbers[0]: must be in quotes, "+12025550100"'),
        ({"display_numbers": [NUMBER, NUMBER]}, {}, f"trunks[0].display_numbers: {NUMBER} is written twice"),
        ({"calls": 0}, {}, "trunks[0].calls: must be 1 to 10000"),
        ({"calls": "many"}, {}, "trunks[0].calls: must be a whole number"),
        ({"calls_per_second": 0}, {}, "trunks[0].calls_per_second: must be 1 to 1000"),
        ({"no_answer_seconds": 20}, {}, "trunks[0].no_answer_seconds: must be 0.5 to 10"),
        ({"numbers": {"outbound": [{"match": "(", "replace": ""}]}}, {}, "not a regular expression"),
        ({"numbers": {"outbound": [{"match": "x", "replace": "\\1"}]}}, {}, "not a regular expression"),
        *(
            ({"numbers": {"outbound": [{"match": r"(\d+)", "replace": replace}]}}, {}, "characters of a SIP user")
            for replace in ("", "$rU", "a b", "\\1;x", "\\1@a.example", "<\\1>")
        ),
        ({"inbound_from": ["203.0.113.5/24"]}, {}, "trunks[0].inbound_from[0]: must be an IPv4 network such as"),
        ({"profile": "registerd"}, {}, "trunks[0].profile: there is no 'registerd'; did you mean registered?"),
        ({"colour": "red"}, {}, "trunks[0].colour: there is no such row here; there are name, profile, hosts"),
        ({}, {"interface": ""}, "interface: must be an address of this machine, or an interface"),
        ({}, {"public_address": "gateway"}, "public_address: must be an IPv4 address such as"),
        ({}, {"stun": "a.example", "public_address": "203.0.113.5"}, "stun: write either public_address or stun"),
        ({}, {"sip_port": 80}, "sip_port: must be 1024 to 65534"),
        ({}, {"rtp_ports": "30000"}, "rtp_ports: must be first and last port: 20000-29999"),
        ({}, {"rtp_ports": "30000-20000"}, "rtp_ports: must be a smaller port and a larger one, both 1024 to 65535"),
        ({}, {"trunks": []}, "trunks: must have one entry at least"),
        ({}, {"trunks": [{"name": "a", "hosts": ["a.example"], "display_numbers": [NUMBER]}] * 2}, "two have one name"),
    ],
)  # fmt: skip
def test_a_fault_names_its_place_and_its_rule(tmp_path, trunk, rows, told):
    (tmp_path / "empty").touch()
    with pytest.raises(TrunkFileError) as refused:
        read(_file(tmp_path, trunk, **rows), {"TRUNK_SECRET": SECRET})
    said = str(refused.value)
    assert told in said
    assert not re.search(r"Input|[Tt]uple|validation|match pattern|\^", said), "words of the library"
    assert SECRET not in said


def test_a_fault_is_told_once_with_the_line_of_its_row(tmp_path):
    path = tmp_path / "trunks.yaml"
    path.write_text(f"""interface: eth0
trunks:
  - name: main
    hosts: [sip.example.net]
    digest:
      user: acme
      password: {SECRET}
    display_numbers:
      - "+12025550101"
      - +12025550100
""")
    with pytest.raises(TrunkFileError) as refused:
        read(path)
    assert str(refused.value).splitlines() == [
        f"{path}, line 5: trunks[0].digest.secret: is required",
        f"{path}, line 7: trunks[0].digest.password: there is no such row here; there are user, secret, realm",
        f'{path}, line 10: trunks[0].display_numbers[1]: must be in quotes, "+12025550100", '
        "or YAML takes it for a number",
    ]


def test_beside_edges_only_a_trunk_that_is_dialled_directly_needs_its_secret(tmp_path):
    digest = {"user": "acme", "secret": {"file": "none-here"}}
    rows = {"hosts": ["a.example"], "display_numbers": [NUMBER], "digest": digest, "registration": {}}
    by_edge, direct = {"name": "one", **rows}, {"name": "two", **rows, "edge": False}
    path = _file(tmp_path, trunks=[by_edge])
    assert [(each.digest, each.registration) for each in read(path, beside_edges=True).trunks] == [(None, None)]
    with pytest.raises(TrunkFileError):
        read(path)
    with pytest.raises(TrunkFileError, match=r"trunks\[1\]\.digest\.secret: the file .*none-here cannot be read"):
        read(_file(tmp_path, trunks=[by_edge, direct]), beside_edges=True)


def test_off_needs_no_quotes(tmp_path):
    """YAML reads it as false."""
    path = _file(tmp_path)
    path.write_text(f"{path.read_text()}  srtp: off\n")
    assert read(path).trunks[0].srtp == "off"


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
