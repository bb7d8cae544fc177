// Command bulk submits the folder reports as one stream, and says of each file what became of it.
package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"

	nianbao "nianbao/clients/go"
	nianbaov1 "nianbao/clients/go/nianbao/v1"
)

func main() {
	server, data := cmp.Or(os.Getenv("NIANBAO_SERVER"), "127.0.0.1:50051"),
		cmp.Or(os.Getenv("NIANBAO_EXAMPLES"), "../../examples")
	if len(os.Args) > 1 {
		server = os.Args[1]
	}
	if err := run(context.Background(), server, data); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, server, data string) error {
	files, err := filepath.Glob(filepath.Join(data, "reports", "*.json"))
	if err != nil {
		return err
	}
	var reports []*nianbaov1.Report
	for _, file := range files {
		report, err := nianbao.ReadReport(file)
		if err != nil {
			return err
		}
		reports = append(reports, report)
	}
	client, err := nianbao.Connect(server, nianbao.WithPlaintext(), nianbao.WithPrincipal("example-clerk"))
	if err != nil {
		return err
	}
	defer client.Close()

	for result, err := range client.SubmitAll(ctx, slices.Values(reports)) {
		if err != nil {
			return err
		}
		file := filepath.Base(files[result.GetIndex()])
		fmt.Fprintf(os.Stderr, "\r%d of %d ", result.GetIndex()+1, len(files))
		if result.GetRefusal() == nil {
			fmt.Printf("%s taken: %s\n", file, result.GetReport().GetName())
			continue
		}
		fmt.Printf("%s refused: %s\n", file, result.GetRefusal().GetReason())
		for _, finding := range result.GetFindings() {
			fmt.Printf("  %s %s %s\n", finding.GetRuleId(), finding.GetCell(), finding.GetMessageZh())
		}
	}
	return nil
}
