"""The field types of the format, each with its rule. An error's text completes the sentence "<field> …".

Client libraries write flags, integers and Base64 in several ways; all unambiguous ones are accepted.

A model declares its fields as `Number` etc.; the parsed value is of the domain's type.
"""

import base64
import re
import unicodedata
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    PlainValidator,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

from duologue.domain.errors import InvalidField
from duologue.domain.memory.call_memory import LONGEST_PERIOD
from duologue.domain.notifying.sp_url import SpUrl
from duologue.domain.numbers.phone_number import PhoneNumber

_AUDIO_NAME = re.compile(r"[0-9A-Za-z_.@-]{1,128}")
_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_DIGITS = re.compile(r"(-?)([0-9]+)")
_SPACE = re.compile(r"\s+", re.ASCII)
_URL_SAFE = str.maketrans("-_", "+/")
_MOST_MINUTES = 1440
_MOST_HOURS = LONGEST_PERIOD // timedelta(hours=1)
_MOST_VERSIONS = 999_999_999
_REFUSED = "refused"

T = TypeVar("T")


def first_fault(error: ValidationError) -> InvalidField:
    """The first broken rule, in the order of the model's fields, as a domain error."""
    fault = error.errors(include_url=False, include_input=False)[0]
    field = str(fault["loc"][0]) if fault["loc"] else "body"
    if fault["type"] == "missing":
        return InvalidField(field, "is required")
    kind: type[InvalidField] = fault["ctx"]["kind"]
    return kind(field, fault["ctx"]["text"])


def effective_if(condition: str, otherwise: object = None) -> WrapValidator:
    """A field that has an effect only if the field `condition`, which is declared before it, is neither 0 nor false.

    Without effect it is not judged, and has the value `otherwise`.
    """

    def validate(value: object, judge: ValidatorFunctionWrapHandler, sent: ValidationInfo) -> object:
        return judge(value) if sent.data.get(condition) else otherwise

    return WrapValidator(validate)


def _text(rule: Callable[[str], T], shortest: int, longest: int) -> Callable[[Any], T]:
    """A string of this length that then passes its own rule."""

    def validate(value: Any) -> T:
        if not isinstance(value, str):
            raise _refusal(InvalidField("", "must be a string"))
        if not shortest <= len(value) <= longest:
            raise _refusal(InvalidField("", f"must have {shortest} to {longest} characters"))
        try:
            return rule(value)
        except InvalidField as error:
            raise _refusal(error) from error

    return validate


def _refusal(error: InvalidField) -> PydanticCustomError:
    return PydanticCustomError(_REFUSED, "{text}", {"text": error.text, "kind": type(error)})


def _url(text: str) -> str:
    """Base64 of an absolute URL, in either alphabet, with or without line breaks and padding.

    The addresses of its host are checked later.
    """
    sent = _SPACE.sub("", text).translate(_URL_SAFE).rstrip("=")
    try:
        url = base64.b64decode(sent + "=" * (-len(sent) % 4), validate=True).decode()
    except ValueError as error:  # includes binascii.Error and UnicodeDecodeError
        raise InvalidField("", "must be a URL in Base64") from error
    return SpUrl.parse(url).text


def _user_data(text: str) -> str:
    if "{" in text or "}" in text:
        raise InvalidField("", "must not contain { or }")
    if any(map(_is_wide, text)):
        raise InvalidField("", "must not contain Chinese, Japanese, Korean or full-width characters; send it in Base64")
    categories = {unicodedata.category(letter) for letter in text}
    if "Cc" in categories:
        raise InvalidField("", "must not contain control characters")
    if "Cs" in categories:
        raise InvalidField("", "must not contain half of a surrogate pair")
    return text


def _is_wide(letter: str) -> bool:
    """A letter, digit or punctuation mark of East Asian scripts. The format's "no Chinese" leaves the others open."""
    wide = unicodedata.east_asian_width(letter) in ("W", "F")
    return wide and unicodedata.category(letter)[0] in "LPN"


