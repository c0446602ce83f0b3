// Configshow loads each configuration that it is given as a file name, one a line, as Prometheus does, and prints one
// JSON object a line: the error, or the effective configuration as /api/v1/status/config shows it.
package main

import (
	"bufio"
	"encoding/json"
	"os"

	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/config"
	_ "github.com/prometheus/prometheus/plugins"
)

func main() {
	in := bufio.NewScanner(os.Stdin)
	enc := json.NewEncoder(os.Stdout)
	for in.Scan() {
		var a struct {
			Error  string `json:"error"`
			Config string `json:"config"`
		}
		if c, err := config.LoadFile(in.Text(), false, promslog.NewNopLogger()); err != nil {
			a.Error = err.Error()
		} else {
			a.Config = c.String()
		}
		enc.Encode(a)
	}
}
