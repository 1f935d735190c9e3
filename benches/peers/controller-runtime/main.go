// A controller for ConversationWebhook objects as controller-runtime's documentation has them written: what the
// benchmark compares the operator with. ../README.md says what it does and what it gets wrong.
package main

import (
	"flag"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

func main() {
	base := flag.String("twilio-base-url", "https://conversations.twilio.com", "where Twilio is")
	workers := flag.Int("workers", 1, "objects that are reconciled at a time (MaxConcurrentReconciles)")
	look := flag.Bool("look", true, "list the conversation's webhooks before one is created")
	generation := flag.Bool("generation-predicate", false, "skip updates that leave the generation as it is")
	ownWrites := flag.Bool("read-your-writes", false, "reads from the cache wait for one's own writes (experimental)")
	qps := flag.Float64("qps", 0, "requests per second to the API server, -1 for no limit; 0 is controller-runtime's default")
	burst := flag.Int("burst", 0, "requests above that at a time; 0 is client-go's default")
	flag.Parse()

	ctrl.SetLogger(zap.New())
	config := ctrl.GetConfigOrDie()
	if *qps != 0 {
		config.QPS = float32(*qps)
	}
	config.Burst = *burst

	scheme := runtime.NewScheme()
	must(clientgoscheme.AddToScheme(scheme), "Could not set up the scheme")
	addToScheme(scheme)
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:  scheme,
		Metrics: metricsserver.Options{BindAddress: "0"},
		Cache:   cache.Options{DefaultTransform: cache.TransformStripManagedFields()},
		Client:  client.Options{Cache: &client.CacheOptions{EnableReadYourWritesConsistency: ownWrites}},
	})
	must(err, "Could not create the manager")

	var options []builder.ForOption
	if *generation {
		options = append(options, builder.WithPredicates(predicate.GenerationChangedPredicate{}))
	}
	err = ctrl.NewControllerManagedBy(manager).
		For(&ConversationWebhook{}, options...).
		WithOptions(controller.Options{MaxConcurrentReconciles: *workers}).
		Complete(&reconciler{
			Client:      manager.GetClient(),
			credentials: &credentials{reader: manager.GetAPIReader(), known: map[string]knownLogin{}},
			twilio:      newTwilio(*base, *workers),
			look:        *look,
		})
	must(err, "Could not create the controller")
	must(manager.Start(ctrl.SetupSignalHandler()), "Manager ended with an error")
}

func must(err error, message string) {
	if err != nil {
		ctrl.Log.Error(err, message)
		os.Exit(1)
	}
}
