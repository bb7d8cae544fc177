// Command aggregate sums the city of organs.csv for 2023, with the reports that wait for acceptance.
package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"log"
	"os"
	"path/filepath"

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
	organs, err := os.Open(filepath.Join(data, "organs.csv"))
	if err != nil {
		return err
	}
	defer organs.Close()
	rows, err := csv.NewReader(organs).ReadAll()
	if err != nil {
		return err
	}
	client, err := nianbao.Connect(server, nianbao.WithPlaintext())
	if err != nil {
		return err
	}
	defer client.Close()

	sums, err := client.Aggregate(ctx, &nianbaov1.AggregateReportsRequest{
		// The city stands in the first row below the headings.
		Organ: "organs/" + rows[1][0], Years: []int32{2023}, IncludeUnaccepted: true,
	})
	if err != nil {
		return err
	}
	for _, sum := range sums {
		requests := sum.GetRequests()
		fmt.Println("year    received granted processed fees")
		fmt.Printf("%-8d%-9d%-8d%-10d%s\n", sum.GetYear(), requests.GetNewlyReceived().GetTotal(),
			requests.GetGranted().GetTotal(), requests.GetTotalProcessed().GetTotal(),
			sum.GetDisclosure().GetFeesWanYuan())
		coverage := sum.GetCoverage()
		fmt.Printf("expected %d, included %d, missing %d\n",
			coverage.GetExpected(), coverage.GetIncluded(), coverage.GetMissing())
	}
	return nil
}
