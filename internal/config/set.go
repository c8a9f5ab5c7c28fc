package config

import (
	"encoding"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"provery/internal/fault"
)

// envPrefix starts the names of the environment's variables.
const envPrefix = "PROVERY_"

// Keys lists the names that Set takes, in the order of the struct.
func Keys() []string {
	var keys []string
	walk(reflect.ValueOf(&Config{}).Elem(), "", func(key string, _ reflect.Value) { keys = append(keys, key) })
	return keys
}

// EnvName returns the environment variable of a key: "limits.max_waiters" is
// PROVERY_LIMITS_MAX_WAITERS.
func EnvName(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// Set parses value into the field that key names, such as
// "limits.max_body_bytes". The value of api_keys is a comma-separated list of
// name:sha256. It is what environment and flags go through.
func (c *Config) Set(key, value string) error {
	found := false
	var err error
	walk(reflect.ValueOf(c).Elem(), "", func(k string, field reflect.Value) {
		if k == key {
			found, err = true, parse(field, value)
		}
	})
	if !found {
		return fault.New(fault.InvalidRequest, "unknown setting %q", key)
	}
	return fault.Wrap(err, fault.InvalidRequest, "%s", key)
}

// SetAll sets several fields, and reports every error at once.
func (c *Config) SetAll(values map[string]string) error {
	var errs []string
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if err := c.Set(key, values[key]); err != nil {
			errs = append(errs, err.Error())
		}
	}
	return together("flags", errs)
}

// walk calls f with each leaf field of the struct v and its key.
func walk(v reflect.Value, prefix string, f func(key string, field reflect.Value)) {
	for i := range v.NumField() {
		key := prefix + v.Type().Field(i).Tag.Get("yaml")
		field := v.Field(i)
		if field.Kind() == reflect.Struct {
			walk(field, key+".", f)
			continue
		}
		f(key, field)
	}
}

func parse(field reflect.Value, value string) error {
	switch p := field.Addr().Interface().(type) {
	case *string:
		*p = value
	case *int:
		n, err := strconv.Atoi(value)
		if err != nil {
			return fault.New(fault.InvalidRequest, "want a whole number")
		}
		*p = n
	case *float64:
		f, err := strconv.ParseFloat(value, 64)
		if err != nil || f != f {
			return fault.New(fault.InvalidRequest, "want a number")
		}
		*p = f
	case *time.Duration:
		d, err := time.ParseDuration(value)
		if err != nil {
			return fault.New(fault.InvalidRequest, "want a duration such as 30s or 24h")
		}
		*p = d
	case *bool:
		return parseBool(p, value)
	case **bool:
		*p = new(bool)
		return parseBool(*p, value)
	case *[]string:
		*p = nil
		for one := range strings.SplitSeq(value, ",") {
			if one = strings.TrimSpace(one); one != "" {
				*p = append(*p, one)
			}
		}
	case *[]APIKey:
		return parseKeys(p, value)
	case encoding.TextUnmarshaler:
		return fault.Wrap(p.UnmarshalText([]byte(value)), fault.InvalidRequest, "unknown value")
	}
	return nil
}

func parseBool(p *bool, value string) (err error) {
	if *p, err = strconv.ParseBool(value); err != nil {
		return fault.New(fault.InvalidRequest, "want true or false")
	}
	return nil
}

func parseKeys(keys *[]APIKey, value string) error {
	*keys = nil
	for entry := range strings.SplitSeq(value, ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		name, hash, ok := strings.Cut(entry, ":")
		if !ok {
			return fault.New(fault.InvalidRequest, "want name:sha256, separated by commas")
		}
		*keys = append(*keys, APIKey{Name: name, SHA256: hash})
	}
	return nil
}
