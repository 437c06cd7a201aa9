"""Carrier `sip` on this machine: nodes of `duologue-pstn serve`, and the telephone company behind their trunk.

    lambda ◀─ node (a process) ═ SIP, RTP ═ [edge: Kamailio, rtpengine ═] company ═ scripted phones

| Module | What |
| --- | --- |
| company | a trunk on loopback, and the scripted phones that it leads to |
"""
