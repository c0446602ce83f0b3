package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"sort"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/tools/cache"

	"github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus-operator/prometheus-operator/pkg/assets"
	"github.com/prometheus-operator/prometheus-operator/pkg/informers"
	"github.com/prometheus-operator/prometheus-operator/pkg/namespacelabeler"
	"github.com/prometheus-operator/prometheus-operator/pkg/operator"
	prompkg "github.com/prometheus-operator/prometheus-operator/pkg/prometheus"
	promvalidation "github.com/prometheus-operator/prometheus-operator/pkg/prometheus/validation"
)

// selectRules does what the operator's selectPrometheusRules and createOrUpdateRuleConfigMaps do; it gives the names of the
// ConfigMaps and fills in the files with the paths under which the operator mounts them.
func (w *world) selectRules(ctx context.Context, a *answer, logger *slog.Logger, namespaces cache.SharedIndexInformer) ([]string, error) {
	spec := w.prom.Spec
	selected, err := operator.SelectNamespacesFromCache(w.prom, spec.RuleNamespaceSelector, namespaces)
	if err != nil {
		return nil, err
	}
	excluded := spec.ExcludedFromEnforcement
	for _, r := range spec.PrometheusRulesExcludedFromEnforce {
		excluded = append(excluded, monitoringv1.ObjectReference{
			Namespace: r.RuleNamespace, Group: monitoring.GroupName, Resource: monitoringv1.PrometheusRuleName, Name: r.RuleName,
		})
	}
	labeler := namespacelabeler.New(spec.EnforcedNamespaceLabel, excluded, true)
	var options parser.Options
	for _, f := range spec.EnableFeatures {
		switch f {
		case "promql-experimental-functions":
			options.EnableExperimentalFunctions = true
		case "promql-duration-expr":
			options.ExperimentalDurationExpr = true
		case "promql-extended-range-selectors":
			options.EnableExtendedRangeSelectors = true
		case "promql-binop-fill-modifiers":
			options.EnableBinopFillModifiers = true
		}
	}
	all, err := informers.NewInformersForResource(ruleLister{w.rules}, monitoringv1.SchemeGroupVersion.WithResource(monitoringv1.PrometheusRuleName))
	if err != nil {
		return nil, err
	}
	selector, err := operator.NewPrometheusRuleSelector(operator.PrometheusFormat,
		operator.StringValOrDefault(spec.Version, operator.DefaultPrometheusVersion), spec.RuleSelector, labeler, all,
		operator.NewFakeRecorder(len(w.rules)+1, w.prom), logger, options)
	if err != nil {
		return nil, fmt.Errorf("initializing PrometheusRules failed: %w", err)
	}
	rules, err := selector.Select(selected)
	if err != nil {
		return nil, fmt.Errorf("selecting PrometheusRules failed: %w", err)
	}
	judge(a, "PrometheusRule", rules.Selected())
	// The ConfigMaps go into a world of their own.
	made := &world{configs: map[string]*corev1.ConfigMap{}}
	syncer := operator.NewPrometheusRuleSyncer(logger, "prometheus-"+w.prom.Name, made.ConfigMaps(w.prom.Namespace),
		labels.Set{prompkg.LabelPrometheusName: w.prom.Name}, nil)
	names, err := syncer.Sync(ctx, rules.RuleFiles())
	if err != nil {
		return nil, err
	}
	for _, m := range made.configs {
		for file, text := range m.Data {
			if a.Files == nil {
				a.Files = map[string]string{}
			}
			a.Files["/etc/prometheus/rules/"+m.Name+"/"+file] = text
		}
	}
	return syncer.AppendConfigMapNames(names, 3), nil
}

