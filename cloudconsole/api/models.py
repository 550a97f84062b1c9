"""What the admin API keeps of its own: answers that must come out the same when a client asks again."""

from django.db import models
from django.utils import timezone

from cloudconsole.accounts.models import Account


class IdempotentAnswer(models.Model):
    """The answer to a request that named an idempotency key, written with what the request did.

    Of key and request only hashes are kept, and the answer, which may hold a secret, opens with the key alone.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    key_hash = models.CharField(max_length=64)
    request_hash = models.CharField(max_length=64)
    sealed_answer = models.BinaryField(default=b"")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "key_hash"], name="one_answer_per_idempotency_key")]

    def __str__(self) -> str:
        return f"answer of {self.created_at} for {self.account_id}"
