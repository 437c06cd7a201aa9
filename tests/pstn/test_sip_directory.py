"""The file that says which numbers are telephones outside."""

import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from pstn.lines.sip.directory import Directory, user_of

JACK, SOPHIA = "+12025550111", "+12025550122"


@pytest.fixture
def numbers(tmp_path) -> Directory:
    return Directory(tmp_path / "state" / "numbers.json")


def write(numbers: Directory, text: str) -> None:
    before = numbers.file.stat().st_mtime_ns
    numbers.file.write_text(text)
    os.utime(numbers.file, ns=(before + 1, before + 1))


def test_a_new_file_has_nobody(numbers):
    assert json.loads(numbers.file.read_text()) == {}
    assert numbers.address(JACK) is None


def test_an_edit_counts_at_once(numbers):
    write(numbers, json.dumps({JACK: "sip:jack@127.0.0.1:5070"}))
    assert numbers.address(JACK) == "sip:jack@127.0.0.1:5070"
    write(numbers, "{}")
    assert numbers.address(JACK) is None


def test_setting_one_keeps_the_others(numbers):
    numbers.set(JACK, "sip:jack@127.0.0.1:5070")
    numbers.set(SOPHIA, "sip:127.0.0.1:5071")
    assert (numbers.address(JACK), numbers.address(SOPHIA)) == ("sip:jack@127.0.0.1:5070", "sip:127.0.0.1:5071")


@pytest.mark.parametrize("times", [1, 2])
def test_one_that_is_taken_out_leaves_the_others(numbers, times):
    numbers.set(JACK, "sip:jack@127.0.0.1:5070")
    numbers.set(SOPHIA, "sip:127.0.0.1:5071")
    for _ in range(times):
        numbers.remove(JACK)
    assert json.loads(numbers.file.read_text()) == {SOPHIA: "sip:127.0.0.1:5071"}


def test_nothing_is_written_over_an_edit_that_is_not_finished(numbers):
    numbers.set(JACK, "sip:jack@127.0.0.1:5070")
    write(numbers, '{"+1202')
    for change in (lambda: numbers.set(SOPHIA, "sip:127.0.0.1:5071"), lambda: numbers.remove(JACK)):
        with pytest.raises(ValueError, match=r"numbers\.json"):
            change()
    assert numbers.file.read_text() == '{"+1202'


def test_a_file_that_was_deleted_is_made_again(numbers):
    numbers.set(JACK, "sip:jack@127.0.0.1:5070")
    assert numbers.address(JACK)
    numbers.file.unlink()
    numbers.set(JACK, "sip:jack@127.0.0.1:5070")
    assert json.loads(numbers.file.read_text()) == {JACK: "sip:jack@127.0.0.1:5070"}


def test_changes_from_many_threads_are_all_kept(numbers):
    each = [f"+120255501{last:02}" for last in range(40)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: numbers.set(number, "sip:127.0.0.1:5071"), each))
    assert sorted(json.loads(numbers.file.read_text())) == each


NO_PORTS = ("0", "65536", "9" * 5000, "\N{SUPERSCRIPT TWO}")


@pytest.mark.parametrize(
    "broken",
    [
        *("", "[]", "{", '{"911": "sip:a@b"}', f'{{"{JACK}": "mailto:a"}}', f'{{"{JACK}": 1}}'),
        *(f'{{"{JACK}": "sip:a@127.0.0.1:{port}"}}' for port in NO_PORTS),
    ],
)
def test_a_file_that_cannot_be_read_leaves_the_last_one_in_force(numbers, broken):
    numbers.set(JACK, "sip:jack@127.0.0.1:5070")
    assert numbers.address(JACK)
    write(numbers, broken)
    assert numbers.address(JACK) == "sip:jack@127.0.0.1:5070"
    assert numbers.fault


@pytest.mark.parametrize(
    ("header", "number", "caller_id"),
    [
        (f"<sip:{SOPHIA}@127.0.0.1:5071>;tag=1", SOPHIA, SOPHIA),
        (f'"Sophia" <sip:{SOPHIA}@127.0.0.1>', SOPHIA, SOPHIA),
        (f"sip:%2B{SOPHIA[1:]}@127.0.0.1", SOPHIA, SOPHIA),
        (f"<sip:{SOPHIA[1:]}@127.0.0.1:5062>;tag=1", SOPHIA, SOPHIA),
        ("<sip:911@127.0.0.1:5062>;tag=1", None, "911"),
        ("<sip:jack@127.0.0.1:5070>;tag=1", JACK, JACK),
        ("<sip:jack@127.0.0.1:5099>;tag=1", None, "jack"),
        ('"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1', None, "anonymous"),
        ("<sip:127.0.0.1:5062>;tag=1", None, ""),
        ("<tel:911>", None, ""),
        ("", None, ""),
    ],
)
def test_who_calls(numbers, header, number, caller_id):
    numbers.set(JACK, "sip:jack@127.0.0.1:5070")
    assert (numbers.number(header), numbers.caller_id(header)) == (number, caller_id)


@pytest.mark.parametrize("caller_id", ["anonymous", "Restricted", "+1 (202) 555-0111", "12025;x@y<z>", "+12025550122"])
def test_a_caller_id_survives_the_way_through_a_from_header(numbers, caller_id):
    """An empty one travels as "anonymous"."""
    assert numbers.caller_id(f"<sip:{user_of(caller_id)}@127.0.0.1:5062>;tag=1") == caller_id
    assert user_of("") == "anonymous"


def test_a_number_that_is_lent_goes_before_the_file_and_never_into_it(numbers):
    numbers.set(JACK, "sip:jack@127.0.0.1:5070")
    for number in (JACK, SOPHIA):
        for _ in range(2):
            numbers.assign(number, f"sip:{number}@127.0.0.1:6000")
        assert numbers.address(number) == f"sip:{number}@127.0.0.1:6000"
    assert json.loads(numbers.file.read_text()) == {JACK: "sip:jack@127.0.0.1:5070"}
    for _ in range(2):
        numbers.release(JACK)
        numbers.release(SOPHIA)
    assert (numbers.address(JACK), numbers.address(SOPHIA)) == ("sip:jack@127.0.0.1:5070", None)
