package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// errGone is Twilio's 404.
var errGone = errors.New("not found at Twilio")

// twilio makes one request per call and never repeats one: that is for the workqueue.
type twilio struct {
	base string
	http *http.Client
}

type login struct{ account, token string }

type webhook struct {
	Sid           string        `json:"sid"`
	Target        string        `json:"target"`
	Configuration Configuration `json:"configuration"`
}

// newTwilio keeps as many connections open as there are workers; net/http's default would close all but two of them.
func newTwilio(base string, workers int) *twilio {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = workers
	return &twilio{base: strings.TrimSuffix(base, "/"), http: &http.Client{Transport: transport, Timeout: 15 * time.Second}}
}

func (t *twilio) list(ctx context.Context, as login, conversation string) ([]webhook, error) {
	var page struct {
		Webhooks []webhook `json:"webhooks"`
	}
	err := t.call(ctx, as, http.MethodGet, t.webhooks(conversation)+"?PageSize=100", nil, &page)
	return page.Webhooks, err
}

func (t *twilio) create(ctx context.Context, as login, conversation string, wanted Configuration) (webhook, error) {
	form := wanted.form()
	form.Set("Target", "webhook")
	var made webhook
	err := t.call(ctx, as, http.MethodPost, t.webhooks(conversation), form, &made)
	return made, err
}

func (t *twilio) fetch(ctx context.Context, as login, conversation, sid string) (webhook, error) {
	var found webhook
	err := t.call(ctx, as, http.MethodGet, t.webhooks(conversation)+"/"+sid, nil, &found)
	return found, err
}

func (t *twilio) update(ctx context.Context, as login, conversation, sid string, wanted Configuration) error {
	return t.call(ctx, as, http.MethodPost, t.webhooks(conversation)+"/"+sid, wanted.form(), nil)
}

func (t *twilio) delete(ctx context.Context, as login, conversation, sid string) error {
	return t.call(ctx, as, http.MethodDelete, t.webhooks(conversation)+"/"+sid, nil, nil)
}

func (t *twilio) webhooks(conversation string) string {
	return t.base + "/v1/Conversations/" + conversation + "/Webhooks"
}

func (t *twilio) call(ctx context.Context, as login, method, address string, form url.Values, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.SetBasicAuth(as.account, as.token)
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	reply, err := t.http.Do(request)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	// A connection is used again only when the body was read to its end.
	body, err := io.ReadAll(reply.Body)
	switch {
	case err != nil:
		return err
	case reply.StatusCode == http.StatusNotFound:
		return errGone
	case reply.StatusCode >= 300:
		return fmt.Errorf("%s: Twilio answered %s", method, reply.Status)
	case into == nil:
		return nil
	default:
		return json.Unmarshal(body, into)
	}
}

func (c Configuration) form() url.Values {
	return url.Values{
		"Configuration.Url":     {c.URL},
		"Configuration.Method":  {c.method()},
		"Configuration.Filters": c.Filters,
	}
}

// method is in upper case, as in the spec; POST is Twilio's default.
func (c Configuration) method() string {
	if c.Method == "" {
		return http.MethodPost
	}
	return strings.ToUpper(c.Method)
}

// same ignores the order of the filters.
func (c Configuration) same(other Configuration) bool {
	mine, theirs := slices.Sorted(slices.Values(c.Filters)), slices.Sorted(slices.Values(other.Filters))
	return c.URL == other.URL && c.method() == other.method() && slices.Equal(mine, theirs)
}
