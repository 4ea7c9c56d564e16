// Transactions, streams, summaries and errors, as JavaScript sees them.

import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import neo4j from 'neo4j-driver'
import { ownDatabase, serverTicks } from './sheaf.mjs'

const own = ownDatabase()
const count = () => own.single('MATCH (n) RETURN count(n)')
const LONG = 'UNWIND range(1, 1000000) AS a UNWIND range(1, 1000000) AS b WITH a, b WHERE a + b < 0 RETURN count(*)'

afterEach(() => own.run('MATCH (n) DETACH DELETE n'))

test('commit keeps and rollback forgets', async () => {
  const session = own.session()
  const kept = await session.beginTransaction()
  await kept.run('CREATE (:Kept)')
  assert.equal(await count(), 0n)
  await kept.commit()
  const forgotten = await session.beginTransaction()
  await forgotten.run('CREATE (:Forgotten)')
  await forgotten.rollback()
  await session.close()
  assert.equal(await count(), 1n)
})

test('a managed transaction is retried after a conflict', async () => {
  await own.run('CREATE (:Counter {n: 0})')
  const raise = async () => {
    const session = own.session()
    await session.executeWrite(tx => tx.run('MATCH (c:Counter) SET c.n = c.n + 1'))
    await session.close()
  }
  await Promise.all(Array.from({ length: 10 }, raise))
  assert.equal(await own.single('MATCH (c:Counter) RETURN c.n'), 10n)
})

test('a reading session refuses writes', async () => {
  const session = own.session({ defaultAccessMode: neo4j.session.READ })
  await assert.rejects(session.run('CREATE (:No)'), { code: 'Neo.ClientError.Statement.AccessMode' })
  await session.close()
})

test('rows stream while they are asked for', async () => {
  const session = own.session({ fetchSize: 10 })
  const taken = []
  for await (const record of session.run('UNWIND range(1, 100000000) AS n RETURN n')) {
    taken.push(record.get('n'))
    if (taken.length === 25) break
  }
  assert.deepEqual(taken, Array.from({ length: 25 }, (_, n) => BigInt(n + 1)))
  await session.close()
})

test('a long result comes whole', async () => {
  const session = own.session({ fetchSize: 500 })
  const { records } = await session.run('UNWIND range(1, 20000) AS n RETURN n')
  assert.equal(records.length, 20000)
  assert.equal(records.at(-1).get('n'), 20000n)
  await session.close()
})

test('summaries count what changed', async () => {
  const { summary } = await own.run('CREATE (:A {x: 1})-[:R]->(:B)')
  const updates = summary.counters.updates()
  assert.deepEqual(
    [updates.nodesCreated, updates.relationshipsCreated, updates.propertiesSet, updates.labelsAdded], [2, 1, 1, 2])
  assert.equal(summary.queryType, 'w')
  assert.equal(summary.database.name, own.name)
})

test('errors have their codes', async () => {
  for (const [text, code] of [
    ['RETRUN 1', 'Neo.ClientError.Statement.SyntaxError'],
    ['RETURN 1 / 0', 'Neo.ClientError.Statement.ArithmeticError'],
    ['RETURN $missing', 'Neo.ClientError.Statement.ParameterMissing'],
    ['CALL no.such()', 'Neo.ClientError.Procedure.ProcedureNotFound']
  ]) {
    await assert.rejects(own.run(text), { name: 'Neo4jError', code })
  }
})

test('a session goes on after a failure', async () => {
  const session = own.session()
  await assert.rejects(session.run('RETRUN 1'))
  assert.equal((await session.run('RETURN 1 AS n')).records[0].get('n'), 1n)
  await session.close()
})

test('a statement stops at the time that its client allows', async () => {
  const session = own.session()
  const began = Date.now()
  await assert.rejects(session.run(LONG, {}, { timeout: 500 }),
    { code: 'Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration' })
  assert.ok(Date.now() - began < 5000)
  await session.close()
})

test('a statement ends when its session is closed', async () => {
  // The driver sends RESET while the statement runs.
  const session = own.session()
  const failed = assert.rejects(session.run(LONG))
  const ticks = serverTicks()
  await until(() => serverTicks() > ticks + 10)
  const began = Date.now()
  await session.close()
  await failed
  assert.ok(Date.now() - began < 3000)
  assert.equal(await own.single('RETURN 1'), 1n)
})

async function until (condition) {
  const deadline = Date.now() + 10000
  while (!condition()) {
    assert.ok(Date.now() < deadline, 'it took too long')
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
