package nianbao

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	nianbaov1 "nianbao/clients/go/nianbao/v1"
)

// example is a report of the data of the examples.
func example(t *testing.T, name string) *nianbaov1.Report {
	t.Helper()
	folder := os.Getenv("NIANBAO_EXAMPLES")
	if folder == "" {
		folder = "../examples"
	}
	report, err := ReadReport(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func offline(t *testing.T, report *nianbaov1.Report) []*nianbaov1.Finding {
	t.Helper()
	findings, err := ValidateOffline(report)
	if err != nil {
		t.Fatal(err)
	}
	return findings
}

func ids(findings []*nianbaov1.Finding) []string {
	var out []string
	for _, finding := range findings {
		out = append(out, finding.GetRuleId()+" "+finding.GetFieldPath())
	}
	return out
}

func TestAReportWithoutFaultsHasNoFindings(t *testing.T) {
	if found := offline(t, example(t, "report.json")); len(found) > 0 {
		t.Errorf("found %v", ids(found))
	}
}

func TestAFindingNamesRuleCellAndOperands(t *testing.T) {
	found := offline(t, example(t, "refused.json"))
	want := []string{
		"applicants.total requests.unable.not_held.total",
		"requests.total_processed.natural_person requests.total_processed.natural_person",
	}
	if !slices.Equal(ids(found), want) {
		t.Fatalf("found %v", ids(found))
	}
	first := found[0]
	if first.GetCell() != "表三·（四）无法提供·1.本机关不掌握相关政府信息·总计" {
		t.Errorf("the cell is %s", first.GetCell())
	}
	if first.GetSeverity() != nianbaov1.Severity_SEVERITY_ERROR || first.GetDerived() {
		t.Errorf("the finding is %v", first)
	}
	if operand := first.GetOperands()[0]; operand.GetFieldPath() !=
		"requests.unable.not_held.total" || operand.Value == nil {
		t.Errorf("the first operand is %v", operand)
	}
	if len(first.GetFingerprint()) != 16 || first.GetMessageZh() == "" {
		t.Errorf("the finding is %v", first)
	}
}

func TestABlankOperandHasNoValue(t *testing.T) {
	report := example(t, "report.json")
	report.Requests.Granted.Total = nil
	found := offline(t, report)
	index := slices.IndexFunc(found, func(f *nianbaov1.Finding) bool {
		return f.GetFieldPath() == "requests.granted.total"
	})
	if index < 0 {
		t.Fatalf("found %v", ids(found))
	}
	if operands := found[index].GetOperands(); !slices.ContainsFunc(operands,
		func(o *nianbaov1.Operand) bool { return o.Value == nil }) {
		t.Errorf("the operands are %v", operands)
	}
}

func TestDerivedFindingsComeLast(t *testing.T) {
	report := example(t, "report.json")
	for _, cell := range []**int64{
		&report.Requests.Granted.NaturalPerson, &report.Requests.NewlyReceived.Total,
	} {
		*cell = proto.Int64(**cell + 1)
	}
	found := offline(t, report)
	derived := func(f *nianbaov1.Finding) bool { return f.GetDerived() }
	first := slices.IndexFunc(found, derived)
	if first < 1 {
		t.Fatalf("found %v", found)
	}
	for _, finding := range found[first:] {
		if !finding.GetDerived() {
			t.Errorf("%s comes after a derived one", finding.GetRuleId())
		}
	}
}

func TestBlanksNameOnceACellWithoutAValue(t *testing.T) {
	report := example(t, "report.json")
	report.Disputes = nil
	kind := nianbaov1.Blank_KIND_EMPTY
	report.Blanks = []*nianbaov1.Blank{
		{FieldPath: "requests.granted.total", Kind: kind},
		{FieldPath: "requests.nothing", Kind: kind},
		{FieldPath: "requests.nothing", Kind: kind},
		{FieldPath: "disclosure_2019.rules.made", Kind: kind},
		{FieldPath: "disputes", Kind: nianbaov1.Blank_KIND_TABLE_MISSING},
		{FieldPath: "requests", Kind: nianbaov1.Blank_KIND_TABLE_MISSING},
		{FieldPath: "overview.text", Kind: kind},
	}
	var found []string
	for _, id := range ids(offline(t, report)) {
		if strings.HasPrefix(id, "blanks.") {
			found = append(found, id)
		}
	}
	slices.Sort(found)
	want := []string{
		"blanks.path blanks[1].field_path",
		"blanks.path blanks[3].field_path",
		"blanks.path blanks[6].field_path",
		"blanks.repeated blanks[2].field_path",
		"blanks.valued blanks[0].field_path",
		"blanks.valued blanks[5].field_path",
	}
	if !slices.Equal(found, want) {
		t.Errorf("found %v", found)
	}
}

func TestABlankIsFoundAtTheCellOfWhichItSpeaks(t *testing.T) {
	report := example(t, "report.json")
	report.Blanks = []*nianbaov1.Blank{{
		FieldPath: "requests.granted.total", Kind: nianbaov1.Blank_KIND_UNREADABLE, Raw: "若干",
	}}
	for _, finding := range offline(t, report) {
		if finding.GetCell() != "表三·（一）予以公开·总计" {
			t.Errorf("%s is found at %s", finding.GetRuleId(), finding.GetCell())
		}
	}
}

func TestItemsFarBeyondTheLimitOfAListAreNotLookedAt(t *testing.T) {
	report := example(t, "report.json")
	for range 1100 {
		report.Explanations = append(report.Explanations, &nianbaov1.Explanation{})
	}
	count := 0
	for _, finding := range offline(t, report) {
		if strings.HasPrefix(finding.GetRulePath(), "explanations[") {
			count++
		}
	}
	// Each lacks a fingerprint and a text.
	if count != 2*1024 {
		t.Errorf("%d findings", count)
	}
}

func TestASumThatOverflowsIsAnError(t *testing.T) {
	report := example(t, "report.json")
	report.Requests.Granted.Total = proto.Int64(math.MaxInt64)
	report.Requests.PartiallyGranted.Total = proto.Int64(math.MaxInt64)
	_, err := ValidateOffline(report)
	var known *Error
	if !errors.As(err, &known) || len(known.Violations) != 1 {
		t.Fatalf("the error is %v", err)
	}
	if known.Violations[0].RuleID != "cell.range" || known.MessageZh == "" {
		t.Errorf("the error is %v", known.Text())
	}
}

func TestThereIsNothingToValidateWithoutAReport(t *testing.T) {
	if _, err := ValidateOffline(nil); asError(err) == nil {
		t.Errorf("the error is %v", err)
	}
}

func TestAnOperandIsReadOnceAsAtItsFirstAppearance(t *testing.T) {
	read := operandsOf("has(this.a.b) && this.text.contains('零') && this.text != '' && " +
		"this.money.matches('[1-9]') && this.a.b > 0")
	var got []string
	for _, operand := range read {
		got = append(got, operand.path+"="+operand.words)
	}
	if want := []string{"a.b=", "text=零", "money="}; !slices.Equal(got, want) {
		t.Errorf("read %v", got)
	}
}

func TestEveryRuleHasTextsInBothLanguages(t *testing.T) {
	if len(catalogue().byID) < 50 {
		t.Errorf("there are %d rules", len(catalogue().byID))
	}
	if len(catalogue().byID) != len(catalogue().byReason) {
		t.Error("two rules have the same id in capitals")
	}
	for id, rule := range catalogue().byID {
		if rule.textZh == "" || rule.options.GetTextEn() == "" {
			t.Errorf("%s lacks a text", id)
		}
	}
}

func TestAnUnknownFieldOfJSONIsNamed(t *testing.T) {
	_, err := ParseReport([]byte(`{"year": 2023, "yaer": 2023}`))
	if known := asError(err); known == nil || !strings.Contains(known.Message, `"yaer"`) {
		t.Errorf("the error is %v", err)
	}
	file := filepath.Join(t.TempDir(), "wrong.json")
	if err := os.WriteFile(file, []byte(`{"titel": ""}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = ReadReport(file)
	if err == nil || !strings.Contains(err.Error(), "wrong.json: ") ||
		!strings.Contains(err.Error(), `unknown field "titel"`) {
		t.Errorf("the error is %v", err)
	}
	if _, err = ReadReport(file + ".absent"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the error is %v", err)
	}
}

func TestAByteOrderMarkBeforeJSONIsSkipped(t *testing.T) {
	report, err := ParseReport([]byte("\ufeff{\"year\": 2023}"))
	if err != nil || report.GetYear() != 2023 {
		t.Errorf("the report is %v, %v", report, err)
	}
}

func TestAReportGoesThroughJSONUnchanged(t *testing.T) {
	report := example(t, "refused.json")
	text, err := FormatReport(report)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseReport([]byte(text))
	if err != nil || !proto.Equal(report, again) {
		t.Errorf("it is another one: %v", err)
	}
	if !strings.Contains(text, `"naturalPerson": "65"`) {
		t.Errorf("the text is %s", text)
	}
}
