package main

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// committed hands the first error of a commit, or nil, to `result`.
func committed(
	result chan<- error,
) func(*kgo.Client, *kmsg.OffsetCommitRequest, *kmsg.OffsetCommitResponse, error) {
	return func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, r *kmsg.OffsetCommitResponse, err error) {
		if err == nil {
			for _, topic := range r.Topics {
				for _, partition := range topic.Partitions {
					if e := kerr.ErrorForCode(partition.ErrorCode); e != nil && err == nil {
						err = e
					}
				}
			}
		}
		result <- err
	}
}
