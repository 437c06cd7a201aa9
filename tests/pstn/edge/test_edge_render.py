"""The files of an edge: tests/e2e/trunk/edge starts the programs that read them."""

import stat
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv4Network

import pytest
import yaml
from cryptography import x509

from lab.telco.certificates import Authority
from pstn.__main__ import main
from pstn.edge.check import ending
from pstn.edge.render import EdgeError, Place, render
from pstn.edge.rewriting import rules
from pstn.trunks import tls_context
from pstn.trunks.trunk_file import Rewrite, TrunkFile, read

NUMBER = "+12025550100"
SECRET = 'x"\\$rU:\t#!define\n{{ secret }}'  # nothing real
TRUNK = {
    "name": "main",
    "hosts": ["sip.example.net", "192.0.2.7:5070"],
    "display_numbers": [NUMBER],
    "digest": {"user": "acme", "secret": {"env": "TRUNK_SECRET"}, "realm": '"; $rU\n#!KAMAILIO'},
}


@pytest.fixture
def file(tmp_path):
    def made(trunks=(), **rows) -> TrunkFile:
        path = tmp_path / "trunks.yaml"
        path.write_text(yaml.safe_dump({"interface": "192.0.2.1", "trunks": list(trunks) or [TRUNK], **rows}))
        return read(path, {"TRUNK_SECRET": SECRET})

    return made


@pytest.fixture
def place(tmp_path):
    def made(**more) -> Place:
        inside, outside = (IPv4Address("10.0.0.1"), 5060), IPv4Address("192.0.2.1")
        return Place(
            **{
                "out": tmp_path / "edge",
                "run": tmp_path,
                "inside": inside,
                "outside": outside,
                "mask_key": "00" * 32,
                **more,
            }
        )

    return made


def test_the_same_file_gives_the_same_bytes(file, place):
    assert render(file(), place()) == render(file(), place())


def test_a_secret_is_in_no_file_as_it_is_written(file, place):
    """So no character of it means something to the program that reads the file."""
    rendered = render(file(), place())
    assert SECRET.encode().hex() in rendered["tables/trunks"]
    for text in rendered.values():
        assert SECRET not in text and TRUNK["digest"]["realm"] not in text


def test_the_program_does_not_depend_on_the_trunks(file, place):
    other = {
        **TRUNK,
        "name": "other",
        "display_numbers": ["+12025550101"],
        "numbers": {"inbound": [{"match": "x", "replace": "y"}]},
    }
    both, one = (render(file(trunks), place())["kamailio.cfg"] for trunks in ([TRUNK, other], [TRUNK]))
    without = [line for line in both.splitlines() if "mask_key" not in line]
    assert without == [line for line in one.splitlines() if "mask_key" not in line]


