package zokrates

import (
	"encoding/json"
	"math"
	"strconv"
)

var (
	logFields    = allOf("log statement", "format_string", "expressions")
	formatFields = allOf("format string", "parts")
)

const (
	maxLogText = 1 << 20 // bytes of one log statement's types and texts
	maxLogs    = 1 << 20 // log statements
)

// log reads a log statement.
func (c *compiler) log() {
	var s logStatement
	c.inputs = c.inputs[:0]
	c.structure(&logFields, func(field int) {
		if field == 0 {
			c.structure(&formatFields, func(int) {
				it := c.array()
				for c.more(&it) {
					s.Parts = append(s.Parts, readString(c.decoder, maxMessage))
				}
			})
			return
		}
		it := c.array()
		for c.more(&it) {
			c.logExpression(&s)
		}
	})
	if c.err == nil && len(s.Parts) != len(s.Types)+1 {
		c.fail("log statement of %d parts and %d values", len(s.Parts), len(s.Types))
	}
	if c.err == nil && len(c.logs) >= maxLogs {
		c.fail("more than %d log statements", maxLogs)
	}
	if c.err != nil {
		return
	}
	c.emit(opLog, uint32(len(c.logs)))
	c.logs = append(c.logs, s)
	c.steps = append(c.steps, uint32(len(c.inputs)))
	c.steps = append(c.steps, c.inputs...)
}

// logExpression reads [type, [linear combination…]].
func (c *compiler) logExpression(s *logStatement) {
	pair := c.array()
	if !c.more(&pair) {
		c.fail("value of a log statement without a type")
		return
	}
	text := jsonItem(c.decoder, nil)
	if c.err != nil {
		return
	}
	ty, err := parseType(text)
	if err != nil {
		c.failWith(err)
		return
	}
	s.Types = append(s.Types, json.RawMessage(text))
	if !c.more(&pair) {
		c.fail("value of a log statement without its elements")
		return
	}
	n := 0
	it := c.array()
	for ; c.more(&it); n++ {
		c.combination(&c.left)
		c.inputs = append(c.inputs, c.row(&c.left))
	}
	if c.err == nil && n != ty.leaves {
		c.fail("value of a log statement of %d elements for a type of %d", n, ty.leaves)
	}
	if c.more(&pair) {
		c.fail("value of a log statement of more than two items")
	}
}

// jsonItem reads one item of texts, unsigned integers, booleans, nulls, arrays
// and maps with text keys, and appends it to dst as JSON. Types in log
// statements are written as an ABI is, but in CBOR.
func jsonItem(d *decoder, dst []byte) []byte {
	if !d.enter() {
		return dst
	}
	defer d.leave()
	if len(dst) > maxLogText {
		d.fail("type in a log statement is too large")
		return dst
	}
	switch d.peek() >> 5 {
	case majorUint:
		return strconv.AppendUint(dst, d.uint(math.MaxUint64), 10)
	case majorText:
		text, _ := json.Marshal(readString(d, maxMessage))
		return append(dst, text...)
	case majorArray:
		return jsonItems(d, dst, d.array(), false)
	case majorMap:
		return jsonItems(d, dst, d.mapping(), true)
	}
	if d.null() {
		return append(dst, "null"...)
	}
	return strconv.AppendBool(dst, d.bool())
}

func jsonItems(d *decoder, dst []byte, it items, keys bool) []byte {
	brackets := "[]"
	if keys {
		brackets = "{}"
	}
	dst = append(dst, brackets[0])
	for n := 0; d.more(&it); n++ {
		if n > 0 {
			dst = append(dst, ',')
		}
		if keys {
			if d.peek()>>5 != majorText {
				d.fail("key in a log statement isn't a text")
				return dst
			}
			dst = append(jsonItem(d, dst), ':')
		}
		dst = jsonItem(d, dst)
	}
	return append(dst, brackets[1])
}
