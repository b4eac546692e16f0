package main

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// member is one member of a group; it reports its records and its assignment as they come.
type member struct {
	number int
	client *kgo.Client
	done   chan struct{}
	static bool

	lock      sync.Mutex
	owned     map[string]map[int32]bool
	positions map[string]map[int32]kgo.EpochOffset
}

func newMember(s settings, number int, args joinArgs) (*member, error) {
	m := &member{
		number:    number,
		done:      make(chan struct{}),
		static:    args.InstanceID != nil,
		owned:     map[string]map[int32]bool{},
		positions: map[string]map[int32]kgo.EpochOffset{},
	}
	options := []kgo.Opt{
		kgo.ConsumerGroup(args.Group),
		kgo.ConsumeTopics(args.Topics...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.SessionTimeout(time.Duration(args.SessionTimeoutMs) * time.Millisecond),
		kgo.HeartbeatInterval(300 * time.Millisecond),
		kgo.DisableAutoCommit(),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, added map[string][]int32) {
			m.change(added, true)
		}),
		kgo.OnPartitionsRevoked(m.lost),
		kgo.OnPartitionsLost(m.lost),
		isolation(args.CommittedOnly),
	}
	if args.InstanceID != nil {
		options = append(options, kgo.InstanceID(*args.InstanceID))
	}
	client, err := s.client(options...)
	m.client = client
	return m, err
}

func (m *member) lost(_ context.Context, _ *kgo.Client, gone map[string][]int32) {
	m.change(gone, false)
}

// change takes partitions in or gives them up, and says what is owned now.
func (m *member) change(partitions map[string][]int32, owned bool) {
	m.lock.Lock()
	defer m.lock.Unlock()
	for topic, numbers := range partitions {
		if m.owned[topic] == nil {
			m.owned[topic] = map[int32]bool{}
		}
		for _, number := range numbers {
			if owned {
				m.owned[topic][number] = true
			} else {
				delete(m.owned[topic], number)
				delete(m.positions[topic], number)
			}
		}
	}
	rows := [][2]any{}
	for topic, numbers := range m.owned {
		for number := range numbers {
			rows = append(rows, [2]any{topic, number})
		}
	}
	say(map[string]any{"member": m.number, "assignment": rows})
}

func (m *member) run() {
	defer close(m.done)
	for {
		fetches := m.client.PollFetches(context.Background())
		if fetches.IsClientClosed() {
			return
		}
		fetches.EachRecord(func(record *kgo.Record) {
			m.lock.Lock()
			defer m.lock.Unlock()
			if m.positions[record.Topic] == nil {
				m.positions[record.Topic] = map[int32]kgo.EpochOffset{}
			}
			m.positions[record.Topic][record.Partition] = kgo.EpochOffset{
				Epoch: record.LeaderEpoch, Offset: record.Offset + 1,
			}
			say(map[string]any{"member": m.number, "record": incoming(record)})
		})
	}
}

func (m *member) commit(ctx context.Context) error {
	m.lock.Lock()
	offsets := map[string]map[int32]kgo.EpochOffset{}
	for topic, partitions := range m.positions {
		offsets[topic] = map[int32]kgo.EpochOffset{}
		for number, position := range partitions {
			offsets[topic][number] = position
		}
	}
	m.lock.Unlock()
	result := make(chan error, 1)
	m.client.CommitOffsetsSync(ctx, offsets, committed(result))
	return <-result
}

func (m *member) leave() {
	m.client.Close() // leaves the group, unless the member is static
	<-m.done
}
