"""What is masked in a line of the log, and what is not."""

import pytest

from pstn.node.logs import masked
from pstn.node.node import new_id

UUID = "12345678-1234-1234-1234-123456789012"
MASKED = {
    "+12025550111": "+120******11",
    "12025550111": "120******11",
    "2025550111": "202*****11",
    "sip:+12025550111@10.0.0.1:5060": "sip:+120******11@10.0.0.1:5060",
    "<tel:2025550111>": "<tel:202*****11>",
    "call_12025550111": "call_120******11",
    "/phones/%2B12025550111/calls": "/phones/%2B120******11/calls",
    "to +1-202-555-0111, +1 (202) 555-0112": "to +120******11, +120******12",
    "tel:+1.202.555.0111;phone-context=+1": "tel:+120******11;phone-context=+1",
    "from 2025550111 to +442079460000": "from 202*****11 to +442*******00",
    "+44 (0)20 7946 0000, +81 3-1234-5678": "+440********00, +813******78",
    "call to +12025550111 486 Busy": "call to +120******11 486 Busy",
    "+12025550111 2026-11-29T09:00:00": "+120******11 2026-11-29T09:00:00",
    "dialled +12025550111 (2)": "dialled +120******11 (2)",
    "+4420794600 (3 attempts)": "+442*****00 (3 attempts)",
    "+1 202 555 0111 486 Busy": "+120******11 486 Busy",
    "+44 20 7946 0000 486, +33 1 99 00 12 34 09:00": "+442*******00 486, +331******34 09:00",
    "+1 202 555 0111x, +12025550112x": "+120******11x, +120******12x",
}
KEPT = [
    UUID,
    f"a1b2c3d4-{UUID}",
    "2026-11-29T04:03:12.905+00:00",
    "2026-11-29T04:03:12.905123+05:30 +1 +123",
    "10.0.1.5:8443",
    "recordings/calls/2026/11/29/2026-11-29-04-03-12-937",
    "486",
    "rtt +1.2345678 s, +2.3456789",
    "day +20 2026-11-29 09:00",
]


@pytest.mark.parametrize(("text", "shown"), MASKED.items())
def test_a_number_is_masked_however_it_is_written(text, shown):
    assert masked(text) == shown


@pytest.mark.parametrize("text", KEPT)
def test_what_is_no_number_is_kept(text):
    assert masked(text) == text


def test_the_id_of_a_node_is_never_taken_for_a_number():
    for node in (new_id() for _ in range(1000)):
        assert masked(f"node {node}") == f"node {node}"
