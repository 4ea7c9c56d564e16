// Connecting: direct and routed, with and without a database, and refused where it must be.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import neo4j from 'neo4j-driver'
import { PASSWORD, connect, connectLocked, ownDatabase } from './sheaf.mjs'

const own = ownDatabase()

/** Runs `work` with a driver that is closed whatever happens: an open one would keep Node from ending. */
async function withDriver (scheme, work) {
  const driver = connect(scheme)
  try {
    await work(driver)
  } finally {
    await driver.close()
  }
}

for (const scheme of ['bolt', 'neo4j']) {
  test(`${scheme}: connects and says who answers`, () => withDriver(scheme, async driver => {
    await driver.verifyConnectivity()
    const info = await driver.getServerInfo()
    assert.match(info.agent, /^Neo4j\//)
    assert.ok(info.protocolVersion.getMajor() >= 5)
  }))

  test(`${scheme}: reads what it wrote`, () => withDriver(scheme, async driver => {
    await driver.executeQuery('CREATE (:Routed {via: $scheme})', { scheme }, { database: own.name })
    const { records } = await driver.executeQuery(
      'MATCH (r:Routed {via: $scheme}) RETURN count(r) AS n', { scheme },
      { database: own.name, routing: neo4j.routing.READ })
    assert.equal(records[0].get('n'), 1n)
  }))

  test(`${scheme}: an unknown database fails at once`, () => withDriver(scheme, async driver => {
    const began = Date.now()
    await assert.rejects(driver.executeQuery('RETURN 1', {}, { database: 'nobody' }),
      { code: 'Neo.ClientError.Database.DatabaseNotFound' })
    assert.ok(Date.now() - began < 5000)
  }))
}

test('the default database is used when none is named', async () => {
  const session = own.driver.session()
  const { summary } = await session.run('RETURN 1')
  assert.equal(summary.database.name, 'sheaf')
  await session.close()
})

test('the server knows many databases', async () => {
  assert.equal(await own.driver.supportsMultiDb(), true)
  const { records } = await own.driver.executeQuery('SHOW DATABASES', {}, { database: 'system' })
  const names = records.map(record => record.get('name'))
  assert.ok(names.includes('system') && names.includes(own.name))
})

test('a server that asks for a password opens to the right one only', async () => {
  const right = connectLocked(neo4j.auth.basic('admin', PASSWORD))
  const wrong = connectLocked(neo4j.auth.basic('admin', PASSWORD + 'x'))
  const nobody = connectLocked(undefined)
  try {
    assert.equal((await right.executeQuery('RETURN 1 AS n')).records[0].get('n'), 1n)
    for (const driver of [wrong, nobody]) {
      await assert.rejects(driver.executeQuery('RETURN 1'), { code: 'Neo.ClientError.Security.Unauthorized' })
    }
  } finally {
    await Promise.all([right, wrong, nobody].map(driver => driver.close()))
  }
})
