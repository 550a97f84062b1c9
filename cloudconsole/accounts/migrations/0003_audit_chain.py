import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from cloudconsole.accounts.audit_chain import NOTHING_BEFORE, event_hash

REFUSE = """
CREATE FUNCTION accounts_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only: % is refused', TG_OP USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER accounts_auditevent_is_append_only
    BEFORE UPDATE OR DELETE ON accounts_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_refuse_change();
"""
ALLOW = """
DROP TRIGGER accounts_auditevent_is_append_only ON accounts_auditevent;
DROP FUNCTION accounts_refuse_change();
"""


def chain_existing_events(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    events = apps.get_model("accounts", "AuditEvent").objects
    chains = apps.get_model("accounts", "AuditChain").objects
    for account_id in list(events.values_list("account_id", flat=True).distinct()):
        length, head = 0, NOTHING_BEFORE
        for event in events.filter(account_id=account_id).order_by("created_at", "id"):
            length += 1
            event.sequence, event.previous_hash = length, head
            event.hash = head = event_hash(event)
            event.save(update_fields=["sequence", "previous_hash", "hash"])
        chains.create(account_id=account_id, length=length, head=head)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_roles")]
    operations = [
        migrations.AlterField("account", "name", models.CharField(max_length=256)),
        migrations.CreateModel(
            name="AuditChain",
            fields=[
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="audit_chain",
                        serialize=False,
                        to="accounts.account",
                    ),
                ),
                ("length", models.PositiveBigIntegerField(default=0)),
                ("head", models.CharField(blank=True, default="", max_length=64)),
            ],
        ),
        migrations.AddField("auditevent", "sequence", models.PositiveBigIntegerField(default=0), preserve_default=False),
        migrations.AddField(
            "auditevent", "previous_hash", models.CharField(blank=True, default="", max_length=64), preserve_default=False
        ),
        migrations.AddField("auditevent", "hash", models.CharField(default="", max_length=64), preserve_default=False),
        migrations.RunPython(chain_existing_events, migrations.RunPython.noop),
        migrations.AddConstraint(
            "auditevent", models.UniqueConstraint(fields=("account", "sequence"), name="audit_events_stand_in_line")
        ),
        migrations.RunSQL(REFUSE, reverse_sql=ALLOW),
    ]
