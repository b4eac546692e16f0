import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;

/** Topics, offsets, settings and groups through one admin client. */
final class Administration implements AutoCloseable {
    private final Admin admin;

    Administration(Settings settings) {
        admin = Admin.create(settings.common());
    }

    void register(Map<String, Driver.Operation> operations) {
        operations.put("topics", args -> topics());
        operations.put("createTopic", this::createTopic);
        operations.put("deleteTopic", args -> admin.deleteTopics(one(args, "topic")).all().get());
        operations.put("createPartitions", this::createPartitions);
        operations.put("configs", this::configs);
        operations.put("setConfig", this::setConfig);
        operations.put("offsets", this::offsets);
        operations.put("offsetsForTime", this::offsetsForTime);
        operations.put("deleteRecords", this::deleteRecords);
        operations.put("committed", this::committed);
        operations.put("groups", args -> groups());
        operations.put("describeGroup", this::describeGroup);
        operations.put(
                "deleteGroup", args -> admin.deleteConsumerGroups(one(args, "group")).all().get());
    }

    private static List<String> one(JsonNode args, String name) {
        return List.of(args.get(name).asText());
    }

    private Object topics() throws Exception {
        List<Object> rows = new ArrayList<>();
        admin.describeTopics(admin.listTopics().names().get())
                .allTopicNames()
                .get()
                .forEach((name, topic) -> rows.add(new Object[] {name, topic.partitions().size()}));
        return rows;
    }

    private Object createTopic(JsonNode args) throws Exception {
        Map<String, String> configs = new HashMap<>();
        args.get("configs")
                .properties()
                .forEach(e -> configs.put(e.getKey(), e.getValue().asText()));
        NewTopic topic =
                new NewTopic(args.get("topic").asText(), args.get("partitions").asInt(), (short) 1);
        admin.createTopics(List.of(topic.configs(configs))).all().get();
        return true;
    }

    private Object createPartitions(JsonNode args) throws Exception {
        NewPartitions wanted = NewPartitions.increaseTo(args.get("count").asInt());
        admin.createPartitions(Map.of(args.get("topic").asText(), wanted)).all().get();
        return null;
    }

    private Object configs(JsonNode args) throws Exception {
        ConfigResource topic = topicResource(args);
        Config found = admin.describeConfigs(List.of(topic)).all().get().get(topic);
        List<Object> rows = new ArrayList<>();
        for (ConfigEntry entry : found.entries()) {
            rows.add(new Object[] {entry.name(), entry.value()});
        }
        return rows;
    }

    private Object setConfig(JsonNode args) throws Exception {
        ConfigEntry entry = new ConfigEntry(args.get("key").asText(), args.get("value").asText());
        AlterConfigOp set = new AlterConfigOp(entry, AlterConfigOp.OpType.SET);
        admin.incrementalAlterConfigs(Map.of(topicResource(args), List.of(set))).all().get();
        return null;
    }

    private static ConfigResource topicResource(JsonNode args) {
        return new ConfigResource(ConfigResource.Type.TOPIC, args.get("topic").asText());
    }

    private Object offsets(JsonNode args) throws Exception {
        Map<TopicPartition, ListOffsetsResultInfo> low = list(args, OffsetSpec.earliest());
        Map<TopicPartition, ListOffsetsResultInfo> high = list(args, OffsetSpec.latest());
        List<Object> rows = new ArrayList<>();
        low.forEach(
                (partition, first) ->
                        rows.add(
                                Map.of(
                                        "partition", partition.partition(),
                                        "low", first.offset(),
                                        "high", high.get(partition).offset())));
        return rows;
    }

    private Object offsetsForTime(JsonNode args) throws Exception {
        OffsetSpec spec = OffsetSpec.forTimestamp(args.get("timestamp_ms").asLong());
        List<Object> rows = new ArrayList<>();
        list(args, spec)
                .forEach((p, found) -> rows.add(Map.of("partition", p.partition(), "offset", found.offset())));
        return rows;
    }

    private Map<TopicPartition, ListOffsetsResultInfo> list(JsonNode args, OffsetSpec spec)
            throws Exception {
        String topic = args.get("topic").asText();
        Map<TopicPartition, OffsetSpec> wanted = new HashMap<>();
        admin.describeTopics(List.of(topic))
                .allTopicNames()
                .get()
                .get(topic)
                .partitions()
                .forEach(p -> wanted.put(new TopicPartition(topic, p.partition()), spec));
        return admin.listOffsets(wanted).all().get();
    }

    private Object deleteRecords(JsonNode args) throws Exception {
        TopicPartition partition =
                new TopicPartition(args.get("topic").asText(), args.get("partition").asInt());
        RecordsToDelete before = RecordsToDelete.beforeOffset(args.get("offset").asLong());
        admin.deleteRecords(Map.of(partition, before)).all().get();
        return null;
    }

    private Object committed(JsonNode args) throws Exception {
        String group = args.get("group").asText();
        String topic = args.get("topic").asText();
        List<Object> rows = new ArrayList<>();
        Map<TopicPartition, OffsetAndMetadata> found =
                admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
        found.forEach(
                (partition, offset) -> {
                    if (partition.topic().equals(topic) && offset != null) {
                        rows.add(
                                Map.of("partition", partition.partition(), "offset", offset.offset()));
                    }
                });
        return rows;
    }

    private Object groups() throws Exception {
        List<String> names = new ArrayList<>();
        admin.listGroups().all().get().forEach(group -> names.add(group.groupId()));
        return names;
    }

    private Object describeGroup(JsonNode args) throws Exception {
        String group = args.get("group").asText();
        var found = admin.describeConsumerGroups(List.of(group)).all().get().get(group);
        return new Object[] {found.groupState().toString(), found.members().size()};
    }

    @Override
    public void close() {
        admin.close();
    }
}
