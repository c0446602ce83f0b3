// opgen prints what prometheus-operator makes of custom resources.
//
// Each line of the input is one cluster as JSON: {"objects": [...], "inlineTLS": bool}. The objects are a Prometheus, its
// monitors, rules, Alertmanagers, Secrets, ConfigMaps and Namespaces. Each line of the output is one answer: the generated configuration, which
// objects were selected, and for those refused the operator's reason and words. Defaults of the custom resource definitions,
// which an API server would fill in, are applied here.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sort"

	promclient "github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/cache"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	monitoringv1alpha1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1alpha1"
	"github.com/prometheus-operator/prometheus-operator/pkg/assets"
	"github.com/prometheus-operator/prometheus-operator/pkg/k8s"
	"github.com/prometheus-operator/prometheus-operator/pkg/operator"
	prompkg "github.com/prometheus-operator/prometheus-operator/pkg/prometheus"
)

type cluster struct {
	Objects   []json.RawMessage `json:"objects"`
	InlineTLS bool              `json:"inlineTLS"`
}

type verdict struct {
	Kind string `json:"kind"`
	Key  string `json:"key"`
	// The Alertmanager that judges an AlertmanagerConfig.
	By       string `json:"by,omitempty"`
	Accepted bool   `json:"accepted"`
	Reason   string `json:"reason,omitempty"`
	Message  string `json:"message,omitempty"`
}

type answer struct {
	// The whole reconciliation failed; nothing else is given then.
	Error  string `json:"error,omitempty"`
	Config string `json:"config,omitempty"`
	// Rule files by path.
	Files    map[string]string `json:"files,omitempty"`
	Verdicts []verdict         `json:"verdicts"`
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 1 {
			if err := out.Encode(handle(line)); err != nil {
				fmt.Fprintln(os.Stderr, "opgen:", err)
				os.Exit(1)
			}
		}
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "opgen:", err)
			os.Exit(1)
		}
	}
}

func handle(line []byte) answer {
	var c cluster
	if err := json.Unmarshal(line, &c); err != nil {
		return answer{Error: "input: " + err.Error()}
	}
	w, err := newWorld(c.Objects)
	if err != nil {
		return answer{Error: "input: " + err.Error()}
	}
	a, err := w.generate(context.Background(), c.InlineTLS)
	if err != nil {
		a.Error = err.Error()
	}
	return a
}

// world holds the decoded objects; it is the API that the operator's packages read from.
type world struct {
	prom       *monitoringv1.Prometheus
	services   []*monitoringv1.ServiceMonitor
	pods       []*monitoringv1.PodMonitor
	probes     []*monitoringv1.Probe
	scrapes    []*monitoringv1alpha1.ScrapeConfig
	rules      []*monitoringv1.PrometheusRule
	amConfigs  []*monitoringv1alpha1.AlertmanagerConfig
	managers   []*monitoringv1.Alertmanager
	namespaces []*corev1.Namespace
	secrets    map[string]*corev1.Secret
	configs    map[string]*corev1.ConfigMap
}

func newWorld(objects []json.RawMessage) (*world, error) {
	w := &world{secrets: map[string]*corev1.Secret{}, configs: map[string]*corev1.ConfigMap{}}
	for _, raw := range objects {
		var head metav1.TypeMeta
		if err := json.Unmarshal(raw, &head); err != nil {
			return nil, err
		}
		var err error
		switch head.Kind {
		case "Prometheus":
			w.prom, err = decode[monitoringv1.Prometheus](raw)
		case "ServiceMonitor":
			err = add(&w.services, raw)
		case "PodMonitor":
			err = add(&w.pods, raw)
		case "Probe":
			err = add(&w.probes, raw)
		case "ScrapeConfig":
			err = add(&w.scrapes, raw)
		case "PrometheusRule":
			err = add(&w.rules, raw)
		case "AlertmanagerConfig":
			err = add(&w.amConfigs, raw)
		case "Alertmanager":
			err = add(&w.managers, raw)
		case "Namespace":
			err = add(&w.namespaces, raw)
		case "Secret":
			var s *corev1.Secret
			if s, err = decode[corev1.Secret](raw); err == nil {
				w.secrets[s.Namespace+"/"+s.Name] = s
			}
		case "ConfigMap":
			var m *corev1.ConfigMap
			if m, err = decode[corev1.ConfigMap](raw); err == nil {
				w.configs[m.Namespace+"/"+m.Name] = m
			}
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", head.Kind, err)
		}
	}
	if w.prom == nil {
		return nil, errors.New("no Prometheus")
	}
	return w, nil
}

