import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/** Consumers: members of groups, each with its thread, and readers of one partition. */
final class Members implements AutoCloseable {
    private static final Duration READ_LIMIT = Duration.ofSeconds(20);

    private final Settings settings;
    private final Map<Integer, Member> running = new HashMap<>();
    private int next = 1;

    Members(Settings settings) {
        this.settings = settings;
    }

    void register(Map<String, Driver.Operation> operations) {
        operations.put("join", this::join);
        operations.put("commit", args -> running.get(args.get("member").asInt()).commit());
        operations.put("leave", args -> running.remove(args.get("member").asInt()).leave());
        operations.put("read", this::read);
        operations.put("commitOffsets", this::commitOffsets);
    }

    private Object join(JsonNode args) {
        Map<String, Object> own = settings.consumer();
        own.put("group.id", args.get("group").asText());
        own.put("isolation.level", isolation(args));
        String protocol = args.path("protocol").asText("classic");
        own.put("group.protocol", protocol);
        if (protocol.equals("classic")) {
            own.put("session.timeout.ms", args.get("session_timeout_ms").asInt());
            own.put("heartbeat.interval.ms", 300);
        }
        if (args.hasNonNull("instance_id")) {
            own.put("group.instance.id", args.get("instance_id").asText());
        }
        List<String> topics = new ArrayList<>();
        args.get("topics").forEach(topic -> topics.add(topic.asText()));
        Member member = new Member(next, new KafkaConsumer<>(own), topics);
        running.put(next, member);
        member.start();
        return next++;
    }

    private Object read(JsonNode args) {
        Map<String, Object> own = settings.consumer();
        own.put("isolation.level", isolation(args));
        TopicPartition partition =
                new TopicPartition(args.get("topic").asText(), args.get("partition").asInt());
        int count = args.get("count").asInt();
        List<Object> rows = new ArrayList<>();
        long end = System.nanoTime() + READ_LIMIT.toNanos();
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(own)) {
            consumer.assign(List.of(partition));
            long offset = args.get("offset").asLong();
            if (offset < 0) consumer.seekToBeginning(List.of(partition));
            else consumer.seek(partition, offset);
            while (rows.size() < count && System.nanoTime() < end) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
                    if (rows.size() < count) rows.add(Settings.incoming(record));
                }
            }
        }
        return rows;
    }

    private Object commitOffsets(JsonNode args) {
        Map<String, Object> own = settings.consumer();
        own.put("group.id", args.get("group").asText());
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        for (JsonNode row : args.get("partitions")) {
            offsets.put(
                    new TopicPartition(args.get("topic").asText(), row.get("partition").asInt()),
                    new OffsetAndMetadata(row.get("offset").asLong()));
        }
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(own)) {
            consumer.commitSync(offsets);
        }
        return null;
    }

    private static String isolation(JsonNode args) {
        return args.get("committed_only").asBoolean() ? "read_committed" : "read_uncommitted";
    }

    @Override
    public void close() throws Exception {
        for (Member member : running.values()) member.leave();
    }
}
