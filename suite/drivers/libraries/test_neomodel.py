"""neomodel: nodes and relationships as Python objects, their labels and constraints, transactions, inspection."""

import io
import unittest
from datetime import date, datetime, timezone

from neomodel import (
    ArrayProperty,
    BooleanProperty,
    DateProperty,
    DateTimeProperty,
    FloatProperty,
    FulltextIndex,
    IntegerProperty,
    JSONProperty,
    One,
    Q,
    RelationshipFrom,
    RelationshipTo,
    StringProperty,
    StructuredNode,
    StructuredRel,
    UniqueIdProperty,
    VectorIndex,
    ZeroOrOne,
    config,
    db,
)
from neomodel.exceptions import DoesNotExist, UniqueProperty

from sheaf import BOLT, DIMENSIONS, LibraryTest, embed


class Lives(StructuredRel):
    since = IntegerProperty(index=True)


class Country(StructuredNode):
    code = StringProperty(unique_index=True, required=True)
    inhabitants = RelationshipFrom("Person", "LIVES_IN", model=Lives)


class Person(StructuredNode):
    uid = UniqueIdProperty()
    name = StringProperty(unique_index=True)
    age = IntegerProperty(index=True, default=0)
    score = FloatProperty()
    is_active = BooleanProperty(default=True)
    tags = ArrayProperty(StringProperty())
    born = DateProperty()
    seen = DateTimeProperty()
    extra = JSONProperty()
    country = RelationshipTo(Country, "LIVES_IN", model=Lives, cardinality=ZeroOrOne)
    friends = RelationshipTo("Person", "KNOWS")


class Article(StructuredNode):
    title = StringProperty(fulltext_index=FulltextIndex(analyzer="standard-no-stop-words"))
    vector = ArrayProperty(FloatProperty(), vector_index=VectorIndex(DIMENSIONS, "cosine"))


