// Transactional producers for bridge.js, each known by its number.
const open = new Map()
let next = 1

const start = async (kafka, createPartitioner, { transactional_id, timeout_ms }) => {
  const producer = kafka.producer({
    transactionalId: transactional_id,
    transactionTimeout: timeout_ms,
    maxInFlightRequests: 1,
    idempotent: true,
    createPartitioner,
  })
  await producer.connect()
  // KafkaJS fences its predecessors with its first transaction, not before.
  open.set(next, { producer, transaction: await producer.transaction() })
  return next++
}

const begin = async ({ producer: number }) => {
  const entry = open.get(number)
  entry.transaction ??= await entry.producer.transaction()
}

const send = async ({ producer: number, topic, records }, messageOf) => {
  await open.get(number).transaction.send({ topic, acks: -1, messages: records.map(messageOf) })
}

const sendOffsets = async ({ producer: number, group, offsets }) => {
  const topics = offsets.map(([topic, partition, offset]) => ({
    topic,
    partitions: [{ partition, offset: String(offset) }],
  }))
  await open.get(number).transaction.sendOffsets({ consumerGroupId: group, topics })
}

const end = async ({ producer: number }, how) => {
  const entry = open.get(number)
  const { transaction } = entry
  entry.transaction = null
  await transaction[how]()
}

const close = async ({ producer: number }) => {
  const { producer } = open.get(number)
  open.delete(number)
  await producer.disconnect()
}

module.exports = { start, begin, send, sendOffsets, end, close }
