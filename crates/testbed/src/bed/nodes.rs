//! The nodes: each with its own address and its own range for pods.

use serde_json::{Value, json};

use super::Options;
use crate::api::Api;

/// Nodes that one octet numbers.
const A_NET: usize = 250;

/// `node1`, … of as many digits as the number of nodes has: the names that the simulated fleet gives its hosts.
pub(super) fn name(i: usize, nodes: usize) -> String {
    let width = nodes.to_string().len();
    format!("node{:0width$}", i + 1)
}

/// 10.99.1.1, 10.99.1.2, …
pub(super) fn address(i: usize) -> String {
    format!("10.99.{}.{}", 1 + i / A_NET, 1 + i % A_NET)
}

/// The pods of node `i`: a /24 for each of the first 192 nodes, then they share.
fn pod_range(i: usize) -> String {
    format!("10.99.{}.0/24", 64 + i % 192)
}

/// Makes all nodes; a create keeps the addresses in the status, as a kubelet's registration does.
pub(super) fn create(api: &Api, options: &Options) -> anyhow::Result<()> {
    for i in 0..options.nodes {
        let windows = i + options.windows >= options.nodes;
        api.create(&node(i, options.nodes, if windows { "windows" } else { "linux" }), "kubelet")?;
    }
    Ok(())
}

fn node(i: usize, nodes: usize, os: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name(i, nodes),
            "labels": {
                "kubernetes.io/hostname": name(i, nodes),
                "kubernetes.io/os": os,
                "kubernetes.io/arch": "amd64",
            },
        },
        "spec": { "podCIDR": pod_range(i), "podCIDRs": [pod_range(i)] },
        "status": {
            "addresses": [
                { "type": "InternalIP", "address": address(i) },
                { "type": "Hostname", "address": name(i, nodes) },
            ],
            "nodeInfo": {
                "architecture": "amd64", "bootID": "", "containerRuntimeVersion": "kwok://0.8.0",
                "kernelVersion": "6.1.0", "kubeProxyVersion": "", "kubeletVersion": "v1.36.3",
                "machineID": "", "operatingSystem": os, "osImage": "", "systemUUID": "",
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_nodes_have_a_thousand_addresses() {
        let all: std::collections::HashSet<String> = (0..1000).map(address).collect();
        assert_eq!(all.len(), 1000);
        assert_eq!((address(0), address(250)), ("10.99.1.1".to_owned(), "10.99.2.1".to_owned()));
    }
}
