// KafkaJS behind a pipe: `clients/kafkajs.py` writes one JSON request a line, reads one answer.
//   {id, op, args}  ->  {id, result} or {id, error, code}
//   a running member also says, unasked: {member, record} and {member, assignment}
// Bytes travel as base64, null as null, 64-bit numbers as decimal strings.
const readline = require('readline')
const { Kafka, Partitioners, logLevel } = require('kafkajs')
const codecs = require('./codecs')
const members = require('./members')
const transactions = require('./transactions')

const kafka = new Kafka({
  clientId: 'bridge',
  brokers: process.argv[2].split(','),
  logLevel: logLevel.NOTHING,
  retry: { initialRetryTime: 50, retries: 6 },
})
const admin = kafka.admin()

const decode = (text) => (text === null ? null : Buffer.from(text, 'base64'))
const say = (line) => process.stdout.write(JSON.stringify(line) + '\n')

const headersOf = (pairs) => {
  const headers = {}
  for (const [name, text] of pairs) {
    const value = decode(text)
    if (name in headers) headers[name] = [].concat(headers[name], [value])
    else headers[name] = value
  }
  return headers
}

const messageOf = (record) => ({
  key: decode(record.key),
  value: decode(record.value),
  headers: headersOf(record.headers),
  ...(record.timestamp_ms === null ? {} : { timestamp: String(record.timestamp_ms) }),
  ...(record.partition === null ? {} : { partition: record.partition }),
})

// One `send` is one batch a partition: split by size, so that a batch stays under the limit.
const chunksOf = (records, batchBytes) => {
  const chunks = [[]]
  let size = 0
  for (const record of records) {
    const bytes = (record.value?.length ?? 0) + (record.key?.length ?? 0) + 70
    if (size + bytes > batchBytes && chunks.at(-1).length) {
      chunks.push([])
      size = 0
    }
    chunks.at(-1).push(record)
    size += bytes
  }
  return chunks
}

const produce = async ({ topic, records, codec, acks, idempotent, batch_bytes }) => {
  let chosen = []
  const createPartitioner = () => {
    const partition = Partitioners.DefaultPartitioner()
    return (args) => {
      const number = partition(args)
      chosen.push(number)
      return number
    }
  }
  const producer = kafka.producer({
    idempotent,
    createPartitioner,
    ...(idempotent ? { maxInFlightRequests: 1 } : {}),
  })
  await producer.connect()
  const sent = []
  try {
    for (const chunk of chunksOf(records, batch_bytes)) {
      chosen = []
      const answers = await producer.send({
        topic,
        acks: acks === 'all' ? -1 : Number(acks),
        compression: codecs[codec],
        messages: chunk.map(messageOf),
      })
      const next = new Map(answers.map((a) => [a.partition, BigInt(a.baseOffset)]))
      // KafkaJS asks the partitioner again when it sends again: the last answers count.
      for (const partition of chosen.slice(-chunk.length)) {
        const offset = next.get(partition)
        sent.push([partition, offset === undefined ? -1 : Number(offset)])
        if (offset !== undefined) next.set(partition, offset + 1n)
      }
    }
  } finally {
    await producer.disconnect()
  }
  return sent
}

const topicMetadata = async (topic) =>
  (await admin.fetchTopicMetadata(topic ? { topics: [topic] } : undefined)).topics

const configsOf = async ({ topic }) => {
  const answer = await admin.describeConfigs({ resources: [{ type: 2, name: topic }] })
  return answer.resources[0].configEntries.map((entry) => [entry.configName, entry.configValue])
}

const operations = {
  produce,
  join: (args) => members.join(kafka, args, say),
  commit: (args) => members.commit(args),
  leave: (args) => members.leave(args),
  txnOpen: (args) => transactions.start(kafka, Partitioners.DefaultPartitioner, args),
  txnBegin: transactions.begin,
  txnSend: (args) => transactions.send(args, messageOf),
  txnOffsets: transactions.sendOffsets,
  txnCommit: (args) => transactions.end(args, 'commit'),
  txnAbort: (args) => transactions.end(args, 'abort'),
  txnClose: transactions.close,
  read: (args) => members.read(kafka, args, say),
  offsets: async ({ topic }) => await admin.fetchTopicOffsets(topic),
  offsetsForTime: async ({ topic, timestamp_ms }) =>
    await admin.fetchTopicOffsetsByTimestamp(topic, timestamp_ms),
  commitOffsets: async ({ group, topic, partitions }) =>
    await admin.setOffsets({ groupId: group, topic, partitions }),
  committed: async ({ group, topic }) =>
    (await admin.fetchOffsets({ groupId: group, topics: [topic] }))[0].partitions,
  topics: async () => (await topicMetadata()).map((t) => [t.name, t.partitions.length]),
  createTopic: async ({ topic, partitions, configs }) =>
    await admin.createTopics({
      waitForLeaders: true,
      topics: [
        {
          topic,
          numPartitions: partitions,
          replicationFactor: 1,
          configEntries: Object.entries(configs).map(([name, value]) => ({ name, value })),
        },
      ],
    }),
  deleteTopic: async ({ topic }) => await admin.deleteTopics({ topics: [topic] }),
  createPartitions: async ({ topic, count }) =>
    await admin.createPartitions({ topicPartitions: [{ topic, count }] }),
  configs: configsOf,
  setConfig: async ({ topic, key, value }) =>
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: 2, name: topic, configEntries: [{ name: key, value }] }],
    }),
  groups: async () => (await admin.listGroups()).groups.map((g) => g.groupId),
  describeGroup: async ({ group }) => {
    const answer = await admin.describeGroups([group])
    return [answer.groups[0].state, answer.groups[0].members.length]
  },
  deleteGroup: async ({ group }) => await admin.deleteGroups([group]),
  deleteRecords: async ({ topic, partition, offset }) => {
    await admin.fetchTopicOffsets(topic) // so that the admin client knows the leaders
    await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset }] })
  },
}

// Errors of several topics or groups come as a list inside one.
const codeOf = (error) =>
  error.code ?? error.cause?.code ?? codeOfFirst(error.errors ?? error.groups ?? [])
const codeOfFirst = (errors) => (errors.length ? codeOf(errors[0].error ?? errors[0]) : 0)

const serve = async (line) => {
  const { id, op, args } = JSON.parse(line)
  try {
    say({ id, result: (await operations[op](args)) ?? null })
  } catch (error) {
    const code = codeOf(error)
    say({ id, error: String(error.message ?? error), code: Number.isInteger(code) ? code : 0 })
  }
}

const main = async () => {
  await admin.connect()
  const lines = readline.createInterface({ input: process.stdin })
  lines.on('line', serve)
  lines.on('close', async () => {
    await members.leaveAll()
    await admin.disconnect()
    process.exit(0)
  })
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
