"""SIP trunks: the file that describes them, what they are sent, and when a call goes to the next one.

`trunk_file` reads `trunks.yaml`; `headers` makes what a trunk is sent of a display number; `failover` is the table of
what a trunk's answer leads to. The SIP line (a laptop, and nodes that dial a trunk themselves) and the configuration of
the edge are both made of these. `faults` tells what is wrong with the file, `refusals` what a failure means.
"""
