// The producer program of the KafkaJS documentation, with the brokers and topic as arguments:
//   node producer.js BROKER,BROKER TOPIC COUNT
const { Kafka } = require('kafkajs')

const [brokers, topic, count] = process.argv.slice(2)

const kafka = new Kafka({
  clientId: 'my-app',
  brokers: brokers.split(','),
})

const producer = kafka.producer()

const run = async () => {
  await producer.connect()
  for (let i = 0; i < Number(count); i++) {
    await producer.send({
      topic,
      messages: [{ key: `key${i}`, value: `hello ${i}` }],
    })
  }
  await producer.disconnect()
}

run().catch((error) => {
  console.error(error)
  process.exit(1)
})
