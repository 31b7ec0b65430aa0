"""Signed messages to other people's systems: what is sent, where it may go, and when it is tried again."""
