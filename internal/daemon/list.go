package daemon

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"provery/api"
	"provery/internal/fault"
	"provery/internal/registry"
)

// Circuits implements httpapi.Circuits.
func (s *services) Circuits(ctx context.Context, cursor string, limit int) (api.Page[api.Circuit], error) {
	page := api.Page[api.Circuit]{Items: []api.Circuit{}}
	circuits, err := s.newestFirst(ctx)
	if err != nil {
		return page, err
	}
	if cursor != "" {
		if circuits, err = after(circuits, cursor); err != nil {
			return page, err
		}
	}
	if limit > 0 && len(circuits) > limit {
		circuits = circuits[:limit]
		page.Next = cursorOf(&circuits[limit-1])
	}
	for _, c := range circuits {
		out, err := s.circuit(ctx, c, false)
		if err != nil {
			return page, err
		}
		page.Items = append(page.Items, out)
	}
	return page, nil
}

// newestFirst returns all circuits. The registry, which holds them in memory,
// lists them by id.
func (s *services) newestFirst(ctx context.Context) ([]registry.Circuit, error) {
	var all []registry.Circuit
	for cursor := ""; ; {
		some, next, err := s.d.registry.List(ctx, cursor, 1000)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
		if cursor = next; cursor == "" {
			break
		}
	}
	slices.SortFunc(all, func(a, b registry.Circuit) int { return order(a.Created, a.ID.Hex(), b.Created, b.ID.Hex()) })
	return all, nil
}

// order compares two circuits for a list: the newer first.
func order(created time.Time, id string, otherCreated time.Time, otherID string) int {
	return cmp.Or(otherCreated.Compare(created), strings.Compare(id, otherID))
}

// cursorOf returns the cursor of the page that begins after c. It stays good
// when c is removed.
func cursorOf(c *registry.Circuit) string {
	return fmt.Sprintf("%d-%s", c.Created.UnixNano(), c.ID.Hex())
}

// after returns the circuits that come after a cursor.
func after(circuits []registry.Circuit, cursor string) ([]registry.Circuit, error) {
	nano, id, found := strings.Cut(cursor, "-")
	n, err := strconv.ParseInt(nano, 10, 64)
	if err != nil || !found || len(id) != 64 {
		return nil, fault.New(fault.InvalidRequest, "malformed cursor").At("query.cursor")
	}
	i := slices.IndexFunc(circuits, func(c registry.Circuit) bool {
		return order(c.Created, c.ID.Hex(), time.Unix(0, n), id) > 0
	})
	if i < 0 {
		return nil, nil
	}
	return circuits[i:], nil
}
