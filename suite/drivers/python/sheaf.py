"""Where the server under test is, and a test case with a database of its own.

`cargo xtask test` starts a server on free ports and hands its addresses over in the environment.
"""

import os
import unittest
import uuid

import neo4j

BOLT = os.environ["SHEAF_BOLT"]
HTTP = os.environ["SHEAF_HTTP"]
# A second server, which asks for a password.
LOCKED_BOLT = os.environ["SHEAF_LOCKED_BOLT"]
LOCKED_HTTP = os.environ["SHEAF_LOCKED_HTTP"]
PASSWORD = os.environ["SHEAF_PASSWORD"]


def connect(scheme="bolt", **options):
    """Opens a driver; errors come at once instead of after the driver's usual half minute of retries."""
    options.setdefault("max_transaction_retry_time", 5)
    options.setdefault("connection_timeout", 5)
    return neo4j.GraphDatabase.driver(f"{scheme}://{BOLT}", **options)


def server_cpu_seconds():
    """Gives the processor time that the server has taken."""
    with open(f"/proc/{os.environ['SHEAF_PROCESS']}/stat") as stat:
        # The name of the program, in brackets, may hold blanks; 14 and 15 are user and system time.
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class SheafTest(unittest.TestCase):
    """Gives each test class a driver and an empty database, and drops the database at the end."""

    @classmethod
    def setUpClass(cls):
        cls.driver = connect()
        cls.database = f"t{uuid.uuid4().hex}"
        cls.driver.execute_query(f"CREATE DATABASE {cls.database} WAIT", database_="system")

    @classmethod
    def tearDownClass(cls):
        cls.driver.execute_query(f"DROP DATABASE {cls.database} IF EXISTS WAIT", database_="system")
        cls.driver.close()

    def tearDown(self):
        self.run_query("MATCH (n) DETACH DELETE n")

    def session(self, **options):
        options.setdefault("database", self.database)
        return self.driver.session(**options)

    def run_query(self, text, parameters=None, **options):
        """Runs one statement in this class's database; gives records, summary and keys."""
        options.setdefault("database_", self.database)
        return self.driver.execute_query(text, parameters, **options)

    def single(self, text, parameters=None, **options):
        """Runs a statement that gives one row with one value, and gives that value."""
        records = self.run_query(text, parameters, **options).records
        self.assertEqual(len(records), 1)
        return records[0][0]

    def assert_fails(self, error_class, code, text, parameters=None, **options):
        """Checks class and code of the error that a statement raises; gives the error."""
        with self.assertRaises(error_class) as caught:
            self.run_query(text, parameters, **options)
        self.assertEqual(caught.exception.code, f"Neo.{code}")
        return caught.exception