func add[T any](list *[]*T, raw []byte) error {
	v, err := decode[T](raw)
	if err == nil {
		*list = append(*list, v)
	}
	return err
}

// decode fills in the defaults and reads the object as its type.
func decode[T any](raw []byte) (*T, error) {
	var tree map[string]any
	if err := json.Unmarshal(raw, &tree); err != nil {
		return nil, err
	}
	defaults(tree)
	whole, err := json.Marshal(tree)
	if err != nil {
		return nil, err
	}
	v := new(T)
	return v, json.Unmarshal(whole, v)
}

// defaults does what the schemas of the definitions say.
func defaults(tree map[string]any) {
	spec, _ := tree["spec"].(map[string]any)
	if spec == nil {
		return
	}
	switch tree["kind"] {
	case "Prometheus":
		absent(spec, "scrapeInterval", "30s")
		absent(spec, "evaluationInterval", "30s")
		absent(spec, "portName", "web")
		absent(spec, "shards", 1)
		list, _ := spec["excludedFromEnforcement"].([]any)
		for _, x := range list {
			if m, ok := x.(map[string]any); ok {
				absent(m, "group", "monitoring.coreos.com")
			}
		}
	case "Probe":
		if prober, ok := spec["prober"].(map[string]any); ok {
			absent(prober, "path", "/probe")
		}
	}
	rules(spec)
}

// rules gives every relabelling rule its action.
func rules(v any) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			rules(x)
		}
	case map[string]any:
		for k, x := range v {
			switch k {
			case "relabelings", "metricRelabelings", "relabelingConfigs", "writeRelabelConfigs", "alertRelabelings":
				list, _ := x.([]any)
				for _, r := range list {
					if m, ok := r.(map[string]any); ok {
						absent(m, "action", "replace")
					}
				}
			default:
				rules(x)
			}
		}
	}
}

func absent(m map[string]any, key string, value any) {
	if _, ok := m[key]; !ok {
		m[key] = value
	}
}

