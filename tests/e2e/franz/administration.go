package main

import (
	"context"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

type adminArgs struct {
	Topic       string            `json:"topic"`
	Partitions  int32             `json:"partitions"`
	Configs     map[string]string `json:"configs"`
	Count       int               `json:"count"`
	Key         string            `json:"key"`
	Value       string            `json:"value"`
	TimestampMs int64             `json:"timestamp_ms"`
	Partition   int32             `json:"partition"`
	Offset      int64             `json:"offset,string"`
	Group       string            `json:"group"`
}

type administration struct {
	client *kgo.Client
	admin  *kadm.Client
}

func newAdministration(s settings) *administration {
	client, err := s.client()
	if err != nil {
		panic(err)
	}
	return &administration{client: client, admin: kadm.NewClient(client)}
}

func (a *administration) close() { a.client.Close() }

func (a *administration) register(operations map[string]operation) {
	for name, run := range map[string]func(context.Context, adminArgs) (any, error){
		"topics":           a.topics,
		"createTopic":      a.createTopic,
		"deleteTopic":      a.deleteTopic,
		"createPartitions": a.createPartitions,
		"configs":          a.configs,
		"setConfig":        a.setConfig,
		"offsets":          a.offsets,
		"offsetsForTime":   a.offsetsForTime,
		"deleteRecords":    a.deleteRecords,
		"committed":        a.committed,
		"groups":           a.groups,
		"describeGroup":    a.describeGroup,
		"deleteGroup":      a.deleteGroup,
	} {
		operations[name] = with(run)
	}
}

// topics asks the broker: kadm would answer from a cache.
func (a *administration) topics(ctx context.Context, _ adminArgs) (any, error) {
	request := kmsg.NewPtrMetadataRequest()
	request.Topics = nil
	found, err := request.RequestWith(ctx, a.client)
	if err != nil {
		return nil, err
	}
	rows := [][2]any{}
	for _, topic := range found.Topics {
		if !topic.IsInternal {
			rows = append(rows, [2]any{*topic.Topic, len(topic.Partitions)})
		}
	}
	return rows, nil
}

func (a *administration) createTopic(ctx context.Context, args adminArgs) (any, error) {
	configs := map[string]*string{}
	for key, value := range args.Configs {
		configs[key] = kadm.StringPtr(value)
	}
	_, err := a.admin.CreateTopic(ctx, args.Partitions, 1, configs, args.Topic)
	return true, err
}

func (a *administration) deleteTopic(ctx context.Context, args adminArgs) (any, error) {
	_, err := a.admin.DeleteTopic(ctx, args.Topic)
	return nil, err
}

func (a *administration) createPartitions(ctx context.Context, args adminArgs) (any, error) {
	found, err := a.admin.UpdatePartitions(ctx, args.Count, args.Topic)
	if err == nil {
		err = found.Error()
	}
	return nil, err
}

func (a *administration) configs(ctx context.Context, args adminArgs) (any, error) {
	found, err := a.admin.DescribeTopicConfigs(ctx, args.Topic)
	if err != nil {
		return nil, err
	}
	rows := [][2]any{}
	for _, resource := range found {
		for _, config := range resource.Configs {
			rows = append(rows, [2]any{config.Key, config.Value})
		}
	}
	return rows, nil
}

func (a *administration) setConfig(ctx context.Context, args adminArgs) (any, error) {
	change := kadm.AlterConfig{Op: kadm.SetConfig, Name: args.Key, Value: &args.Value}
	found, err := a.admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{change}, args.Topic)
	for _, row := range found {
		if err == nil {
			err = row.Err
		}
	}
	return nil, err
}

func (a *administration) offsets(ctx context.Context, args adminArgs) (any, error) {
	low, err := a.admin.ListStartOffsets(ctx, args.Topic)
	if err != nil {
		return nil, err
	}
	high, err := a.admin.ListEndOffsets(ctx, args.Topic)
	if err == nil {
		err = high.Error()
	}
	rows := []any{}
	low.Each(func(first kadm.ListedOffset) {
		last, _ := high.Lookup(first.Topic, first.Partition)
		rows = append(rows, map[string]any{
			"partition": first.Partition, "low": first.Offset, "high": last.Offset,
		})
	})
	return rows, err
}

// offsetsForTime: franz-go answers with the end where no record is that young, at timestamp -1.
func (a *administration) offsetsForTime(ctx context.Context, args adminArgs) (any, error) {
	found, err := a.admin.ListOffsetsAfterMilli(ctx, args.TimestampMs, args.Topic)
	rows := []any{}
	found.Each(func(row kadm.ListedOffset) {
		offset := row.Offset
		if row.Timestamp < 0 {
			offset = -1
		}
		rows = append(rows, map[string]any{"partition": row.Partition, "offset": offset})
	})
	return rows, err
}

func (a *administration) deleteRecords(ctx context.Context, args adminArgs) (any, error) {
	offsets := kadm.Offsets{}
	offsets.AddOffset(args.Topic, args.Partition, args.Offset, -1)
	found, err := a.admin.DeleteRecords(ctx, offsets)
	if err == nil {
		err = found.Error()
	}
	return nil, err
}

func (a *administration) committed(ctx context.Context, args adminArgs) (any, error) {
	found, err := a.admin.FetchOffsets(ctx, args.Group)
	rows := []any{}
	found.Each(func(row kadm.OffsetResponse) {
		if row.Topic == args.Topic {
			rows = append(rows, map[string]any{"partition": row.Partition, "offset": row.At})
		}
	})
	return rows, err
}

func (a *administration) groups(ctx context.Context, _ adminArgs) (any, error) {
	found, err := a.admin.ListGroups(ctx)
	return found.Groups(), err
}

func (a *administration) describeGroup(ctx context.Context, args adminArgs) (any, error) {
	found, err := a.admin.DescribeGroups(ctx, args.Group)
	if err != nil {
		return nil, err
	}
	group := found[args.Group]
	return []any{group.State, len(group.Members)}, group.Err
}

func (a *administration) deleteGroup(ctx context.Context, args adminArgs) (any, error) {
	_, err := a.admin.DeleteGroup(ctx, args.Group)
	return nil, err
}
