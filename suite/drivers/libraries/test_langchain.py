"""langchain-neo4j: the schema of a graph, documents into a graph, vectors, a chain that asks in Cypher."""

import unittest
from typing import TypedDict

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.language_models import FakeListLLM
from langchain_core.messages import HumanMessage
from langchain_neo4j import GraphCypherQAChain, Neo4jChatMessageHistory, Neo4jGraph, Neo4jVector
from langchain_neo4j.checkpoint import Neo4jSaver
from langchain_neo4j.graphs.graph_document import GraphDocument, Node, Relationship
from langchain_neo4j.vectorstores.neo4j_vector import SearchType
from langgraph.graph import END, START, StateGraph

from sheaf import DIMENSIONS, PASSWORD, URI, USER, LibraryTest, embed


class Fake(Embeddings):
    def embed_documents(self, texts):
        return [embed(text) for text in texts]

    def embed_query(self, text):
        return embed(text)


class State(TypedDict):
    n: int


class Graph(LibraryTest):
    def graph(self, **options):
        return Neo4jGraph(url=URI, username=USER, password=PASSWORD, database=self.database, **options)

    def documents(self):
        ada, engine = Node(id="Ada", type="Person", properties={"born": 1815}), Node(id="Engine", type="Machine")
        link = Relationship(source=ada, target=engine, type="WROTE_FOR", properties={"year": 1843})
        source = Document(page_content="Ada wrote for the engine.", metadata={"id": "d1"})
        return [GraphDocument(nodes=[ada, engine], relationships=[link], source=source)]

    def test_the_schema_tells_properties_and_what_is_connected(self):
        self.rows(
            "CREATE (a:Person {name: 'Ada', born: 1815, tags: ['x']})-[:KNOWS {since: date('1833-06-05'), w: 1.5}]->"
            "(b:Person {name: 'Charles', at: datetime()}), (a)-[:LIVES_IN]->(:City {name: 'London', big: true})"
        )
        schema = self.graph().get_structured_schema
        person = {entry["property"]: entry["type"] for entry in schema["node_props"]["Person"]}
        self.assertEqual(person, {"name": "STRING", "born": "INTEGER", "tags": "LIST", "at": "DATE_TIME"})
        knows = {entry["property"]: entry["type"] for entry in schema["rel_props"]["KNOWS"]}
        self.assertEqual(knows, {"since": "DATE", "w": "FLOAT"})
        links = {(link["start"], link["type"], link["end"]) for link in schema["relationships"]}
        self.assertEqual(links, {("Person", "KNOWS", "Person"), ("Person", "LIVES_IN", "City")})

    def test_the_schema_as_text(self):
        self.rows("CREATE (:Person {name: 'Ada'})-[:KNOWS {since: 1833}]->(:Person {name: 'Charles'})")
        self.assertEqual(
            self.graph().get_schema,
            "Node properties:\nPerson {name: STRING}\nRelationship properties:\nKNOWS {since: INTEGER}\n"
            "The relationships:\n(:Person)-[:KNOWS]->(:Person)",
        )

    def test_the_enhanced_schema_has_values(self):
        self.rows("UNWIND range(1, 20) AS n CREATE (:Item {n: n, name: 'i' + (n % 3)})-[:IN {w: n}]->(:Box)")
        schema = self.graph(enhanced_schema=True).get_structured_schema
        item = {entry["property"]: entry for entry in schema["node_props"]["Item"]}
        self.assertEqual((item["n"]["min"], item["n"]["max"], item["n"]["distinct_count"]), ("1", "20", 20))
        self.assertEqual(sorted(item["name"]["values"]), ["i0", "i1", "i2"])
        self.assertEqual(schema["rel_props"]["IN"][0]["max"], "20")

    def test_an_empty_graph_has_an_empty_schema(self):
        self.assertEqual(self.graph().get_structured_schema["node_props"], {})

    def test_graph_documents_are_added_once(self):
        graph = self.graph()
        for _ in range(2):
            graph.add_graph_documents(self.documents(), include_source=True)
        self.assertEqual(
            self.rows("MATCH (p:Person)-[r:WROTE_FOR]->(m:Machine) RETURN p.id AS p, p.born AS born, r.year AS y, m.id AS m"),
            [{"p": "Ada", "born": 1815, "y": 1843, "m": "Engine"}],
        )
        self.assertEqual(self.one("MATCH (:Document {id: 'd1'})-[:MENTIONS]->(n) RETURN count(n)"), 2)

    def test_graph_documents_with_a_base_label(self):
        graph = self.graph()
        for _ in range(2):
            graph.add_graph_documents(self.documents(), include_source=True, baseEntityLabel=True)
        self.assertEqual(self.one("MATCH (n:__Entity__) RETURN count(n)"), 2)
        self.assertEqual(self.one("MATCH (:__Entity__:Person)-[r:WROTE_FOR]->() RETURN count(r)"), 1)

    def test_a_chain_asks_the_graph(self):
        self.rows("CREATE (:Person {name: 'Ada', born: 1815})")
        answers = ["MATCH (p:Person {name: 'Ada'}) RETURN p.born AS born", "She was born in 1815."]
        chain = GraphCypherQAChain.from_llm(
            FakeListLLM(responses=answers),
            graph=self.graph(),
            allow_dangerous_requests=True,
            validate_cypher=True,
            return_intermediate_steps=True,
        )
        result = chain.invoke({"query": "When was Ada born?"})
        self.assertEqual(result["result"], "She was born in 1815.")
        self.assertEqual(result["intermediate_steps"][1], {"context": [{"born": 1815}]})

    def test_a_statement_in_batches_runs_outside_a_transaction(self):
        graph = self.graph(refresh_schema=False)
        graph.query("UNWIND range(1, 5) AS n CREATE (:Item {n: n})")
        text = "MATCH (i:Item) CALL (i) { SET i.done = true } IN TRANSACTIONS OF 2 ROWS RETURN count(*) AS done"
        self.assertEqual(graph.query(text), [{"done": 5}])

    def test_an_agent_goes_on_where_it_stopped(self):
        steps = StateGraph(State)
        steps.add_node("count", lambda state: {"n": state["n"] + 1})
        steps.add_edge(START, "count")
        steps.add_edge("count", END)
        thread = {"configurable": {"thread_id": "t1"}}
        for _ in range(2):
            with Neo4jSaver.from_conn_string(URI, USER, PASSWORD, database=self.database) as saver:
                saver.setup()
                agent = steps.compile(checkpointer=saver)
                agent.invoke({"n": 1}, thread)
                self.assertEqual(agent.get_state(thread).values, {"n": 2})
                history = len(list(agent.get_state_history(thread)))
        self.assertEqual(history, 6)

    def test_a_chat_is_remembered(self):
        history = Neo4jChatMessageHistory(session_id="s1", graph=self.graph(refresh_schema=False))
        history.add_message(HumanMessage("hello"))
        history.add_ai_message("hi")
        self.assertEqual([message.content for message in history.messages], ["hello", "hi"])
        history.clear()
        self.assertEqual(history.messages, [])


