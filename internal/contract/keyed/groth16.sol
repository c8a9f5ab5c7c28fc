// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.13;

/// @title Verifier of Groth16 proofs (https://eprint.iacr.org/2016/260) of the key
///        that stands behind the contract's code
/// @notice Answers verifyTx, verifyProof and VERIFYING_KEY_DIGEST as the contracts
///         do that Provery writes for the same key, with the same errors.
/// @dev The code is the same for all keys. Behind it stand, 32 bytes each:
///
///          gamma_abc   x, y of each of the k + 1 points
///          -gamma      the points of G2 as the precompiled contract takes
///          -delta      them: c1 before c0
///          -alpha
///          beta
///          digest      SHA-256 of the verification.key
///          head        selector of verifyTx, 4 bytes; of verifyProof, 4 bytes;
///                      22 bytes of zeros; k, 2 bytes
///
///      See the contract that Provery writes in Solidity for what a verifier
///      protects from and what not; `provery keys contract` prints it.
contract Groth16Keyed {
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

            let end := codesize()
            codecopy(0, sub(end, 0x40), 0x40)
            let head := mload(0x20)
            let k := and(head, 0xffff)
            let selector := shr(224, calldataload(0))
            // Where the coordinates' parts c1 are in the calldata, relative to c0.
            let imaginary := 0x20
            if xor(selector, shr(224, head)) {
                if and(eq(selector, 0xdb13cc7b), gt(calldatasize(), 3)) {
                    return(0, 0x20) // VERIFYING_KEY_DIGEST()
                }
                if xor(selector, and(shr(192, head), 0xffffffff)) {
                    revert(0, 0)
                }
                imaginary := 0 // verifyProof: c1 comes first
            }
            if lt(calldatasize(), add(0x104, shl(5, k))) {
                revert(0, 0)
            }

            // Four pairs of a point of G1 and one of G2, 0xc0 bytes each, at 0x80.
            // The pair of a and b, that of c and -delta, that of -alpha and beta.
            mstore(0x140, coordinate(0x04))
            mstore(0x160, coordinate(0x24))
            mstore(0x180, coordinate(add(0x44, imaginary)))
            mstore(0x1a0, coordinate(sub(0x64, imaginary)))
            mstore(0x1c0, coordinate(add(0x84, imaginary)))
            mstore(0x1e0, coordinate(sub(0xa4, imaginary)))
            mstore(0x200, coordinate(0xc4))
            mstore(0x220, coordinate(0xe4))
            codecopy(0x240, sub(end, 0x180), 0x140)

            // x: the constant's point and a term for each input, the sum at 0x380
            // and the next term behind it.
            let point := sub(sub(end, 0x240), shl(6, k))
            codecopy(0x380, point, 0x40)
            for { let at := 0x104 } k { k := sub(k, 1) } {
                let value := calldataload(at)
                if iszero(lt(value, 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001)) {
                    fail(0xcac0fb36) // InputNotInField()
                }
                at := add(at, 0x20)
                point := add(point, 0x40)
                codecopy(0x3c0, point, 0x40)
                mstore(0x400, value)
                run(7, 0x3c0, 0x60, 0x3c0, 0x40)
                run(6, 0x380, 0x80, 0x380, 0x40)
            }
            mstore(0x80, mload(0x380))
            mstore(0xa0, mload(0x3a0))
            codecopy(0xc0, sub(end, 0x200), 0x80) // -gamma

            run(8, 0x80, 0x300, 0, 0x20)
            return(0, 0x20)
        }
    }
}
