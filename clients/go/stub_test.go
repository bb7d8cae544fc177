package nianbao

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	nianbaov1 "nianbao/clients/go/nianbao/v1"
)

// stub is a server that does as a test says.
type stub struct {
	nianbaov1.UnimplementedReportServiceServer
	nianbaov1.UnimplementedOrganServiceServer
	nianbaov1.UnimplementedDocumentServiceServer

	mutex    sync.Mutex
	contexts []context.Context
	requests []proto.Message

	submit func(try int) error
	watch  func(try int, send func(*nianbaov1.WatchChangesResponse) error) error
	pages  int
}

// note keeps a call and says which of the test it is, from 1.
func (s *stub) note(ctx context.Context, request proto.Message) int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.contexts = append(s.contexts, ctx)
	s.requests = append(s.requests, request)
	return len(s.requests)
}

func (s *stub) calls() int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return len(s.requests)
}

func (s *stub) SubmitReport(ctx context.Context, request *nianbaov1.SubmitReportRequest) (
	*nianbaov1.SubmitReportResponse, error) {
	return &nianbaov1.SubmitReportResponse{}, s.submit(s.note(ctx, request))
}

func (s *stub) ListReports(ctx context.Context, request *nianbaov1.ListReportsRequest) (
	*nianbaov1.ListReportsResponse, error) {
	s.note(ctx, request)
	page, _ := strconv.Atoi(request.GetPageToken())
	answer := &nianbaov1.ListReportsResponse{}
	if page < s.pages-1 {
		answer.NextPageToken = strconv.Itoa(page + 1)
	}
	for i := range 2 {
		name := fmt.Sprintf("page %d, report %d", page, i)
		answer.Reports = append(answer.Reports, &nianbaov1.Report{Name: name})
	}
	return answer, nil
}

func (s *stub) SubmitReports(stream grpc.BidiStreamingServer[
	nianbaov1.SubmitReportsRequest, nianbaov1.SubmitReportsResponse]) error {
	for index := int64(0); ; index++ {
		item, err := stream.Recv()
		if err != nil {
			return nil
		}
		s.note(stream.Context(), item)
		title := item.GetSubmission().GetReport().GetTitle()
		if title == "break" {
			return status.Error(codes.Unavailable, "broken")
		}
		answer := &nianbaov1.SubmitReportsResponse{
			Index: index, Report: &nianbaov1.Report{Title: title},
		}
		if err := stream.Send(answer); err != nil {
			return err
		}
	}
}

func (s *stub) ImportOrgans(stream grpc.ClientStreamingServer[
	nianbaov1.ImportOrgansRequest, nianbaov1.ImportOrgansResponse]) error {
	for {
		request, err := stream.Recv()
		if err != nil {
			return stream.SendAndClose(&nianbaov1.ImportOrgansResponse{})
		}
		s.note(stream.Context(), request)
	}
}

func (s *stub) ParseDocument(stream grpc.ClientStreamingServer[
	nianbaov1.ParseDocumentRequest, nianbaov1.ParseDocumentResponse]) error {
	request, err := stream.Recv()
	if err != nil {
		return err
	}
	s.note(stream.Context(), request)
	return status.Error(codes.InvalidArgument, "unreadable")
}

func (s *stub) WatchChanges(request *nianbaov1.WatchChangesRequest,
	stream grpc.ServerStreamingServer[nianbaov1.WatchChangesResponse]) error {
	return s.watch(s.note(stream.Context(), request), stream.Send)
}

// serve starts the stub and connects to it.
func (s *stub) serve(t *testing.T, options ...Option) *Client {
	t.Helper()
	target := listen(t, s)
	client, err := Connect(target, append([]Option{WithPlaintext()}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// listen starts the stub on the loopback until the test ends, and says where.
func listen(t *testing.T, s *stub, options ...grpc.ServerOption) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(append(options, grpc.MaxRecvMsgSize(messageBytesMax))...)
	nianbaov1.RegisterReportServiceServer(server, s)
	nianbaov1.RegisterOrganServiceServer(server, s)
	nianbaov1.RegisterDocumentServiceServer(server, s)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return listener.Addr().String()
}
