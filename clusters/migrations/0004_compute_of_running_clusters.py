from django.db import migrations
from django.utils import timezone


def write_down_what_runs(apps, schema_editor):
    """Sizes join configurations, and the nodes that run have compute from now on: nobody was billed for it before."""
    Cluster = apps.get_model('clusters', 'Cluster')
    ComputePeriod = apps.get_model('clusters', 'ComputePeriod')
    now = timezone.now()
    for cluster in Cluster.objects.all():
        shape = {
            'package_id': str(cluster.package_id),
            'number_of_nodes': cluster.number_of_nodes,
            'additional_disk_gib': cluster.additional_disk_gib,
        }
        for operation in cluster.operations.filter(state__in=['pending', 'running']):
            operation.configuration |= shape
            operation.save(update_fields=['configuration'])
        if cluster.observed_generation:
            cluster.applied_configuration |= shape
            cluster.save(update_fields=['applied_configuration'])
            ComputePeriod.objects.create(
                cluster=cluster,
                package=cluster.package,
                nodes=cluster.number_of_nodes,
                additional_disk_gib=cluster.additional_disk_gib,
                started_at=now,
            )


class Migration(migrations.Migration):

    dependencies = [
        ('clusters', '0003_operations'),
    ]

    operations = [
        migrations.RunPython(write_down_what_runs, migrations.RunPython.noop),
    ]
