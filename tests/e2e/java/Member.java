import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/** One member of a group; its consumer belongs to its thread, what others want of it queues up. */
final class Member implements ConsumerRebalanceListener {
    private final int number;
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final List<String> topics;
    private final Map<TopicPartition, Long> positions = new HashMap<>();
    private final ConcurrentLinkedQueue<Runnable> wishes = new ConcurrentLinkedQueue<>();
    private final Thread thread;
    private volatile boolean leaving;

    Member(int number, KafkaConsumer<byte[], byte[]> consumer, List<String> topics) {
        this.number = number;
        this.consumer = consumer;
        this.topics = topics;
        this.thread = new Thread(this::run, "member-" + number);
    }

    void start() {
        thread.start();
    }

    private void run() {
        try (consumer) {
            consumer.subscribe(topics, this);
            while (!leaving) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(50))) {
                    positions.put(
                            new TopicPartition(record.topic(), record.partition()),
                            record.offset() + 1);
                    say("record", Settings.incoming(record));
                }
                for (Runnable wish = wishes.poll(); wish != null; wish = wishes.poll()) wish.run();
            }
        }
    }

    Object commit() throws Exception {
        CompletableFuture<Object> done = new CompletableFuture<>();
        wishes.add(
                () -> {
                    try {
                        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
                        positions.forEach((p, next) -> offsets.put(p, new OffsetAndMetadata(next)));
                        consumer.commitSync(offsets);
                        done.complete(null);
                    } catch (RuntimeException error) {
                        done.completeExceptionally(error);
                    }
                });
        return done.get();
    }

    Object leave() throws Exception {
        leaving = true;
        thread.join();
        return null;
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> added) {
        sayAssignment();
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> revoked) {
        revoked.forEach(positions::remove);
        List<TopicPartition> left = new ArrayList<>(consumer.assignment());
        left.removeAll(revoked);
        say("assignment", rows(left));
    }

    private void sayAssignment() {
        say("assignment", rows(consumer.assignment()));
    }

    private static List<Object> rows(Collection<TopicPartition> partitions) {
        List<Object> rows = new ArrayList<>();
        for (TopicPartition p : partitions) rows.add(new Object[] {p.topic(), p.partition()});
        return rows;
    }

    private void say(String what, Object told) {
        Map<String, Object> line = new TreeMap<>();
        line.put("member", number);
        line.put(what, told);
        try {
            Driver.say(line);
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
    }
}
