// Consumers for bridge.js: each `run`s and reports its records and its assignment as they come.
const running = new Map()
let nextMember = 1

const encode = (value) => (value === null || value === undefined ? null : value.toString('base64'))

const pairsOf = (headers) =>
  Object.entries(headers ?? {}).flatMap(([name, values]) =>
    [].concat(values).map((value) => [name, encode(value)])
  )

const recordOf = (topic, partition, message) => ({
  topic,
  partition,
  offset: Number(message.offset),
  key: encode(message.key),
  value: encode(message.value),
  headers: pairsOf(message.headers),
  timestamp_ms: Number(message.timestamp),
})

const start = async (kafka, { group, topics, session_timeout_ms, committed_only }, onRecord) => {
  const consumer = kafka.consumer({
    groupId: group,
    sessionTimeout: session_timeout_ms,
    heartbeatInterval: 300,
    maxWaitTimeInMs: 100,
    readUncommitted: !committed_only,
  })
  await consumer.connect()
  await consumer.subscribe({ topics, fromBeginning: true })
  return { consumer, positions: new Map(), onRecord }
}

const run = (member) =>
  member.consumer.run({
    autoCommit: false,
    eachMessage: async ({ topic, partition, message }) => {
      member.onRecord(recordOf(topic, partition, message))
      const next = (BigInt(message.offset) + 1n).toString()
      member.positions.set(`${topic}/${partition}`, { topic, partition, offset: next })
    },
  })

const join = async (kafka, args, say) => {
  const id = nextMember++
  const member = await start(kafka, args, (record) => say({ member: id, record }))
  const { GROUP_JOIN, REBALANCING } = member.consumer.events
  member.consumer.on(GROUP_JOIN, ({ payload }) => {
    member.positions.clear()
    const owned = Object.entries(payload.memberAssignment)
    say({ member: id, assignment: owned.flatMap(([t, ps]) => ps.map((p) => [t, p])) })
  })
  member.consumer.on(REBALANCING, () => say({ member: id, assignment: [] }))
  running.set(id, member)
  await run(member)
  return id
}

const commit = async ({ member }) => {
  const { consumer, positions } = running.get(member)
  if (positions.size) await consumer.commitOffsets([...positions.values()])
}

const leave = async ({ member }) => {
  const { consumer } = running.get(member)
  running.delete(member)
  await consumer.disconnect()
}

// KafkaJS cannot assign by hand: a group of its own, and a seek once it runs.
const read = async (kafka, { topic, partition, offset, count, group, committed_only }) => {
  const found = []
  let finish
  const done = new Promise((resolve) => (finish = resolve))
  const settings = { group, topics: [topic], session_timeout_ms: 10000, committed_only }
  const member = await start(kafka, settings, (record) => {
    if (record.partition !== partition || record.offset < offset || found.length === count) return
    found.push(record)
    if (found.length === count) finish()
  })
  const timer = setTimeout(finish, 20000)
  try {
    await run(member)
    if (offset >= 0) member.consumer.seek({ topic, partition, offset: String(offset) })
    await done
  } finally {
    clearTimeout(timer)
    await member.consumer.disconnect()
  }
  return found
}

const leaveAll = () => Promise.all([...running.keys()].map((member) => leave({ member })))

module.exports = { join, commit, leave, leaveAll, read }
