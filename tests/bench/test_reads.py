"""What it takes to look for calls does not depend on how many are stored, and is never a scan."""

from bench.reads import measure


def test_each_read_is_a_few_requests_and_no_scan():
    found = {name: requests for name, requests, _ in measure(160)}
    assert {name: each for name, each in found.items() if each.total() > 3 or each["Scan"]} == {}
    assert found["`duologue call list`"] == {"Query": 1, "BatchGetItem": 1}
