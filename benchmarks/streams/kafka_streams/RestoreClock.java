import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.streams.processor.StateRestoreListener;

/** Prints `restored SECONDS` each time a store is complete, since the first one began. */
public final class RestoreClock implements StateRestoreListener {
    private long startedNanos;

    @Override
    public synchronized void onRestoreStart(TopicPartition from, String store, long start, long end) {
        if (startedNanos == 0) {
            startedNanos = System.nanoTime();
        }
    }

    @Override
    public void onBatchRestored(TopicPartition from, String store, long end, long restored) {
    }

    @Override
    public synchronized void onRestoreEnd(TopicPartition from, String store, long restored) {
        System.out.println("restored " + (System.nanoTime() - startedNanos) / 1e9);
    }
}
