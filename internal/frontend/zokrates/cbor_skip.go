package zokrates

// skip consumes one item of any kind.
func (d *decoder) skip() {
	if d.null() { // by far the most frequent
		return
	}
	var stack [maxDepth]items
	depth := 0
	for {
		if depth > 0 && !d.more(&stack[depth-1]) {
			depth--
		} else if it, nested := d.skipHead(); nested {
			if depth == maxDepth {
				d.fail("items are nested too deeply")
				return
			}
			stack[depth] = it
			depth++
		}
		if depth == 0 || d.err != nil {
			return
		}
	}
}

// skipHead consumes an item up to the items in it; nested reports whether it
// may have some.
func (d *decoder) skipHead() (it items, nested bool) {
	major, n, open := d.head()
	switch major {
	case majorBytes, majorText:
		if open {
			d.fail("string of indefinite length")
		}
		if n > uint64(d.remaining()) {
			d.fail("string of %d bytes is longer than the section", n)
		}
		for n > 0 && d.err == nil {
			part := min(n, uint64(len(d.window)))
			if d.need(int(part)) {
				d.pos += int(part)
			}
			n -= part
		}
	case majorArray, majorMap:
		if n > uint64(d.remaining()) {
			d.fail("collection of %d items is longer than the section", n)
		}
		if major == majorMap && open {
			return items{open: true}, true // an even number of items isn't insisted on in what is ignored
		}
		if major == majorMap {
			n *= 2
		}
		return items{n, open}, true
	case majorTag:
		d.fail("tagged item")
	}
	return items{}, false
}
