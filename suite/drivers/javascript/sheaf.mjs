// Where the server under test is, and helpers around the official driver.
// `cargo xtask test` starts a server on free ports and hands its addresses over in the environment.

import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { after, before } from 'node:test'
import neo4j from 'neo4j-driver'

const BOLT = process.env.SHEAF_BOLT
export const PASSWORD = process.env.SHEAF_PASSWORD

/** Opens a driver; integers stay exact as `bigint`. */
export function connect (scheme = 'bolt', options = {}) {
  return neo4j.driver(`${scheme}://${BOLT}`, undefined, {
    useBigInt: true,
    connectionTimeout: 5000,
    maxTransactionRetryTime: 5000,
    ...options
  })
}

/** Opens a driver for the server that asks for a password. */
export function connectLocked (auth) {
  return neo4j.driver(`bolt://${process.env.SHEAF_LOCKED_BOLT}`, auth, { useBigInt: true, maxTransactionRetryTime: 5000 })
}

/** Gives the processor time that the server has taken, in clock ticks. */
export function serverTicks () {
  const stat = readFileSync(`/proc/${process.env.SHEAF_PROCESS}/stat`, 'utf8')
  // The name of the program, in brackets, may hold blanks; 14 and 15 are user and system time.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
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
