"""The cloud and the telephone network on one laptop.

Rule: nothing here imports the product. The lab implements the AWS documentation independently; if both ends shared one
codec, they would share its mistakes.

Map, each room importing only what is below it:
    cli/        the commands `python -m lab demo|story|stories|up|site`, and what they print
    cases/      what can become of a callback, played and judged
    website/    the SP's site
    lab.py      a whole laboratory as one context manager: aws/, phones/ and the telephone network (package `pstn`)
    aws/        AWS: MiniStack in this process, the overlay that corrects it, the deployment, the API's port
    buckets.py  the local S3 as the telephone network sees it
    phones/     telephones over SIP: controlled by scripts, and one in a browser
    sp/         an SP: its client and its webhook receiver
    sip/        SIP signalling without audio: registrar, proxy, refusals
"""
