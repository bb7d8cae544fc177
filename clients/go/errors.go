package nianbao

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	nianbaov1 "nianbao/clients/go/nianbao/v1"
)

const (
	// reasonDomain is the domain of the reasons of nianbao.
	reasonDomain = "nianbao.v1"
	// reasonPrefix stands before a reason in the enum ErrorReason, and not in ErrorInfo.
	reasonPrefix = "ERROR_REASON_"
)

// Error is what every call and every function of this package fails with. errors.As finds it, and
// status.FromError finds the status of the call.
type Error struct {
	// Code is gRPC's code.
	Code codes.Code
	// Reason is why, where the server said so and this schema knows the reason.
	Reason nianbaov1.ErrorReason
	// ReasonText is the reason as the server wrote it, such as REPORT_HAS_ERRORS; empty where the
	// error is not the server's.
	ReasonText string
	// Metadata is what belongs to the reason; ErrorReason says what.
	Metadata map[string]string
	// Message is what happened, in English.
	Message string
	// MessageZh is the same in Chinese; empty where the error is not the server's.
	MessageZh string
	// Violations are the rules that are broken: the first of them, where Truncated says so.
	Violations []Violation
	// Preconditions say what stands against the call.
	Preconditions []Precondition
	// Truncated says that there are more violations than are listed.
	Truncated bool
	// RequestID is the request id of the call, where it had one: with it the call can be repeated.
	RequestID string
	// Findings are what CheckFirst found, with which nothing was sent.
	Findings []*nianbaov1.Finding

	cause error
}

// Violation is a rule that is broken.
type Violation struct {
	// RuleID is the id of the rule, such as requests.balance.total, or the reason as the server
	// wrote it where no rule is meant.
	RuleID string
	// FieldPath is the field of which the rule speaks.
	FieldPath string
	// Description is what is wrong, in English.
	Description string
	// MessageZh is the same in Chinese, after the address of the cell.
	MessageZh string
}

// Precondition is something that stands against a call.
type Precondition struct {
	// Type is the reason.
	Type string
	// Subject is the resource that it is about.
	Subject string
	// Description is what is the matter, in English.
	Description string
}

// Error is one line in English.
func (e *Error) Error() string {
	if e.ReasonText == "" {
		return fmt.Sprintf("%v: %s", e.Code, e.Message)
	}
	return fmt.Sprintf("%v %s: %s", e.Code, e.ReasonText, e.Message)
}

// Text is all of it for a person, in English.
func (e *Error) Text() string {
	return e.text(e.Error(), func(v Violation) string { return v.Description })
}

// TextZh is all of it for a person, in Chinese with the English line below. What has no Chinese text
// is in English.
func (e *Error) TextZh() string {
	first := e.Error()
	if e.MessageZh != "" {
		first = e.MessageZh + "\n" + first
	}
	return e.text(first, func(v Violation) string {
		if v.MessageZh != "" {
			return v.MessageZh
		}
		return v.Description
	})
}

func (e *Error) text(first string, said func(Violation) string) string {
	lines := []string{first}
	for _, v := range e.Violations {
		lines = append(lines, fmt.Sprintf("- %s [%s] %s", said(v), v.RuleID, v.FieldPath))
	}
	if e.Truncated {
		lines = append(lines, "- …")
	}
	for _, p := range e.Preconditions {
		lines = append(lines, fmt.Sprintf("- %s: %s", p.Subject, p.Description))
	}
	for _, key := range slices.Sorted(maps.Keys(e.Metadata)) {
		lines = append(lines, fmt.Sprintf("  %s = %s", key, e.Metadata[key]))
	}
	if e.RequestID != "" {
		lines = append(lines, "  request_id = "+e.RequestID)
	}
	return strings.Join(lines, "\n")
}

// Unwrap is what gRPC, the file system or a decoder said.
func (e *Error) Unwrap() error { return e.cause }

// GRPCStatus lets status.FromError and status.Code read the error.
func (e *Error) GRPCStatus() *status.Status {
	if known, ok := status.FromError(e.cause); ok && e.cause != nil {
		return known
	}
	return status.New(e.Code, e.Message)
}

