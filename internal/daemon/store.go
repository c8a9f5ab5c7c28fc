package daemon

import (
	"context"
	"os"

	"provery/internal/config"
	"provery/internal/fault"
	"provery/internal/store/cached"
	"provery/internal/store/file"
	"provery/internal/store/s3"
)

func (d *Daemon) openStore(ctx context.Context) error {
	if err := os.MkdirAll(d.cfg.DataDir, 0o700); err != nil {
		return &fault.Error{Code: fault.InvalidRequest, Detail: "make the data directory: " + err.Error(), Err: err}
	}
	if d.cfg.Store.S3.Bucket != "" {
		return d.openBucket(ctx)
	}
	files, err := d.openFiles(d.cfg.BlobPath())
	if err != nil {
		return err
	}
	d.blobs = files
	return nil
}

// openFiles opens a directory of blobs and has its disk watched.
func (d *Daemon) openFiles(dir string) (*file.Store, error) {
	files, err := file.Open(dir)
	if err != nil {
		return nil, err
	}
	d.free = files.Free
	d.onClose(func(context.Context) error { return files.Close() })
	return files, nil
}

// openBucket opens the bucket with a directory of copies in front.
func (d *Daemon) openBucket(ctx context.Context) (err error) {
	c := d.cfg.Store.S3
	err = d.await(ctx, "blob store", func(ctx context.Context) (err error) {
		d.bucket, err = s3.Open(ctx, s3Config(c))
		return err
	})
	if err != nil {
		return err
	}
	d.onClose(func(context.Context) error { d.bucket.Close(); return nil })
	dir := d.cfg.Store.CacheDir
	if dir == "" {
		dir = d.path("cache")
	}
	files, err := d.openFiles(dir)
	if err != nil {
		return err
	}
	if d.copies, err = cached.New(ctx, d.bucket, files, int64(d.cfg.Store.CacheBytes)); err != nil {
		return err
	}
	d.blobs = d.copies
	return nil
}

func s3Config(c config.S3) s3.Config {
	return s3.Config{
		Endpoint: c.Endpoint, Bucket: c.Bucket, Prefix: c.Prefix, Region: c.Region,
		CredentialsFile: c.CredentialsFile, Profile: c.Profile, CAFile: c.CAFile,
		Encryption: c.Encryption, KMSKey: c.KMSKey, RequestChecksum: c.RequestChecksum, PartSize: int64(c.PartSize),
	}
}
