// Gomath answers what Go's math package gives: for each of n seeded arguments the bits of the result, eight bytes
// little-endian. The tests of crate model draw the same arguments and compare.
package main

import (
	"bufio"
	"encoding/binary"
	"flag"
	"fmt"
	"math"
	"os"
)

var one = map[string]func(float64) float64{
	"exp": math.Exp, "exp2": math.Exp2, "expm1": math.Expm1, "log": math.Log, "log2": math.Log2, "log10": math.Log10,
	"log1p": math.Log1p, "sin": math.Sin, "cos": math.Cos, "tan": math.Tan, "asin": math.Asin, "acos": math.Acos,
	"atan": math.Atan, "sinh": math.Sinh, "cosh": math.Cosh, "tanh": math.Tanh, "asinh": math.Asinh, "acosh": math.Acosh,
	"atanh": math.Atanh, "sqrt": math.Sqrt, "floor": math.Floor, "ceil": math.Ceil, "trunc": math.Trunc,
	"round_to_even": math.RoundToEven,
}

var two = map[string]func(float64, float64) float64{"pow": math.Pow, "mod": math.Mod}

// rng is SplitMix64, as in the tests.
type rng uint64

func (r *rng) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (r *rng) unit() float64 { return float64(r.next()>>11) / (1 << 53) }

// arg draws any float at all, or one of the ranges where functions do their work.
func (r *rng) arg() float64 {
	switch r.next() % 5 {
	case 0:
		return math.Float64frombits(r.next())
	case 1:
		return r.unit()*2 - 1
	case 2:
		return r.unit()*40 - 20
	case 3:
		return r.unit()*2000 - 1000
	default:
		return math.Floor(r.unit()*200 - 100)
	}
}

func main() {
	fn := flag.String("fn", "", "name of the function")
	n := flag.Int("n", 0, "number of arguments")
	seed := flag.Uint64("seed", 0, "seed of the arguments")
	flag.Parse()
	r := rng(*seed)
	f1, ok1 := one[*fn]
	f2, ok2 := two[*fn]
	if !ok1 && !ok2 {
		fmt.Fprintf(os.Stderr, "no function %q\n", *fn)
		os.Exit(1)
	}
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	var b [8]byte
	for range *n {
		var v float64
		if ok1 {
			v = f1(r.arg())
		} else {
			x := r.arg()
			v = f2(x, r.arg())
		}
		binary.LittleEndian.PutUint64(b[:], math.Float64bits(v))
		out.Write(b[:])
	}
	if err := out.Flush(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
