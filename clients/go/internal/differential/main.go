// Command differential compares protovalidate for Go with the compiled rules of the server:
// differential REPORTS DESCRIPTORS, the files that tests/differential/README.md describes. It runs
// the rules of the generated code, and fails where that was not made from these descriptors.
package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	nianbaov1 "nianbao/clients/go/nianbao/v1"
)

const (
	// shownMax is how many reports that differ are shown; a wrong rule differs in thousands.
	shownMax = 5
	// textShownMax is how much of such a report is shown.
	textShownMax = 20_000
	// validatorModule is the module whose version is told.
	validatorModule = "buf.build/go/protovalidate"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: differential REPORTS DESCRIPTORS")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func run(reports, descriptors string) error {
	if err := sameSchema(descriptors); err != nil {
		return err
	}
	file, err := os.Open(reports)
	if err != nil {
		return err
	}
	// It was only read.
	defer func() { _ = file.Close() }()
	count, differing, err := compare(bufio.NewReader(file))
	if err != nil {
		return err
	}
	engine := "go, protovalidate " + version()
	if count == 0 || differing > 0 {
		return fmt.Errorf("%d of %d reports differ (%s)", differing, count, engine)
	}
	fmt.Printf("%d reports agree (%s)\n", count, engine)
	return nil
}

// sameSchema fails where a file of the package in the descriptors is not what the generated code was
// made from, the options of languages aside.
func sameSchema(path string) error {
	encoded, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(encoded, &set); err != nil {
		return err
	}
	for _, given := range set.GetFile() {
		if given.GetPackage() != "nianbao.v1" {
			continue
		}
		known, err := protoregistry.GlobalFiles.FindFileByPath(given.GetName())
		if err != nil {
			return fmt.Errorf("%s is new: run clients/generate go", given.GetName())
		}
		generated := protodesc.ToFileDescriptorProto(known)
		for _, one := range []*descriptorpb.FileDescriptorProto{given, generated} {
			one.Options, one.SourceCodeInfo = nil, nil
			// buf notes there how it came to the file.
			one.ProtoReflect().SetUnknown(nil)
		}
		if !proto.Equal(given, generated) {
			return fmt.Errorf("%s has changed: run clients/generate go", given.GetName())
		}
	}
	return nil
}

// compare holds each report against its expectation.
func compare(records *bufio.Reader) (count, differing int, err error) {
	for {
		encoded, err := part(records)
		if errors.Is(err, io.EOF) {
			return count, differing, nil
		}
		if err != nil {
			return 0, 0, err
		}
		lines, err := part(records)
		if err != nil {
			return 0, 0, fmt.Errorf("the file of reports ends within a record: %w", err)
		}
		report := &nianbaov1.Report{}
		if err := proto.Unmarshal(encoded, report); err != nil {
			return 0, 0, err
		}
		expected := strings.FieldsFunc(string(lines), func(r rune) bool { return r == '\n' })
		found, failed := violations(report)
		if failed != nil || !slices.Equal(expected, found) {
			if differing++; differing <= shownMax {
				show(count, report, expected, found, failed)
			}
		}
		count++
	}
}

func part(records *bufio.Reader) ([]byte, error) {
	var length uint32
	if err := binary.Read(records, binary.BigEndian, &length); err != nil {
		return nil, err
	}
	content := make([]byte, length)
	if _, err := io.ReadFull(records, content); err != nil {
		return nil, fmt.Errorf("the file of reports ends within a record: %w",
			io.ErrUnexpectedEOF)
	}
	return content, nil
}

// violations are lines `path TAB rule`, in order and none twice.
func violations(report *nianbaov1.Report) ([]string, error) {
	var found *protovalidate.ValidationError
	err := protovalidate.Validate(report)
	if err != nil && !errors.As(err, &found) {
		return nil, err
	}
	var lines []string
	if found != nil {
		for _, v := range found.Violations {
			path := protovalidate.FieldPathString(v.Proto.GetField())
			lines = append(lines, path+"\t"+v.Proto.GetRuleId())
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines), nil
}

func show(index int, report *nianbaov1.Report, expected, found []string, failed error) {
	fmt.Printf("report %d (from 0) differs:\n", index)
	if failed != nil {
		fmt.Printf("  not evaluated: %v\n", failed)
	}
	for _, line := range expected {
		if !slices.Contains(found, line) {
			fmt.Printf("  the compiled rules alone: %s\n", line)
		}
	}
	for _, line := range found {
		if !slices.Contains(expected, line) {
			fmt.Printf("  protovalidate alone: %s\n", line)
		}
	}
	text := prototext.Format(report)
	if len(text) > textShownMax {
		text = fmt.Sprintf("%.*s\n  … %d bytes in all", textShownMax, text, len(text))
	}
	fmt.Println(text)
}

func version() string {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == validatorModule {
			return strings.TrimPrefix(module.Version, "v")
		}
	}
	return "of unknown version"
}
