package nianbao

import (
	"context"
	"crypto/sha256"
	"fmt"
	"iter"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	nianbaov1 "nianbao/clients/go/nianbao/v1"
)

// SubmitOption is a choice about a submission.
type SubmitOption func(*submission)

type submission struct {
	request *nianbaov1.SubmitReportRequest
	check   bool
	content bool
}

// Etag refuses the submission where the report is not as it was read with that etag.
func Etag(etag string) SubmitOption {
	return func(s *submission) { s.request.Etag = etag }
}

// Explain adds the explanation of a finding, by its fingerprint, to a submitted report.
func Explain(fingerprint, text string) SubmitOption {
	return func(s *submission) {
		if s.request.Report == nil {
			return // a draft has its explanations already
		}
		report := proto.CloneOf(s.request.Report)
		report.Explanations = append(report.Explanations,
			&nianbaov1.Explanation{Fingerprint: fingerprint, Text: text})
		s.request.Report = report
	}
}

// AsPublished submits a report of the past with the errors with which it was published, and says
// why.
func AsPublished(reason string) SubmitOption {
	return func(s *submission) { s.request.AsPublished, s.request.AsPublishedReason = true, reason }
}

// ValidateOnly checks only: the same checks and answer, nothing stored.
func ValidateOnly() SubmitOption {
	return func(s *submission) { s.request.ValidateOnly = true }
}

// RequestID is an id of the caller's choice: a repetition gets the first answer. Without one each
// call has a random id, and is a submission of its own.
func RequestID(id string) SubmitOption {
	return func(s *submission) { s.request.RequestId, s.content = id, false }
}

// ContentRequestID makes the request id from what is submitted, so that a program that is run again
// is answered with the first answer. The items of SubmitAll always have such an id.
func ContentRequestID() SubmitOption {
	return func(s *submission) { s.content = true }
}

// CheckFirst holds the report against the rules before it is sent, and fails with the error of the
// server and its Findings where the server would refuse it. What is submitted as published, and a
// draft, are not checked.
func CheckFirst() SubmitOption {
	return func(s *submission) { s.check = true }
}

// Submit submits a report.
func (c *Client) Submit(ctx context.Context, report *nianbaov1.Report, options ...SubmitOption) (
	*nianbaov1.SubmitReportResponse, error) {
	return c.submit(ctx, &nianbaov1.SubmitReportRequest{Report: report}, options)
}

// SubmitDraft submits the stored draft of that name, organs/{organ}/reports/{year}-{scope}.
func (c *Client) SubmitDraft(ctx context.Context, name string, options ...SubmitOption) (
	*nianbaov1.SubmitReportResponse, error) {
	return c.submit(ctx, &nianbaov1.SubmitReportRequest{Name: name}, options)
}

func (c *Client) submit(ctx context.Context, request *nianbaov1.SubmitReportRequest,
	options []SubmitOption) (*nianbaov1.SubmitReportResponse, error) {
	s, err := submissionOf(request, options)
	if err != nil {
		return nil, err
	}
	if err := s.checked(); err != nil {
		return nil, err
	}
	return c.Reports.SubmitReport(ctx, s.request)
}

func submissionOf(request *nianbaov1.SubmitReportRequest, options []SubmitOption) (
	*submission, error) {
	s := &submission{request: request}
	for _, option := range options {
		option(s)
	}
	if s.content && s.request.GetRequestId() == "" && !s.request.GetValidateOnly() {
		id, err := contentID(s.request)
		if err != nil {
			return nil, err
		}
		s.request.RequestId = id
	}
	return s, nil
}

