package main

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const readLimit = 20 * time.Second

type joinArgs struct {
	Group            string   `json:"group"`
	Topics           []string `json:"topics"`
	InstanceID       *string  `json:"instance_id"`
	SessionTimeoutMs int64    `json:"session_timeout_ms"`
	CommittedOnly    bool     `json:"committed_only"`
	Protocol         string   `json:"protocol"`
}

type memberArgs struct {
	Member int `json:"member"`
}

type readArgs struct {
	Topic         string `json:"topic"`
	Partition     int32  `json:"partition"`
	Offset        int64  `json:"offset"`
	Count         int    `json:"count"`
	CommittedOnly bool   `json:"committed_only"`
}

type members struct {
	settings settings
	running  map[int]*member
	next     int
}

func newMembers(s settings) *members {
	return &members{settings: s, running: map[int]*member{}, next: 1}
}

func (m *members) register(operations map[string]operation) {
	operations["join"] = with(m.join)
	operations["commit"] = with(m.commit)
	operations["leave"] = with(m.leave)
	operations["read"] = with(m.read)
	operations["commitOffsets"] = with(m.commitOffsets)
}

func (m *members) join(_ context.Context, args joinArgs) (any, error) {
	number := m.next
	m.next++
	joined, err := newMember(m.settings, number, args)
	if err != nil {
		return nil, err
	}
	m.running[number] = joined
	go joined.run()
	return number, nil
}

func (m *members) commit(ctx context.Context, args memberArgs) (any, error) {
	return nil, m.running[args.Member].commit(ctx)
}

func (m *members) leave(_ context.Context, args memberArgs) (any, error) {
	m.running[args.Member].leave()
	delete(m.running, args.Member)
	return nil, nil
}

func (m *members) close() {
	for _, joined := range m.running {
		joined.leave()
	}
}

func isolation(committedOnly bool) kgo.Opt {
	if committedOnly {
		return kgo.FetchIsolationLevel(kgo.ReadCommitted())
	}
	return kgo.FetchIsolationLevel(kgo.ReadUncommitted())
}

func (m *members) read(ctx context.Context, args readArgs) (any, error) {
	start := kgo.NewOffset().AtStart()
	if args.Offset >= 0 {
		start = kgo.NewOffset().At(args.Offset)
	}
	client, err := m.settings.client(
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{
			args.Topic: {args.Partition: start},
		}),
		isolation(args.CommittedOnly),
	)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	rows := []any{}
	for len(rows) < args.Count && ctx.Err() == nil {
		for _, record := range client.PollRecords(ctx, args.Count-len(rows)).Records() {
			rows = append(rows, incoming(record))
		}
	}
	return rows, nil
}

type partitionOffset struct {
	Partition int32 `json:"partition"`
	Offset    int64 `json:"offset,string"`
}

type commitOffsetsArgs struct {
	Group      string            `json:"group"`
	Topic      string            `json:"topic"`
	Partitions []partitionOffset `json:"partitions"`
}

func (m *members) commitOffsets(ctx context.Context, args commitOffsetsArgs) (any, error) {
	client, err := m.settings.client()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	offsets := kadm.Offsets{}
	for _, row := range args.Partitions {
		offsets.AddOffset(args.Topic, row.Partition, row.Offset, -1)
	}
	return nil, kadm.NewClient(client).CommitAllOffsets(ctx, args.Group, offsets)
}
