"""The bars of an EAN-13 code, which a scanner can read from the screen."""

_LEFT = "0001101 0011001 0010011 0111101 0100011 0110001 0101111 0111011 0110111 0001011".split()
"""The seven modules of a digit left of the middle, with odd parity (set A). 1 is a bar."""
_EVEN = "oooooo ooeoee ooeeoe ooeeeo oeooee oeeooe oeeeoo oeoeoe oeoeeo oeeoeo".split()
"""By the first digit, which has no bars: the parity of the next six. GS1 General Specifications, section 5.2."""


def modules(code: str) -> str:
    """The 95 modules of 13 digits, the last of which is the check digit, from left to right."""
    own = [_LEFT[int(digit)] for digit in code]
    right = ["".join("10"[int(module)] for module in digit) for digit in own]
    parities = zip(_EVEN[int(code[0])], own[1:7], right[1:7], strict=True)
    left = [odd if parity == "o" else mirrored[::-1] for parity, odd, mirrored in parities]
    return f"101{''.join(left)}01010{''.join(right[7:])}101"


def bars(code: str, height: int = 30) -> str:
    """The same as the path of an SVG picture that is 95 wide."""
    return "".join(f"M{at} 0h1v{height}h-1z" for at, module in enumerate(modules(code)) if module == "1")
