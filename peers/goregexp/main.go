// Goregexp answers what Prometheus' regular expressions do. It reads a JSON array a line: pattern, template, texts...
// and prints a JSON object a line: the error of the pattern on its own and anchored, and for each text whether the
// whole matches and the template filled with the groups.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/grafana/regexp"
	"github.com/grafana/regexp/syntax"
	"github.com/prometheus/prometheus/model/labels"
)

type answer struct {
	Alone    string   `json:"alone"`
	Anchored string   `json:"anchored"`
	Match    []bool   `json:"match"`
	Expand   []string `json:"expand"`
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 16<<20)
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	defer out.Flush()
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for in.Scan() {
		var q []string
		if err := json.Unmarshal(in.Bytes(), &q); err != nil || len(q) < 2 {
			fmt.Fprintln(os.Stderr, "bad question:", in.Text())
			os.Exit(1)
		}
		var a answer
		if _, err := syntax.Parse(q[0], syntax.Perl|syntax.DotNL); err != nil {
			a.Alone = err.Error()
		} else if m, err := labels.NewFastRegexMatcher(q[0]); err == nil {
			for _, text := range q[2:] {
				a.Match = append(a.Match, m.MatchString(text))
			}
		}
		re, err := regexp.Compile("^(?s:" + q[0] + ")$")
		if err != nil {
			a.Anchored = err.Error()
		} else {
			for _, text := range q[2:] {
				filled := "no match"
				if at := re.FindStringSubmatchIndex(text); at != nil {
					filled = string(re.ExpandString(nil, q[1], text, at))
				}
				a.Expand = append(a.Expand, filled)
			}
		}
		enc.Encode(a)
	}
}
