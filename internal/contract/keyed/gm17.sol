// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.13;

/// @title Verifier of GM17 proofs (https://eprint.iacr.org/2017/540) of the key that
///        stands behind the contract's code
/// @notice Answers verifyTx and VERIFYING_KEY_DIGEST as the contract does that
///         Provery writes for the same key, with the same errors.
/// @dev The code is the same for all keys. Behind it stand, 32 bytes each:
///
///          query       x, y of each of the k + 1 points
///          -h_gamma    the points of G2 as the precompiled contract takes
///          -h          them: c1 before c0
///          h_beta
///          g_alpha
///          g_gamma
///          digest      SHA-256 of the verification.key
///          head        selector of verifyTx, 4 bytes; 25 bytes of zeros; 1 if h
///                      is h_gamma, 1 byte; k, 2 bytes
///
///      The contract that Provery writes in Solidity explains the one product of
///      pairings that is checked, what a verifier protects from, and what not;
///      `provery keys contract` prints it.
contract GM17Keyed {
    error InputNotInField();
    error CoordinateNotInField();
    error PrecompileFailed();

    fallback() external {
        assembly {
            function fail(code) {
                mstore(0, code)
                revert(0x1c, 4)
            }
            // The word at a place in the calldata, if it is below the base field's order.
            function coordinate(at) -> value {
                value := calldataload(at)
                if iszero(lt(value, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47)) {
                    fail(0x9c876bd3) // CoordinateNotInField()
                }
            }
            // Calls a precompiled contract. It says no by failing, and a chain that
            // lacks it by returning nothing.
            function run(which, at, size, result, resultSize) {
                let ok := staticcall(gas(), which, at, size, result, resultSize)
                if iszero(and(ok, eq(returndatasize(), resultSize))) {
                    fail(0x84e81692) // PrecompileFailed()
                }
            }
            // Adds the point at sum + 0x40 to the one at sum.
            function addNext(sum) {
                run(6, sum, 0x80, sum, 0x40)
            }
            // Adds factor times the point at sum + 0x40 to the one at sum; uses the
            // word behind.
            function addTerm(sum, factor) {
                mstore(add(sum, 0x80), factor)
                run(7, add(sum, 0x40), 0x60, add(sum, 0x40), 0x40)
                addNext(sum)
            }

            let end := codesize()
            codecopy(0, sub(end, 0x40), 0x40)
            let k := and(mload(0x20), 0xffff)
            let shared := and(mload(0x20), 0x10000)
            if xor(shr(224, calldataload(0)), shr(224, mload(0x20))) {
                if and(eq(shr(224, calldataload(0)), 0xdb13cc7b), gt(calldatasize(), 3)) {
                    return(0, 0x20) // VERIFYING_KEY_DIGEST()
                }
                revert(0, 0)
            }
            if lt(calldatasize(), add(0x104, shl(5, k))) {
                revert(0, 0)
            }

            // What rho is a hash of, at 0x600: digest, a, b, c, inputs. On the way x is
            // summed up at 0x400: the constant's point and a term for each input.
            mstore(0x600, mload(0)) // the digest
            mstore(0x620, coordinate(0x04))
            mstore(0x640, coordinate(0x24))
            mstore(0x660, coordinate(0x64))
            mstore(0x680, coordinate(0x44))
            mstore(0x6a0, coordinate(0xa4))
            mstore(0x6c0, coordinate(0x84))
            mstore(0x6e0, coordinate(0xc4))
            mstore(0x700, coordinate(0xe4))
            let point := sub(sub(end, 0x280), shl(6, k))
            codecopy(0x400, point, 0x40)
            let text := 0x720
            for { let at := 0x104 } k { k := sub(k, 1) } {
                let value := calldataload(at)
                if iszero(lt(value, 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001)) {
                    fail(0xcac0fb36) // InputNotInField()
                }
                mstore(text, value)
                text := add(text, 0x20)
                at := add(at, 0x20)
                point := add(point, 0x40)
                codecopy(0x440, point, 0x40)
                addTerm(0x400, value)
            }
            let rho := keccak256(0x600, sub(text, 0x600))

            // Three or four pairs of a point of G1 and one of G2, 0xc0 bytes each, at
            // 0x80. a + g_alpha + rho * g_gamma and b.
            mstore(0x80, mload(0x620))
            mstore(0xa0, mload(0x640))
            codecopy(0xc0, sub(end, 0xc0), 0x40)
            addNext(0x80)
            codecopy(0xc0, sub(end, 0x80), 0x40)
            addTerm(0x80, rho)
            mstore(0xc0, mload(0x660))
            mstore(0xe0, mload(0x680))
            mstore(0x100, mload(0x6a0))
            mstore(0x120, mload(0x6c0))

            // a and h_beta.
            mstore(0x140, mload(0x620))
            mstore(0x160, mload(0x640))
            codecopy(0x180, sub(end, 0x140), 0x80)

            // x + rho * a, and c: with -h both if h is h_gamma, else the one with
            // -h_gamma, the other with -h.
            mstore(0x440, mload(0x620))
            mstore(0x460, mload(0x640))
            addTerm(0x400, rho)
            let size := 0x300
            if shared {
                mstore(0x440, mload(0x6e0))
                mstore(0x460, mload(0x700))
                addNext(0x400)
                size := 0x240
            }
            mstore(0x200, mload(0x400))
            mstore(0x220, mload(0x420))
            codecopy(0x240, sub(end, 0x240), 0x80) // -h_gamma
            mstore(0x2c0, mload(0x6e0))
            mstore(0x2e0, mload(0x700))
            codecopy(0x300, sub(end, 0x1c0), 0x80) // -h

            run(8, 0x80, size, 0, 0x20)
            return(0, 0x20)
        }
    }
}
