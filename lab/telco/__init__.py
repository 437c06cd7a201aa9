"""A telephone company to try SIP trunks with, on this machine, in network namespaces of its own.

`Telco` (telco.py) is the whole of it: Kamailio and rtpengine as the company, SIPp and baresip as the telephones behind
it, a NAT box in front of the customer, a STUN server, trunks that fail, and captures. It needs Linux, root, and Debian
packages (`requirements.missing`).
"""
