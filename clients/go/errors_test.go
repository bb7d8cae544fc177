package nianbao

import (
	"context"
	"errors"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"

	nianbaov1 "nianbao/clients/go/nianbao/v1"
)

// statusWith is a status with details, as a server sends it.
func statusWith(t *testing.T, code codes.Code, details ...protoadapt.MessageV1) error {
	t.Helper()
	said, err := status.New(code, "what happened").WithDetails(details...)
	if err != nil {
		t.Fatal(err)
	}
	return said.Err()
}

func localized(text string) *errdetails.LocalizedMessage {
	return &errdetails.LocalizedMessage{Locale: "zh-CN", Message: text}
}

func TestAnErrorHasWhatTheServerSaid(t *testing.T) {
	err := errorOf(statusWith(t, codes.InvalidArgument,
		&errdetails.ErrorInfo{
			Reason: "REPORT_HAS_ERRORS", Domain: "nianbao.v1",
			Metadata: map[string]string{"errors": "3", "truncated": "true"},
		},
		localized("报告有错误"),
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{
				Field: "requests", Description: "wrong", Reason: "REQUESTS_BALANCE_TOTAL",
				LocalizedMessage: localized("表三：不平"),
			},
			{Field: "request_id", Description: "used", Reason: "REQUEST_ID_REUSED"},
		}},
		&errdetails.PreconditionFailure{
			Violations: []*errdetails.PreconditionFailure_Violation{
				{Type: "REPORT_STATE", Subject: "organs/a", Description: "is void"},
			},
		},
	), "id-1")
	var known *Error
	if !errors.As(err, &known) {
		t.Fatalf("the error is %v", err)
	}
	if known.Code != codes.InvalidArgument || known.ReasonText != "REPORT_HAS_ERRORS" ||
		known.Reason != nianbaov1.ErrorReason_ERROR_REASON_REPORT_HAS_ERRORS {
		t.Errorf("the error is %v", known)
	}
	if known.Metadata["errors"] != "3" || !known.Truncated || known.RequestID != "id-1" {
		t.Errorf("the error is %+v", known)
	}
	want := Violation{"requests.balance.total", "requests", "wrong", "表三：不平"}
	if known.Violations[0] != want || known.Violations[1].RuleID != "REQUEST_ID_REUSED" {
		t.Errorf("the violations are %v", known.Violations)
	}
	if known.Preconditions[0] != (Precondition{"REPORT_STATE", "organs/a", "is void"}) {
		t.Errorf("the preconditions are %v", known.Preconditions)
	}
	if said, ok := status.FromError(err); !ok || len(said.Details()) != 4 {
		t.Errorf("the status is %v", said)
	}
	chinese := known.TextZh()
	for _, part := range []string{
		"表三：不平 [requests.balance.total] requests", "organs/a: is void", "…", "request_id = id-1",
	} {
		if !strings.Contains(chinese, part) {
			t.Errorf("%s is not in %s", part, chinese)
		}
	}
	if !strings.HasPrefix(chinese, "报告有错误\n") || !strings.Contains(known.Text(), "- wrong [") {
		t.Errorf("the texts are %s and %s", chinese, known.Text())
	}
}

func TestAReasonThatTheSchemaDoesNotKnowStaysReadable(t *testing.T) {
	err := errorOf(statusWith(t, codes.Aborted,
		&errdetails.ErrorInfo{Reason: "OF_TOMORROW", Domain: "nianbao.v1"}), "")
	known := asError(err)
	if known.ReasonText != "OF_TOMORROW" ||
		known.Reason != nianbaov1.ErrorReason_ERROR_REASON_UNSPECIFIED {
		t.Errorf("the error is %v", err)
	}
}

func TestAReasonOfAnotherDomainIsNone(t *testing.T) {
	err := errorOf(statusWith(t, codes.Unavailable,
		&errdetails.ErrorInfo{Reason: "REPORT_STATE", Domain: "proxy.example"}), "")
	if known := asError(err); known.ReasonText != "" {
		t.Errorf("the error is %v", err)
	}
}

func TestTheErrorsOfAContextAreFound(t *testing.T) {
	late := errorOf(status.Error(codes.DeadlineExceeded, "late"), "")
	gone := errorOf(status.Error(codes.Canceled, "gone"), "")
	if !errors.Is(late, context.DeadlineExceeded) || !errors.Is(gone, context.Canceled) ||
		errors.Is(late, context.Canceled) {
		t.Error("errors.Is does not tell them apart")
	}
}

func TestAWrongArgumentHasACode(t *testing.T) {
	for _, err := range []error{refuse("no"), &Error{Code: codes.InvalidArgument, Message: "no"}} {
		if status.Code(err) != codes.InvalidArgument {
			t.Errorf("%v has the code %v", err, status.Code(err))
		}
	}
}

func TestWhatIsCheckedFirstFailsAsOnTheServer(t *testing.T) {
	report := example(t, "refused.json")
	_, err := (&Client{}).Submit(t.Context(), report, CheckFirst())
	known := asError(err)
	if known == nil || known.ReasonText != "REPORT_HAS_ERRORS" || len(known.Findings) != 2 {
		t.Fatalf("the error is %v", err)
	}
	if known.MessageZh != "报告有错误" || known.Violations[0].RuleID != "applicants.total" ||
		!strings.HasPrefix(known.Violations[0].MessageZh, "表三·（四）无法提供") {
		t.Errorf("the error is %s", known.TextZh())
	}
	if status.Code(err) != codes.InvalidArgument {
		t.Errorf("the code is %v", status.Code(err))
	}
}

func TestAWarningIsCheckedUntilItIsExplained(t *testing.T) {
	report := example(t, "report.json")
	report.Year, report.Edition = 2020, nianbaov1.Edition_EDITION_2021
	findings := offline(t, report)
	known := fromFindings(report, findings)
	if known == nil || known.ReasonText != "WARNING_UNEXPLAINED" {
		t.Fatalf("the findings are %v", ids(findings))
	}
	s := &submission{request: &nianbaov1.SubmitReportRequest{Report: report}, check: true}
	for _, finding := range findings {
		Explain(finding.GetFingerprint(), "补录时用了新格式")(s)
	}
	if err := s.checked(); err != nil {
		t.Errorf("the error is %v", err)
	}
	if len(report.GetExplanations()) > 0 {
		t.Error("the report of the caller has changed")
	}
}

func TestConnectSaysWhatIsWrong(t *testing.T) {
	for name, options := range map[string][]Option{
		"localhost:1": nil,
		"":            {WithPlaintext()},
		"http://a:1":  {WithPlaintext()},
		"a:1":         {WithPlaintext(), WithTLS(TLS{})},
		"b:1":         {WithTLS(TLS{CA: "absent.pem"})},
		"c:1":         {WithTLS(TLS{CA: "client.go"})},
		"d:1":         {WithTLS(TLS{Certificate: "cert.pem"})},
		"e:1":         {WithTLS(TLS{Certificate: "absent.pem", Key: "absent.pem"})},
		"f:1":         {WithPlaintext(), WithPrincipal("张三")},
		"g:1":         {WithPlaintext(), WithTimeout(0)},
	} {
		client, err := Connect(name, options...)
		if client != nil || asError(err) == nil || asError(err).Code != codes.InvalidArgument {
			t.Errorf("%q: the error is %v", name, err)
		}
	}
}