// Is lets errors.Is find the errors of a context, which gRPC turns into codes.
func (e *Error) Is(target error) bool {
	switch target {
	case context.Canceled:
		return e.Code == codes.Canceled
	case context.DeadlineExceeded:
		return e.Code == codes.DeadlineExceeded
	default:
		return false
	}
}

// refusal is an error that needs no server.
func refusal(cause error, format string, values ...any) *Error {
	message := fmt.Sprintf(format, values...)
	return &Error{Code: codes.InvalidArgument, Message: message, cause: cause}
}

// fromStatus reads what the server said.
func fromStatus(cause error, requestID string) *Error {
	said := status.Convert(cause)
	out := &Error{
		Code: said.Code(), Message: said.Message(), RequestID: requestID, cause: cause,
	}
	for _, detail := range said.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			if detail.GetDomain() != reasonDomain {
				continue
			}
			out.setReason(detail.GetReason())
			out.Metadata = detail.GetMetadata()
			out.Truncated = detail.GetMetadata()["truncated"] == "true"
		case *errdetails.LocalizedMessage:
			out.MessageZh = detail.GetMessage()
		case *errdetails.BadRequest:
			for _, field := range detail.GetFieldViolations() {
				out.Violations = append(out.Violations, Violation{
					RuleID:      ruleIDOf(field.GetReason()),
					FieldPath:   field.GetField(),
					Description: field.GetDescription(),
					MessageZh:   field.GetLocalizedMessage().GetMessage(),
				})
			}
		case *errdetails.PreconditionFailure:
			for _, violation := range detail.GetViolations() {
				out.Preconditions = append(out.Preconditions, Precondition{
					Type:        violation.GetType(),
					Subject:     violation.GetSubject(),
					Description: violation.GetDescription(),
				})
			}
		}
	}
	return out
}

func (e *Error) setReason(reason string) {
	e.ReasonText = reason
	e.Reason = nianbaov1.ErrorReason(nianbaov1.ErrorReason_value[reasonPrefix+reason])
}

// ruleIDOf is the rule that BadRequest writes in capitals.
func ruleIDOf(reason string) string {
	if id, ok := catalogue().byReason[reason]; ok {
		return id
	}
	return reason
}

// fromFindings is the error that the server would answer with to a report with these findings, or
// nil where they do not stand against it.
func fromFindings(report *nianbaov1.Report, findings []*nianbaov1.Finding) *Error {
	var wrong, unexplained []*nianbaov1.Finding
	for _, finding := range findings {
		switch {
		case finding.GetSeverity() == nianbaov1.Severity_SEVERITY_ERROR:
			wrong = append(wrong, finding)
		case finding.GetSeverity() == nianbaov1.Severity_SEVERITY_WARNING &&
			!finding.GetDerived() && !explained(report, finding):
			unexplained = append(unexplained, finding)
		}
	}
	reason, against := nianbaov1.ErrorReason_ERROR_REASON_REPORT_HAS_ERRORS, wrong
	if len(wrong) == 0 {
		reason, against = nianbaov1.ErrorReason_ERROR_REASON_WARNING_UNEXPLAINED, unexplained
	}
	if len(against) == 0 {
		return nil
	}
	zh, en := labelOf(reason)
	out := &Error{
		Code:       codes.InvalidArgument,
		Reason:     reason,
		ReasonText: strings.TrimPrefix(reason.String(), reasonPrefix),
		Message:    en,
		MessageZh:  zh,
		Findings:   findings,
	}
	for _, finding := range against {
		out.Violations = append(out.Violations, Violation{
			RuleID:      finding.GetRuleId(),
			FieldPath:   finding.GetFieldPath(),
			Description: finding.GetMessageEn(),
			MessageZh:   finding.GetCell() + "：" + finding.GetMessageZh(),
		})
	}
	out.cause = status.Error(out.Code, out.Message)
	return out
}

func explained(report *nianbaov1.Report, finding *nianbaov1.Finding) bool {
	return slices.ContainsFunc(report.GetExplanations(), func(e *nianbaov1.Explanation) bool {
		return e.GetFingerprint() == finding.GetFingerprint()
	})
}
