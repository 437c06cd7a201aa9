"""The URLs of SPs' servers: read, resolved and judged when they are saved and again when they are used."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from duologue.domain.errors import ForbiddenAddress
from duologue.domain.notifying.sp_url import Address, SpUrl, check_addresses


class ResolvedSpUrls:
    """Implements `usecases.ports.notifying.SpUrls`."""

    def __init__(
        self,
        addresses_of: Callable[[str], Sequence[Address] | None],
        *,
        allow_loopback: bool = False,
        allow_plain_http: bool = False,
        loopback_cure: str = "",
        plain_http_cure: str = "",
    ) -> None:
        """`allow_loopback`: only for the lab.

        `addresses_of`: the addresses of a host; None: unknown at the moment.
        `allow_plain_http`: allow unencrypted notifications, which contain telephone numbers.
        `loopback_cure`, `plain_http_cure`: appended to the refusal, for those who can allow it.
        """
        self._addresses_of = addresses_of
        self._allow_loopback = allow_loopback
        self._allow_plain_http = allow_plain_http
        self._loopback_cure = loopback_cure
        self._plain_http_cure = plain_http_cure

    def check(self, urls: Iterable[tuple[str, str]]) -> None:
        """Looks up all hosts in parallel.

        A host whose addresses are unknown at the moment passes: it is checked again before each request.
        """
        read = [(name, self._read(url, name)) for name, url in urls]
        hosts = dict.fromkeys(url.host for _, url in read)
        if not hosts:
            return
        with ThreadPoolExecutor(len(hosts)) as pool:
            found = dict(zip(hosts, pool.map(self._addresses_of, hosts), strict=True))
        for name, url in read:
            addresses = found[url.host]
            if addresses is not None:
                self._judge(addresses, name)

    def resolve(self, text: str) -> tuple[SpUrl, Sequence[Address] | None]:
        """A URL and the addresses that may be connected to; None: unknown at the moment.

        Raises InvalidField, ForbiddenAddress.
        """
        url = self._read(text, "the URL")
        addresses = self._addresses_of(url.host)
        if addresses is not None:
            self._judge(addresses, "the URL")
        return url, addresses

    def _read(self, text: str, field: str) -> SpUrl:
        url = SpUrl.parse(text, field=field)
        if url.scheme == "http" and not self._allow_plain_http:
            raise ForbiddenAddress(field, f"must be an https URL{self._plain_http_cure}")
        return url

    def _judge(self, addresses: Sequence[Address], field: str) -> None:
        try:
            check_addresses(addresses, field=field, allow_loopback=self._allow_loopback)
        except ForbiddenAddress as error:
            if any(address.is_loopback for address in addresses):
                raise ForbiddenAddress(field, f"{error.text}{self._loopback_cure}") from error
            raise
