"""What a machine of an auto-scaling group on EC2 does besides running a node or an edge.

It fetches secrets before the service starts, tells the group when the service is ready, stops it before the machine is
terminated, and sends the journal to CloudWatch Logs. On a machine elsewhere none of this runs.
"""
