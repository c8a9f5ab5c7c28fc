package httpapi

import (
	"context"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"provery/api"
	"provery/internal/fault"
)

// Parameters that several operations share. huma finds them by their tags,
// and only in exported types.
type (
	// RefPath names a circuit in the path.
	RefPath struct {
		Ref string `path:"ref" doc:"Reference of the circuit: its id, name, name:tag or name@id." maxLength:"200" pattern:"^[A-Za-z0-9][A-Za-z0-9._:@-]*$" patternDescription:"circuit reference"`
	}
	// PageQuery selects a page of a list.
	PageQuery struct {
		Cursor string `query:"cursor" doc:"next of the page before." maxLength:"512"`
		Limit  int    `query:"limit" doc:"Items on the page." minimum:"1" maximum:"200" default:"50"`
	}

	bodyOf[T any] struct{ Body T }
)

// The alphabets that reach the services. What they mean is theirs to say.
var (
	refPattern   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:@-]{0,199}$`)
	namePattern  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	wordPattern  = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)
	labelPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$`)
)

func (s *Server) circuitRoutes() {
	s.registration()
	register(s, huma.Operation{
		Method: http.MethodGet, Path: "/v1/circuits", OperationID: "list-circuits", Tags: []string{tagCircuits},
		Summary: "List circuits", Description: "Newest first, without their ABI.",
	}, func(ctx context.Context, in *struct{ PageQuery }) (*bodyOf[api.Page[api.Circuit]], error) {
		page, err := s.services.Circuits.Circuits(ctx, in.Cursor, in.Limit)
		for i := range page.Items {
			page.Items[i] = whole(page.Items[i])
		}
		return &bodyOf[api.Page[api.Circuit]]{wholePage(page)}, err
	})
	register(s, huma.Operation{
		Method: http.MethodGet, Path: "/v1/circuits/{ref}", OperationID: "get-circuit", Tags: []string{tagCircuits},
		Summary: "Show a circuit", Errors: []int{404},
	}, func(ctx context.Context, in *struct{ RefPath }) (*bodyOf[api.Circuit], error) {
		c, err := s.services.Circuits.Circuit(ctx, in.Ref)
		return &bodyOf[api.Circuit]{whole(c)}, err
	})
	register(s, huma.Operation{
		Method: http.MethodDelete, Path: "/v1/circuits/{ref}", OperationID: "remove-circuit", Tags: []string{tagCircuits},
		Summary: "Remove a circuit", Description: "Its tags and keys go with it. Proofs that were made stay readable.",
		DefaultStatus: http.StatusNoContent, Errors: []int{404, 409},
	}, func(ctx context.Context, in *struct{ RefPath }) (*struct{}, error) {
		return nil, s.services.Circuits.Remove(ctx, in.Ref)
	})
	register(s, huma.Operation{
		Method: http.MethodPut, Path: "/v1/circuits/{ref}/tags/{tag}", OperationID: "tag-circuit", Tags: []string{tagCircuits},
		Summary: "Point a tag at a circuit", Description: "A tag that exists is moved.", Errors: []int{404},
	}, func(ctx context.Context, in *struct {
		RefPath
		Tag string `path:"tag" doc:"New tag: tag, of the name in ref, or name:tag." maxLength:"129" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]*(:[A-Za-z0-9][A-Za-z0-9._-]*)?$" patternDescription:"tag or name:tag"`
	}) (*bodyOf[api.Circuit], error) {
		c, err := s.services.Circuits.SetTag(ctx, in.Ref, in.Tag)
		return &bodyOf[api.Circuit]{whole(c)}, err
	})
}

// whole makes lists that every circuit has empty rather than null.
func whole(c api.Circuit) api.Circuit {
	c.Tags, c.Schemes, c.KeySets = orEmpty(c.Tags), orEmpty(c.Schemes), orEmpty(c.KeySets)
	return c
}

