"""The operator's commands, against a stack: what they add is what SPs log in with."""

import io
import json

import pytest

from duologue.adapters.dynamo_accounts import DynamoAccounts
from duologue.adapters.kms_secrets import KmsSecrets
from duologue.adapters.stack_outputs import outputs_of
from duologue.domain.passwords import password_matches
from duologue.operator.__main__ import main

# moto reads a stack only with packages that nothing else here needs.
pytestmark = pytest.mark.parametrize("aws", ["lab"], indirect=True)

TEMPLATE = {
    "Resources": {
        "Accounts": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [
                    {"AttributeName": "pk", "AttributeType": "S"},
                    {"AttributeName": "sk", "AttributeType": "S"},
                ],
                "KeySchema": [
                    {"AttributeName": "pk", "KeyType": "HASH"},
                    {"AttributeName": "sk", "KeyType": "RANGE"},
                ],
            },
        },
        "Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {"Version": "2012-10-17", "Statement": []}}},
    },
    "Outputs": {"AccountsTable": {"Value": {"Ref": "Accounts"}}, "SecretsKey": {"Value": {"Ref": "Key"}}},
}


PASSWORD = "a long enough password"


class Platform:
    def __init__(self, aws, capsys) -> None:
        self.aws, self.capsys = aws, capsys
        outputs = outputs_of(aws("cloudformation"), "duologue")
        self.accounts = DynamoAccounts(aws("dynamodb"), outputs["AccountsTable"], KmsSecrets(aws("kms")))

    def do(self, *words: str) -> tuple[int, dict, str]:
        """Exit status, what was printed, what was complained of."""
        status = main(words, self.aws)
        printed = self.capsys.readouterr()
        return status, json.loads(printed.out or "{}"), printed.err


@pytest.fixture(scope="module")
def stack(aws):
    aws("cloudformation").create_stack(StackName="duologue", TemplateBody=json.dumps(TEMPLATE))


@pytest.fixture
def platform(aws, stack, capsys):
    return Platform(aws, capsys)


def test_an_sp_and_its_app(platform, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))
    assert platform.do("sp", "add", "acme", "--username", "jack", "--password-stdin") == (
        0,
        {"sp": "acme", "username": "jack"},
        "",
    )
    assert password_matches(PASSWORD, platform.accounts.sp("acme").password_hash)

    urls = ("--status-url", "http://127.0.0.1:9/status", "--fee-url", "http://127.0.0.1:9/fee", "--allow-loopback")
    numbers = ("--display-number", "+12025550100", "--display-number", "+12025550101")
    status, added, _ = platform.do("app", "add", "acme", *numbers, *urls, "--concurrent-calls", "5")
    assert status == 0
    app = platform.accounts.app(added["app_key"])
    assert app.secret == added["app_secret"]

    status, shown, _ = platform.do("app", "show", app.key)
    assert (status, shown) == (
        0,
        {
            "app_key": app.key,
            "sp": "acme",
            "username": "jack",
            "display_numbers": ["+12025550100", "+12025550101"],
            "status_url": "http://127.0.0.1:9/status",
            "fee_url": "http://127.0.0.1:9/fee",
            "concurrent_calls": 5,
            "recording": False,
            "active": True,
        },
    )
    assert app.secret not in json.dumps(shown)


def test_a_password_that_was_made_up_is_printed_once(platform):
    status, printed, _ = platform.do("sp", "add", "other", "--username", "jill")
    assert status == 0
    assert password_matches(printed["password"], platform.accounts.sp("other").password_hash)
    status, printed, complaint = platform.do("sp", "add", "other", "--username", "jill")
    assert (status, printed) == (1, {})
    assert complaint.startswith("duologue: the SP other or the user name jill exists")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("app", "add", "nobody", "--display-number", "+12025550100"), "nobody"),
        (("app", "add", "nobody", "--display-number", "12025550100"), "display number must be E.164"),
        (
            ("app", "add", "nobody", "--display-number", "+12025550100", "--status-url", "http://127.0.0.1/"),
            "status URL resolves to an address",
        ),
        (("app", "show", "nothing"), "nothing"),
        (("--stack", "elsewhere", "app", "show", "nothing"), "stack elsewhere"),
    ],
)
def test_what_is_refused_is_said_and_ends_with_1(platform, words, complaint):
    status, printed, said = platform.do(*words)
    assert (status, printed) == (1, {})
    assert complaint in said


def test_a_password_is_no_argument(platform):
    with pytest.raises(SystemExit, match="2"):
        platform.do("sp", "add", "acme", "--username", "jack", "--password", PASSWORD)


def test_the_table_and_key_may_be_named_themselves(platform, aws):
    outputs = outputs_of(aws("cloudformation"), "duologue")
    place = ("--accounts-table", outputs["AccountsTable"], "--key-id", outputs["SecretsKey"], "--stack", "elsewhere")
    assert platform.do(*place, "sp", "add", "third", "--username", "joe")[0] == 0
