import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.RecordMetadata;

/** Sending records with a producer made for the purpose. */
final class Producing {
    private final Settings settings;

    Producing(Settings settings) {
        this.settings = settings;
    }

    void register(Map<String, Driver.Operation> operations) {
        operations.put("produce", this::produce);
    }

    private Object produce(JsonNode args) throws Exception {
        Map<String, Object> own = settings.producer();
        boolean idempotent = args.get("idempotent").asBoolean();
        own.put("acks", args.get("acks").asText());
        own.put("enable.idempotence", idempotent);
        own.put("compression.type", args.get("codec").asText());
        own.put("batch.size", args.get("batch_bytes").asInt());
        own.put("max.request.size", 20_000_000);
        own.put("max.in.flight.requests.per.connection", idempotent ? 5 : 1);
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(own)) {
            return send(producer, args);
        }
    }

    /** Send in order, wait for all: where each record went. */
    static List<Object> send(KafkaProducer<byte[], byte[]> producer, JsonNode args)
            throws Exception {
        String topic = args.get("topic").asText();
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        for (JsonNode record : args.get("records")) {
            sent.add(producer.send(Settings.outgoing(topic, record)));
        }
        producer.flush();
        List<Object> rows = new ArrayList<>();
        for (Future<RecordMetadata> one : sent) {
            RecordMetadata where = one.get();
            rows.add(new long[] {where.partition(), where.hasOffset() ? where.offset() : -1});
        }
        return rows;
    }
}
