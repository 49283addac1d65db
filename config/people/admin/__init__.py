"""직원, 역할 and 변경 이력: who may do what, and what they did."""

from config.people.admin import history, staff

__all__ = ["history", "staff"]
