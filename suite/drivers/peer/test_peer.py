"""Generated reads, answered by this server over Bolt and by another engine over the same graph: both say the same.

The other engine walks a relationship as often as it fits, so no statement names one type twice. Its tables have a fixed
set of properties, so both labels have the same ones.
"""

import decimal
import os
import random
import shutil
import tempfile
import unittest

import ladybug
import neo4j

SEED = int(os.environ.get("SHEAF_SEED", "20260"))
STATEMENTS = int(os.environ.get("SHEAF_PEER_STATEMENTS", "3000"))
NODES = 60
RELATIONSHIPS = 150
WORDS = ["ash", "beech", "cedar", "oak"]


def graph(chance):
    """Makes nodes by label and relationships by type; some properties are missing."""
    nodes = []
    for number in range(NODES):
        properties = {"id": number, "k": chance.randrange(5), "name": chance.choice(WORDS)}
        if chance.random() < 0.7:
            properties["at"] = chance.randrange(-10, 10)
        nodes.append((chance.choice("AB"), properties))
    relationships = []
    for number in range(RELATIONSHIPS):
        start, end = chance.sample(range(NODES), 2)
        relationships.append((chance.choice("RS"), start, end, {"w": chance.randrange(4)}))
    return nodes, relationships


class Writer:
    """Writes one statement."""

    def __init__(self, chance):
        self.chance = chance
        self.names = []
        self.kinds = ["R", "S"]
        self.weights = []

    def statement(self):
        text = self.match()
        if self.kinds and self.chance.random() < 0.25:
            # Apart from what is there, or with a condition on it, the other engine forgets rows.
            text += " OPTIONAL " + self.match(f"({self.chance.choice(self.names)})")
        if self.chance.random() < 0.3:
            text += self.with_()
        return text + " " + self.returned()

    def node(self):
        if self.names and self.chance.random() < 0.3:
            return f"({self.chance.choice(self.names)})"
        name = f"n{len(self.names)}"
        self.names.append(name)
        return f"({name}{self.chance.choice([':A', ':B', ':A:B', ':A'])})".replace(":A:B", "")

    def match(self, start=None):
        text = start or self.node()
        links = min(2, len(self.kinds))
        for _ in range(self.chance.randint(1 if start else 0, links)):
            kind = self.kinds.pop(self.chance.randrange(len(self.kinds)))
            name = f"r{kind}"
            self.weights.append(name)
            left, right = self.chance.choice([("-", "->"), ("<-", "-"), ("-", "-")])
            text += f"{left}[{name}:{kind}]{right}{self.node()}"
        condition = f" WHERE {self.condition(2)}" if self.chance.random() < 0.6 and not start else ""
        return f"MATCH {text}{condition}"

    def number(self):
        choices = [str(self.chance.randrange(5))]
        choices += [f"{name}.{key}" for name in self.names for key in ("k", "at", "id")]
        choices += [f"{name}.w" for name in self.weights]
        return self.chance.choice(choices)

    def condition(self, depth):
        kind = self.chance.randrange(9 if depth else 6)
        name = self.chance.choice(self.names)
        if kind <= 1:
            return f"{self.number()} {self.chance.choice(['=', '<>', '<', '<=', '>', '>='])} {self.number()}"
        if kind == 2:
            return f"{name}.name = '{self.chance.choice(WORDS)}'"
        if kind == 3:
            return f"{name}.name {self.chance.choice(['STARTS WITH', 'ENDS WITH', 'CONTAINS'])} '{self.chance.choice('aekr')}'"
        if kind == 4:
            return f"{name}.at IS {self.chance.choice(['', 'NOT '])}NULL"
        if kind == 5:
            return f"{name}.k IN [{self.chance.randrange(5)}, {self.chance.randrange(5)}]"
        if kind == 6:
            return f"NOT ({self.condition(depth - 1)})"
        return f"({self.condition(depth - 1)} {self.chance.choice(['AND', 'OR'])} {self.condition(depth - 1)})"

    def with_(self):
        kept = self.chance.choice(self.names)
        counted = f"{kept}.k AS key, count(*) AS c"
        self.names, self.weights = [kept], []
        if self.chance.random() < 0.5:
            return f" WITH DISTINCT {kept}"
        return f" WITH {kept}, {counted.split(', ')[1]} WHERE c > {self.chance.randrange(3)}"

    def returned(self):
        name = self.chance.choice(self.names)
        return self.chance.choice([
            "RETURN count(*)",
            f"RETURN count({name}.at), coalesce(sum({self.number()}), 0), min({self.number()}), max({name}.name)",
            f"RETURN {name}.name, count(*), coalesce(sum({name}.k), 0)",
            f"RETURN DISTINCT {self.number()}",
            f"RETURN count(DISTINCT {self.number()})",
            f"RETURN {name}.id AS a, {name}.name AS b ORDER BY a, b LIMIT {self.chance.randrange(8)}",
            f"RETURN {name}.id AS a ORDER BY a DESC SKIP {self.chance.randrange(4)} LIMIT 5",
            f"RETURN {', '.join(f'{name}.id' for name in self.names)}",
            f"RETURN CASE WHEN {self.condition(1)} THEN 1 ELSE 0 END AS x, count(*)",
            f"RETURN {self.number()} + {self.number()} AS x, count(*)",
        ])


