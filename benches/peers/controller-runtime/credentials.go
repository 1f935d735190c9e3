package main

import (
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	secretName     = "twilio-credentials"
	credentialsFor = 10 * time.Minute
)

// credentials reads Secrets by name, past the cache: the manager's client would start an informer for all Secrets.
type credentials struct {
	reader client.Reader

	mu    sync.Mutex
	known map[string]knownLogin
}

type knownLogin struct {
	login
	until time.Time
}

// of is the login of a namespace. One that is not known is read once, however many workers ask for it.
func (c *credentials) of(ctx context.Context, namespace string) (login, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.known[namespace]; ok && time.Now().Before(known.until) {
		return known.login, nil
	}
	var secret corev1.Secret
	if err := c.reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: secretName}, &secret); err != nil {
		return login{}, err
	}
	found := login{account: string(secret.Data["TWILIO_ACCOUNT_SID"]), token: string(secret.Data["TWILIO_AUTH_TOKEN"])}
	c.known[namespace] = knownLogin{login: found, until: time.Now().Add(credentialsFor)}
	return found, nil
}
