package daemon

import (
	"context"
	"slices"
	"strings"

	"provery/api"
	"provery/internal/fault"
	"provery/internal/httpapi"
	"provery/internal/registry"
	"provery/internal/scheme"
	"provery/internal/store"
	"provery/internal/worker"
)

// services implements what the handlers need, in the API's types.
type services struct{ d *Daemon }

// Register implements httpapi.Circuits.
func (s *services) Register(ctx context.Context, r httpapi.Registration) (api.Circuit, bool, error) {
	if err := s.space(); err != nil {
		return api.Circuit{}, false, err
	}
	uploads := map[string]worker.Upload{}
	for role, u := range r.Artefacts {
		uploads[role] = received(&u)
	}
	c, existed, err := s.d.registrar.Circuit(ctx, r.Frontend, uploads, r.Name, r.Tag)
	if err != nil {
		return api.Circuit{}, false, err
	}
	out, err := s.circuit(ctx, c, true)
	return out, existed, err
}

func received(u *httpapi.Upload) worker.Upload {
	return worker.Upload{Digest: store.Digest(u.Digest), Reader: u.Reader}
}

// Circuit implements httpapi.Circuits.
func (s *services) Circuit(ctx context.Context, ref string) (api.Circuit, error) {
	c, err := s.d.registry.Resolve(ctx, ref)
	if err != nil {
		return api.Circuit{}, err
	}
	return s.circuit(ctx, c, true)
}

// circuit returns c in the API's form; whole adds what lists leave out.
func (s *services) circuit(ctx context.Context, c registry.Circuit, whole bool) (api.Circuit, error) {
	keys := s.d.registry.KeySets(c.ID)
	out := api.Circuit{
		ID: c.ID.String(), Tags: append([]string{}, c.Names...), Frontend: c.Frontend, Curve: c.Curve,
		Schemes: []string{}, KeySets: []api.KeySet{}, Created: c.Created,
		Statistics: api.Statistics{
			Constraints: c.Stats.Constraints, Variables: c.Stats.Variables, PublicInputs: c.Stats.Public,
			Outputs: c.Stats.Outputs, Arguments: c.Stats.Arguments, Terms: int(c.Stats.Terms),
			Coefficients: c.Stats.Coefficients, Directives: c.Stats.Directives, CompactBytes: c.Compact.Size,
		},
	}
	for _, k := range keys {
		set := s.keySet(k)
		set.Contributions = set.Contributions[max(0, len(set.Contributions)-1):]
		out.KeySets = append(out.KeySets, set)
		if !slices.Contains(out.Schemes, k.Scheme) {
			out.Schemes = append(out.Schemes, k.Scheme)
		}
	}
	slices.Sort(out.Schemes)
	if !whole {
		return out, nil
	}
	for role, digest := range c.Sources {
		out.Artefacts = append(out.Artefacts, api.Artefact{Role: role, Digest: digest.String(), Bytes: c.SourceBytes[role]})
	}
	slices.SortFunc(out.Artefacts, func(a, b api.Artefact) int { return strings.Compare(a.Role, b.Role) })
	abi, err := s.d.catalogue.ABI(ctx, &c)
	out.ABI = abi
	return out, err
}

func (s *services) keySet(k registry.KeySet) api.KeySet {
	e, _ := s.d.costs.Predict(k.Circuit, k.ID)
	var contributions []api.Contribution
	for _, c := range k.Contributions {
		contributions = append(contributions, api.Contribution(c))
	}
	return api.KeySet{
		Contributions: contributions,
		Estimate:      api.Estimate{MemoryBytes: e.Bytes, ProcessorSeconds: e.Work.Seconds(), Learned: e.Proofs > 0},
		ID:            k.ID.String(), Circuit: k.Circuit.String(), Scheme: k.Scheme, Curve: k.Curve, Layout: k.Layout,
		Provenance: api.Provenance(k.Provenance), Ceremony: k.Ceremony, SelfTest: k.SelfTest, ProvingKeyDigest: k.Source.Digest.String(),
		ProvingKeyBytes: k.ProvingKey.Size, VerifyingKeyDigest: k.VerifyingKey.Digest.String(), Created: k.Created,
	}
}

// Remove implements httpapi.Circuits.
func (s *services) Remove(ctx context.Context, ref string) error {
	c, err := s.d.registry.Resolve(ctx, ref)
	if err != nil {
		return err
	}
	keys := s.d.registry.KeySets(c.ID)
	err = s.d.registry.Remove(ctx, c.ID)
	s.d.catalogue.Forget(c.ID, keys)
	return err
}

