"""Creating a cluster: what is offered, what it will cost, and what is refused."""

from collections.abc import Callable

import pytest
from django.test import Client

from cloudconsole.accounts.models import AuditEvent, PaymentMethod
from clusters.models import Cluster, Package, Region
from inference.gate import eligibility
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
