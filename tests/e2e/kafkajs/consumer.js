// The consumer program of the KafkaJS documentation, with the brokers and topic as arguments:
//   node consumer.js BROKER,BROKER TOPIC GROUP
// It runs until SIGTERM and prints one JSON object a record.
const { Kafka } = require('kafkajs')

const [brokers, topic, groupId] = process.argv.slice(2)

const kafka = new Kafka({
  clientId: 'my-app',
  brokers: brokers.split(','),
})

const consumer = kafka.consumer({ groupId })

const run = async () => {
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ topic, partition, message }) => {
      console.log(
        JSON.stringify({
          partition,
          offset: message.offset,
          key: message.key.toString(),
          value: message.value.toString(),
        })
      )
    },
  })
}

process.on('SIGTERM', async () => {
  await consumer.disconnect()
  process.exit(0)
})

run().catch((error) => {
  console.error(error)
  process.exit(1)
})
