package config_test

import (
	"strings"
	"testing"

	"provery/internal/config"
)

func TestFacades(t *testing.T) {
	t.Parallel()
	c := valid()
	for _, key := range []string{"facades.prover_server.enabled", "facades.rapidsnark.enabled"} {
		if err := c.Set(key, "true"); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
	if !c.Facades.ProverServer.Enabled || !c.Facades.Rapidsnark.Enabled {
		t.Errorf("got %+v, want all on", c.Facades)
	}
	if z := c.Facades.ZoKratesAPI; z != (config.ZoKratesAPI{Scheme: "gm17", Curve: "bn128"}) {
		t.Errorf("got %+v by default, want the facade off, with ZoKrates-API's scheme and curve", z)
	}
	for key, value := range map[string]string{
		"facades.zokrates_api.enabled": "true", "facades.zokrates_api.scheme": "g16", "facades.zokrates_api.curve": "bls12_381",
	} {
		if err := c.Set(key, value); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
	if z := c.Facades.ZoKratesAPI; z != (config.ZoKratesAPI{Enabled: true, Scheme: "g16", Curve: "bls12_381"}) {
		t.Errorf("got %+v, want what was set", z)
	}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	if err := c.Set("facades.zokrates_api.enabled", "perhaps"); err == nil {
		t.Error("a word that is no truth value was taken")
	}
	c.Facades.ZoKratesAPI = config.ZoKratesAPI{Scheme: "marlin", Curve: "BN128"}
	err := c.Validate()
	for _, want := range []string{"facades.zokrates_api.scheme", "facades.zokrates_api.curve"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s in it", err, want)
		}
	}
}
