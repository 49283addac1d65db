from tests.merchants.conftest import file, provision

__all__ = ["file", "provision"]
