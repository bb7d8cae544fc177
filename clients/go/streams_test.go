package nianbao

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	nianbaov1 "nianbao/clients/go/nianbao/v1"
)

func titled(titles ...string) []*nianbaov1.Report {
	var out []*nianbaov1.Report
	for _, title := range titles {
		out = append(out, &nianbaov1.Report{Title: title})
	}
	return out
}

func TestSubmitAllAnswersInOrderAndGoesOnAfterWhatItDoesNotSend(t *testing.T) {
	server := &stub{}
	reports := titled("a", strings.Repeat("x", messageBytesMax), "b")
	reports = append(reports, example(t, "refused.json"))
	var got []string
	for result, err := range server.serve(t).SubmitAll(
		t.Context(), slices.Values(reports[:3])) {
		if err != nil {
			t.Fatal(err)
		}
		if result.GetIndex() != int64(len(got)) {
			t.Errorf("result %d comes at %d", result.GetIndex(), len(got))
		}
		got = append(got, result.GetReport().GetTitle()+result.GetRefusal().GetReason())
	}
	if !slices.Equal(got, []string{"a", "REPORT_TOO_LARGE", "b"}) {
		t.Errorf("the results are %v", got)
	}
	for result, err := range server.serve(t).SubmitAll(
		t.Context(), slices.Values(reports[3:]), CheckFirst()) {
		if err != nil || result.GetRefusal().GetReason() != "REPORT_HAS_ERRORS" ||
			len(result.GetFindings()) != 2 || result.GetCounts().GetErrors() != 2 {
			t.Errorf("the result is %v, %v", result, err)
		}
	}
	if server.calls() != 2 {
		t.Errorf("%d were sent", server.calls())
	}
}

func TestSubmitAllMakesTheSameRequestIDsAgain(t *testing.T) {
	server := &stub{}
	client := server.serve(t)
	for range 2 {
		for _, err := range client.SubmitAll(t.Context(), slices.Values(titled("a", "b"))) {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	id := server.requestID
	if id(0) == id(1) || id(0) != id(2) || id(1) != id(3) || len(id(0)) != 64 {
		t.Errorf("the ids are %s, %s, %s, %s", id(0), id(1), id(2), id(3))
	}
}

func TestSubmissionsOfAStreamMayEachHaveAnEtag(t *testing.T) {
	server := &stub{}
	report := titled("a")[0]
	requests := []*nianbaov1.SubmitReportRequest{{Report: report}, {Report: report, Etag: "e"}}
	for _, err := range server.serve(t).SubmitAllRequests(t.Context(), slices.Values(requests)) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if server.requestID(0) == server.requestID(1) {
		t.Error("an etag makes no other submission")
	}
	if requests[0].GetRequestId() != "" {
		t.Error("the request of the caller was changed")
	}
}

func TestSubmitAllEndsWithTheErrorOfTheStream(t *testing.T) {
	var got []string
	var last error
	for result, err := range (&stub{}).serve(t).SubmitAll(
		t.Context(), slices.Values(titled("a", "break", "b"))) {
		got, last = append(got, result.GetReport().GetTitle()), err
	}
	if known := asError(last); known == nil || known.Code != codes.Unavailable {
		t.Errorf("the error is %v", last)
	}
	if !slices.Equal(got, []string{"a", ""}) {
		t.Errorf("the results are %v", got)
	}
}

func TestSubmitAllStopsReadingWhereTheLoopStops(t *testing.T) {
	read, ended := 0, false
	endless := func(yield func(*nianbaov1.Report) bool) {
		defer func() { ended = true }()
		for yield(&nianbaov1.Report{}) {
			read++
		}
	}
	for range (&stub{}).serve(t).SubmitAll(t.Context(), endless) {
		break
	}
	if !ended || read > itemsAheadMax+2 {
		t.Errorf("%d were read, ended: %v", read, ended)
	}
}

func TestSubmitAllOfNothingIsNothing(t *testing.T) {
	for range (&stub{}).serve(t).SubmitAll(t.Context(), slices.Values(titled())) {
		t.Error("there is a result")
	}
}

func TestSubmitAllWithoutAServerIsAnError(t *testing.T) {
	client, err := Connect("127.0.0.1:1", WithPlaintext())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	for _, err := range client.SubmitAll(t.Context(), slices.Values(titled())) {
		if known := asError(err); known == nil || known.Code != codes.Unavailable {
			t.Errorf("the error is %v", err)
		}
		return
	}
	t.Error("there is no error")
}

// positions sends messages with these positions.
func positions(send func(*nianbaov1.WatchChangesResponse) error, positions ...string) error {
	for _, position := range positions {
		if err := send(&nianbaov1.WatchChangesResponse{Position: position}); err != nil {
			return err
		}
	}
	return nil
}

func TestAWatchGoesOnAfterTheLastPosition(t *testing.T) {
	server := &stub{watch: func(try int,
		send func(*nianbaov1.WatchChangesResponse) error) error {
		switch try {
		case 1: // the server stops
			return positions(send, "1", "2")
		case 2: // the connection breaks
			_ = positions(send, "3")
			return status.Error(codes.Unavailable, "lost")
		default:
			return positions(send, "4", "5")
		}
	}}
	request := &nianbaov1.WatchChangesRequest{FromNow: true}
	var got []string
	for message, err := range server.serve(t).Watch(t.Context(), request) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, message.GetPosition()); len(got) == 4 {
			break
		}
	}
	if !slices.Equal(got, []string{"1", "2", "3", "4"}) {
		t.Errorf("the positions are %v", got)
	}
	for i, want := range []string{"", "2", "3"} {
		sent := server.requests[i].(*nianbaov1.WatchChangesRequest)
		if sent.GetAfter() != want || sent.GetFromNow() != (i == 0) {
			t.Errorf("request %d is %v", i, sent)
		}
	}
	if !request.GetFromNow() || request.GetAfter() != "" {
		t.Errorf("the request of the caller is %v", request)
	}
}

