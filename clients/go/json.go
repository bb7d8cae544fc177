package nianbao

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"

	nianbaov1 "nianbao/clients/go/nianbao/v1"
)

// ReadReport reads a report from a file of proto JSON. A field that the schema does not have is an
// error that names it.
func ReadReport(path string) (*nianbaov1.Report, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, refusal(err, "cannot read the report: %v", err)
	}
	report, err := ParseReport(text)
	if err != nil {
		return nil, refusal(err, "%s: %v", path, strings.TrimPrefix(err.Error(), invalid))
	}
	return report, nil
}

// invalid is what the text of an error begins with that needs no server.
var invalid = refuse("").Error()

// ParseReport reads a report from proto JSON. A field that the schema does not have is an error that
// names it.
func ParseReport(text []byte) (*nianbaov1.Report, error) {
	report := &nianbaov1.Report{}
	// An editor of Windows may have written it before the text.
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if err := protojson.Unmarshal(text, report); err != nil {
		// protojson writes the space after its name in one of two ways, so that nobody compares it.
		said := strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\u00a0", " "), "proto: ")
		return nil, refusal(err, "no report in proto JSON: %s", said)
	}
	return report, nil
}

// FormatReport is a report as canonical proto JSON: the same report gives the same text. Whole
// numbers of 64 bits are strings there.
func FormatReport(report *nianbaov1.Report) (string, error) {
	text, err := protojson.Marshal(report)
	if err != nil {
		return "", refusal(err, "the report has no form in JSON: %v", err)
	}
	// protojson varies its white space from build to build.
	var out bytes.Buffer
	if err := json.Indent(&out, text, "", "  "); err != nil {
		return "", refusal(err, "the report has no form in JSON: %v", err)
	}
	return out.String() + "\n", nil
}