// loadAlertmanagers does what the operator's unexported validateAlertmanagerEndpoints and addAlertmanagerEndpointsToStore do.
func loadAlertmanagers(ctx context.Context, p *monitoringv1.Prometheus, store *assets.StoreBuilder) error {
	if p.Spec.Alerting == nil {
		return nil
	}
	for i, am := range p.Spec.Alerting.Alertmanagers {
		if err := validateAlertmanager(p, am); err != nil {
			return fmt.Errorf("alertmanager %d: %w", i, err)
		}
	}
	for i, am := range p.Spec.Alerting.Alertmanagers {
		for _, err := range []error{
			store.AddBasicAuth(ctx, p.Namespace, am.BasicAuth),
			store.AddSafeAuthorizationCredentials(ctx, p.Namespace, am.Authorization),
			store.AddSigV4(ctx, p.Namespace, am.Sigv4),
			store.AddTLSConfig(ctx, p.Namespace, am.TLSConfig),
			store.AddProxyConfig(ctx, p.Namespace, am.ProxyConfig),
		} {
			if err != nil {
				return fmt.Errorf("alertmanager %d: %w", i, err)
			}
		}
	}
	return nil
}

func validateAlertmanager(p *monitoringv1.Prometheus, am monitoringv1.AlertmanagerEndpoints) error {
	var used []string
	//nolint:staticcheck // deprecated, and still looked at
	if am.BearerTokenFile != "" {
		used = append(used, `"bearerTokenFile"`)
	}
	// The operator goes through a map here, in no order.
	for _, f := range []struct {
		name  string
		value any
	}{{"basicAuth", am.BasicAuth}, {"authorization", am.Authorization}, {"sigv4", am.Sigv4}} {
		if !reflect.ValueOf(f.value).IsNil() {
			used = append(used, fmt.Sprintf("%q", f.name))
		}
	}
	if len(used) > 1 {
		return fmt.Errorf("%s can't be set at the same time, at most one of them must be defined", strings.Join(used, " and "))
	}
	validator, err := promvalidation.NewLabelConfigValidator(p)
	if err != nil {
		return err
	}
	if err := validator.Validate(am.RelabelConfigs); err != nil {
		return fmt.Errorf("invalid relabelings: %w", err)
	}
	if err := validator.Validate(am.AlertRelabelConfigs); err != nil {
		return fmt.Errorf("invalid alertRelabelings: %w", err)
	}
	return nil
}

// ruleLister gives the PrometheusRules to the operator's selector as an informer of all namespaces.
type ruleLister struct {
	rules []*monitoringv1.PrometheusRule
}

func (l ruleLister) Namespaces() sets.Set[string] {
	return sets.New(metav1.NamespaceAll)
}

func (l ruleLister) ForResource(_ string, resource schema.GroupVersionResource) (informers.InformLister, error) {
	informer := cache.NewSharedIndexInformer(nil, &monitoringv1.PrometheusRule{}, 0,
		cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	for _, r := range l.rules {
		if err := informer.GetIndexer().Add(r); err != nil {
			return nil, err
		}
	}
	return filled{informer: informer, resource: resource.GroupResource()}, nil
}

type filled struct {
	informer cache.SharedIndexInformer
	resource schema.GroupResource
}

func (f filled) Informer() cache.SharedIndexInformer { return f.informer }

func (f filled) Lister() cache.GenericLister {
	return cache.NewGenericLister(f.informer.GetIndexer(), f.resource)
}

func (c configMaps) List(context.Context, metav1.ListOptions) (*corev1.ConfigMapList, error) {
	out := &corev1.ConfigMapList{}
	for _, m := range c.world.configs {
		out.Items = append(out.Items, *m)
	}
	sort.Slice(out.Items, func(i, j int) bool { return out.Items[i].Name < out.Items[j].Name })
	return out, nil
}

func (c configMaps) Create(_ context.Context, m *corev1.ConfigMap, _ metav1.CreateOptions) (*corev1.ConfigMap, error) {
	key := c.namespace + "/" + m.Name
	if _, ok := c.world.configs[key]; ok {
		return nil, apierrors.NewAlreadyExists(schema.GroupResource{Resource: "configmaps"}, m.Name)
	}
	c.world.configs[key] = m.DeepCopy()
	return m, nil
}

func (c configMaps) Update(context.Context, *corev1.ConfigMap, metav1.UpdateOptions) (*corev1.ConfigMap, error) {
	return nil, errors.New("a ConfigMap was made twice")
}
