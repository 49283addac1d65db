"""Shops, merchants and connections kept in a file (design: `manage.py provision FILE`)."""

from merchants.provision.apply import Outcome, apply
from merchants.provision.entries import Entry, Wanted, read
from merchants.provision.problems import ProvisionError

__all__ = ["Entry", "Outcome", "ProvisionError", "Wanted", "apply", "read"]
