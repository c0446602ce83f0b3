// Gorelabel answers what Prometheus' relabelling does. It reads a JSON object a line with rules (YAML) and labels, and
// prints one a line: the error of the rules, or whether the set is kept, and its labels.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	"go.yaml.in/yaml/v2"
)

type answer struct {
	Error  string            `json:"error"`
	Keep   bool              `json:"keep"`
	Labels map[string]string `json:"labels"`
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 16<<20)
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	defer out.Flush()
	enc := json.NewEncoder(out)
	for in.Scan() {
		var q struct {
			Rules  string            `json:"rules"`
			Labels map[string]string `json:"labels"`
		}
		if err := json.Unmarshal(in.Bytes(), &q); err != nil {
			fmt.Fprintln(os.Stderr, "bad question:", in.Text())
			os.Exit(1)
		}
		enc.Encode(apply(q.Rules, q.Labels))
	}
}

func apply(text string, set map[string]string) answer {
	var rules []*relabel.Config
	if err := yaml.UnmarshalStrict([]byte(text), &rules); err != nil {
		return answer{Error: err.Error()}
	}
	for _, r := range rules {
		if err := r.Validate(model.UTF8Validation); err != nil {
			return answer{Error: err.Error()}
		}
	}
	b := labels.NewBuilder(labels.FromMap(set))
	if !relabel.ProcessBuilder(b, rules...) {
		return answer{}
	}
	return answer{Keep: true, Labels: b.Labels().Map()}
}
