package api

import "time"

// Upload is a file that comes in pieces. A form names it by its digest once it
// is complete.
type Upload struct {
	Digest   string    `json:"digest" doc:"SHA-256 of the whole file." example:"sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"`
	Size     int64     `json:"size" doc:"Bytes of the whole file."`
	Received int64     `json:"received" doc:"Bytes from its start that are there: the next piece begins here."`
	Complete bool      `json:"complete" doc:"All of it is there, and has the digest."`
	Expires  time.Time `json:"expires" doc:"When it is removed, unless a piece comes before."`
}

// Bounds on the pieces of an upload, in bytes. The last one may be shorter; of a
// file over 4 GiB a piece is a 4096th at least.
const (
	MinPiece = 1 << 20
	MaxPiece = 64 << 20
)
