"""A local AWS.

cloud.py      starts and stops one account: MiniStack in this process, on 127.0.0.1 only
ministack.py  the only access to MiniStack's private modules
overlay/      corrections of MiniStack where it differs from AWS
switches.py   what AWS's documentation leaves open
faults.py     faults to inject: throttled functions, functions that die
runtime.py    packages that a Lambda function has besides its own code and layers
package.py    template.yaml's local paths → zip files in the local S3
layers.py     the layers, built for the lab's own interpreter
deploy.py     the stack: create or update, wait, outputs
edge.py       the REST API at the root of a port of its own
flow.py       one state machine alone, its resources replaced by functions
"""
