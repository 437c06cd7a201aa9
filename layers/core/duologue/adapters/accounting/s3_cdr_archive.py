"""The archive of CDRs in the recordings bucket, sealed like the rows of the calls table.

    cdrs/<app>/<day of the end, yyyymmdd>/<time of writing>-<random>.jsonl       JSON lines, sealed for this key

A lifecycle rule deletes objects by their age. One that is rewritten begins anew, so who rewrites looks at its day, too.
"""

import logging
import secrets
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from duologue.adapters.basics.aws import outside, status_of
from duologue.adapters.basics.kms_data_keys import Seal
from duologue.adapters.basics.threads import at_once
from duologue.domain.accounting.cdr_archive import ArchiveFile, CdrPage
from duologue.domain.errors import SealBroken

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_log = logging.getLogger(__name__)

_WHAT: Final = "archive of CDRs"
_PREFIX, _ENDING = "cdrs/", ".jsonl"
_ABSENT = 404


class S3CdrArchive:
    """Implements `CdrArchive`, `ArchivedCdrs` and `ArchiveFiles` of `usecases.ports.cdr_archive`."""

    def __init__(
        self, client: "S3Client", bucket: str, seal: Seal, page_files: int = 64, page_bytes: int = 400_000
    ) -> None:
        """`page_files`, `page_bytes`: of one page, but at least one file. Each file is a request."""
        self._client = client
        self._bucket = bucket
        self._seal = seal
        self._page_files, self._page_bytes = page_files, page_bytes

    def store(self, app: str, day: date, lines: Sequence[str], at: datetime) -> None:
        moment = at.astimezone(UTC)
        name = f"{moment:%Y%m%dT%H%M%S}{moment.microsecond // 1000:03d}-{secrets.token_hex(4)}"
        self._write(ArchiveFile(app, day, name), lines)

    def page(self, app: str, day: date, after: str = "") -> CdrPage:
        prefix = _key(ArchiveFile(app, day, "")).removesuffix(_ENDING)
        start = _key(ArchiveFile(app, day, after)) if after else prefix
        with outside(_WHAT):
            found = self._client.list_objects_v2(
                Bucket=self._bucket, Prefix=prefix, StartAfter=start, MaxKeys=self._page_files
            )
        files, size = list[ArchiveFile](), 0
        listed = found.get("Contents", [])
        for each in listed:
            size += each["Size"]
            if files and size > self._page_bytes:
                break
            files.append(_file(each["Key"]))
        lines = [line for some in at_once([partial(self._opened, file) for file in files]) for line in some]
        is_all = len(files) == len(listed) and not found["IsTruncated"]
        return CdrPage(tuple(lines), None if is_all else files[-1].name)

    def apps(self) -> Iterator[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=_PREFIX, Delimiter="/"
        )
        with outside(_WHAT):
            for page in pages:
                for each in page.get("CommonPrefixes", []):
                    yield each["Prefix"].removeprefix(_PREFIX).removesuffix("/")

    def files(self, app: str, since: date = date.min, until: date = date.max) -> Iterator[ArchiveFile]:
        prefix = f"{_PREFIX}{app}/"
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix, StartAfter=f"{prefix}{_written(since)}"
        )
        with outside(_WHAT):
            for page in pages:
                for each in page.get("Contents", []):
                    file = _file(each["Key"])
                    if file.day > until:
                        return
                    yield file

    def lines(self, file: ArchiveFile) -> Sequence[str]:
        key = _key(file)
        try:
            with outside(_WHAT):
                sealed = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except ClientError as error:
            if status_of(error) == _ABSENT:
                return ()
            raise
        return self._seal.open(sealed, key).decode().removesuffix("\n").split("\n")

    def rewrite(self, file: ArchiveFile, lines: Sequence[str]) -> None:
        """It needs what `remove` needs."""
        self._write(file, lines)
        self._delete(file, latest=False)

    def remove(self, file: ArchiveFile) -> None:
        """It needs `s3:ListBucketVersions` and `s3:DeleteObjectVersion`, which no function has."""
        self._delete(file, latest=True)

    def _delete(self, file: ArchiveFile, *, latest: bool) -> None:
        """A bucket without versions lists each file as the version `null`, which is the latest."""
        key = _key(file)
        pages = self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=key)
        with outside(_WHAT):
            for page in pages:
                for each in (*page.get("Versions", []), *page.get("DeleteMarkers", [])):
                    if each["Key"] == key and (latest or not each["IsLatest"]):
                        self._client.delete_object(Bucket=self._bucket, Key=key, VersionId=each["VersionId"])

    def _write(self, file: ArchiveFile, lines: Sequence[str]) -> None:
        key = _key(file)
        sealed = self._seal.close("".join(f"{line}\n" for line in lines).encode(), key)
        with outside(_WHAT):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=sealed)

    def _opened(self, file: ArchiveFile) -> Sequence[str]:
        """Nothing of a file that does not open: the pages must not end at it for ever."""
        try:
            return self.lines(file)
        except SealBroken:
            _log.exception("archived CDRs do not open; they are left out", extra={"key": _key(file)})
            return ()


def _key(file: ArchiveFile) -> str:
    return f"{_PREFIX}{file.app}/{_written(file.day)}/{file.name}{_ENDING}"


def _file(key: str) -> ArchiveFile:
    app, day, name = key.removeprefix(_PREFIX).split("/")
    written = datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC)
    return ArchiveFile(app, written.date(), name.removesuffix(_ENDING))


def _written(day: date) -> str:
    return f"{day.year:04d}{day.month:02d}{day.day:02d}"
