package gm17

// EncodeSnarkJS is fault.Unsupported: snarkjs has no GM17.
func (vk *verifyingKey[S, A1, A2]) EncodeSnarkJS() ([]byte, error) {
	_, err := vk.backend.SnarkJSCurve()
	return nil, err
}
