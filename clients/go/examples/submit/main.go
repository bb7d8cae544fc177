// Command submit registers the organs of organs.csv and submits report.json. Run again it finds the
// organs as they are, and is answered with the first receipt.
package main

import (
	"cmp"
	"context"
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
	client, err := nianbao.Connect(server, nianbao.WithPlaintext(), nianbao.WithPrincipal("example-clerk"))
	if err != nil {
		return err
	}
	defer client.Close()

	organs, err := os.Open(filepath.Join(data, "organs.csv"))
	if err != nil {
		return err
	}
	defer organs.Close()
	imported, err := client.ImportOrgans(ctx, organs, nil)
	if err != nil {
		return err
	}
	fmt.Printf("%d organs, %d conflicts\n",
		imported.GetResult().GetRows(), imported.GetResult().GetConflictCount())

	report, err := nianbao.ReadReport(filepath.Join(data, "report.json"))
	if err != nil {
		return err
	}
	answer, err := client.Submit(ctx, report, nianbao.ContentRequestID())
	if err != nil {
		return err
	}
	fmt.Println(answer.GetReport().GetName(), answer.GetReport().GetState())
	fmt.Println("receipt", answer.GetReceipt().GetPosition(), answer.GetReceipt().GetEntryHash())
	return nil
}
