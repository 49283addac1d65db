"""What was recorded of people stays as it was written."""

from django.db import migrations

APPEND_ONLY = """
CREATE FUNCTION people_history_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the history is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER people_history_is_append_only BEFORE UPDATE OR DELETE ON auditlog_logentry
    FOR EACH ROW EXECUTE FUNCTION people_history_is_append_only();
"""
DROP_APPEND_ONLY = """
DROP TRIGGER people_history_is_append_only ON auditlog_logentry;
DROP FUNCTION people_history_is_append_only();
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [("auditlog", "0017_add_actor_email")]

    operations = [migrations.RunSQL(APPEND_ONLY, DROP_APPEND_ONLY)]
