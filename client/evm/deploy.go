package evm

import (
	"context"
	"errors"

	"github.com/ethereum/go-ethereum/common"
)

// Deploy makes a contract of its initialisation code, with the constructor's
// encoded arguments behind it, and returns its address when it is final. id is
// as for Call: with one, a contract is made once.
func (s *Sender) Deploy(ctx context.Context, id string, code []byte) (common.Address, *Mined, error) {
	if len(code) == 0 {
		return common.Address{}, nil, errors.New("deploy: there is no code")
	}
	m, err := s.Do(ctx, Call{ID: id, Data: code})
	if err != nil {
		return common.Address{}, m, err
	}
	return *m.Contract, m, nil
}
