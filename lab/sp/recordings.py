"""Download a recording as an SP's server does: follow its link and pass the bytes on.

The platform answers 301 to the request; the link returns the bytes, or a range of them, and for a large recording it
answers 302 to the storage, which does.
"""

import http.client
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from lab.sp.client import connection

_MOST_REDIRECTS = 5
_CHUNK = 65536
_KEPT = ("Content-Type", "Content-Length", "Content-Range", "Accept-Ranges")


@dataclass(frozen=True)
class RecordingDownload:
    """The response, before its body: read `chunks` to the end, or `close`."""

    status: int
    headers: dict[str, str]
    line: http.client.HTTPConnection
    response: http.client.HTTPResponse

    def chunks(self) -> Iterator[bytes]:
        while chunk := self.response.read(_CHUNK):
            yield chunk

    def close(self) -> None:
        self.line.close()


def open_recording(link: str, part: str | None = None) -> RecordingDownload:
    """Follow a link. `part`: the value of a Range header.

    Raises:
        OSError: the server cannot be reached, or the link never leads to a recording.
    """
    url = link
    for _ in range(_MOST_REDIRECTS):
        line = connection(url)
        parts = urlsplit(url)
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        try:
            line.request("GET", path, headers={} if part is None else {"Range": part})
            response = line.getresponse()
        except (OSError, http.client.HTTPException) as error:
            line.close()
            raise OSError(f"the recording's server cannot be reached: {error}") from error
        where = response.getheader("Location")
        if response.status not in (301, 302, 303, 307, 308) or where is None:
            kept = {name: value for name in _KEPT if (value := response.getheader(name)) is not None}
            return RecordingDownload(response.status, kept, line, response)
        line.close()
        url = urljoin(url, where)
        if urlsplit(url).scheme not in ("http", "https"):
            break
    raise OSError("the recording's link has too many redirects, or one that is not HTTP")
