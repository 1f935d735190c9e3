package main

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var groupVersion = schema.GroupVersion{Group: "conversations.twilio-operator.dev", Version: "v1alpha1"}

// ConversationWebhook holds the fields of the kind that are needed for target webhook.
type ConversationWebhook struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   Spec   `json:"spec,omitempty"`
	Status Status `json:"status,omitempty"`
}

// Spec is what the user wants.
type Spec struct {
	ConversationSid string        `json:"conversationSid,omitempty"`
	Target          string        `json:"target"`
	Configuration   Configuration `json:"configuration"`
}

// Configuration is the webhook in Twilio's terms. It is also what Twilio's replies hold.
type Configuration struct {
	URL     string   `json:"url,omitempty"`
	Method  string   `json:"method,omitempty"`
	Filters []string `json:"filters,omitempty"`
}

// Status is what the controller has seen.
type Status struct {
	ObservedGeneration int64              `json:"observedGeneration,omitempty"`
	WebhookSid         string             `json:"webhookSid,omitempty"`
	ConversationSid    string             `json:"conversationSid,omitempty"`
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
}

// ConversationWebhookList is what a list request returns.
type ConversationWebhookList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []ConversationWebhook `json:"items"`
}

// DeepCopy is what controller-gen would generate, as are the three functions below it.
func (in *ConversationWebhook) DeepCopy() *ConversationWebhook {
	out := *in
	in.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	out.Spec.Configuration.Filters = slices.Clone(in.Spec.Configuration.Filters)
	out.Status.Conditions = slices.Clone(in.Status.Conditions)
	return &out
}

// DeepCopyObject implements runtime.Object.
func (in *ConversationWebhook) DeepCopyObject() runtime.Object { return in.DeepCopy() }

// DeepCopyObject implements runtime.Object.
func (in *ConversationWebhookList) DeepCopyObject() runtime.Object {
	out := *in
	in.ListMeta.DeepCopyInto(&out.ListMeta)
	out.Items = make([]ConversationWebhook, len(in.Items))
	for i := range in.Items {
		out.Items[i] = *in.Items[i].DeepCopy()
	}
	return &out
}

func addToScheme(scheme *runtime.Scheme) {
	scheme.AddKnownTypes(groupVersion, &ConversationWebhook{}, &ConversationWebhookList{})
	metav1.AddToGroupVersion(scheme, groupVersion)
}
