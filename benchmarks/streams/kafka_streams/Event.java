import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.streams.processor.TimestampExtractor;

/** One click: who, how long it took, when. */
public record Event(String user, int ms, long at) {
    /** Event time is in the value, as for the other frameworks. */
    public static final class Time implements TimestampExtractor {
        @Override
        public long extract(ConsumerRecord<Object, Object> record, long partitionTime) {
            return ((Event) record.value()).at();
        }
    }
}
