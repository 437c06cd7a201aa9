"""Carrier `sip` on this machine: nodes of `duologue-pstn serve`, and the telephone company behind their trunk.

    lambda ◀─ node (a process) ═ SIP, RTP ═ [edge: Kamailio, rtpengine ═] company ═ scripted phones

| Module | What |
| --- | --- |
| sip_carrier | all of it, as a lab needs it |
| company | a trunk on loopback, and the scripted phones that it leads to |
| edge_process | the edge: Kamailio and rtpengine |
| followed_calls | what nodes tell the function, as events of the network's feed |
| node_processes | the table and the secret of the nodes, and their processes |
| trunk_file | their trunk files |
| lab_process, until_lab_ends | a process that ends with the lab |
"""
