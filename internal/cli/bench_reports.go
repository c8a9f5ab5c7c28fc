package cli

import (
	"fmt"
	"path/filepath"

	"provery/internal/bench"
	"provery/internal/fault"
)

type benchCompareCommand struct {
	Before string  `arg:"" help:"Report to compare with."`
	After  string  `arg:"" help:"Report to judge."`
	Anyway bool    `help:"Compare reports of different machines too."`
	Fail   float64 `help:"Exit with 1 if something is certainly slower by more than this factor." placeholder:"1.05"`
}

// Run compares two reports.
func (c *benchCompareCommand) Run(e *env) error {
	before, err := e.benchReport(c.Before)
	if err != nil {
		return err
	}
	after, err := e.benchReport(c.After)
	if err != nil {
		return err
	}
	compared, err := bench.Compare(before, after, c.Anyway)
	if err != nil {
		return err
	}
	if err := e.print(compared, compared.Text); err != nil {
		return err
	}
	if c.Fail > 0 {
		if slower := compared.Slower(c.Fail); len(slower) > 0 {
			return fault.New(fault.InvalidRequest, "%d figures are slower by more than a factor of %.3g", len(slower), c.Fail)
		}
	}
	return nil
}

// maxReport bounds a report's file.
const maxReport = 64 << 20

// benchReport reads a report.
func (e *env) benchReport(name string) (*bench.Report, error) {
	b, err := e.read(name, maxReport)
	if err != nil {
		return nil, err
	}
	r, err := bench.ReadReport(b)
	if err != nil {
		return nil, fault.Wrap(err, fault.InvalidArtifact, "%s", name)
	}
	return r, nil
}

type benchReportCommand struct {
	Reports  []string `arg:"" help:"Reports to print."`
	Markdown bool     `help:"Print tables for a document in Markdown."`
	Charts   string   `help:"Draw charts (SVG) into this directory, to which the Markdown refers." placeholder:"DIR"`
	From     string   `help:"Directory of the document that the Markdown is for." default:"." placeholder:"DIR"`
}

// Run prints reports.
func (c *benchReportCommand) Run(e *env) error {
	for i, name := range c.Reports {
		r, err := e.benchReport(name)
		if err != nil {
			return err
		}
		charts := ""
		if c.Charts != "" {
			if _, err := r.Charts(c.Charts); err != nil {
				return err
			}
			if charts, err = filepath.Rel(c.From, c.Charts); err != nil {
				return usage("--from and --charts have no path from one to the other")
			}
		}
		if i > 0 {
			fmt.Fprintln(e.Stdout)
		}
		if c.Markdown {
			r.Markdown(e.Stdout, filepath.ToSlash(charts))
			continue
		}
		r.Text(e.Stdout)
	}
	return nil
}
