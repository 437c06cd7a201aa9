"""The outputs of a deployed stack."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from duologue.adapters.aws import outside
from duologue.domain.errors import OutsideUnavailable
from duologue.usecases.ports.outside import LineNumbers

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


def outputs_of(client: "CloudFormationClient", stack: str) -> dict[str, str]:
    """Output name → value. Raises OutsideUnavailable: the stack does not exist, or cannot be read."""
    try:
        with outside(f"stack {stack}"):
            described = client.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        raise OutsideUnavailable(f"stack {stack}: {error}") from error
    return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}


class StackLine:
    """Implements `usecases.ports.outside.Line`: the numbers in a stack's output DisplayNumbers."""

    def __init__(self, listed: Callable[[], str], source: str) -> None:
        """`listed`: returns the numbers, comma separated; may raise OutsideUnavailable."""
        self._listed, self._source = listed, source

    def numbers(self) -> LineNumbers:
        return LineNumbers(frozenset(filter(None, map(str.strip, self._listed().split(",")))), self._source)
