"""What the database itself forbids: rewriting history, and turning a used merchant into another one."""

from django.db import migrations

APPEND_ONLY = """
CREATE FUNCTION payments_event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'payment events are append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER payments_event_is_append_only BEFORE UPDATE OR DELETE ON payments_paymentevent
    FOR EACH ROW EXECUTE FUNCTION payments_event_is_append_only();
"""
DROP_APPEND_ONLY = """
DROP TRIGGER payments_event_is_append_only ON payments_paymentevent;
DROP FUNCTION payments_event_is_append_only();
"""

SAME_CONTRACT = """
CREATE FUNCTION payments_used_merchant_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM payments_paymentsession WHERE merchant_id = OLD.id) THEN
        RAISE EXCEPTION 'gateway, mid, mode and currency of a used merchant never change'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_used_merchant_stays BEFORE UPDATE ON merchants_merchant
    FOR EACH ROW WHEN ((OLD.gateway, OLD.mid, OLD.mode, OLD.currency)
        IS DISTINCT FROM (NEW.gateway, NEW.mid, NEW.mode, NEW.currency))
    EXECUTE FUNCTION payments_used_merchant_stays();
"""
DROP_SAME_CONTRACT = """
DROP TRIGGER payments_used_merchant_stays ON merchants_merchant;
DROP FUNCTION payments_used_merchant_stays();
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0001_initial")]

    operations = [
        migrations.RunSQL(APPEND_ONLY, DROP_APPEND_ONLY),
        migrations.RunSQL(SAME_CONTRACT, DROP_SAME_CONTRACT),
    ]
