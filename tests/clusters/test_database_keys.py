"""Keys for the data plane: made for a cluster, shown once, revoked for good."""

from datetime import timedelta
from uuid import uuid4

import jwt
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from cloudconsole.accounts.models import AuditEvent
from cloudconsole.accounts.services import Actor
from cloudconsole.errors import Code, ServiceError
from cloudconsole.secrets_at_rest import hash_secret
from clusters.database_keys import create_database_api_key, revoke_database_api_key, signing_secret
from clusters.models import DatabaseApiKey
from clusters.rules.access import (
    FULL_ACCESS,
    READ_ONLY,
    Access,
    CollectionRule,
    Requirement,
    access_of_claim,
    collection_access,
)
from clusters.services import enable_jwt_rbac

ALICE = Actor("user", "1", "alice@example.com")
BOOKS = collection_access([CollectionRule("books", "rw"), CollectionRule("loans", "r"), CollectionRule("log", "prw")])


@pytest.mark.django_db
class TestKeys:
    def test_a_key_is_a_token_that_its_clusters_secret_signs_and_no_others(self, make_cluster):
        cluster, end = make_cluster(), timezone.now() + timedelta(days=1)
        key, secret = create_database_api_key(
            cluster=cluster, name="app", expires_at=end, access=BOOKS, requested_by=ALICE
        )
        assert jwt.decode(secret, signing_secret(cluster.pk), ["HS256"]) == {
            "access": [
                {"collection": "books", "access": "rw"},
                {"collection": "loans", "access": "r"},
                {"collection": "log", "access": "prw"},
            ],
            "subject": f"api-key:{key.pk}",
            "exp": int(end.timestamp()),
        }
        with pytest.raises(jwt.InvalidSignatureError):
            jwt.decode(secret, signing_secret(uuid4()), ["HS256"])
        assert secret.startswith("eyJhb")
        assert key.created_by_email == "alice@example.com"

    def test_of_its_secret_both_ends_and_a_hash_are_kept(self, make_cluster):
        key, secret = create_database_api_key(cluster=make_cluster(), name="app", requested_by=ALICE)
        assert key.secret_hash == hash_secret(secret)
        assert secret.startswith(key.prefix)
        assert secret.endswith(key.postfix)
        assert secret not in str([list(DatabaseApiKey.objects.values()), list(AuditEvent.objects.values())])

    def test_revoking_frees_the_name_and_happens_once(self, make_cluster):
        key, _ = create_database_api_key(cluster=make_cluster(), name="app", requested_by=ALICE)
        with pytest.raises(ServiceError, match="a key called app already"):
            create_database_api_key(cluster=key.cluster, name="app", requested_by=ALICE)
        with pytest.raises(ServiceError) as other:
            revoke_database_api_key(cluster=make_cluster("other"), key_id=key.pk, requested_by=ALICE)
        revoke_database_api_key(cluster=key.cluster, key_id=key.pk, requested_by=ALICE)
        with pytest.raises(ServiceError) as again:
            revoke_database_api_key(cluster=key.cluster, key_id=key.pk, requested_by=ALICE)
        assert other.value.code == again.value.code == Code.NOT_FOUND
        create_database_api_key(cluster=key.cluster, name="app", requested_by=ALICE)
        actions = AuditEvent.objects.filter(resource_type="database-api-key").order_by("sequence")
        assert [event.action for event in actions] == ["create", "delete", "create"]

    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({"expires_at": timezone.now() - timedelta(1)}, "end in the future"),
            ({"access": Access(None)}, "1 to 20 rules"),
            ({"access": collection_access(CollectionRule(f"c{n}", "r") for n in range(21))}, "1 to 20 rules"),
            ({"access": collection_access([CollectionRule("a/b", "r")])}, "cannot be a collection"),
        ],
    )
    def test_a_key_that_could_not_work_is_refused(self, make_cluster, fields, sentence):
        with pytest.raises(ServiceError, match=sentence):
            create_database_api_key(cluster=make_cluster(), name="app", requested_by=ALICE, **fields)

    def test_the_signing_secret_is_printed_for_operators(self, make_cluster, capsys):
        cluster = make_cluster()
        call_command("signing_secret", str(cluster.pk))
        assert capsys.readouterr().out.strip() == signing_secret(cluster.pk)
        with pytest.raises(CommandError, match="There is no cluster"):
            call_command("signing_secret", str(uuid4()))

    def test_a_cluster_without_granular_keys_has_opaque_ones_until_they_are_enabled(self, make_cluster):
        cluster = make_cluster(jwt_rbac=False)
        _, secret = create_database_api_key(cluster=cluster, name="old", requested_by=ALICE)
        assert secret.startswith("ccd_")
        with pytest.raises(ServiceError, match="no granular keys yet"):
            create_database_api_key(cluster=cluster, name="new", access=READ_ONLY, requested_by=ALICE)
        enabled = enable_jwt_rbac(cluster=cluster, requested_by=ALICE)
        assert (enabled.jwt_rbac, enabled.generation, enabled.phase) == (True, cluster.generation + 1, "UPDATING")
        assert enable_jwt_rbac(cluster=cluster, requested_by=ALICE).generation == enabled.generation
        _, secret = create_database_api_key(cluster=enabled, name="new", access=READ_ONLY, requested_by=ALICE)
        assert secret.startswith("eyJhb")


@pytest.mark.parametrize(
    ("access", "needed", "collections", "sentence"),
    [
        (FULL_ACCESS, Requirement(manage=True, everywhere=True), (), None),
        (READ_ONLY, Requirement(), ("books",), None),
        (READ_ONLY, Requirement(extras=True), ("books",), None),
        (READ_ONLY, Requirement(write=True), ("books",), "Global manage access is required"),
        (READ_ONLY, Requirement(manage=True), ("books",), "Global manage access is required"),
        (BOOKS, Requirement(everywhere=True), (), "Global access is required"),
        (BOOKS, Requirement(write=True), ("books",), None),
        (BOOKS, Requirement(write=True), ("loans",), "Write access to collection loans is required"),
        (BOOKS, Requirement(), ("books", "secret"), "Access to collection secret is required"),
        (BOOKS, Requirement(manage=True), ("books",), "Manage access for this operation is required"),
        (BOOKS, Requirement(write=True), ("log",), None),
        (BOOKS, Requirement(extras=True), ("loans",), None),
        (BOOKS, Requirement(extras=True), ("log",), "Only points access is allowed for collection log"),
        (BOOKS, Requirement(manage=True), (), "Manage access for this operation is required"),
    ],
)
def test_what_access_suffices_for(access, needed, collections, sentence):
    assert access.refusal(needed, collections) == sentence


@given(
    st.sampled_from([FULL_ACCESS, READ_ONLY])
    | st.lists(
        st.builds(CollectionRule, st.text(max_size=9), st.sampled_from(["r", "rw", "prw"])),
        unique_by=lambda rule: rule.collection,
    ).map(collection_access)
)
def test_a_claim_says_the_access_it_was_made_of(access):
    assert access_of_claim(access.claim) == access


@pytest.mark.parametrize(
    "claim",
    [
        "rw",
        7,
        [{"collection": "a"}],
        [{"access": "r"}],
        [{"collection": "a", "access": "m"}],
        [{"collection": "a", "access": "r", "payload": {"user": 1}}],
        [{"collection": "a", "access": "r"}, {"collection": "a", "access": "rw"}],
        ["a"],
    ],
)
def test_claims_that_mean_nothing_are_refused(claim):
    with pytest.raises(ValueError, match="access"):
        access_of_claim(claim)
