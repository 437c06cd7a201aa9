"""SIP signalling without audio, on loopback: what the lab's telephones need and the SIP library does not provide.

Messages are parsed and built by `pstn.sip_messages`.

| Module | What |
| --- | --- |
| forwarding | a stateless proxy: forwards requests, and returns their responses |
| registrar | where softphones register: writes them into the directory, and forwards their calls |
| registrar_on_udp | runs the registrar on a UDP port, on a thread of `make up` |
| refuser | a SIP address that never answers: it rings, and refuses with any code |
"""
