package nianbao

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/grpc/codes"

	nianbaov1 "nianbao/clients/go/nianbao/v1"
)

// cellRange is the rule that the server reports where a sum cannot be computed.
const cellRange = "cell.range"

var validator = sync.OnceValues(func() (protovalidate.Validator, error) {
	return protovalidate.New(protovalidate.WithMessages(&nianbaov1.Report{}))
})

// ranked is a finding and the place of its cell in form order.
type ranked struct {
	rank    int
	finding *nianbaov1.Finding
}

// ValidateOffline finds what is wrong in a report, without a server: the findings of
// [Client.Validate] in the same order, with the same rules, paths, cells, operands and fingerprints,
// so that explanations can refer to them. The texts are those of the catalogue, without figures;
// expected, actual, delta and span stay empty, and rules that compare with other reports (`year.*`)
// are the server's alone.
//
// A figure so large that a sum overflows is an [*Error], where the server has a finding.
func ValidateOffline(report *nianbaov1.Report) ([]*nianbaov1.Finding, error) {
	if report == nil {
		return nil, refuse("there is no report to validate")
	}
	violations, err := violationsOf(report)
	if err != nil {
		return nil, err
	}
	reflected := report.ProtoReflect()
	var all []ranked
	for _, violation := range violations {
		path := violation.GetField()
		at := find(reflected, path, protovalidate.FieldPathString(path))
		if at.unread {
			continue
		}
		rule := catalogue().byID[violation.GetRuleId()]
		if rule == nil {
			return nil, &Error{Code: codes.Internal, Message: fmt.Sprintf(
				"rule %s is not in the catalogue of the schema", violation.GetRuleId())}
		}
		all = append(all, render(report, rule, at.path, operandsRead(rule, at)))
	}
	all = append(all, blanks(report)...)
	markDerived(all)
	slices.SortFunc(all, formOrder)
	findings := make([]*nianbaov1.Finding, 0, len(all))
	for _, one := range all {
		findings = append(findings, one.finding)
	}
	return findings, nil
}

// violationsOf is what protovalidate says.
func violationsOf(report *nianbaov1.Report) ([]*validate.Violation, error) {
	validator, err := validator()
	if err != nil {
		return nil, &Error{
			Code: codes.Internal, Message: "the rules of the schema do not compile", cause: err,
		}
	}
	err = validator.Validate(report)
	var found *protovalidate.ValidationError
	switch {
	case err == nil:
		return nil, nil
	case errors.As(err, &found):
		return found.ToProto().GetViolations(), nil
	default:
		return nil, uncomputed(err)
	}
}

// uncomputed is the error of a report of which a rule cannot be computed.
func uncomputed(cause error) *Error {
	out := refusal(cause, "the report cannot be checked: %v", cause)
	out.setReason(strings.TrimPrefix(
		nianbaov1.ErrorReason_ERROR_REASON_REPORT_HAS_ERRORS.String(), reasonPrefix))
	rule := catalogue().byID[cellRange]
	out.MessageZh = rule.textZh
	out.Violations = []Violation{{
		RuleID: cellRange, Description: rule.options.GetTextEn(), MessageZh: rule.textZh,
	}}
	return out
}

func render(report *nianbaov1.Report, rule *rule, path string, read []*nianbaov1.Operand) ranked {
	finding := &nianbaov1.Finding{
		RuleId:    rule.options.GetId(),
		Severity:  rule.options.GetSeverity(),
		RulePath:  path,
		FieldPath: joined(path, rule.options.GetSubject()),
		Cell:      wholeReport,
		MessageZh: rule.textZh,
		MessageEn: rule.options.GetTextEn(),
		Operands:  read,
	}
	rank := 0
	if at := nationalForm().nearest(spokenOf(report, finding.FieldPath)); at != nil {
		rank, finding.Cell = at.rank, at.address
	}
	finding.Fingerprint = fingerprint(finding)
	return ranked{rank, finding}
}

// spokenOf is the path itself, or the cell of which blanks[i] speaks.
func spokenOf(report *nianbaov1.Report, path string) string {
	rest, ok := strings.CutPrefix(path, "blanks[")
	if !ok {
		return path
	}
	number, _, _ := strings.Cut(rest, "]")
	index, err := strconv.Atoi(number)
	if err != nil || index >= len(report.GetBlanks()) {
		return path
	}
	if spoken := report.GetBlanks()[index].GetFieldPath(); nationalForm().nearest(spoken) != nil {
		return spoken
	}
	return path
}

