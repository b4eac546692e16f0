import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import com.fasterxml.jackson.databind.JsonNode;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** What every client is configured with, and how records look as JSON. */
final class Settings {
    private final String bootstrap;

    Settings(String bootstrap) {
        this.bootstrap = bootstrap;
    }

    Map<String, Object> common() {
        Map<String, Object> settings = new LinkedHashMap<>();
        settings.put("bootstrap.servers", bootstrap);
        settings.put("reconnect.backoff.ms", 20);
        settings.put("reconnect.backoff.max.ms", 200);
        settings.put("request.timeout.ms", 10_000);
        settings.put("default.api.timeout.ms", 20_000);
        return settings;
    }

    Map<String, Object> producer() {
        Map<String, Object> settings = common();
        settings.remove("default.api.timeout.ms");
        settings.put("key.serializer", ByteArraySerializer.class);
        settings.put("value.serializer", ByteArraySerializer.class);
        settings.put("linger.ms", 5);
        settings.put("delivery.timeout.ms", 20_000);
        return settings;
    }

    Map<String, Object> consumer() {
        Map<String, Object> settings = common();
        settings.put("key.deserializer", ByteArrayDeserializer.class);
        settings.put("value.deserializer", ByteArrayDeserializer.class);
        settings.put("auto.offset.reset", "earliest");
        settings.put("enable.auto.commit", false);
        settings.put("fetch.max.wait.ms", 100);
        return settings;
    }

    static byte[] decode(JsonNode text) {
        return text == null || text.isNull() ? null : Base64.getDecoder().decode(text.asText());
    }

    private static String encode(byte[] data) {
        return data == null ? null : Base64.getEncoder().encodeToString(data);
    }

    static ProducerRecord<byte[], byte[]> outgoing(String topic, JsonNode record) {
        JsonNode partition = record.get("partition");
        JsonNode timestamp = record.get("timestamp_ms");
        ProducerRecord<byte[], byte[]> made =
                new ProducerRecord<>(
                        topic,
                        partition.isNull() ? null : partition.asInt(),
                        timestamp.isNull() ? null : timestamp.asLong(),
                        decode(record.get("key")),
                        decode(record.get("value")));
        for (JsonNode header : record.get("headers")) {
            made.headers().add(header.get(0).asText(), decode(header.get(1)));
        }
        return made;
    }

    static Map<String, Object> incoming(ConsumerRecord<byte[], byte[]> record) {
        Map<String, Object> row = new TreeMap<>();
        row.put("topic", record.topic());
        row.put("partition", record.partition());
        row.put("offset", record.offset());
        row.put("key", encode(record.key()));
        row.put("value", encode(record.value()));
        row.put("timestamp_ms", record.timestamp());
        Header[] headers = record.headers().toArray();
        Object[] pairs = new Object[headers.length];
        for (int i = 0; i < headers.length; i++) {
            pairs[i] = new Object[] {headers[i].key(), encode(headers[i].value())};
        }
        row.put("headers", pairs);
        return row;
    }
}
