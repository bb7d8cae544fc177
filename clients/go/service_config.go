package nianbao

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// publishedConfig is a copy of clients/service_config.json, made by clients/generate.
//
//go:embed service_config.json
var publishedConfig string

// serviceConfig is the published config, with another timeout where one is given.
func serviceConfig(timeout time.Duration) (string, error) {
	if timeout == 0 {
		return publishedConfig, nil
	}
	var config struct {
		MethodConfig []map[string]any `json:"methodConfig"`
	}
	if err := json.Unmarshal([]byte(publishedConfig), &config); err != nil {
		return "", fmt.Errorf("the service config is not the published one: %w", err)
	}
	for _, methods := range config.MethodConfig {
		if _, timed := methods["timeout"]; timed {
			methods["timeout"] = fmt.Sprintf("%.9fs", timeout.Seconds())
		}
	}
	changed, err := json.Marshal(config)
	return string(changed), err
}

// backoff is how long to wait before another try.
type backoff struct {
	initial, most time.Duration
	multiplier    float64
}

// backoffOf reads the backoff of a method, such as nianbao.v1.ReportService/WatchChanges, from the
// service config.
func backoffOf(method string) (backoff, error) {
	var config struct {
		MethodConfig []struct {
			Name        []struct{ Service, Method string }
			RetryPolicy *struct {
				InitialBackoff, MaxBackoff string
				BackoffMultiplier          float64
			}
		}
	}
	if err := json.Unmarshal([]byte(publishedConfig), &config); err != nil {
		return backoff{}, fmt.Errorf("the service config is not the published one: %w", err)
	}
	for _, methods := range config.MethodConfig {
		for _, name := range methods.Name {
			if methods.RetryPolicy == nil || method != strings.Join(
				[]string{name.Service, name.Method}, "/") {
				continue
			}
			initial, err := time.ParseDuration(methods.RetryPolicy.InitialBackoff)
			if err != nil {
				return backoff{}, err
			}
			most, err := time.ParseDuration(methods.RetryPolicy.MaxBackoff)
			if err != nil {
				return backoff{}, err
			}
			return backoff{initial, most, methods.RetryPolicy.BackoffMultiplier}, nil
		}
	}
	return backoff{}, fmt.Errorf("the service config does not retry %s", method)
}

// after is the wait after so many tries that failed.
func (b backoff) after(tries int) time.Duration {
	wait := float64(b.initial)
	for range tries - 1 {
		wait *= b.multiplier
		if wait >= float64(b.most) {
			return b.most
		}
	}
	return time.Duration(wait)
}
