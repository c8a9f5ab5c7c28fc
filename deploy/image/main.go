package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	s := &spec{}
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	out := flags.String("out", "", "`file` to write")
	created := flags.Int64("created", 0, "time of the image in `seconds` since 1970")
	flags.StringVar(&s.tag, "tag", "", "`name:tag` of the image")
	flags.StringVar(&s.version, "version", "unknown", "version label")
	flags.StringVar(&s.revision, "revision", "unknown", "commit label")
	flags.StringVar(&s.ca, "ca", "/etc/ssl/certs/ca-certificates.crt", "`file` of certificates to trust")
	flags.StringVar(&s.licence, "licence", "LICENSE", "`file` with the licence")
	flags.Func("binary", "`arch=path` of an executable, for each platform", func(v string) error {
		arch, path, ok := strings.Cut(v, "=")
		if !ok {
			return errors.New("want arch=path")
		}
		s.platforms = append(s.platforms, platform{arch, path})
		return nil
	})
	flags.Func("add", "`directory=path` to copy into the image, in a layer of its own", func(v string) error {
		from, to, ok := strings.Cut(v, "=")
		if !ok || !strings.HasPrefix(to, "/") {
			return errors.New("want directory=/path")
		}
		s.added = append(s.added, tree{from, to})
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *out == "" || s.tag == "" || len(s.platforms) == 0 || flags.NArg() > 0 {
		return errors.New("want -out, -tag and at least one -binary, and nothing else")
	}
	s.created = time.Unix(*created, 0)
	return writeFile(*out, s)
}

// writeFile writes the archive, or leaves nothing behind.
func writeFile(name string, s *spec) error {
	f, err := os.Create(name + ".tmp")
	if err != nil {
		return err
	}
	err = errors.Join(s.write(f), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
