"""Logging in: with the right name and password, and refused without, on a server that asks for them."""

import base64
import json
import unittest
import urllib.error
import urllib.request

import neo4j
from neo4j.exceptions import AuthError, ClientError, TokenExpired

from sheaf import LOCKED_BOLT, LOCKED_HTTP, PASSWORD

UNAUTHORIZED = "Neo.ClientError.Security.Unauthorized"


class Login(unittest.TestCase):
    def driver(self, auth, scheme="bolt"):
        driver = neo4j.GraphDatabase.driver(f"{scheme}://{LOCKED_BOLT}", auth=auth)
        self.addCleanup(driver.close)
        return driver

    def test_the_right_password_opens(self):
        for scheme in ("bolt", "neo4j"):
            for auth in (("admin", PASSWORD), neo4j.basic_auth("admin", PASSWORD)):
                with self.subTest(scheme=scheme, auth=type(auth)):
                    driver = self.driver(auth, scheme)
                    driver.verify_connectivity()
                    self.assertEqual(driver.execute_query("RETURN 1 AS n").records[0]["n"], 1)

    def test_anything_else_is_refused(self):
        for auth in [None, ("admin", PASSWORD + "x"), ("nobody", PASSWORD), neo4j.bearer_auth(PASSWORD)]:
            with self.subTest(auth=auth), self.assertRaises(AuthError) as caught:
                self.driver(auth).verify_connectivity()
            self.assertEqual(caught.exception.code, UNAUTHORIZED)
            # The right password still opens, and with it the wrong ones before it are forgotten.
            self.driver(("admin", PASSWORD)).verify_connectivity()

    def test_a_name_is_locked_after_three_wrong_passwords(self):
        codes = []
        for _ in range(4):
            with self.assertRaises(ClientError) as caught:
                self.driver(("guessed", "wrong")).verify_connectivity()
            codes.append(caught.exception.code)
        self.assertEqual(codes, [UNAUTHORIZED] * 3 + ["Neo.ClientError.Security.AuthenticationRateLimit"])
        self.driver(("admin", PASSWORD)).verify_connectivity()

    def test_open_connections_outlive_a_refused_login(self):
        good = self.driver(("admin", PASSWORD))
        good.verify_connectivity()
        with self.assertRaises(AuthError):
            self.driver(("admin", "wrong")).verify_connectivity()
        self.assertEqual(good.execute_query("RETURN 2 AS n").records[0]["n"], 2)

    def test_verify_authentication_tells_right_from_wrong(self):
        driver = self.driver(("admin", PASSWORD))
        self.assertFalse(driver.verify_authentication(("admin", "wrong")))
        self.assertTrue(driver.verify_authentication(("admin", PASSWORD)))

    def test_one_session_may_be_somebody_else(self):
        driver = self.driver(("admin", PASSWORD))
        with driver.session(auth=("nobody", "wrong")) as session, self.assertRaises(AuthError):
            session.run("RETURN 1").consume()
        with driver.session(auth=("admin", PASSWORD)) as session:
            self.assertEqual(session.run("RETURN 3 AS n").single()["n"], 3)

    def test_a_dropped_token_has_expired(self):
        admin = self.driver(("admin", PASSWORD))
        token = admin.execute_query("CREATE TOKEN dropped").records[0]["token"]
        program = self.driver(neo4j.bearer_auth(token))
        with program.session() as session:
            self.assertEqual(session.run("RETURN 1 AS n").single()["n"], 1)
            admin.execute_query("DROP TOKEN dropped")
            with self.assertRaises(TokenExpired):
                session.run("RETURN 1").consume()
        # A connection that the driver makes anew hears the same.
        with self.driver(neo4j.bearer_auth(token)) as again, self.assertRaises(TokenExpired):
            again.verify_connectivity()

    def test_f95_a_pool_recovers_when_its_user_is_made_anew(self):
        admin = self.driver(("admin", PASSWORD))
        make = "CREATE OR REPLACE USER app SET PASSWORD 'app-password' CHANGE NOT REQUIRED"
        admin.execute_query(make)
        app = self.driver(("app", "app-password"))
        self.assertEqual(app.execute_query("RETURN 1 AS n").records[0]["n"], 1)
        admin.execute_query(make)
        self.assertEqual(app.execute_query("RETURN 2 AS n").records[0]["n"], 2)
        admin.execute_query("DROP USER app")
        with self.assertRaises(AuthError):
            app.execute_query("RETURN 3")

    def test_connections_are_listed_and_ended(self):
        admin = self.driver(("admin", PASSWORD))
        mine = admin.execute_query("CALL dbms.listConnections()").records
        self.assertTrue(all(row["userAgent"].startswith("neo4j-python/") for row in mine if row["connector"] == "bolt"))
        other = self.driver(("admin", PASSWORD))
        with other.session() as session:
            session.run("RETURN 1").consume()
            known = {row["connectionId"] for row in mine}
            listed = admin.execute_query("CALL dbms.listConnections()").records
            [new] = [row["connectionId"] for row in listed if row["connectionId"] not in known]
            told = admin.execute_query("CALL dbms.killConnection($id)", {"id": new}).records[0]
            self.assertEqual((told["connectionId"], told["message"]), (new, "Connection found"))
            with self.assertRaises(ClientError):
                session.run("RETURN 1").consume()
        # The driver throws the connection away and makes another.
        self.assertEqual(other.execute_query("RETURN 2 AS n").records[0]["n"], 2)

    def test_http_asks_for_the_password_too(self):
        self.assertEqual(self.post(None)[0], 401)
        self.assertEqual(self.post(("admin", "wrong"))[0], 401)
        status, body = self.post(("admin", PASSWORD))
        self.assertEqual((status, body["errors"]), (200, []))
        self.assertEqual(body["results"][0]["data"][0]["row"], [1])

    def post(self, auth):
        """Runs a statement over HTTP; gives the status and the body."""
        headers = {"Content-Type": "application/json"}
        if auth:
            headers["Authorization"] = "Basic " + base64.b64encode(":".join(auth).encode()).decode()
        body = json.dumps({"statements": [{"statement": "RETURN 1"}]}).encode()
        url = f"http://{LOCKED_HTTP}/db/sheaf/tx/commit"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.loads(refused.read() or b"null")


if __name__ == "__main__":
    unittest.main()
