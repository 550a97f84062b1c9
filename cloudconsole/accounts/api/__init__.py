"""What the admin API says and does about accounts, people, keys and payment: thin functions over services."""

from cloudconsole.accounts.api import accounts, iam, management_keys, payment

__all__ = ["accounts", "iam", "management_keys", "payment"]
