package main

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

type transactionArgs struct {
	TransactionalID string     `json:"transactional_id"`
	TimeoutMs       int64      `json:"timeout_ms"`
	Producer        int        `json:"producer"`
	Topic           string     `json:"topic"`
	Records         []outgoing `json:"records"`
}

// transactions are producers that have a transactional id, each known by its number.
type transactions struct {
	settings  settings
	producers map[int]*kgo.Client
	next      int
}

func newTransactions(s settings) *transactions {
	return &transactions{settings: s, producers: map[int]*kgo.Client{}, next: 1}
}

func (t *transactions) register(operations map[string]operation) {
	operations["txnOpen"] = with(t.open)
	operations["txnBegin"] = with(t.begin)
	operations["txnSend"] = with(t.send)
	operations["txnCommit"] = with(t.end(kgo.TryCommit))
	operations["txnAbort"] = with(t.end(kgo.TryAbort))
	operations["txnClose"] = with(t.closeOne)
}

// open also fences whoever used the id before: franz-go asks for its producer id right away.
func (t *transactions) open(ctx context.Context, args transactionArgs) (any, error) {
	client, err := t.settings.client(
		kgo.TransactionalID(args.TransactionalID),
		kgo.TransactionTimeout(time.Duration(args.TimeoutMs)*time.Millisecond),
		kgo.RecordPartitioner(chosenOrByKey{}),
	)
	if err != nil {
		return nil, err
	}
	if _, _, err := client.ProducerID(ctx); err != nil {
		client.Close()
		return nil, err
	}
	t.producers[t.next] = client
	t.next++
	return t.next - 1, nil
}

func (t *transactions) begin(_ context.Context, args transactionArgs) (any, error) {
	return nil, t.producers[args.Producer].BeginTransaction()
}

func (t *transactions) send(ctx context.Context, args transactionArgs) (any, error) {
	return send(ctx, t.producers[args.Producer], args.Topic, args.Records, false)
}

func (t *transactions) end(
	how kgo.TransactionEndTry,
) func(context.Context, transactionArgs) (any, error) {
	return func(ctx context.Context, args transactionArgs) (any, error) {
		return nil, t.producers[args.Producer].EndTransaction(ctx, how)
	}
}

func (t *transactions) closeOne(_ context.Context, args transactionArgs) (any, error) {
	t.producers[args.Producer].Close()
	delete(t.producers, args.Producer)
	return nil, nil
}

func (t *transactions) close() {
	for _, client := range t.producers {
		client.Close()
	}
}
