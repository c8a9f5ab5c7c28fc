package httpapi

import (
	"context"
	"io"
	"iter"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"provery/api"
	"provery/internal/fault"
)

// Batches takes and reports batches of proofs.
type Batches interface {
	// SubmitBatch records all jobs of a batch durably, or none.
	SubmitBatch(ctx context.Context, s BatchSubmission) (api.Batch, error)
	Batch(ctx context.Context, who Caller, id string) (api.Batch, error)
	// BatchItems yields the items as q says. The last pair may have an error.
	BatchItems(ctx context.Context, who Caller, id string, q ItemsQuery) iter.Seq2[api.Proof, error]
	// CancelBatch cancels the items that haven't ended.
	CancelBatch(ctx context.Context, who Caller, id string) (api.Batch, error)
	// DeleteBatch erases a batch with its items; of one that hasn't ended it
	// is fault.Conflict.
	DeleteBatch(ctx context.Context, who Caller, id string) error
	// BatchEvents is like Jobs.JobEvents.
	BatchEvents(ctx context.Context, who Caller, id, after string) iter.Seq2[api.Event, error]
}

// BatchSubmission is a request for a batch.
type BatchSubmission struct {
	Request        api.BatchRequest
	Caller         Caller
	IdempotencyKey string
}

// ItemsQuery selects items of a batch.
type ItemsQuery struct {
	From    int  // number of the first
	Wait    bool // for the end of each
	Results bool // with results
}

// BatchPath names a batch in the path.
type BatchPath struct {
	ID string `path:"id" doc:"Id of the batch." maxLength:"128" pattern:"^[A-Za-z0-9_-]+$" patternDescription:"batch id"`
}

func (s *Server) batchRoutes() {
	s.raw(huma.Operation{
		Method: http.MethodPost, Path: "/v1/batches", OperationID: "submit-batch", Tags: []string{tagBatches},
		Summary: "Ask for many proofs of one circuit",
		Description: "Up to 10,000 items, which are all on disk before the answer, or none is. The body may be larger than other bodies " +
			"(limits.max_batch_bytes). Each item counts as a job in the queue's limits.",
		Parameters:  []*huma.Param{idempotencyParameter()},
		RequestBody: &huma.RequestBody{Required: true, Content: jsonContent[api.BatchRequest](s)},
		Responses: map[string]*huma.Response{"202": {Description: "Accepted", Content: jsonContent[api.Batch](s),
			Headers: map[string]*huma.Param{"Location": {Description: "Path of the batch.", Schema: &huma.Schema{Type: huma.TypeString}}}}},
		Errors: []int{400, 404, 408, 409, 413, 415, 422, 429, 503, 507},
	}, func(_ http.ResponseWriter, r *http.Request) {
		x := exchangeOf(r.Context())
		b, err := s.submitBatch(r)
		if err != nil {
			x.fail(err)
			return
		}
		x.writer.Header().Set("Location", b.Links.Self)
		writeJSON(x.writer, http.StatusAccepted, "application/json", b)
	})
	register(s, huma.Operation{
		Method: http.MethodGet, Path: "/v1/batches/{id}", OperationID: "get-batch", Tags: []string{tagBatches},
		Summary: "Show a batch", Errors: []int{404},
	}, func(ctx context.Context, in *struct{ BatchPath }) (*bodyOf[api.Batch], error) {
		b, err := s.services.Batches.Batch(ctx, exchangeOf(ctx).caller, in.ID)
		return &bodyOf[api.Batch]{b}, err
	})
	s.itemsRoute("/v1/batches/{id}/items", "batch-items", "List the items of a batch", false)
	s.itemsRoute("/v1/batches/{id}/results", "batch-results", "Stream the results of a batch", true)
	s.eventRoute("/v1/batches/{id}/events", "batch-events", tagBatches, "Follow a batch", s.services.Batches.BatchEvents)
	register(s, huma.Operation{
		Method: http.MethodPost, Path: "/v1/batches/{id}/cancel", OperationID: "cancel-batch", Tags: []string{tagBatches},
		Summary: "Cancel a batch", Description: "Cancels the items that haven't ended; those that have stay as they are. Idempotent.", Errors: []int{404},
	}, func(ctx context.Context, in *struct{ BatchPath }) (*bodyOf[api.Batch], error) {
		b, err := s.services.Batches.CancelBatch(ctx, exchangeOf(ctx).caller, in.ID)
		return &bodyOf[api.Batch]{b}, err
	})
	register(s, huma.Operation{
		Method: http.MethodDelete, Path: "/v1/batches/{id}", OperationID: "delete-batch", Tags: []string{tagBatches},
		Summary: "Delete a batch", Description: "Erases inputs and results of a batch that has ended.",
		DefaultStatus: http.StatusNoContent, Errors: []int{404, 409},
	}, func(ctx context.Context, in *struct{ BatchPath }) (*struct{}, error) {
		return nil, s.services.Batches.DeleteBatch(ctx, exchangeOf(ctx).caller, in.ID)
	})
}

func idempotencyParameter() *huma.Param {
	length := api.MaxIdempotencyID
	return &huma.Param{
		Name: api.HeaderIdempotencyKey, In: "header", Schema: &huma.Schema{Type: huma.TypeString, MaxLength: &length},
		Description: "The same key with the same body gives the same batch; with another body it is a conflict.",
	}
}

// submitBatch reads, checks and submits a batch.
func (s *Server) submitBatch(r *http.Request) (api.Batch, error) {
	x := exchangeOf(r.Context())
	if s.stopping() {
		return api.Batch{}, errDraining
	}
	if err := checkJSON(r.Header.Get("Content-Type")); err != nil {
		return api.Batch{}, err
	}
	key, err := idempotencyKey(r)
	if err != nil {
		return api.Batch{}, err
	}
	form, err := s.newForm() // its slot bounds the bodies in memory
	defer s.discard(form)
	if err != nil {
		return api.Batch{}, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(x.writer, &patientBody{r.Body, x}, s.limits.BatchBytes))
	if err != nil {
		return api.Batch{}, rawBodyError(err)
	}
	x.clearReadDeadline()
	var req api.BatchRequest
	if err := decodeJSON(body, &req); err != nil {
		return api.Batch{}, err
	}
	if err := s.checkBatchRequest(&req); err != nil {
		return api.Batch{}, err
	}
	return s.services.Batches.SubmitBatch(r.Context(), BatchSubmission{Request: req, Caller: x.caller, IdempotencyKey: key})
}

// checkBatchRequest checks what can be checked without the circuit.
func (s *Server) checkBatchRequest(r *api.BatchRequest) error {
	common := api.ProofRequest{
		Circuit: r.Circuit, Scheme: r.Scheme, Keys: r.Keys, Priority: r.Priority, Labels: r.Labels, Arguments: []byte(`[]`),
	}
	if err := s.checkProofRequest(&common); err != nil {
		return err
	}
	r.Priority = common.Priority
	if len(r.Items) == 0 || len(r.Items) > api.MaxBatch {
		return fault.New(fault.InvalidRequest, "want 1 to %d items", api.MaxBatch).At("/items")
	}
	for i := range r.Items {
		it := &r.Items[i]
		if err := s.checkInput(&api.ProofRequest{Arguments: it.Arguments, Witness: it.Witness, Reduce: r.Reduce}); err != nil {
			return below(err, "/items/"+strconv.Itoa(i))
		}
	}
	return nil
}

// below returns err with its path under another one.
func below(err error, path string) error {
	if f, ok := err.(*fault.Error); ok {
		return f.At(path + f.Path)
	}
	return err
}
