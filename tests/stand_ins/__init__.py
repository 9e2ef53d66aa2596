"""Loopback stand-ins for what the tests cannot have: Azure, the internet."""
