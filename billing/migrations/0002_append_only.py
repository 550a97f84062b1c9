"""The database itself refuses to change the ledger, whoever asks and by whatever way."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION billing_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the usage ledger is append-only: % is refused', TG_OP
        USING ERRCODE = 'restrict_violation', HINT = 'Record a correction instead.';
END
$$;
CREATE TRIGGER billing_usageevent_is_append_only
    BEFORE UPDATE OR DELETE ON billing_usageevent
    FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse_change();
"""
ALLOW = """
DROP TRIGGER billing_usageevent_is_append_only ON billing_usageevent;
DROP FUNCTION billing_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]
    operations = [migrations.RunSQL(REFUSE, reverse_sql=ALLOW)]
