//go:build !unix

package hosting

import "context"

// WithAllocator leaves memory to wazero, which grows a slice.
func WithAllocator(ctx context.Context) context.Context { return ctx }
