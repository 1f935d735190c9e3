package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

const (
	finalizer = "peer.conversations.twilio-operator.dev/webhook"
	resync    = 10 * time.Minute
)

type reconciler struct {
	client.Client
	credentials *credentials
	twilio      *twilio
	// look says whether the conversation's webhooks are listed before one is created.
	look bool
}

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var object ConversationWebhook
	if err := r.Get(ctx, request.NamespacedName, &object); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if object.Spec.Target != "webhook" || object.Spec.ConversationSid == "" || object.Spec.Configuration.URL == "" {
		return ctrl.Result{}, reconcile.TerminalError(errors.New("only target webhook with conversationSid and url is served"))
	}
	as, err := r.credentials.of(ctx, object.Namespace)
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("read the credentials: %w", err)
	}

	if !object.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, r.cleanUp(ctx, as, &object)
	}
	if err := r.patchFinalizer(ctx, &object, controllerutil.AddFinalizer); err != nil {
		return ctrl.Result{}, fmt.Errorf("add the finalizer: %w", err)
	}
	if err := r.apply(ctx, as, &object); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: resync}, nil
}

// apply makes Twilio match the object, and writes the status where there is news.
func (r *reconciler) apply(ctx context.Context, as login, object *ConversationWebhook) error {
	conversation, wanted, sid := object.Spec.ConversationSid, object.Spec.Configuration, object.Status.WebhookSid
	err := errGone
	if sid != "" {
		var same bool
		if same, err = r.correct(ctx, as, object); same {
			return nil
		}
	}
	if errors.Is(err, errGone) {
		sid, err = r.takeOverOrCreate(ctx, as, conversation, wanted)
	}
	if err != nil {
		return err
	}

	before := object.DeepCopy()
	object.Status.WebhookSid = sid
	object.Status.ConversationSid = conversation
	object.Status.ObservedGeneration = object.Generation
	meta.SetStatusCondition(&object.Status.Conditions, metav1.Condition{
		Type: "Ready", Status: metav1.ConditionTrue, Reason: "Available",
		Message: "The webhook exists and is as written", ObservedGeneration: object.Generation,
	})
	// Without the optimistic lock: a conflict here would throw the SID away.
	return r.Status().Patch(ctx, object, client.MergeFrom(before))
}

// correct updates the webhook unless it is as wanted, which is looked for only where the object has not changed.
func (r *reconciler) correct(ctx context.Context, as login, object *ConversationWebhook) (same bool, err error) {
	conversation, wanted, sid := object.Spec.ConversationSid, object.Spec.Configuration, object.Status.WebhookSid
	if object.Status.ObservedGeneration == object.Generation {
		found, err := r.twilio.fetch(ctx, as, conversation, sid)
		if err != nil || found.Configuration.same(wanted) {
			return err == nil, err
		}
	}
	return false, r.twilio.update(ctx, as, conversation, sid, wanted)
}

// takeOverOrCreate looks before it creates, so that a webhook whose SID was not recorded is found again.
func (r *reconciler) takeOverOrCreate(ctx context.Context, as login, conversation string, wanted Configuration) (string, error) {
	if r.look {
		there, err := r.twilio.list(ctx, as, conversation)
		if err != nil {
			return "", err
		}
		for _, one := range there {
			if one.Target == "webhook" && one.Configuration.same(wanted) {
				return one.Sid, nil
			}
		}
	}
	made, err := r.twilio.create(ctx, as, conversation, wanted)
	return made.Sid, err
}

func (r *reconciler) cleanUp(ctx context.Context, as login, object *ConversationWebhook) error {
	if !controllerutil.ContainsFinalizer(object, finalizer) {
		return nil
	}
	if sid := object.Status.WebhookSid; sid != "" {
		err := r.twilio.delete(ctx, as, object.Spec.ConversationSid, sid)
		if err != nil && !errors.Is(err, errGone) {
			return err
		}
	}
	return client.IgnoreNotFound(r.patchFinalizer(ctx, object, controllerutil.RemoveFinalizer))
}

// patchFinalizer writes nothing where there is nothing to change. A merge patch replaces the whole list, hence the lock.
func (r *reconciler) patchFinalizer(
	ctx context.Context, object *ConversationWebhook, change func(client.Object, string) bool,
) error {
	before := object.DeepCopy()
	if !change(object, finalizer) {
		return nil
	}
	return r.Patch(ctx, object, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
}
