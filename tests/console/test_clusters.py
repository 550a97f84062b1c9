"""The list of clusters, creating one, and a cluster's overview."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from cloudconsole.accounts.models import Account, AuditEvent, PaymentMethod
from cloudconsole.accounts.permissions import permission_refusal
from cloudconsole.secrets_at_rest import hash_secret
from clusters.list_views import CLUSTERS_PER_PAGE
from clusters.models import Cluster, DatabaseApiKey, Package, Region
from clusters.rules.lifecycle import Phase
from inference.gate import eligibility
from tests.console.conftest import make_operation, record_usage
from tests.console.html import Element, parse

MX1, FREE = "6f0c7d3a-4b0e-5c55-9d0e-1f6a3c1f0002", "6f0c7d3a-4b0e-5c55-9d0e-1f6a3c1f0001"
WISH = {"name": "recipes", "tier": "paid", "provider": "aws", "region": "us-west-2", "package": MX1}


def refusal(package: str, region: str) -> str:
    answer = eligibility(package=Package.objects.get(pk=package), region=Region.objects.get(code=region))
    return answer.sentence


def chosen(page: Element) -> dict[str, str | None]:
    """What the create form holds."""
    radios = {
        one.attributes["name"]: one.attributes["value"]
        for one in page.all("input", type="radio")
        if "checked" in one.attributes
    }
    return radios | {"name": page.one("input", name="name").attributes.get("value")}


class TestList:
    def test_it_says_phase_and_inference_in_words(self, console: Client, make_cluster: Callable[..., Cluster]) -> None:
        make_cluster("on", inference=True)
        make_cluster("off")
        make_cluster("turning", inference=True, phase=Phase.UPDATING, applied_configuration={})
        make_cluster("turning-off", applied_configuration={"inference_enabled": True})
        make_cluster("eu", region="eu-central-1")
        make_cluster("free", paid=False, phase=Phase.FAILED_TO_UPDATE)
        rows = {
            row.one("th").text: [td.text for td in row.all("td")]
            for row in parse(console.get("/clusters")).all("tr")[1:]
        }
        assert {name: cells[:2] for name, cells in rows.items()} == {
            "on": ["Healthy", "On"],
            "off": ["Healthy", "Off"],
            "turning": ["Updating", "Switching on"],
            "turning-off": ["Healthy", "Switching off"],
            "eu": ["Healthy", "Not available"],
            "free": ["Failed to update", "Not available"],
        }
        assert rows["eu"][2:4] == ["aws · eu-central-1", "mx1 paid"]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"search": "REC"}, {"recipes"}),
            ({"search": "us-east4"}, {"cars"}),
            ({"search": "gcp cars"}, {"cars"}),
            ({"search": "gcp recipes"}, set()),
            ({"search": "6f0c7d3a-0000"}, {"recipes"}),
            ({"phase": "good"}, {"recipes", "eu"}),
            ({"phase": "bad"}, {"cars"}),
            ({"phase": "quiet"}, {"asleep"}),
            ({"phase": "quiet", "search": "cars"}, set()),
            ({"inference": "on"}, {"recipes"}),
            ({"inference": "off"}, {"asleep"}),
            ({"inference": "switching-on"}, {"cars"}),
            ({"inference": "unavailable"}, {"eu"}),
            ({"inference": "no such state", "page": "x", "search": " "}, {"recipes", "eu", "cars", "asleep"}),
        ],
    )
    def test_it_finds_what_one_looks_for(
        self, query: dict[str, str], found: set[str], console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        make_cluster("recipes", inference=True, id="6f0c7d3a-0000-5c55-9d0e-1f6a3c1f0009")
        failed = {"phase": Phase.FAILED_TO_UPDATE, "applied_configuration": {}}
        make_cluster("cars", provider="gcp", region="us-east4", inference=True, **failed)
        make_cluster("asleep", phase=Phase.SUSPENDED)
        make_cluster("eu", region="eu-central-1")
        page = parse(console.get("/clusters", query))
        assert {row.one("th").text for row in page.one(id="clusters").all("tr")[1:]} == found
        if not found:
            assert "No cluster matches" in page.text
        fragment = console.get("/clusters", query, headers={"HX-Request": "true", "HX-Target": "clusters"})
        assert parse(fragment).one(id="clusters").text == page.one(id="clusters").text

    def test_it_says_what_each_cluster_costs_this_month(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        for name, tokens in (("one", 1_000_000), ("two", 500_000), ("none", 0)):
            record_usage(make_cluster(name), "mixedbread-ai/mxbai-embed-large-v1", tokens)
        foreign = make_cluster("foreign", account=Account.objects.create(name="Somebody else"))
        record_usage(foreign, "mixedbread-ai/mxbai-embed-large-v1", 1_000_000)
        rows = parse(console.get("/clusters?costs=1")).one(id="clusters").all("tr")[1:]
        costs = {row.one("th").text: row.all("td", class_="number")[0].text for row in rows}
        assert costs == {"one": "$0.03", "two": "$0.015", "none": "$0.00"}

    def test_costs_arrive_after_the_rest_and_changes_are_followed(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        cluster = make_cluster("one")
        waiting = parse(console.get("/clusters?phase=good")).one(id="clusters")
        assert (waiting.attributes["hx-trigger"], waiting.one("td", class_="number").text) == ("load", "…")
        assert waiting.attributes["hx-get"] == "/clusters?phase=good&page=1&costs=1"
        settled = parse(console.get("/clusters?costs=1")).one(id="clusters")
        assert "hx-get" not in settled.attributes
        Cluster.objects.filter(pk=cluster.pk).update(phase=Phase.UPDATING)
        assert parse(console.get("/clusters?costs=1")).one(id="clusters").attributes["hx-trigger"] == "every 2s"

    def test_many_clusters_stand_on_several_pages(self, console: Client, make_cluster: Callable[..., Cluster]) -> None:
        template = make_cluster("first", created_at=timezone.now() - timedelta(days=1))
        names = [f"more-{number}" for number in range(CLUSTERS_PER_PAGE)]
        same = {f.name: getattr(template, f.name) for f in Cluster._meta.fields if f.name not in ("id", "created_at")}
        Cluster.objects.bulk_create(Cluster(**same | {"name": name}) for name in names)
        page = parse(console.get("/clusters?search=r"))
        assert len(page.one(id="clusters").all("tr")) == CLUSTERS_PER_PAGE + 1
        older = page.one("a", rel="next").attributes["href"]
        assert [row.one("th").text for row in parse(console.get(older)).one(id="clusters").all("tr")[1:]] == ["first"]

    def test_an_account_without_clusters_is_told_what_to_do(self, console: Client) -> None:
        page = parse(console.get("/clusters"))
        assert page.all("a", href="/clusters/new")
        assert "No clusters yet" in page.text


class TestCreate:
    def test_the_price_and_inference_are_shown_before(self, console: Client) -> None:
        quote = parse(console.get("/clusters/new", WISH)).one("section", class_="card quote").text
        assert "$0.026 per hour" in quote
        assert "$18.98 per month of 730 hours" in quote
        assert "On from the start" in quote

    def test_every_region_says_whether_it_has_inference(self, console: Client) -> None:
        labels = [label.text for label in parse(console.get("/clusters/new", WISH)).all("label", class_="package")]
        assert "US West (Oregon) us-west-2 Inference" in labels
        assert "Europe (Frankfurt) eu-central-1 No inference" in labels

    def test_nodes_and_disk_count_in_the_price(self, console: Client) -> None:
        wish = WISH | {"number_of_nodes": "3", "additional_disk_gib": "100"}
        for target in ("offer", "quote"):
            fragment = parse(console.get("/clusters/new", wish, headers={"HX-Request": "true", "HX-Target": target}))
            quote = fragment.one("section", class_="card quote").text
            assert "$0.138 per hour" in quote
            assert "$100.74 per month" in quote
            assert "additional disk $0.06 per hour" in quote
            assert "3 × 0.5 vCPU · 2 GiB RAM · 108 GiB disk" in quote

    @pytest.mark.parametrize(
        ("size", "sentence"),
        [
            ({"number_of_nodes": "51"}, "Nodes: Ensure this value is less than or equal to 50."),
            ({"number_of_nodes": "many"}, "Nodes: Enter a whole number."),
            ({"additional_disk_gib": "-1"}, "Additional disk per node, in GiB: Ensure this value is greater"),
        ],
    )
    def test_a_size_that_cannot_be_is_said_before_and_refused(
        self, size: dict[str, str], sentence: str, console: Client, payment_method: PaymentMethod
    ) -> None:
        page = parse(console.get("/clusters/new", WISH | size))
        assert sentence in page.one(id="create-refusal").text
        [field] = size
        answer = console.post("/clusters/new", WISH | size)
        assert answer.status_code == 422
        assert parse(answer).one("p", id=f"id_{field}_error").text in sentence or "greater" in sentence
        assert not Cluster.objects.exists()

    def test_what_the_account_may_not_have_is_said_before(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        assert "needs a payment method" in parse(console.get("/clusters/new", WISH)).one(id="create-refusal").text
        make_cluster("free-us", paid=False)
        page = parse(console.get("/clusters/new", WISH | {"tier": "free", "region": "us-east-1", "package": FREE}))
        assert "Delete it, or choose a paid package." in page.one(id="create-refusal").text

    def test_a_free_cluster_has_no_size_to_choose(self, console: Client) -> None:
        larger = {"tier": "free", "region": "us-east-1", "package": FREE, "number_of_nodes": "3"}
        page = parse(console.get("/clusters/new", WISH | larger))
        assert not page.all("input", name="number_of_nodes")
        assert "1 × 0.5 vCPU" in page.one("section", class_="card quote").text
        assert "A free cluster has exactly one node" in parse(console.post("/clusters/new", WISH | larger)).text

    def test_it_is_created_in_the_size_that_was_chosen(self, console: Client, payment_method: PaymentMethod) -> None:
        console.post("/clusters/new", WISH | {"number_of_nodes": "2", "additional_disk_gib": "10"})
        cluster = Cluster.objects.get()
        assert (cluster.number_of_nodes, cluster.additional_disk_gib) == (2, 10)

    @pytest.mark.parametrize(
        ("wish", "package"),
        [({"region": "eu-central-1"}, MX1), ({"tier": "free", "region": "us-east-1", "package": FREE}, FREE)],
    )
    def test_where_inference_is_refused_the_gates_sentence_says_why(
        self, wish: dict[str, str], package: str, console: Client
    ) -> None:
        quote = parse(console.get("/clusters/new", WISH | wish)).one("section", class_="card quote").text
        assert refusal(package, wish["region"]) in quote
        assert "On from the start" not in quote

    def test_the_fragment_shows_what_the_page_shows(self, console: Client) -> None:
        fragment = console.get("/clusters/new", WISH, headers={"HX-Request": "true", "HX-Target": "offer"})
        page = parse(console.get("/clusters/new", WISH))
        assert parse(fragment).one(id="offer").text == page.one(id="offer").text
        assert not parse(fragment).all("h1")

    def test_another_provider_offers_its_own_regions(self, console: Client) -> None:
        page = parse(console.get("/clusters/new", WISH | {"provider": "azure"}))
        codes = [radio.attributes["value"] for radio in page.all("input", name="region")]
        assert sorted(codes) == ["eastus", "germanywestcentral", "southeastasia", "uksouth"]
        assert chosen(page)["region"] == "eastus"

    def test_a_provider_without_free_regions_says_so(self, console: Client) -> None:
        page = parse(console.get("/clusters/new", WISH | {"tier": "free", "provider": "azure"}))
        assert "Microsoft Azure has no region for the free tier. Choose another provider or tier." in page.text

    def test_review_shows_the_price_without_a_script_and_creates_nothing(self, console: Client) -> None:
        answer = console.post("/clusters/new", WISH | {"tier": "free", "review": "1"})
        page = parse(answer)
        assert answer.status_code == 200
        assert "Free , for good" in page.one("section", class_="card quote").text
        assert chosen(page)["name"] == "recipes"
        assert not Cluster.objects.exists()

    def test_it_creates_the_cluster_and_shows_it(self, console: Client, payment_method: PaymentMethod) -> None:
        answer = console.post("/clusters/new", WISH)
        cluster = Cluster.objects.get()
        assert answer.headers["Location"] == f"/clusters/{cluster.pk}"
        assert (cluster.name, cluster.region.code, cluster.package.name) == ("recipes", "us-west-2", "mx1")
        assert cluster.inference_enabled
        assert AuditEvent.objects.get().actor_name == "owner@acme.example"
        page = parse(console.get(answer.headers["Location"]))
        assert "Cluster recipes is being created." in page.text
        assert page.one(id="live").attributes["hx-trigger"] == "every 700ms"

    @pytest.mark.parametrize(
        ("bad", "field", "sentence"),
        [
            ({"name": ""}, "name", "Give the cluster a name."),
            ({"name": "x"}, "name", "Ensure this value has at least 2 characters (it has 1)."),
            ({"name": "naïve"}, "name", "Use letters, digits, hyphens and underscores only."),
            ({"region": "eastus"}, "region", "Choose a region that Amazon Web Services offers for the paid tier."),
            ({"package": FREE}, "package", "Choose a package of the paid tier."),
        ],
    )
    def test_bad_input_is_explained_at_the_field_and_nothing_is_lost(
        self, bad: dict[str, str], field: str, sentence: str, console: Client, payment_method: PaymentMethod
    ) -> None:
        wish = WISH | bad
        answer = console.post("/clusters/new", wish)
        page = parse(answer)
        assert answer.status_code == 422
        assert page.one("p", id=f"id_{field}_error").text == sentence
        kept = chosen(page)
        assert {name: kept.get(name) for name in wish if name not in bad} == {
            name: value for name, value in wish.items() if name not in bad
        }
        if field == "name":
            assert kept["name"] == (bad["name"] or None)
        assert not Cluster.objects.exists()

    def test_garbage_instead_of_choices_is_no_server_error(self, console: Client) -> None:
        garbage = dict.fromkeys(WISH, "\x00<script>")
        assert (
            console.get("/clusters/new", {"tier": "'", "provider": "<", "region": "%", "package": "é"}).status_code
            == 200
        )
        assert console.post("/clusters/new", garbage).status_code == 422

    def test_the_services_refusals_are_shown_as_they_stand(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        without_payment = parse(console.post("/clusters/new", WISH))
        assert "A paid cluster needs a payment method." in without_payment.one("p", id="id_package_error").text
        make_cluster("free-us", paid=False)
        second = WISH | {"tier": "free", "region": "us-east-1", "package": FREE}
        answer = console.post("/clusters/new", second)
        assert parse(answer).one("p", id="id_package_error").text == (
            "An account can have one free cluster, and this one has it already. Delete it, or choose a paid package."
        )
        assert chosen(parse(answer)) == second


class TestOverview:
    def test_it_says_where_and_what_the_cluster_is(
        self, console: Client, make_cluster: Callable[..., Cluster], settings: object
    ) -> None:
        cluster = make_cluster("new-us", restarted_at=timezone.now())
        facts = parse(console.get(f"/clusters/{cluster.pk}")).one("dl").text
        for fact in (f"http://localhost:{settings.GATEWAY_REST_PORT}", str(cluster.pk), "v1.19.0", "mx1", "Nodes 1"):
            assert fact in facts
        assert "Restarted Never" not in facts

    def test_on_a_domain_of_its_own_every_cluster_has_its_own_name(
        self, console: Client, make_cluster: Callable[..., Cluster], settings: object
    ) -> None:
        settings.CLUSTER_DOMAIN = "cloud.example"
        cluster = make_cluster()
        assert f"http://{cluster.pk}.us-east-1.aws.cloud.example:6333" in parse(
            console.get(f"/clusters/{cluster.pk}")
        ).text.replace(str(settings.GATEWAY_REST_PORT), "6333")

    def test_a_working_cluster_is_followed_and_a_settled_one_is_not(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        cluster = make_cluster()
        make_operation(cluster, "running", steps_done=2)
        page = parse(console.get(f"/clusters/{cluster.pk}"))
        assert page.one(id="live").attributes["hx-get"] == f"/clusters/{cluster.pk}"
        steps = page.one("ol", class_="steps").all("li")
        assert [step.attributes["class"] for step in steps] == ["done", "done", "running", "waiting"]
        assert "1.0 s" in steps[0].text
        assert f'href="/clusters/{cluster.pk}"> Reload' not in page.text
        assert "Reload to see how far it is" in page.one("noscript").text
        cluster.operations.update(state="succeeded", steps_done=4)
        assert "hx-get" not in parse(console.get(f"/clusters/{cluster.pk}")).one(id="live").attributes

    def test_the_secret_of_a_new_key_is_shown_once(self, console: Client, make_cluster: Callable[..., Cluster]) -> None:
        cluster = make_cluster()
        page = parse(console.post(f"/clusters/{cluster.pk}/api-keys", {"name": "backend"}))
        secret = page.one(id="new-secret").text
        key = DatabaseApiKey.objects.get()
        assert key.secret_hash == hash_secret(secret)
        later = parse(console.get(f"/clusters/{cluster.pk}")).text
        assert secret not in later
        assert f"{key.prefix}…{key.postfix} everything" in later

    def test_a_key_can_end_and_be_for_some_collections_only(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        path = f"/clusters/{make_cluster().pk}/api-keys"
        wish = {"name": "app", "expires": "30", "access": "collections"}
        page = parse(console.post(path, wish | {"read_write": "books, authors", "read_only": "loans"}))
        key = DatabaseApiKey.objects.get()
        assert (key.expires_at - timezone.now()).days in (29, 30)
        assert [(rule["collection"], rule["access"]) for rule in key.access] == [
            ("books", "rw"),
            ("authors", "rw"),
            ("loans", "r"),
        ]
        assert "read and write books, read and write authors, read loans" in page.one("table").text

    def test_what_a_key_may_must_make_sense(self, console: Client, make_cluster: Callable[..., Cluster]) -> None:
        path = f"/clusters/{make_cluster().pk}/api-keys"
        for fields, field, sentence in (
            ({"access": "collections"}, "access", "Name at least one collection."),
            ({"read_only": "books"}, "read_only", "Choose “Chosen collections”"),
            ({"access": "collections", "read_only": "a a"}, "read_only", "Name each collection once"),
            ({"access": "collections", "read_only": "a/b"}, "access", "cannot be a collection"),
        ):
            answer = console.post(path, {"name": "app"} | fields)
            assert answer.status_code == 422
            assert sentence in parse(answer).one("p", id=f"id_{field}_error").text
        assert not DatabaseApiKey.objects.exists()

    def test_a_revoked_key_leaves_the_list_and_its_name_is_free_again(
        self, console: Client, readers_console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        cluster = make_cluster()
        path = f"/clusters/{cluster.pk}/api-keys"
        console.post(path, {"name": "app"})
        key = DatabaseApiKey.objects.get()
        assert f"{path}/{key.pk}/revoke" not in readers_console.get(f"/clusters/{cluster.pk}").content.decode()
        assert readers_console.post(f"{path}/{key.pk}/revoke").status_code == 403
        assert console.post(f"{path}/{key.pk}/revoke").status_code == 302
        assert "No keys yet" in parse(console.get(f"/clusters/{cluster.pk}")).one(id="api-keys").text
        assert console.post(f"{path}/{key.pk}/revoke").status_code == 404
        assert console.post(path, {"name": "app"}).status_code == 200

    def test_a_key_name_that_is_taken_or_wrong_is_refused_at_the_field(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        path = f"/clusters/{make_cluster().pk}/api-keys"
        console.post(path, {"name": "backend"})
        for name, sentence in (
            ("backend", "This cluster has a key called backend already. Choose another name."),
            ("a/b", "Use letters, digits, spaces, hyphens and underscores only."),
        ):
            answer = console.post(path, {"name": name})
            page = parse(answer)
            assert answer.status_code == 422
            assert page.one("p", id="id_name_error").text == sentence
            assert page.one("input", id="id_name").attributes["value"] == name
        assert DatabaseApiKey.objects.count() == 1

    def test_revoked_keys_are_not_listed(self, console: Client, make_cluster: Callable[..., Cluster]) -> None:
        cluster = make_cluster()
        DatabaseApiKey.objects.create(
            cluster=cluster, name="old", prefix="ccd_gone", secret_hash="x", revoked_at=timezone.now() - timedelta(1)
        )
        assert "ccd_gone" not in parse(console.get(f"/clusters/{cluster.pk}")).text


def needs(*permissions: str) -> str:
    sentence = permission_refusal(permissions, set())
    assert sentence
    return sentence


class TestMembersWhoMayOnlyLook:
    def test_they_see_everything_and_the_reason_why_they_cannot_change_it(
        self, readers_console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        cluster = make_cluster("new-us", inference=True)
        for path in ("/clusters", "/clusters/new", f"/clusters/{cluster.pk}/inference"):
            page = parse(readers_console.get(path))
            assert needs("write:clusters") in page.one("main").text
            assert not page.one("main").all("form", method="post") or path == "/clusters/new"
        page = parse(readers_console.get(f"/clusters/{cluster.pk}"))
        assert needs("write:api_keys") in page.one("section", id="api-keys").text

    def test_what_they_send_anyway_changes_nothing(
        self, readers_console: Client, make_cluster: Callable[..., Cluster], payment_method: PaymentMethod
    ) -> None:
        cluster = make_cluster("new-us", inference=True)
        for path, fields, permission in (
            ("/clusters/new", WISH, "write:clusters"),
            (f"/clusters/{cluster.pk}/api-keys", {"name": "mine"}, "write:api_keys"),
            (f"/clusters/{cluster.pk}/inference/switch", {"to": "off"}, "write:clusters"),
        ):
            answer = readers_console.post(path, fields)
            assert answer.status_code == 403
            assert needs(permission) in parse(answer).one("main").text
        assert Cluster.objects.get().inference_enabled
        assert not DatabaseApiKey.objects.exists()
        assert not AuditEvent.objects.exists()


def test_the_base_role_shows_nothing_of_the_account(base_console: Client, make_cluster: Callable[..., Cluster]) -> None:
    cluster = make_cluster("new-us")
    for path, permission in (
        ("/clusters", "read:clusters"),
        (f"/clusters/{cluster.pk}", "read:clusters"),
        (f"/clusters/{cluster.pk}/inference", "read:clusters"),
        ("/billing", "read:payment_information"),
    ):
        answer = base_console.get(path)
        assert answer.status_code == 403
        assert needs(permission) in parse(answer).one("main").text
        assert "new-us" not in parse(answer).text
