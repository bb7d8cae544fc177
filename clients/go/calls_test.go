package nianbao

import (
	"context"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	nianbaov1 "nianbao/clients/go/nianbao/v1"
)

var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// failing fails so many times with that code.
func failing(times int, code codes.Code) func(int) error {
	return func(try int) error {
		if try <= times {
			return status.Error(code, "not now")
		}
		return nil
	}
}

func (s *stub) requestID(call int) string { return requestIDOf(s.requests[call]) }

func TestARetriedWriteKeepsItsRequestID(t *testing.T) {
	server := &stub{submit: failing(2, codes.Unavailable)}
	report := &nianbaov1.Report{Title: strings.Repeat("年", 500_000)}
	if _, err := server.serve(t).Submit(t.Context(), report); err != nil {
		t.Fatal(err)
	}
	if len(server.requests) != 3 {
		t.Fatalf("%d tries", len(server.requests))
	}
	first := server.requestID(0)
	if !uuid.MatchString(first) || server.requestID(1) != first || server.requestID(2) != first {
		t.Errorf("the ids are %s, %s, %s", first, server.requestID(1), server.requestID(2))
	}
}

func TestOnlyWhatTheServiceConfigSaysIsRetried(t *testing.T) {
	for code, tries := range map[codes.Code]int{
		codes.Unavailable: 4, codes.Internal: 1, codes.Aborted: 1, codes.ResourceExhausted: 1,
	} {
		server := &stub{submit: failing(9, code)}
		_, err := server.serve(t).Submit(t.Context(), &nianbaov1.Report{})
		known := asError(err)
		if known == nil || known.Code != code || server.calls() != tries {
			t.Errorf("%v: %d tries, %v", code, server.calls(), err)
			continue
		}
		if known.RequestID != server.requestID(0) {
			t.Errorf("the error has the request id %q", known.RequestID)
		}
	}
}

func TestEachWriteHasARequestIDOfItsOwnAndTheRequestOfTheCallerStays(t *testing.T) {
	server := &stub{submit: failing(0, codes.OK)}
	client := server.serve(t)
	request := &nianbaov1.SubmitReportRequest{Name: "organs/a/reports/2023-own"}
	for range 2 {
		if _, err := client.Reports.SubmitReport(t.Context(), request); err != nil {
			t.Fatal(err)
		}
	}
	if server.requestID(0) == server.requestID(1) || request.GetRequestId() != "" {
		t.Errorf("the ids are %s and %s", server.requestID(0), server.requestID(1))
	}
}

func TestTheRequestIDOfTheCallerIsSent(t *testing.T) {
	server := &stub{submit: failing(0, codes.OK)}
	client := server.serve(t)
	report := &nianbaov1.Report{Organ: "organs/a"}
	for _, options := range [][]SubmitOption{
		{RequestID("mine")}, {ContentRequestID()}, {ContentRequestID()}, {ValidateOnly()},
	} {
		if _, err := client.Submit(t.Context(), report, options...); err != nil {
			t.Fatal(err)
		}
	}
	if server.requestID(0) != "mine" || server.requestID(3) != "" {
		t.Errorf("the ids are %s and %s", server.requestID(0), server.requestID(3))
	}
	// SHA-256 of the bytes 0a 0a 12 08 and organs/a.
	want := "adb3d3ae574bbdd62f494ce166afe6ff2655d50165dec62d707815b5c92b28d7"
	if server.requestID(1) != server.requestID(2) || server.requestID(1) != want {
		t.Errorf("the ids are %s and %s", server.requestID(1), server.requestID(2))
	}
}

func TestASubmissionHasItsOptions(t *testing.T) {
	server := &stub{submit: failing(0, codes.OK)}
	report := &nianbaov1.Report{Organ: "organs/a"}
	_, err := server.serve(t).Submit(t.Context(), report, Etag("e"), AsPublished("why"),
		Explain("0123456789abcdef", "because"), CheckFirst())
	if err != nil {
		t.Fatal(err)
	}
	want := &nianbaov1.SubmitReportRequest{
		Report: &nianbaov1.Report{Organ: "organs/a", Explanations: []*nianbaov1.Explanation{
			{Fingerprint: "0123456789abcdef", Text: "because"},
		}},
		Etag: "e", AsPublished: true, AsPublishedReason: "why", RequestId: server.requestID(0),
	}
	if !proto.Equal(server.requests[0], want) {
		t.Errorf("the request is %v", server.requests[0])
	}
}

