"""`duologue-pstn trunk check` behind NAT, against the stand-in telephone company: what each wrong row leads to."""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest

from lab.telco.namespaces import NAT, OUTSIDE, address
from lab.telco.phones import answers
from lab.telco.stun_server import PORT as STUN_PORT
from lab.telco.telco import COMPANY, Account, Telco

CALLED, SHOWN, FOREIGN = "+12025550111", "+12025550100", "+12025550199"
STUN = f"{COMPANY}:{STUN_PORT}"
SOUND_IN = "we receive sound, but no key was pressed"
"""Nobody presses a key here; what is received came through NAT, decrypted."""


@dataclass
class Wrong:
    """Rows of the trunk and of the file that are not as they should be; which steps fail, and what is said of one."""

    fails: set[str]
    found: str
    trunk: dict[str, Any] = field(default_factory=dict)
    rows: dict[str, Any] = field(default_factory=dict)
    secret: str | None = None
    more: tuple[str, ...] = ()
    """Further arguments of the command."""


FOREIGN_ADDRESS = {"stun": None, "public_address": "203.0.113.9"}
OURS = address(OUTSIDE, NAT)
CASES = {
    "nothing": Wrong({"sound"}, SOUND_IN),
    "stun": Wrong({"sound"}, "you are behind NAT at", rows={"stun": None}),
    "public_address": Wrong({"nat", "sound"}, "and is told 203.0.113.9", rows=FOREIGN_ADDRESS),
    "--public": Wrong(
        {"sound"}, f"the host sees {OURS}, our public address", rows=FOREIGN_ADDRESS, more=("--public", OURS)
    ),
    "digest.secret": Wrong({"registration", "call"}, "the trunk refused our credentials (401)", secret="a wrong one"),
    "tls.ca": Wrong({"tls"}, "nobody whom we trust vouches", trunk={"tls": {}}),
    "display_numbers": Wrong({"call"}, "does not let us call with this caller (403)", {"display_numbers": [FOREIGN]}),
    "srtp": Wrong({"call"}, "the trunk refused our audio (488)", {"srtp": "off"}),
}


@pytest.fixture(scope="module")
def telco(tmp_path_factory):
    account = Account("secure", (SHOWN,), srtp="mandatory", tls=True)
    with Telco(tmp_path_factory.mktemp("telco"), [account]) as telco:
        telco.phone(CALLED, answers())
        yield telco


@pytest.mark.parametrize("wrong", CASES.values(), ids=CASES.keys())
def test_a_wrong_row_fails_the_step_that_it_concerns(telco, wrong):
    trunk = telco.trunk("secure", registration={}, **wrong.trunk)
    if wrong.secret:
        (telco.folder / "secure.secret").write_text(wrong.secret)
    rows = {name: value for name, value in {"stun": STUN, **wrong.rows}.items() if value is not None}
    file = telco.trunk_file(trunk, **rows)
    command = [
        sys.executable,
        "-m",
        "pstn",
        "trunk",
        "check",
        str(file),
        "--call",
        CALLED,
        "--yes",
        "--json",
        *wrong.more,
    ]
    process = telco.customer.start(*command, stdout=subprocess.PIPE)
    said = process.communicate(timeout=120)[0].decode()
    secret = (telco.folder / "secure.secret").read_text()
    assert secret not in said
    steps = {step["name"]: step for step in json.loads(said)["steps"]}
    assert {name for name, step in steps.items() if step["outcome"] == "failed"} == wrong.fails, said
    assert any(wrong.found in step["found"] for step in steps.values()), said
    assert all(step["change"] for step in steps.values() if step["outcome"] == "failed")
    assert process.returncode == 1
