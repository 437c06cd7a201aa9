"""The settings of a node: one row for each rule, and the table of them."""

from pathlib import Path

import pytest

from pstn.node import settings
from pstn.node.settings import HostPort, SettingsError, read

SECRET, OTHER = "an-example-secret-of-32-characters", "another-secret-with-enough-characters"
ARN = "arn:aws:lambda:eu-west-1:111122223333:function:duologue-call-control:live"
LEAST = {
    "DUOLOGUE_PSTN_TRUNKS": "/etc/duologue/trunks.yaml",
    "DUOLOGUE_PSTN_LAMBDA_ARN": ARN,
    "DUOLOGUE_PSTN_NODES_TABLE": "nodes",
    "DUOLOGUE_PSTN_SECRETS": "NODE_SECRET",
    "DUOLOGUE_PSTN_API": "10.0.1.5:8443",
    "NODE_SECRET": SECRET,
}


def test_the_least_settings():
    least = read(LEAST)
    assert (least.region, least.account, least.application_id) == ("eu-west-1", "111122223333", "duologue")
    assert (least.edges, least.recordings_bucket, least.calls_per_station) == ((), None, 60)
    assert least.reached_at == HostPort("10.0.1.5", 8443)
    assert least.most_calls == 60 * least.stations


def test_every_setting_is_read():
    more = {
        "ADDRESS": "10.0.1.6:8443",
        "ADMIN": "127.0.0.1:9000",
        "APPLICATION_ID": "mine",
        "EDGES": "10.0.2.1:5060, edge.internal:5062",
        "RECORDINGS_BUCKET": "recordings",
        "PART_SECONDS": "10",
        "SPOOL": "/var/lib/duologue/spool",
        "STATIONS": "3",
        "CALLS_PER_STATION": "50",
        "DRAIN_SECONDS": "7000",
    }
    found = read({**LEAST, **{f"DUOLOGUE_PSTN_{name}": value for name, value in more.items()}})
    assert found.reached_at == HostPort("10.0.1.6", 8443)
    assert (str(found.admin), found.application_id, found.most_calls, found.drain_seconds) == (
        "127.0.0.1:9000",
        "mine",
        150,
        7000,
    )
    assert [str(edge) for edge in found.edges] == ["10.0.2.1:5060", "edge.internal:5062"]
    assert (found.recordings_bucket, found.part_seconds) == ("recordings", 10)
    assert found.spool == Path("/var/lib/duologue/spool")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("TRUNKS", "", "is not set"),
        ("LAMBDA_ARN", "", "is not set"),
        ("LAMBDA_ARN", ARN.removesuffix(":live"), "with its alias"),
        ("LAMBDA_ARN", ARN.replace("lambda", "sqs"), "the ARN of a Lambda function"),
        ("NODES_TABLE", "a b", "the name of a DynamoDB table"),
        ("SECRETS", "", "is not set"),
        ("SECRETS", "NOT_SET", "NOT_SET is not set"),
        ("SECRETS", "./no-such-file", "no-such-file cannot be read"),
        ("SECRETS", "NODE_SECRET,NODE_SECRET,NODE_SECRET", "3 secrets"),
        ("SECRETS", "SHORT_SECRET", "fewer than 32 characters"),
        ("API", "8443", "host:port"),
        ("API", "10.0.1.5:70000", "host:port"),
        ("API", "0.0.0.0:8443", "DUOLOGUE_PSTN_ADDRESS: others cannot reach 0.0.0.0"),
        ("ADDRESS", "0.0.0.0:8443", "others cannot reach 0.0.0.0"),
        ("ADMIN", "here", "host:port"),
        ("APPLICATION_ID", "a b", "1 to 64"),
        ("EDGES", "10.0.2.1", "host:port"),
        ("RECORDINGS_BUCKET", "Recordings", "the name of an S3 bucket"),
        ("PART_SECONDS", "0", "a whole number from 1 to 300"),
        ("STATIONS", "0", "a whole number from 1 to 256"),
        ("CALLS_PER_STATION", "-1", "a whole number from 1 to 1000"),
        ("DRAIN_SECONDS", "1.5", "a whole number from 0"),
        ("EDGE", "10.0.2.1:5060", "there is no such setting"),
    ],
)
def test_a_fault_names_its_variable_and_the_rule(name, value, told):
    with pytest.raises(SettingsError) as raised:
        read({**LEAST, "SHORT_SECRET": "shortsecret", f"DUOLOGUE_PSTN_{name}": value})
    assert f"DUOLOGUE_PSTN_{name}" in str(raised.value) or "ADDRESS" in told
    assert told in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1
    assert "shortsecret" not in str(raised.value)


def test_all_faults_are_told_at_once():
    with pytest.raises(SettingsError) as raised:
        read({"DUOLOGUE_PSTN_API": "x", "DUOLOGUE_PSTN_STATIONS": "x"})
    assert len(str(raised.value).splitlines()) == 6


def test_secrets_come_from_files_and_variables_and_are_in_no_text(tmp_path):
    file = tmp_path / "secret"
    file.write_text(f"{OTHER}\n")
    found = read({**LEAST, "DUOLOGUE_PSTN_SECRETS": f"{file}, NODE_SECRET"})
    assert found.secrets == (OTHER, SECRET)
    assert not any(secret in repr(found) for secret in found.secrets)


def test_the_table_of_settings_is_the_code_s():
    readme = Path(settings.__file__).parent / "README.md"
    assert settings.table() in readme.read_text(encoding="utf-8")