func (w *world) generate(ctx context.Context, inlineTLS bool) (answer, error) {
	var a answer
	logger := slog.New(slog.DiscardHandler)
	options := []prompkg.ConfigGeneratorOption{
		prompkg.WithEndpointSliceSupport(),
		prompkg.WithPrometheusRetentionPolicies(),
		prompkg.WithPrometheusTopologySharding(),
		prompkg.WithPodTopologyLabelsSupport(),
	}
	if inlineTLS {
		options = append(options, prompkg.WithInlineTLSConfig())
	}
	store := assets.NewStoreBuilder(w, w)
	namespaces := cache.NewSharedIndexInformer(nil, &corev1.Namespace{}, 0, cache.Indexers{})
	for _, n := range w.namespaces {
		if err := namespaces.GetStore().Add(n); err != nil {
			return a, err
		}
	}
	count := len(w.services) + len(w.pods) + len(w.probes) + len(w.scrapes) + 1
	selector, err := prompkg.NewResourceSelector(logger, w.prom, store, namespaces,
		operator.NewMetrics(promclient.NewPedanticRegistry()), operator.NewFakeRecorder(count, w.prom))
	if err != nil {
		return a, err
	}
	services, err := selector.SelectServiceMonitors(ctx, list(w.services))
	if err != nil {
		return a, err
	}
	pods, err := selector.SelectPodMonitors(ctx, list(w.pods))
	if err != nil {
		return a, err
	}
	probes, err := selector.SelectProbes(ctx, list(w.probes))
	if err != nil {
		return a, err
	}
	scrapes, err := selector.SelectScrapeConfigs(ctx, list(w.scrapes))
	if err != nil {
		return a, err
	}
	judge(&a, "ServiceMonitor", services)
	judge(&a, "PodMonitor", pods)
	judge(&a, "Probe", probes)
	judge(&a, "ScrapeConfig", scrapes)
	ruleMaps, err := w.selectRules(ctx, &a, logger, namespaces)
	if err != nil {
		return a, err
	}
	if err := w.judgeAlertmanagerConfigs(ctx, &a); err != nil {
		return a, err
	}
	sort.Slice(a.Verdicts, func(i, j int) bool {
		x, y := a.Verdicts[i], a.Verdicts[j]
		return x.Kind < y.Kind || x.Kind == y.Kind && (x.Key < y.Key || x.Key == y.Key && x.By < y.By)
	})

	generator, err := prompkg.NewConfigGenerator(logger, w.prom, options...)
	if err != nil {
		return a, err
	}
	spec := w.prom.Spec
	if err := prompkg.AddAPIServerConfigToStore(ctx, store, w.prom.Namespace, spec.APIServerConfig); err != nil {
		return a, err
	}
	if err := loadAlertmanagers(ctx, w.prom, store); err != nil {
		return a, err
	}
	if err := prompkg.AddScrapeClassesToStore(ctx, store, w.prom.Namespace, spec.ScrapeClasses); err != nil {
		return a, fmt.Errorf("failed to process scrape classes: %w", err)
	}
	scrape, err := k8s.LoadSecretRef(ctx, logger, w.Secrets(w.prom.Namespace), spec.AdditionalScrapeConfigs)
	if err != nil {
		return a, fmt.Errorf("loading additional scrape configs from Secret failed: %w", err)
	}
	relabel, err := k8s.LoadSecretRef(ctx, logger, w.Secrets(w.prom.Namespace), spec.AdditionalAlertRelabelConfigs)
	if err != nil {
		return a, fmt.Errorf("loading additional alert relabel configs from Secret failed: %w", err)
	}
	managers, err := k8s.LoadSecretRef(ctx, logger, w.Secrets(w.prom.Namespace), spec.AdditionalAlertManagerConfigs)
	if err != nil {
		return a, fmt.Errorf("loading additional alert manager configs from Secret failed: %w", err)
	}
	config, err := generator.GenerateServerConfiguration(w.prom, services.ValidResources(), pods.ValidResources(),
		probes.ValidResources(), scrapes.ValidResources(), store, scrape, relabel, managers, ruleMaps)
	if err != nil {
		return a, fmt.Errorf("generating config failed: %w", err)
	}
	a.Config = string(config)
	return a, nil
}

func judge[T operator.ConfigurationResource](a *answer, kind string, selection operator.TypedResourcesSelection[T]) {
	for key, resource := range selection {
		for _, c := range resource.Conditions() {
			a.Verdicts = append(a.Verdicts, verdict{
				Kind: kind, Key: key, Accepted: c.Status == monitoringv1.ConditionTrue, Reason: c.Reason, Message: c.Message,
			})
		}
	}
}

// list gives the objects of a namespace that a selector takes.
func list[T metav1.Object](objects []T) prompkg.ListAllByNamespaceFn {
	return func(namespace string, selector labels.Selector, add cache.AppendFunc) error {
		for _, o := range objects {
			if o.GetNamespace() == namespace && selector.Matches(labels.Set(o.GetLabels())) {
				add(o)
			}
		}
		return nil
	}
}

// Secrets is the API's way to the Secrets of a namespace.
func (w *world) Secrets(namespace string) typedcorev1.SecretInterface {
	return secrets{world: w, namespace: namespace}
}

// ConfigMaps is the API's way to the ConfigMaps of a namespace.
func (w *world) ConfigMaps(namespace string) typedcorev1.ConfigMapInterface {
	return configMaps{world: w, namespace: namespace}
}

type secrets struct {
	typedcorev1.SecretInterface
	world     *world
	namespace string
}

func (s secrets) Get(_ context.Context, name string, _ metav1.GetOptions) (*corev1.Secret, error) {
	if found, ok := s.world.secrets[s.namespace+"/"+name]; ok {
		return found, nil
	}
	return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, name)
}

type configMaps struct {
	typedcorev1.ConfigMapInterface
	world     *world
	namespace string
}

func (c configMaps) Get(_ context.Context, name string, _ metav1.GetOptions) (*corev1.ConfigMap, error) {
	if found, ok := c.world.configs[c.namespace+"/"+name]; ok {
		return found, nil
	}
	return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "configmaps"}, name)
}
