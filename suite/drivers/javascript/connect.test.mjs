// Connecting: direct and routed, with and without a database, and refused where it must be.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import neo4j from 'neo4j-driver'
import { connect, ownDatabase } from './sheaf.mjs'

const own = ownDatabase()

for (const scheme of ['bolt', 'neo4j']) {
  test(`${scheme}: connects and says who answers`, async () => {
    const driver = connect(scheme)
    const info = await driver.verifyConnectivity()
    assert.match(info.agent, /^Neo4j\//)
    assert.ok(info.protocolVersion >= 5)
    await driver.close()
  })

  test(`${scheme}: reads what it wrote`, async () => {
    const driver = connect(scheme)
    await driver.executeQuery('CREATE (:Routed {via: $scheme})', { scheme }, { database: own.name })
    const { records } = await driver.executeQuery(
      'MATCH (r:Routed {via: $scheme}) RETURN count(r) AS n', { scheme },
      { database: own.name, routing: neo4j.routing.READ })
    assert.equal(records[0].get('n'), 1n)
    await driver.close()
  })

  test(`${scheme}: an unknown database fails at once`, async () => {
    const driver = connect(scheme)
    const began = Date.now()
    await assert.rejects(driver.executeQuery('RETURN 1', {}, { database: 'nobody' }),
      { code: 'Neo.ClientError.Database.DatabaseNotFound' })
    assert.ok(Date.now() - began < 5000)
    await driver.close()
  })
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
