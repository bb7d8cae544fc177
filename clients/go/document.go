package nianbao

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/proto"

	nianbaov1 "nianbao/clients/go/nianbao/v1"
)

// chunkBytes is how much of a file goes into one message. The server takes up to 1 MiB.
const chunkBytes = 256 << 10

// Parse reads a published report, .docx, .html or .txt. The header says what the document does not
// state, such as the organ; it may be nil.
func (c *Client) Parse(ctx context.Context, document io.Reader, header *nianbaov1.DocumentHeader) (
	*nianbaov1.ParseDocumentResponse, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.Documents.ParseDocument(ctx)
	if err != nil {
		return nil, err
	}
	if header == nil {
		header = &nianbaov1.DocumentHeader{}
	}
	first := &nianbaov1.ParseDocumentRequest{
		Content: &nianbaov1.ParseDocumentRequest_Header{Header: header},
	}
	chunk := func(bytes []byte) *nianbaov1.ParseDocumentRequest {
		return &nianbaov1.ParseDocumentRequest{
			Content: &nianbaov1.ParseDocumentRequest_Chunk{Chunk: bytes},
		}
	}
	if err := sendFile(document, first, chunk, stream.Send); err != nil {
		return nil, err
	}
	return stream.CloseAndRecv()
}

// ParseFile is Parse of a file, whose name goes into the header.
func (c *Client) ParseFile(ctx context.Context, path string, header *nianbaov1.DocumentHeader) (
	*nianbaov1.ParseDocumentResponse, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, refusal(err, "cannot read the document: %v", err)
	}
	// It was only read.
	defer func() { _ = file.Close() }()
	named := &nianbaov1.DocumentHeader{}
	if header != nil {
		named = proto.CloneOf(header)
	}
	named.FileName = filepath.Base(path)
	return c.Parse(ctx, file, named)
}

// ImportOrgans registers the organs of a .csv or .xlsx file. Organs that stand as their row says are
// left as they are, so that a list can be sent again. The header may be nil.
func (c *Client) ImportOrgans(ctx context.Context, list io.Reader,
	header *nianbaov1.ImportOrgansHeader) (*nianbaov1.ImportOrgansResponse, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.Organs.ImportOrgans(ctx)
	if err != nil {
		return nil, err
	}
	if header == nil {
		header = &nianbaov1.ImportOrgansHeader{}
	}
	first := &nianbaov1.ImportOrgansRequest{
		Content: &nianbaov1.ImportOrgansRequest_Header{Header: header},
	}
	chunk := func(bytes []byte) *nianbaov1.ImportOrgansRequest {
		return &nianbaov1.ImportOrgansRequest{
			Content: &nianbaov1.ImportOrgansRequest_Chunk{Chunk: bytes},
		}
	}
	if err := sendFile(list, first, chunk, stream.Send); err != nil {
		return nil, err
	}
	return stream.CloseAndRecv()
}

// sendFile sends a header and the bytes of a file.
func sendFile[M any](file io.Reader, header M, chunk func([]byte) M, send func(M) error) error {
	message := header
	for {
		err := send(message)
		if ended(err) {
			return nil // the server has answered, and says why when the answer is read
		}
		if err != nil {
			return err
		}
		bytes := make([]byte, chunkBytes)
		length, err := io.ReadFull(file, bytes)
		if length == 0 && errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return refusal(err, "cannot read the file: %v", err)
		}
		message = chunk(bytes[:length])
	}
}
