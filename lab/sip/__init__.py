"""SIP without sound, on loopback: what the lab's telephones need and the SIP library does not do.

| Module | What |
| --- | --- |
| messages | requests read, responses written |
| forwarding | how a request goes on, and its responses return |
| registrar | where softphones register: a line of the numbers file for each, and a way for their calls |
| registrar_on_udp | its port and its clock, on a thread of `make up` |
| refuser | a SIP address that never answers: it rings, and refuses with any code |
"""
