package cli

import (
	"fmt"

	"provery/internal/config"
	"provery/internal/fault"
	"provery/internal/seal"
)

// sealKeyFile says which key file a command is about.
type sealKeyFile struct {
	Config string `help:"Configuration file of the service." placeholder:"FILE" env:"PROVERY_CONFIG"`
	File   string `help:"The key file itself; default: that of the configuration." placeholder:"FILE"`
}

func (f *sealKeyFile) path(e *env) (string, error) {
	if f.File != "" {
		return f.File, nil
	}
	cfg, err := config.Load(config.Sources{File: f.Config, Environ: e.Environ})
	if err != nil {
		return "", err
	}
	return cfg.SealKeyPath(), nil
}

// about says which file an error is about; nil stays nil.
func about(path string, err error) error { return fault.Wrap(err, fault.InvalidArtifact, "%s", path) }

type sealKeysCommand struct {
	List   sealKeysList   `cmd:"" help:"List the keys of the file, newest first: ids, never the keys."`
	Create sealKeysCreate `cmd:"" help:"Make the file, with a first key. 'provery serve' does so itself where it may."`
	Add    sealKeysAdd    `cmd:"" help:"Add a key on standby: it opens and doesn't seal yet."`
	Use    sealKeysUse    `cmd:"" help:"Seal with a key of the file from now on; all others go on opening."`
	Drop   sealKeysDrop   `cmd:"" help:"Take a key out of the file. Jobs that were sealed with it can't be run any more."`
}

type sealKeysList struct{ sealKeyFile }

// Run lists the keys.
func (c *sealKeysList) Run(e *env) error {
	path, err := c.path(e)
	if err != nil {
		return err
	}
	ring, err := seal.Load(path)
	if err != nil {
		return about(path, err)
	}
	for _, k := range ring.List() {
		role := "opens"
		switch {
		case k.Seals:
			role = "seals"
		case k.Standby:
			role = "opens, on standby"
		}
		fmt.Fprintf(e.Stdout, "%s  %s\n", k.ID, role)
	}
	return nil
}

type sealKeysCreate struct{ sealKeyFile }

// Run makes a key file.
func (c *sealKeysCreate) Run(e *env) error {
	path, err := c.path(e)
	if err != nil {
		return err
	}
	ring, err := seal.Create(path)
	if err == nil {
		fmt.Fprintln(e.Stdout, ring.Primary())
	}
	return about(path, err)
}

type sealKeysAdd struct{ sealKeyFile }

// Run adds a key.
func (c *sealKeysAdd) Run(e *env) error {
	path, err := c.path(e)
	if err != nil {
		return err
	}
	id, err := seal.Add(path)
	if err == nil {
		fmt.Fprintln(e.Stdout, id)
	}
	return about(path, err)
}

type sealKeysUse struct {
	sealKeyFile
	ID string `arg:"" help:"Id of the key."`
}

// Run makes a key the one that seals.
func (c *sealKeysUse) Run(e *env) error {
	path, err := c.path(e)
	if err != nil {
		return err
	}
	return about(path, seal.Use(path, c.ID))
}

type sealKeysDrop struct {
	sealKeyFile
	ID string `arg:"" help:"Id of the key."`
}

// Run takes a key out.
func (c *sealKeysDrop) Run(e *env) error {
	path, err := c.path(e)
	if err != nil {
		return err
	}
	return about(path, seal.Drop(path, c.ID))
}
