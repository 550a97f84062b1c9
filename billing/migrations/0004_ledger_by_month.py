"""The ledger in one partition a month, by ranges of ids: these begin with the event's time (billing/event_ids.py).

So the primary key is the id alone, and an id is unique for ever. The functions are for whoever writes: the gateway
makes a missing partition itself.
"""

import django.db.models.deletion
from django.db import migrations, models

FUNCTIONS = """
CREATE FUNCTION billing_first_id(moment timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex(floor(extract(epoch FROM moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

CREATE FUNCTION billing_make_partition(month date) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    first date := date_trunc('month', month)::date;
    partition text := 'billing_usageevent_' || to_char(first, 'YYYY_MM');
    starts timestamptz := first::timestamp AT TIME ZONE 'UTC';
    ends timestamptz := (first + interval '1 month')::timestamp AT TIME ZONE 'UTC';
BEGIN
    IF EXISTS (SELECT FROM billing_archivedmonth WHERE billing_archivedmonth.month = first) THEN
        RAISE EXCEPTION 'the usage of % is archived', to_char(first, 'YYYY-MM')
            USING ERRCODE = 'restrict_violation', HINT = 'Bring the archived month back before adding to it.';
    END IF;
    IF to_regclass(partition) IS NOT NULL THEN
        RETURN false;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('billing_make_partition'));
    IF to_regclass(partition) IS NOT NULL THEN
        RETURN false;
    END IF;
    -- Made and then attached: that lets others insert meanwhile, which CREATE TABLE ... PARTITION OF does not.
    EXECUTE format('CREATE TABLE %I (LIKE billing_usageevent INCLUDING ALL)', partition);
    EXECUTE format(
        'ALTER TABLE %I ADD CONSTRAINT %I CHECK (occurred_at >= %L AND occurred_at < %L)',
        partition, partition || '_is_its_month', starts, ends
    );
    EXECUTE format(
        'CREATE TRIGGER billing_usageevent_is_append_only BEFORE UPDATE OR DELETE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse_change()',
        partition
    );
    EXECUTE format(
        'ALTER TABLE billing_usageevent ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
        partition, billing_first_id(starts), billing_first_id(ends)
    );
    RETURN true;
END
$$;
"""

LEDGER = """
ALTER TABLE billing_usageevent RENAME TO billing_usageevent_before;
CREATE SEQUENCE billing_usageevent_seq;
CREATE TABLE billing_usageevent (
    id uuid NOT NULL CONSTRAINT billing_usageevent_ids_are_unique_for_ever PRIMARY KEY,
    seq bigint NOT NULL DEFAULT nextval('billing_usageevent_seq'),
    request_id uuid,
    account_id uuid NOT NULL,
    cluster_id uuid NOT NULL,
    model_id uuid,
    api_key_id uuid,
    package_id uuid,
    kind varchar(8) NOT NULL,
    tokens bigint NOT NULL DEFAULT 0,
    inputs bigint NOT NULL DEFAULT 0,
    hours bigint NOT NULL DEFAULT 0,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    corrects_id uuid,
    CONSTRAINT billing_usageevent_is_of_a_model_or_a_package CHECK ((model_id IS NULL) <> (package_id IS NULL)),
    -- Its own id with version 8 is the only one that a correction can have: an original has at most one.
    CONSTRAINT billing_usageevent_corrects_by_id CHECK (
        corrects_id IS NULL AND get_byte(uuid_send(id), 6) >> 4 = 7
        OR id = overlay(corrects_id::text PLACING '8' FROM 15 FOR 1)::uuid
    )
) PARTITION BY RANGE (id);
CREATE INDEX billing_usageevent_by_seq ON billing_usageevent (seq);
CREATE INDEX billing_usageevent_by_account ON billing_usageevent (account_id, seq);
CREATE TRIGGER billing_usageevent_is_append_only
    BEFORE UPDATE OR DELETE ON billing_usageevent
    FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse_change();

SELECT billing_make_partition(month::date)
FROM (SELECT DISTINCT date_trunc('month', occurred_at AT TIME ZONE 'UTC') AS month FROM billing_usageevent_before) months;

-- Ids from before do not all carry the event's time; their other bits stay.
CREATE FUNCTION pg_temp.dated(id uuid, moment timestamptz, version text) RETURNS uuid LANGUAGE sql AS $$
    SELECT overlay(
        overlay(id::text PLACING substr(billing_first_id(moment)::text, 1, 13) FROM 1 FOR 13) PLACING version FROM 15 FOR 1
    )::uuid
$$;
INSERT INTO billing_usageevent (
    id, request_id, account_id, cluster_id, model_id, api_key_id, kind, tokens, inputs, occurred_at, recorded_at,
    corrects_id
)
SELECT pg_temp.dated(coalesce(corrects_id, id), occurred_at, CASE WHEN corrects_id IS NULL THEN '7' ELSE '8' END),
    request_id, account_id, cluster_id, model_id, api_key_id, kind, tokens, inputs, occurred_at, recorded_at,
    pg_temp.dated(corrects_id, occurred_at, '7')
FROM billing_usageevent_before ORDER BY recorded_at;
DROP TABLE billing_usageevent_before;
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0003_statements")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE"),
                migrations.RunSQL(FUNCTIONS),
                migrations.RunSQL(LEDGER),
            ],
            state_operations=[
                migrations.RemoveIndex(
                    model_name='usageevent',
                    name='billing_usa_account_a09636_idx',
                ),
                migrations.RemoveIndex(
                    model_name='usageevent',
                    name='billing_usa_cluster_a39b1a_idx',
                ),
                migrations.AddField(
                    model_name='usageevent',
                    name='hours',
                    field=models.BigIntegerField(default=0),
                ),
                migrations.AddField(
                    model_name='usageevent',
                    name='package',
                    field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='clusters.package'),
                ),
                migrations.AddField(
                    model_name='usageevent',
                    name='seq',
                    field=models.BigIntegerField(db_default=models.Func(models.Value('billing_usageevent_seq'), function='nextval'), editable=False),
                ),
                migrations.AlterField(
                    model_name='usageevent',
                    name='api_key',
                    field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='clusters.databaseapikey'),
                ),
                migrations.AlterField(
                    model_name='usageevent',
                    name='corrects',
                    field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='correction', to='billing.usageevent'),
                ),
                migrations.AlterField(
                    model_name='usageevent',
                    name='id',
                    field=models.UUIDField(editable=False, primary_key=True, serialize=False),
                ),
                migrations.AlterField(
                    model_name='usageevent',
                    name='inputs',
                    field=models.BigIntegerField(default=0),
                ),
                migrations.AlterField(
                    model_name='usageevent',
                    name='kind',
                    field=models.CharField(choices=[('update', 'Update'), ('search', 'Search'), ('compute', 'Compute'), ('disk', 'Disk')], max_length=8),
                ),
                migrations.AlterField(
                    model_name='usageevent',
                    name='model',
                    field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='inference.inferencemodel'),
                ),
                migrations.AlterField(
                    model_name='usageevent',
                    name='request_id',
                    field=models.UUIDField(null=True),
                ),
                migrations.AlterField(
                    model_name='usageevent',
                    name='tokens',
                    field=models.BigIntegerField(default=0),
                ),
                migrations.AddIndex(
                    model_name='usageevent',
                    index=models.Index(fields=['seq'], name='billing_usageevent_by_seq'),
                ),
                migrations.AddIndex(
                    model_name='usageevent',
                    index=models.Index(fields=['account', 'seq'], name='billing_usageevent_by_account'),
                ),
            ],
        ),
    ]
