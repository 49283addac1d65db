"""변경 이력 and 직원: what people did, and who may do what."""

from people.admin import history

__all__ = ["history"]
