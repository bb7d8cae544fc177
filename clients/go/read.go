package nianbao

import (
	"context"
	"errors"
	"io"
	"iter"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	nianbaov1 "nianbao/clients/go/nianbao/v1"
)

// Validate holds a report against all rules on the server, which also compares it with the report of
// the year before. A report with faults is no error.
func (c *Client) Validate(ctx context.Context, report *nianbaov1.Report) (
	[]*nianbaov1.Finding, error) {
	request := &nianbaov1.ValidateReportRequest{Report: report}
	answer, err := c.Reports.ValidateReport(ctx, request)
	if err != nil {
		return nil, err
	}
	return answer.GetFindings(), nil
}

// Get gets the latest revision of a report, organs/{organ}/reports/{year}-{scope}, or with
// /revisions/{revision} the one of that number. Reports.GetReport knows more: the effective
// revision, and reports as they stood.
func (c *Client) Get(ctx context.Context, name string) (*nianbaov1.Report, error) {
	return c.Reports.GetReport(ctx, &nianbaov1.GetReportRequest{Name: name})
}

// List lists reports, all pages of them. A page is asked for when the loop comes to it. After an
// error it ends.
func (c *Client) List(ctx context.Context, request *nianbaov1.ListReportsRequest) iter.Seq2[
	*nianbaov1.Report, error] {
	return func(yield func(*nianbaov1.Report, error) bool) {
		// The caller's request stays as it is, so that a second loop begins at its beginning.
		own := &nianbaov1.ListReportsRequest{}
		proto.Merge(own, request)
		for {
			page, err := c.Reports.ListReports(ctx, own)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, report := range page.GetReports() {
				if !yield(report, nil) {
					return
				}
			}
			own.PageToken = page.GetNextPageToken()
			if own.PageToken == "" {
				return
			}
		}
	}
}

// Aggregate sums every cell over the reports of an organ and all organs below it, one sum a year.
func (c *Client) Aggregate(ctx context.Context, request *nianbaov1.AggregateReportsRequest) (
	[]*nianbaov1.Aggregate, error) {
	answer, err := c.Aggregates.AggregateReports(ctx, request)
	if err != nil {
		return nil, err
	}
	return answer.GetAggregates(), nil
}

// asError is the *Error in an error; nil where there is none.
func asError(err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	return nil
}

func ended(err error) bool { return errors.Is(err, io.EOF) }

// unexpectedEnd is the error of a stream; that it ends without one before all answers came is one.
func unexpectedEnd(err error) error {
	if !ended(err) {
		return err
	}
	return &Error{
		Code: codes.Unavailable, Message: "the server ended the stream before the last answer",
		cause: err,
	}
}
