import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.common.KafkaException;

/** Members of share groups; each does what it is told to, when it is told to. */
final class ShareMembers implements AutoCloseable {
    private final Settings settings;
    private final Map<Integer, KafkaShareConsumer<byte[], byte[]>> running = new HashMap<>();
    private final Map<String, ConsumerRecord<byte[], byte[]>> polled = new HashMap<>();
    private int next = 1;

    ShareMembers(Settings settings) {
        this.settings = settings;
    }

    void register(Map<String, Driver.Operation> operations) {
        operations.put("shareJoin", this::join);
        operations.put("sharePoll", this::poll);
        operations.put("shareAcknowledge", this::acknowledge);
        operations.put("shareCommit", this::commit);
        operations.put("shareLeave", this::leave);
    }

    private Object join(JsonNode args) {
        Map<String, Object> own = settings.consumer();
        own.remove("auto.offset.reset"); // the group's, not the member's
        own.remove("enable.auto.commit");
        own.put("group.id", args.get("group").asText());
        own.put("share.acknowledgement.mode", args.get("mode").asText());
        List<String> topics = new ArrayList<>();
        args.get("topics").forEach(topic -> topics.add(topic.asText()));
        KafkaShareConsumer<byte[], byte[]> consumer = new KafkaShareConsumer<>(own);
        running.put(next, consumer);
        consumer.subscribe(topics);
        return next++;
    }

    private Object poll(JsonNode args) {
        List<Object> rows = new ArrayList<>();
        Duration timeout = Duration.ofMillis(args.get("timeout_ms").asLong());
        for (ConsumerRecord<byte[], byte[]> record : member(args).poll(timeout)) {
            polled.put(place(args, record.topic(), record.partition(), record.offset()), record);
            String value = Base64.getEncoder().encodeToString(record.value());
            short count = record.deliveryCount().orElseThrow();
            rows.add(new Object[] {record.topic(), record.partition(), record.offset(), value, count});
        }
        return rows;
    }

    private Object acknowledge(JsonNode args) {
        String place =
                place(
                        args,
                        args.get("topic").asText(),
                        args.get("partition").asInt(),
                        args.get("offset").asLong());
        AcknowledgeType verdict = AcknowledgeType.valueOf(args.get("verdict").asText());
        member(args).acknowledge(polled.get(place), verdict);
        return null;
    }

    private Object commit(JsonNode args) {
        for (Optional<KafkaException> failure : member(args).commitSync().values()) {
            if (failure.isPresent()) throw failure.get();
        }
        return null;
    }

    private Object leave(JsonNode args) {
        running.remove(args.get("member").asInt()).close();
        return null;
    }

    private static String place(JsonNode args, String topic, int partition, long offset) {
        return args.get("member").asInt() + " " + topic + " " + partition + " " + offset;
    }

    private KafkaShareConsumer<byte[], byte[]> member(JsonNode args) {
        return running.get(args.get("member").asInt());
    }

    @Override
    public void close() {
        running.values().forEach(KafkaShareConsumer::close);
    }
}
