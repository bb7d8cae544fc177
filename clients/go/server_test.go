package nianbao

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	nianbaov1 "nianbao/clients/go/nianbao/v1"
)

// running is a client of the server that the tests are given. Without one, as where somebody runs
// go test by hand, there is nothing to ask; check always names one.
func running(t *testing.T) *Client {
	t.Helper()
	target := os.Getenv("NIANBAO_SERVER")
	if target == "" {
		t.Skip("NIANBAO_SERVER names no server")
	}
	client, err := Connect(target, WithPlaintext(), WithPrincipal("go-tester"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// organ registers an organ of this test alone.
func organ(t *testing.T, client *Client) string {
	t.Helper()
	id := "go-test-" + randomID()
	_, err := client.Organs.CreateOrgan(t.Context(), &nianbaov1.CreateOrganRequest{
		OrganId: id, Organ: &nianbaov1.Organ{DisplayName: "测试机关"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return "organs/" + id
}

// reportOf is a report of that organ without faults.
func reportOf(t *testing.T, organ string, year int32) *nianbaov1.Report {
	t.Helper()
	report := example(t, "report.json")
	report.Organ, report.Year = organ, year
	return report
}

func refusedAs(t *testing.T, err error, code codes.Code, reason string) *Error {
	t.Helper()
	known := asError(err)
	if known == nil || known.Code != code || known.ReasonText != reason {
		t.Fatalf("the error is %v, not %v %s", err, code, reason)
	}
	return known
}

func TestOfflineFindingsEqualThoseOfTheServer(t *testing.T) {
	client := running(t)
	random := rand.New(rand.NewPCG(2026, 12))
	bases := []*nianbaov1.Report{example(t, "report.json"), example(t, "refused.json")}
	total := 0
	for round := range 400 {
		report := proto.CloneOf(bases[round%len(bases)])
		for range 1 + random.IntN(4) {
			mutate(random, report)
		}
		server, err := client.Validate(t.Context(), report)
		if err != nil {
			t.Fatal(err)
		}
		want, got := comparable(server), comparable(offline(t, report))
		if !slices.Equal(want, got) {
			t.Fatalf("report %d: the server finds\n%s\nand offline\n%s\nin\n%v", round,
				strings.Join(want, "\n"), strings.Join(got, "\n"), report)
		}
		total += len(got)
	}
	if total < 400 {
		t.Errorf("only %d findings were compared", total)
	}
}

// comparable is what the findings of a server and of this package have in common, a line each.
func comparable(findings []*nianbaov1.Finding) []string {
	var out []string
	for _, f := range findings {
		line := fmt.Sprint(f.GetRuleId(), " ", f.GetSeverity(), " ", f.GetRulePath(), " ",
			f.GetFieldPath(), " ", f.GetCell(), " ", f.GetDerived(), " ", f.GetFingerprint())
		for _, operand := range f.GetOperands() {
			line += " " + operand.GetFieldPath()
			if operand.Value != nil {
				line += "=" + operand.GetValue()
			}
		}
		out = append(out, line)
	}
	return out
}

// mutate changes something in a report.
func mutate(random *rand.Rand, report *nianbaov1.Report) {
	paths := make([]string, 0, len(nationalForm().places))
	for path := range nationalForm().places {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	path := paths[random.IntN(len(paths))]
	switch random.IntN(10) {
	case 0:
		report.Edition = nianbaov1.Edition(random.IntN(4))
	case 1:
		report.Year = []int32{0, 2018, 2019, 2020, 2021}[random.IntN(5)]
	case 2, 3:
		report.Blanks = append(report.Blanks, &nianbaov1.Blank{
			FieldPath: path, Kind: nianbaov1.Blank_Kind(random.IntN(8)),
		})
	case 4:
		texts := []string{"", "无", "全年零纠错。", strings.Repeat("长", 90_000)}
		report.Overview = &nianbaov1.Overview{Text: texts[random.IntN(4)]}
		report.Problems = &nianbaov1.Problems{Text: texts[random.IntN(4)]}
	case 5:
		report.Explanations = append(report.Explanations, &nianbaov1.Explanation{
			Fingerprint: "0123456789ABCDEF", Text: "说明",
		})
	default:
		change(random, report.ProtoReflect(), nationalForm().places[path])
	}
}

// change changes or clears what stands at a place.
func change(random *rand.Rand, message protoreflect.Message, at *place) {
	last := len(at.fields) - 1
	for _, field := range at.fields[:last] {
		message = message.Mutable(field).Message()
	}
	field := at.fields[last]
	switch {
	case random.IntN(3) == 0 || field.IsList() || field.Message() != nil:
		message.Clear(field)
	case field.Kind() == protoreflect.Int64Kind:
		near := message.Get(field).Int() + int64(random.IntN(5)) - 2
		far := []int64{-1, 0, 9_999_999_999_999}[random.IntN(3)]
		message.Set(field, protoreflect.ValueOfInt64([]int64{near, far}[random.IntN(2)]))
	case field.Kind() == protoreflect.StringKind:
		text := []string{"", "1.50", "-3", "x", "organs/a"}[random.IntN(5)]
		message.Set(field, protoreflect.ValueOfString(text))
	}
}

func TestEveryCellHasTheAddressThatTheServerShows(t *testing.T) {
	client := running(t)
	for edition, want := range map[nianbaov1.Edition]int{
		nianbaov1.Edition_EDITION_2019: 150, nianbaov1.Edition_EDITION_2021: 150,
	} {
		tree, err := client.Formats.GetFormat(t.Context(),
			&nianbaov1.GetFormatRequest{Edition: edition})
		if err != nil {
			t.Fatal(err)
		}
		count := 0
		for _, part := range tree.GetParts() {
			count += compareCells(t, part)
		}
		if count < want {
			t.Errorf("%d cells were compared", count)
		}
	}
}

func compareCells(t *testing.T, node *nianbaov1.FormatNode) int {
	at := nationalForm().places[node.GetFieldPath()]
	isCell := node.GetKind() == nianbaov1.FormatNode_KIND_CELL
	if at == nil || at.cell != isCell || isCell && at.address != node.GetCell() {
		t.Errorf("%s is %v, and %s on the server", node.GetFieldPath(), at, node.GetCell())
	}
	count := 0
	if isCell {
		count = 1
	}
	for _, child := range node.GetChildren() {
		count += compareCells(t, child)
	}
	return count
}

func TestEveryRuleIsThatOfTheServer(t *testing.T) {
	client := running(t)
	answer, err := client.Formats.ListRules(t.Context(), &nianbaov1.ListRulesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if len(answer.GetRules()) < 50 {
		t.Errorf("the server has %d rules", len(answer.GetRules()))
	}
	for _, of := range answer.GetRules() {
		own := catalogue().byID[of.GetId()]
		if own == nil || own.textZh != of.GetTextZh() ||
			own.options.GetTextEn() != of.GetTextEn() ||
			own.options.GetSeverity() != of.GetSeverity() {
			t.Errorf("%s is another rule here", of.GetId())
		}
	}
}

func TestAReportIsSubmittedAcceptedReadAndSummed(t *testing.T) {
	client := running(t)
	ctx := t.Context()
	organ := organ(t, client)
	draft, err := client.Reports.SaveDraft(ctx, &nianbaov1.SaveDraftRequest{
		Report: reportOf(t, organ, 2022),
	})
	if err != nil {
		t.Fatal(err)
	}
	name := draft.GetReport().GetName()
	known := refusedAs(t, errOf(client.SubmitDraft(ctx, name, Etag("of-yesterday"))),
		codes.Aborted, "ETAG_MISMATCH")
	if known.Metadata["etag"] != draft.GetReport().GetEtag() || known.RequestID == "" {
		t.Errorf("the error is %s", known.Text())
	}
	submitted, err := client.SubmitDraft(ctx, name, Etag(draft.GetReport().GetEtag()))
	if err != nil || submitted.GetReceipt().GetEntryHash() == "" {
		t.Fatalf("%v, %v", submitted, err)
	}
	accept := &nianbaov1.AcceptReportRequest{Name: name}
	refusedAs(t, errOf(client.Reports.AcceptReport(ctx, accept)),
		codes.PermissionDenied, "SUBMITTER_ACCEPTS")
	other := AsPrincipal(ctx, "go-accepter")
	if _, err := client.Reports.AcceptReport(other, accept); err != nil {
		t.Fatal(err)
	}
	report, err := client.Get(ctx, name)
	if err != nil || report.GetState() != nianbaov1.Report_STATE_ACCEPTED {
		t.Fatalf("the report is %v, %v", report, err)
	}
	sums, err := client.Aggregate(ctx, &nianbaov1.AggregateReportsRequest{
		Organ: organ, Years: []int32{2022},
	})
	if err != nil || sums[0].GetRequests().GetNewlyReceived().GetTotal() != 65 {
		t.Errorf("the sum is %v, %v", sums, err)
	}
	state := refusedAs(t, errOf(client.SubmitDraft(ctx, name)),
		codes.FailedPrecondition, "REPORT_STATE")
	if len(state.Preconditions) != 1 || state.MessageZh == "" ||
		state.Reason != nianbaov1.ErrorReason_ERROR_REASON_REPORT_STATE {
		t.Errorf("the error is %s", state.TextZh())
	}
}

// errOf is the error of a call.
func errOf[T any](_ T, err error) error { return err }

func TestARepeatedSubmissionIsAnsweredWithItsFirstReceipt(t *testing.T) {
	client := running(t)
	report := reportOf(t, organ(t, client), 2022)
	first, err := client.Submit(t.Context(), report, ContentRequestID())
	if err != nil {
		t.Fatal(err)
	}
	for result, err := range client.SubmitAll(
		t.Context(), slices.Values([]*nianbaov1.Report{report})) {
		if err != nil || result.GetReceipt().GetEntryHash() !=
			first.GetReceipt().GetEntryHash() {
			t.Errorf("the result is %v, %v", result, err)
		}
	}
}

func TestARequestIDIsNotForTwoReports(t *testing.T) {
	client := running(t)
	organ, id := organ(t, client), randomID()
	if _, err := client.Submit(t.Context(), reportOf(t, organ, 2022), RequestID(id)); err != nil {
		t.Fatal(err)
	}
	_, err := client.Submit(t.Context(), reportOf(t, organ, 2023), RequestID(id))
	known := refusedAs(t, err, codes.InvalidArgument, "REQUEST_ID_REUSED")
	if known.RequestID != id || known.Violations[0].FieldPath != "request_id" {
		t.Errorf("the error is %s", known.Text())
	}
}

func TestTheRefusalOfTheServerIsThatOfTheCheckBefore(t *testing.T) {
	client := running(t)
	report := example(t, "refused.json")
	report.Organ = organ(t, client)
	there := refusedAs(t, errOf(client.Submit(t.Context(), report)),
		codes.InvalidArgument, "REPORT_HAS_ERRORS")
	here := refusedAs(t, errOf(client.Submit(t.Context(), report, CheckFirst())),
		codes.InvalidArgument, "REPORT_HAS_ERRORS")
	if len(there.Violations) != 2 || len(here.Violations) != 2 {
		t.Fatalf("there %s, here %s", there.Text(), here.Text())
	}
	for i := range there.Violations {
		a, b := there.Violations[i], here.Violations[i]
		if a.RuleID != b.RuleID || a.FieldPath != b.FieldPath ||
			!strings.HasPrefix(a.MessageZh, b.MessageZh) {
			t.Errorf("there %v, here %v", a, b)
		}
	}
	request := refusedAs(t, errOf(client.Submit(t.Context(), &nianbaov1.Report{})),
		codes.InvalidArgument, "INVALID_REQUEST")
	if request.Violations[0].RuleID != "submit_report.organ" {
		t.Errorf("the error is %s", request.Text())
	}
}

func TestAListHasTheReportsOfAllPages(t *testing.T) {
	client := running(t)
	organ := organ(t, client)
	var reports []*nianbaov1.Report
	for year := int32(2021); year <= 2025; year++ {
		reports = append(reports, reportOf(t, organ, year))
	}
	taken := 0
	for result, err := range client.SubmitAll(t.Context(), slices.Values(reports),
		AsPublished("补录往年报告")) {
		if err != nil || result.GetRefusal() != nil {
			t.Fatalf("%v, %v", result, err)
		}
		taken++
	}
	listed := 0
	for report, err := range client.List(t.Context(),
		&nianbaov1.ListReportsRequest{Parent: organ, PageSize: 2}) {
		if err != nil || report.GetYear() != reports[listed].GetYear() {
			t.Fatalf("%v, %v", report.GetName(), err)
		}
		listed++
	}
	if taken != 5 || listed != 5 {
		t.Errorf("%d were taken, %d listed", taken, listed)
	}
}

func TestAWatchShowsWhatIsWrittenMeanwhile(t *testing.T) {
	client := running(t)
	organ := organ(t, client)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	request := &nianbaov1.WatchChangesRequest{Organ: organ, FromNow: true}
	heartbeats := 0
	for message, err := range client.Watch(ctx, request) {
		if err != nil {
			t.Fatal(err)
		}
		if message.GetChange() == nil {
			if heartbeats++; heartbeats == 1 {
				if _, err := client.Submit(ctx, reportOf(t, organ, 2022)); err != nil {
					t.Fatal(err)
				}
			}
			continue
		}
		head := message.GetChange().GetReport().GetHead()
		if head.GetName() != organ+"/reports/2022-own" || message.GetPrincipal() != "go-tester" {
			t.Errorf("the change is %v", message)
		}
		return
	}
}

func TestADocumentIsRead(t *testing.T) {
	client := running(t)
	file := filepath.Join(t.TempDir(), "report.html")
	html := `<h1>示例市水利局2023年政府信息公开工作年度报告</h1>
<h2>一、总体情况</h2><p>本年度主动公开信息若干条。</p>`
	if err := os.WriteFile(file, []byte(html), 0o600); err != nil {
		t.Fatal(err)
	}
	read, err := client.ParseFile(t.Context(), file, &nianbaov1.DocumentHeader{
		Organ: "organs/go-test-water", Scope: nianbaov1.Scope_SCOPE_OWN,
	})
	if err != nil {
		t.Fatal(err)
	}
	report := read.GetReport()
	if report.GetYear() != 2023 || report.GetOrgan() != "organs/go-test-water" ||
		!strings.Contains(report.GetOverview().GetText(), "主动公开") ||
		len(read.GetFindings()) == 0 {
		t.Errorf("read %v", report)
	}
	known := refusedAs(t, errOf(client.Parse(t.Context(), strings.NewReader(""), nil)),
		codes.InvalidArgument, "DOCUMENT_UNREADABLE")
	if known.MessageZh == "" {
		t.Errorf("the error is %s", known.Text())
	}
}