def shown(rows):
    """Writes rows in an order of their own; the other engine's sums are decimals."""
    plain = lambda value: int(value) if isinstance(value, decimal.Decimal) else value
    return sorted(repr([plain(value) for value in row]) for row in rows)


class PeerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        chance = random.Random(SEED)
        nodes, relationships = graph(chance)
        cls.driver = neo4j.GraphDatabase.driver(f"bolt://{os.environ['SHEAF_BOLT']}")
        cls.driver.execute_query("CREATE DATABASE peer IF NOT EXISTS WAIT", database_="system")
        cls.session = cls.driver.session(database="peer")
        cls.session.run("MATCH (n) DETACH DELETE n").consume()
        cls.folder = tempfile.mkdtemp()
        cls.peer = ladybug.Connection(ladybug.Database(os.path.join(cls.folder, "graph")))
        for label in "AB":
            rows = [properties for known, properties in nodes if known == label]
            cls.session.run(f"UNWIND $rows AS row CREATE (n:{label}) SET n = row", rows=rows).consume()
            cls.peer.execute(
                f"CREATE NODE TABLE {label}(id INT64, k INT64, name STRING, at INT64, PRIMARY KEY(id))")
            for row in rows:
                values = ", ".join(f"{key}: {value!r}" for key, value in row.items())
                cls.peer.execute(f"CREATE (:{label} {{{values}}})")
        for kind in "RS":
            ends = ", ".join(f"FROM {start} TO {end}" for start in "AB" for end in "AB")
            cls.peer.execute(f"CREATE REL TABLE {kind}({ends}, w INT64)")
        for kind, start, end, properties in relationships:
            text = (f"MATCH (a:{nodes[start][0]}), (b:{nodes[end][0]}) WHERE a.id = {start} AND b.id = {end} "
                    f"CREATE (a)-[:{kind} {{w: {properties['w']}}}]->(b)")
            cls.session.run(text).consume()
            cls.peer.execute(text)

    @classmethod
    def tearDownClass(cls):
        cls.session.close()
        cls.driver.execute_query("DROP DATABASE peer IF EXISTS WAIT", database_="system")
        cls.driver.close()
        shutil.rmtree(cls.folder, ignore_errors=True)

    def test_generated_reads(self):
        compared = refused = 0
        for number in range(STATEMENTS):
            seed = SEED + number
            text = Writer(random.Random(seed)).statement()
            try:
                result = self.peer.execute(text)
                wanted = []
                while result.has_next():
                    wanted.append(result.get_next())
            except RuntimeError:
                # What the other engine does not take is no question of who is right.
                refused += 1
                continue
            with self.subTest(seed=seed, text=text):
                rows = [record.values() for record in self.session.run(text)]
                self.assertEqual(shown(rows), shown(wanted))
                compared += 1
        self.assertGreater(compared, STATEMENTS * 8 // 10, f"the other engine refused {refused}")


if __name__ == "__main__":
    unittest.main()
