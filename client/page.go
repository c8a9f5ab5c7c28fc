package client

import (
	"errors"
	"iter"
	"net/url"
	"strconv"

	"provery/api"
)

// maxPage is the most that the service puts on a page.
const maxPage = 200

// all yields the items of all pages. The last pair has the error, if any.
func all[T any](fetch func(cursor string) (*api.Page[T], error)) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for cursor := ""; ; {
			p, err := fetch(cursor)
			if err == nil && p.Next == cursor && cursor != "" {
				err = errors.New("client: the list goes round in a circle")
			}
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range p.Items {
				if !yield(&p.Items[i], nil) {
					return
				}
			}
			if cursor = p.Next; cursor == "" {
				return
			}
		}
	}
}

// page is the query of a page.
func page(cursor string, limit int) string {
	q := url.Values{}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	if limit > 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	return query(q)
}

func query(q url.Values) string {
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}
