"""The life of a submission: receive, check, send, replay."""