func TestAWatchEndsWhereTheServerRefusesIt(t *testing.T) {
	server := &stub{watch: func(try int,
		send func(*nianbaov1.WatchChangesResponse) error) error {
		if try == 1 {
			return positions(send, "1")
		}
		return status.Error(codes.DataLoss, "damaged")
	}}
	var last error
	for _, err := range server.serve(t).Watch(t.Context(), nil) {
		last = err
	}
	if known := asError(last); known == nil || known.Code != codes.DataLoss {
		t.Errorf("the error is %v", last)
	}
}

func TestAWatchThatNeverBeganEndsWithItsError(t *testing.T) {
	server := &stub{watch: func(int, func(*nianbaov1.WatchChangesResponse) error) error {
		return status.Error(codes.Unavailable, "no")
	}}
	for _, err := range server.serve(t).Watch(t.Context(), nil) {
		if known := asError(err); known == nil || known.Code != codes.Unavailable {
			t.Errorf("the error is %v", err)
		}
	}
	if server.calls() != 4 {
		t.Errorf("%d tries", server.calls())
	}
}

func TestAWatchGoesOnWhereNoHeartbeatComes(t *testing.T) {
	t.Parallel() // it waits for seven seconds
	server := &stub{}
	server.watch = func(try int, send func(*nianbaov1.WatchChangesResponse) error) error {
		_ = positions(send, strconv.Itoa(try))
		server.mutex.Lock()
		ctx := server.contexts[try-1]
		server.mutex.Unlock()
		<-ctx.Done()
		return nil
	}
	request := &nianbaov1.WatchChangesRequest{HeartbeatSeconds: 1}
	var got []string
	for message, err := range server.serve(t).Watch(t.Context(), request) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, message.GetPosition()); len(got) == 2 {
			break
		}
	}
	if !slices.Equal(got, []string{"1", "2"}) {
		t.Errorf("the positions are %v", got)
	}
}

func TestAWatchEndsWithItsContext(t *testing.T) {
	server := &stub{watch: func(_ int,
		send func(*nianbaov1.WatchChangesResponse) error) error {
		_ = positions(send, "1")
		time.Sleep(time.Second)
		return nil
	}}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for message, err := range server.serve(t).Watch(ctx, nil) {
		cancel()
		if message == nil {
			last = err
		}
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("the error is %v", last)
	}
}

func TestTheWaitsOfAWatchGrowToTheirLimit(t *testing.T) {
	wait, err := backoffOf("nianbao.v1.ReportService/WatchChanges")
	if err != nil {
		t.Fatal(err)
	}
	for tries, want := range map[int]time.Duration{
		1: 200 * time.Millisecond, 2: 400 * time.Millisecond, 5: 3 * time.Second,
		99: 3 * time.Second,
	} {
		if got := wait.after(tries); got != want {
			t.Errorf("after %d tries: %v", tries, got)
		}
	}
	if _, err := backoffOf("nianbao.v1.ReportService/SubmitReports"); err == nil {
		t.Error("a stream of writes is retried")
	}
}

// certificate is a folder with the certificate and key of localhost, made where it is not there.
func certificate(t *testing.T) string {
	t.Helper()
	folder := os.Getenv("NIANBAO_TLS")
	if folder == "" {
		folder = t.TempDir()
	}
	if out, err := exec.Command("../make-certificate", folder).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return folder
}

func TestTLSKnowsTheServerByTheCertificateThatIsTrusted(t *testing.T) {
	folder := certificate(t)
	files := TLS{
		CA:          filepath.Join(folder, "cert.pem"),
		Certificate: filepath.Join(folder, "cert.pem"),
		Key:         filepath.Join(folder, "key.pem"),
	}
	own, err := files.config()
	if err != nil {
		t.Fatal(err)
	}
	// The certificate serves as that of the client, too, which this server wants to see.
	own.ClientCAs, own.ClientAuth = own.RootCAs, 4
	target := listen(t, &stub{pages: 1}, grpc.Creds(credentials.NewTLS(own)))

	for name, choice := range map[string]Option{
		"trusted": WithTLS(files),
		"of the system": WithTLS(TLS{
			Certificate: files.Certificate, Key: files.Key,
		}),
		"without a client": WithTLS(TLS{CA: files.CA}),
		"of another name":  WithTLS(TLS{CA: files.CA, ServerName: "other.example"}),
		"plaintext":        WithPlaintext(),
	} {
		// Without a server that can be known each try fails, and the first tells enough.
		client, err := Connect(target, choice, WithDialOptions(grpc.WithDisableRetry()))
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Reports.ListReports(t.Context(), &nianbaov1.ListReportsRequest{})
		if (err == nil) != (name == "trusted") {
			t.Errorf("%s: %v", name, err)
		}
		_ = client.Close()
	}
}
