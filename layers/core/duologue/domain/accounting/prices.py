"""What AWS asks for what one call uses: list prices without free tiers and discounts.

As public copies of the pages named here had them on the date of the table. In another region they differ; look there
before you rely on the sum. A table stays when the next one is added: the receipts of its time are read by it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from duologue.domain.accounting.charges import MICRO
from duologue.domain.accounting.receipt import Amounts, Receipt


@dataclass(frozen=True, slots=True)
class Price:
    """USD for one `unit`."""

    service: str
    unit: str
    usd: float
    source: str


REGION = "us-east-1"
_PAGES = "https://aws.amazon.com/{}/pricing/"
_DYNAMODB = _PAGES.format("dynamodb") + "on-demand/"
PRICE_TABLES: Mapping[str, Mapping[str, Price]] = {
    "2026-11-28": {
        "state_transition": Price(
            "Step Functions, standard workflows", "state transition", 0.000025, _PAGES.format("step-functions")
        ),
        "invocation": Price("Lambda", "request", 0.0000002, _PAGES.format("lambda")),
        "gb_second": Price("Lambda on x86", "GB-second", 0.0000166667, _PAGES.format("lambda")),
        "api_request": Price("API Gateway, REST", "request", 0.0000035, _PAGES.format("api-gateway")),
        "queue_request": Price("SQS, FIFO", "request", 0.0000005, _PAGES.format("sqs")),
        "write_unit": Price("DynamoDB on demand", "write request unit", 0.000000625, _DYNAMODB),
        "read_unit": Price("DynamoDB on demand", "read request unit", 0.000000125, _DYNAMODB),
        "stored_gb_month": Price(
            "DynamoDB, storage 0.25 and point-in-time recovery 0.20", "GB for a month", 0.45, _DYNAMODB
        ),
        "key_request": Price("KMS", "request", 0.000003, _PAGES.format("kms")),
        "log_gb": Price("CloudWatch Logs", "GB ingested", 0.50, _PAGES.format("cloudwatch")),
        "object_request": Price("S3", "PUT request", 0.000005, _PAGES.format("s3")),
        "object_gb_month": Price("S3 Standard", "GB for a month", 0.023, _PAGES.format("s3")),
    },
}
"""By date; each by the names of Amounts."""


def aws_parts(receipt: Receipt) -> Mapping[str, float]:
    """USD of each part by the names of Amounts, without parts that were not used.

    Empty: a later release wrote the receipt, by a table that is not here.
    """
    table = PRICE_TABLES.get(receipt.prices, {})
    return {name: amount * table[name].usd for name, amount in used(receipt.aws).items() if name in table}


def used(amounts: Amounts) -> Mapping[str, float]:
    return {name: amount for name, amount in amounts._asdict().items() if amount}


def usd_of(receipt: Receipt) -> float:
    """Of the whole call: telephone and AWS."""
    return receipt.cost / MICRO + sum(aws_parts(receipt).values())
