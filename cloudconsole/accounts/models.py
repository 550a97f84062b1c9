"""Who uses the cloud: users, accounts, members, management keys, and the log of what they did."""

import uuid

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils import timezone

from cloudconsole.accounts import permissions
from cloudconsole.accounts.audit_chain import NOTHING_BEFORE


class UserManager(BaseUserManager["User"]):
    def create_user(self, *, email: str, password: str) -> "User":
        user = self.model(email=self.normalize_email(email))
        user.set_password(password)
        user.save()
        return user


class User(AbstractBaseUser):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    USERNAME_FIELD = "email"
    objects = UserManager()

    def __str__(self) -> str:
        return self.email


class Account(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=256)
    created_at = models.DateTimeField(default=timezone.now)
    modified_at = models.DateTimeField(default=timezone.now)
    company = models.JSONField(null=True)  # {"name": …, "domain": … or absent}
    members = models.ManyToManyField(User, through="Membership", related_name="accounts")

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    Role = permissions.Role

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=[(role.value, role.label) for role in permissions.Role])

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "user"], name="one_membership_per_user"),
            models.UniqueConstraint(
                fields=["account"], condition=models.Q(role=permissions.Role.OWNER.value), name="one_owner_per_account"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.account} as {self.role}"


class PaymentMethod(models.Model):
    """A simulated way to pay: nobody is ever charged. A paid cluster needs its account to have one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="payment_methods")
    name = models.CharField(max_length=64)
    is_default = models.BooleanField(default=False)
    # What an API client sent, absent where it sent nothing: payment_provider_id, tax_id, billing_address (JSON form)
    details = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)
    modified_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account"], condition=models.Q(is_default=True), name="one_default_payment_method"
            )
        ]

    def __str__(self) -> str:
        return self.name


class ManagementKey(models.Model):
    """A key for the admin API. It belongs to one account, not to a person."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="management_keys")
    prefix = models.CharField(max_length=16)
    secret_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.prefix}…"


class AuditChain(models.Model):
    """Where an account's audit log ends: how many events it has, and the last one's hash.

    Its row is locked while an event is appended, so that an account's events stand in one line.
    """

    account = models.OneToOneField(Account, on_delete=models.PROTECT, primary_key=True, related_name="audit_chain")
    length = models.PositiveBigIntegerField(default=0)
    head = models.CharField(max_length=64, default=NOTHING_BEFORE, blank=True)

    def __str__(self) -> str:
        return f"{self.length} events of {self.account_id}"


class AuditEvent(models.Model):
    """One thing somebody did. Append-only: written in the transaction of the thing itself, never changed after.

    ``sequence`` counts an account's events from 1; ``hash`` covers the event and ``previous_hash`` (``audit_chain``).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="audit_events")
    sequence = models.PositiveBigIntegerField()
    actor_type = models.CharField(max_length=16)
    actor_id = models.CharField(max_length=64)
    actor_name = models.CharField(max_length=254)
    action = models.CharField(max_length=32)
    resource_type = models.CharField(max_length=32)
    resource_id = models.CharField(max_length=64)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "sequence"], name="audit_events_stand_in_line")]
        indexes = [models.Index(fields=["account", "-created_at"])]

    def __str__(self) -> str:
        return f"{self.actor_name}: {self.action} {self.resource_type} {self.resource_id}"
