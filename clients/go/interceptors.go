package nianbao

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const principalKey = "nianbao-principal"

// AsPrincipal is a context whose calls say that this principal calls, whoever the client said.
func AsPrincipal(ctx context.Context, principal string) context.Context {
	out, _ := metadata.FromOutgoingContext(ctx)
	out = out.Copy()
	out.Set(principalKey, principal)
	return metadata.NewOutgoingContext(ctx, out)
}

func withPrincipal(ctx context.Context, principal string) context.Context {
	out, _ := metadata.FromOutgoingContext(ctx)
	if principal == "" || len(out.Get(principalKey)) > 0 {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, principalKey, principal)
}

func unaryPrincipal(principal string) grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, request, answer any,
		connection *grpc.ClientConn, call grpc.UnaryInvoker, options ...grpc.CallOption) error {
		return call(withPrincipal(ctx, principal), method, request, answer, connection, options...)
	}
}

func streamPrincipal(principal string) grpc.StreamClientInterceptor {
	return func(ctx context.Context, description *grpc.StreamDesc, connection *grpc.ClientConn,
		method string, open grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
		return open(withPrincipal(ctx, principal), description, connection, method, options...)
	}
}

// unaryCalls gives a write a request id where it has none, and turns what a call failed with into an
// *Error. gRPC repeats what it is given, so a write that is retried has the id of the first try and
// is answered with its first answer.
func unaryCalls(ctx context.Context, method string, request, answer any,
	connection *grpc.ClientConn, call grpc.UnaryInvoker, options ...grpc.CallOption) error {
	request = identified(request)
	err := call(ctx, method, request, answer, connection, options...)
	return errorOf(err, requestIDOf(request))
}

// streamCalls does both for streams: for each message that is sent, and for every error.
func streamCalls(ctx context.Context, description *grpc.StreamDesc, connection *grpc.ClientConn,
	method string, open grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
	stream, err := open(ctx, description, connection, method, options...)
	if err != nil {
		return nil, errorOf(err, "")
	}
	return &clientStream{ClientStream: stream}, nil
}

type clientStream struct{ grpc.ClientStream }

func (s *clientStream) SendMsg(message any) error {
	message = identified(message)
	err := s.ClientStream.SendMsg(message)
	return errorOf(err, requestIDOf(message))
}

func (s *clientStream) RecvMsg(message any) error {
	return errorOf(s.ClientStream.RecvMsg(message), "")
}

func (s *clientStream) Header() (metadata.MD, error) {
	header, err := s.ClientStream.Header()
	return header, errorOf(err, "")
}

func (s *clientStream) CloseSend() error {
	return errorOf(s.ClientStream.CloseSend(), "")
}

// errorOf is the *Error of what a call failed with. The end of a stream is none.
func errorOf(err error, requestID string) error {
	var known *Error
	if err == nil || errors.Is(err, io.EOF) || errors.As(err, &known) {
		return err
	}
	return fromStatus(err, requestID)
}

// writing finds the message that has a request_id: the request itself, or what it carries, as a
// header or an item of a stream does. It is nil in what is no write.
func writing(request protoreflect.Message) (above, id protoreflect.FieldDescriptor) {
	fields := request.Descriptor().Fields()
	if id := fields.ByName("request_id"); id != nil {
		return nil, id
	}
	for i := range fields.Len() {
		field := fields.Get(i)
		if field.Message() == nil || field.IsList() || !request.Has(field) {
			continue
		}
		if id := field.Message().Fields().ByName("request_id"); id != nil {
			return field, id
		}
	}
	return nil, nil
}

func requestIDOf(request any) string {
	message, ok := request.(proto.Message)
	if !ok {
		return ""
	}
	reflected := message.ProtoReflect()
	above, id := writing(reflected)
	switch {
	case id == nil:
		return ""
	case above != nil:
		return reflected.Get(above).Message().Get(id).String()
	default:
		return reflected.Get(id).String()
	}
}

// identified is the request with a request id of its own, where it is a write that has none. What
// the caller gave is left as it is: used again it is another write.
func identified(request any) any {
	message, ok := request.(proto.Message)
	if !ok || requestIDOf(message) != "" {
		return request
	}
	reflected := message.ProtoReflect()
	above, id := writing(reflected)
	if id == nil {
		return request
	}
	whole := shallow(reflected)
	part := whole
	if above != nil {
		part = shallow(reflected.Get(above).Message())
		whole.Set(above, protoreflect.ValueOfMessage(part))
	}
	// A check stores nothing, so there is no first answer to find again.
	only := part.Descriptor().Fields().ByName("validate_only")
	if only != nil && part.Get(only).Bool() {
		return request
	}
	part.Set(id, protoreflect.ValueOfString(randomID()))
	return whole.Interface()
}

// shallow is a copy of a message that shares what stands in it.
func shallow(message protoreflect.Message) protoreflect.Message {
	out := message.New()
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		out.Set(field, value)
		return true
	})
	out.SetUnknown(message.GetUnknown())
	return out
}

// randomID is a UUID of version 4.
func randomID() string {
	var id [16]byte
	// It never fails: without randomness the program ends.
	_, _ = rand.Read(id[:])
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
