"""AWS on this machine.

Map:
    cloud.py    starts and stops one account: MiniStack inside this process, on 127.0.0.1 only
    engine.py   the only door to MiniStack's private parts
    overlay/    each place where MiniStack does something else than AWS, corrected
    runtime.py  what a Lambda function finds installed besides its own code and layers
    package.py  template.yaml's local paths → zip files in the local S3
    layers.py   the layers, built for the lab's own interpreter
    deploy.py   the stack: create or update, wait, outputs
    edge.py     the REST API at the root of a port of its own
    flow.py     one state machine alone, its resources replaced by functions
"""
