"""Notifying: the queues, the log of deliveries, and the servers of SPs."""
