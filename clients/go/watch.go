package nianbao

import (
	"context"
	"iter"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	nianbaov1 "nianbao/clients/go/nianbao/v1"
)

const (
	// heartbeatDefault is the limit heartbeat_seconds_default of the server.
	heartbeatDefault = 15 * time.Second
	// silenceGrace is what a message may be late, beyond two heartbeats.
	silenceGrace = 5 * time.Second
)

// Watch follows changes of reports, organs and deadlines, without end: each change at least once, and
// heartbeats between them, which have a position and no change. Whoever keeps the last position goes
// on after it another day, with it as `after`.
//
// Where the connection is lost, where the server stops, and where no heartbeat comes, it goes on
// after the last position by itself, with backoff, until the context is done. What fails before the
// first message, and what the server refuses, ends it with an error.
func (c *Client) Watch(ctx context.Context, request *nianbaov1.WatchChangesRequest) iter.Seq2[
	*nianbaov1.WatchChangesResponse, error] {
	return func(yield func(*nianbaov1.WatchChangesResponse, error) bool) {
		wait, err := backoffOf("nianbao.v1.ReportService/WatchChanges")
		if err != nil {
			yield(nil, err)
			return
		}
		// Its beginning moves on, and that of the caller stays.
		own := &nianbaov1.WatchChangesRequest{}
		proto.Merge(own, request)
		begun, tries := false, 0
		for {
			stopped := false
			err := c.watchOnce(ctx, own, func(message *nianbaov1.WatchChangesResponse) bool {
				begun, tries = true, 0
				own.After, own.FromNow = message.GetPosition(), false
				stopped = !yield(message, nil)
				return !stopped
			})
			if stopped {
				return
			}
			if ctx.Err() != nil || !begun || !lost(err) {
				yield(nil, err)
				return
			}
			tries++
			// Half of it by chance, so that many watchers of one server do not come at once.
			pause := wait.after(tries)
			pause = pause/2 + rand.N(pause/2+1)
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
		}
	}
}

// lost says whether a stream broke, rather than that the server refused it: only a server gives a
// reason.
func lost(err error) bool {
	known := asError(err)
	return known != nil && known.Code == codes.Unavailable && known.ReasonText == ""
}

// watchOnce follows one stream until it ends, and says why it did.
func (c *Client) watchOnce(ctx context.Context, request *nianbaov1.WatchChangesRequest,
	take func(*nianbaov1.WatchChangesResponse) bool) error {
	heartbeat := heartbeatDefault
	if request.GetHeartbeatSeconds() > 0 {
		heartbeat = time.Duration(request.GetHeartbeatSeconds()) * time.Second
	}
	attempt, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silent := &Error{Code: codes.Unavailable, Message: "no heartbeat came"}
	limit := 2*heartbeat + silenceGrace
	// A connection that is dead without a word shows by its silence alone.
	silence := time.AfterFunc(limit, func() { cancel(silent) })
	defer silence.Stop()
	stream, err := c.Reports.WatchChanges(attempt, request)
	if err != nil {
		return err
	}
	for {
		message, err := stream.Recv()
		if context.Cause(attempt) == silent {
			return silent
		}
		if err != nil {
			return unexpectedEnd(err)
		}
		// However long the caller takes for a message, the server is not silent meanwhile.
		silence.Stop()
		if !take(message) {
			return nil
		}
		silence.Reset(limit)
	}
}
