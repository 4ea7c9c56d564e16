"""Where the server under test is, and a test case with a database of its own.

`cargo xtask test` starts a server on free ports and hands its addresses over in the environment. Every library runs as
it was published; what a language model would say is said by a few lines of Python.
"""

import hashlib
import math
import os
import unittest
import uuid
import warnings

# Libraries report their use to their makers where nobody stops them.
for setting in ("GRAPHITI_TELEMETRY_ENABLED", "LANGCHAIN_TRACING_V2", "LANGSMITH_TRACING"):
    os.environ[setting] = "false"
os.environ.setdefault("OPENAI_API_KEY", "none")

import neo4j  # noqa: E402

# What a library will have to change one day is its own affair.
warnings.simplefilter("ignore")

BOLT = os.environ["SHEAF_BOLT"]
URI = f"bolt://{BOLT}"
ROUTED = f"neo4j://{BOLT}"
USER, PASSWORD = "neo4j", "anything"
DIMENSIONS = 64


def embed(text):
    """Turns a text into a vector: texts that share words are near each other."""
    vector = [0.0] * DIMENSIONS
    for word in text.lower().replace(".", " ").replace(",", " ").split():
        vector[int(hashlib.sha256(word.encode()).hexdigest(), 16) % DIMENSIONS] += 1.0
    length = math.sqrt(sum(number * number for number in vector)) or 1.0
    return [number / length for number in vector]


class LibraryTest(unittest.TestCase):
    """Gives each test class a driver and an empty database, and drops the database at the end."""

    # Some parts of some libraries ask the default database whatever they are told.
    in_default_database = False

    @classmethod
    def setUpClass(cls):
        cls.driver = neo4j.GraphDatabase.driver(URI, connection_timeout=5, max_transaction_retry_time=5)
        cls.database = "sheaf" if cls.in_default_database else f"t{uuid.uuid4().hex}"
        if not cls.in_default_database:
            cls.driver.execute_query(f"CREATE DATABASE {cls.database} WAIT", database_="system")

    @classmethod
    def tearDownClass(cls):
        if not cls.in_default_database:
            cls.driver.execute_query(f"DROP DATABASE {cls.database} IF EXISTS WAIT", database_="system")
        cls.driver.close()

    def tearDown(self):
        self.rows("MATCH (n) DETACH DELETE n")
        for row in self.rows("SHOW CONSTRAINTS"):
            self.rows(f"DROP CONSTRAINT `{row['name']}`")
        for row in self.rows("SHOW INDEXES WHERE type <> 'LOOKUP'"):
            self.rows(f"DROP INDEX `{row['name']}`")

    def rows(self, text, **parameters):
        """Runs a statement with the plain driver and gives its rows as dictionaries."""
        records, _, _ = self.driver.execute_query(text, parameters, database_=self.database)
        return [record.data() for record in records]

    def one(self, text, **parameters):
        """Gives the only value of the only row."""
        [row] = self.rows(text, **parameters)
        [value] = row.values()
        return value
