// Gofloat answers how Go writes and reads floats. With -format it prints, for each of n seeded bit patterns, the
// layouts 'f', 'g' and that of Prometheus' JSON. Else it reads texts, one a line, and prints the bits or the error.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/json-iterator/go"
	"github.com/prometheus/prometheus/util/jsonutil"
)

type rng uint64

func (r *rng) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (r *rng) float() float64 {
	switch r.next() % 4 {
	case 0:
		return math.Float64frombits(r.next())
	case 1:
		return float64(int64(r.next()) >> (r.next() % 64))
	case 2:
		return float64(int64(r.next())>>(r.next()%64)) / 1000
	default:
		return float64(r.next()>>11) / (1 << 53)
	}
}

func main() {
	format := flag.Bool("format", false, "print layouts of seeded floats")
	n := flag.Int("n", 0, "number of floats")
	seed := flag.Uint64("seed", 0, "seed of the floats")
	flag.Parse()
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	defer out.Flush()
	if *format {
		r := rng(*seed)
		for range *n {
			v := r.float()
			stream := jsoniter.NewStream(jsoniter.ConfigDefault, nil, 64)
			jsonutil.MarshalFloat(v, stream)
			json := strings.Trim(string(stream.Buffer()), `"`)
			fmt.Fprintf(out, "%s %s %s\n", strconv.FormatFloat(v, 'f', -1, 64), strconv.FormatFloat(v, 'g', -1, 64), json)
		}
		return
	}
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		v, err := strconv.ParseFloat(in.Text(), 64)
		if err != nil {
			fmt.Fprintln(out, err.(*strconv.NumError).Err)
			continue
		}
		fmt.Fprintf(out, "%016x\n", math.Float64bits(v))
	}
}
