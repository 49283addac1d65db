"""Where a buyer may be sent: nobody may borrow PGB's good name for a jump to somewhere else."""

from urllib.parse import urlsplit

from config.environment import is_loopback


def is_allowed_url(url: str, hosts: list[str]) -> bool:
    """Say whether a buyer may be sent to ``url``: absolute, https (http for loopback), host on the shop's list."""
    if any(ord(char) <= 0x20 or ord(char) == 0x7F or char == "\\" for char in url):
        return False
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return False
    loopback = is_loopback(host)
    if parts.scheme not in (("https", "http") if loopback else ("https",)) or "@" in parts.netloc or not host:
        return False
    if not parts.netloc.isascii():  # a name that only looks like one on the list
        return False
    named = {item.lower() for item in hosts}
    if f"{host}:{port}" in named:
        return True
    return host in named and (loopback or port in (None, 443))
