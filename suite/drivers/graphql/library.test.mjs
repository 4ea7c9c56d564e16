// @neo4j/graphql: a GraphQL schema over the graph, with its mutations, queries and constraints.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Neo4jGraphQL } from "@neo4j/graphql";
import { graphql } from "graphql";
import neo4j from "neo4j-driver";

const types = `
  type Person @node {
    name: String!
    born: Int
    friends: [Person!]! @relationship(type: "KNOWS", direction: OUT, properties: "Knows")
  }
  type Knows @relationshipProperties {
    since: Int
  }
`;

const database = `t${process.pid}`;
const driver = neo4j.driver(`bolt://${process.env.SHEAF_BOLT}`);
let schema;

async function run(source) {
  const contextValue = { executionContext: driver, sessionConfig: { database } };
  const { data, errors } = await graphql({ schema, source, contextValue });
  assert.equal(errors, undefined, JSON.stringify(errors));
  return JSON.parse(JSON.stringify(data));
}

before(async () => {
  await driver.executeQuery(`CREATE DATABASE ${database} WAIT`, {}, { database: "system" });
  const library = new Neo4jGraphQL({ typeDefs: types, driver });
  schema = await library.getSchema();
  await library.checkNeo4jCompat({ driver, sessionConfig: { database } });
  await library.assertIndexesAndConstraints({ driver, sessionConfig: { database } });
});

after(async () => {
  await driver.executeQuery(`DROP DATABASE ${database} WAIT`, {}, { database: "system" });
  await driver.close();
});

test("nested nodes are created, read, changed and deleted", async () => {
  const created = await run(`mutation {
    createPeople(input: [
      { name: "Ada", born: 1815, friends: { create: [{ edge: { since: 1833 }, node: { name: "Charles" } }] } }
    ]) { people { name friends { name } } info { nodesCreated relationshipsCreated } }
  }`);
  assert.deepEqual(created.createPeople.people, [{ name: "Ada", friends: [{ name: "Charles" }] }]);
  assert.deepEqual(created.createPeople.info, { nodesCreated: 2, relationshipsCreated: 1 });
  const read = await run(`{
    people(where: { name: { eq: "Ada" } }) {
      born
      friendsConnection { edges { properties { since } node { name } } }
    }
  }`);
  const edges = [{ properties: { since: 1833 }, node: { name: "Charles" } }];
  assert.deepEqual(read.people, [{ born: 1815, friendsConnection: { edges } }]);
  const updated = await run(`mutation {
    updatePeople(where: { name: { eq: "Ada" } }, update: { born: { set: 1816 } }) { people { born } }
  }`);
  assert.deepEqual(updated.updatePeople.people, [{ born: 1816 }]);
  const deleted = await run(`mutation {
    deletePeople(where: { name: { in: ["Ada", "Charles"] } }) { nodesDeleted relationshipsDeleted }
  }`);
  assert.deepEqual(deleted.deletePeople, { nodesDeleted: 2, relationshipsDeleted: 1 });
});

test("pages, order and counts", async () => {
  await run(`mutation { createPeople(input: [${[3, 1, 2].map((n) => `{ name: "P${n}", born: ${n} }`)}]) { info { nodesCreated } } }`);
  const { peopleConnection: page } = await run(`{
    peopleConnection(first: 2, sort: [{ born: ASC }]) {
      totalCount
      edges { node { name } }
      pageInfo { hasNextPage endCursor }
      aggregate { node { born { max average } } }
    }
  }`);
  assert.equal(page.totalCount, 3);
  assert.deepEqual(page.edges.map(({ node }) => node.name), ["P1", "P2"]);
  assert.equal(page.pageInfo.hasNextPage, true);
  assert.deepEqual(page.aggregate.node.born, { max: 3, average: 2 });
});
