package main

import (
	"context"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

type settings struct{ bootstrap string }

// client makes a client with what all of them have, and more.
func (s settings) client(more ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(strings.Split(s.bootstrap, ",")...),
		kgo.MetadataMinAge(50 * time.Millisecond),
		kgo.RetryTimeout(20 * time.Second),
		kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond }),
		kgo.FetchMaxWait(100 * time.Millisecond),
		kgo.UnknownTopicRetries(20),
	}, more...)...)
}

type outgoing struct {
	Key         *[]byte  `json:"key"`
	Value       *[]byte  `json:"value"`
	Headers     [][2]any `json:"headers"`
	TimestampMs *int64   `json:"timestamp_ms"`
	Partition   *int32   `json:"partition"`
}

type produceArgs struct {
	Topic      string     `json:"topic"`
	Records    []outgoing `json:"records"`
	Codec      string     `json:"codec"`
	Acks       string     `json:"acks"`
	Idempotent bool       `json:"idempotent"`
	BatchBytes int32      `json:"batch_bytes"`
}

var codecs = map[string]kgo.CompressionCodec{
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

var acks = map[string]kgo.Acks{"all": kgo.AllISRAcks(), "1": kgo.LeaderAck(), "0": kgo.NoAck()}

func (s settings) produce(ctx context.Context, args produceArgs) (any, error) {
	options := []kgo.Opt{
		kgo.ProducerBatchCompression(codecs[args.Codec]),
		kgo.RequiredAcks(acks[args.Acks]),
		kgo.ProducerBatchMaxBytes(args.BatchBytes),
		kgo.RecordPartitioner(chosenOrByKey{}),
		kgo.ProducerLinger(5 * time.Millisecond),
	}
	if !args.Idempotent || args.Acks != "all" {
		options = append(options, kgo.DisableIdempotentWrite())
	}
	client, err := s.client(options...)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return send(ctx, client, args.Topic, args.Records, args.Acks == "0")
}

// send sends in order and waits for all: where each record went.
func send(
	ctx context.Context, client *kgo.Client, topic string, records []outgoing, blind bool,
) (any, error) {
	made := make([]*kgo.Record, len(records))
	for i, record := range records {
		made[i] = record.record(topic)
	}
	results := client.ProduceSync(ctx, made...)
	if err := results.FirstErr(); err != nil {
		return nil, err
	}
	rows := make([][2]int64, len(made))
	for i, record := range made {
		rows[i] = [2]int64{int64(record.Partition), record.Offset}
		if blind {
			rows[i][1] = -1
		}
	}
	return rows, nil
}

// chosenOrByKey takes the partition that a record names, else (-1) asks franz-go's own partitioner.
type chosenOrByKey struct{}

func (chosenOrByKey) ForTopic(topic string) kgo.TopicPartitioner {
	return &topicPartitioner{byKey: kgo.StickyKeyPartitioner(nil).ForTopic(topic)}
}

type topicPartitioner struct{ byKey kgo.TopicPartitioner }

func (p *topicPartitioner) RequiresConsistency(r *kgo.Record) bool {
	return r.Partition >= 0 || p.byKey.RequiresConsistency(r)
}

func (p *topicPartitioner) Partition(r *kgo.Record, n int) int {
	if r.Partition >= 0 {
		return int(r.Partition)
	}
	return p.byKey.Partition(r, n)
}
