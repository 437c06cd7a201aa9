"""The cloud and the telephone network on one laptop.

Law: nothing here imports the product. The lab reads the AWS documents itself; if both ends shared one codec, both
would share one misreading.

Map, each room importing only what is below it:
    cli/        the commands `python -m lab demo|story|up|site`, and what they print
    cases/      what can become of a callback, played and judged
    website/    the SP's site
    lab.py      all of it as one context manager: aws/, phones/ and the telephone network (`pstn`, beside this package)
    aws/        AWS: MiniStack in this process, the overlay that corrects it, the deployment, the API's port
    buckets.py  the local S3 as the telephone network sees it
    phones/     telephones over SIP: those that a script moves, and one in a browser
    sp/         an SP: its client, its receiver
    sip/        registrar, forwarding, refusals
"""