def _audio(text: str) -> str:
    if not _AUDIO_NAME.fullmatch(text):
        raise InvalidField("", "must be a file name of A-Z, a-z, 0-9 and - _ . @")
    return text


def _one_of(*words: str) -> Callable[[Any], str]:
    def validate(value: Any) -> str:
        if not isinstance(value, str) or value not in words:
            raise _refusal(InvalidField("", "must be " + " or ".join(f'"{word}"' for word in words)))
        return value

    return validate


def _flag(value: Any) -> bool:
    read = _FLAGS.get(str(value).lower()) if isinstance(value, str | int) else None
    if read is None:
        raise _refusal(InvalidField("", 'must be "true" or "false"'))
    return read


def _whole(least: int, most: int, unit: str = "") -> Callable[[Any], int]:
    """A whole number. `most`: below a billion. `unit`: for the text of a refusal."""

    def validate(value: Any) -> int:
        if isinstance(value, str) and (whole := _DIGITS.fullmatch(value)):
            value = int(whole[1] + (whole[2].lstrip("0")[:10] or "0"))  # out of range if the whole number is
        if isinstance(value, float) and value.is_integer():  # in JSON 30.0 is the same number
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise _refusal(InvalidField("", "must be a whole number in the digits 0-9"))
        if not least <= value <= most:
            raise _refusal(InvalidField("", f"must be {least} to {most} {unit}".rstrip()))
        return value

    return validate


def _string(shortest: int, longest: int, **more: Any) -> WithJsonSchema:
    """The part of a rule that JSON Schema can express."""
    return WithJsonSchema({"type": "string", "minLength": shortest, "maxLength": longest, **more})


def _range(least: int, most: int) -> WithJsonSchema:
    return WithJsonSchema({"type": "integer", "minimum": least, "maximum": most})


def _choice(*words: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": list(words)})


Number = Annotated[
    PhoneNumber, PlainValidator(_text(PhoneNumber.parse, 4, 31)), _string(4, 31, pattern=r"^\+[1-9][0-9]{2,14}$")
]
Url = Annotated[str, PlainValidator(_text(_url, 1, 128)), _string(1, 128, contentEncoding="base64")]
ClearUrl = Annotated[str, PlainValidator(_text(lambda text: SpUrl.parse(text).text, 1, 512)), _string(1, 512)]
"""Plain text, not Base64; only in our own paths."""
UserData = Annotated[str, PlainValidator(_text(_user_data, 1, 256)), _string(1, 256, pattern="^[^{}]*$")]
AudioName = Annotated[str, PlainValidator(_text(_audio, 1, 128)), _string(1, 128, pattern=f"^{_AUDIO_NAME.pattern}$")]
SessionId = Annotated[str, PlainValidator(_text(str, 1, 256)), _string(1, 256)]
Flag = Annotated[bool, PlainValidator(_flag), _choice("true", "false")]
"""A string; JSON booleans, 1 and 0 are accepted too."""
Minutes = Annotated[int, PlainValidator(_whole(0, _MOST_MINUTES, "minutes")), _range(0, _MOST_MINUTES)]
Hours = Annotated[int, PlainValidator(_whole(1, _MOST_HOURS, "hours")), _range(1, _MOST_HOURS)]
"""A period of call memory; an app's own may be shorter."""
Version = Annotated[int, PlainValidator(_whole(1, _MOST_VERSIONS)), _range(1, _MOST_VERSIONS)]
LastMinuteTo = Annotated[
    Literal["toa", "tob", "both"], PlainValidator(_one_of("toa", "tob", "both")), _choice("toa", "tob", "both")
]
Media = Annotated[
    Literal["all", "none", "fail"], PlainValidator(_one_of("all", "none", "fail")), _choice("all", "none", "fail")
]
StopSignal = Annotated[str, PlainValidator(_one_of("call_stop")), _choice("call_stop")]
