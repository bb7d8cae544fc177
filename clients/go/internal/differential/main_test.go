package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"testing"

	"google.golang.org/protobuf/proto"

	nianbaov1 "nianbao/clients/go/nianbao/v1"
)

// record is a report that lacks everything but its prose, with these lines as the expectation.
func record(t *testing.T, lines string) []byte {
	t.Helper()
	encoded, err := proto.Marshal(&nianbaov1.Overview{Text: "正文"})
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	for _, part := range [][]byte{encoded, []byte(lines)} {
		out = binary.BigEndian.AppendUint32(out, uint32(len(part)))
		out = append(out, part...)
	}
	return out
}

func compareBytes(t *testing.T, records []byte) (count, differing int) {
	t.Helper()
	count, differing, err := compare(bufio.NewReader(bytes.NewReader(records)))
	if err != nil {
		t.Fatal(err)
	}
	return count, differing
}

func TestAReportThatDiffersIsCounted(t *testing.T) {
	// The text of a part has the number of the name of a report.
	agreed := "disputes\trequired\nedition\trequired\nother_matters\trequired\n" +
		"overview\trequired\nproblems\trequired\nrequests\trequired\nscope\trequired\n" +
		"year\trequired\n"
	if count, differing := compareBytes(t, record(t, agreed)); count != 1 || differing != 0 {
		t.Errorf("%d of %d differ", differing, count)
	}
	both := append(record(t, agreed), record(t, "")...)
	if count, differing := compareBytes(t, both); count != 2 || differing != 1 {
		t.Errorf("%d of %d differ", differing, count)
	}
}

func TestAFileThatEndsWithinARecordIsAnError(t *testing.T) {
	whole := record(t, "")
	for _, size := range []int{2, 6, len(whole) - 2} {
		_, _, err := compare(bufio.NewReader(bytes.NewReader(whole[:size])))
		if err == nil {
			t.Errorf("%d bytes are no record", size)
		}
	}
}
