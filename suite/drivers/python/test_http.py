"""HTTP: discovery, the transactional API and the query API, with nothing but the standard library."""

import json
import unittest
import urllib.error
import urllib.request

from sheaf import BOLT, HTTP, SheafTest


def request(method, path, body=None, headers=None):
    """Sends one request; gives status, headers and the body as JSON."""
    url = path if path.startswith("http") else f"http://{HTTP}{path}"
    data = None if body is None else json.dumps(body).encode()
    all_headers = {"Accept": "application/json", "Content-Type": "application/json", **(headers or {})}
    outgoing = urllib.request.Request(url, data=data, method=method, headers=all_headers)
    try:
        with urllib.request.urlopen(outgoing, timeout=10) as answer:
            return answer.status, answer.headers, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, answer.headers, json.loads(answer.read() or b"null")


class Discovery(unittest.TestCase):
    def test_the_root_names_the_other_doors(self):
        status, _, body = request("GET", "/")
        self.assertEqual(status, 200)
        self.assertEqual(body["transaction"], f"http://{HTTP}/db/{{databaseName}}/tx")
        self.assertEqual(body["query"], f"http://{HTTP}/db/{{databaseName}}/query/v2")
        self.assertEqual(body["bolt_direct"], f"bolt://{BOLT}")
        self.assertEqual(body["bolt_routing"], f"neo4j://{BOLT}")
        self.assertIsInstance(body["neo4j_version"], str)


class TransactionalApi(SheafTest):
    def post(self, path, *statements):
        body = {"statements": [s if isinstance(s, dict) else {"statement": s} for s in statements]}
        return request("POST", path, body)

    def path(self, tail=""):
        return f"/db/{self.database}/tx{tail}"

    def test_statements_run_and_commit_in_one_request(self):
        status, _, body = self.post(
            self.path("/commit"),
            {"statement": "CREATE (n:Web {name: $name}) RETURN n.name AS name", "parameters": {"name": "Ada"}},
            "MATCH (n:Web) RETURN count(n) AS n",
        )
        self.assertEqual(status, 200)
        self.assertEqual(body["errors"], [])
        self.assertEqual([result["columns"] for result in body["results"]], [["name"], ["n"]])
        self.assertEqual([result["data"][0]["row"] for result in body["results"]], [["Ada"], [1]])

    def test_statistics_come_when_asked_for(self):
        _, _, body = self.post(self.path("/commit"), {"statement": "CREATE (:Web {n: 1})", "includeStats": True})
        stats = body["results"][0]["stats"]
        self.assertEqual((stats["nodes_created"], stats["properties_set"], stats["labels_added"]), (1, 1, 1))
        self.assertIs(stats["contains_updates"], True)

    def test_an_error_rolls_everything_back(self):
        status, _, body = self.post(self.path("/commit"), "CREATE (:Web)", "RETURN 1 / 0", "CREATE (:Web)")
        self.assertEqual(status, 200)
        self.assertEqual([error["code"] for error in body["errors"]], ["Neo.ClientError.Statement.ArithmeticError"])
        self.assertEqual(self.single("MATCH (n:Web) RETURN count(n)"), 0)

    def test_a_transaction_lives_over_several_requests(self):
        status, headers, body = self.post(self.path(), "CREATE (:Web)")
        self.assertEqual(status, 201)
        self.assertIn("expires", body["transaction"])
        location, commit = headers["Location"], body["commit"]
        self.assertEqual(commit, f"{location}/commit")
        self.assertEqual(self.post(location, "CREATE (:Web)")[2]["errors"], [])
        self.assertEqual(self.single("MATCH (n:Web) RETURN count(n)"), 0)
        self.assertEqual(self.post(commit)[2]["errors"], [])
        self.assertEqual(self.single("MATCH (n:Web) RETURN count(n)"), 2)
        _, _, gone = self.post(commit)
        self.assertEqual(gone["errors"][0]["code"], "Neo.ClientError.Transaction.TransactionNotFound")

    def test_the_next_request_of_a_transaction_may_come_at_once(self):
        for _ in range(50):
            _, headers, _ = self.post(self.path())
            for path, status in [(headers["Location"], 200), (f"{headers['Location']}/commit", 200)]:
                found, _, body = self.post(path, "RETURN 1")
                self.assertEqual((found, body["errors"]), (status, []))
            _, _, gone = self.post(f"{headers['Location']}/commit")
            self.assertEqual(gone["errors"][0]["code"], "Neo.ClientError.Transaction.TransactionNotFound")

    def test_a_deleted_transaction_is_rolled_back(self):
        _, headers, _ = self.post(self.path(), "CREATE (:Web)")
        status, _, _ = request("DELETE", headers["Location"])
        self.assertEqual(status, 200)
        self.assertEqual(self.single("MATCH (n:Web) RETURN count(n)"), 0)

    def test_a_list_is_no_request(self):
        status, _, body = request("POST", self.path("/commit"), [])
        self.assertEqual(status, 400)
        self.assertEqual(body["errors"][0]["code"], "Neo.ClientError.Request.InvalidFormat")

    def test_unknown_paths_and_methods_have_an_error_to_read(self):
        for method, path, wanted in [("GET", "/nowhere", 404), ("POST", "/db", 404), ("PUT", self.path(), 405)]:
            with self.subTest(path=path):
                status, _, body = request(method, path)
                self.assertEqual(status, wanted)
                self.assertEqual([error["code"] for error in body["errors"]], ["Neo.ClientError.Request.Invalid"])

    def test_an_unknown_database_is_not_found(self):
        status, _, body = self.post("/db/nobody/tx/commit", "RETURN 1")
        self.assertEqual(status, 404)
        self.assertEqual(body["errors"][0]["code"], "Neo.ClientError.Database.DatabaseNotFound")


