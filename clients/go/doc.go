// Package nianbao is the Go client of nianbao, the service for the Chinese annual report on open
// government information (政府信息公开工作年度报告).
//
// Connect makes a [Client]. It validates, submits, reads and sums reports, and holds the generated
// stubs for everything else; each call has the deadlines and retries of the published service
// config, and fails with an [*Error]. [ValidateOffline] finds what the server would find, without
// one. The messages are those of the package nianbaov1, in nianbao/clients/go/nianbao/v1.
package nianbao

// Version is the version of this package.
const Version = "0.1.0"
