"""The outputs and parameters of a deployed stack."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from duologue.adapters.basics.aws import code_of, outside
from duologue.domain.errors import OutsideUnavailable
from duologue.usecases.ports.outside import LineNumbers

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


@dataclass(frozen=True, slots=True)
class Stack:
    """Values by output name and by parameter name."""

    outputs: Mapping[str, str]
    parameters: Mapping[str, str]


def stack_of(client: "CloudFormationClient", name: str) -> Stack:
    """Raises OutsideUnavailable: the stack does not exist, or cannot be read at the moment."""
    try:
        with outside(f"stack {name}"):
            described = client.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if code_of(error) != "ValidationError":
            raise
        raise OutsideUnavailable(
            f"no stack {name} in this region: name it by --stack, or set AWS_DEFAULT_REGION"
        ) from error
    outputs, parameters = described.get("Outputs", []), described.get("Parameters", [])
    return Stack(
        {output["OutputKey"]: output["OutputValue"] for output in outputs},
        {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in parameters},
    )


class StackLine:
    """Implements `usecases.ports.outside.Line`: the numbers in a stack's output DisplayNumbers."""

    def __init__(self, listed: Callable[[], str], source: str) -> None:
        """`listed`: returns the numbers, comma separated; may raise OutsideUnavailable."""
        self._listed, self._source = listed, source

    def numbers(self) -> LineNumbers:
        return LineNumbers(frozenset(filter(None, map(str.strip, self._listed().split(",")))), self._source)
