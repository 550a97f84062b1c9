"""What a client sends comes back: any cluster message that obeys the rules, created, read and sent again."""

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudconsole.accounts.models import AuditEvent
from cloudconsole.api.declarations import field_rules
from cloudconsole.api.gen.qdrant.cloud.cluster.v1.cluster_pb2 import Cluster
from cloudconsole.api.gen.qdrant.cloud.cluster.v1.configuration_pb2 import ClusterConfiguration, DatabaseConfiguration
from cloudconsole.api.gen.qdrant.cloud.common.v1.common_pb2 import KeyValue
from cloudconsole.api.validation import violations
from clusters.models import Operation, Package
from tests.api.conftest import CLUSTERS

# Where a rule narrows text to a few, examples that meet it; any other text is arbitrary.
PATTERNS = {
    "^(v(\\d+)\\.(\\d+)\\.(\\d+)|latest)$": st.just("v1.19.0"),
    "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$": st.from_regex(r"[a-z0-9](-?[a-z0-9]){0,20}", fullmatch=True),
}
ANY_TEXT = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
NUMBERS = {"uint32": (0, 2**32 - 1), "int32": (-(2**31), 2**31 - 1), "uint64": (0, 2**64 - 1)}
# Set by the server, or not free to choose.
FIXED = {"last_modified_at", "number_of_nodes", "package_id", "additional_resources"}


def texts(rules):
    if rules.qualified_name:
        return st.from_regex(r"([a-z]{1,9}\.example/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,20}[A-Za-z0-9])?", fullmatch=True)
    if rules.ipv4_prefix:
        return st.ip_addresses(v=4).map(lambda address: f"{address}/32")
    if rules.pattern in PATTERNS:
        return PATTERNS[rules.pattern]
    return st.text(ANY_TEXT, min_size=rules.min_len, max_size=min(rules.max_len or 40, 40))


def values(field, rules):
    """Valid values of one field, or of one item of a repeated one."""
    if field.message_type is not None:
        return messages(field.message_type._concrete_class)
    if field.enum_type is not None:
        return st.sampled_from([value.number for value in field.enum_type.values if value.number])
    if field.type == field.TYPE_BOOL:
        return st.booleans()
    if field.type == field.TYPE_STRING:
        return texts(rules)
    kind = {field.TYPE_UINT32: "uint32", field.TYPE_INT32: "int32", field.TYPE_UINT64: "uint64"}[field.type]
    least, most = NUMBERS[kind]
    return st.integers(
        int(rules.gte) if rules.HasField("gte") else least, int(rules.lte) if rules.HasField("lte") else most
    )


@st.composite
def messages(draw, kind: type[Message]):
    """Any valid message of a kind, with any of its optional fields set or not."""
    message = kind()
    for field in kind.DESCRIPTOR.fields:
        rules = field_rules(field)
        if kind is ClusterConfiguration and field.name in FIXED:
            continue
        if field.is_repeated:
            items = draw(st.lists(values(field, rules.items), max_size=min(rules.max_items, 3)))
            getattr(message, field.name).extend(items)
        elif not field.has_presence or rules.required or draw(st.booleans()):
            value = draw(values(field, rules))
            if field.message_type is None:
                setattr(message, field.name, value)
            else:
                getattr(message, field.name).CopyFrom(value)
                getattr(message, field.name).SetInParent()
    return message


@st.composite
def clusters(draw):
    cluster = Cluster(
        name=draw(st.from_regex(r"[a-zA-Z0-9_-]{2,64}", fullmatch=True)),
        cloud_provider_id="aws",
        cloud_provider_region_id="us-east-1",
        labels=draw(st.lists(messages(KeyValue), max_size=10)),
        configuration=draw(messages(ClusterConfiguration)),
    )
    if draw(st.booleans()):
        cluster.cost_allocation_label = "team"
    cluster.configuration.number_of_nodes = draw(st.integers(1, 5))
    if draw(st.booleans()):
        cluster.configuration.additional_resources.disk = draw(st.integers(0, 100))
        cluster.configuration.additional_resources.SetInParent()
    return cluster


def stripped(answer):
    """The cluster of an answer without what only the server writes."""
    cluster = ParseDict(answer.json()["cluster"], Cluster())
    for name in ("id", "account_id", "created_at", "state"):
        cluster.ClearField(name)
    cluster.configuration.ClearField("last_modified_at")
    return cluster


def filled_in(sent):
    """What the server adds where the client left a choice: the newest version, and inference in the US."""
    cluster = Cluster()
    cluster.CopyFrom(sent)
    cluster.configuration.version = "v1.19.0"
    if not cluster.configuration.database_configuration.HasField("inference"):
        cluster.configuration.database_configuration.inference.enabled = True
    return cluster


def counts():
    return Operation.objects.count(), AuditEvent.objects.count()


@pytest.mark.django_db
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(sent=clusters())
def test_a_cluster_comes_back_as_it_was_sent_and_sending_it_again_does_nothing(api, payment_method, sent):
    sent.configuration.package_id = str(Package.objects.get(name="mx1").pk)
    body = {"cluster": MessageToDict(sent)}
    created = api.post(CLUSTERS, body)
    assert created.status_code == 200, created.content
    assert stripped(created) == filled_in(sent)

    path = f"{CLUSTERS}/{created.json()['cluster']['id']}"
    assert api.get(path).json() == created.json()
    before = counts()
    assert api.put(path, body).json() == created.json()
    assert api.put(path, created.json()).json() == created.json()
    assert counts() == before


@pytest.mark.django_db
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(first=clusters(), second=clusters(), inference=st.booleans())
def test_a_replaced_cluster_comes_back_as_it_was_sent(api, make_cluster, first, second, inference):
    """Two replacements after one another: nothing of the first stays behind."""
    row = make_cluster(inference=inference)
    path = f"{CLUSTERS}/{row.pk}"
    for sent in (first, second):
        sent.configuration.package_id = str(row.package_id)
        sent.configuration.number_of_nodes = 1
        sent.configuration.ClearField("additional_resources")
        answer = api.put(path, {"cluster": MessageToDict(sent)})
        assert answer.status_code == 200, answer.content
        expected = Cluster()
        expected.CopyFrom(sent)
        expected.configuration.version = "v1.19.0"
        block: DatabaseConfiguration = expected.configuration.database_configuration
        row.refresh_from_db()
        if not sent.configuration.database_configuration.HasField("inference") and row.inference_enabled:
            block.inference.enabled = True  # nobody mentioned it, so it stays on and says so
        assert stripped(answer) == expected


@given(message=clusters())
@settings(max_examples=20, deadline=None)
def test_the_examples_obey_the_rules(message):
    message.account_id = message.configuration.package_id = "7b0d8a26-31f5-4f7b-93d7-3d6f2f3c8a10"
    assert violations(message) == []
