"""Invented identity cards in a virtual reader, for the real smart card service of this machine."""
