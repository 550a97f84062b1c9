"""What usage is rated with: prices of packages, discounts, credits."""

import uuid

from django.db import models

from billing.models.ledger import Kind
from cloudconsole.accounts.models import Account
from clusters.models import Package


class PackagePrice(models.Model):
    """What a package costs from a moment on. Never changed, only followed.

    ``compute``: millicents per node and hour. ``disk``: millicents per GiB of additional disk and hour.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    package = models.ForeignKey(Package, on_delete=models.PROTECT, related_name="prices")
    kind = models.CharField(max_length=8, choices=[(kind.value, kind.label) for kind in (Kind.COMPUTE, Kind.DISK)])
    effective_from = models.DateTimeField()
    millicents_per_hour = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["package", "kind", "effective_from"], name="one_price_per_package_kind_and_moment"
            )
        ]

    def __str__(self) -> str:
        return f"{self.package_id} {self.kind}: {self.millicents_per_hour} from {self.effective_from}"


class Discount(models.Model):
    """Less to pay for what is used in ``[valid_from, valid_until)``: a percentage, or a fixed amount every month."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="discounts")
    name = models.CharField(max_length=64)
    percentage = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    fixed_millicents = models.BigIntegerField(null=True)
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(percentage__isnull=True) ^ models.Q(fixed_millicents__isnull=True),
                name="discount_is_a_percentage_or_an_amount",
            ),
            models.CheckConstraint(
                condition=models.Q(percentage__isnull=True) | models.Q(percentage__gte=0, percentage__lte=100),
                name="discount_of_at_most_all",
            ),
            models.CheckConstraint(
                condition=models.Q(fixed_millicents__isnull=True) | models.Q(fixed_millicents__gt=0),
                name="discount_amount_is_positive",
            ),
            models.CheckConstraint(
                condition=models.Q(valid_until__gt=models.F("valid_from")), name="discount_ends_after_it_begins"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Credit(models.Model):
    """Paid in advance and drawn down by the statements of months that ``[active_from, active_to)`` touches."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="credits")
    total_millicents = models.BigIntegerField()
    active_from = models.DateTimeField()
    active_to = models.DateTimeField()
    notes = models.CharField(max_length=254, default="", blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(total_millicents__gt=0), name="credit_is_positive"),
            models.CheckConstraint(
                condition=models.Q(active_to__gt=models.F("active_from")), name="credit_ends_after_it_begins"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.total_millicents} of {self.account_id}"
