import pytest, json
from tests.api.conftest import CLUSTERS
pytestmark = pytest.mark.django_db
def test_it(api, wish, payment_method, make_cluster):
    r = api.post(CLUSTERS, wish()); print(r.status_code, json.dumps(r.json(), indent=1), r.headers)
    c = r.json()["cluster"]
    for x in (api.get(CLUSTERS, page_size=1), api.get(CLUSTERS+"/"+c["id"]), api.get(CLUSTERS+"/nope"), api.get("/x"), api.request("PATCH", CLUSTERS), api.request("PROPFIND", CLUSTERS),
       api.put(CLUSTERS+"/"+c["id"], {"cluster": {"configuration": {"databaseConfiguration": {"inference": {"enabled": False}}}}, "updateMask": "configuration.databaseConfiguration.inference.enabled"}),
       api.request("DELETE", CLUSTERS+"/"+c["id"]),
       api.request("GET", CLUSTERS, key=None), api.request("GET", CLUSTERS, key="x"),
       api.post(CLUSTERS, b"{"), api.post(CLUSTERS, b"[]"), api.post(CLUSTERS, {"cluster": {"name": 5}}), api.post(CLUSTERS, {"cluster": {"name": "\ud800"}}),
       api.post(CLUSTERS, b'{"cluster": {"name": "\xff"}}'), api.post(CLUSTERS, b'['*100000), api.post(CLUSTERS, b'{"a":'*100000),
       api.post(CLUSTERS, {"cluster": {"configuration": {"numberOfNodes": -1}}}), api.post(CLUSTERS, {"cluster": {"configuration": {"numberOfNodes": 1e400}}}),
       api.post(CLUSTERS, b'{"cluster": {"configuration": {"numberOfNodes": '+b'9'*5000+b'}}}'),
       api.post(CLUSTERS, {"cluster": 5}), api.post(CLUSTERS, {"cluster": {"labels": {"a":"b"}}}), api.post(CLUSTERS, {"cluster": {"labels": ["a"]}}), api.post(CLUSTERS, {"cluster": {"labels": "ab"}}), api.post(CLUSTERS, {}), api.post(CLUSTERS),
       api.post(CLUSTERS, {"cluster": {"createdAt": "9999-99-99"}}), api.post(CLUSTERS, {"cluster": {"createdAt": "2020-01-01T00:00:00.1234567899Z"}}),
       api.put(CLUSTERS+"/"+c["id"], {"updateMask": "no_such"}),  api.put(CLUSTERS+"/"+c["id"], {"updateMask": "noSuch"}), api.put(CLUSTERS+"/"+c["id"], {"updateMask": 5}),
       api.post(CLUSTERS, b'{"cluster": {}, "cluster": {}}'),
       api.post(CLUSTERS, b'{"a":NaN}'),
       api.post(CLUSTERS, b'{"cluster": {"name":NaN}}'),
       api.post(CLUSTERS, b'\xef\xbb\xbf{}'),
       api.post(CLUSTERS, '{}'.encode('utf-16')),
       api.get("/booking/v1/accounts/{account}/inference-models", cloudProviderId="aws", cloud_provider_region_id="us-east-1"),
       api.get("/monitoring/v1/accounts/{account}/cluster/"+c["id"]+"/metrics/inference", until="0001-01-01T00:00:00Z", interval="WEEK"),
       api.get("/monitoring/v1/accounts/{account}/cluster/"+c["id"]+"/metrics/inference", until="0001-01-01T00:00:00Z", interval="2"),
       ):
        print(x.status_code, x.content.decode()[:600], x.headers.get("qc-trace-id"), x.headers.get("WWW-Authenticate"), x.headers["content-type"])