// fingerprint is as the schema says, at Finding.fingerprint.
func fingerprint(finding *nianbaov1.Finding) string {
	hash := sha256.New()
	_, _ = fmt.Fprintf(hash, "%s\n%s\n", finding.GetRuleId(), finding.GetFieldPath())
	for _, operand := range finding.GetOperands() {
		if operand.Value == nil {
			_, _ = fmt.Fprintf(hash, "%s\n", operand.GetFieldPath())
		} else {
			_, _ = fmt.Fprintf(hash, "%s=%s\n", operand.GetFieldPath(), operand.GetValue())
		}
	}
	return fmt.Sprintf("%x", hash.Sum(nil)[:8])
}

func formOrder(a, b ranked) int {
	if a.finding.Derived != b.finding.Derived {
		if b.finding.Derived {
			return -1
		}
		return 1
	}
	return cmp.Or(
		cmp.Compare(a.rank, b.rank),
		cmp.Compare(a.finding.RuleId, b.finding.RuleId),
		cmp.Compare(a.finding.RulePath, b.finding.RulePath),
		cmp.Compare(a.finding.Fingerprint, b.finding.Fingerprint),
	)
}

// markDerived marks the findings that another explains.
func markDerived(all []ranked) {
	for _, one := range all {
		causes := catalogue().byID[one.finding.GetRuleId()].options.GetImpliedBy()
		one.finding.Derived = len(causes) > 0 && slices.ContainsFunc(all, func(other ranked) bool {
			return slices.Contains(causes, other.finding.GetRuleId()) &&
				explains(other.finding, one.finding)
		})
	}
}

// explains says whether a cause is on the same message, or below it with an operand in common.
func explains(cause, finding *nianbaov1.Finding) bool {
	if cause.GetRulePath() == finding.GetRulePath() {
		return cause.GetRuleId() != finding.GetRuleId()
	}
	rest, below := strings.CutPrefix(cause.GetRulePath(), finding.GetRulePath())
	if !below || finding.GetRulePath() != "" && !strings.HasPrefix(rest, ".") {
		return false
	}
	return slices.ContainsFunc(cause.GetOperands(), func(operand *nianbaov1.Operand) bool {
		return slices.ContainsFunc(finding.GetOperands(), func(other *nianbaov1.Operand) bool {
			return other.GetFieldPath() == operand.GetFieldPath()
		})
	})
}

// blanksReadMax is how many blanks are looked at: the server bounds its work so, too.
const blanksReadMax = 1024

// blanks finds what is wrong with the list of blanks and needs the list of cells: each blank names,
// once, a cell of the edition or a missing table, and what it names has no value.
func blanks(report *nianbaov1.Report) []ranked {
	var out []ranked
	seen := map[string]bool{}
	for index, blank := range report.GetBlanks()[:min(len(report.GetBlanks()), blanksReadMax)] {
		path := blank.GetFieldPath()
		if path == "" {
			continue // `required` has said it
		}
		id, found := "blanks.repeated", path
		if !seen[path] {
			id, found = brokenBlank(report, blank)
		}
		seen[path] = true
		if id != "" {
			at := fmt.Sprintf("blanks[%d].field_path", index)
			read := []*nianbaov1.Operand{{FieldPath: at, Value: &found}}
			out = append(out, render(report, catalogue().byID[id], at, read))
		}
	}
	return out
}

// brokenBlank is the rule that one blank breaks, if any, and what was found.
func brokenBlank(report *nianbaov1.Report, blank *nianbaov1.Blank) (id, found string) {
	path := blank.GetFieldPath()
	wholeTable := blank.GetKind() == nianbaov1.Blank_KIND_TABLE_MISSING
	part, _, _ := strings.Cut(path, ".")
	editions, isTable := nationalForm().tables[part]
	if isTable && ofOtherEdition(editions, report.GetEdition()) {
		return "blanks.path", path
	}
	at := nationalForm().places[path]
	switch {
	case at != nil && at.cell && !wholeTable:
		if value, there := at.value(report.ProtoReflect()); there {
			return "blanks.valued", value
		}
		return "", ""
	case isTable && path == part && wholeTable:
		if report.ProtoReflect().Has(at.fields[0]) {
			return "blanks.valued", path
		}
		return "", ""
	default:
		return "blanks.path", path
	}
}

// ofOtherEdition says whether a table is printed by the edition that the report is not of. A report
// of no known edition is of either.
func ofOtherEdition(editions []nianbaov1.Edition, edition nianbaov1.Edition) bool {
	_, known := nianbaov1.Edition_name[int32(edition)]
	stated := edition != nianbaov1.Edition_EDITION_UNSPECIFIED
	return known && stated && len(editions) > 0 && !slices.Contains(editions, edition)
}
