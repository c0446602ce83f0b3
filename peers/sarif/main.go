// sarifcheck holds a SARIF 2.1.0 report on standard input against the standard's JSON schema, which the module go-sarif carries in its
// source. It ends with 1 when the report does not follow it.
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"strconv"

	// Keeps the module that has the schema in go.mod.
	_ "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/xeipuuv/gojsonschema"
)

// source is the folder of go-sarif's module, set when this is built.
var source string

func main() {
	if err := check(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func check() error {
	text, err := schema(filepath.Join(source, "pkg/report/v210/sarif/schema.go"))
	if err != nil {
		return err
	}
	content, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	result, err := gojsonschema.Validate(gojsonschema.NewStringLoader(text), gojsonschema.NewBytesLoader(content))
	if err != nil {
		return err
	}
	for _, one := range result.Errors() {
		fmt.Fprintln(os.Stderr, one)
	}
	if !result.Valid() {
		return fmt.Errorf("not a SARIF 2.1.0 report")
	}
	return nil
}

// schema is the value of the constant of that name.
func schema(file string) (string, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		return "", err
	}
	object := parsed.Scope.Lookup("schema")
	if object == nil {
		return "", fmt.Errorf("%s: no constant schema", file)
	}
	literal, ok := object.Decl.(*ast.ValueSpec).Values[0].(*ast.BasicLit)
	if !ok {
		return "", fmt.Errorf("%s: schema is no literal", file)
	}
	return strconv.Unquote(literal.Value)
}
