import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.TopicPartition;

/** Transactional producers, each known by its number. */
final class Transactions implements AutoCloseable {
    private final Settings settings;
    private final Map<Integer, KafkaProducer<byte[], byte[]>> producers = new HashMap<>();
    private int next = 1;

    Transactions(Settings settings) {
        this.settings = settings;
    }

    void register(Map<String, Driver.Operation> operations) {
        operations.put("txnOpen", this::open);
        operations.put("txnBegin", args -> run(args, KafkaProducer::beginTransaction));
        operations.put("txnCommit", args -> run(args, KafkaProducer::commitTransaction));
        operations.put("txnAbort", args -> run(args, KafkaProducer::abortTransaction));
        operations.put("txnSend", args -> Producing.send(producer(args), args));
        operations.put("txnOffsets", this::offsets);
        operations.put("txnClose", this::closeOne);
    }

    interface Step {
        void take(KafkaProducer<byte[], byte[]> producer);
    }

    private Object open(JsonNode args) {
        Map<String, Object> own = settings.producer();
        own.put("transactional.id", args.get("transactional_id").asText());
        own.put("transaction.timeout.ms", args.get("timeout_ms").asInt());
        KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(own);
        try {
            producer.initTransactions();
        } catch (RuntimeException error) {
            producer.close(Duration.ZERO);
            throw error;
        }
        producers.put(next, producer);
        return next++;
    }

    private KafkaProducer<byte[], byte[]> producer(JsonNode args) {
        return producers.get(args.get("producer").asInt());
    }

    private Object run(JsonNode args, Step step) {
        step.take(producer(args));
        return null;
    }

    @SuppressWarnings("removal") // a group without members: its name is all there is
    private Object offsets(JsonNode args) {
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        for (JsonNode row : args.get("offsets")) {
            offsets.put(
                    new TopicPartition(row.get(0).asText(), row.get(1).asInt()),
                    new OffsetAndMetadata(row.get(2).asLong()));
        }
        ConsumerGroupMetadata group = new ConsumerGroupMetadata(args.get("group").asText());
        producer(args).sendOffsetsToTransaction(offsets, group);
        return null;
    }

    private Object closeOne(JsonNode args) {
        producers.remove(args.get("producer").asInt()).close(Duration.ZERO);
        return null;
    }

    @Override
    public void close() {
        producers.values().forEach(producer -> producer.close(Duration.ZERO));
    }
}