class QueryApi(SheafTest):
    def post(self, statement, **more):
        return request("POST", f"/db/{self.database}/query/v2", {"statement": statement, **more})

    def test_rows_come_under_their_fields(self):
        status, _, body = self.post("UNWIND [1, 2] AS n RETURN n, $x AS x", parameters={"x": "y"})
        self.assertEqual(status, 202)
        self.assertEqual(body["data"], {"fields": ["n", "x"], "values": [[1, "y"], [2, "y"]]})
        self.assertEqual(len(body["bookmarks"]), 1)

    def test_counters_come_when_asked_for(self):
        _, _, body = self.post("CREATE (:Web {n: 1})", includeCounters=True)
        self.assertEqual(body["counters"]["nodesCreated"], 1)
        self.assertEqual(len(body["counters"]), 14)

    def test_texts_come_back_as_they_went_and_half_characters_are_refused(self):
        for text in ("", "\0", "a\0b", "\U0001f600", "\ufffe", "e\u0301", '"\\\n'):
            with self.subTest(text=text):
                _, _, body = self.post("CREATE (n:Web {text: $x}) RETURN n.text", parameters={"x": text})
                self.assertEqual(body["data"]["values"], [[text]])
        status, _, body = self.post("RETURN $x", parameters={"x": "\ud800"})
        self.assertEqual((status, body["errors"][0]["code"]), (400, "Neo.ClientError.Request.InvalidFormat"))
        status, _, body = self.post("RETURN $x", parameters={"x": 2**63})
        self.assertEqual((status, body["errors"][0]["code"]), (400, "Neo.ClientError.Request.InvalidFormat"))
        numbers = [2**63 - 1, -(2**63), 1.5, 5e-324]
        self.assertEqual(self.post("RETURN $x", parameters={"x": numbers})[2]["data"]["values"], [[numbers]])

    def test_errors_have_a_status_and_a_code(self):
        status, _, body = self.post("RETURN 1 / 0")
        self.assertIn(status, (202, 400))
        self.assertEqual(set(body), {"errors"})
        self.assertEqual(body["errors"][0]["code"], "Neo.ClientError.Statement.ArithmeticError")
        status, _, body = request("POST", "/db/nobody/query/v2", {"statement": "RETURN 1"})
        self.assertEqual(status, 404)
        self.assertEqual(body["errors"][0]["code"], "Neo.ClientError.Database.DatabaseNotFound")


if __name__ == "__main__":
    unittest.main()
