package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	nianbao "nianbao/clients/go"
)

const data = "../../../examples"

// asked is the line of a case: an example both ways.
func asked(t *testing.T, name string) (line string, encoded []byte) {
	t.Helper()
	report, err := nianbao.ReadReport(filepath.Join(data, name))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(data, name))
	if err != nil {
		t.Fatal(err)
	}
	encoded, err = proto.MarshalOptions{Deterministic: true}.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	question, err := json.Marshal(map[string]string{
		"name": name, "binary": base64.StdEncoding.EncodeToString(encoded), "json": string(text),
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(question) + "\n", encoded
}

func TestEachCaseIsAnsweredInOrderAlsoAfterOneThatFails(t *testing.T) {
	clean, _ := asked(t, "report.json")
	wrong, encoded := asked(t, "refused.json")
	broken := `{"name": "broken", "binary": "/w==", "json": "{}"}` + "\n"
	var out bytes.Buffer
	if err := answerAll(strings.NewReader(clean+broken+"no JSON\n"+wrong), &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 4 || !strings.Contains(lines[0], `"violations":[],"findings":[]`) {
		t.Fatalf("the answers are %s", out.String())
	}
	if !strings.HasPrefix(lines[1], `{"name":"broken","error":"`) ||
		!strings.HasPrefix(lines[2], `{"name":"","error":"`) {
		t.Errorf("the answers are %s and %s", lines[1], lines[2])
	}
	var last answer
	if err := json.Unmarshal([]byte(lines[3]), &last); err != nil {
		t.Fatal(err)
	}
	if len(last.Violations) != 2 || len(last.Findings) != 2 || !last.JSONFindings ||
		!bytes.Equal(last.Binary, encoded) {
		t.Errorf("the answer is %s", lines[3])
	}
	first := last.Findings[0]
	if first.Rule != "applicants.total" || first.Severity != "ERROR" || first.Derived {
		t.Errorf("the first finding is %v", first)
	}
}

func TestEachFileIsMeasured(t *testing.T) {
	_, encoded := asked(t, "report.json")
	file := filepath.Join(t.TempDir(), "report.binpb")
	if err := os.WriteFile(file, encoded, 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := measureAll("0.1", []string{file}, &out); err != nil {
		t.Fatal(err)
	}
	var measured timing
	if err := json.Unmarshal(out.Bytes(), &measured); err != nil {
		t.Fatal(err)
	}
	if measured.File != file || measured.ValidateUs <= 0 || measured.FindingsUs <= 0 ||
		measured.Runs < 1 {
		t.Errorf("measured %s", out.String())
	}
	if err := measureAll("a while", []string{file}, &out); err == nil {
		t.Error("a while is no number")
	}
}
