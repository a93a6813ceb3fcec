"""The drop-in intake: hospital software that speaks the insurer's gateway's protocol finds it here too.

Answers are the gateway's JSON, never problem documents; what the protocol calls a transaction is a
submission.
"""
