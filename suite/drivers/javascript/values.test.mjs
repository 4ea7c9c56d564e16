// Values of every type go to the server as parameters and come back the same.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import neo4j from 'neo4j-driver'
import { ownDatabase } from './sheaf.mjs'

const own = ownDatabase()
const { Date: Day, DateTime, Duration, LocalDateTime, LocalTime, Point, Time } = neo4j.types

const VALUES = {
  null: [null],
  booleans: [true, false],
  integers: [0n, -1n, 127n, -129n, 2n ** 31n, 2n ** 63n - 1n, -(2n ** 63n)],
  floats: [0.5, -1e-300, Number.MAX_VALUE, Number.MIN_VALUE, Infinity, -Infinity],
  texts: ['', 'a', 'x'.repeat(256), 'z'.repeat(70000), '\u00e5\u4e16\u{1f600}\u0000'],
  lists: [[], [1n, 'two', null, [3.5]], Array.from({ length: 300 }, (_, n) => BigInt(n))],
  maps: [{}, { a: { b: [1n, null] } }]
}

for (const [kind, values] of Object.entries(VALUES)) {
  test(kind, async () => {
    for (const value of values) {
      assert.deepEqual(await own.single('RETURN [$value, {k: $value}]', { value }), [value, { k: value }])
    }
  })
}

test('bytes', async () => {
  const value = Int8Array.from({ length: 300 }, (_, n) => n % 128)
  assert.deepEqual(await own.single('RETURN $value', { value }), value)
})

test('moments and durations', async () => {
  const moments = [
    new Day(2024n, 2n, 29n),
    new LocalTime(23n, 59n, 59n, 999999999n),
    new Time(12n, 31n, 14n, 645876123n, -5400n),
    new LocalDateTime(1984n, 10n, 11n, 12n, 31n, 14n, 645876123n),
    new DateTime(1984n, 10n, 11n, 12n, 31n, 14n, 645876123n, 3600n),
    new DateTime(2017n, 7n, 8n, 12n, 31n, 14n, 0n, 7200n, 'Europe/Stockholm'),
    new Duration(14n, -3n, 5n, 7n)
  ]
  for (const value of moments) {
    const found = await own.single('RETURN $value', { value })
    assert.equal(found.toString(), value.toString())
    assert.equal(found.constructor, value.constructor)
  }
})

test('points', async () => {
  for (const value of [new Point(7203n, 1.5, -2.5), new Point(9157n, 1.5, -2.5, 3.25), new Point(4326n, 13, 55.6), new Point(4979n, 13, 55.6, 7)]) {
    assert.deepEqual(await own.single('RETURN $value', { value }), value)
  }
})

test('nodes, relationships and paths', async () => {
  const path = await own.single("CREATE p = (:Person {name: 'Ada'})-[:WROTE {year: 1843}]->(:Note) RETURN p")
  assert.ok(neo4j.isPath(path))
  assert.deepEqual(path.start.labels, ['Person'])
  assert.deepEqual(path.start.properties, { name: 'Ada' })
  const [{ relationship }] = path.segments
  assert.deepEqual([relationship.type, relationship.properties], ['WROTE', { year: 1843n }])
  assert.equal(relationship.startNodeElementId, path.start.elementId)
  assert.equal(relationship.endNodeElementId, path.end.elementId)
})
