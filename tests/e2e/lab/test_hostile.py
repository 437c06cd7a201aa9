"""2,000 requests of a stranger over HTTP, half of them with an SP's credentials: see tests/hostile."""

import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from urllib.parse import urlsplit

import pytest

from tests.hostile.__main__ import table
from tests.hostile.requests import Attack, Sp, attacks
from tests.hostile.verdict import Answer, faults, read

_REQUESTS, _AT_ONCE, _SEED = 2_000, 8, 3
_LONGEST_S = 35.0
"""API Gateway answers after 29 s, whatever its function does."""


@pytest.fixture(scope="module")
def sp(new_sp):
    return new_sp("hostile")


@pytest.fixture(scope="module")
def foreign(new_sp):
    return new_sp("hostile-victim")


def test_none_is_answered_otherwise_than_the_api_promises(lab, quiet, sp, foreign):
    own, of_another = (each.place("+12025550140", "+12025550141").body["sessionId"] for each in (sp, foreign))
    credentials = {"app_key": sp.account.app_key, "access_token": sp.client.access_token}
    known = Sp(credentials, (own, of_another, own.partition("@")[0], "x" * 43))
    host = urlsplit(lab.api_url).netloc

    def send(attack: Attack) -> tuple[Attack, Answer]:
        name, _, port = host.partition(":")
        with socket.create_connection((name, int(port)), timeout=_LONGEST_S) as line:
            line.sendall(attack.as_sent(host))
            received = bytearray()
            while part := line.recv(65536):
                received += part
        return attack, read(bytes(received), attack.method)

    counts, wrong = Counter[tuple[int, str]](), list[str]()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for attack, answer in pool.map(send, islice(attacks(_SEED, known), _REQUESTS)):
            counts[answer.status, answer.code] += 1
            wrong += [f"{fault}: {attack}" for fault in faults(answer, attack.method)]
            if answer.status == 200 and of_another.encode() in attack.target + attack.body:
                wrong.append(f"a call of another SP: {attack}")
    print(table(counts))
    assert wrong == []
    assert counts.total() == _REQUESTS
