"""API keys of shops: only their hash is kept. They are long and random, so a plain SHA-256 is enough."""

from hashlib import sha256


def hash_api_key(key: str) -> str:
    """Return the form in which an API key is stored and looked up."""
    return sha256(key.encode()).hexdigest()
