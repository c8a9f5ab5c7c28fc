package s3

import (
	"context"
	"net/http"
	"os"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"

	"provery/internal/fault"
)

// identityTimeout bounds one question to a cloud's identity service; outside
// of clouds nobody answers it.
const identityTimeout = 5 * time.Second

// credentialsOf returns the first credentials that the config's places hold.
// Where there are none, that is an error: the library would go on
// anonymously.
func credentialsOf(ctx context.Context, cfg Config, t *http.Transport) (*credentials.Credentials, error) {
	var places []credentials.Provider
	if cfg.CredentialsFile != "" {
		if _, err := os.ReadFile(cfg.CredentialsFile); err != nil {
			return nil, &fault.Error{Code: fault.InvalidRequest, Detail: "open bucket: the credentials file can't be read", Err: err}
		}
		places = []credentials.Provider{&credentials.FileAWSCredentials{Filename: cfg.CredentialsFile, Profile: cfg.Profile}}
	} else {
		places = []credentials.Provider{
			&credentials.EnvAWS{},
			&credentials.FileAWSCredentials{Profile: cfg.Profile},
			&credentials.IAM{Client: &http.Client{Transport: t, Timeout: identityTimeout}, Region: cfg.Region},
		}
	}
	creds := credentials.NewChainCredentials(places)
	v, err := creds.GetWithContext(&credentials.CredContext{Client: &http.Client{Transport: t, Timeout: identityTimeout}, Context: ctx})
	if ctx.Err() != nil {
		return nil, fault.Wrap(ctx.Err(), fault.CodeOf(ctx.Err()), "open bucket: look for credentials")
	}
	if err != nil || v.AccessKeyID == "" || v.SecretAccessKey == "" {
		where := "the environment, the default files or this machine's identity"
		if cfg.CredentialsFile != "" {
			where = "the credentials file"
		}
		return nil, &fault.Error{Code: fault.InvalidRequest, Detail: "open bucket: no credentials in " + where, Err: err}
	}
	return creds, nil
}