TEXTS = ["apples grow on trees", "boats sail on water", "trees carry apples and pears"]


class Vectors(LibraryTest):
    def options(self, **more):
        return {"url": URI, "username": USER, "password": PASSWORD, "database": self.database, **more}

    def store(self, **more):
        documents = [Document(page_content=text, metadata={"n": n}) for n, text in enumerate(TEXTS)]
        return Neo4jVector.from_documents(documents, Fake(), **self.options(**more))

    def test_documents_are_found_by_nearness(self):
        store = self.store()
        [(found, score)] = store.similarity_search_with_score(TEXTS[1], k=1)
        self.assertEqual((found.page_content, found.metadata["n"]), (TEXTS[1], 1))
        self.assertAlmostEqual(score, 1.0, places=3)
        self.assertEqual(len(store.similarity_search("apples trees", k=2)), 2)

    def test_a_filter_narrows(self):
        found = self.store().similarity_search("apples", k=3, filter={"n": {"$gte": 1}})
        self.assertEqual({document.metadata["n"] for document in found}, {1, 2})

    def test_hybrid_search_takes_words_too(self):
        store = self.store(search_type=SearchType.HYBRID)
        found = store.similarity_search("boats", k=3)
        self.assertEqual(found[0].page_content, TEXTS[1])

    def test_an_index_is_opened_again(self):
        self.store(index_name="texts", node_label="Text")
        again = Neo4jVector.from_existing_index(Fake(), index_name="texts", **self.options())
        self.assertEqual(again.similarity_search(TEXTS[0], k=1)[0].page_content, TEXTS[0])
        self.assertEqual(again.embedding_dimension, DIMENSIONS)

    def test_nodes_that_are_there_become_documents(self):
        self.rows("UNWIND $texts AS text CREATE (:Page {title: 't', body: text})", texts=TEXTS)
        store = Neo4jVector.from_existing_graph(
            Fake(),
            node_label="Page",
            text_node_properties=["body"],
            embedding_node_property="vector",
            index_name="pages",
            **self.options(),
        )
        self.assertIn(TEXTS[1], store.similarity_search(f"body: {TEXTS[1]}", k=1)[0].page_content)

    def test_a_filter_alone_reads_metadata(self):
        store = self.store()
        store.add_texts(["one more"], metadatas=[{"n": 9}], ids=["x1"])
        [found] = store.similarity_search("one more", k=1, filter={"n": 9})
        self.assertEqual((found.page_content, found.metadata["n"]), ("one more", 9))
        self.assertEqual(self.one("MATCH (c:Chunk {id: 'x1'}) RETURN count(c)"), 1)


if __name__ == "__main__":
    unittest.main()
