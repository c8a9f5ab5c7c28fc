package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"provery/api"
	"provery/client"
)

type jobsCommand struct {
	List   jobsList   `cmd:"" help:"List jobs, newest first: proofs, items of batches and other work."`
	Show   jobsShow   `cmd:"" help:"Show a job with its attempts, and wait for it if asked to."`
	Watch  jobsWatch  `cmd:"" help:"Follow a job to its end."`
	Cancel jobsCancel `cmd:"" help:"Cancel jobs that haven't ended."`
	Retry  jobsRetry  `cmd:"" help:"Run jobs now that wait after a failure, and dead letters again. Needs an admin's key."`
	Dead   jobsDead   `cmd:"" help:"List dead letters: jobs that failed although the request was good."`
	Delete jobsDelete `cmd:"" help:"Erase jobs that have ended, dead letters among them."`
}

type jobsList struct {
	State   string `help:"Only jobs in this state." enum:",queued,running,succeeded,failed,cancelled,expired" default:"" placeholder:"STATE"`
	Kind    string `help:"Only jobs of this kind, such as proof." placeholder:"KIND"`
	Circuit string `help:"Only jobs of this circuit." placeholder:"REF"`
	Owner   string `help:"Only jobs of the API key of this name." placeholder:"NAME"`
	Batch   string `help:"Only items of this batch." placeholder:"ID"`
	Limit   int    `help:"At most this many." default:"20"`
	Cursor  string `help:"Go on behind the last page." placeholder:"CURSOR"`
}

// Run lists jobs.
func (c *jobsList) Run(ctx context.Context, e *env) error {
	return listJobs(ctx, e, api.JobFilter{
		State: api.State(c.State), Kind: c.Kind, Circuit: c.Circuit, Owner: c.Owner, Batch: c.Batch,
	}, c.Cursor, c.Limit)
}

type jobsDead struct {
	Limit  int    `help:"At most this many." default:"20"`
	Cursor string `help:"Go on behind the last page." placeholder:"CURSOR"`
}

// Run lists dead letters.
func (c *jobsDead) Run(ctx context.Context, e *env) error {
	return listJobs(ctx, e, api.JobFilter{Dead: true}, c.Cursor, c.Limit)
}

func listJobs(ctx context.Context, e *env, f api.JobFilter, cursor string, limit int) error {
	cl, err := e.client()
	if err != nil {
		return err
	}
	page, err := cl.Jobs(ctx, f, cursor, limit)
	if err != nil {
		return err
	}
	return e.print(page, func(w io.Writer) {
		if len(page.Items) == 0 {
			fmt.Fprintln(w, "No such jobs.")
			return
		}
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "ID\tKIND\tSTATE\tOWNER\tATTEMPT\tCREATED\tPROBLEM")
		for i := range page.Items {
			j := &page.Items[i]
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%s\t%s\n", j.ID, j.Kind, stateOf(j), orDash(j.Owner), j.Attempt, j.Created.Local().Format(time.DateTime), orDash(codeOf(j.Problem)))
		}
		_ = t.Flush()
		if page.Next != "" {
			fmt.Fprintf(w, "More with --cursor %s\n", page.Next)
		}
	})
}

// stateOf returns a job's state, with what operators look for.
func stateOf(j *api.Job) string {
	switch {
	case j.Dead:
		return "dead"
	case j.Stage != "":
		return string(j.State) + " (" + j.Stage + ")"
	}
	return string(j.State)
}

func codeOf(p *api.Problem) string {
	if p == nil {
		return ""
	}
	return string(p.Code)
}

type jobsShow struct {
	ID   string        `arg:"" help:"Id of the job."`
	Wait time.Duration `help:"Wait up to this long for its end, such as 30s."`
}

// Run shows a job.
func (c *jobsShow) Run(ctx context.Context, e *env) error {
	cl, err := e.client()
	if err != nil {
		return err
	}
	j, err := cl.Job(ctx, c.ID, c.Wait)
	if err != nil {
		return err
	}
	return e.print(j, func(w io.Writer) { showJob(w, j) })
}

