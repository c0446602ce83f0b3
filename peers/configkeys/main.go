// Configkeys prints every key of Prometheus' configuration, one a line: its path, lists as [], maps as {}.
package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	_ "unsafe" // for the linked variable

	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	_ "github.com/prometheus/prometheus/plugins"
)

//go:linkname configFields github.com/prometheus/prometheus/discovery.configFields
var configFields []reflect.StructField

var keys = map[string]bool{}

func walk(path string, t reflect.Type, seen []reflect.Type) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return
		}
		walk(path+"[]", t.Elem(), seen)
	case reflect.Map:
		walk(path+"{}", t.Elem(), seen)
	case reflect.Struct:
		if slices.Contains(seen, t) || t.Name() == "Regexp" || t.Name() == "URL" {
			return // written as a text
		}
		fields(path, t, append(slices.Clone(seen), t))
	}
}

func fields(path string, t reflect.Type, seen []reflect.Type) {
	if t.Name() == "Group" && strings.HasSuffix(t.PkgPath(), "/targetgroup") {
		keys[path+".targets"], keys[path+".targets[]"], keys[path+".labels"], keys[path+".labels{}"] = true, true, true, true
		return
	}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if f.Type == reflect.TypeFor[discovery.Configs]() {
			for _, c := range configFields {
				field(path, strings.TrimPrefix(c.Name, "AUTO_DISCOVERY_"), c.Type, seen)
			}
			continue
		}
		if name == "-" || f.PkgPath != "" {
			continue
		}
		if strings.Contains(options, "inline") {
			if f.Type.Kind() == reflect.Map {
				walk(path+".{}", f.Type.Elem(), seen)
			} else {
				fields(path, f.Type, seen)
			}
			continue
		}
		if name == "" {
			name = strings.ToLower(f.Name) // as the YAML library names a field without a tag
		}
		field(path, name, f.Type, seen)
	}
}

func field(path, name string, t reflect.Type, seen []reflect.Type) {
	if path != "" {
		name = path + "." + name
	}
	keys[name] = true
	walk(name, t, seen)
}

func main() {
	walk("", reflect.TypeFor[config.Config](), nil)
	var out []string
	for k := range keys {
		out = append(out, k)
	}
	slices.Sort(out)
	for _, k := range out {
		fmt.Println(k)
	}
}