// contentID is made as the command line of nianbao makes it: the hash of the submission without its
// request id.
func contentID(request *nianbaov1.SubmitReportRequest) (string, error) {
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(request)
	if err != nil {
		return "", refusal(err, "the submission cannot be encoded: %v", err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(encoded)), nil
}

// checked is the error of a report that the server would refuse, where CheckFirst is chosen.
func (s *submission) checked() error {
	if !s.check || s.request.GetReport() == nil || s.request.GetAsPublished() {
		return nil
	}
	findings, err := ValidateOffline(s.request.GetReport())
	if err != nil {
		return err
	}
	if refused := fromFindings(s.request.GetReport(), findings); refused != nil {
		return refused
	}
	return nil
}

// itemsAheadMax is how many items may be sent whose answers were not taken yet. The server holds
// back earlier.
const itemsAheadMax = 256

// SubmitAll submits many reports as one stream and yields one result for each, in order: what was
// taken has a receipt, what was refused a refusal with its findings. A refusal does not end the
// stream; an error does, and nobody knows then of the reports without a result whether they were
// taken. Run it again with the same reports: each has a request id that is made of its content, so
// that what was taken is answered with its first answer.
//
// The reports are read in another goroutine, as fast as the server takes them, which has ended when
// the loop has.
//
// A report that was sent back and is submitted again unchanged is answered with its first answer too:
// with its etag it is another submission. See SubmitAllRequests.
func (c *Client) SubmitAll(ctx context.Context, reports iter.Seq[*nianbaov1.Report],
	options ...SubmitOption) iter.Seq2[*nianbaov1.SubmitReportsResponse, error] {
	requests := func(yield func(*nianbaov1.SubmitReportRequest) bool) {
		for report := range reports {
			if !yield(&nianbaov1.SubmitReportRequest{Report: report}) {
				return
			}
		}
	}
	return c.SubmitAllRequests(ctx, requests, options...)
}

// SubmitAllRequests is SubmitAll of submissions that each say how they are meant, such as with which
// etag, and of drafts. The options go on top; the requests stay as they are.
func (c *Client) SubmitAllRequests(ctx context.Context,
	requests iter.Seq[*nianbaov1.SubmitReportRequest], options ...SubmitOption) iter.Seq2[
	*nianbaov1.SubmitReportsResponse, error] {
	return func(yield func(*nianbaov1.SubmitReportsResponse, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		stream, err := c.Reports.SubmitReports(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		// One entry an item: nil where it was sent, else the answer that it got here.
		items := make(chan *nianbaov1.SubmitReportsResponse, itemsAheadMax)
		go func() {
			defer close(items)
			sendAll(ctx, stream, requests, options, items)
		}()
		// The caller's reports are not read any more when its loop has ended.
		defer func() {
			cancel()
			for range items { // until it is closed
			}
		}()
		index := int64(0)
		for answer := range items {
			if answer == nil {
				if answer, err = stream.Recv(); err != nil {
					yield(nil, unexpectedEnd(err))
					return
				}
			}
			answer.Index = index
			index++
			if !yield(answer, nil) {
				return
			}
		}
		// What failed while nothing was sent, such as the connection, shows here.
		if _, err := stream.Recv(); err != nil && !ended(err) {
			yield(nil, err)
		}
	}
}

// sendAll sends the requests and tells of each whether it was sent.
func sendAll(ctx context.Context,
	stream grpc.BidiStreamingClient[
		nianbaov1.SubmitReportsRequest, nianbaov1.SubmitReportsResponse],
	requests iter.Seq[*nianbaov1.SubmitReportRequest], options []SubmitOption,
	items chan<- *nianbaov1.SubmitReportsResponse) {
	for request := range requests {
		item, refused := itemOf(request, options)
		broken := refused == nil && stream.Send(item) != nil
		select {
		case items <- refused:
		case <-ctx.Done():
			return
		}
		if broken {
			return // the answer to it says why
		}
	}
	// An error of it shows where the answers are read.
	_ = stream.CloseSend()
}

// itemOf is one item of the stream, or the answer to it where it is not to be sent: one message that
// is too large would end the stream for all that come after it.
func itemOf(request *nianbaov1.SubmitReportRequest, options []SubmitOption) (
	*nianbaov1.SubmitReportsRequest, *nianbaov1.SubmitReportsResponse) {
	options = append([]SubmitOption{ContentRequestID()}, options...)
	own, _ := shallow(request.ProtoReflect()).Interface().(*nianbaov1.SubmitReportRequest)
	s, err := submissionOf(own, options)
	if err == nil {
		err = s.checked()
	}
	if err != nil {
		return nil, refusedHere(err)
	}
	item := &nianbaov1.SubmitReportsRequest{Submission: s.request}
	if size := proto.Size(item); size > messageBytesMax {
		return nil, refusedHere(tooLarge(size))
	}
	return item, nil
}

func tooLarge(size int) *Error {
	reason := nianbaov1.ErrorReason_ERROR_REASON_REPORT_TOO_LARGE
	zh, _ := labelOf(reason)
	text := fmt.Sprintf("the submission has %d bytes, more than %d", size, messageBytesMax)
	out := &Error{Code: codes.InvalidArgument, Message: text, MessageZh: zh}
	out.setReason(strings.TrimPrefix(reason.String(), reasonPrefix))
	return out
}

// refusedHere is the answer to an item that was not sent.
func refusedHere(err error) *nianbaov1.SubmitReportsResponse {
	out := &nianbaov1.SubmitReportsResponse{Refusal: &nianbaov1.Refusal{
		Code: int32(code.Code_INVALID_ARGUMENT), MessageEn: err.Error(),
	}}
	if known := asError(err); known != nil {
		out.Findings = known.Findings
		out.Counts = countsOf(known.Findings)
		out.Refusal.Reason = known.ReasonText
		out.Refusal.MessageEn, out.Refusal.MessageZh = known.Message, known.MessageZh
	}
	return out
}

func countsOf(findings []*nianbaov1.Finding) *nianbaov1.FindingCounts {
	counts := &nianbaov1.FindingCounts{}
	for _, finding := range findings {
		switch finding.GetSeverity() {
		case nianbaov1.Severity_SEVERITY_ERROR:
			counts.Errors++
		case nianbaov1.Severity_SEVERITY_WARNING:
			counts.Warnings++
		default:
			counts.Infos++
		}
		if finding.GetDerived() {
			counts.Derived++
		}
	}
	return counts
}
