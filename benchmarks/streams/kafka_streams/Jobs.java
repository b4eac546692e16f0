import java.time.Duration;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.EmitStrategy;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.WindowedSerdes;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.WindowStore;

/** The jobs as topologies, each with Kafka Streams' own defaults for stores and caches. */
public final class Jobs {
    private static final Duration WINDOW = Duration.ofMinutes(1);
    private static final Duration RETENTION = Duration.ofHours(1);
    private static boolean said;

    public record Doubled(String user, int ms) {
    }

    public static void build(String job, StreamsBuilder builder, String source, String target) {
        KStream<String, Event> events = builder.stream(source,
            Consumed.with(Serdes.String(), Json.of(Event.class))
                .withTimestampExtractor(new Event.Time()));
        switch (job) {
            case "map" -> map(events, target);
            case "count", "restore" -> count(events, target);
            case "sum" -> sum(events, target);
            default -> throw new IllegalArgumentException(job);
        }
    }

    private static void map(KStream<String, Event> events, String target) {
        events.mapValues(event -> {
            sayFirst();
            return new Doubled(event.user(), event.ms() * 2);
        }).to(target, Produced.with(Serdes.String(), Json.of(Doubled.class)));
    }

    private static void count(KStream<String, Event> events, String target) {
        Materialized<String, Long, KeyValueStore<Bytes, byte[]>> store =
            Materialized.with(Serdes.String(), Serdes.Long());
        events.groupByKey(Grouped.with(Serdes.String(), Json.of(Event.class)))
            .aggregate(() -> 0L, (user, event, count) -> {
                sayFirst();
                return count + 1;
            }, store)
            .toStream()
            .to(target, Produced.with(Serdes.String(), Json.of(Long.class)));
    }

    /** Windows come out once, when they close; a jump of time must not make the store forget them. */
    private static void sum(KStream<String, Event> events, String target) {
        Materialized<String, Long, WindowStore<Bytes, byte[]>> store =
            Materialized.with(Serdes.String(), Serdes.Long());
        events.groupByKey(Grouped.with(Serdes.String(), Json.of(Event.class)))
            .windowedBy(TimeWindows.ofSizeWithNoGrace(WINDOW))
            .emitStrategy(EmitStrategy.onWindowClose())
            .aggregate(() -> 0L, (user, event, total) -> {
                sayFirst();
                return total + event.ms();
            }, store.withRetention(RETENTION))
            .toStream()
            .to(target, Produced.with(
                WindowedSerdes.timeWindowedSerdeFrom(String.class, WINDOW.toMillis()),
                Json.of(Long.class)));
    }

    private static void sayFirst() {
        if (!said) {
            said = true;
            System.out.println("first " + System.currentTimeMillis() / 1000.0);
        }
    }
}
