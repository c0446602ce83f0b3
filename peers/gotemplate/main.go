// gotemplate expands templates as Prometheus does for labels and annotations of alerts: a JSON object a line in, one out.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/template"
)

type sample struct {
	Labels map[string]string `json:"labels"`
	Value  string            `json:"value"`
}

type input struct {
	Name           string              `json:"name"`
	Text           string              `json:"text"`
	Labels         map[string]string   `json:"labels"`
	ExternalLabels map[string]string   `json:"external_labels"`
	ExternalURL    string              `json:"external_url"`
	Value          string              `json:"value"`
	Now            int64               `json:"now"`
	Queries        map[string][]sample `json:"queries"`
	// Only look whether it is a template.
	Check bool `json:"check"`
}

type output struct {
	Out string `json:"out"`
	Err string `json:"err,omitempty"`
}

var prologue = strings.Join([]string{
	"{{$labels := .Labels}}",
	"{{$externalLabels := .ExternalLabels}}",
	"{{$externalURL := .ExternalURL}}",
	"{{$value := .Value}}",
}, "")

func float(s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic(err)
	}
	return v
}

func expand(in input) (string, error) {
	external, err := url.Parse(in.ExternalURL)
	if err != nil {
		return "", err
	}
	query := func(_ context.Context, q string, _ time.Time) (promql.Vector, error) {
		found, ok := in.Queries[q]
		if !ok {
			return nil, fmt.Errorf("unknown query %q", q)
		}
		var vector promql.Vector
		for _, s := range found {
			vector = append(vector, promql.Sample{Metric: labels.FromMap(s.Labels), F: float(s.Value)})
		}
		return vector, nil
	}
	data := template.AlertTemplateData(in.Labels, in.ExternalLabels, in.ExternalURL, promql.Sample{F: float(in.Value)})
	expander := template.NewTemplateExpander(
		context.Background(), prologue+in.Text, in.Name, data, model.Time(in.Now), query, external, nil)
	if in.Check {
		return "", expander.ParseTest()
	}
	return expander.Expand()
}

func main() {
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	write := json.NewEncoder(out)
	write.SetEscapeHTML(false)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var in input
			if err := json.Unmarshal(line, &in); err != nil {
				panic(err)
			}
			text, err := expand(in)
			o := output{Out: text}
			if err != nil {
				o.Err = err.Error()
			}
			if err := write.Encode(o); err != nil {
				panic(err)
			}
		}
		if err != nil {
			return
		}
	}
}
