//! The configuration that both run: all roles, with everything that can be said of them.

use std::fmt::Write;

/// Name of a job and its `kubernetes_sd_configs`, without the kubeconfig.
const JOBS: &[(&str, &str)] = &[
    ("node", "role: node"),
    (
        "node-labels",
        "role: node, selectors: [{role: node, label: 'kubernetes.io/hostname in (node1, node3)'}]",
    ),
    ("node-fields", "role: node, selectors: [{role: node, field: 'metadata.name=node2'}]"),
    ("pod", "role: pod"),
    ("pod-one-namespace", "role: pod, namespaces: {names: [other]}"),
    ("pod-two-namespaces", "role: pod, namespaces: {names: [shapes, gone, shapes]}"),
    ("pod-no-such-namespace", "role: pod, namespaces: {names: [nowhere]}"),
    ("pod-labels", "role: pod, selectors: [{role: pod, label: 'app=web'}]"),
    ("pod-fields", "role: pod, selectors: [{role: pod, field: 'spec.nodeName=node1,status.phase=Running'}]"),
    ("pod-nodes", "role: pod, attach_metadata: {node: true}"),
    (
        "pod-some-nodes",
        "role: pod, attach_metadata: {node: true}, selectors: [{role: node, label: 'kubernetes.io/hostname=node2'}]",
    ),
    (
        "pod-all",
        "role: pod, attach_metadata: {node: true, namespace: true, deployment: true, job: true, cronjob: true}",
    ),
    ("service", "role: service"),
    ("service-labels", "role: service, selectors: [{role: service, label: '!app'}]"),
    ("service-namespace", "role: service, namespaces: {names: [other]}, attach_metadata: {namespace: true}"),
    ("endpoints", "role: endpoints"),
    ("endpoints-two-namespaces", "role: endpoints, namespaces: {names: [shapes, other]}"),
    (
        "endpoints-all",
        "role: endpoints, attach_metadata: {node: true, namespace: true, deployment: true, job: true, cronjob: true}",
    ),
    (
        "endpoints-selected",
        "role: endpoints, selectors: [{role: endpoints, label: 'app in (web, agent)'}, {role: service, label: 'app=agent'}, {role: pod, label: 'app=web'}]",
    ),
    ("endpointslice", "role: endpointslice"),
    ("endpointslice-namespace", "role: endpointslice, namespaces: {names: [other]}"),
    (
        "endpointslice-all",
        "role: endpointslice, attach_metadata: {node: true, namespace: true, deployment: true, job: true, cronjob: true}",
    ),
    (
        "endpointslice-selected",
        "role: endpointslice, selectors: [{role: endpointslice, label: 'kubernetes.io/service-name'}, {role: service, label: 'app!=web'}, {role: pod, field: 'metadata.name!=odd'}]",
    ),
    ("ingress", "role: ingress"),
    (
        "ingress-all",
        "role: ingress, attach_metadata: {namespace: true}, selectors: [{role: ingress, label: app=many}]",
    ),
];

/// All jobs with the kubeconfig at `path`; each drops all its targets, so that none is scraped and all are shown.
pub(super) fn configuration(kubeconfig: &str) -> String {
    let mut out = "scrape_configs:\n".to_owned();
    for (name, sd) in JOBS {
        let _ = write!(
            out,
            "- job_name: {name}\n  kubernetes_sd_configs:\n  - {{kubeconfig_file: {kubeconfig}, {sd}}}\n  relabel_configs:\n  - {{action: drop}}\n"
        );
    }
    let _ = write!(
        out,
        "- job_name: mixed\n  kubernetes_sd_configs:\n  - {{kubeconfig_file: {kubeconfig}, role: ingress}}\n  - {{kubeconfig_file: {kubeconfig}, role: node}}\n  - {{api_server: 'http://10.99.0.1:8001', role: service}}\n  static_configs: [{{targets: ['x:1'], labels: {{a: b}}}}]\n  relabel_configs:\n  - {{action: drop}}\n"
    );
    out
}
