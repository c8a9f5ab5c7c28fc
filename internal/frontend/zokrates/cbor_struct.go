package zokrates

// fields are the keys of a map that stands for a struct. Those before
// required occur exactly once, the others at most once.
type fields struct {
	what     string // names the struct in errors
	names    []string
	required int
}

func allOf(what string, names ...string) fields { return fields{what, names, len(names)} }

// structure reads a map with text keys in any order and calls read with the
// index of each required key; read consumes the value. Source spans are
// skipped everywhere. An unknown, repeated or missing key is an error.
func (d *decoder) structure(f *fields, read func(field int)) {
	seen := uint64(0)
	it := d.mapping()
	for d.more(&it) {
		key := d.text()
		i := indexOf(f.names, key)
		if i < 0 {
			if string(key) == "span" {
				d.skip()
			} else {
				d.fail("%s has an unknown key %.40q", f.what, key)
			}
			continue
		}
		if seen&(1<<i) != 0 {
			d.fail("%s has %q twice", f.what, f.names[i])
			return
		}
		seen |= 1 << i
		if i >= f.required {
			d.skip()
		} else {
			read(i)
		}
	}
	for i, name := range f.names[:f.required] {
		if d.err == nil && seen&(1<<i) == 0 {
			d.fail("%s lacks %q", f.what, name)
		}
	}
}

// variant is the head of an enum: which of its names, and whether content
// follows.
type variant struct {
	index   int
	content bool
	open    bool
}

// variant reads an enum: a text, or a map of one entry whose value the caller
// reads before it calls endVariant. An unknown name gives index -1, and is an
// error unless the caller makes one of it.
func (d *decoder) variant(names []string) variant {
	if d.peek()>>5 == majorText {
		return variant{index: indexOf(names, d.text())}
	}
	it := d.mapping()
	if d.err == nil && !it.open && it.left != 1 {
		d.fail("map of %d entries where an enum is wanted", it.left)
	}
	v := variant{index: indexOf(names, d.text()), content: true, open: it.open}
	if d.err != nil {
		v.index = -1
	}
	return v
}

// endVariant consumes what ends an enum with content.
func (d *decoder) endVariant(v variant) {
	if v.content && v.open && d.err == nil {
		if d.peek() != breakByte {
			d.fail("enum with more than one entry")
			return
		}
		d.pos++
	}
}

// unit fails if v has content, and newtype if it has none.
func (d *decoder) unit(v variant) {
	if v.content {
		d.fail("content where a plain name is wanted")
	}
}

func (d *decoder) newtype(v variant) {
	if !v.content {
		d.fail("name without its content")
	}
}

func indexOf(names []string, key []byte) int {
	for i, name := range names {
		if string(key) == name {
			return i
		}
	}
	return -1
}
