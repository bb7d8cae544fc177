// Command conformance answers the cases of the conformance pack: one JSON object a line on standard
// input, one on standard output, in order.
//
//	conformance                            the cases
//	conformance --time SECONDS FILE...     how long the rules take on encoded reports
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"

	nianbao "nianbao/clients/go"
	nianbaov1 "nianbao/clients/go/nianbao/v1"
)

// lineBytes is what is read at a time: a case with a large report is a line of some MiB.
const lineBytes = 1 << 20

// testCase is a question. Binary is an encoded report, in base64 as JSON has it.
type testCase struct {
	Name   string `json:"name"`
	Binary []byte `json:"binary"`
	JSON   string `json:"json"`
}

type violation struct {
	Path string `json:"path"`
	Rule string `json:"rule"`
}

type finding struct {
	Rule        string `json:"rule"`
	RulePath    string `json:"rule_path"`
	FieldPath   string `json:"field_path"`
	Cell        string `json:"cell"`
	Severity    string `json:"severity"`
	Derived     bool   `json:"derived"`
	Fingerprint string `json:"fingerprint"`
}

type answer struct {
	Name       string      `json:"name"`
	Violations []violation `json:"violations"`
	Findings   []finding   `json:"findings"`
	// JSON is made from the encoded report, Binary from that in JSON.
	JSON         string `json:"json"`
	Binary       []byte `json:"binary"`
	JSONFindings bool   `json:"json_findings"`
}

type failure struct {
	Name  string `json:"name"`
	Error string `json:"error"`
}

func main() {
	var err error
	switch {
	case len(os.Args) == 1:
		err = answerAll(os.Stdin, os.Stdout)
	case len(os.Args) > 3 && os.Args[1] == "--time":
		err = measureAll(os.Args[2], os.Args[3:], os.Stdout)
	default:
		fmt.Fprintln(os.Stderr, "usage: conformance, or conformance --time SECONDS FILE...")
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func answerAll(in io.Reader, out io.Writer) error {
	lines := bufio.NewReaderSize(in, lineBytes)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			if err := encoder.Encode(answerTo(line)); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// answerTo is the answer to one line, or why there is none.
func answerTo(line []byte) any {
	var asked testCase
	if err := json.Unmarshal(line, &asked); err != nil {
		return failure{Error: err.Error()}
	}
	answered, err := work(asked)
	if err != nil {
		return failure{Name: asked.Name, Error: err.Error()}
	}
	return answered
}

func work(asked testCase) (*answer, error) {
	report := &nianbaov1.Report{}
	if err := proto.Unmarshal(asked.Binary, report); err != nil {
		return nil, err
	}
	out := &answer{Name: asked.Name}
	var err error
	if out.Violations, err = violations(report); err != nil {
		return nil, err
	}
	if out.Findings, err = findings(report); err != nil {
		return nil, err
	}
	if out.JSON, err = nianbao.FormatReport(report); err != nil {
		return nil, err
	}
	parsed, err := nianbao.ParseReport([]byte(asked.JSON))
	if err != nil {
		return nil, err
	}
	if out.Binary, err = (proto.MarshalOptions{Deterministic: true}).Marshal(parsed); err != nil {
		return nil, err
	}
	again, err := findings(parsed)
	if err != nil {
		return nil, err
	}
	out.JSONFindings = slices.Equal(again, out.Findings)
	return out, nil
}

// violations are those of protovalidate alone.
func violations(report *nianbaov1.Report) ([]violation, error) {
	out := []violation{}
	err := protovalidate.Validate(report)
	var found *protovalidate.ValidationError
	if err != nil && !errors.As(err, &found) {
		return nil, err
	}
	if found != nil {
		for _, v := range found.Violations {
			out = append(out, violation{
				Path: protovalidate.FieldPathString(v.Proto.GetField()),
				Rule: v.Proto.GetRuleId(),
			})
		}
	}
	return out, nil
}

func findings(report *nianbaov1.Report) ([]finding, error) {
	found, err := nianbao.ValidateOffline(report)
	if err != nil {
		return nil, err
	}
	out := []finding{}
	for _, f := range found {
		out = append(out, finding{
			Rule:        f.GetRuleId(),
			RulePath:    f.GetRulePath(),
			FieldPath:   f.GetFieldPath(),
			Cell:        f.GetCell(),
			Severity:    f.GetSeverity().String()[len("SEVERITY_"):],
			Derived:     f.GetDerived(),
			Fingerprint: f.GetFingerprint(),
		})
	}
	return out, nil
}
