package main

import (
	"encoding/base64"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func (o outgoing) record(topic string) *kgo.Record {
	record := &kgo.Record{Topic: topic, Partition: -1}
	if o.Key != nil {
		record.Key = present(*o.Key)
	}
	if o.Value != nil {
		record.Value = present(*o.Value)
	}
	if o.TimestampMs != nil {
		record.Timestamp = time.UnixMilli(*o.TimestampMs)
	}
	if o.Partition != nil {
		record.Partition = *o.Partition
	}
	for _, pair := range o.Headers {
		made := kgo.RecordHeader{Key: pair[0].(string)}
		if text, set := pair[1].(string); set {
			made.Value, _ = base64.StdEncoding.DecodeString(text)
			made.Value = present(made.Value)
		}
		record.Headers = append(record.Headers, made)
	}
	return record
}

// present is never nil: to franz-go nil is null and an empty slice is empty.
func present(data []byte) []byte {
	if data == nil {
		return []byte{}
	}
	return data
}

func incoming(record *kgo.Record) map[string]any {
	headers := make([][2]any, len(record.Headers))
	for i, header := range record.Headers {
		headers[i] = [2]any{header.Key, header.Value}
	}
	return map[string]any{
		"topic":        record.Topic,
		"partition":    record.Partition,
		"offset":       record.Offset,
		"key":          record.Key,
		"value":        record.Value,
		"headers":      headers,
		"timestamp_ms": record.Timestamp.UnixMilli(),
	}
}