// SetTag implements httpapi.Circuits.
func (s *services) SetTag(ctx context.Context, ref, tag string) (api.Circuit, error) {
	c, err := s.d.registry.Resolve(ctx, ref)
	if err != nil {
		return api.Circuit{}, err
	}
	name, t, found := strings.Cut(tag, ":")
	if !found {
		parsed, err := registry.ParseRef(ref)
		if err != nil {
			return api.Circuit{}, err
		}
		if parsed.Name == "" {
			return api.Circuit{}, fault.New(fault.InvalidRequest, "a tag needs a name: write name:tag, or refer to the circuit by its name").At("/tag")
		}
		name, t = parsed.Name, tag
	}
	if err := s.d.registry.Tag(ctx, c.ID, name, t); err != nil {
		return api.Circuit{}, err
	}
	return s.Circuit(ctx, c.ID.String())
}

// AddKeys implements httpapi.Keys.
func (s *services) AddKeys(ctx context.Context, ref string, u httpapi.KeyUpload) (api.KeySet, bool, error) {
	if err := s.space(); err != nil {
		return api.KeySet{}, false, err
	}
	c, err := s.d.registry.Resolve(ctx, ref)
	if err != nil {
		return api.KeySet{}, false, err
	}
	if u.Setup {
		if !s.d.cfg.InsecureSetupAllowed() {
			return api.KeySet{}, false, fault.New(fault.Forbidden, "insecure-dev keys are switched off here (allow_insecure_setup)")
		}
		k, err := s.d.registrar.Setup(ctx, c, u.Scheme)
		return s.keySet(k), false, err
	}
	in := worker.KeyUpload{Scheme: u.Scheme, Layout: scheme.Layout(u.Layout), ProvingKey: received(u.ProvingKey), Ceremony: u.Ceremony,
		AllowInsecure: s.d.cfg.InsecureSetupAllowed()}
	if u.VerifyingKey != nil {
		vk := received(u.VerifyingKey)
		in.VerifyingKey = &vk
	}
	k, existed, err := s.d.registrar.Keys(ctx, c, in)
	return s.keySet(k), existed, err
}

// Keys implements httpapi.Keys.
func (s *services) Keys(ctx context.Context, ref string) ([]api.KeySet, error) {
	c, err := s.d.registry.Resolve(ctx, ref)
	if err != nil {
		return nil, err
	}
	out := []api.KeySet{}
	for _, k := range s.d.registry.KeySets(c.ID) {
		out = append(out, s.keySet(k))
	}
	return out, nil
}

// VerifyingKey implements httpapi.Keys.
func (s *services) VerifyingKey(ctx context.Context, ref, id, format string) ([]byte, error) {
	c, err := s.d.registry.Resolve(ctx, ref)
	if err != nil {
		return nil, err
	}
	k, err := s.selectKeys(ctx, c.ID, id)
	if err != nil {
		return nil, err
	}
	vk, err := s.d.catalogue.VerifyingKey(ctx, k)
	if err != nil {
		return nil, err
	}
	return s.d.tools.EncodeVerifyingKey(vk, format)
}

// ProvingKey implements httpapi.Keys.
func (s *services) ProvingKey(ctx context.Context, ref, id, format string) (*httpapi.KeyFile, error) {
	c, err := s.d.registry.Resolve(ctx, ref)
	if err != nil {
		return nil, err
	}
	k, err := s.selectKeys(ctx, c.ID, id)
	if err != nil {
		return nil, err
	}
	layout, of := k.Layout, "zokrates"
	switch scheme.Layout(k.Layout) {
	case scheme.LayoutNative:
		layout = string(scheme.LayoutArk)
	case scheme.LayoutSnarkJS:
		of = "snarkjs"
	}
	if format != "" && format != of {
		return nil, fault.New(fault.Unsupported, "the key can be exported in the format %s only: other tools use other points", of).At("query.format")
	}
	key, err := s.d.catalogue.ProvingKey(ctx, k)
	if err != nil {
		return nil, err
	}
	return &httpapi.KeyFile{Layout: layout, Write: key.Export, Close: key.Close}, nil
}

// selectKeys returns the key set that id names: by its own id, or, as the name
// of a scheme, its newest; "" is the newest of all.
func (s *services) selectKeys(ctx context.Context, circuit store.Digest, id string) (registry.KeySet, error) {
	if id == "" {
		return s.d.registry.DefaultKeySet(circuit, "")
	}
	if sch, err := scheme.Parse(id); err == nil {
		return s.d.registry.DefaultKeySet(circuit, string(sch))
	}
	d, err := store.ParseDigest(id)
	if err != nil {
		return registry.KeySet{}, fault.New(fault.InvalidRequest, "keys: want a key set's id or the name of a scheme")
	}
	if d.IsZero() { // which would be the newest
		return registry.KeySet{}, fault.New(fault.NotFound, "no such key set")
	}
	return s.d.registry.KeySet(ctx, circuit, d)
}