func showJob(w io.Writer, j *api.Job) {
	fmt.Fprintf(w, "job       %s\nkind      %s\nstate     %s\n", j.ID, j.Kind, stateOf(j))
	for _, line := range [][2]string{{"owner", j.Owner}, {"circuit", j.Circuit}, {"batch", j.Batch}} {
		if line[1] != "" {
			fmt.Fprintf(w, "%-9s %s\n", line[0], line[1])
		}
	}
	if j.Position != nil {
		fmt.Fprintf(w, "ahead     %d\n", *j.Position)
	}
	if j.RetryAt != nil {
		fmt.Fprintf(w, "retry     %s\n", j.RetryAt.Local().Format(time.DateTime))
	}
	for _, a := range j.Attempts {
		took := ""
		if a.Finished != nil {
			took = " after " + a.Finished.Sub(a.Started).Round(time.Millisecond).String()
		}
		fmt.Fprintf(w, "attempt   %d on %s: %s%s", a.Number, orDash(a.Worker), a.Outcome, took)
		if a.Problem != nil {
			fmt.Fprintf(w, ", %s", a.Problem.Code)
		}
		fmt.Fprintln(w)
	}
	if j.Problem != nil {
		fmt.Fprintln(w, "problem  ", j.Problem.Error())
	}
}

type jobsWatch struct {
	ID string `arg:"" help:"Id of the job."`
}

// Run follows a job.
func (c *jobsWatch) Run(ctx context.Context, e *env) error {
	return watch(e, func(cl *client.Client) events { return cl.JobEvents(ctx, c.ID) })
}

type jobsCancel struct {
	IDs []string `arg:"" name:"id" help:"Ids of the jobs."`
}

// Run cancels jobs.
func (c *jobsCancel) Run(ctx context.Context, e *env) error {
	return eachJob(e, c.IDs, func(cl *client.Client, id string) (*api.Job, error) { return cl.CancelJob(ctx, id) })
}

type jobsRetry struct {
	IDs []string `arg:"" name:"id" help:"Ids of the jobs."`
}

// Run runs jobs again.
func (c *jobsRetry) Run(ctx context.Context, e *env) error {
	return eachJob(e, c.IDs, func(cl *client.Client, id string) (*api.Job, error) { return cl.RetryJob(ctx, id) })
}

// eachJob does something to some jobs, and stops at the first error.
func eachJob(e *env, ids []string, do func(*client.Client, string) (*api.Job, error)) error {
	cl, err := e.client()
	if err != nil {
		return err
	}
	for _, id := range ids {
		j, err := do(cl, id)
		if err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		if err := e.print(j, func(w io.Writer) { fmt.Fprintln(w, j.ID, j.State) }); err != nil {
			return err
		}
	}
	return nil
}

type jobsDelete struct {
	IDs []string `arg:"" name:"id" help:"Ids of the jobs."`
}

// Run erases jobs.
func (c *jobsDelete) Run(ctx context.Context, e *env) error {
	cl, err := e.client()
	if err != nil {
		return err
	}
	for _, id := range c.IDs {
		if err := cl.DeleteJob(ctx, id); err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
	}
	fmt.Fprintln(e.Stderr, "Erased.")
	return nil
}

type workersCommand struct{}

// Run lists the processes that prove.
func (workersCommand) Run(ctx context.Context, e *env) error {
	cl, err := e.client()
	if err != nil {
		return err
	}
	workers, err := cl.Workers(ctx)
	if err != nil {
		return err
	}
	return e.print(workers, func(w io.Writer) {
		if len(workers) == 0 {
			fmt.Fprintln(w, "No process of the service takes jobs now: start one of the role worker or all.")
			return
		}
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "NAME\tSLOTS\tTHREADS\tKINDS\tRUNNING\tJOBS")
		for _, v := range workers {
			fmt.Fprintf(t, "%s\t%d\t%d\t%s\t%d\t%s\n", orDash(v.Name), v.Slots, v.Threads, orDash(strings.Join(v.Kinds, ",")), v.Running, orDash(strings.Join(v.Jobs, " ")))
		}
		_ = t.Flush()
	})
}
