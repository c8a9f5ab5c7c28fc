package evm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rpc"
)

// errNonceTaken says that the node knows another transaction with the nonce.
var errNonceTaken = errors.New("the node knows another transaction with the nonce")

// send hands a transaction to the node. One that it has already is no error.
func (c *Client) send(ctx context.Context, tx *types.Transaction) error {
	err := c.backend.SendTransaction(ctx, tx)
	if err != nil && contains(err, "already known", "known transaction", "already imported") {
		return nil
	}
	return err
}

// lacks reports whether the node says that it doesn't know a transaction.
func (c *Client) lacks(ctx context.Context, hash common.Hash) bool {
	_, _, err := c.backend.TransactionByHash(ctx, hash)
	return errors.Is(err, ethereum.NotFound)
}

// refusedFor returns the error of a transaction that the node found invalid, so
// that it is in no block and won't be; nil for none, and for anything that may
// pass, such as a lost connection or a full node.
func refusedFor(err error) error {
	var coded rpc.Error
	switch {
	case err == nil || !errors.As(err, &coded):
		return nil
	case contains(err, "nonce too low", "replacement transaction underpriced", "replacement fee too low"):
		return errNonceTaken
	case contains(err, "insufficient funds", "intrinsic gas", "floor data gas", "exceeds block gas limit", "gas limit too high",
		"transaction underpriced", "exceeds the configured cap", "oversized data", "initcode size", "code size",
		"invalid sender", "invalid chain id", "not supported"):
		return fmt.Errorf("the node refused the transaction: %w", err)
	}
	return nil
}

func contains(err error, parts ...string) bool {
	text := strings.ToLower(err.Error())
	return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(text, p) })
}
