"""What a station is told of a trunk: for all of it when it starts, and for each call."""

from collections.abc import Callable
from typing import Any

from pstn.lines.trunk.settings import EDGE, TrunkSettings, codecs
from pstn.trunks import headers
from pstn.trunks.trunk_file import Trunk

RESERVE_MS = 16, 6
"""Of audio, so that a station adds little delay (`endpoint.Options`)."""


def station_options(settings: TrunkSettings, address: str, index: int) -> Callable[[int], dict[str, Any]]:
    """`endpoint.Options` of a station by its SIP port on loopback. Each has its share of the RTP ports.

    They are seen in the list of processes, so no secret is in them.
    """
    file = settings.file
    least, share = int(file.rtp_ports.split("-")[0]), settings.ports_per_station
    begin = least + least % 2 + share * index
    outside = {
        "address": address,
        "sip_port": settings.sip_ports[index],
        "public_address": str(file.public_address) if file.public_address else None,
        "stun": file.stun,
        "trunks": {trunk.name: station_rows(trunk) for trunk in settings.trunks},
    }
    return lambda port: {
        "sip_port": port,
        "silence_s": 0,
        "reserve_ms": RESERVE_MS,
        "rtp_ports": f"{begin}-{begin + share - 1}",
        "outside": outside,
    }


def account(trunk: Trunk) -> dict[str, Any]:
    """What the library needs to know of a trunk for one call; it goes to the station through its pipe only."""
    digest = trunk.digest
    return {
        "domain": headers.domain(trunk),
        "codecs": codecs(trunk),
        "srtp": trunk.srtp,
        "user": digest.user if digest else "",
        "secret": digest.secret.get_secret_value() if digest else "",
    }


def station_rows(trunk: Trunk) -> dict[str, Any]:
    """`outside.TrunkRows`, without secrets."""
    tls = trunk.tls
    return {
        "hosts": [[host.host, host.port] for host in trunk.hosts],
        "transport": trunk.transport,
        "tls": {name: str(path) if path else None for name, path in tls if name != "verify"} | {"verify": tls.verify},
        "realm": trunk.digest.realm if trunk.digest else None,
        "no_answer_s": trunk.no_answer_seconds,
        "inbound_from": [str(network) for network in trunk.inbound_from],
        "behind_nat": trunk.name != EDGE,
        "codecs": codecs(trunk),
        "srtp": trunk.srtp,
    }
