"""Random text of letters and digits for keys, secrets and tokens; it never needs escaping."""

from collections.abc import Callable

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def random_text(length: int, random_bytes: Callable[[int], bytes]) -> str:
    """`length` characters with nearly 6 random bits each."""
    number = int.from_bytes(random_bytes(length), "big")  # 8 bits drawn for each 6 used: all letters equally likely
    letters = []
    for _ in range(length):
        number, place = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[place])
    return "".join(letters)
