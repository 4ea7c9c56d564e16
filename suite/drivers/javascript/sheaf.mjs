// Where the server under test is, and helpers around the official driver.
// `cargo xtask test` starts a server on free ports and hands its addresses over in the environment.

import { randomUUID } from 'node:crypto'
import { after, before } from 'node:test'
import neo4j from 'neo4j-driver'

export const BOLT = process.env.SHEAF_BOLT

/** Opens a driver; integers stay exact as `bigint`. */
export function connect (scheme = 'bolt', options = {}) {
  return neo4j.driver(`${scheme}://${BOLT}`, undefined, {
    useBigInt: true,
    connectionTimeout: 5000,
    maxTransactionRetryTime: 5000,
    ...options
  })
}

/** Gives a file of tests a driver and an empty database, and drops the database at the end. */
export function ownDatabase () {
  const own = { driver: connect(), name: `j${randomUUID().replaceAll('-', '')}` }
  own.session = (options = {}) => own.driver.session({ database: own.name, ...options })
  own.run = async (text, parameters) => {
    const session = own.session()
    try {
      return await session.run(text, parameters)
    } finally {
      await session.close()
    }
  }
  own.single = async (text, parameters) => (await own.run(text, parameters)).records[0].get(0)
  before(() => own.driver.executeQuery(`CREATE DATABASE ${own.name} WAIT`, {}, { database: 'system' }))
  after(async () => {
    await own.driver.executeQuery(`DROP DATABASE ${own.name} IF EXISTS WAIT`, {}, { database: 'system' })
    await own.driver.close()
  })
  return own
}
