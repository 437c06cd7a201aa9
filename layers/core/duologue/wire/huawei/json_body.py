"""A request's JSON body, parsed once for its idempotency fingerprint and its fields."""

import json
from functools import cached_property

from duologue.domain.errors import InvalidField

MOST_BYTES = 64 * 1024


class JsonBody:
    def __init__(self, body: str | bytes) -> None:
        self._body = body.encode() if isinstance(body, str) else body

    @property
    def fields(self) -> dict[str, object]:
        """Raises InvalidField: too long, not JSON, or not an object."""
        if isinstance(self._parsed, InvalidField):
            raise self._parsed
        if not isinstance(self._parsed, dict):
            raise InvalidField("body", "is not a JSON object")
        return self._parsed

    @property
    def canonical(self) -> bytes:
        """The same bytes for the same JSON in any layout. Invalid JSON, which will be refused, stays as it is."""
        if isinstance(self._parsed, InvalidField):
            return self._body
        try:
            return json.dumps(self._parsed, sort_keys=True, separators=(",", ":")).encode()
        except RecursionError:
            return self._body

    @cached_property
    def _parsed(self) -> object:
        """The parsed value, or the error to raise on access."""
        if len(self._body) > MOST_BYTES:
            return InvalidField("body", f"is longer than {MOST_BYTES} bytes")
        try:
            return json.loads(self._body)
        except UnicodeDecodeError:
            return InvalidField("body", "is not in UTF-8")
        except json.JSONDecodeError:
            return InvalidField("body", "is not JSON")
        except ValueError:  # sys.set_int_max_str_digits
            return InvalidField("body", "has a number of too many digits")
        except RecursionError:
            return InvalidField("body", "is nested too deeply")
