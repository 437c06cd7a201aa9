"""The edge: Kamailio and rtpengine between nodes and SIP trunks, configured from `trunks.yaml` (README.md)."""
