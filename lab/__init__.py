"""The cloud and the telephone network on one laptop.

Law: nothing here imports the product. The lab reads the AWS documents itself; if both ends shared one codec, both
would share one misreading.

Map:
    aws/        AWS: MiniStack in this process, the overlay that corrects it, the deployment, the API's port
    pstn/       Amazon Chime SDK PSTN Audio
    buckets.py  the local S3 as the telephone network sees it
    lab.py      all of it as one context manager
    website/    an SP: its client, its receiver
    cases.py    what can become of a callback, and what must follow
    play.py     plays a case over HTTP; checks.py says what came true
    timeline.py calls as they happen, in the words of wording.py; wall.py: several at once
    demo.py, story.py, up.py    `python -m lab …`
"""
