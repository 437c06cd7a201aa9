"""The archive of CDRs in memory, with moto's S3 and with the local cloud's."""

import logging
from datetime import date, timedelta

import pytest

from duologue.adapters.accounting.s3_cdr_archive import S3CdrArchive
from duologue.adapters.basics.kms_data_keys import KmsDataKeys, Seal
from duologue.domain.accounting.cdr_archive import ArchiveFile
from duologue.domain.errors import SealBroken
from tests.fakes.cdr_archive import FakeCdrArchive
from tests.fakes.seals import FakeDataKeys
from tests.samples import CALLEE, NOW, at

BUCKET = "recordings"
FIRST, NEXT = date(2026, 11, 23), date(2026, 11, 24)


@pytest.fixture
def s3(aws):
    """Whose bucket keeps versions, as an operator's may."""
    client = aws("s3")
    client.create_bucket(Bucket=BUCKET)
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    for each in _versions(client):
        client.delete_object(Bucket=BUCKET, Key=each["Key"], VersionId=each["VersionId"])
    return client


def _versions(client):
    found = client.list_object_versions(Bucket=BUCKET)
    return [*found.get("Versions", []), *found.get("DeleteMarkers", [])]


@pytest.fixture(params=["memory", "s3"])
def archive(request, s3):
    """Of at most two files a page."""
    return FakeCdrArchive(2) if request.param == "memory" else S3CdrArchive(s3, BUCKET, Seal(FakeDataKeys()), 2)


@pytest.fixture
def filled(archive):
    """Days of two apps, of which one's key begins as the other's."""
    for number, (app, day) in enumerate([("app-1", FIRST)] * 3 + [("app-1", NEXT), ("app-10", FIRST)]):
        archive.store(app, day, [f'{{"n":{number},"said":"1\u20282"}}', f'{{"n":"{number}+"}}'], at(number))
    return archive


def _numbers(lines):
    return [line.partition(":")[2].strip('"}').partition(",")[0] for line in lines]


def test_cdrs_are_read_in_pages_of_whole_files_of_one_app_and_day(filled):
    first = filled.page("app-1", FIRST)
    assert _numbers(first.lines) == ["0", "0+", "1", "1+"]
    assert first.lines[0] == '{"n":0,"said":"1\u20282"}'
    second = filled.page("app-1", FIRST, first.after)
    assert (_numbers(second.lines), second.after) == (["2", "2+"], None)
    assert _numbers(filled.page("app-10", FIRST).lines) == ["4", "4+"]
    for app, day in (("app-10", NEXT), ("app-2", FIRST), ("app-1", NEXT + timedelta(days=1)), ("app", FIRST)):
        assert filled.page(app, day).lines == ()


def test_what_is_archived_after_the_last_page_is_in_the_next(filled):
    last = [file.name for file in filled.files("app-1", FIRST, FIRST)][-1]
    assert filled.page("app-1", FIRST, last).lines == ()
    filled.store("app-1", FIRST, ["later"], at(60))
    assert filled.page("app-1", FIRST, last).lines == ("later",)


def test_the_files_of_an_app_are_listed_by_day(filled):
    assert list(filled.apps()) == ["app-1", "app-10"]
    files = list(filled.files("app-1"))
    assert [file.day for file in files] == [FIRST, FIRST, FIRST, NEXT]
    assert list(filled.files("app-1", NEXT)) == files[3:]
    assert list(filled.files("app-1", FIRST, FIRST)) == files[:3]
    assert list(filled.files("app-2")) == []


def test_a_file_is_rewritten_and_removed(filled):
    first, second, *_ = filled.files("app-1")
    filled.rewrite(first, ["another"])
    filled.remove(second)
    assert filled.page("app-1", FIRST).lines[0] == "another"
    assert [list(filled.lines(file)) for file in (first, second)] == [["another"], []]
    assert second not in filled.files("app-1")


def test_a_rewritten_and_a_removed_file_leave_no_version(s3):
    archive = S3CdrArchive(s3, BUCKET, Seal(FakeDataKeys()))
    for number in range(2):
        archive.store("app-1", FIRST, ["a number"], at(number))
    rewritten, removed = archive.files("app-1")
    archive.rewrite(rewritten, ["no number"])
    archive.remove(removed)
    assert [(each["Key"], each["IsLatest"]) for each in _versions(s3)] == [
        (f"cdrs/app-1/20261123/{rewritten.name}.jsonl", True)
    ]


def test_a_page_has_no_more_bytes_than_it_may_but_a_file(s3):
    archive = S3CdrArchive(s3, BUCKET, Seal(FakeDataKeys()), page_bytes=1000)
    for number, length in enumerate((5000, 400, 400, 400, 400)):
        archive.store("app-1", FIRST, ["x" * length], at(number))
    pages = [archive.page("app-1", FIRST)]
    while pages[-1].after is not None:
        pages.append(archive.page("app-1", FIRST, pages[-1].after))
    sizes = [sum(map(len, page.lines)) for page in pages]
    assert sizes == [5000, 800, 800]


def test_an_object_is_sealed_for_its_key(aws, s3, caplog):
    """Its key: KMS derives what it is sealed with. A copy elsewhere does not open, and does not stop the pages."""
    key = aws("kms").create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"]
    archive = S3CdrArchive(s3, BUCKET, Seal(KmsDataKeys(aws("kms"), key)))
    archive.store("app-1", FIRST, [CALLEE.e164], NOW)
    [file] = archive.files("app-1")
    name = f"cdrs/app-1/20261123/{file.name}.jsonl"
    assert file.name.startswith("20261123T090000000-")
    assert CALLEE.e164.encode() not in s3.get_object(Bucket=BUCKET, Key=name)["Body"].read()
    assert list(archive.lines(file)) == [CALLEE.e164]

    copy = ArchiveFile("app-2", FIRST, file.name)
    s3.copy_object(Bucket=BUCKET, Key=name.replace("app-1", "app-2"), CopySource={"Bucket": BUCKET, "Key": name})
    with pytest.raises(SealBroken):
        archive.lines(copy)
    with caplog.at_level(logging.ERROR):
        assert archive.page("app-2", FIRST).lines == ()
    assert "do not open" in caplog.text
