"""Webhooks: signed messages to clients' systems. What is sent, to which addresses, and when it is tried again."""
