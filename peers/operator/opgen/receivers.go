package main

import (
	"context"
	"fmt"
	_ "unsafe" // for go:linkname

	"github.com/blang/semver/v4"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	_ "github.com/prometheus-operator/prometheus-operator/pkg/alertmanager" // the function below
	validation "github.com/prometheus-operator/prometheus-operator/pkg/alertmanager/validation/v1alpha1"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	monitoringv1alpha1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1alpha1"
	"github.com/prometheus-operator/prometheus-operator/pkg/assets"
	"github.com/prometheus-operator/prometheus-operator/pkg/operator"
)

// The operator's own function, which it keeps to itself.
//
//go:linkname checkAlertmanagerConfigResource github.com/prometheus-operator/prometheus-operator/pkg/alertmanager.checkAlertmanagerConfigResource
func checkAlertmanagerConfigResource(context.Context, *monitoringv1alpha1.AlertmanagerConfig, semver.Version, *assets.StoreBuilder) error

// judgeAlertmanagerConfigs says which AlertmanagerConfigs the operator takes: for each Alertmanager those that it selects, as
// its selectAlertmanagerConfigs does; those that nobody selects by the validation that its webhook does.
func (w *world) judgeAlertmanagerConfigs(ctx context.Context, a *answer) error {
	selected := map[string]bool{}
	for _, am := range w.managers {
		if err := w.judgeFor(ctx, a, am, selected); err != nil {
			return err
		}
	}
	for _, c := range w.amConfigs {
		key := c.Namespace + "/" + c.Name
		if !selected[key] {
			a.Verdicts = append(a.Verdicts, configVerdict(key, "", validation.ValidateAlertmanagerConfig(c)))
		}
	}
	return nil
}

func (w *world) judgeFor(ctx context.Context, a *answer, am *monitoringv1.Alertmanager, selected map[string]bool) error {
	if am.Spec.AlertmanagerConfigSelector == nil {
		return nil
	}
	version, err := semver.ParseTolerant(operator.StringValOrDefault(am.Spec.Version, operator.DefaultAlertmanagerVersion))
	if err != nil {
		return fmt.Errorf("failed to parse alertmanager version: %w", err)
	}
	namespaces := map[string]bool{am.Namespace: true}
	if of := am.Spec.AlertmanagerConfigNamespaceSelector; of != nil {
		if namespaces, err = w.namespacesOf(of); err != nil {
			return err
		}
	}
	selector, err := metav1.LabelSelectorAsSelector(am.Spec.AlertmanagerConfigSelector)
	if err != nil {
		return err
	}
	store := assets.NewStoreBuilder(w, w)
	for _, c := range w.amConfigs {
		if !namespaces[c.Namespace] || !selector.Matches(labels.Set(c.Labels)) {
			continue
		}
		key := c.Namespace + "/" + c.Name
		selected[key] = true
		v := configVerdict(key, am.Namespace+"/"+am.Name, checkAlertmanagerConfigResource(ctx, c, version, store))
		a.Verdicts = append(a.Verdicts, v)
	}
	return nil
}

func (w *world) namespacesOf(selector *metav1.LabelSelector) (map[string]bool, error) {
	matching, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, n := range w.namespaces {
		if matching.Matches(labels.Set(n.Labels)) {
			out[n.Name] = true
		}
	}
	return out, nil
}

func configVerdict(key, by string, err error) verdict {
	v := verdict{Kind: monitoringv1alpha1.AlertmanagerConfigKind, Key: key, By: by, Accepted: true}
	if err != nil {
		v.Accepted, v.Reason, v.Message = false, "InvalidConfiguration", err.Error()
	}
	return v
}