def test_files_are_for_their_owner_and_nothing_is_printed(file, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("TRUNK_SECRET", SECRET)
    file()
    out = tmp_path / "edge"
    command = ["edge", "render", str(tmp_path / "trunks.yaml"), "--out", str(out)]
    assert main([*command, "--inside", "10.0.0.1", "--outside", "192.0.2.1", "--node", "10.0.0.5:5060"]) == 0
    printed = capsys.readouterr()
    assert printed.out + printed.err == ""
    files = [path for path in out.rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert (out / "dispatcher.list").read_text() == "1 sip:10.0.0.5:5060 0 0\n"


def test_who_may_send_anything(file, place):
    trunks = [
        {**TRUNK, "inbound_from": ["198.51.100.0/24"]},
        {**TRUNK, "name": "registered", "hosts": ["192.0.2.9"], "registration": {"registrar": "192.0.2.10"}},
    ]
    nodes = place(nodes=((IPv4Address("10.0.0.5"), 5060),), nodes_from=(IPv4Network("10.1.0.0/16"),))
    assert render(file(trunks), nodes)["address.list"].splitlines() == [
        "1 10.0.0.5 32",
        "1 10.1.0.0 16",
        "100 198.51.100.0 24",
        "200 192.0.2.7 32",
        "101 192.0.2.9 32",
        "101 192.0.2.10 32",
    ]


def test_the_address_that_trunks_see(file, place):
    assert "advertise 192.0.2.1:5060" in render(file(), place())["kamailio.cfg"]
    rendered = render(file(public_address="203.0.113.5"), place())
    assert "advertise 203.0.113.5:5060" in rendered["kamailio.cfg"]
    assert "outside/192.0.2.1!203.0.113.5\n" in rendered["rtpengine.conf"]
    assert "203.0.113.6:5060" in render(file(), place(public=IPv4Address("203.0.113.6")))["kamailio.cfg"]


@pytest.mark.parametrize(
    ("trunk", "rows", "told"),
    [
        ({"edge": False}, {}, "no trunk"),
        ({}, {"stun": "stun.example.net"}, "no STUN"),
        ({"transport": "tls"}, {}, "--certificate and --key"),
        ({"numbers": {"inbound": [{"match": "(a)" * 10, "replace": "x"}]}}, {}, ""),
        (
            {"numbers": {"inbound": [{"match": "(a)" * 9 + "(?P<ten>a)", "replace": r"\g<ten>"}]}},
            {},
            "the groups 1 to 9",
        ),
        (
            {"signing": {"certificate": "c.pem", "key": "k.pem", "x5u": "https://a.example", "attestation": "A"}},
            {},
            "k.pem",
        ),
    ],
)
def test_what_an_edge_cannot_do_is_told(file, place, trunk, rows, told):
    known = file([{**TRUNK, **trunk}], **rows)
    if not told:
        assert render(known, place())
        return
    with pytest.raises(EdgeError) as refused:
        render(known, place())
    assert told in str(refused.value)


def _rendered(tmp_path, *options) -> int:
    """By the command."""
    place = ("--out", tmp_path / "edge", "--inside", "10.0.0.1", "--outside", "192.0.2.1")
    return main(["edge", "render", str(tmp_path / "trunks.yaml"), *map(str, (*place, *options))])


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("ca", "trunk main, tls.ca: the file {folder}/bad.pem has no certificate"),
        ("key", "trunk main, tls.key: the key {folder}/other.key is not that of the certificate {folder}/own.crt"),
        ("--certificate", "--certificate: the file {folder}/none.pem cannot be read"),
        ("--key", "--key: the key {folder}/other.key is not that of the certificate {folder}/own.crt"),
        (None, ""),
    ],
)
def test_nothing_is_written_with_a_file_that_tls_cannot_use(file, tmp_path, capsys, monkeypatch, fault, told):
    monkeypatch.setenv("TRUNK_SECRET", SECRET)
    authority = Authority(tmp_path)
    own, other = authority.issue("own"), authority.issue("other")
    bad = tmp_path / "bad.pem"
    bad.write_text("nothing")
    rows = {"ca": str(bad if fault == "ca" else authority.certificate)}
    rows |= {"certificate": str(own.certificate), "key": str(other.key if fault == "key" else own.key)}
    file([{**TRUNK, "transport": "tls", "tls": rows}])
    certificate = tmp_path / "none.pem" if fault == "--certificate" else own.certificate
    key = other.key if fault == "--key" else own.key
    refused = bool(_rendered(tmp_path, "--certificate", certificate, "--key", key))
    assert refused == bool(fault)
    assert told.format(folder=tmp_path) in capsys.readouterr().err
    assert (tmp_path / "edge" / "kamailio.cfg").exists() is not refused


def test_certificates_of_ours_that_end_soon_are_told(file, place, tmp_path):
    """In time to exchange them, by where they are named."""
    own = Authority(tmp_path).issue("own").certificate
    ends = x509.load_pem_x509_certificate(own.read_bytes()).not_valid_after_utc
    rows = {"certificate": str(own), "key": "own.key"}
    signing = {**rows, "x5u": "https://example.com/own", "attestation": "A"}
    known = file([{**TRUNK, "transport": "tls", "tls": rows, "signing": signing}])

    def told(left: timedelta) -> list[str]:
        return list(ending(known, place(certificate=own), ends - left))

    said = f"our certificate {own} ends in 29 days"
    assert told(timedelta(days=30, minutes=1)) == []
    assert told(timedelta(days=29, minutes=1)) == [
        f"--certificate: {said}",
        f"trunk main, tls.certificate: {said}",
        f"trunk main, signing.certificate: {said}",
    ]
    assert told(timedelta(minutes=-1))[0] == f"--certificate: our certificate {own} has ended"


def test_without_openssl_it_is_said_once_that_nothing_warns(file, place, tmp_path, monkeypatch, caplog):
    own = Authority(tmp_path).issue("own").certificate
    rows = {"certificate": str(own), "key": "own.key"}
    known = file([{**TRUNK, "transport": "tls", "tls": rows}])
    monkeypatch.setenv("PATH", str(tmp_path))
    tls_context._log_without_openssl.cache_clear()
    assert list(ending(known, place(certificate=own), datetime.now(UTC))) == []
    said = "nothing warns of certificates of ours that end: openssl cannot be run: No such file or directory"
    assert caplog.messages == [said], "not of each certificate"


@pytest.mark.parametrize("path", ['/a"b', "/a\nb", "/a b", "/a$b"])
def test_a_path_that_would_mean_something_is_refused(file, place, path):
    with pytest.raises(EdgeError):
        render(
            file([{**TRUNK, "transport": "tls", "tls": {"ca": path}}]), place(certificate=place().out, key=place().out)
        )


def test_rules_of_rewriting():
    written = [Rewrite(match=r"\+1(?P<rest>\d+)", replace=r"9\g<rest>"), Rewrite(match="a|b", replace=r"0")]
    assert rules(written) == [(r"\A(?:\+1(?P<rest>\d+))\z", r"9\1"), (r"\A(?:a|b)\z", "0")]