class NeomodelTest(LibraryTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        config.DATABASE_URL = f"bolt://neo4j:anything@{BOLT}/{cls.database}"
        db.set_connection(url=config.DATABASE_URL)

    @classmethod
    def tearDownClass(cls):
        db.close_connection()
        super().tearDownClass()


class Objects(NeomodelTest):
    def test_objects_are_saved_changed_refreshed_and_deleted(self):
        seen = datetime(2024, 5, 6, 7, 8, 9, tzinfo=timezone.utc)
        ada = Person(name="Ada", age=36, score=1.5, tags=["a", "b"], born=date(1815, 12, 10), seen=seen, extra={"k": [1]})
        ada.save()
        found = Person.nodes.get(name="Ada")
        self.assertEqual((found.age, found.score, found.tags), (36, 1.5, ["a", "b"]))
        self.assertEqual((found.born, found.seen, found.extra), (date(1815, 12, 10), seen, {"k": [1]}))
        found.age = 37
        found.save()
        ada.refresh()
        self.assertEqual(ada.age, 37)
        ada.delete()
        with self.assertRaises(DoesNotExist):
            Person.nodes.get(name="Ada")

    def test_many_are_created_or_found(self):
        Person.create({"name": "A"}, {"name": "B"})
        made = Person.create_or_update({"name": "A", "uid": Person.nodes.get(name="A").uid, "age": 5})
        self.assertEqual((len(Person.nodes), made[0].age), (2, 5))
        found = Country.get_or_create({"code": "DE"}, {"code": "DE"})
        self.assertEqual(found[0].element_id, found[1].element_id)

    def test_filters_order_and_slices(self):
        Person.create(*({"name": f"P{n}", "age": n} for n in range(10)))
        self.assertEqual([p.age for p in Person.nodes.filter(age__gt=6).order_by("-age")], [9, 8, 7])
        self.assertEqual(len(Person.nodes.filter(Q(age__lt=2) | Q(name__startswith="P9"))), 3)
        self.assertEqual(len(Person.nodes.filter(name__icontains="p1")), 1)
        self.assertEqual(len(Person.nodes.exclude(age__in=[1, 2])), 8)
        self.assertEqual([p.age for p in Person.nodes.order_by("age")[2:4]], [2, 3])
        self.assertEqual(len(Person.nodes.filter(name__regex="P[0-4]")), 5)
        self.assertIsNone(Person.nodes.first_or_none(name="nobody"))

    def test_relationships(self):
        ada, charles, uk = Person(name="Ada").save(), Person(name="Charles").save(), Country(code="UK").save()
        link = ada.country.connect(uk, {"since": 1815})
        self.assertEqual(link.since, 1815)
        ada.friends.connect(charles)
        self.assertTrue(ada.friends.is_connected(charles))
        self.assertEqual([person.name for person in uk.inhabitants.all()], ["Ada"])
        self.assertEqual(ada.country.single().code, "UK")
        self.assertEqual([p.name for p in uk.inhabitants.match(since__lt=1900)], ["Ada"])
        ada.country.relationship(uk)
        self.assertEqual(len(Person.nodes.has(country=True)), 1)
        rows = Person.nodes.traverse("country").all()
        self.assertEqual(len(rows), 1)
        ada.friends.disconnect(charles)
        self.assertEqual(len(ada.friends), 0)

    def test_transactions(self):
        with self.assertRaises(ZeroDivisionError):
            with db.transaction:
                Person(name="Gone").save()
                1 / 0
        self.assertEqual(len(Person.nodes), 0)
        with db.transaction:
            Person(name="Here").save()
        with db.read_transaction:
            self.assertEqual(len(Person.nodes), 1)

    def test_statements_give_objects(self):
        Person(name="Ada").save()
        rows, columns = db.cypher_query("MATCH (p:Person) RETURN p, p.name AS name", resolve_objects=True)
        self.assertEqual((columns, rows[0][0].name, rows[0][1]), (["p", "name"], "Ada", "Ada"))


class Schema(NeomodelTest):
    def tearDown(self):
        db.drop_constraints(quiet=True, stdout=io.StringIO())
        db.drop_indexes(quiet=True, stdout=io.StringIO())
        super().tearDown()

    def test_labels_are_installed_and_removed(self):
        said = io.StringIO()
        for _ in range(2):
            for model in (Country, Person):
                db.install_labels(model, quiet=True, stdout=said)
        self.assertIn("An equivalent index already exists", said.getvalue())
        unique = {(c["labelsOrTypes"][0], c["properties"][0]) for c in db.list_constraints()}
        self.assertEqual(unique, {("Country", "code"), ("Person", "name"), ("Person", "uid")})
        plain = {(i["labelsOrTypes"][0], i["properties"][0]) for i in db.list_indexes(exclude_token_lookup=True)}
        self.assertLessEqual({("Person", "age"), ("LIVES_IN", "since")}, plain)
        db.remove_all_labels(stdout=said)
        self.assertEqual(db.list_constraints(), [])

    def test_a_unique_property_is_unique(self):
        db.install_labels(Country, quiet=True)
        Country(code="DE").save()
        with self.assertRaises(UniqueProperty):
            Country(code="DE").save()

    def test_words_and_vectors_are_indexed(self):
        db.install_labels(Article, quiet=True)
        Article(title="apples grow on trees", vector=embed("apples grow on trees")).save()
        Article(title="boats sail", vector=embed("boats sail")).save()
        self.rows("CALL db.awaitIndexes(30)")
        from neomodel.semantic_filters import FulltextFilter, VectorFilter

        near = VectorFilter(topk=1, vector_attribute_name="vector", candidate_vector=embed("boats sail"))
        [(found, _)] = Article.nodes.filter(vector_filter=near).all()
        self.assertEqual(found.title, "boats sail")
        words = FulltextFilter(topk=1, fulltext_attribute_name="title", query_string="apples")
        [(found, _)] = Article.nodes.filter(fulltext_filter=words).all()
        self.assertEqual(found.title, "apples grow on trees")

    def test_a_database_is_inspected(self):
        from neomodel.scripts.neomodel_inspect_database import inspect_database

        self.rows("CREATE (:Inspected {n: 1, s: 'x', l: [1.5]})-[:LINKED {w: 2}]->(:Other {at: date()})")
        text = inspect_database(config.DATABASE_URL)
        self.assertIn("class Inspected(StructuredNode)", text)
        self.assertIn("n = IntegerProperty()", text)
        self.assertIn('RelationshipTo("Other", "LINKED"', text)


if __name__ == "__main__":
    unittest.main()