func TestTheHeaderOfAnImportHasARequestID(t *testing.T) {
	server := &stub{}
	list := strings.NewReader(strings.Repeat("机", 200_000))
	if _, err := server.serve(t).ImportOrgans(t.Context(), list, nil); err != nil {
		t.Fatal(err)
	}
	if !uuid.MatchString(server.requestID(0)) {
		t.Errorf("the id is %q", server.requestID(0))
	}
	size := 0
	for _, request := range server.requests[1:] {
		size += len(request.(*nianbaov1.ImportOrgansRequest).GetChunk())
	}
	if size != 600_000 || len(server.requests) != 4 {
		t.Errorf("%d bytes in %d messages", size, len(server.requests))
	}
}

func TestADocumentThatIsRefusedBeforeItsEndSaysWhy(t *testing.T) {
	server := &stub{}
	endless := io.LimitReader(zeros{}, 64<<20)
	_, err := server.serve(t).Parse(t.Context(), endless, nil)
	if known := asError(err); known == nil || known.Message != "unreadable" {
		t.Errorf("the error is %v", err)
	}
}

func TestAFileThatCannotBeReadIsAnError(t *testing.T) {
	client := (&stub{}).serve(t)
	broken := io.MultiReader(strings.NewReader("机关编号"), failingReader{})
	if _, err := client.ImportOrgans(t.Context(), broken, nil); !errors.Is(err, errBroken) {
		t.Errorf("the error is %v", err)
	}
	if _, err := client.ParseFile(t.Context(), "absent.docx", nil); asError(err) == nil {
		t.Errorf("the error is %v", err)
	}
}

type zeros struct{}

func (zeros) Read(into []byte) (int, error) { return len(into), nil }

var errBroken = errors.New("the disk is gone")

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errBroken }

func TestTheDeadlineIsThatOfTheServiceConfigOrTheOption(t *testing.T) {
	for want, options := range map[time.Duration][]Option{
		60 * time.Second:  nil,
		300 * time.Second: {WithTimeout(300 * time.Second)},
	} {
		server := &stub{submit: failing(0, codes.OK)}
		if _, err := server.serve(t, options...).Submit(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		deadline, _ := server.contexts[0].Deadline()
		if left := time.Until(deadline); left > want || left < want-10*time.Second {
			t.Errorf("%v are left of %v", left, want)
		}
	}
}

func TestAnEarlierDeadlineOfTheCallerCounts(t *testing.T) {
	server := &stub{submit: func(int) error { time.Sleep(time.Second); return nil }}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := server.serve(t).Submit(ctx, nil)
	if !errors.Is(err, context.DeadlineExceeded) || asError(err) == nil {
		t.Errorf("the error is %v", err)
	}
}

func TestThePrincipalIsThatOfTheClientOrOfTheContext(t *testing.T) {
	server := &stub{submit: failing(0, codes.OK), pages: 1}
	client := server.serve(t, WithPrincipal("zhang"))
	for _, ctx := range []context.Context{t.Context(), AsPrincipal(t.Context(), "li")} {
		if _, err := client.Submit(ctx, nil); err != nil {
			t.Fatal(err)
		}
	}
	list := slices.Values([]*nianbaov1.Report{{}})
	for _, err := range client.SubmitAll(AsPrincipal(t.Context(), "wang"), list) {
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []string{"zhang", "li", "wang"} {
		got := metadata.ValueFromIncomingContext(server.contexts[i], principalKey)
		if !slices.Equal(got, []string{want}) {
			t.Errorf("the principal is %v, not %s", got, want)
		}
	}
}

func TestPagesAreAskedForWhenTheLoopComesToThem(t *testing.T) {
	server := &stub{pages: 3}
	client := server.serve(t)
	request := &nianbaov1.ListReportsRequest{Parent: "organs/-"}
	var names []string
	for report, err := range client.List(t.Context(), request) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, report.GetName())
		if want := (len(names) + 1) / 2; server.calls() != want {
			t.Errorf("%d pages were asked for at report %d", server.calls(), len(names))
		}
	}
	if len(names) != 6 || names[5] != "page 2, report 1" || request.GetPageToken() != "" {
		t.Errorf("the names are %v", names)
	}
	for range client.List(t.Context(), request) {
		break
	}
	if server.calls() != 4 {
		t.Errorf("%d pages were asked for in all", server.calls())
	}
}

func TestAListEndsWithItsError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	count := 0
	for report, err := range (&stub{}).serve(t).List(ctx, nil) {
		count++
		if report != nil || !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v", err)
		}
	}
	if count != 1 {
		t.Errorf("%d results", count)
	}
}
