"""Real telephones over SIP trunks.

    exchange ── line ── station ═pipe═ endpoint ── media ═ RTP ═ trunk
                                          └─ gateway ═ SIP ═ trunk

| Module | Where | What |
| --- | --- | --- |
| line | parent | implements the exchange's line: which trunk, which host, which station |
| station_rows, incoming | parent | what a station is told of a trunk; the numbers of a call from one |
| limits | parent | calls at once and in a second |
| settings | parent | the options |
| gateway | child | all SIP that leaves loopback: the SIP library itself speaks to it only |
| dialogs | child | what the gateway remembers of a call, and how its messages are rewritten |
| outside | child | sockets on the trunk's interface: UDP, TCP, TLS |
| stun | child | how others see our address |
| socket_filter | child | drops packets of strangers in the kernel |
"""
