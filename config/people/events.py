"""What people do that changes no field: the kinds of such lines of the history, beside those of merchants.audit."""

LOGIN = "login"
TWO_FACTOR_SET_UP = "two_factor_set_up"
TWO_FACTOR_RESET = "two_factor_reset"
RECOVERY_CODE_USED = "recovery_code_used"
UNLOCKED = "unlocked"
