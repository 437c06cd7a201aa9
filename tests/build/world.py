"""What the API samples take for granted, made true in a lab: the SP, its app, and the tokens that the samples carry."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from duologue.adapters.dynamo_accounts import DynamoAccounts
from duologue.adapters.kms_secrets import KmsSecrets
from duologue.domain.accounts import App, Sp
from duologue.domain.passwords import hash_password
from duologue.domain.tokens import Grant, Register, hash_token
from lab.lab import Lab

_LIFE = timedelta(hours=1)


def make_true(lab: Lab, samples: list[Path]) -> None:
    """Give `lab` the accounts and tokens that `samples` name. Each token gets a grant of its own, so that a sample
    that ends or spends one leaves the others as they are.
    """
    said = [fields for sample in samples for fields in _fields(sample)]
    of = {name: value for fields in said for name, value in fields.items() if value}
    accounts = DynamoAccounts(
        lab.client("dynamodb"), lab.outputs["AccountsTable"], KmsSecrets(lab.client("kms"), lab.outputs["SecretsKey"])
    )
    numbers = tuple(lab.outputs["DisplayNumbers"].split(","))
    accounts.add_sp(Sp("sp-1", of["username"], hash_password(of["password"], b"sixteen bytes of")))
    accounts.add_app(App(of["app_key"], "sp-1", of["app_secret"], display_numbers=numbers))
    ends = datetime.now(UTC) + _LIFE
    tokens = sorted({fields[kind] for fields in said for kind in ("access_token", "refresh_token") if kind in fields})
    grants = tuple(Grant(hash_token(token), hash_token(token), ends, ends) for token in tokens)
    accounts.save(of["app_key"], Register(grants))


def _fields(sample: Path) -> Iterator[dict[str, str]]:
    """What one API sample says in its query and its form, and its password under that name."""
    event: dict[str, Any] = json.loads(sample.read_text(encoding="utf-8"))
    if "httpMethod" in event:
        query = event["queryStringParameters"] or {}
        headers = {name.lower(): value for name, value in (event["headers"] or {}).items()}
        password = {"password": headers["authorization"]} if {"username", "authorization"} <= {*query, *headers} else {}
        yield {**dict(parse_qsl(event["body"] or "")), **query, **password}
