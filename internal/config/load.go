package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"

	"provery/internal/fault"
)

// Sources are what a configuration is loaded from. Later ones win, in the
// order of the fields.
type Sources struct {
	// File is the path of a YAML file; "" is none.
	File string
	// Environ is the environment as of os.Environ. Variables of other
	// names, PROVERY_… or not, are ignored: clusters inject such names.
	Environ []string
	// Flags, if not nil, applies the command line's flags, with Set or
	// directly.
	Flags func(c *Config) error
}

// Load returns the defaults overlaid with s, resolved and validated.
func Load(s Sources) (*Config, error) {
	c := Default()
	if s.File != "" {
		data, err := os.ReadFile(s.File)
		if err != nil {
			return nil, &fault.Error{Code: fault.InvalidRequest, Detail: "read configuration: " + err.Error(), Err: err}
		}
		if err := c.Parse(data); err != nil {
			return nil, fault.Wrap(err, fault.InvalidRequest, "%s", s.File)
		}
	}
	env := environment(s.Environ)
	if err := c.applyEnvironment(env); err != nil {
		return nil, err
	}
	if s.Flags != nil {
		if err := s.Flags(&c); err != nil {
			return nil, err
		}
	}
	if c.DataDir == "" {
		c.DataDir = defaultDataDir(env)
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &c, nil
}

// The texts of the libraries for a key that isn't known, for a value of another
// form than its key's, and for an unknown level.
var (
	unknownField = regexp.MustCompile(`field (\S+) not found in type [\w.]+`)
	wrongValue   = regexp.MustCompile("cannot unmarshal !!(\\w+)(?: `(.*)`)? into ([\\w.\\[\\]]+)")
	wrongLevel   = regexp.MustCompile(`slog: level string ("[^"]*"): unknown name`)
)

// forms says what the values of a Go type look like.
var forms = map[string]string{
	"time.Duration": "a duration such as 30s or 24h", "int": "a whole number", "float64": "a number", "bool": "true or false",
	"string": "a text", "[]string": "a list of texts",
}

// readable returns an error of the YAML library in words of configurations.
func readable(text string) string {
	text = unknownField.ReplaceAllString(text, "unknown key $1")
	text = wrongLevel.ReplaceAllString(text, "log.level: $1: want debug, info, warn or error")
	return wrongValue.ReplaceAllStringFunc(text, func(found string) string {
		part := wrongValue.FindStringSubmatch(found)
		want, known := forms[part[3]]
		if !known {
			want = "another form: 'provery config' shows it"
		}
		if part[2] == "" {
			return "want " + want
		}
		return fmt.Sprintf("%q: want %s", part[2], want)
	})
}

// Parse overlays c with the settings of a YAML document. A key that isn't
// known, or occurs twice, is an error that names its line. Parse doesn't
// validate.
func (c *Config) Parse(document []byte) error {
	dec := yaml.NewDecoder(bytes.NewReader(document))
	dec.KnownFields(true)
	err := dec.Decode(c)
	if errors.Is(err, io.EOF) { // nothing but comments
		return nil
	}
	if err == nil {
		if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
			return fault.New(fault.InvalidRequest, "more than one YAML document")
		}
		return nil
	}
	var types *yaml.TypeError
	if errors.As(err, &types) {
		lines := make([]string, len(types.Errors))
		for i, one := range types.Errors {
			lines[i] = readable(one)
		}
		return &fault.Error{Code: fault.InvalidRequest, Detail: strings.Join(lines, "; "), Err: err}
	}
	return &fault.Error{Code: fault.InvalidRequest, Detail: readable(strings.TrimPrefix(err.Error(), "yaml: ")), Err: err}
}

func environment(environ []string) map[string]string {
	env := make(map[string]string, len(environ))
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok {
			env[name] = value
		}
	}
	return env
}

func (c *Config) applyEnvironment(env map[string]string) error {
	var errs []string
	for _, key := range Keys() {
		value, ok := env[EnvName(key)]
		if !ok {
			continue
		}
		if err := c.Set(key, value); err != nil {
			errs = append(errs, EnvName(key)+": "+err.Error())
		}
	}
	return together("environment", errs)
}

// together makes one error of many; nil of none.
func together(what string, errs []string) error {
	switch len(errs) {
	case 0:
		return nil
	case 1:
		return fault.New(fault.InvalidRequest, "%s: %s", what, errs[0])
	}
	return fault.New(fault.InvalidRequest, "%s: %d errors:\n  %s", what, len(errs), strings.Join(errs, "\n  "))
}

func defaultDataDir(env map[string]string) string {
	if dir := env["XDG_DATA_HOME"]; filepath.IsAbs(dir) {
		return filepath.Join(dir, "provery")
	}
	if home := env["HOME"]; home != "" {
		return filepath.Join(home, ".local", "share", "provery")
	}
	return ""
}
