// Command refused shows a report with one wrong figure, which breaks two sums: what is found without
// a server, and how the server refuses it.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	nianbao "nianbao/clients/go"
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
	report, err := nianbao.ReadReport(filepath.Join(data, "refused.json"))
	if err != nil {
		return err
	}
	findings, err := nianbao.ValidateOffline(report)
	if err != nil {
		return err
	}
	for _, finding := range findings {
		fmt.Println("offline:", finding.GetRuleId(), finding.GetCell(), finding.GetMessageZh())
	}

	client, err := nianbao.Connect(server, nianbao.WithPlaintext(), nianbao.WithPrincipal("example-clerk"))
	if err != nil {
		return err
	}
	defer client.Close()
	_, err = client.Submit(ctx, report)
	var refused *nianbao.Error
	if !errors.As(err, &refused) {
		return fmt.Errorf("the server was to refuse the report: %w", err)
	}
	fmt.Println("refused:", refused.ReasonText)
	for _, violation := range refused.Violations {
		fmt.Println("server:", violation.RuleID, violation.FieldPath)
		fmt.Println(violation.MessageZh)
	}
	return nil
}
