// franz-go behind a pipe: one JSON request a line in, one answer a line out.
//
//	{id, op, args}  ->  {id, result} or {id, error, code}
//	a running member also says, unasked: {member, record} and {member, assignment}
//
// Bytes travel as base64, null as null: as encoding/json has them.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

const callLimit = 30 * time.Second

type operation func(ctx context.Context, args json.RawMessage) (any, error)

type request struct {
	ID   int64           `json:"id"`
	Op   string          `json:"op"`
	Args json.RawMessage `json:"args"`
}

var output sync.Mutex

// say writes one line; members report from goroutines of their own.
func say(line any) {
	text, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	output.Lock()
	defer output.Unlock()
	os.Stdout.Write(append(text, '\n'))
}

// codeOf is the wire's error code, 0 where there is none.
func codeOf(err error) int16 {
	var known *kerr.Error
	if errors.As(err, &known) {
		return known.Code
	}
	return 0
}

func answer(r request, operations map[string]operation) map[string]any {
	run, known := operations[r.Op]
	if !known {
		return map[string]any{"id": r.ID, "error": "no operation " + r.Op, "code": 0}
	}
	ctx, cancel := context.WithTimeout(context.Background(), callLimit)
	defer cancel()
	result, err := run(ctx, r.Args)
	if err != nil {
		return map[string]any{"id": r.ID, "error": err.Error(), "code": codeOf(err)}
	}
	return map[string]any{"id": r.ID, "result": result}
}

// with gives an operation its arguments, decoded.
func with[A any](run func(ctx context.Context, args A) (any, error)) operation {
	return func(ctx context.Context, raw json.RawMessage) (any, error) {
		var args A
		if err := json.Unmarshal(raw, &args); err != nil {
			return nil, fmt.Errorf("arguments: %w", err)
		}
		return run(ctx, args)
	}
}

func main() {
	settings := settings{bootstrap: os.Args[1]}
	operations := map[string]operation{}
	members := newMembers(settings)
	defer members.close()
	transactions := newTransactions(settings)
	defer transactions.close()
	administration := newAdministration(settings)
	defer administration.close()
	operations["produce"] = with(settings.produce)
	members.register(operations)
	transactions.register(operations)
	administration.register(operations)

	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 256<<20)
	for lines.Scan() {
		var r request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			panic(err)
		}
		say(answer(r, operations))
	}
}