func wholePage[T any](p api.Page[T]) api.Page[T] {
	p.Items = orEmpty(p.Items)
	return p
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// registration adds the upload of circuits.
func (s *Server) registration() {
	spec := formSpec{fields: []string{api.FieldFrontend, api.FieldName, api.FieldTag}, files: s.roles()}
	if s.compiles() {
		spec.fields, spec.sources = append(spec.fields, sourceFields...), true
	}
	s.raw(huma.Operation{
		Method: http.MethodPost, Path: "/v1/circuits", OperationID: "register-circuit", Tags: []string{tagCircuits},
		Summary: "Register a circuit",
		Description: "Uploads the compiled files of a circuit; they are streamed to disk and checked. " +
			"Idempotent: the same files give the same circuit, with status 200 instead of 201.\n\n" +
			"Or uploads source files, each as a part named source, or an archive of them (tar, tar.gz, zip) as a part named archive: " +
			"the answer is 202 with a job of the kind compile, which /v1/jobs follows and cancels. With Prefer: wait=N the answer comes when the circuit " +
			"is registered, or after N seconds as without it. Sources that were compiled before give the circuit at once. " +
			"All errors in the sources come back together, as errors of the problem.",
		Parameters: compileParameters(),
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"multipart/form-data": {Schema: s.registrationSchema()},
		}},
		Responses: s.registrationResponses(),
		Errors:    append([]int{409, 504}, uploadErrors...),
	}, func(_ http.ResponseWriter, r *http.Request) {
		s.answer(r, func() (any, string, bool, error) {
			if !isMultipart(r) {
				return nil, "", false, refuse(api.CodeUnsupportedMediaType, "want Content-Type: multipart/form-data")
			}
			f, err := s.receive(r, spec)
			defer s.discard(f)
			if err != nil {
				return nil, "", false, err
			}
			if f.hasSources() {
				return s.compileForm(r, f)
			}
			reg, err := s.registrationOf(f)
			if err != nil {
				return nil, "", false, err
			}
			reg.Caller = exchangeOf(r.Context()).caller.Name
			c, existed, err := s.services.Circuits.Register(r.Context(), reg)
			return whole(c), circuitLocation(c.ID), existed, err
		})
	})
}

// uploadErrors are the statuses of errors of raw uploads.
var uploadErrors = []int{400, 408, 413, 415, 422, 503, 507}

// answer runs an upload's handler and writes its answer: 200 for what existed
// before, 201 with the location of what is new, 202 for a job.
func (s *Server) answer(r *http.Request, handle func() (body any, location string, existed bool, err error)) {
	x := exchangeOf(r.Context())
	body, location, existed, err := handle()
	if err != nil {
		x.fail(err)
		return
	}
	status := http.StatusCreated
	if existed {
		status = http.StatusOK
	}
	if _, job := body.(api.Job); job {
		status = http.StatusAccepted
	}
	x.writer.Header().Set("Location", location)
	writeJSON(x.writer, status, "application/json", body)
}

// roles lists the names of files of all front-ends.
func (s *Server) roles() []string {
	names := map[string]bool{}
	for _, f := range s.frontends {
		for _, role := range f.Roles {
			names[role.Name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// registrationOf checks that a form holds the files of its front-end.
func (s *Server) registrationOf(f *form) (Registration, error) {
	name := f.fields[api.FieldFrontend]
	if name == "" {
		name = s.frontendOf(f.files)
	}
	i := slices.IndexFunc(s.frontends, func(f api.Frontend) bool { return f.Name == name })
	if i < 0 {
		return Registration{}, fault.New(fault.InvalidRequest, "want one of %s", strings.Join(s.frontendNames(), ", ")).At("/frontend")
	}
	known := map[string]bool{}
	for _, role := range s.frontends[i].Roles {
		known[role.Name] = true
		if _, ok := f.files[role.Name]; !ok && !role.Optional {
			return Registration{}, fault.New(fault.InvalidRequest, "the part is missing").At("/" + role.Name)
		}
	}
	for _, role := range slices.Sorted(maps.Keys(f.files)) {
		if !known[role] {
			return Registration{}, fault.New(fault.InvalidRequest, "the front-end has no such file").At("/" + role)
		}
	}
	for _, field := range sourceFields {
		if f.fields[field] != "" {
			return Registration{}, fault.New(fault.InvalidRequest, "not without source files").At("/" + field)
		}
	}
	r := Registration{Frontend: name, Artefacts: f.files}
	var err error
	r.Name, r.Tag, err = namesOf(f)
	return r, err
}

// namesOf returns the name and the tag that a form gives a circuit.
func namesOf(f *form) (name, tag string, err error) {
	for _, field := range []string{api.FieldName, api.FieldTag} {
		if v := f.fields[field]; v != "" && !namePattern.MatchString(v) {
			return "", "", fault.New(fault.InvalidRequest, "up to 64 letters, digits, '.', '_' and '-'").At("/" + field)
		}
	}
	name, tag = f.fields[api.FieldName], f.fields[api.FieldTag]
	switch {
	case name == "" && tag != "":
		return "", "", fault.New(fault.InvalidRequest, "a tag needs a name").At("/tag")
	case name != "" && tag == "":
		tag = "latest"
	}
	return name, tag, nil
}

// frontendOf returns the only front-end that reads these files, or "".
func (s *Server) frontendOf(files map[string]Upload) string {
	found := ""
	for _, f := range s.frontends {
		reads := true
		for role := range files {
			reads = reads && slices.ContainsFunc(f.Roles, func(r api.Role) bool { return r.Name == role })
		}
		switch {
		case reads && found != "":
			return ""
		case reads:
			found = f.Name
		}
	}
	return found
}

func (s *Server) frontendNames() []string {
	var names []string
	for _, f := range s.frontends {
		names = append(names, f.Name)
	}
	return names
}
